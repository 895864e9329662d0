"""Which watchlists to read again, and what has changed on them. Pure.

Pulsarr announces few additions and no changes of lists, but includes the length of each list.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import ceil
from types import MappingProxyType
from typing import Final

from .model import Failure, Person, Title, Watchlists
from .person_id import PersonId
from .wanted import TitleIndex

POLL_INTERVAL: Final = 60.0  # seconds between two polls of the lengths of all lists
ROUND: Final = 1200.0  # seconds in which every list is read: one title may replace another
ROUND_WITHOUT_COUNTS: Final = 300.0  # the same where Pulsarr does not include the length of lists
LISTS_MAX: Final = 60  # lists read per poll; Pulsarr allows 500 requests a minute in total
SHRUNK_MIN: Final = 5  # titles; such a list that lost more than half is not believed yet


@dataclass(frozen=True, slots=True)
class Turn:
    """When a list was last requested, in monotonic seconds, and its failures since."""

    requested: float
    failures: int = 0

    def is_ready(self, now: float) -> bool:
        """Return whether to try again; an unreadable list is retried at growing intervals."""
        rest = min(POLL_INTERVAL * 2.0 ** min(self.failures, 10), ROUND) if self.failures else 0.0
        return now - self.requested >= rest


NEVER: Final = Turn(float("-inf"))


def lists_to_read(
    people: Sequence[Person],
    known: Watchlists,
    turns: Mapping[PersonId, Turn],
    now: float,
    urgent: Collection[PersonId] = (),
) -> tuple[PersonId, ...]:
    """Return whose lists to read in this poll: urgent ones, changed ones, and some in turn.

    `people` are those whose lists matter, with their current lengths; `now` is in monotonic
    seconds.
    """
    before = {person.id: person.wanted for person in known.people}
    ready = sorted(people, key=lambda person: turns.get(person.id, NEVER).requested)
    ready = [one for one in ready if turns.get(one.id, NEVER).is_ready(now)]
    first = [person.id for person in ready if person.id in urgent]
    changed = [
        person.id
        for person in ready
        if person.id not in known.titles or before.get(person.id) != person.wanted
    ]
    counted = [person.id for person in ready if person.wanted is not None]
    uncounted = [person.id for person in ready if person.wanted is None]
    in_turn = [
        *counted[: ceil(len(counted) * POLL_INTERVAL / ROUND)],
        *uncounted[: ceil(len(uncounted) * POLL_INTERVAL / ROUND_WITHOUT_COUNTS)],
    ]
    return tuple(dict.fromkeys([*first, *changed, *in_turn]))[:LISTS_MAX]


def is_doubtful(people: Collection[Person], known: Watchlists) -> bool:
    """Return whether a response has less than half of the known people."""
    there = {person.id for person in people}
    left = sum(person.id in there for person in known.people)
    return 2 * left < len(known.people)


def moved(people: Iterable[Person], known: Watchlists) -> frozenset[PersonId]:
    """Return the new ids of people known under another one: only a full sync handles these."""
    ids = {person.id for person in known.people}
    accounts = {person.uuid for person in known.people if person.uuid}
    return frozenset(one.id for one in people if one.id not in ids and one.uuid in accounts)


@dataclass(frozen=True, slots=True)
class Merge:
    """Watchlists with some read again, and the people whose new lists were not accepted."""

    watchlists: Watchlists
    doubted: frozenset[PersonId]


def either(now: tuple[Title, ...], before: tuple[Title, ...]) -> tuple[Title, ...]:
    """Return the titles of a list that was read in part, merged with its former ones.

    The unread titles are unknown: what was on the list may still be. The former tuple is returned
    if nothing is new.
    """
    same = set(now)
    if same <= set(before):
        return before
    there = TitleIndex(now)
    return (*now, *(title for title in before if title not in same and title not in there))


def merged(
    known: Watchlists,
    people: Iterable[Person],
    read: Mapping[PersonId, tuple[Title, ...]],
    read_at: float,
    bad_rows: Mapping[PersonId, int] = MappingProxyType({}),
) -> Merge:
    """Return the known watchlists with the lists that were `read`, some with `bad_rows`.

    Changed names and rights, and people who are gone, are left to the next full sync, as is a list
    that lost most of its titles: a poll does not act on doubtful responses.
    """
    titles = dict(known.titles)
    doubted: set[PersonId] = set()
    read = {
        one: either(some, titles.get(one, ())) if one in bad_rows else some
        for one, some in read.items()
    }
    for person_id, some in read.items():
        if shrank(known.titles.get(person_id, ()), some):
            doubted.add(person_id)
        else:
            titles[person_id] = some
    now = {person.id: person for person in people}
    there = {person.id for person in known.people}
    kept = [
        replace(person, wanted=now[person.id].wanted)
        if person.id in now and person.id in read and person.id not in doubted
        else person
        for person in known.people
    ]
    new = [now[person_id] for person_id in read if person_id not in there and person_id in now]
    unread = {one: why for one, why in known.unread.items() if one not in read or one in doubted}
    bad_rows = {**{one: n for one, n in known.bad_rows.items() if one in unread}, **bad_rows}
    unread |= dict.fromkeys(bad_rows, Failure.IMPLAUSIBLE)
    # Lists that were not read now keep their time, as do doubted ones, which were not accepted.
    read_before = {
        one: known.lists_read_at.get(one, known.read_at)
        for one in titles
        if one not in read or one in doubted
    }
    lists = Watchlists((*kept, *new), titles, read_at, unread, read_before, known.gaps, bad_rows)
    return Merge(lists, frozenset(doubted))


def shrank(before: Sequence[Title], after: Sequence[Title]) -> bool:
    """Return whether a list lost more than half of its titles at one read."""
    return len(before) >= SHRUNK_MIN and 2 * len(after) < len(before)


def changed_titles(before: Watchlists, after: Watchlists) -> tuple[Title, ...]:
    """Return the titles added to or removed from a list, without the lists of people who are gone.

    A list is considered unchanged if it is the same object.
    """
    found: dict[Title, None] = {}
    for person_id, new in after.titles.items():
        old = before.titles.get(person_id, ())
        if new is old:
            continue
        was, now = set(old), set(new)
        found.update((title, None) for title in new if title not in was)
        if not shrank(old, new):
            found.update((title, None) for title in old if title not in now)
    return tuple(found)


class UncoveredTitles:
    """Titles that were added to or removed from a list and that no run has covered yet."""

    def __init__(self) -> None:
        """Start without titles."""
        self._parts: list[tuple[Title, ...]] = []  # as they were added

    def add(self, titles: tuple[Title, ...]) -> None:
        """Add different titles for a run to cover."""
        if titles:
            self._parts.append(titles)

    def take(self, covered: Sequence[Title] | None = None) -> tuple[Title, ...]:
        """Return and forget the pending titles among those covered; with None all of them."""
        # Usually there is one part, of up to tens of thousands of titles: they are not compared.
        parts = self._parts
        titles = parts[0] if len(parts) == 1 else tuple(dict.fromkeys(chain.from_iterable(parts)))
        self._parts = []
        if covered is None or not titles:
            return titles
        requested = TitleIndex(covered)
        self.add(tuple(one for one in titles if one not in requested))
        return tuple(one for one in titles if one in requested)
