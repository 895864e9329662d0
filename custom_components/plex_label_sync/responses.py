"""Responses of the actions: runs, pending syncs and the journal as plain data."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from homeassistant.util import dt as dt_util

from .change_texts import (
    reason_data,
    reason_text,
    remark_data,
    remark_text,
    summary_text,
    title_text,
)
from .sync.changes import Action, Change
from .sync.explain import Explanation, ItemStatus, LabelStatus
from .sync.gaps import OpenGaps
from .sync.journal import Entry
from .sync.model import Gap
from .sync.person_id import answered_id
from .sync.queue import PendingSync
from .sync.reasons import names_of
from .sync.run import Run
from .texts import Texts

CHANGES_MAX: Final = 500  # in one response


def run_response(
    run: Run, gaps: OpenGaps, texts: Texts, libraries: Mapping[str, str]
) -> dict[str, Any]:
    """Return a run as response data, with at most CHANGES_MAX changes, held ones first.

    `gaps` give the start of each gap; `libraries` maps keys to names.
    """
    added = run.added
    held = [(one, True) for one in run.held[:CHANGES_MAX]]
    changes = held + [(one, False) for one in run.changes[: CHANGES_MAX - len(held)]]
    return {
        "run_id": run.id,
        "dry_run": run.dry_run,
        "status": run.status.value,
        "people": run.people,
        "titles": run.titles,
        "items": run.items,
        "added": added,
        "removed": len(run.changes) - added,
        "unchanged": run.unchanged,
        "not_in_plex": run.not_in_plex,
        "overridden": run.overridden,
        "held": len(run.held),
        "hold_reasons": [reason.value for reason in run.hold_reasons],
        "gaps": [_gap_response(gap, _since(gap, run, gaps), texts) for gap in run.gaps],
        "failed": len(run.failed),
        "duration": round(run.duration, 3),
        "changes": [
            change_response(change, texts, libraries, held=held) for change, held in changes
        ],
        "changes_total": len(run.held) + len(run.changes),
    }


def change_response(
    change: Change, texts: Texts, libraries: Mapping[str, str], *, held: bool = False
) -> dict[str, Any]:
    """Return a change, of a run or of the journal, as response data.

    `libraries` maps the keys of existing libraries to their names.
    """
    return {
        "action": change.action.value,
        "label": change.label,
        "library": libraries.get(change.library) or change.library_name or change.library,
        "library_key": change.library,
        "rating_key": change.rating_key,
        "title": title_text(change, texts),
        "people": list(names_of(change.people)),
        **_reason_response(change, texts),
        "held": held,
    }


def _reason_response(change: Change, texts: Texts) -> dict[str, Any]:
    return {
        "reason": reason_text(change.reason, names_of(change.people), texts),
        "reason_code": change.reason.code.value,
        "reason_data": reason_data(change.reason, change.people),
    }


def open_gaps_response(gaps: OpenGaps, texts: Texts) -> list[dict[str, Any]]:
    """Return the currently open gaps."""
    return [_gap_response(one.gap, one.since, texts) for one in gaps.values()]


def _since(gap: Gap, run: Run, gaps: OpenGaps) -> float:
    known = gaps.get((gap.kind, gap.key))
    return run.started if known is None else known.since


def _gap_response(gap: Gap, since: float, texts: Texts) -> dict[str, Any]:
    return {
        "kind": gap.kind.value,
        "name": gap.name,
        "reason": texts.counted("bad_rows", gap.rows) if gap.rows else gap.failure.value,
        "since": _time(since),
    }


def pending_response(entry: PendingSync) -> dict[str, Any]:
    """Return a pending sync for `get_pending`; times as ISO 8601 in UTC."""
    return {
        "title": entry.title.name,
        "type": entry.title.type.value,
        "guids": sorted(entry.title.ids),
        "people": list(entry.people),
        "reason": entry.reason.value,
        "created": _time(entry.created),
        "next_try": _time(entry.next_try),
        "tries": entry.tries,
        "expires": _time(entry.expires),
    }


def entries_response(
    entries: Iterable[Entry], texts: Texts, libraries: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return runs of the journal with all of their changes."""
    return [
        {
            **entry_response(entry),
            "changes": [
                {**change_response(change, texts, libraries), "when": _time(entry.started)}
                for change in entry.changes
            ],
        }
        for entry in entries
    ]


def entry_response(entry: Entry) -> dict[str, Any]:
    """Return a run of the journal for `get_runs`; it may still be in progress."""
    added = sum(change.action is Action.ADD for change in entry.changes)
    return {
        "run_id": entry.run_id,
        "kind": entry.kind.value,
        "status": entry.status or "running",
        "started": _time(entry.started),
        "started_by": str(entry.started_by),
        "added": added,
        "removed": len(entry.changes) - added,
    }


def explanation_response(one: Explanation, texts: Texts) -> dict[str, Any]:
    """Return the explanation of one title for `explain`; times as ISO 8601 in UTC."""
    return {
        "title": one.title.name,
        "type": one.title.type.value,
        "guids": sorted(one.title.ids),
        "summary": summary_text(one, texts),
        "reasons": [
            {
                "code": remark.code.value,
                "text": remark_text(remark, texts),
                "data": remark_data(remark),
            }
            for remark in one.remarks
        ],
        "wanted": [
            {
                "person": entry.person.username,
                "person_id": answered_id(entry.person.id),
                "label": entry.label if entry.why_none is None else None,
                "why_none": entry.why_none.value if entry.why_none is not None else None,
            }
            for entry in one.wanted_by
        ],
        "items": [_item_response(item, texts) for item in one.items],
        "pending": None if one.pending is None else pending_response(one.pending),
    }


def _item_response(status: ItemStatus, texts: Texts) -> dict[str, Any]:
    return {
        "library": status.library,
        "rating_key": status.item.rating_key,
        "title": status.item.title,
        "gets_labels": status.covered,
        "opted_out": status.opted_out,
        "labels": [_label_response(label, texts) for label in status.labels],
    }


def _label_response(status: LabelStatus, texts: Texts) -> dict[str, Any]:
    row, change = status.row, status.change
    is_own = row is not None and not row.removed_by_user
    return {
        "label": status.label,
        "present": status.present,
        "state": status.state.value,
        "ours": is_own,
        "since": _time(row.written) if row is not None and is_own else None,
        "people": list(status.people),
        "leaves": None if status.leaves is None else _time(status.leaves),
        "next_sync": None
        if change is None
        else {"action": change.action.value, **_reason_response(change, texts)},
    }


def _time(seconds: float) -> str:
    return dt_util.utc_from_timestamp(seconds).isoformat()
