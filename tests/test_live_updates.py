"""Plex's own events: what comes of them, what they cost, and what happens when they stop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from custom_components.plex_label_sync.sync.engine import Engine
from simulators.catalogue import make_catalogue
from simulators.plex import Fault, PlexKnobs
from simulators.plex.server import METADATA_ROUTE

from .household import eventually, later

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory

    from simulators.catalogue import CatalogueTitle
    from simulators.http import FaultKind
    from simulators.plex import Item

    from .household import Household

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture(autouse=True)
def _no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the looks at the watchlists, which would find what Plex told of anyway."""
    monkeypatch.setattr("custom_components.plex_label_sync.beat.BEAT", 30 * 24 * 3600.0)


WINDOW = 2  # seconds, in which events are gathered
RETRY = 30  # seconds, as the household sets it
SCAN = 10  # seconds between two looks because of a scan


async def begin(household: Household, clock: TickingDateTimeFactory, **options: object) -> None:
    """Set everything up and be over with what was missed."""
    await household.set_up(**options)
    await household.connected()
    await later(household, clock, 1)
    household.plex.stats.reset()
    household.pulsarr.stats.reset()


async def told(household: Household, clock: TickingDateTimeFactory) -> None:
    """Let what Plex told be acted on."""
    await household.hear()
    await later(household, clock, WINDOW)
    await later(household, clock, 1)


def wished_silently(
    household: Household, name: str = "rosa", kind: str = "movie"
) -> CatalogueTitle:
    """Somebody wants a title that Plex has not; nobody is told."""
    title = household.spare(kind, in_plex=False)
    household.pulsarr.state.wish(household.person(name), title)
    return title


async def reconnect(household: Household) -> None:
    """Wait until the connection is there again."""
    await eventually(lambda: household.plex.events.listeners == 1)
    await household.connected()


@pytest.mark.parametrize("kind", ["movie", "show"])
async def test_title_that_nobody_announced_is_labelled_when_plex_has_processed_it(
    household: Household, clock: TickingDateTimeFactory, kind: str
) -> None:
    await begin(household, clock)
    title = wished_silently(household, kind=kind)
    clock.tick(61)

    await household.plex.import_title(title)
    await told(household, clock)

    assert household.labels(title) == [{"rosa"}]
    event = household.entity("activity").attributes
    assert (event["event_type"], event["title"]) == ("labels_changed", title.title)


async def test_title_that_waits_is_labelled_at_once_when_plex_has_processed_it(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    title = household.spare(in_plex=False)
    await household.pulsarr.wish(household.person("rosa"), title, force=True)
    await household.pulsarr.announce(title, force=True)
    await household.settle()
    await later(household, clock, 1)
    assert household.state("pending") == "1"

    await household.plex.import_title(title)
    await told(household, clock)

    assert household.labels(title) == [{"rosa"}]
    assert household.state("pending") == "0"


async def test_title_that_plex_recognises_late_is_waited_for_by_that_name_and_then_labelled(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    title = household.spare(in_plex=False)
    await household.pulsarr.wish(household.person("rosa"), title, force=True)
    await household.plex.import_title(title, match_after=None)
    await household.pulsarr.announce(title, force=True)
    await household.hear()
    await later(household, clock, 1)
    await later(household, clock, SCAN)

    (pending,) = (await household.call("get_pending"))["pending"]
    assert pending["reason"] == "not_matched_yet"

    (item,) = household.plex.state.items_of(title, identified=False)
    household.plex.match(item.rating_key, title)
    await told(household, clock)
    assert household.labels(title) == [{"rosa"}]


async def test_title_in_a_library_that_is_left_out_says_so(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock, libraries=["2", "3"])
    title = household.spare(in_plex=False)
    await household.pulsarr.wish(household.person("rosa"), title, force=True)
    await household.plex.import_title(title, section="1")
    await household.pulsarr.announce(title, force=True)
    await told(household, clock)

    (pending,) = (await household.call("get_pending"))["pending"]
    assert pending["reason"] == "library_excluded"
    assert household.labels(title) == [set()]


async def test_end_of_a_scan_has_everything_that_waits_looked_at(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    title = household.spare(in_plex=False)
    await household.pulsarr.wish(household.person("rosa"), title, force=True)
    await household.pulsarr.announce(title, force=True)
    await household.settle()
    await later(household, clock, 1)
    household.plex.state.add_item(title)  # found without a word about the item

    household.plex.events.announce(
        {
            "type": "activity",
            "ActivityNotification": [
                {"event": "ended", "Activity": {"type": "library.update.section"}}
            ],
        }
    )
    await household.hear()
    await later(household, clock, 1)

    assert household.labels(title) == [{"rosa"}]


async def test_refresh_of_everything_costs_no_request_per_item(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    for title in make_catalogue(9, 400, 0):
        household.plex.state.add_item(title, "1")
    await begin(household, clock)

    for _ in range(50):
        household.plex.refresh_items()  # 50 times 460 items and more
    await told(household, clock)

    assert household.plex.stats.total == 0
    assert household.pulsarr.stats.total == 0


async def test_refresh_of_a_few_items_costs_one_request_and_then_none_for_a_while(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    keys = [key for key, item in household.plex.state.items.items() if item.identified][:50]
    await later(household, clock, 61)  # our own labels are old
    household.plex.stats.reset()
    household.pulsarr.stats.reset()
    for _ in range(5):
        household.plex.refresh_items(keys)
        await told(household, clock)

    assert household.plex.stats.total == 1


async def test_flood_of_new_items_is_met_with_one_full_sync(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    title = wished_silently(household)
    items = [household.plex.state.add_item(one, "1") for one in make_catalogue(9, 400, 0)]
    household.plex.state.add_item(title)
    for _ in range(3):
        household.plex.refresh_items(item.rating_key for item in items)
        await told(household, clock)
    assert household.plex.stats.total == 0
    before = household.state("last_sync")

    await later(household, clock, 60)

    assert household.state("last_sync") > before
    assert household.labels(title) == [{"rosa"}]
    assert household.plex.stats.total < 40


async def test_many_episodes_of_a_show_that_is_labelled_cost_one_request(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    show = labelled_item(household, "show")
    clock.tick(61)  # our own label is old
    for _ in range(200):
        household.plex.import_episode(show.rating_key)
    await told(household, clock)

    assert household.plex.stats.total == 1


async def test_our_own_edits_come_back_as_events_and_are_no_news(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    household.plex.knobs = PlexKnobs(edit_events=True)
    await begin(household, clock)
    title = household.spare(in_plex=True)
    await household.pulsarr.wish(household.person("rosa"), title, force=True)
    await household.settle()
    await later(household, clock, 1)
    assert all("rosa" in labels for labels in household.labels(title))
    asked = household.plex.stats.total

    await told(household, clock)

    assert household.plex.stats.total == asked


async def test_corrected_match_is_noticed(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    title = wished_silently(household)
    item = unlabelled_item(household, "movie")
    clock.tick(61)

    household.plex.match(item.rating_key, title)
    await told(household, clock)

    assert "rosa" in labels_of(item)


async def test_what_came_while_the_connection_was_broken_is_caught_up_with(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    title = wished_silently(household)
    clock.tick(61)
    await household.plex.drop_events()
    await household.plex.import_title(title)
    assert household.labels(title) == [set()]

    await reconnect(household)
    await later(household, clock, 1)
    await later(household, clock, 1)

    assert household.labels(title) == [{"rosa"}]


async def test_title_that_plex_recognised_while_nobody_listened_is_caught_up_with(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    title = wished_silently(household)
    item = household.plex.state.add_item(title, guid="local://77")
    clock.tick(61)
    # It is seen in between, without a name.
    for guid in ("local://77", title.plex_guid):
        await household.plex.drop_events()
        household.plex.state.rematch(item.rating_key, guid=guid, guids=(), title=title.title)
        await reconnect(household)
        await later(household, clock, 1)
        await later(household, clock, 1)

    assert household.labels(title) == [{"rosa"}]


async def test_connection_that_breaks_again_and_again_is_no_news_and_loses_nothing(
    household: Household, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await begin(household, clock)
    said = len([record for record in caplog.records if record.levelname != "DEBUG"])
    titles = []
    for kind in ("movie", "show"):
        titles.append(wished_silently(household, kind=kind))
        await household.plex.drop_events()
        await household.plex.import_title(titles[-1])
        clock.tick(61)
        await reconnect(household)
        await later(household, clock, 1)
        await later(household, clock, 1)

    assert [household.labels(title) for title in titles] == [[{"rosa"}]] * 2
    ours = [one for one in caplog.records[said:] if one.name.startswith("custom_components")]
    assert [one.getMessage() for one in ours if one.levelname != "DEBUG"] == []


async def test_entity_shows_whether_plex_is_heard(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    await household.plex.stop()
    await eventually(lambda: household.state("live_updates") == "off")
    await eventually(lambda: household.state("plex_connected") == "off")

    await household.plex.start(household.plex_port)
    await eventually(lambda: household.state("live_updates") == "on")
    assert household.state("plex_connected") == "on"


async def test_proxy_without_websockets_is_said_once_and_the_rest_works(
    household: Household, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    household.plex.knobs = PlexKnobs(notifications=False)
    await household.set_up()
    await eventually(lambda: household.plex.stats.total > 0)
    await eventually(lambda: "live updates from it do not work" in caplog.text)
    await asyncio.sleep(2.5)  # two more tries
    assert caplog.text.count("live updates from it do not work") == 1
    assert household.state("live_updates") == "off"
    assert household.state("plex_connected") == "on"

    title = household.spare(in_plex=True)
    await household.pulsarr.wish(household.person("rosa"), title, force=True)
    await household.settle()
    await later(household, clock, 1)
    assert all("rosa" in labels for labels in household.labels(title))


async def test_nobody_listens_while_live_mode_is_off(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    switch = {"entity_id": household.entity_id("live_mode")}
    await household.hass.services.async_call("switch", "turn_off", switch, blocking=True)
    await eventually(lambda: household.plex.events.listeners == 0)
    assert household.state("live_updates") == "off"

    await household.hass.services.async_call("switch", "turn_on", switch, blocking=True)
    await reconnect(household)
    await household.settle()  # the watchlists are looked at as well


async def test_nobody_listens_after_the_entry_is_unloaded(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    await household.hass.config_entries.async_unload(household.entry.entry_id)
    await eventually(lambda: household.plex.events.listeners == 0)


async def test_news_while_pulsarr_is_away_is_looked_at_when_it_is_back(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock, batch_mode=False)
    title = wished_silently(household)
    clock.tick(61)
    port = household.pulsarr.port
    await household.pulsarr.stop()
    await household.plex.import_title(title)
    await told(household, clock)
    assert household.labels(title) == [set()]

    await household.pulsarr.start(port)
    await later(household, clock, RETRY)
    await later(household, clock, 1)

    assert household.labels(title) == [{"rosa"}]


async def test_news_that_plex_does_not_tell_completely_are_read_again(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    title = wished_silently(household)
    clock.tick(61)
    await household.plex.import_title(title)
    household.plex.faults.add(Fault("truncated", route=METADATA_ROUTE, times=None))
    await told(household, clock)
    assert household.labels(title) == [set()]

    household.plex.faults.clear()
    await later(household, clock, RETRY)
    await later(household, clock, 1)

    assert household.labels(title) == [{"rosa"}]


async def test_label_of_an_item_that_became_another_title_goes_at_once(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    wanted = household.spare(in_plex=True)
    await household.pulsarr.wish(household.person("rosa"), wanted, force=True)
    await household.settle()
    await later(household, clock, 1)
    item = household.plex.state.items_of(wanted)[0]
    assert labels_of(item) == {"rosa"}
    clock.tick(61)

    household.plex.match(item.rating_key, household.spare(in_plex=False))
    await told(household, clock)

    assert labels_of(item) == set()


async def test_item_that_plex_cannot_tell_of_stops_no_other(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    titles = [wished_silently(household, kind=kind) for kind in ("movie", "show")]
    others = [household.plex.state.add_item(one, "1") for one in make_catalogue(9, 30, 0)]
    clock.tick(61)
    bad = others[7].rating_key
    household.plex.broken_items[bad] = "busy"
    for title in titles:
        household.plex.refresh_items([bad])
        await household.plex.import_title(title)
        household.plex.refresh_items(item.rating_key for item in others)
        await told(household, clock)
        assert household.labels(title) == [{"rosa"}]
        await later(household, clock, 61)


@pytest.mark.parametrize("kind", ["busy", "cut_body"])
async def test_library_that_cannot_be_read_after_a_broken_connection_stops_no_other(
    household: Household, clock: TickingDateTimeFactory, kind: FaultKind
) -> None:
    await begin(household, clock)
    household.plex.faults.add(Fault(kind, match=r"/library/sections/1/all", times=None))
    await household.plex.drop_events()
    await eventually(lambda: household.state("live_updates") == "off")
    await reconnect(household)
    await later(household, clock, WINDOW)
    title = wished_silently(household, kind="show")

    await household.plex.import_title(title)
    await told(household, clock)

    assert household.labels(title) == [{"rosa"}]


async def test_message_that_nobody_expected_ends_nothing(
    household: Household, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await begin(household, clock)
    title = wished_silently(household)
    clock.tick(61)
    for kind in (["library.update.section"], {"a": 1}, 7, None):
        household.plex.events.announce(
            {
                "type": "activity",
                "ActivityNotification": [{"event": "ended", "Activity": {"type": kind}}],
            }
        )
    await household.hear()
    with patch.object(Engine, "gone", side_effect=RuntimeError("secret title")):
        for item in make_catalogue(9, 3, 0):
            household.plex.delete_item(household.plex.state.add_item(item, "1").rating_key)
        await household.hear()
    assert caplog.text.count("Unexpected RuntimeError") == 1
    assert "secret title" not in caplog.text

    await household.plex.import_title(title)
    await told(household, clock)

    assert household.labels(title) == [{"rosa"}]
    assert household.state("live_updates") == "on"


async def test_look_that_fails_in_a_way_that_nobody_expected_is_not_the_last_one(
    household: Household, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await begin(household, clock)
    clock.tick(61)
    for method in ("sighted", "run"):
        with patch.object(Engine, method, side_effect=RuntimeError("boom")):
            await household.plex.import_title(wished_silently(household))
            await told(household, clock)
    assert "Unexpected RuntimeError" in caplog.text
    assert "boom" not in caplog.text
    title = wished_silently(household, "tim", "show")
    await later(household, clock, 61)
    await household.plex.import_title(title)
    await told(household, clock)
    await later(household, clock, RETRY)

    assert household.labels(title) == [{"tim"}]


async def test_match_that_is_corrected_right_after_our_own_edit_is_noticed(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock)
    wanted, other = household.spare(in_plex=True), wished_silently(household, "tim")
    await household.pulsarr.wish(household.person("rosa"), wanted, force=True)
    await household.settle()
    await later(household, clock, 1)
    item = household.plex.state.items_of(wanted)[0]
    assert labels_of(item) == {"rosa"}

    household.plex.match(item.rating_key, other)
    await told(household, clock)
    await later(household, clock, 61)
    await later(household, clock, 2)

    assert labels_of(item) == {"tim"}


def wanted_titles(household: Household) -> list[CatalogueTitle]:
    """Return everything that is on a watchlist."""
    keys = {wish.catalogue_key for wish in household.pulsarr.state.wishes()}
    return [title for title in household.world.catalogue if title.key in keys]


def labels_of(item: Item) -> set[str]:
    """Return an item's labels, folded."""
    return {label.casefold() for label in item.labels}


def labelled_item(household: Household, kind: str) -> Item:
    """Return an item that carries a label of somebody who wants it."""
    for item in household.plex.state.items.values():
        if item.type == kind and item.origin in wanted_titles(household) and item.labels:
            return item
    raise AssertionError("the world is too small")


def unlabelled_item(household: Household, kind: str) -> Item:
    """Return an item that nobody wants."""
    for item in household.plex.state.items.values():
        if item.type == kind and item.origin not in wanted_titles(household) and not item.labels:
            return item
    raise AssertionError("the world is too small")
