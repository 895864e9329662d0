"""One sensor per person, and the figures that outlive restarts: as states and registry show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
import pytest

from simulators.plex import Fault

from .ha_env import eventually, later

if TYPE_CHECKING:
    from typing import Any

    from freezegun.api import TickingDateTimeFactory
    from homeassistant.core import Event, EventStateChangedData

    from .ha_env import HaEnv

QUIET = {"live_mode": False, "batch_mode": False}
LIVE_KEYS = {"status", "progress", "plex_connected", "pulsarr_connected", "live_updates"}


def key_of(ha_env: HaEnv, name: str) -> str:
    """Return the key of a person's sensor."""
    return f"person_{ha_env.person(name)}"


def sensors_of_people(ha_env: HaEnv) -> set[str]:
    """Return the keys of the people's sensors that are registered."""
    registry = er.async_get(ha_env.hass)
    prefix = f"{ha_env.entry.entry_id}_"
    keys = {
        entity.unique_id.removeprefix(prefix)
        for entity in er.async_entries_for_config_entry(registry, ha_env.entry.entry_id)
    }
    return {key for key in keys if key.startswith("person_")}


def in_plex(ha_env: HaEnv, name: str) -> int:
    """Return how many of the titles that somebody wants have an item in the chosen libraries."""
    return sum(
        bool(ha_env.plex.state.items_of(title))
        for title in ha_env.world.catalog
        if title.key in ha_env.wanted_by(name)
    )


def figures(ha_env: HaEnv) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return what all sensors show but for those that tell of this very moment."""
    registry = er.async_get(ha_env.hass)
    prefix = f"{ha_env.entry.entry_id}_"
    found = {}
    for entity in er.async_entries_for_config_entry(registry, ha_env.entry.entry_id):
        state = ha_env.hass.states.get(entity.entity_id)
        key = entity.unique_id.removeprefix(prefix)
        if state is not None and entity.domain != "event" and key not in LIVE_KEYS:
            attributes = {k: v for k, v in state.attributes.items() if k != "access_token"}
            attributes.pop("entity_picture", None)
            found[key] = state.state, attributes
    return found


async def reload(ha_env: HaEnv) -> None:
    """Load the entry again."""
    assert await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()


async def test_each_person_has_a_sensor_of_what_became_of_the_wanted_titles(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    for name in ("rosa", "tim"):
        shown = ha_env.entity(key_of(ha_env, name))
        wanted, there = len(ha_env.wanted_by(name)), in_plex(ha_env, name)
        assert 0 < there < wanted
        assert shown.state == str(there)
        assert shown.name == f"{ha_env.plex.state.name} labels Titles of {name}"
        some = {
            key: shown.attributes[key]
            for key in ("person", "label", "wanted", "missing", "waiting")
        }
        assert some == {
            "person": name,
            "label": name,
            "wanted": wanted,
            "missing": wanted - there,
            "waiting": 0,
        }
        assert "unit_of_measurement" not in shown.attributes  # one of them would be "1 titles"
        assert ha_env.entity_id(key_of(ha_env, name)).endswith(f"_labels_titles_of_{name}")


async def test_wanted_title_shows_at_once_and_so_does_its_end(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    await ha_env.connected()
    before = int(ha_env.state(key_of(ha_env, "rosa")))
    title = ha_env.spare(in_plex=True)
    listed = ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await ha_env.call("sync_all", people=["rosa"])

    assert ha_env.state(key_of(ha_env, "rosa")) == str(before + 1)

    ha_env.pulsarr.state.unwant(listed.user_id, title)
    await ha_env.call("sync_all")
    assert ha_env.state(key_of(ha_env, "rosa")) == str(before)


async def test_person_comes_and_goes_with_the_sensor(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    before = sensors_of_people(ha_env)
    ben = ha_env.pulsarr.state.add_user("benedikt")
    ha_env.pulsarr.state.want(ben.id, ha_env.spare(in_plex=True))
    await ha_env.call("sync_all")
    assert sensors_of_people(ha_env) == before | {f"person_{ben.id}"}
    assert ha_env.state(f"person_{ben.id}") == "1"

    ha_env.pulsarr.state.remove_user(ben.id)
    await ha_env.call("sync_all")
    # One answer that lacks somebody is not believed yet.
    assert ha_env.state(f"person_{ben.id}") == "1"
    await later(ha_env, clock, 400)
    await ha_env.call("sync_all")
    assert sensors_of_people(ha_env) == before


async def test_renamed_person_keeps_the_sensor_with_the_new_name(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    key = key_of(ha_env, "rosa")
    entity_id, before = ha_env.entity_id(key), ha_env.state(key)
    ha_env.pulsarr.state.rename(ha_env.person("rosa"), "rosalind")

    await ha_env.call("sync_all")

    assert ha_env.entity_id(key) == entity_id
    assert ha_env.entity(key).name.endswith("Titles of rosalind")
    assert ha_env.entity(key).attributes["label"] == "rosalind"
    assert ha_env.state(key) == before


async def test_excluded_person_has_no_sensor(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    rosa, before = ha_env.person("rosa"), sensors_of_people(ha_env)
    ha_env.hass.config_entries.async_update_entry(
        ha_env.entry, options={**ha_env.entry.options, "exclude_people": [str(rosa)]}
    )
    await ha_env.settle()
    assert sensors_of_people(ha_env) == before - {f"person_{rosa}"}
    await ha_env.call("sync_all")
    assert sensors_of_people(ha_env) == before - {f"person_{rosa}"}


async def test_unreadable_list_changes_no_figure(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    before = figures(ha_env)
    rosa = ha_env.person("rosa")
    ha_env.pulsarr.faults.add(Fault("busy", match=rf"/users/{rosa}/watchlist", times=None))
    answer = await ha_env.call("sync_all")
    assert answer["status"] == "partial"

    after = figures(ha_env)
    people = {key: some for key, some in before.items() if key.startswith("person_")}
    assert {key: some for key, some in after.items() if key.startswith("person_")} == people
    await reload(ha_env)
    await ha_env.call("sync_all")
    after = figures(ha_env)
    assert {key: some for key, some in after.items() if key.startswith("person_")} == people
    assert after["titles_wanted"] == before["titles_wanted"]


async def test_person_of_whom_nothing_could_be_read_is_there_and_unknown(
    ha_env: HaEnv,
) -> None:
    rosa = ha_env.person("rosa")
    ha_env.pulsarr.faults.add(Fault("busy", match=rf"/users/{rosa}/watchlist", times=None))
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    shown = ha_env.entity(f"person_{rosa}")
    assert shown.state == STATE_UNKNOWN
    assert shown.attributes["label"] == "rosa"
    assert shown.attributes["wanted"] is None


async def test_answer_without_anyone_removes_no_one(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    before, people = figures(ha_env), dict(ha_env.pulsarr.state._users)
    ha_env.pulsarr.state._users.clear()
    await ha_env.call("sync_all")
    await ha_env.call("sync_all")
    ha_env.pulsarr.state._users.update(people)

    kept = {"titles_wanted", "titles_missing", "people", *sensors_of_people(ha_env)}
    assert len(kept) > 4
    assert {key: figures(ha_env)[key] for key in kept} == {key: before[key] for key in kept}


@pytest.mark.parametrize("held", [False, True])
async def test_no_figure_changes_through_a_reload(full_env: HaEnv, *, held: bool) -> None:
    if held:
        for listed in full_env.pulsarr.state.watchlist(full_env.person("rosa")):
            full_env.pulsarr.state.forget(listed.user_id, listed.catalog_key)
        await full_env.call("sync_all")
        assert full_env.state("problem") == "on"
    full_env.hass.config_entries.async_update_entry(
        full_env.entry, options={**full_env.entry.options, "batch_mode": False}
    )
    await full_env.settle()
    before = figures(full_env)
    assert before["labels_added"][0] == before["labels_added_total"][0]
    await reload(full_env)
    assert figures(full_env) == before


async def test_totals_grow_and_a_run_without_changes_hides_nothing(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    first = await ha_env.call("sync_all")
    assert ha_env.state("labels_added_total") == str(first["added"])
    ha_env.pulsarr.state.want(ha_env.person("rosa"), ha_env.spare(in_plex=True))
    second = await ha_env.call("sync_all")
    assert second["added"] > 0
    await ha_env.call("sync_all")
    for _ in range(2):
        assert ha_env.state("labels_added") == str(second["added"])
        assert ha_env.state("labels_added_total") == str(first["added"] + second["added"])
        await reload(ha_env)
    undone = await ha_env.call("undo")
    assert ha_env.state("labels_removed_total") == str(undone["removed"])
    assert ha_env.state("labels_added_total") == str(first["added"] + second["added"])


async def test_announced_title_waits_and_is_not_missing_meanwhile(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    key = key_of(ha_env, "rosa")
    title = ha_env.spare(in_plex=False)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")
    before = ha_env.entity(key)
    assert await ha_env.pulsarr.announce(title, force=True)
    await eventually(lambda: ha_env.state("pending") == "1")
    await ha_env.settle()

    after = ha_env.entity(key)
    assert ha_env.state("pending") == "1"
    assert after.attributes["waiting"] == before.attributes["waiting"] + 1
    assert after.attributes["missing"] == before.attributes["missing"] - 1
    await ha_env.call("drop_pending")
    assert ha_env.entity(key).attributes == before.attributes


async def test_sensor_of_a_person_is_written_only_when_it_changes(ha_env: HaEnv) -> None:
    await ha_env.set_up(**QUIET)
    await ha_env.call("sync_all")
    written: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        written.append(event.data["entity_id"])

    ha_env.hass.bus.async_listen("state_changed", note)
    await ha_env.call("sync_all")
    assert not [one for one in written if "titles_of" in one]
