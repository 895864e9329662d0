"""Plex's own events: what comes of them, what they cost, and what happens when they stop."""

from __future__ import annotations

import asyncio
from itertools import batched
import time
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from custom_components.plex_label_sync.limits import ReconnectTimes
from custom_components.plex_label_sync.sync.engine import Engine
from simulators.catalog import make_catalog
from simulators.plex import Fault, PlexKnobs
from simulators.plex.server import METADATA_ROUTE

from ..ha_env import eventually, later, set_limits

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory
    from homeassistant.core import HomeAssistant

    from simulators.catalog import CatalogTitle
    from simulators.http import FaultKind
    from simulators.plex import Item

    from ..ha_env import HaEnv

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture(autouse=True)
def _no_polls(hass: HomeAssistant) -> None:
    """Leave out the looks at the watchlists, which would find what Plex told of anyway."""
    set_limits(hass, watchlist_poll=30 * 24 * 3600.0)


WINDOW = 2  # seconds, in which the events of a burst are gathered
MOMENT = 0.2  # seconds, in which those of one item are
RETRY = 30  # seconds, as the ha_env sets it
SCAN = 10  # seconds between two looks because of a scan


async def begin(ha_env: HaEnv, clock: TickingDateTimeFactory, **options: object) -> None:
    """Set everything up and be over with what was missed."""
    await ha_env.set_up(**options)
    await ha_env.connected()
    await later(ha_env, clock, 1)
    ha_env.plex.stats.reset()
    ha_env.pulsarr.stats.reset()


async def process_events(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    """Let what Plex told be acted on."""
    await ha_env.receive_plex_events()
    await later(ha_env, clock, WINDOW)
    await later(ha_env, clock, 1)


def want_silently(ha_env: HaEnv, name: str = "rosa", kind: str = "movie") -> CatalogTitle:
    """Somebody wants a title that Plex has not; nobody is told."""
    title = ha_env.spare(kind, in_plex=False)
    ha_env.pulsarr.state.want(ha_env.person(name), title)
    return title


async def reconnect(ha_env: HaEnv) -> None:
    """Wait until the connection is there again."""
    await eventually(lambda: ha_env.plex.events.listeners == 1)
    await ha_env.connected()


@pytest.mark.parametrize("kind", ["movie", "show"])
async def test_title_that_no_one_announced_is_labelled_when_plex_has_processed_it(
    ha_env: HaEnv, clock: TickingDateTimeFactory, kind: str
) -> None:
    await begin(ha_env, clock)
    title = want_silently(ha_env, kind=kind)
    clock.tick(61)

    await ha_env.plex.import_title(title)
    await process_events(ha_env, clock)

    assert ha_env.labels(title) == [{"rosa"}]
    event = ha_env.entity("activity").attributes
    assert (event["event_type"], event["title"]) == ("labels_changed", title.title)


async def test_title_that_waits_is_labelled_at_once_when_plex_has_processed_it(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    title = ha_env.spare(in_plex=False)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    await ha_env.pulsarr.announce(title, force=True)
    await ha_env.settle()
    await later(ha_env, clock, 1)
    assert ha_env.state("pending") == "1"

    await ha_env.plex.import_title(title)
    await process_events(ha_env, clock)

    assert ha_env.labels(title) == [{"rosa"}]
    assert ha_env.state("pending") == "0"


async def test_title_that_plex_recognizes_late_is_waited_for_by_that_name_and_then_labelled(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    title = ha_env.spare(in_plex=False)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    await ha_env.plex.import_title(title, match_after=None)
    await ha_env.pulsarr.announce(title, force=True)
    await ha_env.receive_plex_events()
    await later(ha_env, clock, 1)
    await later(ha_env, clock, SCAN)

    (pending,) = (await ha_env.call("get_pending"))["pending"]
    assert pending["reason"] == "not_matched_yet"

    (item,) = ha_env.plex.state.items_of(title, identified=False)
    ha_env.plex.match(item.rating_key, title)
    await process_events(ha_env, clock)
    assert ha_env.labels(title) == [{"rosa"}]


async def test_title_in_a_library_that_is_left_out_says_so(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock, libraries=["2", "3"])
    title = ha_env.spare(in_plex=False)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    await ha_env.plex.import_title(title, section="1")
    await ha_env.pulsarr.announce(title, force=True)
    await process_events(ha_env, clock)

    (pending,) = (await ha_env.call("get_pending"))["pending"]
    assert pending["reason"] == "library_excluded"
    assert ha_env.labels(title) == [set()]


async def test_end_of_a_scan_checks_everything_that_waits(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    title = ha_env.spare(in_plex=False)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    await ha_env.pulsarr.announce(title, force=True)
    await ha_env.settle()
    await later(ha_env, clock, 1)
    ha_env.plex.state.add_item(title)  # found without a word about the item

    ha_env.plex.events.announce(
        {
            "type": "activity",
            "ActivityNotification": [
                {"event": "ended", "Activity": {"type": "library.update.section"}}
            ],
        }
    )
    await ha_env.receive_plex_events()
    await later(ha_env, clock, 1)

    assert ha_env.labels(title) == [{"rosa"}]


async def test_refresh_of_everything_costs_no_request_per_item(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    for title in make_catalog(9, 400, 0):
        ha_env.plex.state.add_item(title, "1")
    await begin(ha_env, clock)

    for _ in range(50):
        ha_env.plex.refresh_items()  # 50 times 460 items and more
    await process_events(ha_env, clock)

    assert ha_env.plex.stats.total == 0
    assert ha_env.pulsarr.stats.total == 0


async def test_refresh_of_a_few_items_costs_one_request_and_then_none_for_a_while(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    keys = [key for key, item in ha_env.plex.state.items.items() if item.identified][:50]
    await later(ha_env, clock, 61)  # our own labels are old
    ha_env.plex.stats.reset()
    ha_env.pulsarr.stats.reset()
    for _ in range(5):
        ha_env.plex.refresh_items(keys)
        await process_events(ha_env, clock)

    assert ha_env.plex.stats.total == 1


async def test_flood_of_new_items_is_met_with_one_full_sync(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    title = want_silently(ha_env)
    items = [ha_env.plex.state.add_item(one, "1") for one in make_catalog(9, 400, 0)]
    ha_env.plex.state.add_item(title)
    for _ in range(3):
        ha_env.plex.refresh_items(item.rating_key for item in items)
        await process_events(ha_env, clock)
    assert ha_env.plex.stats.total == 0
    before = ha_env.state("last_sync")

    await later(ha_env, clock, 60)

    assert ha_env.state("last_sync") > before
    assert ha_env.labels(title) == [{"rosa"}]
    assert ha_env.plex.stats.total < 40


async def test_many_episodes_of_a_show_that_is_labelled_cost_one_request(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    show = labelled_item(ha_env, "show")
    clock.tick(61)  # our own label is old
    for _ in range(200):
        ha_env.plex.import_episode(show.rating_key)
    await process_events(ha_env, clock)

    assert ha_env.plex.stats.total == 1


async def test_our_own_edits_come_back_as_events_and_are_not_new(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    ha_env.plex.knobs = PlexKnobs(edit_events=True)
    await begin(ha_env, clock)
    title = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    await ha_env.settle()
    await later(ha_env, clock, 1)
    assert all("rosa" in labels for labels in ha_env.labels(title))
    asked = ha_env.plex.stats.total

    await process_events(ha_env, clock)

    assert ha_env.plex.stats.total == asked


async def test_corrected_match_is_noticed(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    await begin(ha_env, clock)
    title = want_silently(ha_env)
    item = unlabelled_item(ha_env, "movie")
    clock.tick(61)

    ha_env.plex.match(item.rating_key, title)
    await process_events(ha_env, clock)

    assert "rosa" in labels_of(item)


@pytest.mark.parametrize("fault", [RuntimeError, asyncio.CancelledError])
@pytest.mark.parametrize("where", ["answers", "listen", "on", "socket"])
async def test_fault_that_no_one_expected_ends_no_live_updates_and_is_reported_once(
    ha_env: HaEnv,
    clock: TickingDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    *,
    where: str,
    fault: type[BaseException],
) -> None:
    set_limits(ha_env.hass, reconnect=ReconnectTimes(first=0.02, most=0.02))
    await begin(ha_env, clock)
    running = ha_env.entry.runtime_data
    place = {
        "answers": (running.servers, "async_plex_answers"),
        "listen": (running.servers.plex, "listen"),
        "on": (running.servers, "async_set_live_updates"),
        "socket": (running.plex_events, "_listen"),
    }[where]

    tries = 0

    def fail(*_args: object, **_kwargs: object) -> None:
        nonlocal tries
        tries += 1
        raise fault("nobody expected this")

    with patch.object(*place, fail):
        if where == "answers":
            ha_env.plex.knobs = PlexKnobs(notifications=False)
        await ha_env.plex.drop_events()
        await eventually(lambda: tries > 3)
    logged = [one for one in caplog.records if "Unexpected" in one.getMessage()]
    assert len(logged) == 1
    ha_env.plex.knobs = PlexKnobs()
    title = want_silently(ha_env)
    clock.tick(61)
    await ha_env.plex.import_title(title)
    await reconnect(ha_env)
    for _ in range(6):
        await later(ha_env, clock, 1)
    assert ha_env.labels(title) == [{"rosa"}]


async def test_what_came_while_the_connection_was_broken_is_caught_up_with(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    title = want_silently(ha_env)
    clock.tick(61)
    await ha_env.plex.drop_events()
    await ha_env.plex.import_title(title)
    assert ha_env.labels(title) == [set()]

    await reconnect(ha_env)
    await later(ha_env, clock, 1)
    await later(ha_env, clock, 1)

    assert ha_env.labels(title) == [{"rosa"}]


async def test_title_that_plex_recognized_while_no_one_listened_is_caught_up_with(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    title = want_silently(ha_env)
    item = ha_env.plex.state.add_item(title, guid="local://77")
    clock.tick(61)
    # It is seen in between, without a name.
    for guid in ("local://77", title.plex_guid):
        await ha_env.plex.drop_events()
        ha_env.plex.state.rematch(item.rating_key, guid=guid, guids=(), title=title.title)
        await reconnect(ha_env)
        await later(ha_env, clock, 1)
        await later(ha_env, clock, 1)

    assert ha_env.labels(title) == [{"rosa"}]


async def test_connection_that_breaks_again_and_again_is_not_new_and_loses_nothing(
    ha_env: HaEnv, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await begin(ha_env, clock)
    logged = len([record for record in caplog.records if record.levelname != "DEBUG"])
    titles = []
    for kind in ("movie", "show"):
        titles.append(want_silently(ha_env, kind=kind))
        await ha_env.plex.drop_events()
        await ha_env.plex.import_title(titles[-1])
        clock.tick(61)
        await reconnect(ha_env)
        await later(ha_env, clock, 1)
        await later(ha_env, clock, 1)

    assert [ha_env.labels(title) for title in titles] == [[{"rosa"}]] * 2
    own = [one for one in caplog.records[logged:] if one.name.startswith("custom_components")]
    assert [one.getMessage() for one in own if one.levelname != "DEBUG"] == []


async def test_entity_shows_whether_live_updates_arrive(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    await ha_env.plex.stop()
    await eventually(lambda: ha_env.state("live_updates") == "off")
    await eventually(lambda: ha_env.state("plex_connected") == "off")

    await ha_env.plex.start(ha_env.plex_port)
    await eventually(lambda: ha_env.state("live_updates") == "on")
    assert ha_env.state("plex_connected") == "on"


async def test_proxy_without_websockets_is_reported_once_and_the_rest_works(
    ha_env: HaEnv, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    ha_env.plex.knobs = PlexKnobs(notifications=False)
    await ha_env.set_up()
    await eventually(lambda: ha_env.plex.stats.total > 0)
    await eventually(lambda: "live updates from it do not work" in caplog.text)
    await asyncio.sleep(2.5)  # two more tries
    assert caplog.text.count("live updates from it do not work") == 1
    assert ha_env.state("live_updates") == "off"
    assert ha_env.state("plex_connected") == "on"

    title = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    await ha_env.settle()
    await later(ha_env, clock, 1)
    assert all("rosa" in labels for labels in ha_env.labels(title))


async def test_no_one_listens_while_live_mode_is_off(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    switch = {"entity_id": ha_env.entity_id("live_mode")}
    await ha_env.hass.services.async_call("switch", "turn_off", switch, blocking=True)
    await eventually(lambda: ha_env.plex.events.listeners == 0)
    assert ha_env.state("live_updates") == "off"

    await ha_env.hass.services.async_call("switch", "turn_on", switch, blocking=True)
    await reconnect(ha_env)
    await ha_env.settle()  # the watchlists are looked at as well


async def test_no_one_listens_after_the_entry_is_unloaded(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    assert ha_env.plex.events.listeners == 1
    await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)
    await eventually(lambda: ha_env.plex.events.listeners == 0)
    await later(ha_env, clock, 600)
    assert ha_env.plex.events.listeners == 0


async def test_events_while_pulsarr_is_away_are_checked_when_it_is_back(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock, batch_mode=False)
    title = want_silently(ha_env)
    clock.tick(61)
    port = ha_env.pulsarr.port
    await ha_env.pulsarr.stop()
    await ha_env.plex.import_title(title)
    await process_events(ha_env, clock)
    assert ha_env.labels(title) == [set()]

    await ha_env.pulsarr.start(port)
    await later(ha_env, clock, RETRY)
    await later(ha_env, clock, 1)

    assert ha_env.labels(title) == [{"rosa"}]


async def test_events_that_plex_does_not_report_completely_are_read_again(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    title = want_silently(ha_env)
    clock.tick(61)
    await ha_env.plex.import_title(title)
    ha_env.plex.faults.add(Fault("truncated", route=METADATA_ROUTE, times=None))
    await process_events(ha_env, clock)
    assert ha_env.labels(title) == [set()]

    ha_env.plex.faults.clear()
    await later(ha_env, clock, RETRY)
    await later(ha_env, clock, 1)

    assert ha_env.labels(title) == [{"rosa"}]


async def test_label_of_an_item_that_became_another_title_goes_at_once(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    wanted = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("rosa"), wanted, force=True)
    await ha_env.settle()
    await later(ha_env, clock, 1)
    item = ha_env.plex.state.items_of(wanted)[0]
    assert labels_of(item) == {"rosa"}
    clock.tick(61)

    ha_env.plex.match(item.rating_key, ha_env.spare(in_plex=False))
    await process_events(ha_env, clock)

    assert labels_of(item) == set()


async def test_item_that_plex_cannot_return_stops_no_other(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    titles = [want_silently(ha_env, kind=kind) for kind in ("movie", "show")]
    others = [ha_env.plex.state.add_item(one, "1") for one in make_catalog(9, 30, 0)]
    clock.tick(61)
    bad = others[7].rating_key
    ha_env.plex.broken_items[bad] = "busy"
    for title in titles:
        ha_env.plex.refresh_items([bad])
        await ha_env.plex.import_title(title)
        ha_env.plex.refresh_items(item.rating_key for item in others)
        await process_events(ha_env, clock)
        assert ha_env.labels(title) == [{"rosa"}]
        await later(ha_env, clock, 61)


@pytest.mark.parametrize("kind", ["busy", "cut_body"])
async def test_library_that_cannot_be_read_after_a_broken_connection_stops_no_other(
    ha_env: HaEnv, clock: TickingDateTimeFactory, kind: FaultKind
) -> None:
    await begin(ha_env, clock)
    ha_env.plex.faults.add(Fault(kind, match=r"/library/sections/1/all", times=None))
    await ha_env.plex.drop_events()
    await eventually(lambda: ha_env.state("live_updates") == "off")
    await reconnect(ha_env)
    await later(ha_env, clock, WINDOW)
    title = want_silently(ha_env, kind="show")

    await ha_env.plex.import_title(title)
    await process_events(ha_env, clock)

    assert ha_env.labels(title) == [{"rosa"}]


async def test_message_that_no_one_expected_ends_nothing(
    ha_env: HaEnv, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await begin(ha_env, clock)
    title = want_silently(ha_env)
    clock.tick(61)
    for kind in (["library.update.section"], {"a": 1}, 7, None):
        ha_env.plex.events.announce(
            {
                "type": "activity",
                "ActivityNotification": [{"event": "ended", "Activity": {"type": kind}}],
            }
        )
    await ha_env.receive_plex_events()
    with patch.object(Engine, "item_deleted", side_effect=RuntimeError("secret title")):
        for item in make_catalog(9, 3, 0):
            ha_env.plex.delete_item(ha_env.plex.state.add_item(item, "1").rating_key)
        await ha_env.receive_plex_events()
    assert caplog.text.count("Unexpected RuntimeError") == 1
    assert "secret title" not in caplog.text

    await ha_env.plex.import_title(title)
    await process_events(ha_env, clock)

    assert ha_env.labels(title) == [{"rosa"}]
    assert ha_env.state("live_updates") == "on"


async def test_poll_that_fails_in_a_way_that_no_one_expected_is_not_the_last_one(
    ha_env: HaEnv, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await begin(ha_env, clock)
    clock.tick(61)
    for method in ("triage", "run"):
        with patch.object(Engine, method, side_effect=RuntimeError("boom")):
            await ha_env.plex.import_title(want_silently(ha_env))
            await process_events(ha_env, clock)
    assert "Unexpected RuntimeError" in caplog.text
    assert "boom" not in caplog.text
    title = want_silently(ha_env, "tim", "show")
    await later(ha_env, clock, 61)
    await ha_env.plex.import_title(title)
    await process_events(ha_env, clock)
    await later(ha_env, clock, RETRY)

    assert ha_env.labels(title) == [{"tim"}]


async def test_match_that_is_corrected_right_after_our_own_edit_is_noticed(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    wanted, other = ha_env.spare(in_plex=True), want_silently(ha_env, "tim")
    await ha_env.pulsarr.want(ha_env.person("rosa"), wanted, force=True)
    await ha_env.settle()
    await later(ha_env, clock, 1)
    item = ha_env.plex.state.items_of(wanted)[0]
    assert labels_of(item) == {"rosa"}

    ha_env.plex.match(item.rating_key, other)
    await process_events(ha_env, clock)
    await later(ha_env, clock, 61)
    await later(ha_env, clock, 2)

    assert labels_of(item) == {"tim"}


def wanted_titles(ha_env: HaEnv) -> list[CatalogTitle]:
    """Return everything that is on a watchlist."""
    keys = {entry.catalog_key for entry in ha_env.pulsarr.state.entries()}
    return [title for title in ha_env.world.catalog if title.key in keys]


def labels_of(item: Item) -> set[str]:
    """Return an item's labels, folded."""
    return {label.casefold() for label in item.labels}


def labelled_item(ha_env: HaEnv, kind: str) -> Item:
    """Return an item that carries a label of somebody who wants it."""
    for item in ha_env.plex.state.items.values():
        if item.type == kind and item.origin in wanted_titles(ha_env) and item.labels:
            return item
    raise AssertionError("the world is too small")


def unlabelled_item(ha_env: HaEnv, kind: str) -> Item:
    """Return an item that nobody wants."""
    for item in ha_env.plex.state.items.values():
        if item.type == kind and item.origin not in wanted_titles(ha_env) and not item.labels:
            return item
    raise AssertionError("the world is too small")


async def test_item_that_comes_alone_is_checked_at_once(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    title = want_silently(ha_env)
    clock.tick(61)
    await ha_env.plex.import_title(title)
    await ha_env.receive_plex_events()
    await later(ha_env, clock, MOMENT)
    await later(ha_env, clock, MOMENT)
    assert ha_env.labels(title) == [{"rosa"}]


async def test_second_event_of_an_item_costs_nothing(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock)
    title = want_silently(ha_env)
    clock.tick(61)
    await ha_env.plex.import_title(title)
    await process_events(ha_env, clock)
    (item,) = ha_env.plex.state.items_of(title)
    asked = ha_env.plex.stats.total
    for _ in range(5):
        ha_env.plex.refresh_items([item.rating_key])
        await process_events(ha_env, clock)
    assert ha_env.plex.stats.total == asked


async def test_burst_is_gathered(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    await begin(ha_env, clock)
    items = [ha_env.plex.state.add_item(one, "1") for one in make_catalog(9, 160, 0)]
    began = time.time()
    for some in batched(items, 8, strict=True):
        ha_env.plex.refresh_items(item.rating_key for item in some)
        await ha_env.receive_plex_events()
        await later(ha_env, clock, 0.1)
    await process_events(ha_env, clock)

    # One look in each window.
    windows = (time.time() - began) / 1.5
    assert ha_env.plex.stats.count("GET", METADATA_ROUTE) <= 1 + windows


@pytest.mark.parametrize("failures", [1, 2, 3])
async def test_title_whose_item_could_not_be_read_is_labelled_soon_after_plex_recovers(
    ha_env: HaEnv, clock: TickingDateTimeFactory, failures: int
) -> None:
    title = want_silently(ha_env)
    await begin(ha_env, clock, batch_mode=False)
    for _ in range(5):
        await later(ha_env, clock, 61)  # its list was read
    await ha_env.plex.import_title(title)
    ha_env.plex.faults.add(Fault("busy", route=METADATA_ROUTE, times=None))
    await process_events(ha_env, clock)
    for _ in range(failures - 1):
        await later(ha_env, clock, RETRY)
        await later(ha_env, clock, 1)
    assert ha_env.labels(title) == [set()]
    ha_env.plex.faults.clear()
    for _ in range(4):
        await later(ha_env, clock, RETRY)
    assert ha_env.labels(title) == [{"rosa"}]
