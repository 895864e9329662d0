"""`get_dashboard`: a finished dashboard with the entry's own entities, in five languages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from homeassistant.components.frontend import storage
from homeassistant.core import Context
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.template import Template
import pytest
import voluptuous as vol
import yaml

from custom_components.plex_label_sync.const import DOMAIN

from .markdown import HOSTILE, as_shown, signs_in
from .test_people import QUIET, key_of
from .texts import TEXTS, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .ha_env import HaEnv

ENTITY_ID: Final = re.compile(r"\b(?:binary_sensor|button|event|image|sensor|switch)\.\w+")
# Cards that the oldest supported Home Assistant has as well.
CARDS: Final = {
    "button",
    "conditional",
    "gauge",
    "grid",
    "heading",
    "logbook",
    "markdown",
    "picture-entity",
    "sections",
    "statistics-graph",
    "tile",
}


async def dashboard(ha_env: HaEnv, **data: Any) -> dict[str, Any]:
    """Return the dashboard as data, after a look at whether it is the same as YAML."""
    answer = await ha_env.call("get_dashboard", **data)
    assert answer.keys() == {"yaml", "dashboard"}
    made: dict[str, Any] = answer["dashboard"]
    assert yaml.safe_load(answer["yaml"]) == made
    # Home Assistant shows such a text as it is, only indented; others it breaks where they are wide.
    assert not [line for line in answer["yaml"].splitlines() if re.match(r"\S.{80}", line)]
    return made


def parts(node: Any) -> Iterator[dict[str, Any]]:
    """Return every card, section and view, also those within others."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from parts(one)


def used(made: dict[str, Any]) -> set[str]:
    """Return the entities that a dashboard names anywhere."""
    shown = re.sub(rf"{DOMAIN}\.\w+", "", str(made))
    return set(ENTITY_ID.findall(shown))


def named(made: dict[str, Any], entity_id: str) -> list[str]:
    """Return what the tiles of an entity are called."""
    return [
        one["name"]
        for one in parts(made)
        if one.get("type") == "tile" and one["entity"] == entity_id
    ]


def contents(ha_env: HaEnv, made: dict[str, Any]) -> list[str]:
    """Return what the Markdown cards show, rendered."""
    return [
        Template(one["content"], ha_env.hass).async_render(parse_result=False)
        for one in parts(made)
        if one.get("type") == "markdown"
    ]


def rename(ha_env: HaEnv, key: str, entity_id: str) -> None:
    """Give an entity another id."""
    registry = er.async_get(ha_env.hass)
    registry.async_update_entity(ha_env.entity_id(key), new_entity_id=entity_id)


async def test_dashboard_shows_people_and_nothing_but_entities_that_are_there(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")

    made = await dashboard(ha_env)

    states = ha_env.hass.states
    assert used(made) <= {state.entity_id for state in states.async_all()}
    assert {one["type"] for one in parts(made) if "type" in one} == CARDS
    for name in ("rosa", "tim"):
        assert named(made, ha_env.entity_id(key_of(ha_env, name))) == [name]
    for key in (
        "status",
        "problem",
        "overrides",
        "last_labelled",
        "activity",
        "labels_added_total",
    ):
        assert ha_env.entity_id(key) in used(made)
    (graph,) = [one for one in parts(made) if one.get("type") == "statistics-graph"]
    assert (graph["period"], graph["stat_types"]) == ("week", ["change"])
    assert graph["entities"][0]["entity"] == ha_env.entity_id("labels_added_total")
    assert "get_titles" in str(made)
    assert "get_pending" in str(made)


async def test_figures_of_people_are_those_of_their_sensors(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    made = await dashboard(ha_env)

    text = "\n\n".join(contents(ha_env, made))

    rosa = ha_env.entity(key_of(ha_env, "rosa"))
    figures_shown = rosa.attributes
    assert figures_shown["missing"]
    assert re.search(
        rf"^\| rosa \| [█░]{{8}} \| {rosa.state} / {figures_shown['wanted']} \|$",
        text,
        re.MULTILINE,
    )
    assert f"\n| rosa | {figures_shown['waiting']} | {figures_shown['missing']} |\n" in text
    assert f"**{ha_env.entity('last_labelled').attributes['title']}**" in text
    # A table needs an empty line or a beginning before it, and none within.
    tables = re.findall(r"(?:^\|.*\|\n?)+", text, re.MULTILINE)
    assert len(tables) == 2
    assert all(re.match(r"\|.*\|\n\|[:-]", table) for table in tables)


async def test_people_who_come_later_are_in_the_figures(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    made = await dashboard(ha_env)
    ha_env.pulsarr.state.add_user("zoe")
    ha_env.pulsarr.state.want(ha_env.person("zoe"), ha_env.spare(in_plex=True))
    await ha_env.call("sync_all")

    assert "| zoe | ████████ | 1 / 1 |" in "\n".join(contents(ha_env, made))


async def test_renamed_entities_are_named_as_they_are_now(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    old = {ha_env.entity_id(key) for key in ("status", "last_labelled", key_of(ha_env, "rosa"))}
    registry = er.async_get(ha_env.hass)
    registry.async_update_entity(ha_env.entity_id("pending"), name="Queue")
    rename(ha_env, "status", "sensor.how_it_goes")
    rename(ha_env, "last_labelled", "image.newest")
    rename(ha_env, key_of(ha_env, "rosa"), "sensor.rosas_films")
    await ha_env.settle()

    made = await dashboard(ha_env)

    assert {"sensor.how_it_goes", "image.newest", "sensor.rosas_films"} <= used(made)
    assert not old & used(made)
    assert named(made, ha_env.entity_id("pending")) == ["Queue"]
    assert "| rosa |" in "\n".join(contents(ha_env, made))


async def test_disabled_and_removed_entities_are_left_out(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    registry = er.async_get(ha_env.hass)
    keys = ("status", "problem", "labels_removed_total", key_of(ha_env, "tim"))
    unused = [ha_env.entity_id(key) for key in keys]
    for entity_id in unused:
        registry.async_update_entity(entity_id, disabled_by=er.RegistryEntryDisabler.USER)
    unused += [ha_env.entity_id(key) for key in ("last_labelled", "activity")]
    registry.async_remove(unused[-1])
    registry.async_remove(unused[-2])
    await ha_env.settle()

    made = await dashboard(ha_env)

    assert not used(made) & set(unused)
    assert TEXTS["selector"]["dashboard"]["options"]["arrived"] not in str(made)
    assert ha_env.entity_id("labels_added_total") in used(made)


async def test_dashboard_before_the_first_sync_says_that_no_one_is_there_yet(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(**QUIET)

    made = await dashboard(ha_env)

    text = "\n".join(contents(ha_env, made))
    texts = TEXTS["selector"]["dashboard"]["options"]
    for key in ("no_people", "nothing_waits", "nothing_arrived"):
        assert texts[key] in text


@pytest.mark.parametrize("language", ["de", "en", "es", "fr", "nl"])
async def test_dashboard_speaks_the_language_that_is_asked_for(
    ha_env: HaEnv, language: str
) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")

    made = await dashboard(ha_env, language=language)

    file = read_json(f"translations/{language}.json")
    texts = file["selector"]["dashboard"]["options"]
    headings = [one["heading"] for one in parts(made) if one.get("type") == "heading"]
    assert headings == [
        texts[key] for key in ("now", "people", "waits", "arrived", "weekly", "connections")
    ]
    assert made["title"] == texts["title"].format(server=ha_env.entry.title)
    assert named(made, ha_env.entity_id("status")) == [file["entity"]["sensor"]["status"]["name"]]
    text = "\n".join(contents(ha_env, made))
    assert f"| {texts['person']} | {texts['waiting']} | {texts['missing']} |" in text
    assert texts["why"] in text
    templates = [key for key, one in texts.items() if re.search(r"[{}%#|\\]", one)]
    assert templates == ["title"]  # the others are filled into templates


async def test_language_is_that_of_who_asks_else_that_of_the_house(ha_env: HaEnv) -> None:
    hass = ha_env.hass
    await hass.config.async_update(language="fr")
    await ha_env.set_up(**QUIET)
    french = read_json("translations/fr.json")["selector"]["dashboard"]["options"]
    dutch = read_json("translations/nl.json")["selector"]["dashboard"]["options"]
    assert french["people"] in str(await dashboard(ha_env))
    user = await hass.auth.async_create_user("Anna", group_ids=["system-users"])
    found: Any = await storage.async_user_store(hass, user.id)
    if isinstance(found, tuple):
        store, data = found
        data["language"] = {"language": "nl"}
        await store.async_save(data)
    else:
        await found.async_set_item("language", {"language": "nl"})

    answer: Any = await hass.services.async_call(
        DOMAIN,
        "get_dashboard",
        {},
        blocking=True,
        return_response=True,
        context=Context(user_id=user.id),
    )

    assert dutch["waits"] in answer["yaml"]


async def test_language_that_is_none_is_refused(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    with pytest.raises(vol.Invalid):
        await ha_env.call("get_dashboard", language="../icons")


@pytest.mark.parametrize("name", [*HOSTILE, "1e3", "0o17", "yes", "!secret x", "~", "- a: b"])
async def test_names_are_text_wherever_they_stand(ha_env: HaEnv, name: str) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    shown = ha_env.entity(key_of(ha_env, "rosa"))
    image = ha_env.entity("last_labelled")
    registry = er.async_get(ha_env.hass)
    registry.async_update_entity(shown.entity_id, name=name)
    ha_env.hass.config_entries.async_update_entry(ha_env.entry, title=name)
    await ha_env.settle()
    states = ha_env.hass.states
    states.async_set(shown.entity_id, "1", {**shown.attributes, "person": name})
    states.async_set(image.entity_id, image.state, {"title": name})

    made = await dashboard(ha_env)

    for one in parts(made):
        assert name not in one.get("content", "") or len(name) < 10
    table, waiting, arrived = contents(ha_env, made)[-3:]
    (row,) = [line for line in table.splitlines() if line.endswith(f"| 1 / {wanted_of(shown)} |")]
    cells = re.split(r"(?<!\\)\|", row.replace("\\\\", "··"))
    assert len(cells) == 5
    for text in (row.partition(" | ░")[0].partition(" | █")[0][2:], arrived.strip().strip("*")):
        assert " ".join(name.split()) in as_shown(text)
        assert signs_in(text) == []
    assert "\n| " in waiting


def wanted_of(state: Any) -> int:
    """Return how many titles somebody wants."""
    number: int = state.attributes["wanted"]
    return number
