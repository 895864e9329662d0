"""Live sync: process reported titles soon, and again until they are in Plex."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
import logging
import time
from typing import Final, assert_never

from homeassistant.core import callback

from ..backoff import Backoff
from ..clocks import ClockWatch, steady
from ..context import EntryContext
from ..errors import StoppedError
from ..faults import FaultLog
from ..pulsarr.payloads import Signal, SignalKind
from ..runner import Runner
from ..sharing_check.events import LabelsChanged
from ..status import Activity
from ..sync.event_candidates import Candidates
from ..sync.model import Item, Service, Title
from ..sync.queue import (
    SEARCHED_FOR,
    PendingSync,
    Queue,
    Reason,
    announce,
    due,
    expedited,
    next_due,
    postponed,
    shifted,
    with_results,
)
from ..sync.request import LiveRequest
from ..sync.run import Outcome, Run, StartedBy, TitleResult
from ..sync.threads import in_thread
from ..sync.wanted import people_wanting
from ..timer import Timer
from .label_events import label_event_of

_LOGGER = logging.getLogger(__name__)

GATHER: Final = 0.3  # seconds for which events are collected before processing
REST_MAX: Final = 10.0  # seconds; a pass is followed by a pause of its own length, at most this
SCAN_GAP: Final = 10.0  # seconds between two passes triggered by the end of a scan
RETRY_AFTER_MAX: Final = 600.0  # seconds between attempts while a server is unavailable
CHANGED_MAX: Final = 1000  # titles added to or removed from watchlists that are processed singly

_UNREACHABLE: Final = {
    Service.PLEX: Reason.PLEX_UNREACHABLE,
    Service.PULSARR: Reason.PULSARR_UNREACHABLE,
}
# What Plex did not accept or could not read is worth another try.
_RETRIED: Final = frozenset({Outcome.NOT_WRITTEN, Outcome.NOT_READ})


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """The result of one pass, as counts of titles."""

    processed: int = 0
    labelled: int = 0
    waiting: int = 0
    expired: int = 0
    run: Run | None = None


class LiveSync:
    """Collects titles and starts live syncs for them.

    Titles announced as available wait in the stored queue. Titles added to or removed from a
    watchlist are processed once: the next full sync covers them anyway.
    """

    def __init__(
        self, context: EntryContext, runner: Runner, labels_changed: LabelsChanged
    ) -> None:
        """Initialize with the stored queue."""
        self._context = context
        self._runner = runner
        self._labels_changed = labels_changed
        self._records = runner.records
        self._settings = context.settings.queue
        self._queue_max = context.limits.queue_max
        self._backoff = Backoff(self._settings.pending_retry_interval, RETRY_AFTER_MAX)
        self._announced: list[Title] = []
        self._changed: dict[Title, None] = {}
        self._candidates: dict[Title, None] = {}
        self._seen: dict[str, Item] = {}
        # Times are monotonic here, but wall-clock times in the queue.
        self._because: StartedBy | None = None  # the first trigger of the next pass
        self._newer_than = float("-inf")
        self._reported_at = float("-inf")
        self._rest_until = float("-inf")
        self._last_scan = float("-inf")
        self._clock = ClockWatch()
        self._faults = FaultLog(_LOGGER)
        self._queueing = False
        self._timer = Timer(context.hass, self._async_due)
        self._busy = False
        self._lock = asyncio.Lock()

    @callback
    def async_start(self) -> None:
        """Start processing the stored queue; each entry gets at least one more attempt."""
        now = time.time()
        grace = now + 2 * self._settings.pending_retry_interval
        self._records.queue = tuple(
            replace(entry, expires=max(entry.expires, grace)) for entry in self._records.queue
        )
        self._context.entry.async_on_unload(self._timer.cancel)
        self._context.entry.async_on_unload(
            self._runner.on_changed_titles.add(self._on_changed_titles)
        )
        self._schedule()

    @callback
    def _on_changed_titles(self, titles: tuple[Title, ...]) -> None:
        self.async_changed(titles, because=StartedBy.WATCHLIST)

    @property
    def queue(self) -> Queue:
        """The pending syncs."""
        return self._records.queue

    @callback
    def async_on_signal(self, signal: Signal) -> None:
        """Record a webhook event; it is processed in the background."""
        if not self._context.settings.live_mode or signal.title is None:
            return
        match signal.kind:
            case SignalKind.AVAILABLE:
                self._reported_at = steady()
                self._because = self._because or StartedBy.WEBHOOK
                self._announced.append(signal.title)
                if not self._queueing:
                    self._context.in_background(self._queue_announced(), "announcement")
            case SignalKind.WATCHLIST_ADDED | SignalKind.WATCHLIST_REMOVED:
                if signal.kind is SignalKind.WATCHLIST_REMOVED:
                    self._records.knowledge.lists.explain(signal.title, time.time())
                self.async_changed([signal.title], because=StartedBy.WEBHOOK, newer_than=steady())
            case SignalKind.JOINED | SignalKind.TEST | SignalKind.IGNORED:
                pass  # not about a title
            case _:
                assert_never(signal.kind)

    @callback
    def async_changed(
        self,
        titles: Collection[Title],
        *,
        because: StartedBy,
        newer_than: float = float("-inf"),
    ) -> None:
        """Schedule a live sync of titles whose wanters may have changed.

        It needs watchlists read after `newer_than` (monotonic clock, in seconds).
        """
        self._because = self._because or because
        self._newer_than = max(self._newer_than, newer_than)
        if len(titles) <= CHANGED_MAX:
            self._changed.update(dict.fromkeys(titles))
        if max(len(self._changed), len(titles)) > CHANGED_MAX:
            self._changed.clear()
            self._too_many("titles came onto or left watchlists")
        self._schedule()

    @callback
    def async_process_items(self, candidates: Candidates) -> None:
        """Process items that were changed in Plex at once."""
        if candidates.titles:
            self._because = self._because or StartedBy.PLEX_EVENT
            self._candidates.update(dict.fromkeys(candidates.titles))
            self._seen.update((item.rating_key, item) for item in candidates.items)
            self._schedule(gather=0.0)

    @callback
    def async_scan_ended(self) -> None:
        """Schedule all pending syncs, because Plex has just scanned for new files."""
        if self.queue and self._context.settings.live_mode:
            now = steady()
            self._because = self._because or StartedBy.PLEX_EVENT
            self._last_scan = max(now, self._last_scan + SCAN_GAP)
            self._follow_clock()
            when = time.time() + self._last_scan - now
            self._records.queue = expedited(self.queue, when)
            self._schedule()

    @callback
    def async_server_returned(self) -> None:
        """Process at once what waits for a server that was unavailable."""
        if self._backoff.failures and self._context.settings.live_mode:
            self._records.queue = expedited(self.queue, time.time())
            self._schedule()

    def _too_many(self, what: str) -> None:
        _LOGGER.warning("Too many %s to process one by one; a full sync follows", what)
        self._runner.schedule.sync_soon()

    async def _queue_announced(self) -> None:
        """Add announced titles to the queue, and save it before they are processed."""
        self._queueing = True
        try:
            while self._announced:
                titles, self._announced = self._announced, []
                known = len(self.queue)
                queue = announce(self.queue, titles, time.time(), self._settings, self._queue_max)
                await self._records.async_save_queue(queue)
                for entry in await self._with_people(queue[known:]):
                    self._fire(Activity.PENDING_ADDED, entry)
                if len(queue) == self._queue_max:
                    self._too_many("announced titles wait")
        finally:
            self._queueing = False
        await self._runner.async_recount()
        self._schedule()

    async def _with_people(self, entries: Queue) -> Queue:
        """Return entries with the people who want them, according to the watchlists read so far."""
        lists = self._runner.engine.watchlists
        if lists is None or not entries:
            return entries
        titles = [entry.title for entry in entries]
        settings = self._context.settings.sync
        people = await in_thread(people_wanting, titles, lists, settings)
        return tuple(
            replace(entry, people=some) for entry, some in zip(entries, people, strict=True)
        )

    async def async_drop(self, guid: str | None) -> int:
        """Drop the pending syncs with an id, or all for None; return their number."""
        queue = self.queue
        wanted = None if guid is None else guid.replace("://", ":").casefold()
        kept = tuple(
            entry for entry in queue if wanted is not None and wanted not in entry.title.ids
        )
        await self._records.async_save_queue(kept)
        await self._runner.async_recount()
        return len(queue) - len(kept)

    async def async_process(
        self, *, everything: bool = False, started_by: str | None = None
    ) -> ProcessResult:
        """Process the due pending syncs, or with `everything` all of them, in one run.

        `started_by` is the name of the user who requested it, or another trigger.

        Raises nothing if a server is unavailable: the entries record it and continue to wait.
        """
        async with self._lock:
            return await self._process(everything, started_by)

    async def _process(self, everything: bool, started_by: str | None) -> ProcessResult:
        because, self._because = self._because, None
        changed, self._changed = self._changed, {}
        candidates, self._candidates = self._candidates, {}
        self._follow_clock()
        seen, self._seen = self._seen, {}
        entries = (
            self.queue if everything else due(self.queue, time.time(), {**changed, **candidates})
        )
        titles = tuple(dict.fromkeys([*(entry.title for entry in entries), *changed, *candidates]))
        if not titles:
            return ProcessResult(waiting=len(self.queue))
        first_searches = [entry.title for entry in entries if entry.reason not in SEARCHED_FOR]
        request = LiveRequest(
            titles=titles,
            thorough=frozenset([*first_searches, *changed]),
            newer_than=self._newer_than,
            reported_at=self._reported_at,
            seen=tuple(seen.values()),
            started_by=started_by or because or StartedBy.PENDING,
        )
        run = await self._runner.async_run(request)
        if run.error is not None:
            # Not all of these are in the queue: they are kept for the next pass as well.
            self._changed = changed | self._changed
            self._candidates = candidates | self._candidates
            self._seen = seen | self._seen
            self._because = because or self._because
            await self._records.async_save_queue(
                postponed(
                    self.queue,
                    titles,
                    _UNREACHABLE.get(run.error.service, Reason.NOT_WRITTEN),
                    time.time() + self._backoff.delay,
                )
            )
            result = ProcessResult(len(titles), 0, len(self.queue), 0, run)
        else:
            result = await self._record_results(run)
        await self._runner.async_recount()
        return result

    async def _record_results(self, run: Run) -> ProcessResult:
        """Update the queue with a run's results, and report them."""
        now = time.time()
        queue = self.queue
        for title_result in run.title_results:
            title = title_result.title
            if title_result.outcome in _RETRIED and all(entry.title != title for entry in queue):
                queue = announce(queue, [title], now, self._settings)
        lists = self._runner.engine.watchlists
        result = with_results(
            queue,
            run.title_results,
            now,
            self._settings,
            lists_read_at=lists.read_at if lists is not None else 0.0,
        )
        await self._records.async_save_queue(result.queue)
        for entry in result.resolved:
            self._fire(Activity.PENDING_RESOLVED, entry)
        for entry in result.unwanted:
            # It may well be in Plex: there is nothing to warn of.
            _LOGGER.info("%s is on no watchlist that could be read", entry.title.name)
            self._fire(Activity.PENDING_RESOLVED, entry)
        for entry in result.expired:
            _LOGGER.warning(
                "%s was announced but is still not labelled in Plex (%s); "
                "the next full sync tries again",
                entry.title.name,
                entry.reason.value,
            )
            self._fire(Activity.PENDING_EXPIRED, entry)
        for title_result in run.title_results:
            self._fire_changes(title_result, run)
        return ProcessResult(
            processed=len(run.title_results),
            labelled=sum(
                title_result.outcome is Outcome.SETTLED for title_result in run.title_results
            ),
            waiting=len(result.queue),
            expired=len(result.expired),
            run=run,
        )

    def _fire(self, kind: Activity, entry: PendingSync) -> None:
        self._context.fire(
            kind, title=entry.title.name, type=entry.title.type.value, people=list(entry.people)
        )

    def _fire_changes(self, title_result: TitleResult, run: Run) -> None:
        changes = [
            change for change in run.changes if change.rating_key in title_result.rating_keys
        ]
        lists = self._runner.engine.watchlists
        if event := label_event_of(changes, lists, title_result.title.poster):
            self._labels_changed.async_notify(event)

    @callback
    def _schedule(self, *, gather: float = GATHER) -> None:
        """Set the timer for the next pass."""
        self._timer.cancel()
        if self._busy:
            return
        self._follow_clock()
        when = next_due(self.queue)
        if self._changed or self._candidates:
            when = 0.0
        if when is not None:
            delay = max(gather, when - time.time(), self._rest_until - steady())
            self._timer.set(delay)

    @callback
    def _follow_clock(self) -> None:
        """Shift the queue's times if the clock was changed, so that waits keep their length."""
        if step := self._clock.step():
            self._records.queue = shifted(self.queue, step)

    @callback
    def _async_due(self) -> None:
        self._context.in_background(self._pass(), "pending pass")

    async def _pass(self) -> None:
        """Carry out one pass; titles that arrive meanwhile wait for the next one."""
        self._busy = True
        failed = False
        began = steady()
        try:
            result = await self.async_process()
            failed = result.run is not None and result.run.error is not None
        except StoppedError:
            return  # the queue is stored
        except Exception as err:  # noqa: BLE001 - a failed pass must not prevent later ones
            self._faults.note(err)
            failed = True
        finally:
            self._busy = False
            now = steady()
            self._rest_until = now + min(now - began, REST_MAX)
        if not failed:
            self._backoff.reset()
        wait = self._backoff.failed() if failed else 0.0
        if wait and (self._changed or self._candidates):
            self._timer.set(wait)  # not all of these are in the queue
        else:
            self._schedule()
