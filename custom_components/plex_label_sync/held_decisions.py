"""What a person can decide about changes that were held."""

from .runner import Runner
from .sync.changes import RowKey
from .sync.request import FullRequest
from .sync.run import Run
from .sync.safety_check import Consent


async def async_apply(runner: Runner, started_by: str) -> Run:
    """Do what the brake held, if it is still no more than was shown."""
    return await runner.async_run(
        FullRequest(consent=Consent(removals=_shown(runner)), started_by=started_by)
    )


async def async_keep(runner: Runner, started_by: str) -> Run:
    """Leave the held labels that were shown where they are, for good, and sync the rest.

    Rows of items that are not there any more have no label to keep: they may go. What is held
    since is another question.
    """
    shown = _shown(runner)
    held = {change.key for change in (await runner.async_run(FullRequest(dry_run=True))).held}
    await runner.async_pin(held & shown)
    return await runner.async_run(
        FullRequest(consent=Consent(removals=shown - held), started_by=started_by)
    )


async def async_restore(runner: Runner, started_by: str) -> Run:
    """Put back the labels that vanished in bulk."""
    return await runner.async_run(FullRequest(restore=True, started_by=started_by))


async def async_accept(runner: Runner, started_by: str) -> Run:
    """Take it that the labels that vanished in bulk were taken off by hand, if no more did since."""
    return await runner.async_run(
        FullRequest(consent=Consent(vanished=_shown(runner)), started_by=started_by)
    )


async def async_adopt(runner: Runner, started_by: str) -> Run:
    """Take labels into the ledger that it may have lost: just those that were shown."""
    keys = frozenset(row.key for row in runner.outcome.unknown)
    return await runner.async_run(FullRequest(adopt=keys, started_by=started_by))


async def async_leave(runner: Runner, _started_by: str) -> None:
    """Take labels that may be ours for somebody else's."""
    await runner.outcome.async_leave_unknown()


def _shown(runner: Runner) -> frozenset[RowKey]:
    """Return what somebody was asked about."""
    held = runner.records.held
    return frozenset() if held is None else held.row_keys
