"""Requests again, by themselves, the parts that the last full listing could not read.

A part that can be read by itself, but not in the listing that follows, waits for the next listing
that is due: otherwise one bad row would have everything listed at every sync.
"""

from collections.abc import Collection, Iterable, Mapping
from itertools import batched
from typing import Final, assert_never

from .failures import FAILURES
from .model import Gap, GapKind, Library, ServiceError
from .ports import PlexPort

AGAIN_MAX: Final = 8  # parts requested in one sync
UNREAD_MAX: Final = 20  # items; if more cannot be read, labels are read from their carriers

type _Key = tuple[GapKind, str]


def item_batches(plex: PlexPort, rating_keys: Collection[str]) -> Iterable[tuple[str, ...]]:
    """Yield keys as they are requested; items that could not be read before come by themselves."""
    bad = plex.unreadable & set(rating_keys)
    good = [key for key in rating_keys if key not in bad] if bad else rating_keys
    yield from batched(good, plex.items_per_request, strict=False)
    if bad:
        yield tuple(sorted(bad, key=int))


class GapReader:
    """Finds out whether the gaps of the last full listing can be read now."""

    def __init__(self, plex: PlexPort) -> None:
        """Initialize without a listing."""
        self._plex = plex
        self._gaps: tuple[Gap, ...] = ()
        self._readable = set[_Key]()  # by themselves, since the last listing
        self._misleading = set[_Key]()  # they were, but not in the listing that followed

    def remember(self, gaps: Iterable[Gap]) -> None:
        """Record the gaps of a full listing."""
        self._gaps = tuple(gaps)
        keys = {(gap.kind, gap.key) for gap in self._gaps}
        self._misleading = keys & (self._misleading | self._readable)
        self._readable.clear()

    async def any_readable(self, libraries: Mapping[str, Library]) -> bool:
        """Return whether one of the gaps can be read now; `libraries` are the current ones, by key.

        Some gaps are requested, different ones each time. Raises ServiceError.
        """
        waiting = [gap for gap in self._gaps if (gap.kind, gap.key) not in self._misleading]
        some = waiting[:AGAIN_MAX]
        # Those not requested now come first the next time.
        self._gaps = tuple(gap for gap in self._gaps if gap not in some) + tuple(some)
        for gap in some:
            try:
                readable = await self._can_read(gap, libraries)
            except ServiceError as err:
                if FAILURES[err.failure].ends_run:
                    raise
                readable = False
            if readable:
                self._readable.add((gap.kind, gap.key))
                return True
        return False

    async def _can_read(self, gap: Gap, libraries: Mapping[str, Library]) -> bool:
        match gap.kind:
            case GapKind.LIBRARY:
                if library := libraries.get(gap.key):
                    await self._plex.newest(library, 1)
                    return True
                return False  # it is not listed
            case GapKind.PAGE:
                key, _, row = gap.key.partition(":")
                library = libraries.get(key)
                return library is not None and await self._plex.has_row(library, int(row))
            case GapKind.ITEM:
                bad: list[Gap] = []
                return bool(await self._plex.labelled((gap.key,), bad.append))
            case GapKind.PERSON | GapKind.LABEL:
                return False  # no part of a listing
            case _:
                assert_never(gap.kind)
