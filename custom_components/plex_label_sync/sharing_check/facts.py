"""Read from Plex what rules refer to: items, their ratings, and which labels they carry."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ..plex.ratings import RatedItem
from ..plex.server import PlexClient
from ..settings import Settings
from ..sharing.model import Rule
from ..sharing.survey import Facts, Wanted
from ..sharing.visible import Catalog, bits
from ..sync.model import (
    Gap,
    GapKind,
    Library,
    MediaType,
    Person,
    Service,
    ServiceError,
    StoredLabel,
    Watchlists,
    fold,
)
from ..sync.naming import label_of
from ..sync.person_id import PersonId
from ..sync.wanted import Match, Matcher, WantedTitle, gets_labels, wanted_titles_of

WANTED_MAX: Final = 50_000  # items whose labels are read one by one


@dataclass(slots=True)
class _CatalogBuilder:
    """One kind of title while its libraries are read."""

    keys: list[str] = field(default_factory=list)
    ratings: list[str | None] = field(default_factory=list)  # None: could not be read
    libraries: dict[str, int] = field(default_factory=dict)
    carriers: dict[str, set[str]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    positions: dict[str, int] = field(default_factory=dict)

    def mask(self, keys: Iterable[str]) -> int:
        """Return the set of positions of rating keys as an integer."""
        found = (self.positions[key] for key in keys if key in self.positions)
        return bits(found, len(self.keys))


@dataclass(frozen=True, slots=True)
class Read:
    """The facts that were read; `gaps` is True if some of them could not be."""

    facts: Facts
    gaps: bool = False


@dataclass(frozen=True, slots=True)
class _UnreadLabels:
    """The folded labels of a directory's unreadable rows, empty for those without a name."""

    names: frozenset[str] = frozenset()

    @property
    def are_nameless(self) -> bool:
        """Whether any label may be among them."""
        return "" in self.names

    def of(self, labels: Collection[str]) -> frozenset[str]:
        """Return those of some labels that may be among them."""
        return frozenset(labels if self.are_nameless else self.names.intersection(labels))


class FactsReader:
    """Reads the facts of one check. Nothing is written, and nothing waits for it."""

    def __init__(self, plex: PlexClient, settings: Settings, server_version: str) -> None:
        """Initialize with the server and its version, and the settings for libraries and labels."""
        self._plex = plex
        self._settings = settings
        self._version = server_version
        self._gaps = False

    async def async_read(
        self, people: Sequence[Person], watchlists: Watchlists | None, rules: Iterable[Rule]
    ) -> Read:
        """Return everything that the rules refer to. Raises ServiceError.

        `watchlists` are those that the last sync read: Pulsarr is not queried again.
        """
        self._gaps = False
        libraries = [
            one for one in await self._plex.libraries() if self._settings.sync.covers(one.key)
        ]
        named = labels_named(rules)
        wanted_counts = await asyncio.to_thread(_wanted_titles, watchlists)
        matcher = Matcher(wanted_counts)
        catalogs = {kind: _CatalogBuilder() for kind in MediaType}
        directory: set[str] | None = set()
        for library in libraries:
            catalog = catalogs[library.type]
            await self._list(library, catalog, matcher)
            stored, unread = await self._directory(library)
            listed = {fold(one.text) for one in stored}
            catalog.unknown |= unread.of(named - listed)
            if unread.are_nameless:
                directory = None
            elif directory is not None:
                directory |= listed | unread.names
            await self._carriers(
                library, catalog, [one for one in stored if fold(one.text) in named]
            )
        labels = labels_of_people(people, self._settings)
        wanted = await asyncio.to_thread(_wanted, wanted_counts, matcher, catalogs)
        marked = await self._marked(wanted, labels.values(), catalogs)
        facts = Facts(
            catalogs={
                kind: await asyncio.to_thread(_finished, catalog, named, marked[kind])
                for kind, catalog in catalogs.items()
            },
            wanted=[one for one, _ in wanted],
            people=people,
            labels=labels,
            directory=None if directory is None else frozenset(directory),
            options=self._settings.sharing_accounts,
            server_version=self._version,
        )
        return Read(facts, gaps=self._gaps)

    async def async_more(self, facts: Facts, rules: Iterable[Rule]) -> tuple[Facts, frozenset[str]]:
        """Return facts that include the labels of other rules, and those that no item carries.

        Labels that could not be read are in neither. Raises ServiceError. Items added since are not
        included.
        """
        wanted = labels_named(rules)
        known = set(facts.catalogs[MediaType.MOVIE].carriers)
        missing = wanted - known
        doubtful: set[str] = set()
        catalogs = dict(facts.catalogs)
        if missing:
            keys: dict[MediaType, dict[str, set[str]]] = {
                kind: {label: set() for label in missing} for kind in MediaType
            }
            for library in await self._plex.libraries():
                if not self._settings.sync.covers(library.key):
                    continue
                directory, unread = await self._labels(library)
                lacking = unread.of(missing - {fold(one.text) for one in directory})
                doubtful |= lacking
                for label in lacking:
                    keys[library.type].pop(label, None)
                for stored in directory:
                    if (some := keys[library.type].get(fold(stored.text))) is not None:
                        some |= await self._plex.carriers(library, stored)
            for kind, catalog in facts.catalogs.items():
                found = {
                    label: bits(
                        (catalog.positions[key] for key in some if key in catalog.positions),
                        catalog.size,
                    )
                    for label, some in keys[kind].items()
                }
                catalogs[kind] = replace(catalog, carriers={**catalog.carriers, **found})
        unknown = frozenset(
            label
            for label in wanted - doubtful
            if not any(catalog.carriers.get(label, 0) for catalog in catalogs.values())
        )
        return replace(facts, catalogs=catalogs), unknown

    async def _list(self, library: Library, catalog: _CatalogBuilder, matcher: Matcher) -> None:
        """Put a library's items in the catalog, and record the wanted ones.

        Of an item whose row cannot be read, only the key is known. Raises ServiceError.
        """
        start = len(catalog.keys)

        def pick(items: tuple[RatedItem, ...]) -> tuple[list[str], list[str], list[Match]]:
            return (
                [one.item.rating_key for one in items],
                [one.rating for one in items],
                matcher.matches(one.item for one in items),
            )

        gaps: list[Gap] = []
        async for keys, ratings, matches in self._plex.rated_pages(library, pick, gaps.append):
            catalog.keys += keys
            catalog.ratings += ratings
            matcher.add(matches)
        for gap in gaps:
            if gap.kind is not GapKind.ITEM:
                detail = f"library {library.name} cannot be read in full"
                raise ServiceError(Service.PLEX, gap.failure, detail)
        unread = {gap.key for gap in gaps} - set(catalog.keys[start:])
        catalog.keys += sorted(unread)
        catalog.ratings += [None] * len(unread)
        self._gaps = self._gaps or bool(unread)
        catalog.positions.update(
            {key: place for place, key in enumerate(catalog.keys[start:], start)}
        )
        catalog.libraries[library.key] = (1 << len(catalog.keys)) - (1 << start)

    async def _directory(self, library: Library) -> tuple[tuple[StoredLabel, ...], _UnreadLabels]:
        try:
            stored, unread = await self._labels(library)
        except ServiceError:
            stored, unread = (), _UnreadLabels(frozenset({""}))
        self._gaps = self._gaps or bool(unread.names)
        return stored, unread

    async def _labels(self, library: Library) -> tuple[tuple[StoredLabel, ...], _UnreadLabels]:
        """Return a library's labels, and those whose rows cannot be read. Raises ServiceError."""
        gaps: list[Gap] = []
        stored = await self._plex.labels(library, gaps.append)
        names = frozenset(fold(gap.key.partition("/")[2]) for gap in gaps)
        return stored, _UnreadLabels(names)

    async def _carriers(
        self, library: Library, catalog: _CatalogBuilder, stored: Iterable[StoredLabel]
    ) -> None:
        for one in stored:
            folded = fold(one.text)
            try:
                found = await self._plex.carriers(library, one)
            except ServiceError:
                self._gaps = True
                catalog.unknown.add(folded)
            else:
                catalog.carriers.setdefault(folded, set()).update(found)

    async def _marked(
        self,
        wanted: Sequence[tuple[Wanted, frozenset[str]]],
        labels: Iterable[str],
        catalogs: Mapping[MediaType, _CatalogBuilder],
    ) -> dict[MediaType, dict[str, int]]:
        """Return which of the wanted items currently carry which of the integration's labels."""
        written = {fold(label) for label in labels}
        keys = sorted({key for _, some in wanted for key in some})[:WANTED_MAX]
        found: dict[MediaType, dict[str, set[str]]] = {
            kind: {label: set() for label in written} for kind in MediaType
        }
        if keys and written:
            gaps: list[Gap] = []
            for one in await self._plex.labelled(keys, gaps.append):
                for label in written.intersection(map(fold, one.labels)):
                    found[one.item.type][label].add(one.item.rating_key)
            self._gaps = self._gaps or bool(gaps)
        return {
            kind: {label: catalogs[kind].mask(some) for label, some in by_label.items()}
            for kind, by_label in found.items()
        }


def labels_named(rules: Iterable[Rule]) -> set[str]:
    """Return every label, folded, that a rule names."""
    return {
        value
        for rule in rules
        for condition in rule.conditions
        if condition.is_label
        for value in condition.values
    }


def labels_of_people(
    people: Iterable[Person], settings: Settings
) -> dict[tuple[PersonId, MediaType], str]:
    """Return the labels of the people who get any, by person and kind of title."""
    sync = settings.sync
    return {
        (person.id, kind): label
        for person in people
        if gets_labels(person, sync)
        for kind in MediaType
        if fold(label := label_of(person, kind, sync)) not in sync.never_written
    }


def _wanted_titles(watchlists: Watchlists | None) -> tuple[WantedTitle, ...]:
    return () if watchlists is None else wanted_titles_of(watchlists, watchlists.people)


def _wanted(
    wanted_counts: Sequence[WantedTitle],
    matcher: Matcher,
    catalogs: Mapping[MediaType, _CatalogBuilder],
) -> list[tuple[Wanted, frozenset[str]]]:
    found = []
    for index, wanted_title in enumerate(wanted_counts):
        kind = wanted_title.title.type
        keys = frozenset(item.rating_key for item in matcher.items(index))
        people = tuple(person.id for person in wanted_title.people)
        found.append(
            (Wanted(wanted_title.title.name, kind, catalogs[kind].mask(keys), people), keys)
        )
    return found


def _finished(
    catalog: _CatalogBuilder, named: Collection[str], marked: Mapping[str, int]
) -> Catalog:
    """Return the catalog for the rules; a label that is in no directory is carried by no item."""
    ratings: dict[str, list[int]] = {}
    unrated = [place for place, rating in enumerate(catalog.ratings) if rating is None]
    for place, rating in enumerate(catalog.ratings):
        if rating:
            ratings.setdefault(fold(rating), []).append(place)
    size = len(catalog.keys)
    return Catalog(
        size=size,
        libraries=dict(catalog.libraries),
        carriers={
            label: catalog.mask(catalog.carriers.get(label, ()))
            for label in named
            if label not in catalog.unknown
        },
        ratings={rating: bits(places, size) for rating, places in ratings.items()},
        unrated=bits(unrated, size),
        marked=marked,
        positions=catalog.positions,
    )
