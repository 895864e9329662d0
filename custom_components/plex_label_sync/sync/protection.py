"""What is believed of an answer, and what is known for certain before anything is lost. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from .changes import Row, RowKey
from .ledger import Ledger
from .model import Item, LabelledItem, MediaType, Person, SyncSettings, Title, Watchlists, fold
from .naming import label_of
from .person_id import PersonId, id_order, public_id
from .run import HoldReason
from .wanted import TitleIndex

SHRUNK_BY: Final = 5  # titles; a list that lost fewer is everyday life
READ_AGAIN_AFTER: Final = 300.0  # seconds; then a second read of a shrunk list is believed
EXPLAINED_MAX: Final = 1000  # titles of which an event said that they left a list
EXPLAINED_FOR: Final = 1800.0  # seconds for which that is an explanation
PEOPLE_LOST: Final = 2  # people; one who is gone is for the lists to doubt


@dataclass(frozen=True, slots=True)
class Evidence:
    """The items that were read by their rating keys in this run, and those that are not there."""

    items: Mapping[str, LabelledItem] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()

    def proves(self, rating_key: str) -> bool:
        """Tell whether it is known what is under a rating key."""
        return rating_key in self.items or rating_key in self.absent


@dataclass(frozen=True, slots=True)
class Doubts:
    """What of Pulsarr's answer is not known, or not believed yet.

    `unread` are people whose lists could not be read, with their folded labels in
    `unread_labels`, and `partial` those of them of whose lists only some rows could not; `vague` titles on people's lists of which no id is known, by person, type and
    folded name, `keyed` those of which only Plex's key is known; `shrunk` those whose lists lost much at once, with theirs in `shrunk_labels`;
    `lists` says why the whole answer is not believed.
    """

    unread: frozenset[PersonId] = frozenset()
    partial: frozenset[PersonId] = frozenset()
    unread_labels: frozenset[str] = frozenset()
    vague: frozenset[tuple[PersonId, MediaType, str]] = frozenset()
    keyed: frozenset[tuple[PersonId, MediaType, str]] = frozenset()
    shrunk: frozenset[PersonId] = frozenset()
    lists: frozenset[HoldReason] = frozenset()
    shrunk_labels: frozenset[str] = frozenset()

    def is_unread(self, row: Row) -> bool:
        """Tell whether somebody may want what a row is for whose list could not be read."""
        return not self.unread.isdisjoint(row.people) or fold(row.label) in self.unread_labels

    def may_mean(self, row: Row, item: Item) -> bool:
        """Tell whether somebody for whom a row is may want its item by a title of which too little is known."""
        name = fold(item.title)
        known = {(person, item.type, name) for person in row.people}
        has_key = any(one.startswith("plex:") for one in item.ids)
        return not known.isdisjoint(self.vague if has_key else self.vague | self.keyed)

    def shrank(self, row: Row) -> bool:
        """Tell whether a row is for somebody whose list lost much at once."""
        return not self.shrunk.isdisjoint(row.people)

    def believes_about(self, row: Row) -> bool:
        """Tell whether it is believed that nobody wants what a row is for."""
        return not self.lists and not self.shrank(row)


def unread_lists(
    watchlists: Watchlists, people: Iterable[Person], settings: SyncSettings, ledger: Ledger
) -> Doubts:
    """Return the doubts about lists that could not be read, or not in full, of who gets labels.

    While the row of somebody cannot be read, that may be anybody who is not listed.
    """
    people = tuple(people)
    unread = [person for person in people if person.id in watchlists.unread]
    if watchlists.gaps:
        there = {person.id for person in watchlists.people}
        known = {one: Person(one, "") for row in ledger for one in row.people} | ledger.people
        unread += [person for number, person in known.items() if number not in there]
    return Doubts(
        vague=frozenset(
            (person.id, title.type, fold(title.name))
            for person in people
            for title in watchlists.titles.get(person.id, ())
            if not title.ids
        ),
        keyed=frozenset(
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
        fold(label_of(person, kind, settings.label_format))
        for person in people
        for kind in MediaType
        if person.username
    )


@dataclass(frozen=True, slots=True)
class Before:
    """What the last full sync saw whose answers were believed.

    `people` are all that Pulsarr listed; `who` names the options that decide whose titles are
    counted, as `who_counts` writes them.
    """

    people: int
    titles: int
    who: str = ""
    label_format: str = ""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What waits for somebody's decision: nothing of it is lost on any path."""

    keys: frozenset[RowKey]
    reasons: tuple[HoldReason, ...]


def who_counts(settings: SyncSettings) -> str:
    """Return the options that decide whose titles are counted, as text to compare."""
    excluded = ",".join(map(public_id, sorted(settings.exclude_people, key=id_order)))
    return f"{excluded}|{settings.sync_disabled_people:d}"


def doubted_lists(
    before: Before | None, people: int, titles: int | None, settings: SyncSettings
) -> frozenset[HoldReason]:
    """Return why what Pulsarr told of everybody is not believed.

    `people` are all that it listed; `titles` is None when some lists could not be read.
    """
    if before is None:
        return frozenset()
    reasons = set()
    if before.people and not people:
        reasons.add(HoldReason.NOBODY_LISTED)
    elif _halved(before.people, people, PEOPLE_LOST):
        reasons.add(HoldReason.WATCHLISTS_SHRUNK)
    comparable = titles is not None and before.who in {"", who_counts(settings)}
    if comparable and titles is not None and _halved(before.titles, titles, SHRUNK_BY):
        reasons.add(HoldReason.WATCHLISTS_SHRUNK)
    return frozenset(reasons)


def _halved(before: int, now: int, least: int) -> bool:
    return before - now >= least and 2 * now < before


def contradicts_count(person: Person, titles: tuple[Title, ...]) -> bool:
    """Tell whether a list is less than half as long as Pulsarr says of it beside the person."""
    return person.wanted is not None and _halved(person.wanted, len(titles), SHRUNK_BY)


class ListMemory:
    """The watchlists that were believed last, and since when others are doubted.

    Pulsarr deletes a friend whom one answer of Plex leaves out, and a list may come empty once:
    what lost more than half of itself at one read is believed when it is read so again, some
    minutes later, unless Pulsarr counts more than twice as many titles on it. `counts` and `doubted` outlive a restart; times are in seconds since the epoch.
    """

    def __init__(
        self,
        counts: Mapping[PersonId, int] | None = None,
        doubted: Mapping[PersonId, float] | None = None,
    ) -> None:
        """Start with what was stored."""
        self.counts = dict(counts or {})
        self.doubted = dict(doubted or {})
        self._lists: dict[PersonId, tuple[Title, ...]] = {}
        self._explained: dict[Title, float] = {}

    def copy(self) -> "ListMemory":
        """Return what is remembered now, to be changed by itself."""
        copied = ListMemory(self.counts, self.doubted)
        copied._lists = dict(self._lists)
        copied._explained = dict(self._explained)
        return copied

    def missing(self, people: Collection[Person], ledger: Ledger) -> tuple[Person, ...]:
        """Return who was there and is not among the people now, to be asked for one by one.

        Nobody where so many are missing that the whole answer is doubted.
        """
        there = {person.id for person in people} | ledger.moved(people).keys()
        gone = self.counts.keys() - there
        known = len(self.counts)
        if not people or _halved(known, known - len(gone), PEOPLE_LOST):
            return ()
        return tuple(ledger.people.get(one) or Person(one, str(one)) for one in sorted(gone))

    def explain(self, title: Title, now: float) -> None:
        """Take in that an event told of a title that it left a list."""
        self._explained[title] = now
        while len(self._explained) > EXPLAINED_MAX:
            del self._explained[next(iter(self._explained))]

    def follow(self, moved: Mapping[PersonId, PersonId]) -> None:
        """Take in that people have other ids now: a list under a new one is the same list."""
        for old, new in moved.items():
            if old in self.counts:
                self.counts.setdefault(new, self.counts.pop(old))
            if old in self._lists:
                self._lists.setdefault(new, self._lists.pop(old))
            if old in self.doubted:
                self.doubted.setdefault(new, self.doubted.pop(old))

    def judge(
        self, watchlists: Watchlists, counted: Iterable[PersonId], *, believe: bool = False
    ) -> frozenset[PersonId]:
        """Return the people whose lists lost too much to be believed yet.

        `counted` are the ids of those who get labels. Somebody who is gone counts as well.
        With `believe` somebody allows what the lists say, whatever they lost.
        """
        shrunk = set[PersonId]()
        people = {person.id: person for person in watchlists.people}
        for person_id in counted:
            titles = watchlists.titles.get(person_id)
            if titles is None or person_id in watchlists.unread:
                continue
            read_at = watchlists.lists_read_at.get(person_id, watchlists.read_at)
            lost = not believe and self._has_shrunk(person_id, titles, read_at)
            is_doubted = self._is_doubted(person_id, read_at, lost=lost)
            if lost and contradicts_count(people[person_id], titles):
                self.doubted.setdefault(person_id, read_at)
                is_doubted = True  # however often it is read so
            if is_doubted:
                shrunk.add(person_id)
            else:
                self.counts[person_id] = len(titles)
                self._lists[person_id] = titles
        # While a row could not be read, nobody is known to be gone.
        for person_id in () if watchlists.gaps else self.counts.keys() - people.keys():
            lost = not believe and self.counts[person_id] > 0
            if self._is_doubted(person_id, watchlists.read_at, lost=lost):
                shrunk.add(person_id)
            else:
                self._lists.pop(person_id, None)
                del self.counts[person_id]
        return frozenset(shrunk)

    def _is_doubted(self, person_id: PersonId, read_at: float, *, lost: bool) -> bool:
        """Tell whether a list is doubted; one that lost little, or was read so before, is not."""
        if lost and read_at - self.doubted.setdefault(person_id, read_at) < READ_AGAIN_AFTER:
            return True
        self.doubted.pop(person_id, None)
        return False

    def _has_shrunk(self, person_id: PersonId, titles: tuple[Title, ...], read_at: float) -> bool:
        known = self._lists.get(person_id)
        if known is None:
            return _halved(self.counts.get(person_id, 0), len(titles), SHRUNK_BY)
        if known is titles:
            return False
        now = TitleIndex(titles)
        explained = TitleIndex(
            title for title, at in self._explained.items() if at > read_at - EXPLAINED_FOR
        )
        same = set(titles)
        lost = sum(one not in same and one not in now and one not in explained for one in known)
        return lost >= SHRUNK_BY and 2 * lost > len(known)
