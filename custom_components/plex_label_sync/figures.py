"""What the entities show of runs and of the ledger."""

from dataclasses import replace
from typing import Final

from homeassistant.util import dt as dt_util

from .status import Status
from .storage.records import Summary
from .sync.ledger import Ledger
from .sync.model import Run, RunKind, SyncSettings
from .sync.request import Request
from .sync.retention import removal_due_at

NOTHING: Final = Status()


class LedgerFigures:
    """Counts of the ledger. Counting goes through all rows: it is done after runs, not between."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self.labelled_items = 0
        self.overrides = 0
        self.next_leaving: float | None = None  # when a label may go, in seconds since the epoch

    def count(self, ledger: Ledger, settings: SyncSettings, now: float) -> None:
        """Count anew; `now` is in seconds since the epoch."""
        rows = list(ledger)
        self.labelled_items = len({row.rating_key for row in rows if not row.removed_by_user})
        self.overrides = sum(row.removed_by_user for row in rows)
        leaving = (removal_due_at(row, settings) for row in rows if row.unwanted_since)
        self.next_leaving = min((when for when in leaving if when and when > now), default=None)


def with_summary(status: Status, summary: Summary | None) -> Status:
    """Return a status with what the last full sync left, unless it knows a later one."""
    if summary is None or status.last_sync is not None:
        return status
    return replace(
        status,
        last_sync=dt_util.utc_from_timestamp(summary.finished),
        labels_added=summary.added,
        labels_removed=summary.removed,
        titles_wanted=summary.titles,
        titles_missing=summary.missing,
        people=summary.wanting,
        sync_duration=summary.duration,
    )


def after_run(status: Status, request: Request, run: Run) -> Status:
    """Return a status with what a run came to."""
    # A look that changed nothing does not hide what the last real run did.
    if run.kind is not RunKind.LIVE or run.changes:
        status = replace(status, labels_added=run.added, labels_removed=run.removed)
    if request.whole and run.error is None:
        status = replace(
            status,
            last_sync=dt_util.utcnow(),
            titles_wanted=run.titles,
            titles_missing=run.not_in_plex,
            people=run.wanting,
            sync_duration=run.duration,
        )
    return status


def summary_of(run: Run) -> Summary:
    """Return what is kept of a full sync until the next one."""
    return Summary(
        finished=run.started + run.duration,
        titles=run.titles,
        missing=run.not_in_plex,
        added=run.added,
        removed=run.removed,
        people=run.people,
        wanting=run.wanting,
        duration=run.duration,
    )
