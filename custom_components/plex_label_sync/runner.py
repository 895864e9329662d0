"""Carries out one run at a time; owns the engine, its lock and the records."""

import asyncio
from collections.abc import Collection, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass
import logging
import time

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, callback

from .checks.label_guard import LabelGuard
from .clocks import steady
from .context import EntryContext
from .errors import StoppedError
from .held import question_of
from .listeners import Listeners
from .outcome import Outcome
from .run_activities import Open, activities_of
from .runs import Begins, Runs, urgency
from .schedule import Schedule
from .servers import Servers
from .settings import Settings
from .status import LedgerFigures, count_rows
from .storage.records import Records
from .summary import after_sync, with_figures
from .sync.changes import RowKey
from .sync.engine import Engine
from .sync.event_candidates import Candidates
from .sync.explain import Explanation, Question
from .sync.failures import FAILURES
from .sync.model import Service, Title
from .sync.person_id import PersonId
from .sync.progress import Progress
from .sync.protection import Baseline
from .sync.request import FullRequest, LiveRequest, Request
from .sync.run import Run, StartedBy
from .sync.threads import in_thread
from .sync.title_status import Standings, figures
from .sync.watchlist_reader import PollResult
from .turns import Turns, Urgency

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished run; `is_first` means that no full sync was accepted before it."""

    request: Request
    run: Run
    is_first: bool


class Runner:
    """Runs syncs one after the other and records their results.

    `on_change` is called when what the entities show may have changed, `on_finished` after each
    run, `on_changed_titles` with titles that were added to or removed from a watchlist.
    """

    def __init__(self, context: EntryContext, servers: Servers, records: Records) -> None:
        """Initialize; nothing starts before `async_start`."""
        self.on_change = Listeners[()]()
        self.on_finished = Listeners[Finished]()
        self.on_changed_titles = Listeners[tuple[Title, ...]]()
        self.records = records
        self.guard = LabelGuard(context, servers.pulsarr)
        self.engine = Engine(
            servers.plex,
            self.guard.pulsarr,
            records,
            clock=time.time,
            steady=steady,
            settle=context.limits.settle,
            lists=records.knowledge.lists,
        )
        self.schedule = Schedule(context.hass, context.entry.title, sync=self._async_scheduled)
        self.outcome = Outcome(context, records, self.schedule)
        self.figures = LedgerFigures()
        self.is_syncing = False  # a run that the entities show is in progress
        self.progress: int | None = None  # percent, during such a run
        self._context = context
        self._servers = servers
        self._turns = Turns()
        self._runs = Runs(context.hass, context.entry, self._async_one_run)
        self._counting = asyncio.Lock()
        self._logged_failures: set[tuple[RowKey, str]] = set()
        self._is_stopped = False  # the entry is being unloaded: no new runs
        context.entry.async_on_unload(self.schedule.cancel)
        context.entry.async_on_unload(servers.on_return.add(self.schedule.catch_up))

    # Lifecycle

    @callback
    def async_start(self) -> None:
        """Start the full syncs: one now, to catch up, then on schedule."""
        hass, settings = self._context.hass, self._context.settings
        self._context.entry.async_on_unload(
            hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, self._async_on_stop)
        )
        if settings.batch_mode:
            self.schedule.start(settings.sync_interval)
        if settings.batch_mode or settings.live_mode:
            self._context.in_background(
                self._async_scheduled(StartedBy.START_UP), "first full sync"
            )

    @callback
    def async_change_modes(self, before: Settings) -> None:
        """Start or stop the scheduled full syncs, without affecting a run in progress.

        A full sync makes up for what was missed while a mode was off.
        """
        settings = self._context.settings
        batch_begins = settings.batch_mode and not before.batch_mode
        if not settings.batch_mode:
            self.schedule.stop()
        elif batch_begins:
            self.schedule.start(settings.sync_interval)
        if batch_begins or (settings.live_mode and not before.live_mode):
            self._context.in_background(self._async_scheduled(StartedBy.OPTIONS), "full sync")
        self.on_change()

    async def async_stop(self) -> None:
        """Stop the current run after its current edit, and wait for it up to a limit.

        Waiting runs do not start.
        """
        self._is_stopped = True
        self.engine.stop()
        await self._runs.wait(self._context.limits.stop_timeout)

    async def _async_on_stop(self, _event: Event) -> None:
        await self.async_stop()

    async def _async_scheduled(self, started_by: StartedBy) -> None:
        """Carry out a scheduled full sync."""
        with suppress(StoppedError):
            await self.async_run(FullRequest(routine=True, started_by=started_by))

    # Runs

    async def async_run(self, request: Request, *, user_id: str | None = None) -> Run:
        """Carry out a run when its turn comes, or share an equal one that is still waiting.

        Cancelling the caller does not stop the run. Raises UnknownPersonError or
        UnknownLibraryError for a request that cannot be carried out, WaitingError when a dry run
        of the same user is already waiting, StoppedError when the entry is being unloaded.
        """
        if self._is_stopped:
            raise StoppedError
        return await self._runs.run(request, user_id)

    async def _async_one_run(self, request: Request, begins: Begins) -> Run:
        async with self._turns.turn(urgency(request)):
            begins()
            if self._is_stopped:
                raise StoppedError
            before, was_open = self.outcome.before, self._open()
            self.is_syncing = not isinstance(request, LiveRequest) and not request.dry_run
            self.progress = None
            try:
                run = await self._async_run_engine(request, before)
                self._record_answers(request, run)
                if not request.dry_run:
                    await self._keep(request, run)
            finally:
                self.is_syncing, self.progress = False, None
                self.on_change()
            self.on_finished(Finished(request, run, before is None))
            if not request.dry_run:
                await self._async_fire_activities(request, run, was_open)
            self._process_changed()
            return run

    async def _async_run_engine(self, request: Request, before: Baseline | None) -> Run:
        """Run the engine, and show the progress in the entities if the run may take long."""
        if self.is_syncing:
            self.on_change()
        with self.guard.read_only() if request.dry_run else nullcontext():
            return await self.engine.run(
                request,
                self._context.settings.sync,
                before,
                Progress(self._show_progress) if self.is_syncing else None,
                question_of(self.records.held),
            )

    @callback
    def _show_progress(self, percent: int) -> None:
        self.progress = percent
        self.on_change()

    def _open(self) -> Open:
        """Return the current held changes and gaps."""
        return Open(self.records.held, self.records.knowledge.gaps)

    def _record_answers(self, request: Request, run: Run) -> None:
        """Record whether the servers could be reached, and when the next full sync is due."""
        is_full = isinstance(request, FullRequest) and not request.dry_run
        if (err := run.error) is not None:
            self._servers.failed(err)
            if is_full and not FAILURES[err.failure].reauth:
                self.schedule.failed()
            return
        answered = [Service.PLEX]
        lists = self.engine.watchlists
        if lists is not None and lists.read_at >= run.started:
            answered.append(Service.PULSARR)
        self._servers.answered(answered)
        if is_full:
            self.schedule.succeeded()

    async def _keep(self, request: Request, run: Run) -> None:
        """Store a run's results and its held changes."""
        await self.async_count_ledger()
        if self.records.unsaved:
            await self.records.async_flush()
        if isinstance(request, FullRequest):
            self.records.summary = after_sync(self.records.summary, request, run)
        await self._recount()
        if (overview := self.engine.overview) is not None:
            in_full = request.whole and run.error is None and not run.gaps
            self.records.knowledge.left_alone(overview.opted_out, time.time(), in_full=in_full)
        await self.outcome.async_keep(request, run)
        await self.records.async_save_summary()

    async def _async_fire_activities(self, request: Request, run: Run, was_open: Open) -> None:
        """Fire the activities of a run, and log the changes that are not in Plex."""
        is_open, ledger = self._open(), self.records.ledger
        activities = await in_thread(
            lambda: [*activities_of(request, run, was_open, is_open, ledger)]
        )
        for kind, attributes in activities:
            self._context.fire(kind, **attributes)
        if run.error is None or run.changes:
            self._log_failures(request, run)

    def _log_failures(self, request: Request, run: Run) -> None:
        """Log the changes that a run failed to make, unless all of them failed before."""
        failed = {(one.change.key, one.failure) for one in run.failed}
        if failed - self._logged_failures:
            _LOGGER.warning(
                "%s: %d label changes are not in Plex, for example %r on %s: %s",
                self._context.entry.title,
                len(run.failed),
                run.failed[0].change.label,
                run.failed[0].change.title,
                run.failed[0].failure,
            )
        # A full sync tries all of them again: what it does not fail at, it has made.
        tried_all = request.whole and run.error is None
        self._logged_failures = failed if tried_all else self._logged_failures | failed

    # Outside the runs

    async def async_count_ledger(self) -> None:
        """Count the ledger for the entities, and find the next label to be removed.

        Counts a snapshot of the rows; any change during the count triggers another one.
        """
        async with self._counting:
            rows, settings = tuple(self.records.ledger), self._context.settings.sync
            self.figures = await in_thread(count_rows, rows, settings, time.time())

    async def async_recount(self) -> None:
        """Update and save the titles' figures after the queue or the ledger has changed."""
        await self._recount()
        self.on_change()
        await self.records.async_save_summary()

    async def _recount(self) -> None:
        """Recount the titles of all people, in a thread: there may be tens of thousands."""
        async with self._counting:
            if (standings := self.standings()) is not None:
                counted = await in_thread(figures, standings)
                self.records.summary = with_figures(self.records.summary, counted)

    async def async_wait_idle(self) -> None:
        """Wait for the run in progress, if any."""
        async with self._turns.turn(Urgency.READ_ONLY):
            pass

    @callback
    def standings(self) -> Standings | None:
        """Return the data for the status of titles, None before the first full read."""
        if (overview := self.engine.overview) is None:
            return None
        return Standings(overview, self.records.ledger, self.records.queue, self._held_keys())

    def _held_keys(self) -> frozenset[RowKey]:
        """Return the rows that are held for a decision."""
        held = self.records.held
        return frozenset() if held is None else held.row_keys

    def turn(self, urgency: Urgency) -> AbstractAsyncContextManager[None]:
        """Wait for the turn, and block other runs until the context ends."""
        return self._turns.turn(urgency)

    async def async_clear_overrides(self, keys: Iterable[RowKey]) -> int:
        """Clear overrides and return their number; the next sync restores the labels."""
        async with self._turns.turn(Urgency.SYNC):
            cleared = await in_thread(self.records.ledger.clear_overrides, keys)
            await self.records.async_save_ledger()
            await self.async_count_ledger()
        await self.async_recount()
        return cleared

    async def async_pin(self, keys: Iterable[RowKey]) -> None:
        """Keep labels that this integration wrote although no one wants them."""
        async with self._turns.turn(Urgency.SYNC):
            self.records.ledger.pin(keys)
            await self.records.async_save_ledger()

    async def async_explain(self, question: Question) -> tuple[tuple[Explanation, ...], int]:
        """Return explanations of titles, and the number of titles that match the question.

        Waits for the run in progress, so that labels are complete. Raises ServiceError.
        """
        async with self._turns.turn(Urgency.READ_ONLY):
            with self.guard.read_only():
                return await self.engine.explain(
                    question,
                    self._context.settings.sync,
                    self.records.queue,
                    question_of(self.records.held),
                )

    async def async_triage(
        self, rating_keys: Collection[str], *, missed_until: float = float("-inf")
    ) -> Candidates:
        """Return which of the items that Plex reported as changed need a live sync.

        Includes items changed before `missed_until` (monotonic clock) while nothing was listening.
        Waits for the run in progress, whose own edits need no sync. Starts a full sync instead if
        that costs less. Raises ServiceError, and StoppedError when the entry is being unloaded.
        """
        settings = self._context.settings.sync
        async with self._turns.turn(Urgency.LIVE):
            if self._is_stopped:
                raise StoppedError
            candidates = Candidates()
            if missed_until > float("-inf"):
                candidates = await self.engine.missed(missed_until, settings)
            candidates += await self.engine.triage(rating_keys, settings)
        if candidates.too_many:
            self.schedule.sync_soon()
        return candidates

    async def async_watch(self, urgent: Collection[PersonId]) -> PollResult:
        """Find changes on watchlists and report the changed titles to `on_changed_titles`.

        Watchlists of people in `urgent` are always read. Raises ServiceError.
        """
        try:
            watched = await self.engine.watch(self._context.settings.sync, urgent)
        finally:
            self._process_changed()
        if watched.people:
            self._servers.answered([Service.PULSARR])
        if watched.needs_full_sync:
            self.schedule.sync_soon()
        return watched

    @callback
    def _process_changed(self) -> None:
        """Report titles added to or removed from a watchlist, whichever read noticed them."""
        titles = self.engine.take_changed()
        if titles and self._context.settings.live_mode and not self._is_stopped:
            self.on_changed_titles(titles)
