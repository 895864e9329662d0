"""Reads items themselves before a plan removes a label or adopts one."""

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Final

from .current_labels import CurrentLabels
from .gaps import Gaps
from .label_reader import LabelReader
from .model import GapKind, Item, LabelledItem
from .ports import PlexPort
from .protection import Evidence
from .threads import in_thread

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
        known: Mapping[str, Item] = MappingProxyType({}),
    ) -> Evidence:
        """Return what is under some rating keys, and correct what is known of their labels.

        Items that equal those in `known`, by rating key, are these objects. `pairs` are the
        libraries and folded labels that matter. Where no item lists any label, the server may not
        list labels of items at all: then the carriers and the items are read a second time, and
        only what both reads agree on is evidence.

        Raises ServiceError when Plex cannot be read.
        """
        first, shows_labels = await self._first(rating_keys, present, labels.gaps, known)
        # There may be tens of thousands of items, here and below.
        absent = await in_thread(_absent, rating_keys, first, labels.gaps)
        if first and not shows_labels:
            present.add(await labels.read(pairs))
            second, shows_labels = await self._labelled(rating_keys, labels.gaps, known)
            absent &= await in_thread(_absent, rating_keys, second, labels.gaps)
            first = {key: one for key, one in second.items() if key in first}
        if shows_labels:
            await in_thread(present.correct_all, first.values())
        return Evidence(first, absent)

    async def _first(
        self,
        rating_keys: Collection[str],
        present: CurrentLabels,
        gaps: Gaps,
        known: Mapping[str, Item],
    ) -> tuple[dict[str, LabelledItem], bool]:
        """Read items; add a labelled one to a few, to see whether labels are included."""
        if len(rating_keys) >= FEW:
            return await self._labelled(rating_keys, gaps, known)
        control = {*islice(present.labelled(), 1)}
        found, shows_labels = await self._labelled({*rating_keys, *control}, gaps, known)
        return {key: one for key, one in found.items() if key in rating_keys}, shows_labels

    async def _labelled(
        self, rating_keys: Collection[str], gaps: Gaps, known: Mapping[str, Item]
    ) -> tuple[dict[str, LabelledItem], bool]:
        """Return items by rating key, and whether any of them lists a label."""
        keys = await in_thread(_in_order, rating_keys)
        return await in_thread(_by_key, await self._plex.labelled(keys, gaps.add, known))


def _in_order(rating_keys: Collection[str]) -> list[str]:
    return sorted(rating_keys, key=int)


def _by_key(found: Sequence[LabelledItem]) -> tuple[dict[str, LabelledItem], bool]:
    return {one.item.rating_key: one for one in found}, any(one.labels for one in found)


def _absent(
    rating_keys: Collection[str], found: Mapping[str, LabelledItem], gaps: Gaps
) -> frozenset[str]:
    return frozenset(
        key for key in rating_keys if key not in found and not gaps.has(GapKind.ITEM, key)
    )
