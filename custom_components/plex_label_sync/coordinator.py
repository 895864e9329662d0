"""Ties the engine to Home Assistant: one writer, the timers, and the status for the entities."""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
import logging
import time
from typing import TYPE_CHECKING, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .errors import translation
from .plex.parse import ServerInfo
from .plex.server import PlexClient
from .pulsarr.client import PulsarrClient
from .repairs import async_update_held_issue
from .settings import Settings
from .status import Activity, State, Status, activity_signal
from .store import EXAMPLES_MAX, Held, Records, Summary
from .sync.brake import Before
from .sync.engine import Engine
from .sync.explain import Explanation, Question
from .sync.model import (
    Action,
    Failure,
    HoldReason,
    RowKey,
    Run,
    RunKind,
    RunStatus,
    Service,
    ServiceError,
)
from .sync.preparing import Request

if TYPE_CHECKING:
    from .live import LiveSync
    from .webhook import WebhookStats

_LOGGER = logging.getLogger(__name__)

RETRY_AFTER: Final = 60.0  # seconds from a failed full sync to the next try, doubled each time
RETRY_AFTER_MAX: Final = 600.0  # seconds
STOP_TIMEOUT: Final = 8.0  # seconds; Home Assistant waits ten for an entry's tasks
CATCH_UP_AFTER: Final = 1.0  # seconds from a server's return to the full sync that it missed

CREDENTIAL_FAILURES: Final = frozenset({Failure.INVALID_AUTH, Failure.NOT_OWNER})

type PlexLabelSyncConfigEntry = ConfigEntry[PlexLabelSyncCoordinator]


class PlexLabelSyncCoordinator(DataUpdateCoordinator[Status]):
    """Runs syncs one after the other and knows how they went."""

    config_entry: PlexLabelSyncConfigEntry
    server: ServerInfo
    live: "LiveSync"
    webhook: "WebhookStats"

    def __init__(
        self,
        hass: HomeAssistant,
        entry: PlexLabelSyncConfigEntry,
        plex: PlexClient,
        pulsarr: PulsarrClient,
        records: Records,
    ) -> None:
        """Tie the parts together; nothing starts before `async_start`."""
        super().__init__(hass, _LOGGER, config_entry=entry, name=entry.title)
        self.plex = plex
        self.pulsarr = pulsarr
        self.records = records
        self.settings = Settings.from_options(entry.options)
        self.engine = Engine(plex, pulsarr, records, clock=time.time)
        self._one_at_a_time = asyncio.Lock()
        self._running: dict[Request, asyncio.Task[Run]] = {}
        self._trouble: dict[Service, ServiceError] = {}
        self._labelled_items = 0
        self._overrides = 0
        self._count_ledger()
        self._incomplete = False  # the last full sync left something undone
        self._retry: CALLBACK_TYPE | None = None
        self._failures = 0

    @override
    async def _async_update_data(self) -> Status:
        """Make sure that both servers answer and accept their credentials."""
        try:
            self.server = await self.plex.info()
            await self.pulsarr.people()
        except ServiceError as err:
            if err.failure in CREDENTIAL_FAILURES:
                raise ConfigEntryAuthFailed(**translation(err)) from err
            raise UpdateFailed(**translation(err)) from err
        if self.server.machine_id != self.config_entry.unique_id:
            raise UpdateFailed(translation_domain=DOMAIN, translation_key="wrong_server")
        return self._status(State.IDLE)

    def _status(self, state: State) -> Status:
        """Put together what is known, from what the last runs left."""
        summary = self.records.summary
        known: Status | None = self.data  # Home Assistant sets it with the first refresh
        known = known or Status()
        if summary is not None and known.last_sync is None:
            known = replace(
                known,
                last_sync=dt_util.utc_from_timestamp(summary.finished),
                labels_added=summary.added,
                labels_removed=summary.removed,
                titles_wanted=summary.titles,
                titles_missing=summary.missing,
            )
        return replace(
            known,
            state=state,
            pending=len(self.records.queue),
            labelled_items=self._labelled_items,
            overrides=self._overrides,
            problem=self._incomplete or self.records.held is not None or self.records.unsaved,
        )

    def _count_ledger(self) -> None:
        """Count the items that carry a label of ours, and the labels taken off by hand."""
        rows = list(self.records.ledger)
        self._labelled_items = len({row.rating_key for row in rows if not row.off})
        self._overrides = sum(row.off for row in rows)

    @callback
    def async_start(self) -> None:
        """Start the full syncs: one now, to catch up with what was missed, then by the clock."""
        entry = self.config_entry
        entry.async_on_unload(self._cancel_retry)
        if self.settings.batch_mode:
            entry.async_on_unload(
                async_track_time_interval(
                    self.hass,
                    self._async_scheduled,
                    timedelta(seconds=self.settings.sync_interval),
                    name=f"{entry.title} full sync",
                    cancel_on_shutdown=True,
                )
            )
        if self.settings.batch_mode or self.settings.live_mode:
            self.async_in_background(self._async_scheduled(), "first full sync")

    async def async_stop(self) -> None:
        """Let the run that is on end after its present edit, and wait for that a while."""
        self.engine.stop()
        if running := list(self._running.values()):
            await asyncio.wait(running, timeout=STOP_TIMEOUT)

    async def async_apply_held(self) -> Run:
        """Do what the brake held."""
        return await self.async_run(Request(mass_removal=True))

    async def async_accept_vanished(self) -> Run:
        """Take it that the labels that vanished in bulk were taken off by hand."""
        return await self.async_run(Request(accept=True))

    async def async_restore_vanished(self) -> Run:
        """Put back the labels that vanished in bulk."""
        return await self.async_run(Request(restore=True))

    async def async_clear_overrides(self, keys: Iterable[RowKey]) -> int:
        """Forget that labels were taken off by hand; the next sync puts them on again."""
        async with self._one_at_a_time:
            cleared = self.records.ledger.clear_overrides(keys)
            await self.records.async_save_ledger()
            self._count_ledger()
        self.async_refresh_status()
        return cleared

    async def async_explain(self, question: Question) -> tuple[tuple[Explanation, ...], int]:
        """Return what there is to say about some titles, and how many the question fits.

        Waits for the run that is on: half-written labels explain nothing. Raises ServiceError.
        """
        async with self._one_at_a_time:
            held = self.records.held
            return await self.engine.explain(
                question,
                self.settings.sync,
                self.records.queue,
                frozenset(HoldReason(reason) for reason in held.reasons) if held else frozenset(),
            )

    async def async_keep_held(self) -> Run:
        """Leave the held labels where they are, for good, and sync the rest."""
        held = (await self.async_run(Request(dry_run=True))).held
        self.records.ledger.pin(change.key for change in held)
        await self.records.async_save_ledger()
        return await self.async_run(Request())

    @callback
    def async_in_background(self, job: Coroutine[None, None, object], name: str) -> None:
        """Run a coroutine that ends with the entry."""
        _ = self.config_entry.async_create_background_task(self.hass, job, f"{DOMAIN} {name}")

    async def _async_scheduled(self, _now: datetime | None = None) -> None:
        """Carry out a full sync that nobody waits for."""
        await self.async_run(Request())

    async def async_run(self, request: Request) -> Run:
        """Carry out a run when those before it are done; share it with an equal one.

        Cancelling the caller does not stop the run. Raises UnknownPersonError or
        UnknownLibraryError for a request that cannot be carried out.
        """
        if (task := self._running.get(request)) is None:
            task = self.config_entry.async_create_background_task(
                self.hass, self._async_one_run(request), f"{DOMAIN} {request.kind} run"
            )
            self._running[request] = task
            task.add_done_callback(lambda _: self._running.pop(request, None))
        return await asyncio.shield(task)

    async def _async_one_run(self, request: Request) -> Run:
        async with self._one_at_a_time:
            visible = request.kind is not RunKind.LIVE and not request.dry_run
            if visible:
                self.async_set_updated_data(self._status(State.SYNCING))
            summary = self.records.summary
            before = None if summary is None else Before(summary.people, summary.titles)
            run: Run | None = None
            try:
                run = await self.engine.run(request, self.settings.sync, before)
            finally:
                if run is None:
                    self.async_set_updated_data(self._status(self._resting_state()))
            self._note(request, run)
            if not request.dry_run:
                await self._keep(request, run)
            self._publish(request, run)
            return run

    async def _keep(self, request: Request, run: Run) -> None:
        """Remember what a run came to, and what the brake held."""
        self._count_ledger()
        if self.records.unsaved:
            await self.records.async_flush()
        if request.kind is RunKind.FULL:
            self._incomplete = run.status is RunStatus.FAILED or bool(run.failed)
        if not request.whole or run.error is not None:
            return
        new = _held(run)
        was_held = self.records.held is not None
        if new is not None and self.records.held is not None:
            new = replace(new, since=self.records.held.since)
        # What the brake doubts is nothing to compare the next sync with.
        summary = _summary(run) if new is None else None
        await self.records.async_save_outcome(summary, new)
        async_update_held_issue(self.hass, self.config_entry, new)
        if new is not None and not was_held:
            self.async_activity(
                Activity.RUN_HELD,
                removals=new.removals,
                vanished=new.vanished,
                reasons=list(new.reasons),
            )

    def _note(self, request: Request, run: Run) -> None:
        """Take in whether the servers could be reached; say so once when that changes."""
        if (err := run.error) is not None:
            if err.service not in self._trouble:
                _LOGGER.info("%s cannot be used: %s", self.name, err)
            self._trouble[err.service] = err
            if err.failure in CREDENTIAL_FAILURES:
                self.config_entry.async_start_reauth(self.hass)
            elif request.kind is RunKind.FULL and not request.dry_run:
                self._schedule_retry()
            return
        answered = [Service.PLEX]
        lists = self.engine.watchlists
        if lists is not None and lists.read_at >= run.started:
            answered.append(Service.PULSARR)
        back = [service for service in answered if self._trouble.pop(service, None)]
        for service in back:
            _LOGGER.info("%s: %s answers again", self.name, service.value)
        if request.kind is RunKind.FULL and not request.dry_run:
            self._failures = 0
            self._cancel_retry()
        elif back and self._retry is not None:
            self._retry_in(CATCH_UP_AFTER)

    def _publish(self, request: Request, run: Run) -> None:
        """Show a run's outcome in the entities."""
        state = self._resting_state()
        status = self._status(state)
        if not request.dry_run and (run.error is None or run.changes):
            # A look that changed nothing does not hide what the last real run did.
            if run.kind is not RunKind.LIVE or run.changes:
                status = replace(status, labels_added=run.added, labels_removed=run.removed)
            if request.whole and run.error is None:
                status = replace(
                    status,
                    last_sync=dt_util.utcnow(),
                    titles_wanted=run.titles,
                    titles_missing=run.not_in_plex,
                )
            if run.kind is RunKind.FULL:
                self.async_activity(
                    Activity.SYNC_FINISHED,
                    added=run.added,
                    removed=run.removed,
                    failed=len(run.failed),
                )
            if run.failed:
                _LOGGER.warning(
                    "%s: %d label changes are not in Plex, for example %r on %s: %s",
                    self.name,
                    len(run.failed),
                    run.failed[0].change.label,
                    run.failed[0].change.title,
                    run.failed[0].failure,
                )
        self.async_set_updated_data(status)

    def _resting_state(self) -> State:
        """Return what the status is while no full sync is on."""
        if not self._trouble:
            return State.IDLE if self.records.held is None else State.HELD
        if any(not err.unreachable for err in self._trouble.values()):
            return State.ERROR
        return (
            State.WAITING_FOR_PLEX if Service.PLEX in self._trouble else State.WAITING_FOR_PULSARR
        )

    @callback
    def async_refresh_status(self) -> None:
        """Show the queue and the ledger as they are now."""
        busy = self.data.state is State.SYNCING and self._one_at_a_time.locked()
        self.async_set_updated_data(self._status(State.SYNCING if busy else self._resting_state()))

    @callback
    def async_activity(self, kind: Activity, **attributes: object) -> None:
        """Tell the event entity that something happened."""
        signal = activity_signal(self.config_entry.entry_id)
        async_dispatcher_send(self.hass, signal, kind, attributes)

    @callback
    def _schedule_retry(self) -> None:
        """Try a failed full sync again, later each time."""
        if self.settings.batch_mode:
            delay = min(RETRY_AFTER * 2**self._failures, RETRY_AFTER_MAX)
            self._failures += 1
            self._retry_in(min(delay, self.settings.sync_interval))

    @callback
    def _retry_in(self, seconds: float) -> None:
        self._cancel_retry()
        self._retry = async_call_later(self.hass, seconds, self._async_retry)

    async def _async_retry(self, now: datetime) -> None:
        self._retry = None
        await self._async_scheduled(now)

    @callback
    def _cancel_retry(self) -> None:
        if self._retry is not None:
            self._retry()
            self._retry = None


def _held(run: Run) -> Held | None:
    """Return what the brake kept back of a run, with a few examples that a person can read."""
    if run.status is not RunStatus.HELD:
        return None
    changes = run.held
    return Held(
        since=run.started,
        reasons=tuple(reason.value for reason in run.hold_reasons),
        removals=sum(change.action is Action.REMOVE for change in changes),
        vanished=run.vanished,
        examples=tuple(f"{one.label}: {one.title}" for one in changes[:EXAMPLES_MAX]),
    )


def _summary(run: Run) -> Summary:
    return Summary(
        finished=run.started + run.duration,
        titles=run.titles,
        missing=run.not_in_plex,
        added=run.added,
        removed=run.removed,
        people=run.people,
    )
