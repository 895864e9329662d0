"""Read from Plex which items carry some labels, so that an unreadable row costs only itself."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from ..plex.server import PlexClient
from ..sync.gaps import Gaps
from ..sync.model import Failure, Gap, GapKind, Library, ServiceError, StoredLabel, fold
from .catalog_builder import LabelCarriers, keys_in


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


@dataclass(frozen=True, slots=True)
class Directory:
    """The labels that a library's items carry, and those that could not be read.

    `carriers` are the rating keys of all items that were found to carry one of them.
    """

    stored: tuple[StoredLabel, ...] = ()
    unread: _UnreadLabels = _UnreadLabels()
    carriers: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """The folded labels that were read."""
        return frozenset(fold(one.text) for one in self.stored)

    def added_to(self, names: set[str] | None) -> set[str] | None:
        """Return all of some labels and of these, None if they are unknown."""
        if names is None or self.unread.are_nameless:
            return None
        return names | self.names | self.unread.names


class Shelf(Protocol):
    """The items in which labels are looked for: their libraries and places."""

    @property
    def libraries(self) -> Mapping[str, int]:
        """The items of each library, one bit each."""

    @property
    def positions(self) -> Mapping[str, int]:
        """The place of each item by its rating key."""


class LabelReading:
    """Reads labels and their carriers. What cannot be read is a gap and unknown."""

    def __init__(self, plex: PlexClient, gaps: Gaps) -> None:
        """Initialize with the server, and with `gaps`, to which is added what cannot be read."""
        self._plex = plex
        self._gaps = gaps

    async def read(
        self,
        library: Library,
        named: Collection[str],
        shelf: Shelf,
        carriers: LabelCarriers,
    ) -> Directory:
        """Read which items of a library carry some labels; return the labels that it has.

        Raises ServiceError.
        """
        directory = await self.directory(library)
        carriers.doubt(directory.unread.of(set(named) - directory.names), library.key)
        keys = keys_in(shelf.positions, shelf.libraries.get(library.key, 0))
        found = frozenset[str]()
        for label in directory.stored if keys else ():
            if fold(label.text) in named:
                found |= await self._carriers(library, label, keys, carriers)
        return replace(directory, carriers=found)

    async def directory(self, library: Library) -> Directory:
        """Return a library's labels. Raises ServiceError."""
        bad: list[Gap] = []
        try:
            stored = await self._plex.labels(library, bad.append)
        except ServiceError as err:
            self._gaps.add_failure(err, GapKind.LABEL, f"{library.key}/", library.name)
            return Directory(unread=_UnreadLabels(frozenset({""})))
        if len({one.id for one in stored}) < len(stored):  # in place of another one
            bad.append(Gap(GapKind.LABEL, f"{library.key}/", library.name, Failure.IMPLAUSIBLE))
        for gap in bad:
            self._gaps.add(gap)
        names = frozenset(fold(gap.key.partition("/")[2]) for gap in bad)
        return Directory(stored, _UnreadLabels(names))

    async def _carriers(
        self,
        library: Library,
        label: StoredLabel,
        keys: frozenset[str],
        carriers: LabelCarriers,
    ) -> frozenset[str]:
        """Read which of a library's items carry a label, and return them.

        If a row cannot be read, or if the answer is implausible because none or all of the items
        carry the label, the items without it are read as well. Those in neither list are unknown,
        and so are those in both.
        """
        lost: list[Gap] = []
        folded = fold(label.text)
        try:
            found = await self._plex.carriers(library, label, lost.append)
            rest: frozenset[str] | None = None
            if lost or not found or keys <= found:
                rest = await self._plex.without(library, label, lost.append)
        except ServiceError as err:
            self._gaps.add_failure(err, GapKind.LABEL, f"{library.key}/{label.text}", label.text)
            carriers.doubt([folded], library.key)
            return frozenset()
        if rest is None:
            carriers.add(folded, found)
            return found
        doubtful = (keys - found - rest) | (found & rest)
        if doubtful:
            failure = lost[0].failure if lost else Failure.IMPLAUSIBLE
            self._gaps.add(Gap(GapKind.LABEL, f"{library.key}/{label.text}", label.text, failure))
        carriers.add(folded, found - doubtful, doubtful)
        return found
