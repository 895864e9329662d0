"""The logbook's sentences about what the integration does, and what its activities carry."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from homeassistant.core import Event, callback
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.event import EVENT_ACTIVITY
from custom_components.plex_label_sync.logbook import async_describe_events

from .ha_env import later
from .test_held_runs import forget
from .texts import COMPONENT, TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from freezegun.api import TickingDateTimeFactory
    from homeassistant.core import HomeAssistant

    from .ha_env import HaEnv

    type Lines = Callable[[], list[str]]

pytestmark = pytest.mark.usefixtures("clock")


def described(hass: HomeAssistant, event: Event[Any]) -> str:
    """Return the line that the logbook makes of an event."""
    describers: dict[str, Callable[[Event[Any]], dict[str, Any]]] = {}

    def describe(domain: str, event_type: str, describer: Callable[[Event[Any]], Any]) -> None:
        assert domain == DOMAIN
        describers[event_type] = describer

    async_describe_events(hass, describe)
    line = describers[str(event.event_type)](event)
    assert line.keys() == {"name", "message", "icon"}
    assert line["icon"].startswith("mdi:")
    return f"{line['name']} {line['message']}"


@pytest.fixture
def lines(ha_env: HaEnv) -> Lines:
    """Return the lines since the beginning."""
    events = async_capture_events(ha_env.hass, EVENT_ACTIVITY)

    def read() -> list[str]:
        return [
            described(ha_env.hass, event).removeprefix(f"{ha_env.plex.state.name} ")
            for event in events
        ]

    return read


def device_of(ha_env: HaEnv, key: str) -> str | None:
    """Return the device of an entity."""
    entity = er.async_get(ha_env.hass).async_get(ha_env.entity_id(key))
    assert entity is not None
    return entity.device_id


async def soon(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    """Let what was announced be acted on."""
    await ha_env.settle()
    await later(ha_env, clock, 1)


async def test_disabled_entity_leaves_one_line_for_each_happening(
    ha_env: HaEnv, lines: Lines
) -> None:
    """Home Assistant adds a line to every state of an event entity; the sentences stay."""
    await ha_env.set_up(batch_mode=False)
    activity = ha_env.entity_id("activity")
    er.async_get(ha_env.hass).async_update_entity(
        activity, disabled_by=er.RegistryEntryDisabler.USER
    )
    assert await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()
    fired = async_capture_events(ha_env.hass, EVENT_ACTIVITY)
    before = len(lines())

    await ha_env.call("sync_all")
    undone = (await ha_env.call("remove_labels", people=["rosa"]))["run_id"]
    await ha_env.call("undo", run_id=undone)

    assert ha_env.hass.states.get(activity) is None
    assert [event.data["entity_id"] for event in fired] == [activity] * 3
    shown = lines()[before:]
    assert len(shown) == 3
    assert shown[0].startswith("finished a full sync: ")
    assert re.fullmatch(r"removed the labels of rosa: labels removed: \d+ \(automation\)", shown[1])
    assert re.fullmatch(r"undid a run: labels added: \d+ \(automation\)", shown[2])


async def test_full_syncs_are_reported(ha_env: HaEnv, lines: Lines) -> None:
    await ha_env.set_up()
    added = ha_env.state("labels_added")
    await ha_env.call("sync_all")

    assert lines() == [
        f"finished a full sync: labels added: {added} (start-up)",
        "finished a full sync: nothing to change (automation)",
    ]


async def test_labelled_title_is_reported_with_its_people(
    ha_env: HaEnv, clock: TickingDateTimeFactory, lines: Lines
) -> None:
    await ha_env.set_up(batch_mode=False)
    title = ha_env.spare(in_plex=True)
    for name in ("rosa", "tim"):
        await ha_env.pulsarr.want(ha_env.person(name), title, force=True)
    await soon(ha_env, clock)

    assert lines()[1:] == [f"labelled {title.title} for rosa and tim"]


async def test_waiting_for_a_title_is_reported_from_beginning_to_end(
    ha_env: HaEnv, clock: TickingDateTimeFactory, lines: Lines
) -> None:
    await ha_env.set_up(batch_mode=False)
    found, lost = (
        ha_env.spare("movie", in_plex=False),
        ha_env.spare("show", in_plex=False),
    )
    for title in (found, lost):
        await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
        assert await ha_env.pulsarr.announce(title, force=True)
    await soon(ha_env, clock)
    await ha_env.plex.import_title(found)
    await later(ha_env, clock, 60)
    await later(ha_env, clock, 3600)
    await later(ha_env, clock, 60)

    assert lines()[1:] == [
        f"is waiting for {found.title} to appear in Plex",
        f"is waiting for {lost.title} to appear in Plex",
        f"is no longer waiting for {found.title}",
        f"labelled {found.title} for rosa",
        f"gave up waiting for {lost.title}",
    ]


async def test_held_sync_is_reported(full_env: HaEnv, lines: Lines) -> None:
    labels = len(full_env.plex.state.carriers("rosa"))
    forget(full_env)
    await full_env.call("sync_all")

    assert lines()[-1] == f"needs approval to remove {labels} labels (automation)"
    await full_env.call("sync_all")
    assert lines()[-1] == f"finished a full sync: held: {labels} (automation)"


async def test_vanished_labels_are_reported(full_env: HaEnv, lines: Lines) -> None:
    items = full_env.plex.state.carriers("rosa")
    for item in items:
        full_env.plex.state.remove_label(item.rating_key, "rosa")
    await full_env.call("sync_all")

    asked = f"needs a decision about {len(items)} labels missing from Plex"
    assert lines()[-1] == f"{asked} (automation)"
    await full_env.call("sync_all")
    assert lines()[-1] == f"finished a full sync: held: {len(items)} (automation)"


@pytest.mark.parametrize(
    ("shown", "line"),
    [
        ({"activity": "labels_changed", "title": "Dune", "people": ["a"]}, "labelled Dune for a"),
        (
            {"activity": "labels_changed", "title": "Dune", "people": ["a", "b", "c"]},
            "labelled Dune for a, b and c",
        ),
        (
            {"activity": "labels_changed", "title": "Dune", "people": [], "labels": ["removed"]},
            "changed the labels of Dune: removed",
        ),
        ({"activity": "labels_changed", "people": ["a"]}, "labels changed"),
        (
            {"activity": "sync_finished", "added": 3, "removed": 1, "failed": 2},
            "finished a full sync: labels added: 3, labels removed: 1, not written: 2",
        ),
        (
            {"activity": "sync_finished", "added": 3, "gaps": 2, "started_by": "Ada"},
            "finished a full sync: labels added: 3, unreadable: 2 (Ada)",
        ),
        (
            {"activity": "labels_removed", "people": []},
            "removed the labels of everyone: nothing to change",
        ),
        (
            {"activity": "gap_opened", "kind": "person", "names": ["a", "b"], "count": 4},
            "cannot read the watchlist of a, b and 2 more",
        ),
        ({"activity": "gap_closed", "kind": "item", "names": ["Dune"]}, "can read Dune again"),
        (
            {"activity": "sync_finished", "started_by": "unknown"},
            "finished a full sync: nothing to change",
        ),
        ({"activity": "something_new"}, "something new"),
    ],
)
async def test_line_of_an_event_in_the_records(
    ha_env: HaEnv, shown: dict[str, Any], line: str
) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    event: Event[Any] = Event(EVENT_ACTIVITY, shown)
    assert described(ha_env.hass, event) == f"Plex Label Sync {line}"


async def test_activity_carries_everything_that_a_message_needs(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(batch_mode=False)
    fired = async_capture_events(ha_env.hass, EVENT_ACTIVITY)
    contexts: list[str] = []

    @callback
    def note(event: Event[Any]) -> None:
        if event.data["entity_id"] == ha_env.entity_id("activity"):
            contexts.append(event.context.id)

    ha_env.hass.bus.async_listen("state_changed", note)
    title = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    await soon(ha_env, clock)

    items = ha_env.plex.state.items_of(title)
    carried = {
        "title": title.title,
        "type": "movie",
        "people": ["rosa"],
        "labels": ["Rosa"],
        "poster": f"https://metadata-static.plex.tv/{title.key}.jpg",
        "rating_key": min((item.rating_key for item in items), key=int),
    }
    attributes = ha_env.entity("activity").attributes
    assert attributes["event_type"] == "labels_changed"
    assert {key: attributes[key] for key in carried} == carried
    (event,) = fired
    assert event.data == {
        "entity_id": ha_env.entity_id("activity"),
        "device_id": device_of(ha_env, "activity"),
        "config_entry_id": ha_env.entry.entry_id,
        "server": ha_env.plex.state.name,
        "activity": "labels_changed",
        "person_entities": event.data["person_entities"],
        **carried,
    }
    assert contexts == [event.context.id]


@pytest.mark.parametrize(
    "thumb",
    [
        None,
        "http://127.0.0.1:32400/library/metadata/7/thumb/1?X-Plex-Token=plex-token-of-the-tests",
        "https://plex.example.org/library/metadata/7/thumb/1?X-Plex-Token=plex-token-of-the-tests",
        "/library/metadata/7/thumb/1",
        "https://somebody:secret@example.org/poster.jpg",
        "https://[",
    ],
)
async def test_poster_is_public_or_there_is_none(
    ha_env: HaEnv, clock: TickingDateTimeFactory, thumb: str | None
) -> None:
    await ha_env.set_up(batch_mode=False)
    title = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, thumb=thumb, force=True)
    await soon(ha_env, clock)

    attributes = ha_env.entity("activity").attributes
    assert attributes["title"] == title.title
    assert attributes["poster"] is None


async def test_only_those_are_notified_whose_labels_are_new(
    ha_env: HaEnv, clock: TickingDateTimeFactory, lines: Lines
) -> None:
    await ha_env.set_up(batch_mode=False)
    title = ha_env.spare(in_plex=True)
    for name in ("rosa", "tim"):
        await ha_env.pulsarr.want(ha_env.person(name), title, force=True)
        await soon(ha_env, clock)

    assert lines()[1:] == [f"labelled {title.title} for rosa", f"labelled {title.title} for tim"]
    assert ha_env.entity("activity").attributes["labels"] == ["Tim"]


async def test_title_that_only_a_full_sync_finds_is_reported_as_well(
    ha_env: HaEnv, lines: Lines
) -> None:
    await ha_env.set_up(live_mode=False)
    title = ha_env.spare(in_plex=True)
    for name in ("rosa", "tim"):
        ha_env.pulsarr.state.want(ha_env.person(name), title)
    await ha_env.call("sync_all")

    labels = 2 * len(ha_env.plex.state.items_of(title))
    assert lines()[-2:] == [
        f"labelled {title.title} for rosa and tim",
        f"finished a full sync: labels added: {labels} (automation)",
    ]


async def test_full_sync_that_labels_a_whole_library_is_reported_in_one_sentence(
    ha_env: HaEnv, lines: Lines
) -> None:
    await ha_env.set_up(live_mode=False)
    before = len(lines())
    for title in ha_env.world.catalog:
        ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")

    assert len(lines()) == before + 1


async def test_renamed_persons_labels_are_not_new(ha_env: HaEnv, lines: Lines) -> None:
    await ha_env.set_up(live_mode=False, libraries=["2"])
    before = len(lines())
    ha_env.pulsarr.state.change_user(ha_env.person("rosa"), name="rosalind")
    answer = await ha_env.call("sync_all")

    assert answer["added"] == answer["removed"] > 0
    assert len(lines()) == before + 1


async def test_sentences_are_in_the_language_of_home_assistant(ha_env: HaEnv) -> None:
    await ha_env.hass.config.async_update(language="de")
    await ha_env.set_up(batch_mode=False, live_mode=False)
    shown = {"activity": "labels_changed", "title": "Dune", "people": ["anna", "ben"]}

    line = described(ha_env.hass, Event(EVENT_ACTIVITY, shown))

    german = json.loads((COMPONENT / "translations" / "de.json").read_text(encoding="utf-8"))
    people = german["common"]["and"].format(first="anna", last="ben")
    sentence = german["common"]["labels_changed"].format(title="Dune", people=people)
    assert line == f"Plex Label Sync {sentence}"
    assert sentence not in str(TEXTS)


@pytest.mark.parametrize(("removals", "labels"), [(1, "1 label"), (2, "2 labels")])
async def test_labels_are_counted_in_the_singular_and_the_plural(
    ha_env: HaEnv, removals: int, labels: str
) -> None:
    await ha_env.set_up()
    held = {"activity": "run_held", "server": "Plex", "removals": removals, "vanished": 0}
    event: Event[Any] = Event(EVENT_ACTIVITY, held)
    assert described(ha_env.hass, event) == f"Plex needs approval to remove {labels}"
    vanished: Event[Any] = Event(EVENT_ACTIVITY, {**held, "vanished": removals})
    line = described(ha_env.hass, vanished)
    assert line == f"Plex needs a decision about {labels} missing from Plex"
