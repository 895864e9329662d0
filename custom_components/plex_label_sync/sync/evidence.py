"""Reads items themselves before a plan removes a label or adopts one."""

import asyncio
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Final

from .current_labels import CurrentLabels
from .gaps import Gaps
from .label_reader import LabelReader
from .model import GapKind, LabelledItem
from .ports import PlexPort
from .protection import Evidence

FEW: Final = 100  # items: one more fits into the request, as none of them may carry a label


class EvidenceReader:
    """Reads items, and detects each time whether responses about them include labels."""

    def __init__(self, plex: PlexPort) -> None:
        """Initialize with the server; a response without labels may be a single incident."""
        self._plex = plex

    async def read(
        self,
        rating_keys: Collection[str],
        pairs: Collection[tuple[str, str]],
        present: CurrentLabels,
        labels: LabelReader,
    ) -> Evidence:
        """Return what is under some rating keys, and correct what is known of their labels.

        `pairs` are the libraries and folded labels that matter. Where no item lists any label, the
        server may not list labels of items at all: then the carriers and the items are read a
        second time, and only what both reads agree on is evidence.

        Raises ServiceError when Plex cannot be read.
        """
        first, shows_labels = await self._first(rating_keys, present, labels.gaps)
        # There may be tens of thousands of items, here and below.
        absent = await asyncio.to_thread(_absent, rating_keys, first, labels.gaps)
        if first and not shows_labels:
            present.add(await labels.read(pairs))
            second = await self._labelled(rating_keys, labels.gaps)
            shows_labels = any(one.labels for one in second.values())
            absent &= _absent(rating_keys, second, labels.gaps)
            first = {key: one for key, one in second.items() if key in first}
        if shows_labels:
            await asyncio.to_thread(present.correct_all, first.values())
        return Evidence(first, absent)

    async def _first(
        self, rating_keys: Collection[str], present: CurrentLabels, gaps: Gaps
    ) -> tuple[dict[str, LabelledItem], bool]:
        """Read items; add a labelled one to a few, to see whether labels are included."""
        control = {*islice(present.labelled(), 1)} if len(rating_keys) < FEW else set[str]()
        found = await self._labelled({*rating_keys, *control}, gaps)
        shows_labels = any(one.labels for one in found.values())
        return {key: one for key, one in found.items() if key in rating_keys}, shows_labels

    async def _labelled(self, rating_keys: Collection[str], gaps: Gaps) -> dict[str, LabelledItem]:
        found = await self._plex.labelled(sorted(rating_keys, key=int), gaps.add)
        return {one.item.rating_key: one for one in found}


def _absent(
    rating_keys: Collection[str], found: Mapping[str, LabelledItem], gaps: Gaps
) -> frozenset[str]:
    return frozenset(
        key for key in rating_keys if key not in found and not gaps.has(GapKind.ITEM, key)
    )
