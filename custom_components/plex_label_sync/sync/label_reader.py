"""Reads which items carry which labels, label by label or item by item."""

import asyncio
from collections.abc import Iterable, Mapping

from .current_labels import ANY_LABEL, CurrentLabels
from .gaps import Gaps
from .jobs import gather_fail_fast
from .model import Failure, Gap, GapKind, Library, Service, ServiceError, StoredLabel, fold
from .ports import PlexPort
from .readers import READERS
from .threads import in_thread


class LabelReader:
    """Reads which items carry which labels; unread parts are recorded in `gaps`."""

    def __init__(
        self, plex: PlexPort, libraries: Iterable[Library], totals: Mapping[str, int], gaps: Gaps
    ) -> None:
        """Initialize with the libraries and, by key, the number of items listed in them."""
        self._plex = plex
        self._libraries = {library.key: library for library in libraries}
        self._totals = dict(totals)
        self._counting = asyncio.Lock()
        self._adding = asyncio.Lock()
        self.gaps = gaps

    def again(self) -> "LabelReader":
        """Return a reader for another read, with its own gaps."""
        return LabelReader(self._plex, self._libraries.values(), self._totals, Gaps())

    async def read(
        self, labels: Iterable[tuple[str, str]], *, everything: bool = False
    ) -> CurrentLabels:
        """Return the carriers of pairs of library key and folded label.

        With `everything`, all labels of the libraries in the pairs. Raises ServiceError when Plex
        cannot be read.
        """
        by_library: dict[str, set[str]] = {}
        for library_key, folded in labels:
            by_library.setdefault(library_key, set()).add(folded)
        present = CurrentLabels()
        for library_key, some in by_library.items():
            if library := self._libraries.get(library_key):
                try:
                    await self._read_library(present, library, None if everything else some)
                except ServiceError as err:
                    self.gaps.add_failure(err, GapKind.LIBRARY, library.key, library.name)
                    present.unread.add(library.key)
        return present

    async def _read_library(
        self, present: CurrentLabels, library: Library, labels: set[str] | None
    ) -> None:
        bad: list[Gap] = []
        directory = await self._plex.labels(library, bad.append)
        present.add_directory(library.key, directory)
        for gap in bad:
            self.gaps.add(gap)
            label = gap.key.partition("/")[2]
            present.unread.add((library.key, fold(label)) if label else (library.key, ANY_LABEL))
        waiting = iter([one for one in directory if labels is None or fold(one.text) in labels])

        async def read_some() -> None:
            for label in waiting:
                try:
                    carriers = await self._plex.carriers(library, label)
                    if carriers:
                        await self._check_filter(library, label, len(carriers))
                except ServiceError as err:
                    key = f"{library.key}/{label.text}"
                    self.gaps.add_failure(err, GapKind.LABEL, key, label.text)
                    present.unread.add((library.key, fold(label.text)))
                    continue
                # Thousands of carriers take a while, and only one thread may add at a time.
                async with self._adding:
                    await in_thread(present.add_carriers, label, carriers)

        await gather_fail_fast(read_some() for _ in range(READERS))

    async def _check_filter(self, library: Library, label: StoredLabel, carriers: int) -> None:
        """Refuse to believe that every item carries a label unless no item lacks it.

        Plex answers a filter that it does not understand with the whole library.
        """
        async with self._counting:
            total = self._totals.get(library.key)
            if total is None:
                _, total = await self._plex.newest(library, 0)
                self._totals[library.key] = total
        if carriers < total:
            return
        if carriers > total or await self._plex.count_without(library, label):
            detail = f"library {library.name} does not filter by label"
            raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
