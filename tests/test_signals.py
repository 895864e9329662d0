"""No signal is relied on: each may be lost, or any two, and the title gets its label all the same.

The signals are Pulsarr's webhooks, Plex's own events, our looks at the watchlists, and our timers. What is asserted here is
what the README promises: how long it takes at most from Plex knowing the title.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from custom_components.plex_label_sync.limits import ReconnectTimes
from simulators.plex import PlexKnobs
from simulators.pulsarr import arr

from .ha_env import eventually, later, set_limits, standing
from .live.test_live_sync import post

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory

    from .ha_env import HaEnv

pytestmark = pytest.mark.usefixtures("clock")

EVENTS: Final = 3.0  # seconds until an event of Plex's is acted on
RETRY: Final = 30.0  # seconds between two looks at what waits
NOTICE_SECONDS: Final = 90.0  # seconds until a changed watchlist is noticed and acted on
SYNC: Final = 3600.0  # seconds between two full syncs
STEP: Final = 3.0  # seconds
STEPS: Final = 30  # within the longest of the bounds


async def begin(
    ha_env: HaEnv,
    clock: TickingDateTimeFactory,
    *,
    events: bool,
    timers: bool,
    poll: bool = False,
) -> None:
    """Set up a house in which some of the signals do not work."""
    if not poll:
        set_limits(ha_env.hass, watchlist_poll=1000 * SYNC)
    ha_env.plex.knobs = PlexKnobs(notifications=events)
    await ha_env.set_up(batch_mode=timers, pending_retry_interval=RETRY if timers else 24 * SYNC)
    if events:
        await ha_env.connected()
    await later(ha_env, clock, 120)


async def seconds_until_labelled(
    ha_env: HaEnv, clock: TickingDateTimeFactory, *, webhook: str, step: float
) -> float:
    """Let a title come into Plex and return how long its label takes from then on, in steps."""
    title = ha_env.spare(in_plex=False)
    rosa = ha_env.person("rosa")
    if webhook == "before":
        await ha_env.pulsarr.want(rosa, title, force=True)
        assert await ha_env.pulsarr.announce(title, force=True)
        await ha_env.settle()
        await later(ha_env, clock, 5)
        assert ha_env.state("pending") == "1"
    else:
        ha_env.pulsarr.state.want(rosa, title)
    await ha_env.plex.import_title(title)
    if webhook == "after":
        assert await post(ha_env, arr.radarr_download(title)) == 200
    waited = 0.0
    while ha_env.labels(title) != [{"rosa"}]:
        await ha_env.receive_plex_events()
        assert waited <= SYNC, "the title gets no label"
        await later(ha_env, clock, step)
        waited += step
    return waited


@pytest.mark.parametrize(
    ("webhook", "events", "timers", "poll", "bound"),
    [
        ("before", True, True, True, EVENTS),
        ("none", True, True, True, EVENTS),
        ("before", False, True, True, RETRY),
        ("before", True, False, True, EVENTS),
        ("before", True, True, False, EVENTS),
        ("none", False, True, False, SYNC),
        ("none", True, False, False, EVENTS),
        ("after", False, False, False, EVENTS),
        ("none", False, False, True, NOTICE_SECONDS),
    ],
    ids=[
        "everything works",
        "no webhooks",
        "no events",
        "no timers",
        "no looks at the watchlists",
        "only timers",
        "only events",
        "only a webhook that comes after the title",
        "only looks at the watchlists",
    ],
)
async def test_title_is_labelled_whatever_is_lost(  # noqa: PLR0917 - one row of the table
    ha_env: HaEnv,
    clock: TickingDateTimeFactory,
    webhook: str,
    events: bool,
    timers: bool,
    poll: bool,
    bound: float,
) -> None:
    await begin(ha_env, clock, events=events, timers=timers, poll=poll)
    step = max(STEP, bound / STEPS)
    assert await seconds_until_labelled(ha_env, clock, webhook=webhook, step=step) <= bound


async def test_show_with_two_hundred_new_episodes_costs_a_bounded_number_of_requests(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock, events=True, timers=True)
    title = ha_env.spare("show", in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    (show,) = ha_env.plex.state.items_of(title)
    await later(ha_env, clock, 61)
    ha_env.plex.stats.reset()
    ha_env.pulsarr.stats.reset()

    with standing(clock):  # the more time they take, the more often somebody looks
        for _ in range(200):
            ha_env.plex.import_episode(show.rating_key)
            assert await post(ha_env, arr.sonarr_download(title)) == 200
    await ha_env.receive_plex_events()
    for _ in range(5):
        await later(ha_env, clock, 2)

    assert ha_env.labels(title) == [{"rosa"}]
    people = len(ha_env.pulsarr.state.users())
    assert ha_env.pulsarr.stats.gets <= 1 + people
    assert ha_env.plex.stats.puts == 1
    # One look for Plex's events and one for Sonarr's; each of sections, newest, labels, read-back.
    assert ha_env.plex.stats.gets <= 25


async def test_hundreds_of_wanted_titles_cost_a_bounded_number_of_requests(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await begin(ha_env, clock, events=True, timers=True)
    ha_env.plex.stats.reset()
    ha_env.pulsarr.stats.reset()

    wanted = 0
    for title in ha_env.world.catalog:
        for person in ha_env.pulsarr.state.users():
            if title.key not in ha_env.wanted_by(person.name):
                await ha_env.pulsarr.want(person.id, title, force=True)
                wanted += 1
    assert wanted > 300
    await ha_env.settle()
    await later(ha_env, clock, 2)

    people = len(ha_env.pulsarr.state.users())
    assert ha_env.pulsarr.stats.gets <= 2 * (1 + people)
    edits_and_reads = ha_env.plex.stats.total
    assert edits_and_reads <= 120, "this is to follow labels and libraries, not wishes"
    await later(ha_env, clock, 60)
    assert ha_env.state("pending") == "0"


async def test_more_news_than_can_be_checked_singly_is_left_to_a_full_sync(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    set_limits(ha_env.hass, queue_max=3)
    await begin(ha_env, clock, events=True, timers=True)
    titles = [title for title in ha_env.world.catalog if title.type == "movie"][:8]
    before = ha_env.state("last_sync")
    for title in titles:
        assert await post(ha_env, arr.radarr_download(title)) == 200
    assert int(ha_env.state("pending")) <= 3

    await later(ha_env, clock, 61)

    assert ha_env.state("last_sync") > before


async def test_label_goes_when_its_delay_is_over_even_after_a_restart_and_without_full_syncs(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    day = 24 * 3600
    await ha_env.set_up(removed_label_mode="remove", removal_delay=1, batch_mode=False)
    title = ha_env.spare(in_plex=True)
    rosa = ha_env.person("rosa")
    await ha_env.pulsarr.want(rosa, title, force=True)
    await ha_env.settle()
    await later(ha_env, clock, 1)
    await ha_env.pulsarr.unwant(rosa, title)
    await ha_env.settle()
    await later(ha_env, clock, 1)
    assert all("rosa" in labels for labels in ha_env.labels(title))

    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()
    await later(ha_env, clock, day / 2)
    assert all("rosa" in labels for labels in ha_env.labels(title))
    syncs = ha_env.state("last_sync")

    await later(ha_env, clock, day / 2)
    for _ in range(3):
        await later(ha_env, clock, 2)

    assert ha_env.labels(title) == [set() for _ in ha_env.plex.state.items_of(title)]
    assert ha_env.state("last_sync") == syncs


async def test_label_whose_title_is_wanted_again_in_time_stays(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(removed_label_mode="remove", removal_delay=1, batch_mode=False)
    title = ha_env.spare(in_plex=True)
    rosa = ha_env.person("rosa")
    for step in (partial(ha_env.pulsarr.want, force=True), ha_env.pulsarr.unwant):
        await step(rosa, title)
        await ha_env.settle()
        await later(ha_env, clock, 1)
    ha_env.pulsarr.state.want(rosa, title)  # nobody tells

    await later(ha_env, clock, 24 * 3600 + 5)
    for _ in range(3):
        await later(ha_env, clock, 2)

    assert all("rosa" in labels for labels in ha_env.labels(title))


async def test_socket_that_drops_fifty_times_loses_nothing(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    set_limits(ha_env.hass, reconnect=ReconnectTimes(first=0.01, most=0.02))
    await begin(ha_env, clock, events=True, timers=False)
    spare = [
        title
        for title in ha_env.world.catalog
        if not ha_env.plex.state.items_of(title, identified=False)
    ]
    for title in spare:
        ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await later(ha_env, clock, 61)
    for number in range(50):
        await ha_env.plex.drop_events()
        if number < len(spare):
            await ha_env.plex.import_title(spare[number])
        await eventually(lambda: ha_env.plex.events.listeners == 1)
    await ha_env.connected()
    await ha_env.receive_plex_events()
    for _ in range(3):
        await later(ha_env, clock, 2)

    assert len(spare) > 5
    for title in spare:
        assert all("rosa" in labels for labels in ha_env.labels(title)), title.title
        assert ha_env.labels(title), title.title
