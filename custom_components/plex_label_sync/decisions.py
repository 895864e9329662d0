"""What a person can decide about changes that the brake held."""

from typing import TYPE_CHECKING

from .store import EXAMPLES_MAX, Held
from .sync.model import Action, Run, RunStatus
from .sync.request import Request

if TYPE_CHECKING:
    from .coordinator import PlexLabelSyncCoordinator


async def async_apply(coordinator: "PlexLabelSyncCoordinator") -> Run:
    """Do what the brake held, if it is still no more than was shown."""
    held = coordinator.records.held
    shown = held.removals if held is not None else 0
    return await coordinator.async_run(Request(mass_removal=True, removals_max=shown))


async def async_keep(coordinator: "PlexLabelSyncCoordinator") -> Run:
    """Leave the held labels where they are, for good, and sync the rest."""
    held = (await coordinator.async_run(Request(dry_run=True))).held
    await coordinator.async_pin(change.key for change in held)
    return await coordinator.async_run(Request())


async def async_restore(coordinator: "PlexLabelSyncCoordinator") -> Run:
    """Put back the labels that vanished in bulk."""
    return await coordinator.async_run(Request(restore=True))


async def async_accept(coordinator: "PlexLabelSyncCoordinator") -> Run:
    """Take it that the labels that vanished in bulk were taken off by hand, if no more did since."""
    held = coordinator.records.held
    shown = held.vanished if held is not None else 0
    return await coordinator.async_run(Request(accept=True, vanished_max=shown))


def held_by(run: Run) -> Held | None:
    """Return what the brake kept back of a run, with a few examples that a person can read."""
    if run.status is not RunStatus.HELD:
        return None
    changes = run.held
    # A title may have several items, and is named once.
    examples = dict.fromkeys(f"{one.label}: {one.title}" for one in changes[: 10 * EXAMPLES_MAX])
    return Held(
        since=run.started,
        reasons=tuple(reason.value for reason in run.hold_reasons),
        removals=sum(change.action is Action.REMOVE for change in changes),
        vanished=run.vanished,
        examples=tuple(examples)[:EXAMPLES_MAX],
    )
