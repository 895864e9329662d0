"""The actions: what they do, what they answer, and how they refuse."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_label_sync.const import DOMAIN
from simulators.plex import Fault

from .test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from .household import Household

RESPONSE_KEYS = {
    "run_id",
    "dry_run",
    "status",
    "people",
    "titles",
    "items",
    "added",
    "removed",
    "unchanged",
    "not_in_plex",
    "overridden",
    "held",
    "hold_reasons",
    "gaps",
    "failed",
    "duration",
    "changes",
    "changes_total",
}


async def test_dry_run_tells_the_changes_and_writes_nothing(household: Household) -> None:
    await household.set_up(batch_mode=False, live_mode=False)

    planned = await household.call("sync_all", dry_run=True)

    assert set(planned) == RESPONSE_KEYS
    assert planned["dry_run"] is True
    assert planned["status"] == "done"
    assert planned["added"] == planned["changes_total"] == len(planned["changes"]) > 0
    assert set(planned["changes"][0]) == {
        "action",
        "label",
        "library",
        "library_key",
        "rating_key",
        "title",
        "people",
        "reason",
        "reason_code",
        "reason_data",
        "held",
    }
    assert household.plex.stats.puts == 0
    assert household.state("last_sync") == "unknown"

    done = await household.call("sync_all")
    assert done["changes"] == planned["changes"]
    assert_everything_is_labelled(household)


async def test_reason_of_a_change_names_the_people(household: Household) -> None:
    await household.set_up(batch_mode=False, live_mode=False)
    planned = await household.call("sync_all", dry_run=True)

    rosas = [one for one in planned["changes"] if one["label"].casefold() == "rosa"]

    assert rosas
    assert {one["reason"] for one in rosas} == {"rosa wants it"}


async def test_second_sync_writes_nothing_and_reads_no_more_than_it_must(
    household: Household,
) -> None:
    await household.set_up()
    household.plex.stats.reset()
    household.pulsarr.stats.reset()

    again = await household.call("sync_all")

    people = len(household.pulsarr.state.users())
    labelled_people = sum(person.can_sync for person in household.pulsarr.state.users())
    pages = libraries = 3
    assert household.plex.stats.puts == 0
    assert household.plex.stats.gets <= 1 + pages + libraries + libraries * labelled_people
    assert household.pulsarr.stats.total <= 1 + people
    assert (again["added"], again["removed"], again["failed"]) == (0, 0, 0)
    assert again["unchanged"] > 0


async def test_sync_can_be_limited_to_people(household: Household) -> None:
    await household.set_up(batch_mode=False, live_mode=False)

    answer = await household.call("sync_all", people=["TIM"])

    assert {one["label"].casefold() for one in answer["changes"]} == {"tim"}
    assert household.state("last_sync") == "unknown"


async def test_sync_can_be_limited_to_libraries(household: Household) -> None:
    await household.set_up(batch_mode=False, live_mode=False)

    answer = await household.call("sync_all", libraries=["tv shows"])

    named = {(one["library"], one["library_key"]) for one in answer["changes"]}
    assert named == {(household.plex.state.libraries["2"].title, "2")}


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"people": ["nobody"]}, "unknown_person"),
        ({"libraries": ["Music"]}, "unknown_library"),
        ({"config_entry_id": "of another integration"}, "entry_not_found"),
    ],
)
async def test_what_is_not_there_is_refused_by_name(
    household: Household, data: dict[str, object], key: str
) -> None:
    await household.set_up()
    household.plex.stats.reset()

    with pytest.raises(ServiceValidationError) as refused:
        await household.call("sync_all", **data)

    assert refused.value.translation_key == key
    assert household.plex.stats.puts == 0
    assert household.state("status") == "idle"


async def test_entry_must_be_named_when_there_are_several(household: Household) -> None:
    await household.set_up()
    MockConfigEntry(domain=DOMAIN, title="Another server").add_to_hass(household.hass)

    with pytest.raises(ServiceValidationError) as refused:
        await household.call("sync_all")
    assert refused.value.translation_key == "several_entries"

    answer = await household.call("sync_all", config_entry_id=household.entry.entry_id)
    assert answer["status"] == "done"


async def test_entry_that_is_not_loaded_is_refused(household: Household) -> None:
    await household.set_up()
    await household.hass.config_entries.async_unload(household.entry.entry_id)

    with pytest.raises(ServiceValidationError) as refused:
        await household.call("get_pending")

    assert refused.value.translation_key == "entry_not_loaded"


@pytest.mark.parametrize("action", ["sync_all", "process_pending"])
async def test_run_that_could_do_nothing_is_an_error_with_a_reason(
    household: Household, action: str
) -> None:
    await household.set_up()
    title = household.spare(in_plex=False)
    await household.pulsarr.wish(household.person("rosa"), title)
    await household.pulsarr.announce(title)
    await household.settle()
    household.plex.faults.add(Fault(kind="html", route="/library/sections", times=9))

    with pytest.raises(HomeAssistantError) as raised:
        await household.call(action)
    await household.settle()

    assert raised.value.translation_key == "plex_wrong_service"
    assert household.state("status") == "error"


async def test_equal_syncs_that_wait_at_the_same_time_are_one(household: Household) -> None:
    await household.set_up()
    household.plex.stats.reset()

    answers = await asyncio.gather(*(household.call("sync_all") for _ in range(5)))

    # The first one begins at once, and may miss what the others are about.
    assert len({answer["run_id"] for answer in answers}) == 2
    assert household.plex.stats.count("GET", "/library/sections") == 2


async def test_different_syncs_at_the_same_time_follow_each_other(household: Household) -> None:
    await household.set_up(batch_mode=False, live_mode=False)
    household.plex.knobs = replace(household.plex.knobs, get_seconds=0.005)

    first, second = await asyncio.gather(
        household.call("sync_all"), household.call("sync_all", people=["rosa"])
    )

    assert first["run_id"] != second["run_id"]
    assert first["added"] > 0
    assert second["added"] == 0


async def test_run_claims_only_what_is_in_plex(household: Household) -> None:
    await household.set_up(batch_mode=False, live_mode=False)
    planned = await household.call("sync_all", dry_run=True)
    # The first edit is done, the second one is refused until the integration gives up.
    household.plex.faults.add(Fault(kind="busy", method="PUT", nth=2, times=None))

    answer = await household.call("sync_all")

    assert answer["status"] == "failed"
    assert 0 < answer["added"] < planned["added"]
    assert answer["added"] + answer["failed"] == planned["added"]
    for change in answer["changes"]:
        labels = household.plex.state.labels_of(change["rating_key"])
        assert change["label"].casefold() in {label.casefold() for label in labels}
    assert household.state("labels_added") == str(answer["added"])


async def test_buttons_do_what_the_actions_do(household: Household) -> None:
    await household.set_up(batch_mode=False, live_mode=False)

    for key in ("sync_all", "process_pending"):
        await household.hass.services.async_call(
            "button", "press", {"entity_id": household.entity_id(key)}, blocking=True
        )
    await household.settle()

    assert_everything_is_labelled(household)
