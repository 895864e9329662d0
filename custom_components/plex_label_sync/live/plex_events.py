"""Follow Plex's notifications, so that titles are labelled even if webhooks are lost."""

import asyncio
import logging
import random
from typing import Final

from homeassistant.core import callback

from ..clocks import steady
from ..const import DOMAIN
from ..context import EntryContext
from ..errors import StoppedError
from ..faults import FaultLog
from ..plex.events import Message, NoticeKind
from ..runner import Runner
from ..servers import Servers
from ..sync.event_candidates import REQUESTED_MAX
from ..sync.model import Failure, ServiceError
from ..timer import Timer
from .live_sync import LiveSync

_LOGGER = logging.getLogger(__name__)

TASK_NAME: Final = f"{DOMAIN} live updates"
# Events are processed after a short delay that combines those of one item. In a burst (a show with
# its episodes, a scan, a refresh) they are collected for longer.
MOMENT: Final = 0.15  # seconds
WINDOW: Final = 1.5  # seconds
BURST: Final = 6  # items with events within a window
NOTHING_MISSED: Final = float("-inf")
STABLE_AFTER: Final = 60.0  # seconds of connection after which the reconnect delay is reset


class PlexEventFollower:
    """The connection to Plex's notifications while live mode is on."""

    def __init__(
        self, context: EntryContext, servers: Servers, runner: Runner, live: LiveSync
    ) -> None:
        """Initialize; `live` syncs the items found."""
        self._context = context
        self._times = context.limits.reconnect
        self._servers = servers
        self._runner = runner
        self._live = live
        self._task: asyncio.Task[None] | None = None
        self._timer = Timer(context.hass, self._async_due)
        self._processed: dict[str, None] = {}  # rating keys to check
        self._recent: dict[str, float] = {}  # monotonic time of recent events, by rating key
        # Monotonic time until which events may have been missed.
        self._missed_until = NOTHING_MISSED
        self._faults = FaultLog(_LOGGER)
        self._blocked = False  # logged that the notifications do not work

    @callback
    def async_start(self) -> None:
        """Start listening if live mode is on."""
        self._context.entry.async_on_unload(self._stop)
        self.async_change_modes()

    @callback
    def async_change_modes(self) -> None:
        """Start or stop listening according to live mode."""
        if not self._context.settings.live_mode:
            self._stop()
        elif self._task is None:
            self._task = self._context.entry.async_create_background_task(
                self._context.hass, self._follow(), TASK_NAME
            )

    @callback
    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._timer.cancel()
        self._servers.async_set_live_updates(on=False)

    async def _follow(self) -> None:
        """Stay connected; each connection starts with a catch-up, as Plex repeats no events."""
        delay = self._times.first
        while True:
            began = self._context.hass.loop.time()
            delay = await self._listen_safely(delay)
            if self._context.hass.loop.time() - began > STABLE_AFTER:
                delay = self._times.first
            _LOGGER.debug("No live updates from Plex; next try in %.0f s", delay)
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 - to spread attempts
            delay = max(delay, min(delay * 2, self._times.most))

    async def _listen_safely(self, delay: float) -> float:
        """Listen until the connection ends or fails; return the reconnect delay in seconds."""
        with self._faults.survived():
            try:
                await self._listen()
            except ServiceError as err:
                delay = await self._failed(err, delay)
        return delay

    async def _listen(self) -> None:
        """Process messages until the connection ends. Raises ServiceError if it cannot be made."""
        async with self._servers.plex.listen() as messages:
            self._blocked = False
            try:
                self._servers.async_set_live_updates(on=True)
                self._missed_until = steady()
                self._wait(0.0)
                async for message in messages:
                    with self._faults.survived():
                        self._process(message)
            finally:
                self._servers.async_set_live_updates(on=False)

    async def _failed(self, err: ServiceError, delay: float) -> float:
        """Log if only the notifications fail; return the reconnect delay in seconds."""
        if await self._servers.async_plex_answers() and not self._blocked:
            self._blocked = True
            _LOGGER.warning(
                "Plex answers, but live updates from it do not work (%s); titles are labelled "
                "when Pulsarr announces them, and by the clock",
                err,
            )
        return self._times.refused if err.failure is Failure.INVALID_AUTH else delay

    @callback
    def _process(self, message: Message) -> None:
        for notice in message.notices:
            if notice.what is NoticeKind.DELETED:
                self._runner.engine.item_deleted(notice.rating_key)
                self._processed.pop(notice.rating_key, None)
            elif self._context.settings.sync.covers(notice.library):
                self._processed[notice.rating_key] = None
                self._gather(notice.rating_key)
        if message.scan_ended:
            self._live.async_scan_ended()

    @callback
    def _gather(self, rating_key: str) -> None:
        """Schedule a check of an event: shortly, or in a burst at the end of a window."""
        now = steady()
        self._recent.pop(rating_key, None)
        self._recent[rating_key] = now
        while (oldest := next(iter(self._recent))) and self._recent[oldest] <= now - WINDOW:
            del self._recent[oldest]
        self._wait(MOMENT if len(self._recent) < BURST else WINDOW)

    @callback
    def _wait(self, seconds: float) -> None:
        """Schedule a check in so many seconds, unless one is due earlier."""
        self._timer.set_earlier(seconds)

    @callback
    def _async_due(self) -> None:
        self._context.in_background(self._check_events(), "check of Plex events")

    async def _check_events(self) -> None:
        """Check the collected events; an error does not prevent later checks."""
        with self._faults.survived():
            await self._triage()

    async def _triage(self) -> None:
        processed, self._processed = self._processed, {}
        missed, self._missed_until = self._missed_until, NOTHING_MISSED
        try:
            candidates = await self._runner.async_triage(tuple(processed), missed_until=missed)
        except StoppedError:
            return
        except ServiceError as err:
            _LOGGER.debug("Processing of Plex's events is postponed: %s", err)
            # A few are kept; for many, the newest items are checked instead.
            if len(processed) > REQUESTED_MAX:
                missed = steady()
            else:
                self._processed = processed | self._processed
            self._missed_until = max(missed, self._missed_until)
            self._wait(self._context.settings.queue.pending_retry_interval)
        else:
            self._live.async_process_items(candidates)
            if candidates.again:
                self._wait(candidates.again)
