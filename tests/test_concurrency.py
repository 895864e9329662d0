"""Everything at the same time: one writer, no lost work, no deadlock, and clean ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
import random
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util.file import WriteError
import pytest

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.turns import Turns, Urgency

from .ha_env import eventually, set_limits
from .test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_homeassistant_custom_component.common import MockUser

    from .ha_env import HaEnv


def slow_down(ha_env: HaEnv, *, put: float = 0.2, get: float = 0.0) -> None:
    """Let Plex take its time."""
    ha_env.plex.knobs = replace(ha_env.plex.knobs, put_seconds=put, get_seconds=get)


async def act(ha_env: HaEnv, action: str, **data: Any) -> dict[str, Any]:
    """Call an action without waiting for anything else."""
    response = await ha_env.hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True
    )
    assert isinstance(response, dict)
    return response


async def edits_begin(ha_env: HaEnv) -> None:
    """Wait for the first edit to arrive in Plex."""
    await eventually(lambda: ha_env.plex.stats.puts > 0)


async def test_reload_in_the_middle_of_a_run_ends_it_between_two_edits(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    slow_down(ha_env)
    running = asyncio.create_task(act(ha_env, "sync_all"))
    await edits_begin(ha_env)

    assert await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)

    answer = await running
    assert answer["status"] == "failed"
    assert answer["added"] > 0
    assert answer["failed"] > 0
    puts = ha_env.plex.stats.puts
    await asyncio.sleep(0.3)
    assert ha_env.plex.stats.puts == puts
    for change in answer["changes"]:
        labels = ha_env.plex.state.labels_of(change["rating_key"])
        assert change["label"].casefold() in {label.casefold() for label in labels}

    slow_down(ha_env, put=0.0)
    await ha_env.hass.config_entries.async_setup(ha_env.entry.entry_id)
    again = await ha_env.call("sync_all")
    assert again["added"] == answer["failed"]
    assert_everything_is_labelled(ha_env)


async def test_runs_that_wait_for_their_turn_end_with_a_reason_and_write_nothing(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    slow_down(ha_env)
    first = asyncio.create_task(act(ha_env, "sync_all"))
    await edits_begin(ha_env)
    waiting = [
        asyncio.create_task(act(ha_env, "sync_all", people=["rosa"])),
        asyncio.create_task(act(ha_env, "sync_all", dry_run=True)),
        asyncio.create_task(act(ha_env, "remove_labels")),
    ]
    await asyncio.sleep(0.05)

    await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)

    await first
    puts = ha_env.plex.stats.puts
    for ended in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(ended, HomeAssistantError)
        assert ended.translation_key == "stopped"
    assert ha_env.plex.stats.puts == puts


async def test_run_that_does_not_end_in_time_is_cancelled_and_taken_over(
    ha_env: HaEnv,
) -> None:
    set_limits(ha_env.hass, stop_timeout=0.01)
    await ha_env.set_up(batch_mode=False, live_mode=False)
    slow_down(ha_env, put=3.0)
    running = asyncio.create_task(act(ha_env, "sync_all"))
    await edits_begin(ha_env)

    await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)

    with pytest.raises(HomeAssistantError) as ended:
        await running
    assert ended.value.translation_key == "stopped"
    slow_down(ha_env, put=0.0)
    await ha_env.hass.config_entries.async_setup(ha_env.entry.entry_id)
    await ha_env.call("sync_all")
    assert_everything_is_labelled(ha_env)
    taken_over = (await ha_env.call("get_runs"))["runs"][-1]
    assert taken_over["status"] == "interrupted"


async def test_stop_of_home_assistant_ends_the_run_between_two_edits(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    slow_down(ha_env)
    running = asyncio.create_task(act(ha_env, "sync_all"))
    await edits_begin(ha_env)

    ha_env.hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)

    answer = await running
    assert answer["status"] == "failed"
    assert answer["added"] > 0


@pytest.mark.parametrize("then", ["unload", "drop another"])
async def test_announcement_is_not_lost_while_the_queue_is_being_saved(
    ha_env: HaEnv, then: str
) -> None:
    await ha_env.set_up(batch_mode=False)
    title = ha_env.spare(in_plex=False)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    announced = asyncio.create_task(ha_env.pulsarr.announce(title))
    await asyncio.sleep(0)
    if then == "unload":
        await announced
        await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    else:
        dropped = await act(ha_env, "drop_pending", guid="tmdb:999999")
        assert dropped == {"dropped": 0}
        await announced
    await ha_env.settle()

    pending = (await ha_env.call("get_pending"))["pending"]

    assert [one["title"] for one in pending] == [title.title]


async def test_title_waits_on_while_the_journal_cannot_be_saved(ha_env: HaEnv) -> None:
    await ha_env.set_up(batch_mode=False)
    title = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    await ha_env.pulsarr.announce(title)
    await ha_env.settle()
    puts = ha_env.plex.stats.puts
    write = "homeassistant.helpers.storage.Store._async_write_data"
    with (
        patch(write, side_effect=WriteError("full")),
        pytest.raises(HomeAssistantError) as refused,
    ):
        await ha_env.call("process_pending")

    assert refused.value.translation_key == "storage_not_saved"
    assert ha_env.plex.stats.puts == puts
    (waits,) = (await ha_env.call("get_pending"))["pending"]
    assert waits["reason"] == "not_written"

    await ha_env.call("process_pending")
    assert all("rosa" in labels for labels in ha_env.labels(title))


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_of_everything_ends_with_every_label_and_no_lost_title(
    ha_env: HaEnv, seed: int
) -> None:
    draw = random.Random(seed)
    await ha_env.set_up(live_mode=True)
    slow_down(ha_env, put=0.02, get=0.002)
    awaited = ha_env.spare(in_plex=False)
    await ha_env.pulsarr.want(ha_env.person("rosa"), awaited, force=True)

    async def press(key: str) -> None:
        data = {"entity_id": ha_env.entity_id(key)}
        await ha_env.hass.services.async_call("button", "press", data, blocking=True)

    async def announce() -> None:
        await ha_env.pulsarr.announce(awaited)

    async def want() -> None:
        title = draw.choice([one for one in ha_env.world.catalog if one.type == "movie"])
        await ha_env.pulsarr.want(ha_env.person("tim"), title, force=True)

    async def change_an_option() -> None:
        options = {**ha_env.entry.options, "max_removals": draw.randint(10, 90)}
        ha_env.hass.config_entries.async_update_entry(ha_env.entry, options=options)

    async def reload() -> None:
        await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)

    jobs: list[Callable[[], Awaitable[object]]] = [
        lambda: press("sync_all"),
        lambda: press("process_pending"),
        lambda: act(ha_env, "sync_all"),
        lambda: act(ha_env, "sync_all", dry_run=True),
        lambda: act(ha_env, "sync_all", people=["rosa"]),
        lambda: act(ha_env, "explain", title="e"),
        lambda: act(ha_env, "get_runs"),
        lambda: act(ha_env, "clear_overrides"),
        want,
        want,
        change_an_option,
        reload,
    ]
    draw.shuffle(jobs)

    async def later(job: Callable[[], Awaitable[object]]) -> None:
        await asyncio.sleep(draw.random() / 4)
        await job()

    async with asyncio.timeout(60):
        ends = await asyncio.gather(*(later(job) for job in jobs), return_exceptions=True)
        await ha_env.settle()
    # Somebody is told why something did not happen, and is never shown a traceback.
    for failed in (end for end in ends if isinstance(end, BaseException)):
        assert isinstance(failed, HomeAssistantError), failed
        assert failed.translation_key in {"stopped", "entry_not_loaded"}
    await announce()
    await reload()
    await ha_env.settle()
    await ha_env.call("sync_all")

    assert_everything_is_labelled(ha_env)
    pending = (await ha_env.call("get_pending"))["pending"]
    assert [one["title"] for one in pending] == [awaited.title]
    assert ha_env.state("problem") == "off"


async def reads_begin(ha_env: HaEnv) -> None:
    """Wait until a run has read the watchlists, and not more."""
    await eventually(lambda: ha_env.pulsarr.stats.count("GET", "/v1/users/{id}/watchlist") > 0)


async def test_sync_by_hand_does_not_share_a_run_that_has_begun_to_read(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    slow_down(ha_env, get=0.05)
    ha_env.pulsarr.stats.reset()
    older = asyncio.create_task(act(ha_env, "sync_all"))
    await reads_begin(ha_env)
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)

    joined, same = await asyncio.gather(act(ha_env, "sync_all"), act(ha_env, "sync_all"))

    assert all("rosa" in labels for labels in ha_env.labels(title))
    assert joined["run_id"] == same["run_id"], "equal ones that wait are one"
    assert joined["run_id"] != (await older)["run_id"]
    assert joined["added"] >= 1


async def test_sync_by_hand_does_not_share_one_by_the_clock(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    slow_down(ha_env, get=0.05)
    ha_env.pulsarr.stats.reset()
    switch = {"entity_id": ha_env.entity_id("batch_mode")}
    for turn in ("turn_off", "turn_on"):
        await ha_env.hass.services.async_call("switch", turn, switch, blocking=True)
    await reads_begin(ha_env)
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)

    await act(ha_env, "sync_all")

    assert all("rosa" in labels for labels in ha_env.labels(title))


async def test_many_dry_runs_of_a_member_do_not_delay_live(
    ha_env: HaEnv, hass_read_only_user: MockUser
) -> None:
    await ha_env.set_up(batch_mode=False)
    slow_down(ha_env, get=0.05)
    member = Context(user_id=hass_read_only_user.id)

    labelled = asyncio.Event()
    refused, answered = [], []

    async def keep_trying(number: int) -> None:
        people = [str(one) for one in range(1, number % 5 + 2)]
        data = {"dry_run": True, "people": people, "allow_mass_removal": bool(number % 2)}
        while not labelled.is_set():
            try:
                answer = await ha_env.hass.services.async_call(
                    DOMAIN, "sync_all", data, blocking=True, return_response=True, context=member
                )
            except ServiceValidationError as err:
                refused.append(err.translation_key)
                await asyncio.sleep(0.05)
            else:
                answered.append(answer)

    trying = [asyncio.create_task(keep_trying(number)) for number in range(60)]
    await eventually(lambda: bool(refused))
    title = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    await eventually(lambda: all("rosa" in labels for labels in ha_env.labels(title)))
    labelled.set()
    await asyncio.gather(*trying)
    assert len(refused) > 40
    assert set(refused) == {"dry_run_waits"}
    assert answered


async def test_live_goes_first_and_dry_runs_come_last() -> None:
    turns, order = Turns(), list[str]()

    async def take(name: str, urgency: Urgency) -> None:
        async with turns.turn(urgency):
            order.append(name)
            await asyncio.sleep(0)

    async with turns.turn(Urgency.READ_ONLY):
        assert turns.locked()
        waiting = [
            asyncio.create_task(take(name, urgency))
            for name, urgency in (
                ("dry run", Urgency.READ_ONLY),
                ("sync", Urgency.SYNC),
                ("gone", Urgency.LIVE),
                ("live", Urgency.LIVE),
                ("second sync", Urgency.SYNC),
            )
        ]
        await asyncio.sleep(0)
        waiting[2].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    assert order == ["live", "sync", "second sync", "dry run"]
    assert not turns.locked()


async def test_turn_that_comes_to_someone_who_leaves_goes_on_to_the_next() -> None:
    turns = Turns()

    async def take() -> None:
        async with turns.turn(Urgency.SYNC):
            pass

    async with turns.turn(Urgency.SYNC):
        leaving, next_one = asyncio.create_task(take()), asyncio.create_task(take())
        await asyncio.sleep(0)
    leaving.cancel()  # it was just given the turn and has not woken up yet
    async with asyncio.timeout(60):
        await next_one
    assert not turns.locked()
