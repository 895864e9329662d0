"""The reads of a run. A failed, partial or implausible result is unknown and never means "none"."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from .event_candidates import SeenItems
from .gaps import Gaps
from .jobs import gather_fail_fast
from .missing import Unmatched
from .model import Failure, Gap, GapKind, Item, Library, MediaType, ServiceError, Title
from .ports import PlexPort
from .progress import Phase, Progress
from .run import Outcome
from .threads import in_thread
from .wanted import Match, Matcher, WantedTitle

READERS: Final = 2  # requests to Plex in flight
NEWEST: Final = 200  # rows checked for recently added titles
LIST_AGAIN_AFTER: Final = 900.0  # seconds; a library that cannot be listed is not tried every time
LOOKUPS_MAX: Final = 20  # lookups by key and library in one run; for more a listing is cheaper


@dataclass(slots=True)
class Found:
    """The items of some wanted titles, and the number of items in each library that was read.

    `others` are further items that the listing was to keep, by rating key; `unmatched` those that
    Plex has not recognized yet, `missing` the known reasons why titles have no items. Unread parts
    are recorded in `gaps`; libraries without a total were not read. `left_out` are the gaps of
    libraries whose listing left out existing items, by their rating keys.
    """

    wanted_titles: Sequence[WantedTitle]
    items: Sequence[tuple[Item, ...]]
    totals: dict[str, int]
    others: dict[str, Item] = field(default_factory=dict)
    unmatched: list[Item] = field(default_factory=list)
    missing: dict[Title, Outcome] = field(default_factory=dict)
    gaps: Gaps = field(default_factory=Gaps)
    left_out: dict[str, Gap] = field(default_factory=dict)

    @property
    def matches(self) -> Iterator[tuple[WantedTitle, tuple[Item, ...]]]:
        """Pairs of each wanted title and its items."""
        return zip(self.wanted_titles, self.items, strict=True)


@dataclass(frozen=True, slots=True)
class _PageMatches:
    """What a run keeps of one page of a listing."""

    size: int
    matches: list[Match]
    others: list[Item]
    special: list[Item]  # without a Plex key; those without any id are not recognized by Plex
    keys: set[int]


def _by_key(found: Found) -> dict[str, Item]:
    """Return all items that a run has found, by rating key."""
    return found.others | {one.rating_key: one for some in found.items for one in some}


def _page_matches(
    matcher: Matcher,
    keep: Container[str],
    known: Mapping[str, Item],
    items: Sequence[Item],
) -> _PageMatches:
    """Return what a run keeps of one page, reusing the objects of `known` items.

    Ten thousand new objects an hour would make Python's garbage collector go through the whole
    memory of the process every few hours, blocking everything.
    """
    return _PageMatches(
        size=len(items),
        matches=[
            one._replace(item=_known_or_new(one.item, known)) for one in matcher.matches(items)
        ],
        others=[_known_or_new(item, known) for item in items if item.rating_key in keep],
        special=[item for item in items if not any(one.startswith("plex:") for one in item.ids)],
        keys={int(item.rating_key) for item in items},
    )


def _known_or_new(item: Item, known: Mapping[str, Item]) -> Item:
    before = known.get(item.rating_key)
    return before if before == item and before is not None else item


@dataclass(slots=True)
class KeylessItems:
    """Items without a Plex key, remembered from the last listing.

    Plex finds an item by its own key but not by an external id, so items with external ids only
    (legacy agents, not matched yet) are found here. A library that was listed has an entry, even if
    it is empty.
    """

    by_library: dict[str, dict[tuple[MediaType, str], list[Item]]] = field(default_factory=dict)

    def remember(self, library: Library, items: Iterable[Item]) -> None:
        """Add the items without a key of one page."""
        index = self.by_library.setdefault(library.key, {})
        for item in items:
            for one in item.ids:
                index.setdefault((item.type, one), []).append(item)

    def find(self, library: Library, title: Title) -> list[Item]:
        """Return the remembered items of a title."""
        index = self.by_library.get(library.key, {})
        return [item for one in title.ids for item in index.get((title.type, one), ())]


class ItemFinder:
    """Finds the items of wanted titles in Plex."""

    def __init__(self, plex: PlexPort, steady: Callable[[], float]) -> None:
        """Start without any listing; `steady` returns monotonic seconds."""
        self._plex = plex
        self._steady = steady
        self._failed: dict[str, tuple[float, Failure]] = {}  # failed listings: when, why
        self._keyless = KeylessItems()
        self.known = SeenItems()
        self._items: dict[str, Item] = {}  # kept by the last listing
        self._turn = 0

    async def find_all(
        self,
        libraries: Sequence[Library],
        wanted_titles: Sequence[WantedTitle],
        keep: Container[str] = frozenset(),
        progress: Progress | None = None,
    ) -> Found:
        """Match wanted titles against the full contents of the libraries.

        Items whose rating key is in `keep` are returned as well. Raises ServiceError when none of
        the libraries can be listed.
        """
        progress = progress or Progress()
        matcher = await in_thread(Matcher, wanted_titles)
        found = Found(wanted_titles, (), {})
        waiting = iter(libraries)

        failures: list[ServiceError] = []

        async def list_some() -> None:
            for library in waiting:
                progress.reached(Phase.LISTING, len(found.totals), len(libraries))
                try:
                    await self._list(library, matcher, keep, found)
                except ServiceError as err:
                    self._failed[library.key] = self._steady(), err.failure
                    found.gaps.add_failure(err, GapKind.LIBRARY, library.key, library.name)
                    failures.append(err)
                else:
                    self._failed.pop(library.key, None)

        await gather_fail_fast(list_some() for _ in range(READERS))
        if failures and not found.totals:
            raise failures[0]
        found.items = await in_thread(_items, matcher, wanted_titles)
        self._items = await in_thread(_by_key, found)
        return found

    async def _list(
        self, library: Library, matcher: Matcher, keep: Container[str], found: Found
    ) -> None:
        """List the full contents of a library and match it."""
        remembered, keys, unmatched, total = KeylessItems(), set[int](), list[Item](), 0
        pick = partial(_page_matches, matcher, keep, self._items)
        pages = self._plex.pages(library, pick, found.gaps.add)
        async with aclosing(pages):
            async for page in pages:
                matcher.add(page.matches)
                remembered.remember(library, page.special)
                unmatched += (item for item in page.special if not item.ids)
                found.others.update((item.rating_key, item) for item in page.others)
                keys |= page.keys
                total += page.size
        found.totals[library.key] = total
        found.unmatched += unmatched
        self._keyless.by_library[library.key] = remembered.by_library.get(library.key, {})
        self.known.replace(library, keys, unmatched)

    async def find_some(
        self,
        libraries: Sequence[Library],
        wanted_titles: Sequence[WantedTitle],
        thorough: Container[Title],
        seen: Sequence[Item] = (),
    ) -> Found:
        """Match a few wanted titles without listing whole libraries. Raises ServiceError.

        Checks the items added last, those just `seen` or remembered, and looks up Plex keys. Titles
        in `thorough` may have been in Plex for long: if one of them has no key, if individual
        lookups would cost more than a listing, or if nothing is remembered yet, everything is
        listed. The others are waited for; they will be among the newest items.
        """
        types = {wanted_title.title.type for wanted_title in wanted_titles}
        libraries = [library for library in libraries if library.type in types]
        known = not any(map(self._is_to_be_listed, libraries))
        old = [wanted_title for wanted_title in wanted_titles if wanted_title.title in thorough]
        keyless = any(not wanted_title.title.plex_ids for wanted_title in old)
        lookups = LOOKUPS_MAX - len(old) * len(libraries)
        if not known or keyless or lookups < 0:
            return await self.find_all(libraries, wanted_titles)
        matcher = Matcher(wanted_titles)
        found = Found(wanted_titles, (), {})
        for library in libraries:
            if library.key not in self._keyless.by_library:
                _, failure = self._failed[library.key]
                found.gaps.add(Gap(GapKind.LIBRARY, library.key, library.name, failure))
            matcher.offer(item for item in seen if item.library == library.key)
            for wanted_title in wanted_titles:
                matcher.offer(self._keyless.find(library, wanted_title.title))
            try:
                newest, found.totals[library.key] = await self._plex.newest(
                    library, NEWEST, found.gaps.add
                )
            except ServiceError as err:
                found.gaps.add_failure(err, GapKind.LIBRARY, library.key, library.name)
                continue
            matcher.offer(newest)
            found.unmatched += (item for item in newest if not item.ids)
        missing = [
            wanted_title
            for index, wanted_title in enumerate(wanted_titles)
            if wanted_title not in old and not matcher.items(index)
        ]
        readable = [library for library in libraries if library.key in found.totals]
        for wanted_title in [*old, *self._some_of(missing, lookups // max(len(libraries), 1))]:
            await self._look_up(matcher, readable, wanted_title.title, found.gaps)
        found.items = _items(matcher, wanted_titles)
        return found

    def _is_to_be_listed(self, library: Library) -> bool:
        """Return whether a library was never listed, and no attempt failed recently."""
        if library.key in self._keyless.by_library:
            return False
        tried_at, _ = self._failed.get(library.key, (float("-inf"), None))
        return self._steady() - tried_at >= LIST_AGAIN_AFTER

    async def explain_missing(self, found: Found, others: Iterable[Library]) -> None:
        """Note why wanted titles are missing, where that can be seen.

        `others` are the libraries that are not synced: of each, the items added last are checked,
        in one request for all titles. Raises ServiceError.
        """
        missing = [
            wanted_title
            for wanted_title, items in found.matches
            if wanted_title.people and not items
        ]
        unmatched = Unmatched(found.unmatched)
        for wanted_title in missing:
            if unmatched.may_hold(wanted_title.title):
                found.missing[wanted_title.title] = Outcome.NOT_MATCHED_YET
        for library in others:
            wanted_titles = [
                wanted_title
                for wanted_title in missing
                if wanted_title.title.type is library.type
                and wanted_title.title not in found.missing
            ]
            if wanted_titles:
                matcher = Matcher(wanted_titles)
                try:
                    matcher.offer((await self._plex.newest(library, NEWEST))[0])
                except ServiceError:
                    continue  # this only explains why a title is missing
                for index, wanted_title in enumerate(wanted_titles):
                    if matcher.items(index):
                        found.missing[wanted_title.title] = Outcome.LIBRARY_EXCLUDED

    def _some_of(self, missing: Sequence[WantedTitle], limit: int) -> Sequence[WantedTitle]:
        """Return a few wanted titles that still have no item, different ones each time."""
        if len(missing) <= limit:
            return missing
        start = self._turn % len(missing)
        self._turn += limit
        return [*missing[start:], *missing[:start]][:limit]

    async def _look_up(
        self, matcher: Matcher, libraries: Sequence[Library], title: Title, gaps: Gaps
    ) -> None:
        for library in libraries:
            if library.type is title.type:
                for plex_id in title.plex_ids:
                    try:
                        matcher.offer(await self._plex.with_plex_id(library, plex_id))
                    except ServiceError as err:
                        gaps.add_failure(err, GapKind.LIBRARY, library.key, library.name)


def _items(matcher: Matcher, wanted_titles: Sequence[WantedTitle]) -> list[tuple[Item, ...]]:
    return [matcher.items(index) for index in range(len(wanted_titles))]
