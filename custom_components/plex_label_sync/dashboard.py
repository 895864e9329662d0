"""Build a ready-made dashboard for one entry, from standard cards and the entry's entities.

People's names are untrusted. Cards that show plain text use them unchanged; templates read them
from the states when they are rendered, and escape them there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import re
from typing import TYPE_CHECKING, Any, Final, override

from homeassistant.const import Platform
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.translation import async_get_translations
import yaml

from .const import DOMAIN
from .context import async_device_of
from .escaping import one_line
from .event import ACTIVITY
from .sync.person_id import named_id

if TYPE_CHECKING:
    from .runtime import Runtime
    from .texts import Texts

DASHBOARD: Final = "dashboard"  # the group of its texts
PERSON_PREFIX: Final = "person_"
# Home Assistant's display of responses wraps unindented lines longer than 80 characters.
SERVER_MAX: Final = 50  # characters of the server's name
LINE_LENGTH: Final = 10_000  # long enough that no line is wrapped
WEEKS_SHOWN: Final = 12
HOURS_SHOWN: Final = 24
# Home Assistant's redirect: the page for calling actions differs between releases.
ACTION_PAGE: Final = "/_my_redirect/developer_call_service?service="
FULL_WIDTH: Final = {"columns": "full"}
ICON_HEIGHT: Final = "32px"  # leaves room for two lines of text on a phone
REPAIRS_PAGE: Final = "/config/repairs"

type Card = dict[str, Any]

# The equivalent of `escaping.as_markdown` for names that only templates read.
ESCAPE: Final = r"""{%- macro text(name) -%}
{{ name | string | regex_replace('\\s+', ' ') | trim
| regex_replace('(?i)([\\\\`*_{}\\[\\]<>|~@&#!$=]|:(?=//)|(?<=www)\\.|^[-+])', '\\\\\\1') }}
{%- endmacro -%}
"""

# Finds people's sensors through the device, so that people may be added and removed.
BARS: Final = """{{%- set found = namespace(some=false) -%}}
{{%- for one in device_entities('{device}') | sort if state_attr(one, 'person') -%}}
{{%- set wanted = state_attr(one, 'wanted') | int(0) -%}}
{{%- set have = states(one) | int(0) -%}}
{{%- set full = [(8 * have / wanted) | round | int, 8] | min if wanted else 0 -%}}
{{%- if not found.some %}}
| {person} | | {labelled} |
|:--|:--|--:|
{{%- endif %}}
{{%- set found.some = true %}}
| {{{{ text(state_attr(one, 'person')) }}}} | {{{{ '█' * full }}}}{{{{ '░' * (8 - full) }}}} | {{{{ have }}}} / {{{{ wanted }}}} |
{{%- endfor %}}
{{%- if not found.some %}}
{no_people}
{{%- endif %}}"""

WAITING: Final = """{{%- set found = namespace(some=false) -%}}
{{%- for one in device_entities('{device}') | sort if state_attr(one, 'person') -%}}
{{%- set waiting = state_attr(one, 'waiting') | int(0) -%}}
{{%- set missing = state_attr(one, 'missing') | int(0) -%}}
{{%- if waiting or missing -%}}
{{%- if not found.some %}}
| {person} | {waiting} | {missing} |
|:--|--:|--:|
{{%- endif %}}
{{%- set found.some = true %}}
| {{{{ text(state_attr(one, 'person')) }}}} | {{{{ waiting }}}} | {{{{ missing }}}} |
{{%- endif -%}}
{{%- endfor %}}
{{%- if found.some %}}

{why}
{{%- else %}}
{nothing_waits}
{{%- endif %}}"""

ARRIVED: Final = """{{%- set title = state_attr('{entity}', 'title') -%}}
{{%- if title %}}
**{{{{ text(title) }}}}**
{{%- else %}}
{nothing_arrived}
{{%- endif %}}"""


@dataclass(frozen=True, slots=True)
class Source:
    """The input of a dashboard: entities and their names by key, and people with their sensors."""

    title: str
    texts: Mapping[str, str]
    entities: Mapping[str, str]
    names: Mapping[str, str]
    people: Sequence[tuple[str, str]]  # entity id of the person's sensor, and the person's name
    device_id: str | None
    activity: str | None  # the logbook shows its activities even while the entity is disabled

    def tile(self, key: str, name: str | None = None, **options: object) -> list[Card]:
        """Return a tile card for an entity, or an empty list if the entity is missing."""
        if (entity := self.entities.get(key)) is None:
            return []
        return [{"type": "tile", "entity": entity, "name": name or self.names[key], **options}]

    def press(self, key: str, icon: str) -> list[Card]:
        """Return a button card that presses a button entity, or an empty list if it is missing."""
        if (entity := self.entities.get(key)) is None:
            return []
        return [
            {
                "type": "button",
                "entity": entity,
                "name": self.names[key],
                "icon": icon,
                "icon_height": ICON_HEIGHT,
                "show_state": False,
                "tap_action": {"action": "toggle"},
            }
        ]

    def when(self, key: str, state: str, cards: Sequence[Card]) -> list[Card]:
        """Return cards that are visible only while an entity has the given state."""
        if (entity := self.entities.get(key)) is None:
            return []
        condition = {"condition": "state", "entity": entity, "state": state}
        return [{"type": "conditional", "conditions": [condition], "card": card} for card in cards]

    def template(self, template: str, **filled: str) -> Card:
        """Return a Markdown card whose template is filled only with ids and translated texts."""
        return _markdown(ESCAPE + template.format(**self.texts, **filled))

    def action_button(self, text: str, action: str, icon: str) -> Card:
        """Return a button card that opens the page for calling an action."""
        return {
            "type": "button",
            "name": self.texts[text],
            "icon": icon,
            "icon_height": ICON_HEIGHT,
            "tap_action": {
                "action": "navigate",
                "navigation_path": f"{ACTION_PAGE}{DOMAIN}.{action}",
            },
        }


async def async_dashboard_response(runtime: "Runtime", texts: "Texts") -> dict[str, Any]:
    """Return the dashboard of an entry as YAML text (`yaml`) and as data (`dashboard`)."""
    hass = runtime.context.hass
    translated = await async_get_translations(hass, texts.language, "entity", [DOMAIN])
    dashboard = dashboard_of(_source(runtime, texts, translated))
    # Slow with many people.
    text = await hass.async_add_executor_job(as_yaml, dashboard)
    return {"yaml": text, "dashboard": dashboard}


def _source(runtime: "Runtime", texts: "Texts", translated: Mapping[str, str]) -> Source:
    """Return an entry's entities and people, without disabled or missing entities."""
    hass, entry = runtime.context.hass, runtime.context.entry
    figures = runtime.coordinator.data.by_person or {}
    entities: dict[str, str] = {}
    names: dict[str, str] = {}
    people: list[tuple[str, str]] = []
    registry = er.async_get(hass)
    for one in er.async_entries_for_config_entry(registry, entry.entry_id):
        if one.disabled_by is not None or hass.states.get(one.entity_id) is None:
            continue
        key = one.unique_id.removeprefix(f"{entry.entry_id}_")
        number = key.removeprefix(PERSON_PREFIX)
        if number != key and (person_id := named_id(number)) is not None:
            known = figures.get(person_id)
            name = one.name or (known.name if known else one.original_name)
            people.append((one.entity_id, one_line(name or number)))
            continue
        path = f"component.{DOMAIN}.entity.{one.domain}.{one.translation_key}.name"
        entities[key] = one.entity_id
        names[key] = one_line(one.name or translated.get(path) or key)
    device = async_device_of(hass, entry)
    return Source(
        texts.phrase(DASHBOARD, "title", server=one_line(entry.title)[:SERVER_MAX]),
        texts.groups[DASHBOARD],
        entities,
        names,
        sorted(people, key=lambda person: person[1].casefold()),
        None if device is None else device.id,
        registry.async_get_entity_id(Platform.EVENT, DOMAIN, f"{entry.entry_id}_{ACTIVITY.key}"),
    )


def dashboard_of(source: Source) -> dict[str, Any]:
    """Return the dashboard as data."""
    sections = [
        _section(source, "now", "mdi:sync", _now(source)),
        _section(source, "people", "mdi:account-group", _people(source)),
        _section(source, "waits", "mdi:timer-sand", _waiting(source)),
        _section(source, "arrived", "mdi:movie-open-plus", _arrived(source)),
        _section(source, "weekly", "mdi:chart-bar", _weekly(source)),
        _section(source, "connections", "mdi:lan-connect", _connections(source)),
    ]
    view = {
        "title": source.title,
        "path": "labels",
        "icon": "mdi:label-multiple",
        "type": "sections",
        "max_columns": 3,
        "sections": [section for section in sections if section is not None],
    }
    return {"title": source.title, "views": [view]}


def _section(source: Source, heading: str, icon: str, cards: Sequence[Card]) -> Card | None:
    """Return a section with its heading, None if it would be empty."""
    if not cards:
        return None
    title = {"type": "heading", "heading": source.texts[heading], "icon": icon}
    return {"type": "grid", "cards": [title, *cards]}


def _now(source: Source) -> list[Card]:
    to_repairs = {"action": "navigate", "navigation_path": REPAIRS_PAGE}
    problem = source.tile("problem", source.texts["repairs"], color="red", tap_action=to_repairs)
    progress = source.entities.get("progress")
    gauge = {"type": "gauge", "entity": progress, "name": source.names.get("progress")}
    return [
        *source.tile("status", grid_options=FULL_WIDTH),
        *source.when("status", "syncing", [gauge] if progress else []),
        *source.when("status", "held", [_markdown(source.texts["held"])]),
        *source.when("problem", "on", problem),
        *source.tile("pending", grid_options=FULL_WIDTH),
        *source.tile("last_sync", grid_options=FULL_WIDTH),
        *source.press("sync_all", "mdi:sync"),
        *source.press("process_pending", "mdi:magnify"),
    ]


def _people(source: Source) -> list[Card]:
    if source.device_id is None:
        return []
    tiles = [{"type": "tile", "entity": entity, "name": name} for entity, name in source.people]
    return [source.template(BARS, device=source.device_id), *tiles]


def _waiting(source: Source) -> list[Card]:
    if source.device_id is None:
        return []
    kept_off = source.texts["kept_off"]
    return [
        source.template(WAITING, device=source.device_id),
        source.action_button("list_titles", "get_titles", "mdi:movie-search-outline"),
        source.action_button("list_pending", "get_pending", "mdi:tray-full"),
        *source.tile("overrides", kept_off, grid_options=FULL_WIDTH),
    ]


def _arrived(source: Source) -> list[Card]:
    cards: list[Card] = []
    if (image := source.entities.get("last_labelled")) is not None:
        picture = {
            "type": "picture-entity",
            "entity": image,
            "show_name": False,
            "show_state": False,
            "fit_mode": "contain",
            "aspect_ratio": "3:2",
        }
        there = [
            {"condition": "state", "entity": image, "state_not": state}
            for state in ("unknown", "unavailable")
        ]
        cards = [
            {"type": "conditional", "conditions": there, "card": picture},
            source.template(ARRIVED, entity=image),
        ]
    if source.activity is not None:
        cards.append(
            {"type": "logbook", "entities": [source.activity], "hours_to_show": HOURS_SHOWN},
        )
    return cards


def _weekly(source: Source) -> list[Card]:
    shown = [
        {"entity": source.entities[key], "name": source.names[key]}
        for key in ("labels_added_total", "labels_removed_total")
        if key in source.entities
    ]
    if not shown:
        return []
    return [
        {
            "type": "statistics-graph",
            "entities": shown,
            "period": "week",
            "stat_types": ["change"],
            "chart_type": "bar",
            "days_to_show": 7 * WEEKS_SHOWN,
        }
    ]


def _connections(source: Source) -> list[Card]:
    keys = (
        "plex_connected",
        "pulsarr_connected",
        "live_updates",
        "sharing_warnings",
        "live_mode",
        "batch_mode",
    )
    return [card for key in keys for card in source.tile(key, grid_options=FULL_WIDTH)]


def _markdown(content: str) -> Card:
    return {"type": "markdown", "grid_options": FULL_WIDTH, "content": content}


class _Dumper(yaml.SafeDumper):
    """Writes YAML that means the same in YAML 1.1 and 1.2."""

    @override
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text_node(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Return a text as a block if it has several lines, and quoted where it is ambiguous."""
    style = "|" if "\n" in text else None if re.match(r"[a-z]", text, re.IGNORECASE) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _text_node)


def as_yaml(dashboard: Mapping[str, Any]) -> str:
    """Return a dashboard as YAML."""
    return yaml.dump(
        dashboard, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=LINE_LENGTH
    )
