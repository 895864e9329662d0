"""Ties the engine to Home Assistant: one writer, the timers, and the status for the entities."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from functools import partial
import logging
import time
from typing import TYPE_CHECKING, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .checks.label_guard import LabelGuard
from .clocks import steady
from .const import DOMAIN
from .errors import StoppedError, translation
from .held_decisions import question_of
from .identity import async_see_plex
from .issues import async_update_unsaved_issue
from .live.label_events import LabelEvent, label_events_of
from .outcome import Outcome
from .plex.parse import ServerInfo
from .plex.server import PlexClient
from .pulsarr.client import PulsarrClient
from .reachability import Reachability
from .run_activities import Open, activities_of
from .runs import Begins, Runs, urgency
from .schedule import Schedule
from .settings import Settings
from .status import Activity, LedgerFigures, Live, State, Status, activity_signal, status_of
from .storage.records import Records
from .summary import after_sync, with_figures
from .sync.engine import Engine
from .sync.event_candidates import Candidates
from .sync.explain import Explanation, Question
from .sync.model import (
    Failure,
    HoldReason,
    RowKey,
    Run,
    RunKind,
    Service,
    ServiceError,
    StartedBy,
)
from .sync.progress import Progress
from .sync.reasons import names_of
from .sync.request import Request
from .sync.title_status import Standings, figures
from .sync.watchlist_reader import Watched
from .turns import Turns, Urgency

if TYPE_CHECKING:
    from .live.live_sync import LiveSync
    from .live.plex_events import PlexEventFollower
    from .probing.runner import Probing
    from .sharing_check.check import SharingCheck
    from .sharing_check.events import VisibleEvents
    from .webhook.manager import WebhookManager
    from .webhook.receiver import WebhookStats

_LOGGER = logging.getLogger(__name__)

STOP_TIMEOUT: Final = 8.0  # seconds; Home Assistant waits ten for an entry's tasks
CREDENTIAL_FAILURES: Final = frozenset({Failure.INVALID_AUTH, Failure.NOT_OWNER, Failure.FORBIDDEN})

type PlexLabelSyncConfigEntry = ConfigEntry[PlexLabelSyncCoordinator]


class PlexLabelSyncCoordinator(DataUpdateCoordinator[Status]):
    """Runs syncs one after the other and knows how they went."""

    config_entry: PlexLabelSyncConfigEntry
    server: ServerInfo
    live: "LiveSync"
    webhook: "WebhookStats"
    webhook_manager: "WebhookManager"
    updates: "PlexEventFollower"
    sharing: "SharingCheck"
    probing: "Probing"
    visible_news: "VisibleEvents | None" = None

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
        self.guard = LabelGuard(hass, entry, pulsarr, lambda: self.settings.sync)
        self.engine = Engine(
            plex,
            self.guard,
            records,
            clock=time.time,
            steady=steady,
            lists=records.knowledge.lists,
        )
        self._turns = Turns()
        self._runs = Runs(hass, entry, self._async_one_run)
        self.reachability = Reachability(entry.title)
        self.figures = LedgerFigures()
        self.async_count_ledger()
        self._probes: Final[Mapping[Service, Callable[[], Awaitable[object]]]] = {
            Service.PLEX: partial(async_see_plex, self),
            Service.PULSARR: pulsarr.people,
        }
        self._live_updates = False  # Plex's notifications are heard
        self._counting = asyncio.Lock()
        self._stopped = False  # the entry is being unloaded: nothing begins any more
        self._schedule = Schedule(
            hass, entry.title, sync=self._async_scheduled, probe=self._async_probe
        )
        self.outcome = Outcome(hass, entry, records, self._schedule)

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
        """Put together what the entities show, from the summary and from what is live."""
        known: Status | None = self.data  # Home Assistant sets it with the first refresh
        ledger = self.records.ledger
        sharing = self.sharing if self.visible_news is not None else None
        checked = None if sharing is None else sharing.checked
        live = Live(
            state=state,
            progress=known.progress if known and state is State.SYNCING else None,
            plex_connected=self.reachability.is_usable(Service.PLEX),
            pulsarr_connected=self.reachability.is_usable(Service.PULSARR),
            live_updates=self._live_updates,
            pending=len(self.records.queue),
            labelled_items=self.figures.labelled_items,
            overrides=self.figures.overrides,
            held=self.records.held is not None,
            unsaved=self.records.unsaved,
            sharing_warnings=None if sharing is None else sharing.warning_count,
            last_sharing_check=None if checked is None else dt_util.utc_from_timestamp(checked),
        )
        excluded = ledger.ids_now(self.settings.sync.exclude_people, ledger.people.values())
        return status_of(self.records.summary, live, excluded)

    @callback
    def async_count_ledger(self) -> None:
        """Count what the entities show of the ledger, and find out which label goes next."""
        self.figures.count(self.records.ledger, self.settings.sync, time.time())

    @callback
    def async_start(self) -> None:
        """Start the full syncs: one now, to catch up with what was missed, then by the clock."""
        self.config_entry.async_on_unload(self._schedule.cancel)
        self.config_entry.async_on_unload(
            self.hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, self._async_on_stop)
        )
        self.records.on_saving = self._on_saving
        self._on_saving()
        if self.settings.batch_mode:
            self._schedule.start(self.settings.sync_interval)
        if self.settings.batch_mode or self.settings.live_mode:
            self.async_in_background(self._async_scheduled(StartedBy.START_UP), "first full sync")

    @callback
    def _on_saving(self) -> None:
        """Tell that the records cannot be saved, or can be again."""
        async_update_unsaved_issue(self.hass, self.config_entry, unsaved=self.records.unsaved)
        self.async_refresh_status()

    @callback
    def async_change_modes(self, settings: Settings) -> None:
        """Switch live updates and full syncs on or off, while whatever is on goes on.

        What was missed while they were off is made up for by a full sync.
        """
        batch_begins = settings.batch_mode and not self.settings.batch_mode
        live_begins = settings.live_mode and not self.settings.live_mode
        self.settings = settings
        if not settings.batch_mode:
            self._schedule.stop()
        elif batch_begins:
            self._schedule.start(settings.sync_interval)
        if batch_begins or live_begins:
            self.async_in_background(self._async_scheduled(StartedBy.OPTIONS), "full sync")
        self.async_refresh_status()

    async def async_stop(self) -> None:
        """Let the run that is on end after its present edit, and wait for that a while.

        Those that wait for their turn do not begin.
        """
        self._stopped = True
        self.engine.stop()
        await self._runs.wait(STOP_TIMEOUT)

    async def _async_on_stop(self, _event: Event) -> None:
        await self.async_stop()

    def turn(self, urgency: Urgency) -> AbstractAsyncContextManager[None]:
        """Wait until no run is on, and keep others waiting until the context ends."""
        return self._turns.turn(urgency)

    async def async_clear_overrides(self, keys: Iterable[RowKey]) -> int:
        """Forget that labels were taken off by hand; the next sync puts them on again."""
        async with self._turns.turn(Urgency.SYNC):
            cleared = self.records.ledger.clear_overrides(keys)
            await self.records.async_save_ledger()
            self.async_count_ledger()
        await self.async_recount()
        return cleared

    async def async_explain(self, question: Question) -> tuple[tuple[Explanation, ...], int]:
        """Return what there is to say about some titles, and how many the question fits.

        Waits for the run that is on: half-written labels explain nothing. Raises ServiceError.
        """
        async with self._turns.turn(Urgency.READ_ONLY):
            held = self.records.held
            return await self.engine.explain(
                question,
                self.settings.sync,
                self.records.queue,
                frozenset(HoldReason(reason) for reason in held.reasons) if held else frozenset(),
            )

    async def async_pin(self, keys: Iterable[RowKey]) -> None:
        """Let labels of ours stay although nobody wants them."""
        async with self._turns.turn(Urgency.SYNC):
            self.records.ledger.pin(keys)
            await self.records.async_save_ledger()

    async def async_triage(
        self, rating_keys: Collection[str], *, missed_until: float = float("-inf")
    ) -> Candidates:
        """Return what is worth a live look among items of which Plex spoke.

        Also among those of which it spoke to nobody before `missed_until`, by the steady clock.
        Waits for the run that is on: what it writes is no news. A full sync follows where that
        costs less. Raises ServiceError, and StoppedError when the entry is being unloaded.
        """
        async with self._turns.turn(Urgency.LIVE):
            if self._stopped:
                raise StoppedError
            candidates = Candidates()
            if missed_until > float("-inf"):
                candidates = await self.engine.missed(missed_until, self.settings.sync)
            candidates += await self.engine.triage(rating_keys, self.settings.sync)
        if candidates.too_many:
            self._schedule.sync_soon()
        return candidates

    async def async_watch(self, urgent: Collection[int]) -> Watched:
        """Look what has changed on watchlists, and have the changed titles looked at.

        Lists of people in `urgent` are read in any case. Raises ServiceError.
        """
        try:
            watched = await self.engine.watch(self.settings.sync, urgent)
        finally:
            self._hand_over_changed()
        if watched.people:
            self._answered([Service.PULSARR])
        if watched.puzzling:
            self._schedule.sync_soon()
        return watched

    @callback
    def async_pulsarr_failed(self, err: ServiceError) -> None:
        """Take in that Pulsarr could not be asked, beside any run."""
        self._take_in(err)
        self.async_refresh_status()

    @callback
    def _hand_over_changed(self) -> None:
        """Have titles looked at that came onto a watchlist or left it, whoever noticed."""
        titles = self.engine.take_changed()
        if titles and self.settings.live_mode and not self._stopped:
            self.live.async_changed(titles, because=StartedBy.WATCHLIST)

    @callback
    def async_sync_soon(self) -> None:
        """Carry out a full sync in a while: there is more to look at than can be looked at singly."""
        self._schedule.sync_soon()

    @callback
    def async_live_updates(self, *, on: bool) -> None:
        """Take in whether Plex's notifications are heard."""
        if on != self._live_updates:
            self._live_updates = on
            self.async_refresh_status()
        if on:
            self._answered([Service.PLEX])

    async def async_plex_answers(self) -> bool:
        """Ask Plex whether it is there, and take in the answer."""
        try:
            await async_see_plex(self)
        except ServiceError as err:
            self._take_in(err)
            self.async_refresh_status()
            return False
        self._answered([Service.PLEX])
        return True

    @callback
    def async_in_background(self, job: Coroutine[None, None, object], name: str) -> None:
        """Run a coroutine that ends with the entry."""
        _ = self.config_entry.async_create_background_task(self.hass, job, f"{DOMAIN} {name}")

    async def _async_scheduled(self, started_by: StartedBy) -> None:
        """Carry out a full sync that nobody waits for."""
        with suppress(StoppedError):
            await self.async_run(Request(routine=True, started_by=started_by))

    async def async_run(self, request: Request, *, user_id: str | None = None) -> Run:
        """Carry out a run when those before it are done; share an equal one that still waits.

        Cancelling the caller does not stop the run. Raises UnknownPersonError or
        UnknownLibraryError for a request that cannot be carried out, WaitingError for one dry run
        of a user too many, StoppedError when the entry is being unloaded.
        """
        if self._stopped:
            raise StoppedError
        return await self._runs.run(request, user_id)

    async def _async_one_run(self, request: Request, begins: Begins) -> Run:
        async with self._turns.turn(urgency(request)):
            begins()
            if self._stopped:
                raise StoppedError
            visible = request.kind is not RunKind.LIVE and not request.dry_run
            if visible:
                self.async_set_updated_data(self._status(State.SYNCING))
            before = self.outcome.before
            was_open = self._open()
            run: Run | None = None
            try:
                progress = Progress(self._show_progress) if visible else None
                run = await self.engine.run(
                    request,
                    self.settings.sync,
                    before,
                    progress,
                    question_of(self.records.held),
                )
            finally:
                if run is None:
                    self.async_set_updated_data(self._status(self._resting_state()))
            self._note(request, run)
            if not request.dry_run:
                await self._keep(request, run)
            if request.kind is RunKind.FULL and before is not None and not request.dry_run:
                self._tell_news(run)
            if not request.dry_run:
                for kind, told in activities_of(
                    request, run, was_open, self._open(), self.records.ledger
                ):
                    self.async_activity(kind, **told)
            self._publish(run)
            self._hand_over_changed()
            return run

    def _open(self) -> Open:
        """Return what waits for a decision and what cannot be read."""
        return Open(self.records.held, self.records.knowledge.gaps)

    @callback
    def _show_progress(self, percent: int) -> None:
        self.async_set_updated_data(replace(self.data, progress=percent))

    async def _keep(self, request: Request, run: Run) -> None:
        """Remember what a run came to, and what the brake held."""
        self.async_count_ledger()
        if self.records.unsaved:
            await self.records.async_flush()
        if request.kind is RunKind.FULL:
            self.records.summary = after_sync(self.records.summary, request, run)
        await self._recount()
        await self.outcome.async_keep(request, run, self.settings)
        await self.records.async_save_summary()

    async def _recount(self) -> None:
        """Count what became of everybody's titles, in a thread: they may be tens of thousands."""
        async with self._counting:
            if (standings := self.standings()) is not None:
                counted = await asyncio.to_thread(figures, standings)
                self.records.summary = with_figures(self.records.summary, counted)

    async def async_recount(self) -> None:
        """Show and keep what became of titles after the queue or the ledger has changed."""
        await self._recount()
        self.async_refresh_status()
        await self.records.async_save_summary()

    async def async_settled(self) -> None:
        """Wait for the run that is on, if one is."""
        async with self._turns.turn(Urgency.READ_ONLY):
            pass

    @callback
    def standings(self) -> Standings | None:
        """Return what tells the status of titles, None before the first look at all of them."""
        if (overview := self.engine.overview) is None:
            return None
        held = self.records.held
        keys = frozenset[RowKey]() if held is None else held.row_keys
        return Standings(overview, self.records.ledger, self.records.queue, keys)

    def _note(self, request: Request, run: Run) -> None:
        """Take in whether the servers could be reached; say so once when that changes."""
        if (err := run.error) is not None:
            self._take_in(err)
            if (
                err.failure not in CREDENTIAL_FAILURES
                and request.kind is RunKind.FULL
                and not request.dry_run
            ):
                self._schedule.failed()
            return
        answered = [Service.PLEX]
        lists = self.engine.watchlists
        if lists is not None and lists.read_at >= run.started:
            answered.append(Service.PULSARR)
        back = self.reachability.answered(answered)
        if request.kind is RunKind.FULL and not request.dry_run:
            self._schedule.succeeded()
        elif back:
            self._schedule.catch_up()

    def _take_in(self, err: ServiceError) -> None:
        """Do what follows from a server's failure, whatever was asked."""
        self.reachability.failed(err)
        if self.reachability.away:
            self._schedule.probe_later()
        if err.failure in CREDENTIAL_FAILURES:
            self.config_entry.async_start_reauth(self.hass)

    def _answered(self, services: Iterable[Service]) -> None:
        """Take in that servers answer; make up for what failed if one of them was away."""
        if self.reachability.answered(services):
            self.async_refresh_status()
            self._schedule.catch_up()

    def _publish(self, run: Run) -> None:
        """Show a run's outcome in the entities."""
        if run.failed:
            _LOGGER.warning(
                "%s: %d label changes are not in Plex, for example %r on %s: %s",
                self.name,
                len(run.failed),
                run.failed[0].change.label,
                run.failed[0].change.title,
                run.failed[0].failure,
            )
        self.async_set_updated_data(self._status(self._resting_state()))

    def _resting_state(self) -> State:
        """Return what the status is while no full sync is on."""
        return self.reachability.state(held=self.records.held is not None)

    @callback
    def async_refresh_status(self) -> None:
        """Show the queue and the ledger as they are now."""
        busy = self.data.state is State.SYNCING and self._turns.locked()
        self.async_set_updated_data(self._status(State.SYNCING if busy else self._resting_state()))

    def _tell_news(self, run: Run) -> None:
        """Tell of titles that nobody announced. A first sync has labelled what was there already."""
        if (lists := self.engine.watchlists) is not None:
            for news in label_events_of(run.changes, lists):
                self.async_labels_changed(news)

    @callback
    def async_labels_changed(self, news: LabelEvent) -> None:
        """Tell that a title got labels, and who can see it where that is known."""
        if self.visible_news is not None and self.visible_news.knows:
            self.async_in_background(self.visible_news.async_tell(news), "news of a title")
        else:
            self.async_tell_labels(news)

    @callback
    def async_tell_labels(self, news: LabelEvent, *, visible_to: list[str] | None = None) -> None:
        """Tell that a title got labels; `visible_to` is None where that is not known."""
        known = {} if visible_to is None else {"visible_to": visible_to}
        self.async_activity(
            Activity.LABELS_CHANGED,
            title=news.title,
            type=news.type.value,
            people=list(names_of(news.people)),
            labels=list(news.labels),
            poster=news.poster,
            rating_key=news.rating_key,
            **known,
        )

    @callback
    def async_activity(self, activity: Activity, /, **attributes: object) -> None:
        """Tell the event entity that something happened."""
        signal = activity_signal(self.config_entry.entry_id)
        async_dispatcher_send(self.hass, signal, activity, attributes)

    async def _async_probe(self) -> None:
        """Ask the servers that are away whether they are back."""
        asked = self.reachability.away & self._probes.keys()
        answers = await asyncio.gather(
            *(self._probes[service]() for service in asked), return_exceptions=True
        )
        back = [one for one, answer in zip(asked, answers, strict=True) if not _failed(answer)]
        self._answered(back)
        if self.reachability.away:
            self._schedule.probe_later()


def _failed(answer: object) -> bool:
    """Tell whether a probe's answer is a failure. Raises what is none of a server's."""
    if isinstance(answer, BaseException) and not isinstance(answer, ServiceError):
        raise answer
    return isinstance(answer, ServiceError)
