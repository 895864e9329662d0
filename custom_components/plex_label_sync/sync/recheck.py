"""A cheap look at whether anything has changed since everything was listed.

It can lead to one thing only: that a run ends because there is nothing to do. Whatever else it
shows, everything is listed and read anew before a change is planned.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Final

from .ledger import Ledger
from .model import Library, SyncSettings
from .planner import WantedItem
from .ports import PlexPort
from .present import Present
from .reading import READERS, Found, LabelReader, together
from .wanted import Wish

LISTING_AGE_MAX: Final = 6 * 3600.0  # seconds; then everything is listed, whatever seems unchanged
ITEMS_AT_ONCE: Final = 200  # items whose labels are read with one request


@dataclass(frozen=True, slots=True)
class _Listing:
    """What the last listing of everything found, and what it was asked."""

    wishes: tuple[Wish, ...]
    libraries: tuple[Library, ...]
    settings: SyncSettings
    found: Found
    read_at: float


class Recheck:
    """Remembers the last listing of everything and tells whether it still holds."""

    def __init__(self, plex: PlexPort, clock: Callable[[], float]) -> None:
        """Remember nothing yet; `clock` gives seconds since the epoch."""
        self._plex = plex
        self._clock = clock
        self._last: _Listing | None = None
        self._items_tell_labels = True

    def remember(
        self,
        wishes: tuple[Wish, ...],
        libraries: Sequence[Library],
        settings: SyncSettings,
        found: Found,
    ) -> None:
        """Take in what a listing of everything found; the libraries were read before it."""
        self._last = _Listing(wishes, tuple(libraries), settings, found, self._clock())

    async def found(
        self, wishes: tuple[Wish, ...], libraries: Sequence[Library], settings: SyncSettings
    ) -> Found | None:
        """Return what the last listing found, None when something may have changed since.

        Plex counts changes of what a library holds. The number of items is asked beside that,
        and nothing is believed for long. Raises ServiceError.
        """
        last = self._last
        if (
            last is None
            or not 0 <= self._clock() - last.read_at < LISTING_AGE_MAX
            or last.settings != settings
            or _stamps(last.libraries) != _stamps(libraries)
            or not all(library.content_changed for library in libraries)
            or not await asyncio.to_thread(last.wishes.__eq__, wishes)
        ):
            return None
        for library in libraries:
            _, total = await self._plex.newest(library, 1)
            if total != last.found.totals[library.key]:
                return None
        return None if await self._is_recognised(last.found) else last.found

    async def _is_recognised(self, found: Found) -> bool:
        """Tell whether Plex has recognised an item since, while somebody waits for a title.

        It may do so without counting a change. Of many such items (home videos stay like that)
        those are asked for that came last.
        """
        if all(items for wish, items in found.matches if wish.people):
            return False
        keys = sorted((item.rating_key for item in found.unmatched), key=int)[-ITEMS_AT_ONCE:]
        return bool(keys) and any(one.item.ids for one in await self._plex.labelled(keys))

    async def labels(
        self,
        items: dict[str, WantedItem],
        needed: Sequence[tuple[str, str]],
        ledger: Ledger,
        reader: LabelReader,
        *,
        everything: bool,
    ) -> Present | None:
        """Return the labels of some items, read now, None when an item is not as it was listed.

        They are read item by item where that takes fewer requests than label by label (`needed`
        are pairs of library and folded label); then `items` are brought up to date as well.
        Raises ServiceError.
        """
        label_by_label = len(set(needed)) + len({library for library, _ in needed})
        if self._items_tell_labels and len(items) <= ITEMS_AT_ONCE * label_by_label:
            present = await self._of_items(items)
            if present is None or present.carriers or not len(ledger):
                return present
            # An answer about single items should tell their labels, but this one shows none of
            # all those that were written: this server is asked label by label from now on.
            self._items_tell_labels = False
        return await reader.read(needed, everything=everything)

    async def _of_items(self, items: dict[str, WantedItem]) -> Present | None:
        present = Present()
        seen: dict[str, WantedItem] = {}
        waiting = batched(items, ITEMS_AT_ONCE, strict=False)

        async def read_some() -> None:
            for keys in waiting:
                for one in await self._plex.labelled(keys):
                    key = one.item.rating_key
                    present.add_item(key, one.labels)
                    if _is_same(items.get(key), one.item.library, one.item.ids):
                        seen[key] = replace(items[key], item=one.item)

        await together(read_some() for _ in range(READERS))
        if seen.keys() != items.keys():
            return None
        items.update(seen)
        return present


def _is_same(entry: WantedItem | None, library: str, ids: frozenset[str]) -> bool:
    """Tell whether an item is in its library still, and the title that somebody wants."""
    return (
        entry is not None
        and entry.item.library == library
        and (not entry.title_id or entry.title_id in ids)
    )


def _stamps(libraries: Sequence[Library]) -> Mapping[str, str]:
    return {library.key: library.content_changed for library in libraries}
