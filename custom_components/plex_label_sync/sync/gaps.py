"""What could not be read in a run: unknown is a value, and never means none. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, assert_never

from .changes import Row
from .failures import FAILURES
from .model import ROW, Gap, GapKind, ServiceError, fold

LASTS_AFTER: Final = 2 * 3600.0  # seconds; then a gap is told in Repairs
LASTS_SYNCS: Final = 3  # full syncs, likewise


class Gaps:
    """The gaps of one run, each once."""

    def __init__(self) -> None:
        """Start without any."""
        self._gaps: dict[tuple[GapKind, str], Gap] = {}

    def __iter__(self) -> Iterator[Gap]:
        """Go through the gaps in the order in which they came up."""
        return iter(tuple(self._gaps.values()))

    def __len__(self) -> int:
        """Return how many gaps there are."""
        return len(self._gaps)

    def add(self, gap: Gap) -> None:
        """Take in what could not be read."""
        self._gaps.setdefault((gap.kind, gap.key), gap)

    def has(self, kind: GapKind, key: str) -> bool:
        """Tell whether something could not be read."""
        return (kind, key) in self._gaps

    def take(self, err: ServiceError, kind: GapKind, key: str, name: str) -> None:
        """Take a failure for a gap. Raises it again when it says that nothing can be read."""
        if FAILURES[err.failure].ends_run:
            raise err
        self.add(Gap(kind, key, name, err.failure))


def concerns(gap: Gap, row: Row) -> bool:
    """Tell whether what could not be read may have told of a row's label."""
    match gap.kind:
        case GapKind.PERSON:
            # Whose row could not be read is not known.
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
    """A gap that is there since `since`, in seconds since the epoch, for so many full syncs."""

    gap: Gap
    since: float
    syncs: int = 0

    def lasts(self, now: float) -> bool:
        """Tell whether somebody should know of it."""
        return self.syncs >= LASTS_SYNCS or now - self.since >= LASTS_AFTER


type OpenGaps = Mapping[tuple[GapKind, str], OpenGap]


def open_gaps(before: OpenGaps, found: Iterable[Gap], now: float, *, whole: bool) -> OpenGaps:
    """Return the gaps that are open after a run.

    A full sync has looked at everything: what it could read is no gap any more. Others add to
    what is open.
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
