"""The gaps of a run: what could not be read is unknown, and never means none. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, assert_never

from .changes import Row
from .failures import FAILURES
from .model import ROW, Gap, GapKind, ServiceError, fold

PERSISTENT_AFTER: Final = 2 * 3600.0  # seconds; after that a gap is reported in Repairs
PERSISTENT_SYNCS: Final = 3  # full syncs; likewise


class Gaps:
    """The gaps of one run, each once."""

    def __init__(self, gaps: Iterable[Gap] = ()) -> None:
        """Start with some gaps."""
        self._gaps: dict[tuple[GapKind, str], Gap] = {}
        for gap in gaps:
            self.add(gap)

    def __iter__(self) -> Iterator[Gap]:
        """Iterate over the gaps in the order in which they occurred."""
        return iter(tuple(self._gaps.values()))

    def __len__(self) -> int:
        """Return the number of gaps."""
        return len(self._gaps)

    def add(self, gap: Gap) -> None:
        """Record a gap."""
        self._gaps.setdefault((gap.kind, gap.key), gap)

    def has(self, kind: GapKind, key: str) -> bool:
        """Return whether there is such a gap."""
        return (kind, key) in self._gaps

    def within(self, others: "Gaps", but_for: Iterable[Gap] = ()) -> bool:
        """Return whether all of these, except for some, are among others."""
        left_out = {(gap.kind, gap.key) for gap in but_for}
        return all(key in left_out or others.has(*key) for key in self._gaps)

    def add_failure(self, err: ServiceError, kind: GapKind, key: str, name: str) -> None:
        """Record a failure as a gap. Raises it again when it means that nothing can be read."""
        if FAILURES[err.failure].ends_run:
            raise err
        self.add(Gap(kind, key, name, err.failure))


def concerns(gap: Gap, row: Row) -> bool:
    """Return whether the unread part may have been about a row's label."""
    match gap.kind:
        case GapKind.PERSON:
            # An unreadable row may belong to any person.
            return gap.key.startswith(ROW) or gap.key in row.people
        case GapKind.LIBRARY:
            return gap.key == row.library
        case GapKind.PAGE:
            return gap.key.partition(":")[0] == row.library
        case GapKind.LABEL:
            library, _, label = gap.key.partition("/")
            return library == row.library and fold(label) in {"", fold(row.label)}
        case GapKind.ITEM:
            return gap.key == row.rating_key
        case _:
            assert_never(gap.kind)


@dataclass(frozen=True, slots=True)
class OpenGap:
    """A gap that is open since `since`, in seconds since the epoch, for `syncs` full syncs."""

    gap: Gap
    since: float
    syncs: int = 0

    def is_persistent(self, now: float) -> bool:
        """Return whether it is to be reported to the user."""
        return self.syncs >= PERSISTENT_SYNCS or now - self.since >= PERSISTENT_AFTER


type OpenGaps = Mapping[tuple[GapKind, str], OpenGap]


def open_gaps(before: OpenGaps, found: Iterable[Gap], now: float, *, whole: bool) -> OpenGaps:
    """Return the gaps that are open after a run.

    A full sync has checked everything: what it could read is no longer a gap. Other runs add to the
    open ones.
    """
    current: dict[tuple[GapKind, str], OpenGap] = {} if whole else dict(before)
    for gap in found:
        key = gap.kind, gap.key
        known = before.get(key)
        syncs = (known.syncs if known else 0) + whole
        current[key] = (
            OpenGap(gap, now, syncs) if known is None else replace(known, gap=gap, syncs=syncs)
        )
    return current
