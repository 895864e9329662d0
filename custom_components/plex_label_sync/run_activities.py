"""Derive the activities that a run as a whole causes. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, assert_never

from .status import Activity
from .storage.held import Held
from .sync.changes import Action, RowKey
from .sync.gaps import OpenGap, OpenGaps
from .sync.ledger import Ledger
from .sync.person_id import public_id
from .sync.request import FullRequest, LiveRequest, RemovalRequest, Request, UndoRequest
from .sync.run import Run

if TYPE_CHECKING:
    from .sync.model import GapKind

GAPS_NAMED: Final = 10

type ActivityEvent = tuple[Activity, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Open:
    """The held changes and gaps at one point in time."""

    held: Held | None
    gaps: OpenGaps


def activities_of(
    request: Request, run: Run, before: Open, after: Open, ledger: Ledger
) -> Iterator[ActivityEvent]:
    """Yield the activities of a run that was not a dry run; held and released are reported once."""
    if before.held is None and after.held is not None:
        yield Activity.RUN_HELD, _held(run, after.held)
    elif before.held is not None and after.held is None:
        yield Activity.RUN_RELEASED, _released(run, before.held, ledger)
    elif run.error is None or run.changes:
        yield from _finished(request, run, after)
    yield from _gaps(Activity.GAP_OPENED, _only_in(after.gaps, before.gaps))
    yield from _gaps(Activity.GAP_CLOSED, _only_in(before.gaps, after.gaps))


def _finished(request: Request, run: Run, after: Open) -> Iterator[ActivityEvent]:
    counts = _counts(run)
    match request:
        case FullRequest():
            held = len(run.held_keys | {change.key for change in run.held})
            more = {"held": held, "gaps": len(after.gaps if request.whole else run.gaps)}
            yield Activity.SYNC_FINISHED, {**counts, **more}
        case UndoRequest():
            yield Activity.RUN_UNDONE, {"run_id": request.run_id, **counts, "skipped": run.skipped}
        case RemovalRequest():
            yield Activity.LABELS_REMOVED, {"people": _people_of(request, run), **counts}
        case LiveRequest():
            pass  # reported for each title
        case _:
            assert_never(request)


def _people_of(request: RemovalRequest, run: Run) -> list[str]:
    """Return the names of the people whose labels were to be removed; empty for all people."""
    known = {
        text.casefold(): ref.name
        for change in run.changes
        for ref in change.people
        for text in (ref.name, ref.id, public_id(ref.id), change.label)
    }
    return list(dict.fromkeys(known.get(one.casefold(), one) for one in request.people or ()))


def _counts(run: Run) -> dict[str, Any]:
    added = run.added
    return {
        "added": added,
        "removed": len(run.changes) - added,
        "failed": len(run.failed),
        "started_by": str(run.started_by),
    }


def _held(run: Run, held: Held) -> dict[str, Any]:
    return {
        "removals": held.removals,
        "vanished": held.vanished,
        "reasons": [*held.reasons],
        **_counts(run),
    }


def _released(run: Run, held: Held, ledger: Ledger) -> dict[str, Any]:
    """Return what happened to the held labels after the decision."""
    keys = held.row_keys
    done: Mapping[RowKey, Action] = {one.key: one.action for one in run.changes if one.key in keys}
    off = {key for key in keys if (row := ledger.get(key)) is not None and row.removed_by_user}
    actions = [*done.values()]
    return {
        "removals": held.removals,
        "vanished": held.vanished,
        "reasons": [*held.reasons],
        "released": actions.count(Action.REMOVE),
        "restored": actions.count(Action.ADD),
        "kept_off": len(off),
        "kept": sum(key in ledger for key in keys - done.keys() - off),
        **_counts(run),
    }


def _only_in(some: OpenGaps, others: OpenGaps) -> list[OpenGap]:
    return [gap for key, gap in some.items() if key not in others]


def _gaps(activity: Activity, gaps: Iterable[OpenGap]) -> Iterator[ActivityEvent]:
    """Yield one activity for each kind of gap."""
    by_kind: dict[GapKind, list[OpenGap]] = {}
    for one in gaps:
        by_kind.setdefault(one.gap.kind, []).append(one)
    for kind, some in by_kind.items():
        names = list(dict.fromkeys(one.gap.name for one in some))
        yield (
            activity,
            {
                "kind": kind.value,
                "names": names[:GAPS_NAMED],
                "count": len(names),
                "reasons": sorted({one.gap.failure.value for one in some}),
            },
        )
