"""Reads that smell: nothing is taken off, what is beyond doubt is added, and it is told until somebody decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from simulators.plex import Fault

from .test_held_runs import forget, issue
from .test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from .ha_env import HaEnv

LISTING = "/library/sections/{id}/all"


def all_labels(ha_env: HaEnv) -> dict[str, set[str]]:
    """Return every item's labels."""
    return {key: set(item.labels) for key, item in ha_env.plex.state.items.items()}


def reported_as_held(ha_env: HaEnv, events: list[Any]) -> int:
    """Return how often the activity event said that a run is held."""
    wanted = ha_env.entity_id("activity")
    states = [one.data["new_state"] for one in events if one.data["entity_id"] == wanted]
    return sum(
        state is not None and state.attributes.get("event_type") == "run_held" for state in states
    )


@pytest.mark.parametrize(
    ("smell", "question"),
    [
        ("nobody listed", "nobody_listed"),
        ("a fraction of the titles", "watchlists_shrunk"),
        ("labels vanished", "labels_vanished"),
    ],
)
async def test_held_run_removes_nothing_and_is_reported_until_someone_decides(
    full_env: HaEnv,
    smell: str,
    question: str,
) -> None:
    new = full_env.spare("show", in_plex=True)
    match smell:
        case "nobody listed":
            for user in full_env.pulsarr.state.users():
                full_env.pulsarr.state.remove_user(user.id)
        case "a fraction of the titles":
            forget(full_env)
            full_env.pulsarr.state.want(full_env.person("tim"), new)
        case "labels vanished":
            for item in full_env.plex.state.carriers("rosa"):
                full_env.plex.state.remove_label(item.rating_key, "rosa")
            full_env.pulsarr.state.want(full_env.person("tim"), new)
    before = all_labels(full_env)
    events = async_capture_events(full_env.hass, "state_changed")

    answer = await full_env.call("sync_all")

    assert (answer["status"], answer["removed"]) == ("held", 0)
    assert all(labels <= all_labels(full_env)[key] for key, labels in before.items())
    if smell != "nobody listed":
        assert all("tim" in labels for labels in full_env.labels(new))
    assert reported_as_held(full_env, events) == 1

    # The next syncs and a restart change nothing about that.
    await full_env.call("sync_all")
    await full_env.hass.config_entries.async_reload(full_env.entry.entry_id)
    await full_env.settle()
    asked = issue(full_env)
    assert asked is not None
    assert asked.translation_key == question
    assert full_env.state("problem") == "on"
    assert full_env.state("status") == "held"
    assert reported_as_held(full_env, events) == 1
    assert all(labels <= all_labels(full_env)[key] for key, labels in before.items())


@pytest.mark.parametrize("smell", ["filter ignored", "listing shorter"])
async def test_read_that_says_less_costs_no_label_that_someone_wants(
    full_env: HaEnv, smell: str
) -> None:
    before = all_labels(full_env)
    if smell == "filter ignored":
        # Where items tell no labels, nothing but the filter does.
        full_env.plex.knobs = replace(
            full_env.plex.knobs, label_filter_broken=True, labels_on_items=False
        )
    else:
        full_env.plex.faults.add(Fault("short_page", route=LISTING, times=None))

    answer = await full_env.call("sync_all", allow_mass_removal=True)

    assert (answer["status"], answer["removed"]) == ("partial", 0)
    assert answer["gaps"]
    assert all(labels <= all_labels(full_env)[key] for key, labels in before.items())


@pytest.mark.parametrize("smell", ["listing cut", "watchlists cut"])
async def test_read_that_cannot_be_true_ends_the_run_before_anything_is_written(
    full_env: HaEnv,
    smell: str,
) -> None:
    forget(full_env)
    full_env.pulsarr.state.want(full_env.person("tim"), full_env.spare("show", in_plex=True))
    match smell:
        case "listing cut":
            full_env.plex.faults.add(Fault("truncated", route=LISTING, times=None))
        case "watchlists cut":
            full_env.pulsarr.faults.add(Fault("truncated", times=None))
    before = all_labels(full_env)
    puts = full_env.plex.stats.puts

    with pytest.raises(HomeAssistantError) as refused:
        await full_env.call("sync_all", allow_mass_removal=True)

    assert refused.value.translation_key is not None
    assert refused.value.translation_key.endswith("_implausible")
    assert full_env.plex.stats.puts == puts
    assert all_labels(full_env) == before
    assert full_env.state("problem") == "on"
    assert full_env.state("status") == "error"


async def test_labels_that_were_all_removed_come_back_with_the_next_sync(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(live_mode=False)

    await ha_env.call("remove_labels")
    assert ha_env.state("labelled_items") == "0"
    await ha_env.call("sync_all")

    assert_everything_is_labelled(ha_env)


async def test_labels_that_were_all_removed_stay_off_while_syncs_are_off(
    ha_env: HaEnv,
) -> None:
    before = all_labels(ha_env)
    await ha_env.set_up(live_mode=False)
    for key in ("batch_mode", "live_mode"):
        await ha_env.hass.services.async_call(
            "switch", "turn_off", {"entity_id": ha_env.entity_id(key)}, blocking=True
        )

    await ha_env.call("remove_labels")
    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()

    assert all_labels(ha_env) == before


async def test_try_of_a_removal_for_some_people_removes_nothing(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    before = all_labels(ha_env)
    carried = len(ha_env.plex.state.carriers("rosa"))

    answer = await ha_env.call("remove_labels", people=["rosa"], dry_run=True)

    assert answer["removed"] == answer["changes_total"] == carried
    assert {one["label"].casefold() for one in answer["changes"]} == {"rosa"}
    assert all_labels(ha_env) == before


async def test_removal_can_be_undone(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    before = all_labels(ha_env)
    await ha_env.call("remove_labels")

    answer = await ha_env.call("undo")

    assert answer["skipped"] == 0
    assert all_labels(ha_env) == before


async def test_run_that_was_cut_off_can_be_undone(ha_env: HaEnv) -> None:
    before = all_labels(ha_env)
    await ha_env.set_up(live_mode=False, batch_mode=False)
    # The first edit is done, the others are refused until the run gives up.
    ha_env.plex.faults.add(Fault(kind="busy", method="PUT", nth=2, times=None))
    done = await ha_env.call("sync_all")
    assert done["status"] == "failed"
    assert done["added"] > 0
    ha_env.plex.faults.clear()

    answer = await ha_env.call("undo", run_id=done["run_id"])

    assert answer["removed"] == done["added"]
    assert answer["skipped"] == 0
    assert all_labels(ha_env) == before


async def test_undo_counts_what_was_changed_since_and_takes_back_the_rest(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(live_mode=False)
    (deleted, off, *_) = ha_env.plex.state.carriers("rosa")
    ha_env.plex.state.delete_item(deleted.rating_key)
    ha_env.plex.state.remove_label(off.rating_key, "rosa")
    (run,) = (await ha_env.call("get_runs"))["runs"]

    answer = await ha_env.call("undo")

    assert answer["skipped"] >= 2
    assert answer["removed"] == run["added"] - answer["skipped"]
    assert ha_env.plex.state.carriers("rosa") == []
    undone = await ha_env.call("undo", run_id=answer["run_id"])
    assert (undone["added"], undone["skipped"]) == (answer["removed"], 0)
