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
    from .ha_env import HaEnv

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


async def test_dry_run_reports_the_changes_and_writes_nothing(ha_env: HaEnv) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)

    planned = await ha_env.call("sync_all", dry_run=True)

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
    assert ha_env.plex.stats.puts == 0
    assert ha_env.state("last_sync") == "unknown"

    done = await ha_env.call("sync_all")
    assert done["changes"] == planned["changes"]
    assert_everything_is_labelled(ha_env)


async def test_reason_of_a_change_names_the_people(ha_env: HaEnv) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    planned = await ha_env.call("sync_all", dry_run=True)

    rosas = [one for one in planned["changes"] if one["label"].casefold() == "rosa"]

    assert rosas
    assert {one["reason"] for one in rosas} == {"rosa wants it"}


async def test_second_sync_writes_nothing_and_reads_no_more_than_it_must(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up()
    ha_env.plex.stats.reset()
    ha_env.pulsarr.stats.reset()

    again = await ha_env.call("sync_all")

    people = len(ha_env.pulsarr.state.users())
    labelled_people = sum(person.can_sync for person in ha_env.pulsarr.state.users())
    pages = libraries = 3
    assert ha_env.plex.stats.puts == 0
    assert ha_env.plex.stats.gets <= 1 + pages + libraries + libraries * labelled_people
    assert ha_env.pulsarr.stats.total <= 1 + people
    assert (again["added"], again["removed"], again["failed"]) == (0, 0, 0)
    assert again["unchanged"] > 0


async def test_sync_can_be_limited_to_people(ha_env: HaEnv) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)

    answer = await ha_env.call("sync_all", people=["TIM"])

    assert {one["label"].casefold() for one in answer["changes"]} == {"tim"}
    assert ha_env.state("last_sync") == "unknown"


async def test_sync_can_be_limited_to_libraries(ha_env: HaEnv) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)

    answer = await ha_env.call("sync_all", libraries=["tv shows"])

    named = {(one["library"], one["library_key"]) for one in answer["changes"]}
    assert named == {(ha_env.plex.state.libraries["2"].title, "2")}


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"people": ["nobody"]}, "unknown_person"),
        ({"libraries": ["Music"]}, "unknown_library"),
        ({"config_entry_id": "of another integration"}, "entry_not_found"),
    ],
)
async def test_what_is_not_there_is_refused_by_name(
    ha_env: HaEnv, data: dict[str, object], key: str
) -> None:
    await ha_env.set_up()
    ha_env.plex.stats.reset()

    with pytest.raises(ServiceValidationError) as refused:
        await ha_env.call("sync_all", **data)

    assert refused.value.translation_key == key
    assert ha_env.plex.stats.puts == 0
    assert ha_env.state("status") == "idle"


async def test_entry_must_be_named_when_there_are_several(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    MockConfigEntry(domain=DOMAIN, title="Another server").add_to_hass(ha_env.hass)

    with pytest.raises(ServiceValidationError) as refused:
        await ha_env.call("sync_all")
    assert refused.value.translation_key == "several_entries"

    answer = await ha_env.call("sync_all", config_entry_id=ha_env.entry.entry_id)
    assert answer["status"] == "done"


async def test_entry_that_is_not_loaded_is_refused(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)

    with pytest.raises(ServiceValidationError) as refused:
        await ha_env.call("get_pending")

    assert refused.value.translation_key == "entry_not_loaded"


@pytest.mark.parametrize("action", ["sync_all", "process_pending"])
async def test_run_that_could_do_nothing_is_an_error_with_a_reason(
    ha_env: HaEnv, action: str
) -> None:
    await ha_env.set_up()
    title = ha_env.spare(in_plex=False)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title)
    await ha_env.pulsarr.announce(title)
    await ha_env.settle()
    ha_env.plex.faults.add(Fault(kind="html", route="/library/sections", times=9))

    with pytest.raises(HomeAssistantError) as raised:
        await ha_env.call(action)
    await ha_env.settle()

    assert raised.value.translation_key == "plex_wrong_service"
    assert ha_env.state("status") == "error"


async def test_equal_syncs_that_wait_at_the_same_time_are_one(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    ha_env.plex.stats.reset()

    answers = await asyncio.gather(*(ha_env.call("sync_all") for _ in range(5)))

    # The first one begins at once, and may miss what the others are about.
    assert len({answer["run_id"] for answer in answers}) == 2
    assert ha_env.plex.stats.count("GET", "/library/sections") == 2


async def test_different_syncs_at_the_same_time_follow_each_other(ha_env: HaEnv) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    ha_env.plex.knobs = replace(ha_env.plex.knobs, get_seconds=0.005)

    first, second = await asyncio.gather(
        ha_env.call("sync_all"), ha_env.call("sync_all", people=["rosa"])
    )

    assert first["run_id"] != second["run_id"]
    assert first["added"] > 0
    assert second["added"] == 0


async def test_run_claims_only_what_is_in_plex(ha_env: HaEnv) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    planned = await ha_env.call("sync_all", dry_run=True)
    # The first edit is done, the second one is refused until the integration gives up.
    ha_env.plex.faults.add(Fault(kind="busy", method="PUT", nth=2, times=None))

    answer = await ha_env.call("sync_all")

    assert answer["status"] == "failed"
    assert 0 < answer["added"] < planned["added"]
    assert answer["added"] + answer["failed"] == planned["added"]
    for change in answer["changes"]:
        labels = ha_env.plex.state.labels_of(change["rating_key"])
        assert change["label"].casefold() in {label.casefold() for label in labels}
    assert ha_env.state("labels_added") == str(answer["added"])


async def test_buttons_do_what_the_actions_do(ha_env: HaEnv) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)

    for key in ("sync_all", "process_pending"):
        await ha_env.hass.services.async_call(
            "button", "press", {"entity_id": ha_env.entity_id(key)}, blocking=True
        )
    await ha_env.settle()

    assert_everything_is_labelled(ha_env)
