"""No signal is relied on: each may be lost, or any two, and the title gets its label all the same.

The signals are Pulsarr's webhooks, Plex's own events, our looks at the watchlists, and our timers. What is asserted here is
what the README promises: how long it takes at most from Plex knowing the title.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from simulators.plex import PlexKnobs
from simulators.pulsarr import arr

from .household import eventually, later
from .test_live import post

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory

    from .household import Household

pytestmark = pytest.mark.usefixtures("clock")

EVENTS: Final = 3.0  # seconds until an event of Plex's is acted on
RETRY: Final = 30.0  # seconds between two looks at what waits
BEAT: Final = 90.0  # seconds until a changed watchlist is noticed and acted on
SYNC: Final = 3600.0  # seconds between two full syncs
STEP: Final = 3.0  # seconds


async def begin(
    household: Household,
    clock: TickingDateTimeFactory,
    *,
    events: bool,
    timers: bool,
    beat: bool = False,
) -> None:
    """Set up a house in which some of the signals do not work."""
    with pytest.MonkeyPatch.context() as patch:
        if not beat:
            patch.setattr("custom_components.plex_label_sync.beat.BEAT", 1000 * SYNC)
        await _begin(household, clock, events=events, timers=timers)


async def _begin(
    household: Household, clock: TickingDateTimeFactory, *, events: bool, timers: bool
) -> None:
    household.plex.knobs = PlexKnobs(notifications=events)
    await household.set_up(batch_mode=timers, pending_retry_interval=RETRY if timers else 24 * SYNC)
    if events:
        await household.connected()
    await later(household, clock, 120)


async def seconds_until_labelled(
    household: Household, clock: TickingDateTimeFactory, *, webhook: str
) -> float:
    """Let a title come into Plex and return how long its label takes from then on."""
    title = household.spare(in_plex=False)
    rosa = household.person("rosa")
    if webhook == "before":
        await household.pulsarr.wish(rosa, title, force=True)
        assert await household.pulsarr.announce(title, force=True)
        await household.settle()
        await later(household, clock, 5)
        assert household.state("pending") == "1"
    else:
        household.pulsarr.state.wish(rosa, title)
    await household.plex.import_title(title)
    if webhook == "after":
        assert await post(household, arr.radarr_download(title)) == 200
    waited = 0.0
    while household.labels(title) != [{"rosa"}]:
        await household.hear()
        assert waited <= SYNC, "the title gets no label"
        await later(household, clock, STEP)
        waited += STEP
    return waited


@pytest.mark.parametrize(
    ("webhook", "events", "timers", "beat", "bound"),
    [
        ("before", True, True, True, EVENTS),
        ("none", True, True, True, EVENTS),
        ("before", False, True, True, RETRY),
        ("before", True, False, True, EVENTS),
        ("before", True, True, False, EVENTS),
        ("none", False, True, False, SYNC),
        ("none", True, False, False, EVENTS),
        ("after", False, False, False, EVENTS),
        ("none", False, False, True, BEAT),
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
    household: Household,
    clock: TickingDateTimeFactory,
    webhook: str,
    events: bool,
    timers: bool,
    beat: bool,
    bound: float,
) -> None:
    await begin(household, clock, events=events, timers=timers, beat=beat)
    assert await seconds_until_labelled(household, clock, webhook=webhook) <= bound


async def test_show_with_two_hundred_new_episodes_costs_a_bounded_number_of_requests(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock, events=True, timers=True)
    title = household.spare("show", in_plex=True)
    household.pulsarr.state.wish(household.person("rosa"), title)
    (show,) = household.plex.state.items_of(title)
    await later(household, clock, 61)
    household.plex.stats.reset()
    household.pulsarr.stats.reset()

    for _ in range(200):
        household.plex.import_episode(show.rating_key)
        assert await post(household, arr.sonarr_download(title)) == 200
    await household.hear()
    for _ in range(5):
        await later(household, clock, 2)

    assert household.labels(title) == [{"rosa"}]
    people = len(household.pulsarr.state.users())
    assert household.pulsarr.stats.gets <= 1 + people
    assert household.plex.stats.puts == 1
    # One look for Plex's events and one for Sonarr's; each of sections, newest, labels, read-back.
    assert household.plex.stats.gets <= 25


async def test_hundreds_of_wishes_cost_a_bounded_number_of_requests(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await begin(household, clock, events=True, timers=True)
    household.plex.stats.reset()
    household.pulsarr.stats.reset()

    wishes = 0
    for title in household.world.catalogue:
        for person in household.pulsarr.state.users():
            if title.key not in household.wanted_by(person.name):
                await household.pulsarr.wish(person.id, title, force=True)
                wishes += 1
    assert wishes > 300
    await household.settle()
    await later(household, clock, 2)

    people = len(household.pulsarr.state.users())
    assert household.pulsarr.stats.gets <= 2 * (1 + people)
    edits_and_reads = household.plex.stats.total
    assert edits_and_reads <= 120, "this is to follow labels and libraries, not wishes"
    await later(household, clock, 60)
    assert household.state("pending") == "0"


async def test_more_news_than_can_be_looked_at_singly_is_left_to_a_full_sync(
    household: Household, clock: TickingDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.plex_label_sync.sync.queue.QUEUE_MAX", 3)
    monkeypatch.setattr("custom_components.plex_label_sync.live.QUEUE_MAX", 3)
    await begin(household, clock, events=True, timers=True)
    titles = [title for title in household.world.catalogue if title.type == "movie"][:8]
    before = household.state("last_sync")
    for title in titles:
        assert await post(household, arr.radarr_download(title)) == 200
    assert int(household.state("pending")) <= 3

    await later(household, clock, 61)

    assert household.state("last_sync") > before


async def test_label_goes_when_its_delay_is_over_even_after_a_restart_and_without_full_syncs(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    day = 24 * 3600
    await household.set_up(removed_label_mode="remove", removal_delay=1, batch_mode=False)
    title = household.spare(in_plex=True)
    rosa = household.person("rosa")
    await household.pulsarr.wish(rosa, title, force=True)
    await household.settle()
    await later(household, clock, 1)
    await household.pulsarr.unwish(rosa, title)
    await household.settle()
    await later(household, clock, 1)
    assert all("rosa" in labels for labels in household.labels(title))

    await household.hass.config_entries.async_reload(household.entry.entry_id)
    await household.settle()
    await later(household, clock, day / 2)
    assert all("rosa" in labels for labels in household.labels(title))
    syncs = household.state("last_sync")

    await later(household, clock, day / 2)
    for _ in range(3):
        await later(household, clock, 2)

    assert household.labels(title) == [set() for _ in household.plex.state.items_of(title)]
    assert household.state("last_sync") == syncs


async def test_label_whose_title_is_wanted_again_in_time_stays(
    household: Household, clock: TickingDateTimeFactory
) -> None:
    await household.set_up(removed_label_mode="remove", removal_delay=1, batch_mode=False)
    title = household.spare(in_plex=True)
    rosa = household.person("rosa")
    for step in (partial(household.pulsarr.wish, force=True), household.pulsarr.unwish):
        await step(rosa, title)
        await household.settle()
        await later(household, clock, 1)
    household.pulsarr.state.wish(rosa, title)  # nobody tells

    await later(household, clock, 24 * 3600 + 5)
    for _ in range(3):
        await later(household, clock, 2)

    assert all("rosa" in labels for labels in household.labels(title))


async def test_socket_that_drops_fifty_times_loses_nothing(
    household: Household, clock: TickingDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.plex_label_sync.live_updates.BACK_OFF", 0.01)
    monkeypatch.setattr("custom_components.plex_label_sync.live_updates.BACK_OFF_MAX", 0.02)
    await begin(household, clock, events=True, timers=False)
    spare = [
        title
        for title in household.world.catalogue
        if not household.plex.state.items_of(title, identified=False)
    ]
    for title in spare:
        household.pulsarr.state.wish(household.person("rosa"), title)
    await later(household, clock, 61)
    for number in range(50):
        await household.plex.drop_events()
        if number < len(spare):
            await household.plex.import_title(spare[number])
        await eventually(lambda: household.plex.events.listeners == 1)
    await household.connected()
    await household.hear()
    for _ in range(3):
        await later(household, clock, 2)

    assert len(spare) > 5
    for title in spare:
        assert all("rosa" in labels for labels in household.labels(title)), title.title
        assert household.labels(title), title.title
