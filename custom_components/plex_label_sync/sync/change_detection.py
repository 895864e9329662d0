"""A cheap check whether anything has changed since the last full listing.

Its only possible effect is that a run ends early because there is nothing to do. In every other
case all libraries are listed and read again before a change is planned.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Final

from .current_labels import CurrentLabels
from .jobs import gather_fail_fast
from .ledger import Ledger
from .model import Gap, Item, Library, Person, SyncSettings
from .ports import PlexPort
from .readers import READERS, Found
from .scope import labels_needed
from .wanted import WantedTitle
from .wanted_labels import WantedItem

LISTING_AGE_MAX: Final = 6 * 3600.0  # seconds; after that everything is listed, changed or not


@dataclass(frozen=True, slots=True)
class LibrarySnapshot:
    """What the last full listing found, and the input that it was made for.

    `people` are all people in Pulsarr's response, `items` those that the plan covered; `read_at` is
    in seconds since the epoch.
    """

    people: tuple[Person, ...]
    wanted_titles: tuple[WantedTitle, ...]
    libraries: tuple[Library, ...]
    settings: SyncSettings
    found: Found
    items: Mapping[str, WantedItem]
    read_at: float


@dataclass(frozen=True, slots=True)
class QuickCheck:
    """The result of a cheap check of Plex.

    `listing` is the last one, if nothing seems to have changed since. `items` are its items as they
    are now, with their labels in `present`, where both were read together.
    """

    libraries: tuple[Library, ...]
    listing: LibrarySnapshot | None = None
    items: Mapping[str, WantedItem] | None = None
    present: CurrentLabels | None = None
    gaps: tuple[Gap, ...] = ()  # libraries that could not be read


class ChangeDetector:
    """Remembers the last full listing and checks whether it is still valid."""

    def __init__(self, plex: PlexPort, clock: Callable[[], float]) -> None:
        """Start without a listing; `clock` returns seconds since the epoch."""
        self._plex = plex
        self._clock = clock
        self._last: LibrarySnapshot | None = None
        self._items_show_labels = True

    def remember(self, listing: LibrarySnapshot) -> None:
        """Record the result of a full listing; the libraries were read before it."""
        self._last = listing

    @property
    def items(self) -> Mapping[str, WantedItem]:
        """The items of the last listing."""
        return {} if self._last is None else self._last.items

    async def check(
        self, people: tuple[Person, ...], settings: SyncSettings, ledger: Ledger
    ) -> QuickCheck:
        """Check the contents of the libraries while watchlists are still being read.

        Plex counts changes of a library's contents. The number of items is requested as well, and
        no listing is trusted for long. Where `people` already show a change, the requests are
        saved. Raises ServiceError.
        """
        gaps: list[Gap] = []
        there = await self._plex.libraries(gaps.append)
        libraries = [library for library in there if settings.covers(library.key)]
        last = self._last
        if gaps or last is None or not self._may_hold(last, people, libraries, settings):
            return QuickCheck(there, gaps=tuple(gaps))
        signs: list[bool] = []  # each means a change
        items: dict[str, WantedItem] = {}
        present = CurrentLabels()
        jobs = [self._count(library, last, signs) for library in libraries]
        jobs.append(self._check_unmatched(last.found, signs))
        needed = await asyncio.to_thread(labels_needed, last.items, ledger, settings)
        label_by_label = len(set(needed)) + len({library for library, _ in needed})
        size = self._plex.items_per_request
        at_once = self._items_show_labels and len(last.items) <= size * label_by_label
        if at_once:
            waiting = batched(last.items, size, strict=False)
            jobs += [self._read_items(last, waiting, items, present) for _ in range(READERS)]
        await gather_fail_fast(jobs)
        if any(signs) or (at_once and items.keys() != last.items.keys()):
            return QuickCheck(there)
        if not at_once:
            return QuickCheck(there, last)
        if len(ledger) and not present.carriers:
            # Responses about single items should include their labels, but this one has none of all
            # those that were written: from now on this server is read label by label.
            self._items_show_labels = False
            return QuickCheck(there, last)
        return QuickCheck(there, last, items, present)

    def _may_hold(
        self,
        last: LibrarySnapshot,
        people: Iterable[Person],
        libraries: Sequence[Library],
        settings: SyncSettings,
    ) -> bool:
        """Return whether a listing may still be valid, as far as known without requests."""
        return (
            0 <= self._clock() - last.read_at < LISTING_AGE_MAX
            and last.settings == settings
            and _counts(last.people) == _counts(people)
            and _stamps(last.libraries) == _stamps(libraries)
            and all(library.content_changed for library in libraries)
        )

    async def _count(self, library: Library, last: LibrarySnapshot, signs: list[bool]) -> None:
        _, total = await self._plex.newest(library, 1)
        signs.append(total != last.found.totals[library.key])

    async def _check_unmatched(self, found: Found, signs: list[bool]) -> None:
        """Note whether Plex has recognized an item since, while a wanted title is missing.

        It may do so without counting a change. Of many such items (home videos stay unrecognized)
        only the latest are requested.
        """
        if all(items for wanted_title, items in found.matches if wanted_title.people):
            return
        keys = sorted((item.rating_key for item in found.unmatched), key=int)
        keys = keys[-self._plex.items_per_request :]
        if keys:
            signs += [bool(one.item.ids) for one in await self._plex.labelled(keys)]

    async def _read_items(
        self,
        last: LibrarySnapshot,
        waiting: Iterable[tuple[str, ...]],
        items: dict[str, WantedItem],
        present: CurrentLabels,
    ) -> None:
        """Read items with their labels; keep those that still match the listing."""
        for keys in waiting:
            for one in await self._plex.labelled(keys):
                key = one.item.rating_key
                present.add_item(key, one.labels)
                entry = last.items.get(key)
                if entry is not None and _is_same(entry, one.item):
                    items[key] = replace(entry, item=one.item)


def _is_same(entry: WantedItem, item: Item) -> bool:
    """Return whether an item is still in its library and still the wanted title."""
    return entry.item.library == item.library and (not entry.title_id or entry.title_id in item.ids)


def _counts(people: Iterable[Person]) -> list[tuple[Person, int | None]]:
    return [(person, person.wanted) for person in people]


def _stamps(libraries: Sequence[Library]) -> Mapping[str, str]:
    return {library.key: library.content_changed for library in libraries}
