"""Which responses are believed, and what must be certain before anything is removed. Pure."""

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from .changes import Row, RowKey
from .ledger import Ledger
from .model import Item, LabelledItem, MediaType, Person, SyncSettings, Title, Watchlists, fold
from .naming import label_of
from .person_id import PersonId, id_order, public_id
from .run import HoldReason
from .wanted import TitleIndex

SHRUNK_BY: Final = 5  # titles; a list that lost fewer is nothing unusual
READ_AGAIN_AFTER: Final = 300.0  # seconds; after that a second read of a shrunk list is believed
EXPLAINED_MAX: Final = 1000  # titles that were removed from a list according to an event
EXPLAINED_FOR: Final = 1800.0  # seconds for which such an event explains the removal
PEOPLE_LOST: Final = 2  # people; a single missing one is left to the check of the lists


@dataclass(frozen=True, slots=True)
class Evidence:
    """The items that a run read by rating key, and the rating keys without an item."""

    items: Mapping[str, LabelledItem] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()

    def proves(self, rating_key: str) -> bool:
        """Return whether it is known which item has a rating key, if any."""
        return rating_key in self.items or rating_key in self.absent


@dataclass(frozen=True, slots=True)
class Doubts:
    """The parts of Pulsarr's response that are unknown, or not believed yet.

    `unread` are people whose lists could not be read, with their folded labels in `unread_labels`;
    `partial` those of them whose lists could be read in part. `without_ids` are titles without a known
    id, by person, type and folded name, `with_key_only` those with Plex's key only. `shrunk` are people
    whose lists lost much at once, with their labels in `shrunk_labels`; `lists` are the reasons why
    the whole response is not believed.
    """

    unread: frozenset[PersonId] = frozenset()
    partial: frozenset[PersonId] = frozenset()
    unread_labels: frozenset[str] = frozenset()
    without_ids: frozenset[tuple[PersonId, MediaType, str]] = frozenset()
    with_key_only: frozenset[tuple[PersonId, MediaType, str]] = frozenset()
    shrunk: frozenset[PersonId] = frozenset()
    lists: frozenset[HoldReason] = frozenset()
    shrunk_labels: frozenset[str] = frozenset()

    def is_unread(self, row: Row) -> bool:
        """Return whether a row's title may be on a list that could not be read."""
        return not self.unread.isdisjoint(row.people) or fold(row.label) in self.unread_labels

    def may_mean(self, row: Row, item: Item) -> bool:
        """Return whether a row's people may want its item by a title with too few known ids."""
        name = fold(item.title)
        known = {(person, item.type, name) for person in row.people}
        has_key = any(one.startswith("plex:") for one in item.ids)
        return not known.isdisjoint(
            self.without_ids if has_key else self.without_ids | self.with_key_only
        )

    def shrank(self, row: Row) -> bool:
        """Return whether a row is for a person whose list lost much at once."""
        return not self.shrunk.isdisjoint(row.people)

    def believes_about(self, row: Row) -> bool:
        """Return whether it is believed that a row's title is no longer wanted."""
        return not self.lists and not self.shrank(row)


def unread_lists(
    watchlists: Watchlists, people: Iterable[Person], settings: SyncSettings, ledger: Ledger
) -> Doubts:
    """Return the doubts about lists, of people who get labels, with gaps or unread.

    While a person's row cannot be read, it may be anyone who is not listed.
    """
    people = tuple(people)
    unread = [person for person in people if person.id in watchlists.unread]
    if watchlists.gaps:
        there = {person.id for person in watchlists.people}
        known = {one: Person(one, "") for row in ledger for one in row.people} | ledger.people
        unread += [person for number, person in known.items() if number not in there]
    return Doubts(
        without_ids=frozenset(
            (person.id, title.type, fold(title.name))
            for person in people
            for title in watchlists.titles.get(person.id, ())
            if not title.ids
        ),
        with_key_only=frozenset(
            (person.id, title.type, fold(title.name))
            for person in people
            for title in watchlists.titles.get(person.id, ())
            if title.ids and title.ids == title.plex_ids
        ),
        unread=frozenset(person.id for person in unread),
        partial=frozenset(watchlists.bad_rows),
        unread_labels=labels_of(unread, settings),
    )


def labels_of(people: Iterable[Person], settings: SyncSettings) -> frozenset[str]:
    """Return the folded labels of some people, as far as they have names."""
    return frozenset(
        fold(label_of(person, kind, settings))
        for person in people
        for kind in MediaType
        if person.username
    )


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the last believed full sync saw.

    `people` are all that Pulsarr listed; `who` identifies the options that decide whose titles are
    counted, in the format of `counted_people`.
    """

    people: int
    titles: int
    who: str = ""
    label_format: str = ""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What waits for a decision: none of these labels is removed by any path."""

    keys: frozenset[RowKey]
    reasons: tuple[HoldReason, ...]


def counted_people(settings: SyncSettings) -> str:
    """Return the options that decide whose titles are counted, as text to compare."""
    excluded = ",".join(map(public_id, sorted(settings.exclude_people, key=id_order)))
    return f"{excluded}|{settings.sync_disabled_people:d}"


def doubted_lists(
    before: Baseline | None, people: int, titles: int | None, settings: SyncSettings
) -> frozenset[HoldReason]:
    """Return why Pulsarr's response as a whole is not believed.

    `people` are all that it listed; `titles` is None if some lists could not be read.
    """
    if before is None:
        return frozenset()
    reasons = set()
    if before.people and not people:
        reasons.add(HoldReason.NOBODY_LISTED)
    elif _halved(before.people, people, PEOPLE_LOST):
        reasons.add(HoldReason.WATCHLISTS_SHRUNK)
    comparable = titles is not None and before.who in {"", counted_people(settings)}
    if comparable and titles is not None and _halved(before.titles, titles, SHRUNK_BY):
        reasons.add(HoldReason.WATCHLISTS_SHRUNK)
    return frozenset(reasons)


def _halved(before: int, now: int, least: int) -> bool:
    return before - now >= least and 2 * now < before


def contradicts_count(person: Person, titles: tuple[Title, ...]) -> bool:
    """Return whether a list has less than half of the titles that Pulsarr counts on it."""
    return person.wanted is not None and _halved(person.wanted, len(titles), SHRUNK_BY)


class ListMemory:
    """The watchlists that were last believed, and since when others are in doubt.

    Pulsarr deletes a friend who is missing in a single response of Plex, and a list may be empty
    once: a list that lost more than half of its titles at one read is believed when it is read the
    same some minutes later, unless Pulsarr counts more than twice as many titles on it. `counts`
    and `doubted` survive a restart; times are in seconds since the epoch.
    """

    def __init__(
        self,
        counts: Mapping[PersonId, int] | None = None,
        doubted: Mapping[PersonId, float] | None = None,
    ) -> None:
        """Initialize with the stored data."""
        self.counts = dict(counts or {})
        self.doubted = dict(doubted or {})
        self._lists: dict[PersonId, tuple[Title, ...]] = {}
        self._explained: dict[Title, float] = {}
        self._left: set[PersonId] = set()  # known to be gone, although labels of theirs remain

    def copy(self) -> "ListMemory":
        """Return a copy that can be changed independently."""
        copied = ListMemory(self.counts, self.doubted)
        copied._lists = dict(self._lists)
        copied._explained = dict(self._explained)
        copied._left = set(self._left)
        return copied

    def missing(
        self, people: Collection[Person], ledger: Ledger, owners: Iterable[PersonId]
    ) -> tuple[Person, ...]:
        """Return people who were listed or are `owners` of labels, and are missing now.

        They are to be requested one by one. Empty if so many are missing that the whole response is
        in doubt.
        """
        there = {person.id for person in people} | ledger.moved(people).keys()
        if self._lacks_most(there):
            return ()
        unlisted = self._known(owners).keys() - there
        return tuple(ledger.people.get(one) or Person(one, str(one)) for one in sorted(unlisted))

    def _lacks_most(self, listed: Collection[PersonId]) -> bool:
        """Return whether so many are missing that the whole response is in doubt."""
        known = len(self.counts)
        there = len(self.counts.keys() & set(listed))
        return bool(known) and (not listed or _halved(known, there, PEOPLE_LOST))

    def _known(self, owners: Iterable[PersonId]) -> dict[PersonId, int]:
        """Return the lengths of the believed lists, and 1 for others who may have a list."""
        return dict.fromkeys((one for one in owners if one not in self._left), 1) | self.counts

    def explain(self, title: Title, now: float) -> None:
        """Record that a title was removed from a list according to an event."""
        self._explained[title] = now
        while len(self._explained) > EXPLAINED_MAX:
            del self._explained[next(iter(self._explained))]

    def follow(self, moved: Mapping[PersonId, PersonId]) -> None:
        """Record people's new ids: a list under a new id is the same list."""
        for old, new in moved.items():
            if old in self.counts:
                self.counts.setdefault(new, self.counts.pop(old))
            if old in self._lists:
                self._lists.setdefault(new, self._lists.pop(old))
            if old in self.doubted:
                self.doubted.setdefault(new, self.doubted.pop(old))

    def lost_most(self, watchlists: Watchlists) -> frozenset[PersonId]:
        """Return the people whose lists lost more than half of their titles.

        Titles whose removal an event has explained are not lost. Changes nothing, so it may run in
        a thread: lists may have tens of thousands of titles.
        """
        explained = dict(self._explained)  # events may add to it meanwhile
        return frozenset(
            person_id
            for person_id, titles in watchlists.titles.items()
            if self._has_shrunk(person_id, titles, explained, _read_at(watchlists, person_id))
        )

    def find_shrunk(
        self,
        watchlists: Watchlists,
        counted: Iterable[PersonId],
        lost_most: Container[PersonId],
        *,
        owners: Iterable[PersonId] = (),
        believe: bool = False,
    ) -> frozenset[PersonId]:
        """Return the people whose lists lost too much to be believed yet.

        `counted` are the ids of those who get labels, `owners` of those who have some,
        `lost_most` the result of that method. People who are gone count as well. `believe` means
        that a person has confirmed the lists, whatever they lost.
        """
        shrunk = set[PersonId]()
        people = {person.id: person for person in watchlists.people}
        for person_id in counted:
            titles = watchlists.titles.get(person_id)
            if titles is None or person_id in watchlists.unread:
                continue
            read_at = _read_at(watchlists, person_id)
            lost = not believe and person_id in lost_most
            is_doubted = self._is_doubted(person_id, read_at, lost=lost)
            if lost and contradicts_count(people[person_id], titles):
                self.doubted.setdefault(person_id, read_at)
                is_doubted = True  # however often it is read so
            if is_doubted:
                shrunk.add(person_id)
            else:
                self.counts[person_id] = len(titles)
                self._lists[person_id] = titles
        # While a row could not be read, no one is known to be gone.
        known = self._known(owners)
        # If most are missing, none of them was asked for by id.
        unasked = not believe and self._lacks_most(people)
        for person_id in () if watchlists.gaps else known.keys() - people.keys():
            lost = not believe and known[person_id] > 0
            is_doubted = self._is_doubted(person_id, watchlists.read_at, lost=lost)
            if is_doubted or unasked:
                shrunk.add(person_id)
            else:
                self._lists.pop(person_id, None)
                self.counts.pop(person_id, None)
                self._left.add(person_id)
        self._left -= people.keys()
        return frozenset(shrunk)

    def _is_doubted(self, person_id: PersonId, read_at: float, *, lost: bool) -> bool:
        """Return whether a list is in doubt: it lost much, and was not read so before."""
        if lost and read_at - self.doubted.setdefault(person_id, read_at) < READ_AGAIN_AFTER:
            return True
        self.doubted.pop(person_id, None)
        return False

    def _has_shrunk(
        self,
        person_id: PersonId,
        titles: tuple[Title, ...],
        explained_at: Mapping[Title, float],
        read_at: float,
    ) -> bool:
        known = self._lists.get(person_id)
        if known is None:
            return _halved(self.counts.get(person_id, 0), len(titles), SHRUNK_BY)
        if known is titles:
            return False
        now = TitleIndex(titles)
        explained = TitleIndex(
            title for title, at in explained_at.items() if at > read_at - EXPLAINED_FOR
        )
        same = set(titles)
        lost = sum(one not in same and one not in now and one not in explained for one in known)
        return lost >= SHRUNK_BY and 2 * lost > len(known)


def _read_at(watchlists: Watchlists, person_id: PersonId) -> float:
    """Return when a person's list was read, in seconds since the epoch."""
    return watchlists.lists_read_at.get(person_id, watchlists.read_at)
