"""Who wants what: merges watchlists into wanted titles, and matches these with items."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from operator import is_
from typing import TYPE_CHECKING, NamedTuple

from .model import Item, MediaType, Person, SyncSettings, Title, Watchlists
from .reasons import ReasonCode
from .title_ids import same

if TYPE_CHECKING:
    from .person_id import PersonId


@dataclass(frozen=True, slots=True)
class WantedTitle:
    """One title and everyone who wants it."""

    title: Title
    people: tuple[Person, ...]


def labelled_people(watchlists: Watchlists, settings: SyncSettings) -> tuple[Person, ...]:
    """Return the people who get labels."""
    return tuple(person for person in watchlists.people if gets_labels(person, settings))


def gets_labels(person: Person, settings: SyncSettings) -> bool:
    """Return whether a person gets labels."""
    return why_no_labels(person, settings) is None


def why_no_labels(person: Person, settings: SyncSettings) -> ReasonCode | None:
    """Return why a person gets no labels, None for one who does."""
    if person.id in settings.exclude_people:
        return ReasonCode.PERSON_EXCLUDED
    if not (person.can_sync or settings.sync_disabled_people):
        return ReasonCode.SYNC_OFF
    return None


def wanted_titles_of(watchlists: Watchlists, people: Iterable[Person]) -> tuple[WantedTitle, ...]:
    """Merge watchlists: one wanted title for each distinct title.

    Titles are the same if they have the same Plex key. One without a key (Pulsarr sometimes omits
    it) is the same as the first title that shares an external id with it and does not contradict it
    in a stronger one.
    """
    titles: list[Title] = []
    wanting: list[dict[PersonId, Person]] = []
    by_id: dict[MediaType, dict[str, list[int]]] = {kind: {} for kind in MediaType}
    entries = [
        (person, title) for person in people for title in watchlists.titles.get(person.id, ())
    ]
    # Titles with a key come first: they decide which one the others join.
    entries.sort(key=lambda entry: not entry[1].plex_ids)
    for person, title in entries:
        index = _known(title, titles, by_id)
        if index is None:
            index = len(titles)
            titles.append(title)
            wanting.append({})
        elif not title.ids <= titles[index].ids:
            known = titles[index]
            titles[index] = replace(known, ids=known.ids | title.ids)
        for one in title.ids:
            if index not in (known_as := by_id[title.type].setdefault(one, [])):
                known_as.append(index)
        wanting[index][person.id] = person
    # Many titles are wanted by the same people: they share one tuple.
    groups: dict[tuple[Person, ...], tuple[Person, ...]] = {}
    return tuple(
        WantedTitle(title, groups.setdefault(some := tuple(people.values()), some))
        for title, people in zip(titles, wanting, strict=True)
    )


class Merger:
    """Merges watchlists as `wanted_titles_of` does, but only when one of them has changed."""

    def __init__(self) -> None:
        """Start without watchlists."""
        self._last: tuple[tuple[Person, ...], list[object], tuple[WantedTitle, ...]] = ((), [], ())

    def wanted_titles(
        self, watchlists: Watchlists, people: tuple[Person, ...]
    ) -> tuple[WantedTitle, ...]:
        """Return the titles that some people want.

        A watchlist is considered unchanged if it is the same object.
        """
        lists: list[object] = [watchlists.titles.get(person.id) for person in people]
        known_people, known_lists, wanted_titles = self._last
        if people != known_people or not all(map(is_, lists, known_lists)):
            wanted_titles = wanted_titles_of(watchlists, people)
            self._last = people, lists, wanted_titles
        return wanted_titles


def posters_of(
    watchlists: Watchlists | None, titles: Collection[tuple[MediaType, str]]
) -> dict[tuple[MediaType, str], str]:
    """Return the poster URLs of the titles with some ids, from any watchlist."""
    ids = frozenset(title_id for _, title_id in titles)
    posters: dict[tuple[MediaType, str], str] = {}
    for listed in () if watchlists is None else watchlists.titles.values():
        for one in listed:
            if one.poster and not ids.isdisjoint(one.ids):
                for title_id in one.ids & ids:
                    posters.setdefault((one.type, title_id), one.poster)
    return posters


def _known(
    title: Title, titles: Sequence[Title], by_id: Mapping[MediaType, Mapping[str, list[int]]]
) -> int | None:
    """Return the index of the same title seen before."""
    for one in sorted(title.plex_ids or title.ids):
        for index in by_id[title.type].get(one, ()):
            if title.plex_ids or same(title.ids, titles[index].ids):
                return index
    return None


class _Positions:
    """Positions of titles by type and id.

    Large watchlists have tens of thousands of ids: they are kept in few objects, because every
    additional one prolongs Python's garbage collection, which blocks everything.
    """

    def __init__(self, titles: Iterable[Title]) -> None:
        self._by_id: dict[MediaType, dict[str, tuple[int, ...]]] = {kind: {} for kind in MediaType}
        for index, title in enumerate(titles):
            by_id = self._by_id[title.type]
            for one in title.ids:
                by_id[one] = (*by_id.get(one, ()), index)

    def of(self, kind: MediaType, one: str) -> tuple[int, ...]:
        """Return the positions of the titles of a type that have an id."""
        return self._by_id[kind].get(one, ())


class TitleIndex:
    """Finds the titles in a collection that mean the same movie or show as a given one."""

    def __init__(self, titles: Iterable[Title]) -> None:
        """Index the titles by type and id."""
        self.titles = tuple(titles)
        self._positions = _Positions(self.titles)

    def find(self, title: Title) -> tuple[int, ...]:
        """Return the positions of all titles that mean the same as `title`."""
        found = {index for one in title.ids for index in self._positions.of(title.type, one)}
        return tuple(sorted(i for i in found if same(self.titles[i].ids, title.ids)))

    def __contains__(self, title: Title) -> bool:
        """Return whether any of the titles means the same as `title`."""
        return any(
            same(self.titles[index].ids, title.ids)
            for one in title.ids
            for index in self._positions.of(title.type, one)
        )


def people_wanting(
    titles: Iterable[Title], watchlists: Watchlists, settings: SyncSettings
) -> tuple[tuple[str, ...], ...]:
    """Return the usernames of the people who want each of some titles and get labels."""
    index = TitleIndex(titles)
    found: list[dict[str, None]] = [{} for _ in index.titles]
    for person in labelled_people(watchlists, settings):
        for title in watchlists.titles.get(person.id, ()):
            for position in index.find(title):
                found[position][person.username] = None
    return tuple(map(tuple, found))


class Rank(IntEnum):
    """How well an item fits a wanted title: with its Plex key, without any, or with another one."""

    OWN = 0
    KEYLESS = 1
    OTHER = 2


class Match(NamedTuple):
    """An item and the position of the wanted title that it matches."""

    position: int
    rank: Rank
    item: Item


def _sharing_ids(item: Item, title: Title) -> Item:
    """Return an item that shares the title's own set of ids if both are equal.

    Sets take most of the memory of large watchlists, and of the garbage collector's time.
    """
    return replace(item, ids=title.ids) if item.ids == title.ids else item


class Matcher:
    """Finds the items of wanted titles while a listing streams by; keeps only the matches."""

    def __init__(self, wanted_titles: Sequence[WantedTitle]) -> None:
        """Index the wanted titles by type and id."""
        self._wanted_titles = wanted_titles
        self._positions = _Positions(wanted_title.title for wanted_title in wanted_titles)
        # By rank, the items of each wanted title.
        self._found: tuple[dict[int, list[Item]], ...] = tuple({} for _ in Rank)

    def offer(self, items: Iterable[Item]) -> None:
        """Keep those of `items` that are wanted."""
        self.add(self.matches(items))

    def matches(self, items: Iterable[Item]) -> list[Match]:
        """Return the matches among `items`; keeps nothing, so it may be called in any thread."""
        return [
            Match(
                index, self._rank(index, item), _sharing_ids(item, self._wanted_titles[index].title)
            )
            for item in items
            for index in self._wanted_titles_for(item)
        ]

    def add(self, matches: Iterable[Match]) -> None:
        """Keep matches."""
        for position, rank, item in matches:
            self._found[rank].setdefault(position, []).append(item)

    def _wanted_titles_for(self, item: Item) -> set[int]:
        some = {index for one in item.ids for index in self._positions.of(item.type, one)}
        return {index for index in some if same(self._wanted_titles[index].title.ids, item.ids)}

    def _rank(self, index: int, item: Item) -> Rank:
        item_keys = {one for one in item.ids if one.startswith("plex:")}
        if not item_keys:
            return Rank.KEYLESS
        return (
            Rank.OTHER if item_keys.isdisjoint(self._wanted_titles[index].title.ids) else Rank.OWN
        )

    def items(self, index: int) -> tuple[Item, ...]:
        """Return the items of the wanted title at `index`.

        These are items with Plex's own key and, beside them, items of legacy agents by external id.
        An item with another Plex key counts only if no item has the right one: then Plex and
        Pulsarr disagree about the key and the external id decides.
        """
        own, keyless, other = (found.get(index, []) for found in self._found)
        some = own + keyless + ([] if own else other)
        return tuple({item.rating_key: item for item in some}.values())  # some were offered twice
