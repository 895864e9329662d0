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

from .household import eventually, later

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory

    from custom_components.plex_label_sync.sync.watching import Watched
    from simulators.catalogue import CatalogueTitle
    from simulators.http import FaultKind

    from .household import Household

pytestmark = pytest.mark.usefixtures("clock")

PEOPLE = "/v1/users/users/list/with-counts"
WATCHLIST = "/v1/users/{id}/watchlist"
BEAT = 60  # seconds
BOUND = 90  # seconds from a wish to its label


async def begin(household: Household, clock: TickingDateTimeFactory, **options: object) -> None:
    """Set up a house to which nothing comes but what it looks for itself."""
    household.plex.knobs = PlexKnobs(notifications=False)
    await household.set_up(batch_mode=False, **options)
    await later(household, clock, 2)
    household.pulsarr.stats.reset()


async def minutes(household: Household, clock: TickingDateTimeFactory, count: float) -> None:
    """Let time pass in small steps."""
    for _ in range(round(count * 60 / 15)):
        await later(household, clock, 15)


async def labelled(household: Household, title: CatalogueTitle, name: str) -> bool:
    """Tell whether all items of a title carry a label."""
    return all(name in labels for labels in household.labels(title))


async def seconds_until(
    household: Household, clock: TickingDateTimeFactory, title: CatalogueTitle, name: str
) -> float:
    """Return how long a label takes; fails after an hour."""
    waited = 0.0
    while not await labelled(household, title, name):
        assert waited < 3600
        await later(household, clock, 5)
        waited += 5
    return waited


def wish_silently(household: Household, name: str, kind: str = "movie") -> CatalogueTitle:
    """Somebody wants what is there; Pulsarr has nothing to route and tells nobody."""
    title = household.spare(kind, in_plex=True)
    household.pulsarr.state.wish(household.person(name), title)
    return title


async def test_wish_for_what_is_there_is_labelled_without_any_event(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    title = household.spare(in_plex=True)
    await household.pulsarr.wish(household.person("rosa"), title)
    assert not [one for one in household.pulsarr.deliveries if one.event == "watchlist.added"]

    assert await seconds_until(household, clock, title, "rosa") <= BOUND


async def test_second_wish_for_a_title_is_labelled_as_well(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    title = household.spare(in_plex=False)
    await household.pulsarr.wish(household.person("rosa"), title)
    await household.plex.import_title(title)
    await household.pulsarr.announce(title)
    assert await seconds_until(household, clock, title, "rosa") <= BOUND

    await household.pulsarr.wish(household.person("tim"), title)

    assert await seconds_until(household, clock, title, "tim") <= BOUND


async def test_twenty_people_who_change_nothing_cost_two_requests_a_minute(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    for number in range(14):
        household.pulsarr.state.add_user(f"guest{number}")
    await begin(household, clock)
    household.plex.stats.reset()

    await minutes(household, clock, 25)

    assert household.pulsarr.stats.count("GET", PEOPLE) <= 25
    assert household.pulsarr.stats.count("GET", PEOPLE) >= 20
    asked = household.pulsarr.stats.gets
    assert asked <= 2 * 25
    assert household.plex.stats.count("PUT") == 0
    asked_for = {one.path for one in household.pulsarr.stats.log if one.route == WATCHLIST}
    labelled = [user for user in household.pulsarr.state.users() if user.can_sync]
    assert len(asked_for) == len(labelled), "each list had its turn"


async def test_swap_of_equal_size_is_noticed_within_twenty_minutes(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    title = household.spare(in_plex=True)
    rosa = household.person("rosa")
    gone = household.pulsarr.state.watchlist(rosa)[0]
    household.pulsarr.state.forget(rosa, gone.catalogue_key)
    household.pulsarr.state.wish(rosa, title)

    assert await seconds_until(household, clock, title, "rosa") <= 1200 + 30


async def test_title_that_left_a_list_loses_its_label_where_that_is_wanted(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock, removed_label_mode="remove")
    title = wish_silently(household, "rosa")
    await minutes(household, clock, 2)
    assert await labelled(household, title, "rosa")

    household.pulsarr.state.unwish(household.person("rosa"), title)
    await minutes(household, clock, 1.5)

    assert not any("rosa" in labels for labels in household.labels(title))


async def test_change_that_plex_could_not_be_asked_about_is_looked_at_later(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    title = wish_silently(household, "rosa")
    household.plex.faults.add(Fault("unavailable", times=None))
    await minutes(household, clock, 3)
    assert not await labelled(household, title, "rosa")

    household.plex.faults.clear()
    assert await seconds_until(household, clock, title, "rosa") <= BOUND


async def test_list_that_pulsarr_cannot_read_stops_nobody_else_and_is_asked_for_less_and_less(
    household: Household, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await begin(household, clock)
    rosa = household.person("rosa")
    household.pulsarr.state.wish(rosa, household.spare("show", in_plex=False), guids=[949])
    title = wish_silently(household, "tim")

    assert await seconds_until(household, clock, title, "tim") <= BOUND
    household.pulsarr.stats.reset()
    await minutes(household, clock, 20)
    failed = [one for one in household.pulsarr.stats.log if one.status == 500]
    assert 2 <= len(failed) <= 6
    assert caplog.text.count(f"the watchlist of rosa (user {rosa})") == 1
    assert household.state("pulsarr_connected") == "on"


@pytest.mark.parametrize("kind", ["drop", "cut_body"])
async def test_list_that_breaks_its_connection_each_time_stops_nobody_else(
    household: Household, clock: TickingDateTimeFactory, kind: FaultKind
) -> None:
    await begin(household, clock)
    match = rf"/users/{household.person('tim')}/watchlist"
    household.pulsarr.faults.add(Fault(kind=kind, route=WATCHLIST, match=match, times=None))
    await minutes(household, clock, 22)

    title = wish_silently(household, "rosa")

    assert await seconds_until(household, clock, title, "rosa") <= BOUND
    household.pulsarr.stats.reset()
    await minutes(household, clock, 20)
    assert household.pulsarr.stats.statuses[0] <= 2 * 6
    assert household.state("pulsarr_connected") == "on"


async def test_list_that_takes_long_each_time_puts_off_no_look(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    engine = household.entry.runtime_data.engine
    look, looks = engine.watch, list[float]()

    async def slow(*args: Any) -> Watched:
        looks.append(clock().timestamp())
        try:
            watched: Watched = await look(*args)
        finally:
            clock.tick(30)
        return watched

    with patch.object(engine, "watch", slow):
        await minutes(household, clock, 6)

    assert len(looks) >= 4
    assert max(after - before for before, after in pairwise(looks)) <= BEAT + 16


async def test_look_that_is_cut_off_by_a_reload_is_the_last_one_of_its_entry(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    household.pulsarr.faults.add(Fault(kind="slow_before_apply", route=PEOPLE, seconds=1.0))
    clock.move_to(clock() + timedelta(seconds=BEAT + 1))
    async_fire_time_changed(household.hass, dt_util.utcnow())
    await eventually(lambda: household.pulsarr.stats.in_flight > 0)
    assert await household.hass.config_entries.async_unload(household.entry.entry_id)
    await eventually(lambda: household.pulsarr.stats.in_flight == 0)
    household.pulsarr.stats.reset()

    await minutes(household, clock, 5)

    assert household.pulsarr.stats.total == 0


async def test_list_that_can_be_read_again_is_caught_up_with(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    rosa, odd = household.person("rosa"), household.spare("show", in_plex=False)
    household.pulsarr.state.wish(rosa, odd, guids=[949])
    title = wish_silently(household, "rosa")
    await minutes(household, clock, 3)
    assert not await labelled(household, title, "rosa")

    household.pulsarr.state.wish(rosa, odd)

    assert await seconds_until(household, clock, title, "rosa") <= 300


async def test_limit_of_pulsarrs_is_kept_to_by_asking_less_often(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    household.pulsarr.faults.add(Fault("throttled", seconds=200, times=None))
    await minutes(household, clock, 4)
    assert household.pulsarr.stats.gets == 1, "the answer says to wait for 200 s"

    household.pulsarr.faults.clear()
    household.pulsarr.knobs.rate_limit = 0
    household.pulsarr.stats.reset()
    await minutes(household, clock, 20)
    assert 2 <= household.pulsarr.stats.gets <= 4
    assert household.state("pulsarr_connected") == "on"

    household.pulsarr.knobs.rate_limit = 500
    title = wish_silently(household, "rosa")
    assert await seconds_until(household, clock, title, "rosa") <= 900 + BOUND
    again = wish_silently(household, "rosa")
    assert await seconds_until(household, clock, again, "rosa") <= BOUND


async def test_outage_of_pulsarr_is_noticed_and_so_is_its_end(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    port = household.pulsarr.port
    await household.pulsarr.stop()
    await minutes(household, clock, 2.5)
    assert household.state("pulsarr_connected") == "off"

    await household.pulsarr.start(port)
    await minutes(household, clock, 1.5)
    assert household.state("pulsarr_connected") == "on"


async def test_list_of_nobody_changes_nothing(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock, removed_label_mode="remove")
    before = {key: set(item.labels) for key, item in household.plex.state.items.items()}
    household.pulsarr.knobs.empty_users = True

    await minutes(household, clock, 1.25)
    assert {key: set(item.labels) for key, item in household.plex.state.items.items()} == before

    await minutes(household, clock, 1.25)
    assert household.state("status") == "held", "a full sync has asked what to make of it"
    assert {key: set(item.labels) for key, item in household.plex.state.items.items()} == before


async def test_newcomer_is_looked_at_again_after_one_and_five_minutes(
    household: Household, clock: TickingDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.plex_label_sync.beat.BEAT", 30 * 24 * 3600.0)
    await begin(household, clock)
    user = await household.pulsarr.add_user("nina2")
    assert household.pulsarr.deliveries[-1].data == user_created(user)
    first = household.spare(in_plex=True)
    household.pulsarr.state.wish(user.id, first)
    await minutes(household, clock, 1.25)
    assert await labelled(household, first, "nina2")

    second = household.spare(in_plex=True)
    household.pulsarr.state.wish(user.id, second)
    await minutes(household, clock, 3)
    assert not await labelled(household, second, "nina2")
    await minutes(household, clock, 1.25)
    assert await labelled(household, second, "nina2")


async def test_removal_that_is_told_before_the_row_goes_is_looked_at_again(
    household: Household, clock: TickingDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.plex_label_sync.beat.BEAT", 30 * 24 * 3600.0)
    await begin(household, clock, removed_label_mode="remove")
    rosa = household.person("rosa")
    title = household.spare(in_plex=True)
    await household.pulsarr.wish(rosa, title, force=True)
    await household.settle()
    await later(household, clock, 2)
    assert await labelled(household, title, "rosa")

    state = household.pulsarr.state
    (wish,) = [one for one in state.watchlist(rosa) if one.catalogue_key == title.key]
    told = watchlist_removed(state.user(rosa), wish)
    await household.pulsarr.deliver("watchlist.removed", told)
    await household.settle()
    await later(household, clock, 2)
    assert await labelled(household, title, "rosa")
    state.unwish(rosa, title)
    await later(household, clock, 9)
    await later(household, clock, 1)

    assert not any("rosa" in labels for labels in household.labels(title))
    household.pulsarr.stats.reset()
    await minutes(household, clock, 6)
    assert household.pulsarr.stats.gets == 0, "the list says what the event said"


@pytest.mark.parametrize("row_goes_after", [30, 200])
async def test_removal_whose_row_goes_minutes_later_is_noticed(
    household: Household,
    clock: TickingDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    row_goes_after: int,
) -> None:
    monkeypatch.setattr("custom_components.plex_label_sync.beat.BEAT", 30 * 24 * 3600.0)
    await begin(household, clock, removed_label_mode="remove")
    rosa = household.person("rosa")
    title = wish_silently(household, "rosa")
    state = household.pulsarr.state
    (wish,) = [one for one in state.watchlist(rosa) if one.catalogue_key == title.key]
    await household.call("sync_all")
    told = watchlist_removed(state.user(rosa), wish)
    await household.pulsarr.deliver("watchlist.removed", told)
    await household.settle()
    await minutes(household, clock, row_goes_after / 60)
    assert await labelled(household, title, "rosa")
    state.unwish(rosa, title)
    await minutes(household, clock, 5.5 - row_goes_after / 60)

    assert not any("rosa" in labels for labels in household.labels(title))


async def test_nothing_is_asked_while_live_mode_is_off(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    switch = {"entity_id": household.entity_id("live_mode")}
    await household.hass.services.async_call("switch", "turn_off", switch, blocking=True)
    await household.settle()
    household.pulsarr.stats.reset()
    await minutes(household, clock, 3)
    assert household.pulsarr.stats.gets == 0

    await household.hass.services.async_call("switch", "turn_on", switch, blocking=True)
    await minutes(household, clock, 1)
    title = wish_silently(household, "rosa")
    assert await seconds_until(household, clock, title, "rosa") <= BOUND


async def test_change_that_a_live_run_read_by_the_way_is_not_lost(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    silent = wish_silently(household, "rosa")
    told = household.spare("show", in_plex=True)
    await household.pulsarr.wish(household.person("tim"), told, force=True)
    await household.settle()
    await later(household, clock, 1)
    await later(household, clock, 1)

    assert await labelled(household, told, "tim")
    assert await labelled(household, silent, "rosa")


async def test_person_under_a_new_id_is_left_to_a_full_sync(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    household.pulsarr.knobs.renames = "new_id"
    await begin(household, clock)
    before = household.state("last_sync")
    wanted = household.wanted_by("tim")
    new = household.pulsarr.state.rename_as_new(household.person("tim"), "timothy")
    for title in household.world.catalogue:
        if title.key in wanted:
            household.pulsarr.state.wish(new.id, title)
    household.plex.stats.reset()
    await minutes(household, clock, 1.25)
    assert household.plex.stats.puts == 0, "nothing by the way"
    await minutes(household, clock, 1.25)

    assert household.state("last_sync") > before
