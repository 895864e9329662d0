"""Rules of the pending queue: what waits for Plex, when to retry, when to give up. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from .model import Title
from .run import Outcome, TitleResult
from .wanted import TitleIndex

QUEUE_MAX: Final = 5000  # entries; any more are left to a full sync
RECHECK_AFTER: Final = 10.0  # seconds until watchlists are fresher, for a title that seems unwanted


class Reason(StrEnum):
    """Why a pending sync waits."""

    ANNOUNCED = "announced"  # not looked up yet
    NOT_IN_PLEX = "not_in_plex"
    NOT_MATCHED_YET = "not_matched_yet"
    LIBRARY_EXCLUDED = "library_excluded"
    NO_IDS = "no_ids"
    NOT_WRITTEN = "not_written"
    NOT_READ = "not_read"
    WATCHLIST_UNREAD = "watchlist_unread"  # only an unreadable list may have it
    PLEX_UNREACHABLE = "plex_unreachable"
    PULSARR_UNREACHABLE = "pulsarr_unreachable"


# Reasons of entries for which Plex has already been searched in full.
SEARCHED_FOR: Final = frozenset(
    {
        Reason.NOT_IN_PLEX,
        Reason.NOT_MATCHED_YET,
        Reason.LIBRARY_EXCLUDED,
        # Once the list can be read, what is new on it is searched for in full.
        Reason.WATCHLIST_UNREAD,
    }
)


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """The retry interval and the maximum age of pending syncs, in seconds."""

    pending_retry_interval: float
    pending_max_age: float


@dataclass(frozen=True, slots=True)
class PendingSync:
    """One announced title that waits. Times are in seconds since the epoch."""

    title: Title
    created: float
    next_try: float
    expires: float
    reason: Reason = Reason.ANNOUNCED
    people: tuple[str, ...] = ()
    tries: int = 0


type Queue = tuple[PendingSync, ...]


@dataclass(frozen=True, slots=True)
class QueueUpdate:
    """The effect of one lookup of due entries on the queue.

    Of what left it, `resolved` is labelled, `unwanted` is on no watchlist that could be read, and
    `expired` was wanted and not labelled in time.
    """

    queue: Queue
    resolved: Queue = ()
    unwanted: Queue = ()
    expired: Queue = ()


_WAITING = {
    Outcome.NOT_IN_PLEX: Reason.NOT_IN_PLEX,
    Outcome.NOT_MATCHED_YET: Reason.NOT_MATCHED_YET,
    Outcome.LIBRARY_EXCLUDED: Reason.LIBRARY_EXCLUDED,
    Outcome.NO_IDS: Reason.NO_IDS,
    Outcome.NOT_WRITTEN: Reason.NOT_WRITTEN,
    Outcome.NOT_READ: Reason.NOT_READ,
    Outcome.WATCHLIST_UNREAD: Reason.WATCHLIST_UNREAD,
}
_ON_NO_LIST: Final = frozenset({Outcome.NOT_WANTED, Outcome.WATCHLIST_UNREAD})


def announce(
    queue: Queue,
    titles: Iterable[Title],
    now: float,
    settings: QueueSettings,
    entries_max: int = QUEUE_MAX,
) -> Queue:
    """Add titles at the end, due at once; a waiting one becomes due and gets new ids.

    The queue holds at most `entries_max` entries: titles beyond that are left out.
    """
    entries = list(queue)
    places: dict[object, int] = {}
    for place, entry in enumerate(entries):
        for name in _names(entry.title):
            places.setdefault(name, place)
    for title in titles:
        known = [places[name] for name in _names(title) if name in places]
        if known:
            place = min(known)
            entry = entries[place]
            merged = replace(entry.title, ids=entry.title.ids | title.ids)
            entries[place] = replace(
                entry, title=merged, next_try=now, expires=now + settings.pending_max_age
            )
        elif len(entries) < entries_max:
            place = len(entries)
            entries.append(PendingSync(title, now, now, now + settings.pending_max_age))
        else:
            continue
        for name in _names(title):
            places.setdefault(name, place)
    return tuple(entries)


def _names(title: Title) -> list[object]:
    """Return the keys that identify a title: itself, and its type with each id."""
    return [title, *((title.type, one) for one in title.ids)]


def shifted(queue: Queue, seconds: float) -> Queue:
    """Return the queue after the clock was set by some seconds: it waits as long as before."""
    return tuple(
        replace(
            entry,
            created=entry.created + seconds,
            next_try=entry.next_try + seconds,
            expires=entry.expires + seconds,
        )
        for entry in queue
    )


def expedited(queue: Queue, when: float) -> Queue:
    """Return the queue with every retry at `when`, or earlier if it was due before."""
    return tuple(replace(entry, next_try=min(entry.next_try, when)) for entry in queue)


def due(queue: Queue, now: float, seen: Iterable[Title] = ()) -> Queue:
    """Return the entries that are due, or whose titles were `seen` elsewhere."""
    there = TitleIndex(seen)
    return tuple(entry for entry in queue if entry.next_try <= now or entry.title in there)


def next_due(queue: Queue) -> float | None:
    """Return when the next entry is due, in seconds since the epoch."""
    return min((entry.next_try for entry in queue), default=None)


def with_results(
    queue: Queue,
    results: Sequence[TitleResult],
    now: float,
    settings: QueueSettings,
    *,
    lists_read_at: float,
) -> QueueUpdate:
    """Return the queue after its titles were looked up.

    Settled and unwanted titles leave it; the others get their reason and next retry, and leave
    when they are too old. A title counts as unwanted only if the watchlists were read after it was
    announced; `lists_read_at` is in epoch seconds.
    """
    by_title = {result.title: result for result in results}
    kept: list[PendingSync] = []
    resolved: list[PendingSync] = []
    unwanted: list[PendingSync] = []
    expired: list[PendingSync] = []
    for entry in queue:
        result = by_title.get(entry.title)
        if result is None:
            kept.append(entry)
            continue
        if result.outcome in _ON_NO_LIST and lists_read_at <= entry.created:
            wait = min(RECHECK_AFTER, settings.pending_retry_interval)
            kept.append(replace(entry, next_try=now + wait, tries=entry.tries + 1))
            continue
        people = tuple(person.username for person in result.people)
        tried = replace(entry, people=people, tries=entry.tries + 1)
        reason = _WAITING.get(result.outcome)
        if reason is not None and entry.expires > now:
            kept.append(
                replace(tried, reason=reason, next_try=now + settings.pending_retry_interval)
            )
        elif result.outcome in _ON_NO_LIST:
            unwanted.append(tried)
        elif reason is not None:
            expired.append(replace(tried, reason=reason))
        else:
            resolved.append(tried)
    return QueueUpdate(tuple(kept), tuple(resolved), tuple(unwanted), tuple(expired))


def postponed(queue: Queue, titles: Iterable[Title], reason: Reason, next_try: float) -> Queue:
    """Return the queue after a lookup that failed because a server was unavailable.

    Nothing ages meanwhile: the expiry is postponed by as much as the next retry.
    """
    affected = set(titles)
    return tuple(
        replace(
            entry,
            reason=reason,
            tries=entry.tries + 1,
            next_try=next_try,
            expires=entry.expires + max(0.0, next_try - entry.next_try),
        )
        if entry.title in affected
        else entry
        for entry in queue
    )
