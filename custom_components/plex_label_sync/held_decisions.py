"""What a person can decide about changes that the brake held."""

from dataclasses import replace
from typing import TYPE_CHECKING

from .storage.records import EXAMPLES_MAX, Held
from .sync.knowledge import key_text
from .sync.model import Action, HoldReason, RowKey, Run
from .sync.protection import OpenQuestion
from .sync.request import Request

if TYPE_CHECKING:
    from .coordinator import PlexLabelSyncCoordinator


async def async_apply(coordinator: "PlexLabelSyncCoordinator", started_by: str) -> Run:
    """Do what the brake held, if it is still no more than was shown."""
    return await coordinator.async_run(Request(approved=_shown(coordinator), started_by=started_by))


async def async_keep(coordinator: "PlexLabelSyncCoordinator", started_by: str) -> Run:
    """Leave the held labels that were shown where they are, for good, and sync the rest.

    Rows of items that are not there any more have no label to keep: they may go. What is held
    since is another question.
    """
    shown = _shown(coordinator)
    held = {change.key for change in (await coordinator.async_run(Request(dry_run=True))).held}
    await coordinator.async_pin(held & shown)
    return await coordinator.async_run(Request(approved=shown - held, started_by=started_by))


async def async_restore(coordinator: "PlexLabelSyncCoordinator", started_by: str) -> Run:
    """Put back the labels that vanished in bulk."""
    return await coordinator.async_run(Request(restore=True, started_by=started_by))


async def async_accept(coordinator: "PlexLabelSyncCoordinator", started_by: str) -> Run:
    """Take it that the labels that vanished in bulk were taken off by hand, if no more did since."""
    return await coordinator.async_run(Request(accept=_shown(coordinator), started_by=started_by))


async def async_adopt(coordinator: "PlexLabelSyncCoordinator", started_by: str) -> Run:
    """Take labels into the ledger that it may have lost: just those that were shown."""
    keys = frozenset(row.key for row in coordinator.outcome.unknown)
    return await coordinator.async_run(Request(adopt=keys, started_by=started_by))


async def async_leave(coordinator: "PlexLabelSyncCoordinator", _started_by: str) -> None:
    """Take labels that may be ours for somebody else's."""
    await coordinator.outcome.async_leave_unknown()


def _shown(coordinator: "PlexLabelSyncCoordinator") -> frozenset[RowKey]:
    """Return what somebody was asked about."""
    held = coordinator.records.held
    return frozenset() if held is None else held.row_keys


def held_by(run: Run) -> Held | None:
    """Return what waits for a decision of a run, with a few examples that a person can read."""
    if not run.asked:
        return None
    changes = run.held
    # A title may have several items, and is named once.
    examples = dict.fromkeys(f"{one.label}: {one.title}" for one in changes[: 10 * EXAMPLES_MAX])
    removals = {change.key for change in changes if change.action is Action.REMOVE}
    forgotten = len(run.held_keys - {change.key for change in changes}) - run.vanished
    return Held(
        since=run.started,
        reasons=tuple(reason.value for reason in run.hold_reasons),
        removals=len(removals) + max(0, forgotten),
        vanished=run.vanished,
        examples=tuple(examples)[:EXAMPLES_MAX],
        keys=tuple(sorted(map(key_text, run.held_keys))),
    )


def with_keys(held: Held, more: frozenset[RowKey]) -> Held:
    """Return a question that is about further rows, too."""
    further = more - held.row_keys
    keys = sorted({*held.keys, *map(key_text, further)})
    return replace(held, removals=held.removals + len(further), keys=tuple(keys))


def question_of(held: Held | None) -> OpenQuestion | None:
    """Return what no run may touch until somebody has decided."""
    if held is None:
        return None
    known = {one.value for one in HoldReason}
    return OpenQuestion(
        held.row_keys, tuple(HoldReason(one) for one in held.reasons if one in known)
    )
