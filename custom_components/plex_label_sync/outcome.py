"""Process a run's result: open questions, gaps, and the baseline for later runs."""

from collections.abc import Collection
from dataclasses import replace
import time
from typing import Final

from homeassistant.core import callback

from .context import EntryContext
from .held import held_by, with_keys
from .issues import (
    LABELS_UNKNOWN,
    async_delete,
    async_raise,
    async_update_gap_issues,
    async_update_held_issue,
)
from .schedule import Schedule
from .storage.held import Held
from .storage.records import Records
from .sync.changes import Row, RowKey
from .sync.gaps import PERSISTENT_AFTER, concerns
from .sync.naming import naming_of
from .sync.protection import Baseline, counted_people
from .sync.request import Request
from .sync.run import HoldReason, Run
from .sync.threads import in_thread
from .timer import Timer

UNKNOWN_MIN: Final = 3  # labels; fewer are probably set by hand, more suggest lost records


class Outcome:
    """Stores the results of an entry's runs and raises the issues that need a decision."""

    def __init__(
        self,
        context: EntryContext,
        records: Records,
        schedule: Schedule,
    ) -> None:
        """Initialize without open questions."""
        self._context = context
        self._hass, self._entry = context.hass, context.entry
        self._records = records
        self._schedule = schedule
        self._check_for_unknown = True  # only at the first full sync
        self._timer = Timer(context.hass, self.async_update_gaps)
        self.unknown: tuple[Row, ...] = ()  # labels the ledger may have lost
        context.entry.async_on_unload(self._timer.cancel)

    @property
    def before(self) -> Baseline | None:
        """The baseline of the last accepted full sync, None before the first."""
        return self._records.knowledge.before or self._records.knowledge.counted

    async def async_keep(self, request: Request, run: Run) -> None:
        """Process the result of a run that was not a dry run."""
        is_whole = request.whole and run.error is None
        known = dict(self._records.knowledge.gaps)
        self._records.knowledge.read(run.gaps, time.time(), whole=is_whole)
        self.async_update_gaps()
        if HoldReason.LIST_SHRANK in run.hold_reasons:
            self._schedule.read_again()
        if is_whole:
            await self._keep_whole(run)
            if any((gap.kind, gap.key) not in known for gap in run.gaps):
                self._schedule.sync_soon()  # only once: a lasting gap waits for the schedule
        elif run.needs_decision:
            await self._request_decision(run)

    async def _keep_whole(self, run: Run) -> None:
        new = await in_thread(held_by, run, self._records.ledger)
        was_held = self._records.held
        if was_held is not None:
            if new is not None:
                new = replace(new, since=was_held.since)
            left = self._undecided(was_held, run)
            if new is None and left and left == was_held.row_keys:
                new = was_held
            elif left:
                new = with_keys(
                    new or replace(was_held, removals=0, vanished=0, groups=(), keys=()), left
                )
        if new is None and HoldReason.LIST_SHRANK not in run.hold_reasons and run.is_complete:
            self._believe(run, await in_thread(self._records.recently_removed))
        # A sync with held changes is no baseline for the next one.
        if new is None:
            self._records.knowledge.counted = Baseline(run.people, run.titles)
        await self._records.async_save_held(new)
        await async_update_held_issue(self._hass, self._entry, new)

    def _undecided(self, held: Held, run: Run) -> frozenset[RowKey]:
        """Return the rows of an open question that gaps kept a sync from checking."""
        changed = {change.key for change in run.changes}
        rows = (self._records.ledger.get(key) for key in held.row_keys - changed)
        return frozenset(
            row.key
            for row in rows
            if row is not None
            and not (row.pinned or row.removed_by_user)
            and any(concerns(gap, row) for gap in run.gaps)
        )

    def _believe(self, run: Run, lately_removed: Collection[RowKey]) -> None:
        """Accept a full sync as the baseline, and ask about labels the ledger may have lost."""
        knowledge, sync = self._records.knowledge, self._context.settings.sync
        before = Baseline(run.listed, run.titles, counted_people(sync), naming_of(sync))
        known, removed = knowledge.unknown, frozenset(lately_removed)
        unclaimed = {row.key: row for row in run.returned if known is None or row.key not in known}
        # A damaged ledger is already reported, and lacks everything.
        is_reported = "ledger" in self._records.damaged
        if self._check_for_unknown and known is not None and not is_reported:
            unclaimed |= {row.key: row for row in run.unknown if row.key not in known}
        else:
            there = {
                row.key for row in run.unknown
            } | removed  # a quick check reports none of these
            ledger = self._records.ledger
            unclaimed |= {
                row.key: row for row in self.unknown if row.key in there and row.key not in ledger
            }
        self._check_for_unknown = False
        self.unknown = (
            tuple(unclaimed.values()) if len(unclaimed) >= UNKNOWN_MIN or self.unknown else ()
        )
        others = {row.key for row in (*run.unknown, *run.returned)} | (removed & (known or set()))
        knowledge.believed(before, others - {row.key for row in self.unknown})
        if self.unknown:
            async_raise(self._hass, self._entry, LABELS_UNKNOWN, self.unknown)
        else:
            async_delete(self._hass, self._entry, LABELS_UNKNOWN)

    async def async_leave_unknown(self) -> None:
        """Treat the labels that the ledger may have lost as foreign labels."""
        knowledge = self._records.knowledge
        if knowledge.unknown is not None:
            knowledge.unknown |= {row.key for row in self.unknown}
        self.unknown = ()
        await self._records.async_save_held(self._records.held)

    async def _request_decision(self, run: Run) -> None:
        """Ask about changes held by a live sync, and start a full sync to find any others."""
        new = await in_thread(held_by, run, self._records.ledger)
        held = self._records.held
        if new is None or (held is not None and set(new.keys) <= set(held.keys)):
            return
        self._schedule.sync_soon()
        if held is None:
            await self._records.async_save_held(new)
            await async_update_held_issue(self._hass, self._entry, new)

    @callback
    def async_update_gaps(self) -> None:
        """Report lasting gaps, and check again when the next gap counts as lasting."""
        self._timer.cancel()
        now = time.time()
        gaps = tuple(self._records.knowledge.gaps.values())
        async_update_gap_issues(
            self._hass, self._entry, [one for one in gaps if one.is_persistent(now)]
        )
        waiting = [one.since + PERSISTENT_AFTER for one in gaps if not one.is_persistent(now)]
        if waiting:
            self._timer.set(max(1.0, min(waiting) - now + 1.0))
