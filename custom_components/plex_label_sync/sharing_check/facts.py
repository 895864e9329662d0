"""Read from Plex what rules refer to: items, their ratings, and which labels they carry."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..plex.ratings import RatedItem
from ..plex.server import PlexClient
from ..settings import Settings
from ..sharing.model import Rule
from ..sharing.survey import Facts, Wanted
from ..sharing.visible import ANY_LIBRARY
from ..sync.failures import FAILURES
from ..sync.gaps import Gaps
from ..sync.model import (
    ROW,
    Gap,
    GapKind,
    Library,
    MediaType,
    Person,
    ServiceError,
    Watchlists,
    fold,
)
from ..sync.naming import label_of
from ..sync.person_id import PersonId, own_id
from ..sync.threads import in_thread
from ..sync.wanted import Match, Matcher, WantedTitle, gets_labels, wanted_titles_of
from .catalog_builder import CatalogBuilder, LabelCarriers
from .label_reading import Directory, LabelReading

WANTED_MAX: Final = 50_000  # items whose labels are read one by one


@dataclass(frozen=True, slots=True)
class Read:
    """The facts that were read, and what could not be."""

    facts: Facts
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class MoreRead:
    """Facts about further labels, the labels that no item carries, and what could not be read.

    Labels that may be carried by an unread item are not among `not_carried`.
    """

    facts: Facts
    not_carried: frozenset[str]
    gaps: tuple[Gap, ...] = ()


class FactsReader:
    """Reads the facts of one check. Nothing is written, and nothing waits for it.

    What cannot be read is a gap and unknown; only an unavailable server ends the check.
    """

    def __init__(self, plex: PlexClient, settings: Settings, server_version: str) -> None:
        """Initialize with the server and its version, and the settings for libraries and labels."""
        self._plex = plex
        self._settings = settings
        self._version = server_version

    async def async_read(
        self, people: Sequence[Person], watchlists: Watchlists | None, rules: Iterable[Rule]
    ) -> Read:
        """Return everything that the rules refer to. Raises ServiceError.

        `watchlists` are those that the last sync read: Pulsarr is not queried again.
        """
        gaps = Gaps()
        reading = LabelReading(self._plex, gaps)
        libraries = await self._plex.libraries(gaps.add)
        named = labels_named(rules)
        wanted_titles = await in_thread(_wanted_titles, watchlists)
        matcher = Matcher(wanted_titles)
        catalogs = {kind: CatalogBuilder() for kind in MediaType}
        if gaps:  # any item may be in a library that is not listed
            for catalog in catalogs.values():
                catalog.partial.add(ANY_LIBRARY)
        directory: set[str] | None = None if gaps else set()
        for library in libraries:
            catalog = catalogs[library.type]
            if self._settings.sync.covers(library.key):
                await self._list(library, catalog, matcher, gaps)
                labels = await reading.read(library, named, catalog, catalog.carriers)
            else:
                # A rule may allow a label that only these carry.
                catalog.others.add(library.key)
                labels = await reading.directory(library) if named else Directory()
            directory = labels.added_to(directory)
        for gap in _unread_lists(watchlists):
            gaps.add(gap)
        labels_by_person = labels_of_people(people, self._settings)
        wanted = await in_thread(_wanted, wanted_titles, matcher, catalogs)
        marked, unmarked = await self._marked(wanted, labels_by_person.values(), catalogs, gaps)
        facts = Facts(
            catalogs={
                kind: await in_thread(catalog.finished, named, marked[kind], catalog.mask(unmarked))
                for kind, catalog in catalogs.items()
            },
            wanted=[one for one, _ in wanted],
            people=people,
            labels=labels_by_person,
            directory=None if directory is None else frozenset(directory),
            options=self._settings.sharing_accounts,
            server_version=self._version,
            unread_lists=_people_without_list(people, watchlists),
        )
        return Read(facts, tuple(gaps))

    async def async_more(self, facts: Facts, rules: Iterable[Rule]) -> MoreRead:
        """Return facts that include the labels of other rules.

        Labels that could not be read before are read again. Raises ServiceError. Items added since
        are not included.
        """
        gaps, named = Gaps(), labels_named(rules)
        reading = LabelReading(self._plex, gaps)
        asked = {kind: _unknown_labels(facts, kind, named) for kind in MediaType}
        carriers = {kind: LabelCarriers() for kind in MediaType}
        listed: set[str] = set(facts.directory or ())
        doubtful: set[str] = set()
        for library in await self._plex.libraries(gaps.add) if any(asked.values()) else ():
            if labels := asked[library.type]:
                catalog, found = facts.catalogs[library.type], carriers[library.type]
                if self._settings.sync.covers(library.key):
                    read = await reading.read(library, labels, catalog, found)
                else:
                    read = await reading.directory(library)
                listed |= read.names
                doubtful |= read.unread.of(labels - read.names)
        if any(gap.kind is GapKind.LIBRARY and gap.key.startswith(ROW) for gap in gaps):
            doubtful |= named
        catalogs = {
            kind: await in_thread(carriers[kind].put_into, catalog, asked[kind])
            for kind, catalog in facts.catalogs.items()
        }
        carried = {
            label
            for label in named
            for catalog in catalogs.values()
            if catalog.carriers.get(label) or catalog.doubtful.get(label)
        }
        not_carried = frozenset(named - listed - doubtful - carried)
        return MoreRead(replace(facts, catalogs=catalogs), not_carried, tuple(gaps))

    async def _list(
        self, library: Library, catalog: CatalogBuilder, matcher: Matcher, gaps: Gaps
    ) -> None:
        """Put a library's items in the catalog, and record the wanted ones.

        Of an item whose row cannot be read, at most the key is known. Raises ServiceError.
        """
        start = catalog.size

        def pick(items: tuple[RatedItem, ...]) -> tuple[list[str], list[str], list[Match]]:
            return (
                [one.item.rating_key for one in items],
                [one.rating for one in items],
                matcher.matches(one.item for one in items),
            )

        lost = Gaps()
        try:
            async for keys, ratings, matches in self._plex.rated_pages(library, pick, lost.add):
                catalog.add(keys, ratings)
                matcher.add(matches)
        except ServiceError as err:
            lost.add_failure(err, GapKind.LIBRARY, library.key, library.name)
        unread = {gap.key for gap in lost if gap.kind is GapKind.ITEM} - catalog.positions.keys()
        nameless: int | None = 0
        if any(gap.kind is not GapKind.ITEM for gap in lost):
            nameless = await self._lost_rows(library, catalog.size - start + len(unread))
        if nameless is None:
            catalog.partial.add(library.key)
        catalog.add_unread(sorted(unread), nameless or 0)
        catalog.end_library(library.key, start)
        for gap in lost:
            gaps.add(gap)

    async def _lost_rows(self, library: Library, known: int) -> int | None:
        """Return how many items a library has beside some known ones, None if unknown."""
        try:
            _, total = await self._plex.newest(library, 0)
        except ServiceError as err:
            if FAILURES[err.failure].ends_run:
                raise
            return None
        return total - known if total > known else None

    async def _marked(
        self,
        wanted: Sequence[tuple[Wanted, frozenset[str]]],
        labels: Iterable[str],
        catalogs: Mapping[MediaType, CatalogBuilder],
        gaps: Gaps,
    ) -> tuple[dict[MediaType, dict[str, int]], frozenset[str]]:
        """Return which of the wanted items currently carry which of the integration's labels.

        Also returns the rating keys of those whose labels could not be read.
        """
        written = {fold(label) for label in labels}
        keys = sorted({key for _, some in wanted for key in some})
        found: dict[MediaType, dict[str, set[str]]] = {
            kind: {label: set() for label in written} for kind in MediaType
        }
        unread = set(keys[WANTED_MAX:])
        if keys and written:
            lost: list[Gap] = []
            try:
                items = await self._plex.labelled(keys[:WANTED_MAX], lost.append)
            except ServiceError as err:
                if FAILURES[err.failure].ends_run:
                    raise
                items = ()
                lost = [Gap(GapKind.ITEM, key, key, err.failure) for key in keys[:WANTED_MAX]]
            for one in items:
                for label in written.intersection(map(fold, one.labels)):
                    found[one.item.type][label].add(one.item.rating_key)
            for gap in lost:
                unread.add(gap.key)
                gaps.add(gap)
        marked = {
            kind: {label: catalogs[kind].mask(some) for label, some in by_label.items()}
            for kind, by_label in found.items()
        }
        return marked, frozenset(unread)


def _unknown_labels(facts: Facts, kind: MediaType, named: Collection[str]) -> frozenset[str]:
    """Return the labels whose carriers of one kind are not known, or not in full."""
    catalog = facts.catalogs[kind]
    return frozenset(
        label
        for label in named
        if label not in catalog.carriers
        or catalog.doubtful.get(label)
        or (facts.directory is None and not catalog.carriers[label])
    )


def _unread_lists(watchlists: Watchlists | None) -> Iterable[Gap]:
    """Return what of the people's watchlists could not be read at the last sync."""
    if watchlists is None:
        return ()
    names = {person.id: person.username for person in watchlists.people}
    return (
        *watchlists.gaps,
        *(
            Gap(GapKind.PERSON, one, names.get(one) or own_id(one), failure)
            for one, failure in watchlists.unread.items()
        ),
    )


def _people_without_list(
    people: Iterable[Person], watchlists: Watchlists | None
) -> frozenset[PersonId] | None:
    """Return the people whose watchlists are not known in full, None for all of them."""
    if watchlists is None:
        return None
    unread, known = watchlists.unread, watchlists.titles
    return frozenset(one.id for one in people if one.id in unread or one.id not in known)


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
    wanted_titles: Sequence[WantedTitle],
    matcher: Matcher,
    catalogs: Mapping[MediaType, CatalogBuilder],
) -> list[tuple[Wanted, frozenset[str]]]:
    found = []
    for index, wanted_title in enumerate(wanted_titles):
        kind = wanted_title.title.type
        keys = frozenset(item.rating_key for item in matcher.items(index))
        people = tuple(person.id for person in wanted_title.people)
        found.append(
            (Wanted(wanted_title.title.name, kind, catalogs[kind].mask(keys), people), keys)
        )
    return found
