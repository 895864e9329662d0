"""Plans that undo a run, or remove all of the integration's labels. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from .changes import Action, Change, Plan, Row, RowKey
from .current_labels import CurrentLabels
from .ledger import Ledger
from .model import SyncSettings, fold
from .reasons import Reason, ReasonCode
from .retention import may_show_yet


def undo_plan(  # noqa: PLR0917 - what was done, what there is, what is allowed, and when
    changes: Iterable[Change],
    run_id: str,
    present: CurrentLabels,
    ledger: Ledger,
    settings: SyncSettings,
    now: float,
) -> Plan:
    """Return the plan that undoes the confirmed changes of a run.

    A change whose result is no longer there is skipped, as are excluded labels and items that opted
    out. Removed labels stay off, and restored ones stay on, until what is wanted there changes:
    otherwise the next full sync would repeat the run.
    """
    todo: list[Change] = []
    rows: dict[RowKey, Row | None] = {}
    skipped = 0
    reason = Reason(ReasonCode.UNDO, run_id=run_id)
    for change in changes:
        if _is_left_alone(present, change, settings):
            skipped += 1
            continue
        back = _back(change, reason)
        there = present.carries(change.rating_key, change.label)
        row = ledger.get(change.key)
        if change.action is Action.ADD:
            # Only labels that are still the integration's; one that a person took over is theirs.
            if not present.shows(change) or (
                change.is_own and (row is None or row.removed_by_user)
            ):
                skipped += 1
                continue
            text = present.spelling_on(change.rating_key, change.label)
            todo.append(replace(back, label=text))
            if row is not None:
                rows[change.key] = replace(
                    row,
                    removed_by_user=True,
                    removed_by_undo=True,
                    pinned=False,
                    unwanted_since=int(now),
                )
        elif there:
            skipped += 1
        else:
            todo.append(back)
            if change.is_own:
                rows[change.key] = (
                    replace(row.put_back(), pinned=False)
                    if row is not None
                    else Row(change.label, change.library, change.rating_key, int(now), pinned=True)
                )
    return Plan(tuple(todo), unchanged=0, items=_items(todo), ledger_updates=rows, skipped=skipped)


def removal_plan(
    rows: Iterable[Row],
    present: CurrentLabels,
    settings: SyncSettings,
    change_of: Callable[[Row], Change],
    now: float,
) -> Plan:
    """Return the plan that removes the labels of some rows of the ledger.

    `change_of` returns the removal of a row's label. Excluded labels stay, items that opted out are
    skipped, and a label that was removed by hand and is present again is foreign. Rows whose label
    is not in Plex are deleted without a change, unless it was sent so shortly before `now` (seconds
    since the epoch) that it may still appear.
    """
    changes: list[Change] = []
    removed: dict[RowKey, Row | None] = {}
    notes: dict[RowKey, Row | None] = {}
    for row in rows:
        if _is_left_alone(present, row, settings):
            continue
        there = present.carries(row.rating_key, row.label)
        if not there and may_show_yet(row, now):
            continue
        if row.removed_by_user or not there:
            notes[row.key] = None
            continue
        text = present.spelling_on(row.rating_key, row.label)
        changes.append(replace(change_of(row), label=text))
        removed[row.key] = None
    return Plan(
        tuple(changes),
        unchanged=0,
        items=_items(changes),
        ledger_updates=removed,
        ledger_only_updates=notes,
    )


def _is_left_alone(present: CurrentLabels, one: Change | Row, settings: SyncSettings) -> bool:
    """Return whether a label is excluded, its item opted out, or either could not be read."""
    return (
        fold(one.label) in settings.exclude_labels
        or present.carries_if_known(one.library, one.rating_key, settings.opt_out_label)
        is not False
        or not present.knows(one.library, one.rating_key, one.label)
    )


def _back(change: Change, reason: Reason) -> Change:
    action = Action.REMOVE if change.action is Action.ADD else Action.ADD
    return replace(change, action=action, reason=reason)


def _items(changes: Sequence[Change]) -> int:
    return len({change.rating_key for change in changes})
