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
    Failure,
    Gap,
    GapKind,
    LabelledItem,
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
        self._known: dict[str, Library] = {}  # as of the last check, by key

    async def async_read(
        self, people: Sequence[Person], watchlists: Watchlists | None, rules: Iterable[Rule]
    ) -> Read:
        """Return everything that the rules refer to. Raises ServiceError.

        `watchlists` are those that the last sync read: Pulsarr is not queried again.
        """
        gaps = Gaps()
        reading = LabelReading(self._plex, gaps)
        libraries = await self._libraries(gaps)
        named = labels_named(rules)
        wanted_titles = await in_thread(_wanted_titles, watchlists)
        matcher = Matcher(wanted_titles)
        catalogs = {kind: CatalogBuilder() for kind in MediaType}
        if gaps:  # any item may be in a library that is not listed
            for catalog in catalogs.values():
                catalog.partial.add(ANY_LIBRARY)
        directory: set[str] | None = None if gaps else set()
        directories: dict[str, tuple[Library, Directory]] = {}
        for library in libraries:
            catalog = catalogs[library.type]
            if self._settings.sync.covers(library.key):
                start = catalog.size
                await self._list(library, catalog, matcher, gaps)
                labels = await reading.read(library, named, catalog, catalog.carriers)
                _add_unlisted(library, catalog, start, labels, gaps)
                directories[library.key] = library, labels
            else:
                # A rule may allow a label that only these carry.
                catalog.others.add(library.key)
                labels = await reading.directory(library) if named else Directory()
            directory = labels.added_to(directory)
        for gap in _unread_lists(watchlists):
            gaps.add(gap)
        labels_by_person = labels_of_people(people, self._settings)
        wanted = await in_thread(_wanted, wanted_titles, matcher, catalogs)
        written = {fold(label) for label in labels_by_person.values()}
        keys = sorted({key for _, some in wanted for key in some}) if written else []
        items, unmarked = await self._wanted_items(keys, gaps)
        for gap in await in_thread(_compare, items, named, catalogs, directories):
            gaps.add(gap)
            if gap.key.endswith("/"):
                directory = None
        marked = await in_thread(_marked, items, written, catalogs)
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

    async def _libraries(self, gaps: Gaps) -> list[Library]:
        """Return the libraries, with those that are left out but still exist. Raises ServiceError.

        Where one is listed twice, another one may be left out.
        """
        known = self._known | {one.key: one for one in self._plex.libraries_seen}
        listed = await self._plex.libraries(gaps.add)
        found = {one.key: one for one in listed}
        if len(found) < len(listed):
            gaps.add(Gap(GapKind.LIBRARY, f"{ROW}?", "?", Failure.IMPLAUSIBLE))
        for key in known.keys() - found.keys():
            try:
                await self._plex.newest(known[key], 0)
            except ServiceError as err:
                if FAILURES[err.failure].ends_run:
                    raise
                if err.failure in {Failure.NOT_FOUND, Failure.FORBIDDEN}:
                    continue
            found[key] = known[key]
        self._known = found
        return list(found.values())

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

    async def _wanted_items(
        self, keys: Sequence[str], gaps: Gaps
    ) -> tuple[tuple[LabelledItem, ...], frozenset[str]]:
        """Return the wanted items with their labels, and the rating keys of the unreadable ones.

        Each was just listed: one that is not returned may have been left out. Raises ServiceError.
        """
        asked, lost = keys[:WANTED_MAX], Gaps()
        try:
            items = await self._plex.labelled(asked, lost.add)
        except ServiceError as err:
            if FAILURES[err.failure].ends_run:
                raise
            items, failure = (), err.failure
        else:
            failure = Failure.IMPLAUSIBLE
        for key in {*asked} - {one.item.rating_key for one in items}:
            lost.add(Gap(GapKind.ITEM, key, key, failure))
        for gap in lost:
            gaps.add(gap)
        return items, frozenset(gap.key for gap in lost) | {*keys[WANTED_MAX:]}


def _add_unlisted(
    library: Library, catalog: CatalogBuilder, start: int, labels: Directory, gaps: Gaps
) -> None:
    """Add the items that carry a label although the listing lacks them; they begin at `start`."""
    if catalog.size == start and labels.stored:
        catalog.partial.add(library.key)
        gaps.add(Gap(GapKind.LIBRARY, library.key, library.name, Failure.IMPLAUSIBLE))
    elif unlisted := labels.carriers - catalog.positions.keys():
        catalog.add_unlisted(unlisted, start)
        catalog.end_library(library.key, start)
        gaps.add(Gap(GapKind.PAGE, f"{library.key}:", library.name, Failure.IMPLAUSIBLE))


def _compare(
    items: Iterable[LabelledItem],
    named: Collection[str],
    catalogs: Mapping[MediaType, CatalogBuilder],
    directories: Mapping[str, tuple[Library, Directory]],
) -> list[Gap]:
    """Return which labels were not read in full, as items that carry them show, and doubt them."""
    gaps = []
    listed = {key: directory.names for key, (_, directory) in directories.items()}
    for one in items:
        if one.item.library not in directories:
            continue
        library, directory = directories[one.item.library]
        names = listed[library.key]
        carriers = catalogs[one.item.type].carriers
        labels = {fold(label): label for label in one.labels}
        if labels.keys() - names - directory.unread.names:
            carriers.doubt(set(named) - names, library.key)
            key = f"{library.key}/"
            gaps.append(Gap(GapKind.LABEL, key, library.name, Failure.IMPLAUSIBLE))
        for folded in labels.keys() & named & names:
            if not carriers.may_have(folded, one.item.rating_key, library.key):
                carriers.doubt([folded], library.key)
                key, label = f"{library.key}/{labels[folded]}", labels[folded]
                gaps.append(Gap(GapKind.LABEL, key, label, Failure.IMPLAUSIBLE))
    return gaps


def _marked(
    items: Iterable[LabelledItem],
    labels: Iterable[str],
    catalogs: Mapping[MediaType, CatalogBuilder],
) -> dict[MediaType, dict[str, int]]:
    """Return which of the wanted items currently carry which of the integration's labels."""
    found: dict[MediaType, dict[str, set[str]]] = {
        kind: {label: set() for label in labels} for kind in MediaType
    }
    for one in items:
        by_label = found[one.item.type]
        for label in by_label.keys() & set(map(fold, one.labels)):
            by_label[label].add(one.item.rating_key)
    return {
        kind: {label: catalogs[kind].mask(some) for label, some in by_label.items()}
        for kind, by_label in found.items()
    }


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
