"""Live sync: webhooks, the pending queue, and what happens while servers are away."""

from __future__ import annotations

from datetime import timedelta
import time
from typing import TYPE_CHECKING, Any

from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from simulators.plex import Fault
from simulators.plex.server import METADATA_ROUTE
from simulators.pulsarr import arr

from ..ha_env import WEBHOOK_ID, WEBHOOK_SECRET, later
from ..test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory

    from simulators.catalog import CatalogTitle
    from simulators.http import FaultKind

    from ..ha_env import HaEnv

RETRY = 30  # seconds, as the ha_env sets it
pytestmark = pytest.mark.usefixtures("clock")

AGES = 15  # seconds after which watchlists are too old to say that nobody wants a title


async def soon(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    """Let what was announced be acted on: events are gathered for half a second."""
    await ha_env.settle()
    await later(ha_env, clock, 1)


async def announced(ha_env: HaEnv, name: str = "rosa") -> CatalogTitle:
    """Somebody wants a title, and an arr app has imported it; Plex does not know it yet."""
    title = ha_env.spare(in_plex=False)
    await ha_env.pulsarr.want(ha_env.person(name), title, force=True)
    assert await ha_env.pulsarr.announce(title, force=True)
    return title


async def appear(ha_env: HaEnv, title: CatalogTitle) -> None:
    """Plex finds the file and recognizes it."""
    await ha_env.plex.import_title(title)


async def test_title_that_plex_has_already_is_labelled_at_once_when_it_is_wanted(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    title = ha_env.spare(in_plex=True)

    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    await soon(ha_env, clock)

    assert all("rosa" in labels for labels in ha_env.labels(title))
    assert ha_env.state("pending") == "0"


async def test_second_person_on_a_title_gets_a_label_too(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    title = ha_env.spare(in_plex=True)
    for name in ("rosa", "tim"):
        await ha_env.pulsarr.want(ha_env.person(name), title, force=True)
        await soon(ha_env, clock)

    assert all({"rosa", "tim"} <= labels for labels in ha_env.labels(title))


@pytest.mark.parametrize("kind", ["short_page", "busy"])
async def test_label_that_waits_for_labels_that_could_not_be_read_comes_one_retry_later(
    ha_env: HaEnv, clock: TickingDateTimeFactory, kind: FaultKind
) -> None:
    await ha_env.set_up()
    title = ha_env.spare(in_plex=True)
    ha_env.plex.faults.add(Fault(kind, route="/library/sections/{id}/label", times=None))
    ha_env.plex.faults.add(Fault("busy", route=METADATA_ROUTE, times=None))
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    await soon(ha_env, clock)
    assert not any(ha_env.labels(title))
    (waiting,) = (await ha_env.call("get_pending"))["pending"]
    assert (waiting["title"], waiting["reason"]) == (title.title, "not_read")

    ha_env.plex.faults.clear()
    await later(ha_env, clock, RETRY)
    assert all(labels == {"rosa"} for labels in ha_env.labels(title))
    assert ha_env.state("pending") == "0"


async def test_title_announced_before_plex_has_it_is_labelled_one_retry_after_plex_has_it(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    title = await announced(ha_env)
    await soon(ha_env, clock)
    assert ha_env.state("pending") == "1"

    await later(ha_env, clock, RETRY)
    await appear(ha_env, title)
    await later(ha_env, clock, RETRY)

    assert ha_env.labels(title) == [{"rosa"}]
    assert ha_env.state("pending") == "0"


async def test_pending_title_says_who_waits_since_when_and_why(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    title = await announced(ha_env)
    await soon(ha_env, clock)

    (pending,) = (await ha_env.call("get_pending"))["pending"]

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
    ha_env: HaEnv, clock: TickingDateTimeFactory, hass_storage: dict[str, Any]
) -> None:
    await ha_env.set_up()
    title = await announced(ha_env)
    await soon(ha_env, clock)
    stored = hass_storage[f"plex_label_sync.{ha_env.entry.entry_id}.queue"]["data"]
    assert [one["title"] for one in stored["pending"]] == [title.title]

    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()
    assert ha_env.state("pending") == "1"

    await appear(ha_env, title)
    await later(ha_env, clock, RETRY)

    assert ha_env.labels(title) == [{"rosa"}]
    assert ha_env.state("pending") == "0"


async def test_announcement_is_on_disk_before_anything_is_searched_for(
    ha_env: HaEnv, hass_storage: dict[str, Any]
) -> None:
    await ha_env.set_up()
    ha_env.plex.stats.reset()

    await announced(ha_env)
    await ha_env.settle()

    stored = hass_storage[f"plex_label_sync.{ha_env.entry.entry_id}.queue"]["data"]
    assert len(stored["pending"]) == 1
    assert ha_env.plex.stats.total == 0


async def test_title_that_never_comes_expires_and_is_reported(
    ha_env: HaEnv, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await ha_env.set_up(pending_max_age=1)
    title = await announced(ha_env)
    await soon(ha_env, clock)

    await later(ha_env, clock, RETRY)
    assert ha_env.state("pending") == "1"
    await later(ha_env, clock, RETRY)

    assert ha_env.state("pending") == "0"
    event = ha_env.entity("activity").attributes
    assert event["event_type"] == "pending_expired"
    assert event["title"] == title.title
    assert event["people"] == ["rosa"]
    assert title.title in caplog.text

    # It is not forgotten: when it comes after all, the next full sync labels it.
    await appear(ha_env, title)
    await ha_env.call("sync_all")
    assert ha_env.labels(title) == [{"rosa"}]


async def test_nothing_expires_while_plex_is_away(
    ha_env: HaEnv, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await ha_env.set_up(pending_max_age=1, batch_mode=False)
    title = await announced(ha_env)
    await soon(ha_env, clock)
    await ha_env.plex.stop()
    for _ in range(5):
        await later(ha_env, clock, RETRY)

    (pending,) = (await ha_env.call("get_pending"))["pending"]
    assert pending["reason"] == "plex_unreachable"
    assert ha_env.state("status") == "waiting_for_plex"

    await ha_env.plex.start(ha_env.plex_port)
    await appear(ha_env, title)
    await later(ha_env, clock, RETRY)
    assert ha_env.labels(title) == [{"rosa"}]
    assert ha_env.state("status") == "idle"
    assert caplog.text.count("cannot be used") == 1
    assert caplog.text.count("plex answers again") == 1


async def test_announcement_while_pulsarr_is_away_waits_for_it(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await later(ha_env, clock, AGES)
    ha_env.pulsarr.faults.add(Fault(kind="unavailable", times=None))
    await post(ha_env, arr.radarr_download(title))
    await soon(ha_env, clock)
    (pending,) = (await ha_env.call("get_pending"))["pending"]
    assert pending["reason"] == "pulsarr_unreachable"
    assert ha_env.state("status") == "waiting_for_pulsarr"

    ha_env.pulsarr.faults.clear()
    await later(ha_env, clock, RETRY)

    assert all("rosa" in labels for labels in ha_env.labels(title))
    assert ha_env.state("status") == "idle"


async def post(ha_env: HaEnv, payload: object) -> int:
    """Send an arr app's webhook with the secret as a query parameter; return once it is recorded."""
    url = f"{ha_env.base_url}/api/webhook/{WEBHOOK_ID}?secret={WEBHOOK_SECRET}"
    status = await ha_env.pulsarr.post_arr(url, payload)
    await ha_env.settle()
    return status


@pytest.mark.parametrize("kind", ["movie", "show"])
async def test_arr_apps_can_announce_by_themselves(
    ha_env: HaEnv, clock: TickingDateTimeFactory, kind: str
) -> None:
    await ha_env.set_up()
    title = ha_env.spare(kind, in_plex=False)
    ha_env.pulsarr.state.want(ha_env.person("tim"), title)
    payload = (
        arr.radarr_download(title)
        if kind == "movie"
        else arr.sonarr_download(title, season=1, episodes=(1, 2))
    )
    await later(ha_env, clock, AGES)
    assert await post(ha_env, payload) == 200
    await appear(ha_env, title)
    await soon(ha_env, clock)

    assert ha_env.labels(title) == [{"tim"}]


async def test_test_events_change_nothing(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    await ha_env.set_up()
    ha_env.plex.stats.reset()

    assert await post(ha_env, arr.radarr_test()) == 200
    assert await post(ha_env, arr.sonarr_test()) == 200
    await soon(ha_env, clock)

    assert ha_env.plex.stats.total == 0
    assert ha_env.state("pending") == "0"


async def test_announced_title_that_no_one_wants_does_not_wait(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    await later(ha_env, clock, AGES)
    await post(ha_env, arr.radarr_download(ha_env.spare(in_plex=False)))
    await soon(ha_env, clock)

    assert ha_env.state("pending") == "0"


async def test_title_that_only_an_unread_list_may_have_waits_until_that_can_be_read(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(batch_mode=False)
    rosa = ha_env.person("rosa")
    title, other = ha_env.spare(in_plex=True), ha_env.spare("show", in_plex=True)
    ha_env.pulsarr.state.want(rosa, title)
    ha_env.pulsarr.faults.add(Fault("busy", match=rf"/users/{rosa}/watchlist", times=None))
    await later(ha_env, clock, AGES)
    for payload in (arr.radarr_download(title), arr.sonarr_download(other)):
        await post(ha_env, payload)
    await later(ha_env, clock, 3)
    for _ in range(2):
        waiting = (await ha_env.call("get_pending"))["pending"]
        assert {one["title"]: one["reason"] for one in waiting} == {
            title.title: "watchlist_unread",
            other.title: "watchlist_unread",
        }
        await later(ha_env, clock, RETRY)

    ha_env.pulsarr.faults.clear()
    for _ in range(3):
        await later(ha_env, clock, RETRY)

    assert all("rosa" in labels for labels in ha_env.labels(title))
    assert not any(ha_env.labels(other))
    assert ha_env.state("pending") == "0"


async def test_title_that_an_unread_list_may_have_waits_no_longer_than_others(
    ha_env: HaEnv, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await ha_env.set_up(batch_mode=False, pending_max_age=1)
    rosa, title = ha_env.person("rosa"), ha_env.spare(in_plex=True)
    ha_env.pulsarr.faults.add(Fault("busy", match=rf"/users/{rosa}/watchlist", times=None))
    await later(ha_env, clock, AGES)
    await post(ha_env, arr.radarr_download(title))
    await later(ha_env, clock, 3)
    assert ha_env.state("pending") == "1"

    for _ in range(3):
        await later(ha_env, clock, RETRY)

    assert ha_env.state("pending") == "0"
    # Nobody is known to want it, and it is in Plex: there is nothing to warn of.
    assert ha_env.entity("activity").attributes["event_type"] == "pending_resolved"
    assert not [one for one in caplog.records if "still not labelled" in one.getMessage()]


async def test_title_that_only_an_unread_list_may_have_does_not_count_as_expired(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(batch_mode=False, pending_max_age=1)
    rosa, title, other = (
        ha_env.person("rosa"),
        ha_env.spare(in_plex=True),
        ha_env.spare(in_plex=False),
    )
    ha_env.pulsarr.state.want(ha_env.person("tim"), other)
    await later(ha_env, clock, AGES)
    for one in (title, other):
        await post(ha_env, arr.radarr_download(one))
    ha_env.pulsarr.faults.add(Fault("busy", match=rf"/users/{rosa}/watchlist", times=None))
    await later(ha_env, clock, 3)
    assert ha_env.state("pending") == "2"
    clock.tick(60)

    answer = await ha_env.call("process_pending")

    assert answer == {"processed": 2, "labelled": 0, "waiting": 0, "expired": 1}


async def test_labelled_title_that_an_unread_list_may_have_costs_no_listing_at_each_retry(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(batch_mode=False)
    title, rosa = ha_env.spare(in_plex=True), ha_env.person("rosa")
    ha_env.pulsarr.state.want(rosa, title)
    await ha_env.call("sync_all")
    assert all("rosa" in labels for labels in ha_env.labels(title))
    ha_env.pulsarr.faults.add(Fault("busy", match=rf"/users/{rosa}/watchlist", times=None))
    await ha_env.call("sync_all")
    await later(ha_env, clock, AGES)
    await post(ha_env, arr.radarr_download(title))
    await later(ha_env, clock, 3)
    waiting = (await ha_env.call("get_pending"))["pending"]
    assert [one["reason"] for one in waiting] == ["watchlist_unread"]
    ha_env.plex.stats.reset()
    for _ in range(4):
        await later(ha_env, clock, RETRY)

    # A look at the latest items and at the labels of its own is enough.
    assert not [
        one.query
        for one in ha_env.plex.stats.log
        if one.route == "/library/sections/{id}/all"
        and not any(narrow in one.query for narrow in ("label=", "sort=addedAt:desc"))
    ]


async def test_announced_title_that_no_one_was_known_to_want_is_labelled_at_once(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(batch_mode=False)
    title = ha_env.spare(in_plex=False)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await appear(ha_env, title)
    ha_env.pulsarr.stats.reset()
    await post(ha_env, arr.radarr_download(title))
    await later(ha_env, clock, 3)

    assert ha_env.labels(title) == [{"rosa"}]
    assert ha_env.state("pending") == "0"
    assert ha_env.pulsarr.stats.gets == 1 + len(ha_env.pulsarr.state.users())


async def test_announced_title_is_not_given_up_on_the_word_of_older_watchlists(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(batch_mode=False)
    titles = [ha_env.spare(kind, in_plex=False) for kind in ("movie", "show")]
    payloads = [arr.radarr_download(titles[0]), arr.sonarr_download(titles[1])]
    for title, payload in zip(titles, payloads, strict=True):
        ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
        await appear(ha_env, title)
        await post(ha_env, payload)
        await later(ha_env, clock, 2)
    # The lists were read for the first title a moment ago: for the second one that has to do.
    assert ha_env.state("pending") == "1"

    await later(ha_env, clock, 11)

    assert [ha_env.labels(title) for title in titles] == [[{"rosa"}]] * 2
    assert ha_env.state("pending") == "0"


async def test_title_that_left_its_watchlist_is_not_waited_for_any_more(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    title = await announced(ha_env)
    await soon(ha_env, clock)
    assert ha_env.state("pending") == "1"

    await ha_env.pulsarr.unwant(ha_env.person("rosa"), title)
    await soon(ha_env, clock)
    await later(ha_env, clock, RETRY)

    assert ha_env.state("pending") == "0"


async def test_labels_stay_when_a_title_leaves_its_watchlist(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    title = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    await soon(ha_env, clock)
    before = ha_env.labels(title)

    await ha_env.pulsarr.unwant(ha_env.person("rosa"), title)
    await soon(ha_env, clock)
    await ha_env.call("sync_all")

    assert ha_env.labels(title) == before


async def test_announcements_are_ignored_with_live_mode_off(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(live_mode=False)
    title = ha_env.spare(in_plex=False)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)

    assert await post(ha_env, arr.radarr_download(title)) == 200
    await soon(ha_env, clock)

    assert ha_env.state("pending") == "0"
    assert ha_env.pulsarr.endpoints == []


async def test_burst_of_announcements_costs_a_bounded_number_of_requests(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    title = await announced(ha_env)
    await soon(ha_env, clock)
    ha_env.plex.stats.reset()
    ha_env.pulsarr.stats.reset()

    for _ in range(50):
        await ha_env.pulsarr.announce(title, force=True)
    await soon(ha_env, clock)

    people = len(ha_env.pulsarr.state.users())
    # Sections, then for each movie library the newest items and one look-up by key.
    assert ha_env.plex.stats.gets <= 1 + 2 * 2
    assert ha_env.pulsarr.stats.gets <= 1 + people
    assert ha_env.state("pending") == "1"


async def test_processing_by_hand_checks_everything_that_waits(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    title = await announced(ha_env)
    await soon(ha_env, clock)
    await appear(ha_env, title)

    answer = await ha_env.call("process_pending")

    assert answer == {"processed": 1, "labelled": 1, "waiting": 0, "expired": 0}
    assert ha_env.labels(title) == [{"rosa"}]


async def test_activity_event_reports_what_was_labelled_for_whom(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    title = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("tim"), title, force=True)
    await soon(ha_env, clock)

    event = ha_env.entity("activity").attributes
    assert event["event_type"] == "labels_changed"
    assert event["title"] == title.title
    assert event["people"] == ["tim"]
    assert [label.casefold() for label in event["labels"]] == ["tim"]


async def test_full_sync_runs_by_the_clock(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    await ha_env.set_up()
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)

    await later(ha_env, clock, 3600)

    assert_everything_is_labelled(ha_env)


async def test_failed_full_sync_is_made_up_for_when_plex_is_back(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    ha_env.plex.faults.add(Fault(kind="unavailable", times=None))
    await later(ha_env, clock, 3600)
    assert ha_env.state("status") == "waiting_for_plex"

    ha_env.plex.faults.clear()
    await later(ha_env, clock, 60)

    assert_everything_is_labelled(ha_env)
    assert ha_env.state("status") == "idle"


@pytest.mark.parametrize("hours", [-2, 2])
async def test_clock_that_is_set_makes_nothing_wait_longer_or_shorter(
    ha_env: HaEnv,
    clock: TickingDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    hours: int,
) -> None:
    await ha_env.set_up(batch_mode=False)
    title = await announced(ha_env)
    await soon(ha_env, clock)
    await later(ha_env, clock, RETRY)
    (before,) = (await ha_env.call("get_pending"))["pending"]

    set_by = timedelta(hours=hours)
    clock.move_to(clock() + set_by)  # this moves the steady clock, too, which stays behind
    monkeypatch.setattr(
        "custom_components.plex_label_sync.clocks.time.monotonic",
        lambda real=time.monotonic: real() - set_by.total_seconds(),
    )
    there = ha_env.spare(in_plex=True)
    await ha_env.pulsarr.want(ha_env.person("tim"), there, force=True)
    await ha_env.settle()
    async_fire_time_changed(ha_env.hass, dt_util.utcnow() + timedelta(seconds=2))
    await ha_env.settle()
    assert all("tim" in labels for labels in ha_env.labels(there))

    (after,) = (await ha_env.call("get_pending"))["pending"]
    moved = {
        name: dt_util.parse_datetime(after[name], raise_on_error=True)
        - dt_util.parse_datetime(before[name], raise_on_error=True)
        for name in ("created", "expires")
    }
    assert {round(one.total_seconds() / 60) for one in moved.values()} == {hours * 60}

    await appear(ha_env, title)
    await later(ha_env, clock, RETRY + 2)
    assert ha_env.labels(title) == [{"rosa"}]
