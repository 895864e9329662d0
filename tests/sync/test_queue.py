"""What waits for Plex, when it is looked at again, and when it is given up."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
import pytest

from custom_components.plex_label_sync.sync.model import Title
from custom_components.plex_label_sync.sync.queue import (
    RECHECK_AFTER,
    PendingSync,
    Queue,
    QueueSettings,
    QueueUpdate,
    Reason,
    announce,
    due,
    next_due,
    postponed,
    with_results as update,
)
from custom_components.plex_label_sync.sync.run import Outcome, TitleResult

from .builders import ANNA, BEN, id_sets, movie, show, titles

SETTINGS = QueueSettings(pending_retry_interval=30, pending_max_age=1800)
HEAT, DARK = movie("tmdb:1"), show("tmdb:1")
WAITING = {
    Outcome.NOT_IN_PLEX: Reason.NOT_IN_PLEX,
    Outcome.NOT_MATCHED_YET: Reason.NOT_MATCHED_YET,
    Outcome.LIBRARY_EXCLUDED: Reason.LIBRARY_EXCLUDED,
    Outcome.NO_IDS: Reason.NO_IDS,
    Outcome.NOT_WRITTEN: Reason.NOT_WRITTEN,
    Outcome.NOT_READ: Reason.NOT_READ,
    Outcome.WATCHLIST_UNREAD: Reason.WATCHLIST_UNREAD,
}


def with_results(
    queue: Queue,
    results: Sequence[TitleResult],
    now: float,
    settings: QueueSettings = SETTINGS,
    *,
    lists_read_at: float | None = None,
) -> QueueUpdate:
    """Return what a look makes of a queue; the watchlists were read just before it."""
    read_at = now if lists_read_at is None else lists_read_at
    return update(queue, results, now, settings, lists_read_at=read_at)


def queue_of(*some: Title, now: float = 0.0) -> Queue:
    """Return a queue of titles announced at the same time."""
    queue: Queue = ()
    for title in some:
        queue = announce(queue, [title], now, SETTINGS)
    return queue


def test_announced_title_is_due_at_once_and_waits_half_an_hour() -> None:
    (entry,) = queue_of(HEAT, now=100.0)
    assert entry == PendingSync(HEAT, created=100, next_try=100, expires=1900)
    assert entry.reason is Reason.ANNOUNCED
    assert due((entry,), 100.0) == (entry,)
    assert due((entry,), 99.9) == ()


def test_title_announced_again_becomes_due_and_learns_new_ids() -> None:
    waiting = with_results(queue_of(HEAT), [TitleResult(HEAT, (ANNA,), Outcome.NOT_IN_PLEX)], 50.0)
    (entry,) = announce(waiting.queue, [movie("tmdb:1", "imdb:tt1")], 60.0, SETTINGS)
    assert entry.title.ids == {"tmdb:1", "imdb:tt1"}
    assert (entry.created, entry.next_try, entry.expires, entry.tries) == (0, 60, 1860, 1)


def test_movie_and_show_with_the_same_number_wait_apart() -> None:
    assert [entry.title for entry in queue_of(HEAT, DARK)] == [HEAT, DARK]


def test_title_without_ids_waits_once() -> None:
    assert len(queue_of(movie(name="New"), movie(name="New"), movie(name="Newer"))) == 2


def test_next_retry_is_when_the_first_entry_is_due() -> None:
    assert next_due(()) is None
    queue = (*queue_of(HEAT, now=70.0), *queue_of(DARK, now=20.0))
    assert next_due(queue) == 20.0


def test_title_that_is_settled_leaves() -> None:
    settled = TitleResult(HEAT, (ANNA, BEN), Outcome.SETTLED)
    result = with_results(queue_of(HEAT, DARK), [settled], 10.0)
    assert [entry.title for entry in result.queue] == [DARK]
    assert [(entry.people, entry.tries) for entry in result.resolved] == [(("anna", "ben"), 1)]
    assert (result.unwanted, result.expired) == ((), ())


def test_title_that_is_wanted_by_no_one_leaves() -> None:
    not_wanted = TitleResult(HEAT, (), Outcome.NOT_WANTED)
    result = with_results(queue_of(HEAT, DARK), [not_wanted], 10.0)
    assert [entry.title for entry in result.queue] == [DARK]
    assert [(entry.title, entry.tries) for entry in result.unwanted] == [(HEAT, 1)]
    assert (result.resolved, result.expired) == ((), ())


@pytest.mark.parametrize(("outcome", "reason"), WAITING.items())
def test_title_that_is_not_there_yet_is_searched_for_again(
    outcome: Outcome, reason: Reason
) -> None:
    result = with_results(queue_of(HEAT), [TitleResult(HEAT, (ANNA,), outcome)], 10.0)
    (entry,) = result.queue
    assert (entry.reason, entry.people, entry.tries) == (reason, ("anna",), 1)
    assert (entry.next_try, entry.expires) == (40.0, 1800.0)
    assert (result.resolved, result.expired) == ((), ())


@pytest.mark.parametrize(("outcome", "reason"), WAITING.items())
def test_title_that_is_not_there_after_its_time_expires(outcome: Outcome, reason: Reason) -> None:
    title_results = TitleResult(HEAT, (), outcome)
    assert len(with_results(queue_of(HEAT), [title_results], 1799.9).queue) == 1
    result = with_results(queue_of(HEAT), [title_results], 1800.0)
    assert (result.queue, result.resolved) == ((), ())
    # What only an unreadable list may have is not known to be wanted, so nothing was given up.
    is_wanted = outcome is not Outcome.WATCHLIST_UNREAD
    assert [(entry.title, entry.reason) for entry in result.expired] == (
        [(HEAT, reason)] if is_wanted else []
    )
    assert [entry.title for entry in result.unwanted] == ([] if is_wanted else [HEAT])


def test_title_that_arrives_at_the_last_moment_is_resolved() -> None:
    result = with_results(queue_of(HEAT), [TitleResult(HEAT, (), Outcome.SETTLED)], 9999.0)
    assert len(result.resolved) == 1
    assert result.expired == ()


def test_title_that_learned_ids_during_a_check_is_checked_again() -> None:
    queue = announce(queue_of(HEAT), [movie("tmdb:1", "imdb:tt1")], 5.0, SETTINGS)
    result = with_results(queue, [TitleResult(HEAT, (), Outcome.NOT_WANTED)], 6.0)
    assert result.queue == queue


@pytest.mark.parametrize("outcome", [Outcome.NOT_WANTED, Outcome.WATCHLIST_UNREAD])
def test_title_on_no_list_is_checked_again_soon_if_the_lists_are_older(outcome: Outcome) -> None:
    queue, title_results = queue_of(HEAT, now=100.0), [TitleResult(HEAT, (), outcome)]
    (waiting,) = with_results(queue, title_results, 101.0, lists_read_at=100.0).queue
    assert (waiting.next_try, waiting.tries) == (101.0 + RECHECK_AFTER, 1)
    hasty = replace(SETTINGS, pending_retry_interval=2)
    (sooner,) = with_results(queue, title_results, 101.0, hasty, lists_read_at=99.0).queue
    assert sooner.next_try == 103.0


def test_title_that_no_one_wants_leaves_once_the_lists_are_newer() -> None:
    title_results = [TitleResult(HEAT, (), Outcome.NOT_WANTED)]
    (waiting,) = with_results(
        queue_of(HEAT, now=100.0), title_results, 101.0, lists_read_at=100.0
    ).queue
    assert with_results((waiting,), title_results, 111.0, lists_read_at=100.1).queue == ()


def test_waiting_for_a_server_that_is_away_does_not_age() -> None:
    queue = queue_of(HEAT, DARK)
    for now in range(0, 7200, 30):
        queue = postponed(queue, [HEAT], Reason.PLEX_UNREACHABLE, now + 30.0)
    heat, dark = queue
    assert (heat.reason, heat.tries, heat.next_try) == (Reason.PLEX_UNREACHABLE, 240, 7200)
    assert heat.expires - heat.next_try == 1800
    assert dark == queue_of(DARK)[0]


def test_early_check_that_fails_shortens_no_life() -> None:
    (waiting,) = with_results(
        queue_of(HEAT), [TitleResult(HEAT, (), Outcome.NOT_IN_PLEX)], 10.0
    ).queue
    (entry,) = postponed((waiting,), [HEAT], Reason.PULSARR_UNREACHABLE, 35.0)
    assert entry.next_try == 35.0
    assert entry.expires == waiting.expires


# Whatever happens, in any order


class QueueMachine(RuleBasedStateMachine):
    """Announcements, looks and outages in any order; the model is what was announced."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: Queue = ()
        self.now = 0.0
        self.settings = SETTINGS
        self.awaited: list[Title] = []

    @initialize(
        retry=st.floats(1, 600, allow_nan=False), age=st.floats(60, 90_000, allow_nan=False)
    )
    def choose_settings(self, retry: float, age: float) -> None:
        self.settings = QueueSettings(retry, age)

    @rule(seconds=st.floats(0, 3000))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(title=titles)
    def announce_title(self, title: Title) -> None:
        before = self.queue
        self.queue = announce(self.queue, [title], self.now, self.settings)
        self.awaited.append(title)
        assert len(self.queue) - len(before) in (0, 1)
        assert any(entry.next_try == self.now for entry in self.queue)

    @rule(data=st.data())
    def title_results(self, data: st.DataObject) -> None:
        entries = due(self.queue, self.now)
        results = [
            TitleResult(entry.title, (), data.draw(st.sampled_from(list(Outcome))))
            for entry in entries
        ]
        result = with_results(self.queue, results, self.now + 0.1, self.settings)
        left = {*result.resolved, *result.unwanted, *result.expired}
        assert len(result.queue) + len(left) == len(self.queue)
        outcomes = {one.title: one.outcome for one in results}
        assert {entry.title for entry in result.resolved} == {
            title for title, outcome in outcomes.items() if outcome is Outcome.SETTLED
        }
        assert {entry.title for entry in left} >= {
            title for title, outcome in outcomes.items() if outcome not in WAITING
        }
        for entry in result.unwanted:
            assert outcomes[entry.title] is Outcome.NOT_WANTED or entry.expires <= self.now + 0.1
        assert all(entry.expires <= self.now + 0.1 for entry in result.expired)
        titles_left = [entry.title for entry in left]
        self.awaited = [
            title
            for title in self.awaited
            if not any(title.ids <= one.ids and title.type is one.type for one in titles_left)
        ]
        assert due(result.queue, self.now) == ()  # every one that was due got a later time
        self.queue = result.queue

    @rule(reason=st.sampled_from((Reason.PLEX_UNREACHABLE, Reason.PULSARR_UNREACHABLE)))
    def fail(self, reason: Reason) -> None:
        entries = due(self.queue, self.now)
        before = {entry.title: entry.expires - entry.next_try for entry in entries}
        next_try = self.now + self.settings.pending_retry_interval
        self.queue = postponed(self.queue, [entry.title for entry in entries], reason, next_try)
        for entry in self.queue:
            if entry.title in before:
                assert entry.reason is reason
                assert entry.next_try == next_try
                assert entry.expires - entry.next_try >= before[entry.title] - 1e-6

    @invariant()
    def everything_announced_waits(self) -> None:
        for title in self.awaited:
            assert any(
                title.ids <= entry.title.ids and title.type is entry.title.type
                for entry in self.queue
            )

    @invariant()
    def next_retry_is_the_earliest(self) -> None:
        first = next_due(self.queue)
        if first is None:
            assert not self.queue
        else:
            assert due(self.queue, first)
            assert not due(self.queue, first - 0.001)


TestQueueInAnyOrder = QueueMachine.TestCase
TestQueueInAnyOrder.settings = settings(stateful_step_count=15)


@given(id_sets, st.floats(0, 1e9), st.floats(0, 1e9))
def test_announcing_twice_keeps_one_entry(ids: frozenset[str], first: float, second: float) -> None:
    title = movie(*ids)
    queue = announce(announce((), [title], first, SETTINGS), [title], second, SETTINGS)
    assert [(entry.title, entry.created, entry.next_try) for entry in queue] == [
        (title, first, second)
    ]
