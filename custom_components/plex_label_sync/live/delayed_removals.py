"""Remove labels when their removal delay ends, without waiting for the next full sync."""

from collections.abc import Iterable
import time
from typing import Final

from homeassistant.core import callback

from ..clocks import steady
from ..context import EntryContext
from ..runner import Runner
from ..sync.changes import Row
from ..sync.model import SyncSettings
from ..sync.retention import removal_due_at, titles_of
from ..sync.run import StartedBy
from ..sync.threads import in_thread
from ..timer import Timer
from .live_sync import LiveSync

SINGLY_MAX: Final = 200  # labels due at the same time; more are left to a full sync
GRACE: Final = 1.0  # seconds, so that the delay has ended despite clock differences
CHECK_INTERVAL: Final = (
    3600.0  # seconds until the timer is set again: the clock may change meanwhile
)


class DelayedRemovals:
    """A timer for the next label whose delay ends, according to the stored ledger."""

    def __init__(self, context: EntryContext, runner: Runner, live: LiveSync) -> None:
        """Initialize; `live` syncs the titles whose labels are due."""
        self._context = context
        self._runner = runner
        self._live = live
        self._when: float | None = None
        self._timer = Timer(context.hass, self._async_due)

    @callback
    def async_start(self) -> None:
        """Start to follow the ledger."""
        entry = self._context.entry
        entry.async_on_unload(self._runner.on_change.add(self._async_update))
        entry.async_on_unload(self._timer.cancel)
        self._async_update()

    @callback
    def _async_update(self) -> None:
        """Set the timer again if the next due time has changed."""
        live = self._context.settings.live_mode
        when = self._runner.figures.next_leaving if live else None
        if when == self._when:
            return
        self._timer.cancel()
        self._when = when
        if when is not None:
            self._timer.set(min(max(0.0, when - time.time()) + GRACE, CHECK_INTERVAL))

    async def _async_due(self) -> None:
        """Start a sync of the titles whose removal is due, without asking about held ones again."""
        self._when = None  # the next time may be the same if the clock was set back
        rows = await in_thread(
            _due, tuple(self._runner.records.ledger), self._context.settings.sync, time.time()
        )
        await self._runner.async_count_ledger()
        if len(rows) > SINGLY_MAX or not all(row.title_id for row in rows):
            self._runner.schedule.sync_soon()
        elif rows:
            self._live.async_changed(
                titles_of(rows), because=StartedBy.REMOVAL_DELAY, newer_than=steady()
            )
        self._async_update()


def _due(rows: Iterable[Row], settings: SyncSettings, now: float) -> list[Row]:
    """Return the rows whose delay has ended at `now`, in seconds since the epoch."""
    return [
        row for row in rows if (when := removal_due_at(row, settings)) is not None and when <= now
    ]
