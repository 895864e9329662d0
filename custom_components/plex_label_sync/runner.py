"""Owns the engine, its turns and the records: carries out one run at a time. Knows no entity."""

import asyncio
from collections.abc import Collection, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass
import logging
import time
from typing import Final

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
from .sync.protection import Before
from .sync.request import FullRequest, LiveRequest, Request
from .sync.run import Run, StartedBy
from .sync.title_status import Standings, figures
from .sync.watchlist_reader import Watched
from .turns import Turns, Urgency

_LOGGER = logging.getLogger(__name__)

STOP_TIMEOUT: Final = 8.0  # seconds; Home Assistant waits ten for an entry's tasks


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has ended. `is_first` says that no full sync was believed before it."""

    request: Request
    run: Run
    is_first: bool


class Runner:
    """Runs syncs one after the other and records how they went.

    `on_change` is called when what the entities show may have changed, `on_finished` after each
    run, `on_changed_titles` with titles that came onto a watchlist or left it.
    """

    def __init__(self, context: EntryContext, servers: Servers, records: Records) -> None:
        """Nothing starts before `async_start`."""
        self.on_change = Listeners[()]()
        self.on_finished = Listeners[Finished]()
        self.on_changed_titles = Listeners[tuple[Title, ...]]()
        self.records = records
        self.guard = LabelGuard(context, servers.pulsarr)
        self.engine = Engine(
            servers.plex,
            self.guard,
            records,
            clock=time.time,
            steady=steady,
            lists=records.knowledge.lists,
        )
        self.schedule = Schedule(context.hass, context.entry.title, sync=self._async_scheduled)
        self.outcome = Outcome(context, records, self.schedule)
        self.figures = LedgerFigures()
        self.is_syncing = False  # a run is on that the entities show
        self.progress: int | None = None  # percent, while such a run is on
        self._context = context
        self._servers = servers
        self._turns = Turns()
        self._runs = Runs(context.hass, context.entry, self._async_one_run)
        self._counting = asyncio.Lock()
        self._is_stopped = False  # the entry is being unloaded: nothing begins any more
        context.entry.async_on_unload(self.schedule.cancel)
        context.entry.async_on_unload(servers.on_return.add(self.schedule.catch_up))

    # Life

    @callback
    def async_start(self) -> None:
        """Start the full syncs: one now, to catch up with what was missed, then by the clock."""
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
        """Start or stop full syncs, while whatever is on goes on.

        What was missed while a mode was off is made up for by a full sync.
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
        """Let the run that is on end after its present edit, and wait for that a while.

        Those that wait for their turn do not begin.
        """
        self._is_stopped = True
        self.engine.stop()
        await self._runs.wait(STOP_TIMEOUT)

    async def _async_on_stop(self, _event: Event) -> None:
        await self.async_stop()

    async def _async_scheduled(self, started_by: StartedBy) -> None:
        """Carry out a full sync that nobody waits for."""
        with suppress(StoppedError):
            await self.async_run(FullRequest(routine=True, started_by=started_by))

    # Runs

    async def async_run(self, request: Request, *, user_id: str | None = None) -> Run:
        """Carry out a run when those before it are done; share an equal one that still waits.

        Cancelling the caller does not stop the run. Raises UnknownPersonError or
        UnknownLibraryError for a request that cannot be carried out, WaitingError for one dry run
        of a user too many, StoppedError when the entry is being unloaded.
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
                self._tell(request, run, was_open)
            self._hand_over_changed()
            return run

    async def _async_run_engine(self, request: Request, before: Before | None) -> Run:
        """Let the engine carry out a run, and let the entities show it where it may take long."""
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
        """Return what waits for a decision and what cannot be read."""
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
        """Store what a run came to, and what was held."""
        await self.async_count_ledger()
        if self.records.unsaved:
            await self.records.async_flush()
        if isinstance(request, FullRequest):
            self.records.summary = after_sync(self.records.summary, request, run)
        await self._recount()
        await self.outcome.async_keep(request, run)
        await self.records.async_save_summary()

    def _tell(self, request: Request, run: Run, was_open: Open) -> None:
        """Fire one activity for each thing that a run came to; log what is not in Plex."""
        for kind, attributes in activities_of(
            request, run, was_open, self._open(), self.records.ledger
        ):
            self._context.fire(kind, **attributes)
        if run.failed and (run.error is None or run.changes):
            _LOGGER.warning(
                "%s: %d label changes are not in Plex, for example %r on %s: %s",
                self._context.entry.title,
                len(run.failed),
                run.failed[0].change.label,
                run.failed[0].change.title,
                run.failed[0].failure,
            )

    # Beside the runs

    async def async_count_ledger(self) -> None:
        """Count what the entities show of the ledger, and find out which label goes next.

        The rows are those of one moment; what changes them while they are counted has them
        counted again after that.
        """
        async with self._counting:
            rows, settings = tuple(self.records.ledger), self._context.settings.sync
            self.figures = await asyncio.to_thread(count_rows, rows, settings, time.time())

    async def async_recount(self) -> None:
        """Show and keep what became of titles after the queue or the ledger has changed."""
        await self._recount()
        self.on_change()
        await self.records.async_save_summary()

    async def _recount(self) -> None:
        """Count what became of everybody's titles, in a thread: they may be tens of thousands."""
        async with self._counting:
            if (standings := self.standings()) is not None:
                counted = await asyncio.to_thread(figures, standings)
                self.records.summary = with_figures(self.records.summary, counted)

    async def async_settled(self) -> None:
        """Wait for the run that is on, if one is."""
        async with self._turns.turn(Urgency.READ_ONLY):
            pass

    @callback
    def standings(self) -> Standings | None:
        """Return what tells the status of titles, None before the first look at all of them."""
        if (overview := self.engine.overview) is None:
            return None
        return Standings(overview, self.records.ledger, self.records.queue, self._held_keys())

    def _held_keys(self) -> frozenset[RowKey]:
        """Return the rows that wait for a decision."""
        held = self.records.held
        return frozenset() if held is None else held.row_keys

    def turn(self, urgency: Urgency) -> AbstractAsyncContextManager[None]:
        """Wait until no run is on, and keep others waiting until the context ends."""
        return self._turns.turn(urgency)

    async def async_clear_overrides(self, keys: Iterable[RowKey]) -> int:
        """Forget that labels were removed by hand; the next sync puts them back."""
        async with self._turns.turn(Urgency.SYNC):
            cleared = self.records.ledger.clear_overrides(keys)
            await self.records.async_save_ledger()
            await self.async_count_ledger()
        await self.async_recount()
        return cleared

    async def async_pin(self, keys: Iterable[RowKey]) -> None:
        """Keep labels that this integration wrote although nobody wants them."""
        async with self._turns.turn(Urgency.SYNC):
            self.records.ledger.pin(keys)
            await self.records.async_save_ledger()

    async def async_explain(self, question: Question) -> tuple[tuple[Explanation, ...], int]:
        """Return what there is to say about some titles, and how many the question fits.

        Waits for the run that is on: half-written labels explain nothing. Raises ServiceError.
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
        """Return what is worth a live sync among items of which Plex spoke.

        Also among those of which it spoke to nobody before `missed_until`, by the steady clock.
        Waits for the run that is on: what it writes is no news. A full sync follows where that
        costs less. Raises ServiceError, and StoppedError when the entry is being unloaded.
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

    async def async_watch(self, urgent: Collection[PersonId]) -> Watched:
        """Find out what has changed on watchlists, and hand the changed titles over.

        Lists of people in `urgent` are read in any case. Raises ServiceError.
        """
        try:
            watched = await self.engine.watch(self._context.settings.sync, urgent)
        finally:
            self._hand_over_changed()
        if watched.people:
            self._servers.answered([Service.PULSARR])
        if watched.puzzling:
            self.schedule.sync_soon()
        return watched

    @callback
    def _hand_over_changed(self) -> None:
        """Hand over titles that came onto a watchlist or left it, whoever noticed."""
        titles = self.engine.take_changed()
        if titles and self._context.settings.live_mode and not self._is_stopped:
            self.on_changed_titles(titles)
