"""Live sync: webhooks, the pending queue, and what happens while servers are away."""

from __future__ import annotations

from datetime import timedelta
import time
from typing import TYPE_CHECKING, Any

from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from simulators.plex import Fault
from simulators.pulsarr import arr

from .household import WEBHOOK_ID, WEBHOOK_SECRET, later
from .test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory

    from simulators.catalogue import CatalogueTitle

    from .household import Household

RETRY = 30  # seconds, as the household sets it
pytestmark = pytest.mark.usefixtures("clock")

AGES = 15  # seconds after which watchlists are too old to say that nobody wants a title


async def soon(household: Household, clock: TickingDateTimeFactory) -> None:
    """Let what was announced be acted on: events are gathered for half a second."""
    await household.settle()
    await later(household, clock, 1)


async def announced(household: Household, name: str = "rosa") -> CatalogueTitle:
    """Somebody wants a title, and an arr app has imported it; Plex does not know it yet."""
    title = household.spare(in_plex=False)
    await household.pulsarr.wish(household.person(name), title, force=True)
    assert await household.pulsarr.announce(title, force=True)
    return title


async def appear(household: Household, title: CatalogueTitle) -> None:
    """Plex finds the file and recognises it."""
    await household.plex.import_title(title)


async def test_title_that_plex_has_already_is_labelled_at_once_when_it_is_wished(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    title = household.spare(in_plex=True)

    await household.pulsarr.wish(household.person("rosa"), title, force=True)
    await soon(household, clock)

    assert all("rosa" in labels for labels in household.labels(title))
    assert household.state("pending") == "0"


async def test_second_person_on_a_title_gets_a_label_too(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    title = household.spare(in_plex=True)
    for name in ("rosa", "tim"):
        await household.pulsarr.wish(household.person(name), title, force=True)
        await soon(household, clock)

    assert all({"rosa", "tim"} <= labels for labels in household.labels(title))


async def test_title_announced_before_plex_has_it_is_labelled_one_retry_after_plex_has_it(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    title = await announced(household)
    await soon(household, clock)
    assert household.state("pending") == "1"

    await later(household, clock, RETRY)
    await appear(household, title)
    await later(household, clock, RETRY)

    assert household.labels(title) == [{"rosa"}]
    assert household.state("pending") == "0"


async def test_pending_title_says_who_waits_since_when_and_why(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    title = await announced(household)
    await soon(household, clock)

    (pending,) = (await household.call("get_pending"))["pending"]

    created, next_try, expires = (
        dt_util.parse_datetime(pending.pop(key), raise_on_error=True)
        for key in ("created", "next_try", "expires")
    )
    assert expires - created == timedelta(minutes=30)
    assert timedelta(seconds=RETRY) < next_try - created < timedelta(seconds=RETRY + 10)
    assert pending == {
        "title": title.title,
        "type": "movie",
        "guids": sorted(title.guids),
        "people": ["rosa"],
        "reason": "not_in_plex",
        "tries": 1,
    }


async def test_pending_title_survives_a_restart(
    household: Household, clock: TickingDateTimeFactory, hass_storage: dict[str, Any]
) -> None:
    await household.set_up()
    title = await announced(household)
    await soon(household, clock)
    stored = hass_storage[f"plex_label_sync.{household.entry.entry_id}.queue"]["data"]
    assert [one["title"] for one in stored["pending"]] == [title.title]

    await household.hass.config_entries.async_reload(household.entry.entry_id)
    await household.settle()
    assert household.state("pending") == "1"

    await appear(household, title)
    await later(household, clock, RETRY)

    assert household.labels(title) == [{"rosa"}]
    assert household.state("pending") == "0"


async def test_announcement_is_on_disk_before_anything_is_looked_for(
    household: Household, hass_storage: dict[str, Any]
) -> None:
    await household.set_up()
    household.plex.stats.reset()

    await announced(household)
    await household.settle()

    stored = hass_storage[f"plex_label_sync.{household.entry.entry_id}.queue"]["data"]
    assert len(stored["pending"]) == 1
    assert household.plex.stats.total == 0


async def test_title_that_never_comes_expires_and_is_reported(
    household: Household, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await household.set_up(pending_max_age=1)
    title = await announced(household)
    await soon(household, clock)

    await later(household, clock, RETRY)
    assert household.state("pending") == "1"
    await later(household, clock, RETRY)

    assert household.state("pending") == "0"
    event = household.entity("activity").attributes
    assert event["event_type"] == "pending_expired"
    assert event["title"] == title.title
    assert event["people"] == ["rosa"]
    assert title.title in caplog.text

    # It is not forgotten: when it comes after all, the next full sync labels it.
    await appear(household, title)
    await household.call("sync_all")
    assert household.labels(title) == [{"rosa"}]


async def test_nothing_expires_while_plex_is_away(
    household: Household, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await household.set_up(pending_max_age=1, batch_mode=False)
    title = await announced(household)
    await soon(household, clock)
    await household.plex.stop()
    for _ in range(5):
        await later(household, clock, RETRY)

    (pending,) = (await household.call("get_pending"))["pending"]
    assert pending["reason"] == "plex_unreachable"
    assert household.state("status") == "waiting_for_plex"

    await household.plex.start(household.plex_port)
    await appear(household, title)
    await later(household, clock, RETRY)
    assert household.labels(title) == [{"rosa"}]
    assert household.state("status") == "idle"
    assert caplog.text.count("cannot be used") == 1
    assert caplog.text.count("plex answers again") == 1


async def test_announcement_while_pulsarr_is_away_waits_for_it(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    title = household.spare(in_plex=True)
    household.pulsarr.state.wish(household.person("rosa"), title)
    await later(household, clock, AGES)
    household.pulsarr.faults.add(Fault(kind="unavailable", times=None))
    await post(household, arr.radarr_download(title))
    await soon(household, clock)
    (pending,) = (await household.call("get_pending"))["pending"]
    assert pending["reason"] == "pulsarr_unreachable"
    assert household.state("status") == "waiting_for_pulsarr"

    household.pulsarr.faults.clear()
    await later(household, clock, RETRY)

    assert all("rosa" in labels for labels in household.labels(title))
    assert household.state("status") == "idle"


async def post(household: Household, payload: object) -> int:
    """Send an arr app's webhook with the secret as a query parameter."""
    url = f"{household.base_url}/api/webhook/{WEBHOOK_ID}?secret={WEBHOOK_SECRET}"
    return await household.pulsarr.post_arr(url, payload)


@pytest.mark.parametrize("kind", ["movie", "show"])
async def test_arr_apps_can_announce_by_themselves(
    household: Household, clock: TickingDateTimeFactory, kind: str
) -> None:
    await household.set_up()
    title = household.spare(kind, in_plex=False)
    household.pulsarr.state.wish(household.person("tim"), title)
    payload = (
        arr.radarr_download(title)
        if kind == "movie"
        else arr.sonarr_download(title, season=1, episodes=(1, 2))
    )
    await later(household, clock, AGES)
    assert await post(household, payload) == 200
    await appear(household, title)
    await soon(household, clock)

    assert household.labels(title) == [{"tim"}]


async def test_test_events_change_nothing(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    household.plex.stats.reset()

    assert await post(household, arr.radarr_test()) == 200
    assert await post(household, arr.sonarr_test()) == 200
    await soon(household, clock)

    assert household.plex.stats.total == 0
    assert household.state("pending") == "0"


async def test_announced_title_that_nobody_wants_does_not_wait(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    await later(household, clock, AGES)
    await post(household, arr.radarr_download(household.spare(in_plex=False)))
    await soon(household, clock)

    assert household.state("pending") == "0"


async def test_announced_title_that_nobody_was_known_to_want_is_labelled_at_once(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up(batch_mode=False)
    title = household.spare(in_plex=False)
    household.pulsarr.state.wish(household.person("rosa"), title)
    await appear(household, title)
    household.pulsarr.stats.reset()
    await post(household, arr.radarr_download(title))
    await later(household, clock, 3)

    assert household.labels(title) == [{"rosa"}]
    assert household.state("pending") == "0"
    assert household.pulsarr.stats.gets == 1 + len(household.pulsarr.state.users())


async def test_announced_title_is_not_given_up_on_the_word_of_older_watchlists(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up(batch_mode=False)
    titles = [household.spare(kind, in_plex=False) for kind in ("movie", "show")]
    payloads = [arr.radarr_download(titles[0]), arr.sonarr_download(titles[1])]
    for title, payload in zip(titles, payloads, strict=True):
        household.pulsarr.state.wish(household.person("rosa"), title)
        await appear(household, title)
        await post(household, payload)
        await later(household, clock, 2)
    # The lists were read for the first title a moment ago: for the second one that has to do.
    assert household.state("pending") == "1"

    await later(household, clock, 11)

    assert [household.labels(title) for title in titles] == [[{"rosa"}]] * 2
    assert household.state("pending") == "0"


async def test_title_that_left_its_watchlist_is_not_waited_for_any_more(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    title = await announced(household)
    await soon(household, clock)
    assert household.state("pending") == "1"

    await household.pulsarr.unwish(household.person("rosa"), title)
    await soon(household, clock)
    await later(household, clock, RETRY)

    assert household.state("pending") == "0"


async def test_labels_stay_when_a_title_leaves_its_watchlist(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    title = household.spare(in_plex=True)
    await household.pulsarr.wish(household.person("rosa"), title, force=True)
    await soon(household, clock)
    before = household.labels(title)

    await household.pulsarr.unwish(household.person("rosa"), title)
    await soon(household, clock)
    await household.call("sync_all")

    assert household.labels(title) == before


async def test_announcements_are_ignored_with_live_mode_off(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up(live_mode=False)
    title = household.spare(in_plex=False)
    household.pulsarr.state.wish(household.person("rosa"), title)

    assert await post(household, arr.radarr_download(title)) == 200
    await soon(household, clock)

    assert household.state("pending") == "0"
    assert household.pulsarr.endpoints == []


async def test_burst_of_announcements_costs_a_bounded_number_of_requests(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    title = await announced(household)
    await soon(household, clock)
    household.plex.stats.reset()
    household.pulsarr.stats.reset()

    for _ in range(50):
        await household.pulsarr.announce(title, force=True)
    await soon(household, clock)

    people = len(household.pulsarr.state.users())
    # Sections, then for each movie library the newest items and one look-up by key.
    assert household.plex.stats.gets <= 1 + 2 * 2
    assert household.pulsarr.stats.gets <= 1 + people
    assert household.state("pending") == "1"


async def test_processing_by_hand_looks_at_everything_that_waits(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    title = await announced(household)
    await soon(household, clock)
    await appear(household, title)

    answer = await household.call("process_pending")

    assert answer == {"processed": 1, "labelled": 1, "waiting": 0, "expired": 0}
    assert household.labels(title) == [{"rosa"}]


async def test_activity_event_tells_what_was_labelled_for_whom(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    title = household.spare(in_plex=True)
    await household.pulsarr.wish(household.person("tim"), title, force=True)
    await soon(household, clock)

    event = household.entity("activity").attributes
    assert event["event_type"] == "labels_changed"
    assert event["title"] == title.title
    assert event["people"] == ["tim"]
    assert [label.casefold() for label in event["labels"]] == ["tim"]


async def test_full_sync_runs_by_the_clock(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    title = household.spare(in_plex=True)
    household.pulsarr.state.wish(household.person("rosa"), title)

    await later(household, clock, 3600)

    assert_everything_is_labelled(household)


async def test_failed_full_sync_is_made_up_for_when_plex_is_back(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up()
    title = household.spare(in_plex=True)
    household.pulsarr.state.wish(household.person("rosa"), title)
    household.plex.faults.add(Fault(kind="unavailable", times=None))
    await later(household, clock, 3600)
    assert household.state("status") == "waiting_for_plex"

    household.plex.faults.clear()
    await later(household, clock, 60)

    assert_everything_is_labelled(household)
    assert household.state("status") == "idle"


@pytest.mark.parametrize("hours", [-2, 2])
async def test_clock_that_is_set_makes_nothing_wait_longer_or_shorter(
    household: Household,
    clock: TickingDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    hours: int,
) -> None:
    await household.set_up(batch_mode=False)
    title = await announced(household)
    await soon(household, clock)
    await later(household, clock, RETRY)
    (before,) = (await household.call("get_pending"))["pending"]

    set_by = timedelta(hours=hours)
    clock.move_to(clock() + set_by)  # this moves the steady clock, too, which stays behind
    monkeypatch.setattr(
        "custom_components.plex_label_sync.clocks.time.monotonic",
        lambda real=time.monotonic: real() - set_by.total_seconds(),
    )
    there = household.spare(in_plex=True)
    await household.pulsarr.wish(household.person("tim"), there, force=True)
    await household.settle()
    async_fire_time_changed(household.hass, dt_util.utcnow() + timedelta(seconds=2))
    await household.settle()
    assert all("tim" in labels for labels in household.labels(there))

    (after,) = (await household.call("get_pending"))["pending"]
    moved = {
        name: dt_util.parse_datetime(after[name], raise_on_error=True)
        - dt_util.parse_datetime(before[name], raise_on_error=True)
        for name in ("created", "expires")
    }
    assert {round(one.total_seconds() / 60) for one in moved.values()} == {hours * 60}

    await appear(household, title)
    await later(household, clock, RETRY + 2)
    assert household.labels(title) == [{"rosa"}]
