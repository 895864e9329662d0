"""What is remembered of earlier runs beside their changes. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, Final

from .changes import RowKey
from .gaps import OpenGap, OpenGaps, open_gaps
from .model import Failure, Gap, GapKind
from .protection import Baseline, ListMemory
from .run import Run
from .safety_check import DAY
from .stored import Faults, listed, number, part, person_id, record, rows, text, whole

OPTED_OUT_MAX: Final = 5000  # items of which is remembered since when they are left alone
UNKNOWN_MAX: Final = 5000  # foreign labels on wanted items; beyond that they are not compared


@dataclass(slots=True)
class Knowledge:
    """What runs are checked against. Times are in seconds since the epoch.

    `before` is what the last believed full sync saw, `counted` what the last one saw that was not
    held, gaps or not; `unknown` are the wanted labels that it found on items without a row in the
    ledger; `lists` are the believed watchlists, `losses` how many labels were lost when, `gaps` the
    open gaps, `opted_out` when items were first seen with the opt-out label, by rating key.
    """

    before: Baseline | None = None
    counted: Baseline | None = None
    unknown: frozenset[RowKey] | None = None
    lists: ListMemory = field(default_factory=ListMemory)
    losses: list[tuple[float, int]] = field(default_factory=list)
    gaps: OpenGaps = field(default_factory=dict)
    opted_out: dict[str, float] = field(default_factory=dict)

    def lost_since(self, when: float) -> int:
        """Return how many labels were lost since `when` without a request."""
        return sum(count for at, count in self.losses if at >= when)

    def finished(self, run: Run) -> None:
        """Record the losses of a run."""
        if run.lost:
            self.losses.append((run.started, run.lost))
        self.losses = [one for one in self.losses if one[0] > run.started - DAY]

    def believed(self, before: Baseline, unknown: Iterable[RowKey]) -> None:
        """Record what a full sync saw, once it is believed."""
        self.before = before
        keys = frozenset(unknown)
        self.unknown = keys if len(keys) <= UNKNOWN_MAX else None

    def read(self, gaps: Iterable[Gap], now: float, *, whole: bool) -> None:
        """Record the gaps of a run."""
        self.gaps = open_gaps(self.gaps, gaps, now, whole=whole)

    def left_alone(self, rating_keys: Collection[str], now: float, *, in_full: bool) -> None:
        """Record which items opt out; only a run that read everything shows which no longer do."""
        known = {
            one: when for one, when in self.opted_out.items() if not in_full or one in rating_keys
        }
        new = (one for one in sorted(rating_keys) if one not in known)
        known |= dict.fromkeys(islice(new, max(OPTED_OUT_MAX - len(known), 0)), now)
        self.opted_out = known

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "before": None if self.before is None else asdict(self.before),
            "counted": None if self.counted is None else asdict(self.counted),
            "unknown": None if self.unknown is None else [key_text(one) for one in self.unknown],
            "counts": [[*one] for one in self.lists.counts.items()],
            "doubted": [[*one] for one in self.lists.doubted.items()],
            "losses": [[*one] for one in self.losses],
            "gaps": [
                [gap.kind.value, gap.key, gap.name, gap.failure.value, one.since, one.syncs]
                for one in self.gaps.values()
                for gap in (one.gap,)
            ],
            "bad_rows": [
                [kind.value, key, one.gap.rows]
                for (kind, key), one in self.gaps.items()
                if one.gap.rows
            ],
            "opted_out": [[*one] for one in self.opted_out.items()],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], faults: Faults | None) -> "Knowledge":
        """Read the output of `as_dict`; each malformed part is a fault and starts empty.

        Raises one of MALFORMED if `faults` is None.
        """

        def table[T](name: str, read: Callable[[Sequence[object]], T]) -> list[T]:
            def understand(value: object) -> list[T]:
                return rows("knowledge", read, listed(value), faults)

            return part("knowledge", understand, data.get(name, []), faults) or []

        def one[T](name: str, read: Callable[[Any], T]) -> T | None:
            value = data.get(name)
            return None if value is None else part("knowledge", read, value, faults)

        bad_rows = dict(
            table("bad_rows", lambda row: ((GapKind(text(row[0])), text(row[1])), whole(row[2])))
        )
        return cls(
            before=one("before", partial(record, Baseline)),
            counted=one("counted", partial(record, Baseline)),
            unknown=one("unknown", lambda value: frozenset(map(key_of, listed(value)))),
            lists=ListMemory(
                dict(table("counts", lambda row: (person_id(row[0]), whole(row[1])))),
                dict(table("doubted", lambda row: (person_id(row[0]), number(row[1])))),
            ),
            losses=table("losses", lambda row: (number(row[0]), whole(row[1]))),
            gaps={
                key: replace(one, gap=replace(one.gap, rows=bad_rows.get(key, 0)))
                for one in table("gaps", _open_gap)
                for key in ((one.gap.kind, one.gap.key),)
            },
            opted_out=dict(table("opted_out", lambda row: (text(row[0]), number(row[1])))),
        )


def _open_gap(row: Sequence[object]) -> OpenGap:
    kind, key, name, failure, since, syncs = listed(row)
    gap = Gap(GapKind(text(kind)), text(key), text(name), Failure(text(failure)))
    return OpenGap(gap, number(since), whole(syncs))


def key_text(key: RowKey) -> str:
    """Return a row's key as one text: rating keys contain no spaces."""
    return f"{key[0]} {key[1]}"


def key_of(value: object) -> RowKey:
    """Return the key from the output of `key_text`. Raises TypeError or ValueError."""
    rating_key, label = text(value).split(" ", 1)
    return rating_key, label
