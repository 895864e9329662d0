"""Looks at the watchlists: what comes onto a list is labelled without any event, for few requests."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from simulators.plex import Fault, PlexKnobs
from simulators.pulsarr.payloads import user_created, watchlist_removed

from ..ha_env import eventually, later, set_limits
from ..short_timeouts import TOO_LONG

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory

    from custom_components.plex_label_sync.sync.watchlist_reader import PollResult
    from simulators.catalog import CatalogTitle
    from simulators.http import FaultKind

    from ..ha_env import HaEnv

pytestmark = pytest.mark.usefixtures("clock")

PEOPLE = "/v1/users/users/list/with-counts"
WATCHLIST = "/v1/users/{id}/watchlist"
POLL_INTERVAL = 60  # seconds
BOUND = 90  # seconds from a wish to its label


async def begin(ha_env: HaEnv, clock: TickingDateTimeFactory, **options: object) -> None:
    """Set up a house to which nothing comes but what it looks for itself."""
    ha_env.plex.knobs = PlexKnobs(notifications=False)
    await ha_env.set_up(batch_mode=False, **options)
    await later(ha_env, clock, 2)
    ha_env.pulsarr.stats.reset()


async def minutes(ha_env: HaEnv, clock: TickingDateTimeFactory, count: float) -> None:
    """Let time pass in small steps."""
    for _ in range(round(count * 60 / 15)):
        await later(ha_env, clock, 15)


async def labelled(ha_env: HaEnv, title: CatalogTitle, name: str) -> bool:
    """Tell whether all items of a title carry a label."""
    return all(name in labels for labels in ha_env.labels(title))


async def seconds_until(
    ha_env: HaEnv, clock: TickingDateTimeFactory, title: CatalogTitle, name: str
) -> float:
    """Return how long a label takes; fails after an hour."""
    waited = 0.0
    while not await labelled(ha_env, title, name):
        assert waited < 3600
        await later(ha_env, clock, 5)
        waited += 5
    return waited


def want_silently(ha_env: HaEnv, name: str, kind: str = "movie") -> CatalogTitle:
    """Somebody wants what is there; Pulsarr has nothing to route and tells nobody."""
    title = ha_env.spare(kind, in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person(name), title)
    return title


async def test_watchlist_entry_for_what_is_there_is_labelled_without_any_event(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    title = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title)
    assert not [one for one in ha_env.pulsarr.deliveries if one.event == "watchlist.added"]

    assert await seconds_until(ha_env, clock, title, "rosa") <= BOUND


async def test_second_watchlist_entry_for_a_title_is_labelled_as_well(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    title = ha_env.spare(in_plex=False)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title)
    await ha_env.plex.import_title(title)
    await ha_env.pulsarr.announce(title)
    assert await seconds_until(ha_env, clock, title, "rosa") <= BOUND

    await ha_env.pulsarr.want(ha_env.person("tim"), title)

    assert await seconds_until(ha_env, clock, title, "tim") <= BOUND


async def test_twenty_people_who_change_nothing_cost_two_requests_a_minute(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    for number in range(14):
        ha_env.pulsarr.state.add_user(f"guest{number}")
    await begin(ha_env, clock)
    ha_env.plex.stats.reset()

    await minutes(ha_env, clock, 25)

    assert ha_env.pulsarr.stats.count("GET", PEOPLE) <= 25
    assert ha_env.pulsarr.stats.count("GET", PEOPLE) >= 20
    asked = ha_env.pulsarr.stats.gets
    assert asked <= 2 * 25
    assert ha_env.plex.stats.count("PUT") == 0
    asked_for = {one.path for one in ha_env.pulsarr.stats.log if one.route == WATCHLIST}
    labelled = [user for user in ha_env.pulsarr.state.users() if user.can_sync]
    assert len(asked_for) == len(labelled), "each list had its turn"


async def test_swap_of_equal_size_is_noticed_within_twenty_minutes(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    title = ha_env.spare(in_plex=True)
    rosa = ha_env.person("rosa")
    removed = ha_env.pulsarr.state.watchlist(rosa)[0]
    ha_env.pulsarr.state.forget(rosa, removed.catalog_key)
    ha_env.pulsarr.state.want(rosa, title)

    assert await seconds_until(ha_env, clock, title, "rosa") <= 1200 + 30


async def test_title_that_left_a_list_loses_its_label_where_that_is_wanted(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock, removed_label_mode="remove")
    title = want_silently(ha_env, "rosa")
    await minutes(ha_env, clock, 2)
    assert await labelled(ha_env, title, "rosa")

    ha_env.pulsarr.state.unwant(ha_env.person("rosa"), title)
    await minutes(ha_env, clock, 1.5)

    assert not any("rosa" in labels for labels in ha_env.labels(title))


async def test_change_that_plex_could_not_be_asked_about_is_checked_later(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    title = want_silently(ha_env, "rosa")
    ha_env.plex.faults.add(Fault("unavailable", times=None))
    await minutes(ha_env, clock, 3)
    assert not await labelled(ha_env, title, "rosa")

    ha_env.plex.faults.clear()
    assert await seconds_until(ha_env, clock, title, "rosa") <= BOUND


async def test_list_that_pulsarr_cannot_read_stops_no_one_else_and_is_asked_for_less_and_less(
    ha_env: HaEnv, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await begin(ha_env, clock)
    rosa = ha_env.person("rosa")
    ha_env.pulsarr.state.want(rosa, ha_env.spare("show", in_plex=False), guids=[949])
    title = want_silently(ha_env, "tim")

    assert await seconds_until(ha_env, clock, title, "tim") <= BOUND
    ha_env.pulsarr.stats.reset()
    await minutes(ha_env, clock, 20)
    failed = [one for one in ha_env.pulsarr.stats.log if one.status == 500]
    assert 2 <= len(failed) <= 6
    assert caplog.text.count(f"the watchlist of rosa (user {rosa})") == 1
    assert ha_env.state("pulsarr_connected") == "on"


@pytest.mark.parametrize("kind", ["drop", "cut_body"])
async def test_list_that_breaks_its_connection_each_time_stops_no_one_else(
    ha_env: HaEnv, clock: TickingDateTimeFactory, kind: FaultKind
) -> None:
    await begin(ha_env, clock)
    match = rf"/users/{ha_env.person('tim')}/watchlist"
    ha_env.pulsarr.faults.add(Fault(kind=kind, route=WATCHLIST, match=match, times=None))
    await minutes(ha_env, clock, 22)

    title = want_silently(ha_env, "rosa")

    assert await seconds_until(ha_env, clock, title, "rosa") <= BOUND
    ha_env.pulsarr.stats.reset()
    await minutes(ha_env, clock, 20)
    assert ha_env.pulsarr.stats.statuses[0] <= 2 * 6
    assert ha_env.state("pulsarr_connected") == "on"


async def test_list_that_takes_long_each_time_postpones_no_poll(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    engine = ha_env.entry.runtime_data.runner.engine
    poll, polls = engine.watch, list[float]()

    async def slow(*args: Any) -> PollResult:
        polls.append(clock().timestamp())
        try:
            watched: PollResult = await poll(*args)
        finally:
            clock.tick(30)
        return watched

    with patch.object(engine, "watch", slow):
        await minutes(ha_env, clock, 6)

    assert len(polls) >= 4
    assert max(after - before for before, after in pairwise(polls)) <= POLL_INTERVAL + 16


async def test_poll_that_is_cut_off_by_a_reload_is_the_last_one_of_its_entry(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    ha_env.pulsarr.faults.add(Fault(kind="slow_before_apply", route=PEOPLE, seconds=TOO_LONG))
    clock.move_to(clock() + timedelta(seconds=POLL_INTERVAL + 1))
    async_fire_time_changed(ha_env.hass, dt_util.utcnow())
    await eventually(lambda: ha_env.pulsarr.stats.in_flight > 0)
    assert await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)
    await eventually(lambda: ha_env.pulsarr.stats.in_flight == 0)
    ha_env.pulsarr.stats.reset()

    await minutes(ha_env, clock, 5)

    assert ha_env.pulsarr.stats.total == 0


async def test_list_that_can_be_read_again_is_caught_up_with(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    rosa, odd = ha_env.person("rosa"), ha_env.spare("show", in_plex=False)
    ha_env.pulsarr.state.want(rosa, odd, guids=[949])
    title = want_silently(ha_env, "rosa")
    await minutes(ha_env, clock, 3)
    assert not await labelled(ha_env, title, "rosa")

    ha_env.pulsarr.state.want(rosa, odd)

    assert await seconds_until(ha_env, clock, title, "rosa") <= 300


async def test_limit_of_pulsarrs_is_kept_to_by_asking_less_often(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    ha_env.pulsarr.faults.add(Fault("throttled", seconds=200, times=None))
    await minutes(ha_env, clock, 4)
    assert ha_env.pulsarr.stats.gets == 1, "the answer says to wait for 200 s"

    ha_env.pulsarr.faults.clear()
    ha_env.pulsarr.knobs.rate_limit = 0
    ha_env.pulsarr.stats.reset()
    await minutes(ha_env, clock, 20)
    assert 2 <= ha_env.pulsarr.stats.gets <= 4
    assert ha_env.state("pulsarr_connected") == "on"

    ha_env.pulsarr.knobs.rate_limit = 500
    title = want_silently(ha_env, "rosa")
    assert await seconds_until(ha_env, clock, title, "rosa") <= 900 + BOUND
    again = want_silently(ha_env, "rosa")
    assert await seconds_until(ha_env, clock, again, "rosa") <= BOUND


async def test_outage_of_pulsarr_is_noticed_and_so_is_its_end(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    port = ha_env.pulsarr.port
    await ha_env.pulsarr.stop()
    await minutes(ha_env, clock, 2.5)
    assert ha_env.state("pulsarr_connected") == "off"

    await ha_env.pulsarr.start(port)
    await minutes(ha_env, clock, 1.5)
    assert ha_env.state("pulsarr_connected") == "on"


async def test_empty_list_of_people_changes_nothing(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock, removed_label_mode="remove")
    before = {key: set(item.labels) for key, item in ha_env.plex.state.items.items()}
    ha_env.pulsarr.knobs.empty_users = True

    await minutes(ha_env, clock, 1.25)
    assert {key: set(item.labels) for key, item in ha_env.plex.state.items.items()} == before

    await minutes(ha_env, clock, 1.25)
    assert ha_env.state("status") == "held", "a full sync has asked what to make of it"
    assert {key: set(item.labels) for key, item in ha_env.plex.state.items.items()} == before


async def test_newcomer_is_checked_again_after_one_and_five_minutes(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    set_limits(ha_env.hass, watchlist_poll=30 * 24 * 3600.0)
    await begin(ha_env, clock)
    user = await ha_env.pulsarr.add_user("nina2")
    assert ha_env.pulsarr.deliveries[-1].data == user_created(user)
    first = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(user.id, first)
    await minutes(ha_env, clock, 1.25)
    assert await labelled(ha_env, first, "nina2")

    second = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(user.id, second)
    await minutes(ha_env, clock, 3)
    assert not await labelled(ha_env, second, "nina2")
    await minutes(ha_env, clock, 1.25)
    assert await labelled(ha_env, second, "nina2")


async def test_removal_that_is_reported_before_the_row_is_deleted_is_checked_again(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    set_limits(ha_env.hass, watchlist_poll=30 * 24 * 3600.0)
    await begin(ha_env, clock, removed_label_mode="remove")
    rosa = ha_env.person("rosa")
    title = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(rosa, title, force=True)
    await ha_env.settle()
    await later(ha_env, clock, 2)
    assert await labelled(ha_env, title, "rosa")

    state = ha_env.pulsarr.state
    (entry,) = [one for one in state.watchlist(rosa) if one.catalog_key == title.key]
    told = watchlist_removed(state.user(rosa), entry)
    await ha_env.pulsarr.deliver("watchlist.removed", told)
    await ha_env.settle()
    await later(ha_env, clock, 2)
    assert await labelled(ha_env, title, "rosa")
    state.unwant(rosa, title)
    await later(ha_env, clock, 9)
    await later(ha_env, clock, 1)

    assert not any("rosa" in labels for labels in ha_env.labels(title))
    ha_env.pulsarr.stats.reset()
    await minutes(ha_env, clock, 6)
    assert ha_env.pulsarr.stats.gets == 0, "the list says what the event said"


@pytest.mark.parametrize("row_goes_after", [30, 200])
async def test_removal_whose_row_goes_minutes_later_is_noticed(
    ha_env: HaEnv,
    clock: TickingDateTimeFactory,
    row_goes_after: int,
) -> None:
    set_limits(ha_env.hass, watchlist_poll=30 * 24 * 3600.0)
    await begin(ha_env, clock, removed_label_mode="remove")
    rosa = ha_env.person("rosa")
    title = want_silently(ha_env, "rosa")
    state = ha_env.pulsarr.state
    (entry,) = [one for one in state.watchlist(rosa) if one.catalog_key == title.key]
    await ha_env.call("sync_all")
    told = watchlist_removed(state.user(rosa), entry)
    await ha_env.pulsarr.deliver("watchlist.removed", told)
    await ha_env.settle()
    await minutes(ha_env, clock, row_goes_after / 60)
    assert await labelled(ha_env, title, "rosa")
    state.unwant(rosa, title)
    await minutes(ha_env, clock, 5.5 - row_goes_after / 60)

    assert not any("rosa" in labels for labels in ha_env.labels(title))


async def test_nothing_is_asked_while_live_mode_is_off(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    switch = {"entity_id": ha_env.entity_id("live_mode")}
    await ha_env.hass.services.async_call("switch", "turn_off", switch, blocking=True)
    await ha_env.settle()
    ha_env.pulsarr.stats.reset()
    await minutes(ha_env, clock, 3)
    assert ha_env.pulsarr.stats.gets == 0

    await ha_env.hass.services.async_call("switch", "turn_on", switch, blocking=True)
    await minutes(ha_env, clock, 1)
    title = want_silently(ha_env, "rosa")
    assert await seconds_until(ha_env, clock, title, "rosa") <= BOUND


async def test_change_that_a_live_run_read_by_the_way_is_not_lost(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    silent = want_silently(ha_env, "rosa")
    told = ha_env.spare("show", in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("tim"), told, force=True)
    await ha_env.settle()
    await later(ha_env, clock, 1)
    await later(ha_env, clock, 1)

    assert await labelled(ha_env, told, "tim")
    assert await labelled(ha_env, silent, "rosa")


async def test_person_under_a_new_id_is_left_to_a_full_sync(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    ha_env.pulsarr.knobs.renames = "new_id"
    await begin(ha_env, clock)
    before = ha_env.state("last_sync")
    wanted = ha_env.wanted_by("tim")
    new = ha_env.pulsarr.state.rename_as_new(ha_env.person("tim"), "timothy")
    for title in ha_env.world.catalog:
        if title.key in wanted:
            ha_env.pulsarr.state.want(new.id, title)
    ha_env.plex.stats.reset()
    await minutes(ha_env, clock, 1.25)
    assert ha_env.plex.stats.puts == 0, "nothing by the way"
    await minutes(ha_env, clock, 1.25)

    assert ha_env.state("last_sync") > before
