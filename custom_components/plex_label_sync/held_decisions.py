"""The decisions a user can make about held changes."""

from .runner import Runner
from .sync.changes import RowKey
from .sync.request import FullRequest
from .sync.run import Run
from .sync.safety_check import Consent


async def async_apply(runner: Runner, started_by: str) -> Run:
    """Apply the held removals, provided that they do not exceed what was shown."""
    return await runner.async_run(
        FullRequest(consent=Consent(removals=_shown(runner)), started_by=started_by)
    )


async def async_keep(runner: Runner, started_by: str) -> Run:
    """Keep the held labels that were shown permanently, and sync the rest.

    Rows of items that no longer exist have no label to keep, so their removal is allowed. Changes
    held since then are a separate question.
    """
    shown = _shown(runner)
    held = {change.key for change in (await runner.async_run(FullRequest(dry_run=True))).held}
    await runner.async_pin(held & shown)
    return await runner.async_run(
        FullRequest(consent=Consent(removals=shown - held), started_by=started_by)
    )


async def async_restore(runner: Runner, started_by: str) -> Run:
    """Restore labels that disappeared in bulk."""
    return await runner.async_run(FullRequest(restore=True, started_by=started_by))


async def async_accept(runner: Runner, started_by: str) -> Run:
    """Treat labels that disappeared in bulk as removed by hand, unless more have disappeared."""
    return await runner.async_run(
        FullRequest(consent=Consent(vanished=_shown(runner)), started_by=started_by)
    )


async def async_adopt(runner: Runner, started_by: str) -> Run:
    """Add labels to the ledger that it may have lost: only those that were shown."""
    keys = frozenset(row.key for row in runner.outcome.unknown)
    return await runner.async_run(FullRequest(adopt=keys, started_by=started_by))


async def async_leave(runner: Runner, _started_by: str) -> None:
    """Treat labels that the ledger may have lost as foreign labels."""
    await runner.outcome.async_leave_unknown()


def _shown(runner: Runner) -> frozenset[RowKey]:
    """Return the rows that the question has shown."""
    held = runner.records.held
    return frozenset() if held is None else held.row_keys
