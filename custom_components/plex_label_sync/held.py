"""Held changes of a run as they are stored and protected until the user decides. Pure."""

from dataclasses import replace

from .storage.held import Held
from .sync.changes import Action, RowKey
from .sync.held_groups import held_groups
from .sync.knowledge import key_text
from .sync.ledger import Ledger
from .sync.people import PeopleRefs
from .sync.protection import OpenQuestion
from .sync.run import HoldReason, Run


def held_by(run: Run, ledger: Ledger) -> Held | None:
    """Return what a run has held for a decision, by person and reason; None if nothing."""
    if not run.needs_decision:
        return None
    changes = run.held
    left = run.held_keys - {change.key for change in changes}
    missing = [row for key in sorted(left) if (row := ledger.get(key)) is not None]
    removals = {change.key for change in changes if change.action is Action.REMOVE}
    forgotten = len(left) - run.vanished
    return Held(
        since=run.started,
        reasons=tuple(reason.value for reason in run.hold_reasons),
        removals=len(removals) + max(0, forgotten),
        vanished=run.vanished,
        groups=held_groups(changes, missing, PeopleRefs(ledger.people)),
        keys=tuple(sorted(map(key_text, run.held_keys))),
    )


def with_keys(held: Held, more: frozenset[RowKey]) -> Held:
    """Return held changes extended by further rows."""
    further = more - held.row_keys
    keys = sorted({*held.keys, *map(key_text, further)})
    return replace(held, removals=held.removals + len(further), keys=tuple(keys))


def question_of(held: Held | None) -> OpenQuestion | None:
    """Return the open question whose rows no run may change until the user has decided."""
    if held is None:
        return None
    known = {one.value for one in HoldReason}
    return OpenQuestion(
        held.row_keys, tuple(HoldReason(one) for one in held.reasons if one in known)
    )
