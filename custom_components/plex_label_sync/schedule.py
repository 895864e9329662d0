"""When full syncs start by themselves."""

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval

from .sync.run import StartedBy
from .timer import Timer

RETRY_AFTER: Final = 60.0  # seconds from a failed full sync to the next try, doubled each time
RETRY_AFTER_MAX: Final = 600.0  # seconds
CATCH_UP_AFTER: Final = 1.0  # seconds from a server's return to the full sync that it missed
SOON: Final = 60.0  # seconds from a flood of news to the full sync that makes up for it
READ_AGAIN_AFTER: Final = 305.0  # seconds; a list that shrank is believed when it is read so twice

type Sync = Callable[[StartedBy], Coroutine[Any, Any, None]]


class Schedule:
    """The timers of one entry. None of them outlives `cancel`."""

    def __init__(self, hass: HomeAssistant, name: str, *, sync: Sync) -> None:
        """`sync` carries out a full sync and takes what started it."""
        self._hass = hass
        self._name = name
        self._sync = sync
        self._interval: float | None = None
        self._failures = 0
        self._clock: CALLBACK_TYPE | None = None
        self._retry = Timer(hass, partial(sync, StartedBy.RETRY))
        self._soon = Timer(hass, partial(sync, StartedBy.FOLLOW_UP))
        self._again = Timer(hass, partial(sync, StartedBy.FOLLOW_UP))
        self._over = False  # an answer may come in after the entry was unloaded

    @callback
    def start(self, interval: float) -> None:
        """Start a full sync every `interval` seconds from now on."""
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
        """Start no more full syncs, neither by the clock nor because one failed."""
        self._interval = None
        if self._clock is not None:
            self._clock()
            self._clock = None
        self.succeeded()

    @callback
    def cancel(self) -> None:
        """Cancel everything; nothing begins any more."""
        self._over = True
        self.stop()
        for timer in (self._soon, self._again):
            timer.cancel()

    @callback
    def failed(self) -> None:
        """Try a failed full sync again, later each time."""
        if self._interval is not None:
            self._retry.set(min(RETRY_AFTER * 2**self._failures, RETRY_AFTER_MAX, self._interval))
            self._failures += 1

    @callback
    def succeeded(self) -> None:
        """Forget that a full sync has failed."""
        self._failures = 0
        self._retry.cancel()

    @callback
    def catch_up(self) -> None:
        """Make up for a failed full sync now, because a server is back."""
        if self._retry.is_set:
            self._retry.set(CATCH_UP_AFTER)

    @callback
    def sync_soon(self) -> None:
        """Start one full sync in a while, however often this is asked for until then."""
        self._set_once(self._soon, SOON)

    @callback
    def read_again(self) -> None:
        """Start a full sync when a list that shrank may be believed."""
        self._set_once(self._again, READ_AGAIN_AFTER)

    def _set_once(self, timer: Timer, seconds: float) -> None:
        if not self._over:
            timer.set_once(seconds)

    async def _async_tick(self, _now: datetime) -> None:
        await self._sync(StartedBy.CLOCK)
