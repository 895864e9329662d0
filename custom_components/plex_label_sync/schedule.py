"""The schedule of automatic full syncs."""

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval

from .backoff import Backoff
from .sync.run import StartedBy
from .timer import Timer

RETRY_AFTER: Final = 60.0  # seconds from a failed full sync to the next attempt, doubled each time
RETRY_AFTER_MAX: Final = 600.0  # seconds
CATCH_UP_AFTER: Final = 1.0  # seconds from a server's return to the missed full sync
SOON: Final = 60.0  # seconds to a full sync that replaces many live syncs
READ_AGAIN_AFTER: Final = 305.0  # seconds; a shrunken list is accepted when two reads agree

type Sync = Callable[[StartedBy], Coroutine[Any, Any, None]]


class Schedule:
    """The timers of one entry's full syncs, all ended by `cancel`."""

    def __init__(self, hass: HomeAssistant, name: str, *, sync: Sync) -> None:
        """Initialize; `sync` carries out a full sync and takes what started it."""
        self._hass = hass
        self._name = name
        self._sync = sync
        self._interval: float | None = None
        self._backoff = Backoff(RETRY_AFTER, RETRY_AFTER_MAX)
        self._clock: CALLBACK_TYPE | None = None
        self._retry = Timer(hass, partial(sync, StartedBy.RETRY))
        self._soon = Timer(hass, partial(sync, StartedBy.FOLLOW_UP))
        self._again = Timer(hass, partial(sync, StartedBy.FOLLOW_UP))
        self._over = False  # a response may arrive after the entry was unloaded

    @callback
    def start(self, interval: float) -> None:
        """Start a full sync every `interval` seconds."""
        self.stop()
        self._interval = interval
        self._clock = async_track_time_interval(
            self._hass,
            self._async_tick,
            timedelta(seconds=interval),
            name=f"{self._name} full sync",
            cancel_on_shutdown=True,
        )

    @callback
    def stop(self) -> None:
        """Stop scheduled full syncs and retries."""
        self._interval = None
        if self._clock is not None:
            self._clock()
            self._clock = None
        self.succeeded()

    @callback
    def cancel(self) -> None:
        """Cancel all timers for good."""
        self._over = True
        self.stop()
        for timer in (self._soon, self._again):
            timer.cancel()

    @callback
    def failed(self) -> None:
        """Schedule a retry of a failed full sync, with increasing delay."""
        if self._interval is not None:
            self._retry.set(min(self._backoff.failed(), self._interval))

    @callback
    def succeeded(self) -> None:
        """Cancel the retry and reset its delay."""
        self._backoff.reset()
        self._retry.cancel()

    @callback
    def catch_up(self) -> None:
        """Bring the retry of a failed full sync forward, because a server is back."""
        if self._retry.is_set:
            self._retry.set(CATCH_UP_AFTER)

    @callback
    def sync_soon(self) -> None:
        """Schedule one full sync soon; further calls until then have no effect."""
        self._set_once(self._soon, SOON)

    @callback
    def read_again(self) -> None:
        """Schedule a full sync for when a shrunken list may be accepted."""
        self._set_once(self._again, READ_AGAIN_AFTER)

    def _set_once(self, timer: Timer, seconds: float) -> None:
        if not self._over:
            timer.set_once(seconds)

    async def _async_tick(self, _now: datetime) -> None:
        await self._sync(StartedBy.CLOCK)
