"""When full syncs start by themselves, and when a server that is away is asked again."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval

from .sync.model import StartedBy

RETRY_AFTER: Final = 60.0  # seconds from a failed full sync to the next try, doubled each time
RETRY_AFTER_MAX: Final = 600.0  # seconds
CATCH_UP_AFTER: Final = 1.0  # seconds from a server's return to the full sync that it missed
SOON: Final = 60.0  # seconds from a flood of news to the full sync that makes up for it
READ_AGAIN_AFTER: Final = 305.0  # seconds; a list that shrank is believed when it is read so twice
PROBE_AFTER: Final = 15.0  # seconds between two questions to a server that is away

type Job = Callable[[], Awaitable[object]]
type Sync = Callable[[StartedBy], Awaitable[object]]


class Schedule:
    """The timers of one entry. None of them outlives `cancel`."""

    def __init__(self, hass: HomeAssistant, name: str, *, sync: Sync, probe: Job) -> None:
        """`sync` carries out a full sync and takes what started it, `probe` asks the servers that are away."""
        self._hass = hass
        self._name = name
        self._sync = sync
        self._ask = probe
        self._interval: float | None = None
        self._failures = 0
        self._clock: CALLBACK_TYPE | None = None
        self._retry: CALLBACK_TYPE | None = None
        self._probe: CALLBACK_TYPE | None = None
        self._soon: CALLBACK_TYPE | None = None
        self._again: CALLBACK_TYPE | None = None
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
        for timer in (self._probe, self._soon, self._again):
            if timer is not None:
                timer()
        self._probe = self._soon = self._again = None

    @callback
    def failed(self) -> None:
        """Try a failed full sync again, later each time."""
        if self._interval is not None:
            delay = min(RETRY_AFTER * 2**self._failures, RETRY_AFTER_MAX, self._interval)
            self._failures += 1
            self._retry_in(delay)

    @callback
    def succeeded(self) -> None:
        """Forget that a full sync has failed."""
        self._failures = 0
        self._cancel_retry()

    @callback
    def catch_up(self) -> None:
        """Make up for a failed full sync now, because a server is back."""
        if self._retry is not None:
            self._retry_in(CATCH_UP_AFTER)

    @callback
    def sync_soon(self) -> None:
        """Start one full sync in a while, however often this is asked for until then."""
        if self._soon is None and not self._over:
            self._soon = async_call_later(self._hass, SOON, self._async_soon)

    @callback
    def read_again(self) -> None:
        """Start a full sync when a list that shrank may be believed."""
        if self._again is None and not self._over:
            self._again = async_call_later(self._hass, READ_AGAIN_AFTER, self._async_again)

    @callback
    def probe_later(self) -> None:
        """Ask the servers that are away in a while."""
        if self._probe is None and not self._over:
            self._probe = async_call_later(self._hass, PROBE_AFTER, self._async_probe)

    @callback
    def _retry_in(self, seconds: float) -> None:
        self._cancel_retry()
        self._retry = async_call_later(self._hass, seconds, self._async_retry)

    @callback
    def _cancel_retry(self) -> None:
        if self._retry is not None:
            self._retry()
            self._retry = None

    async def _async_tick(self, _now: datetime) -> None:
        await self._sync(StartedBy.CLOCK)

    async def _async_retry(self, _now: datetime) -> None:
        self._retry = None
        await self._sync(StartedBy.RETRY)

    async def _async_soon(self, _now: datetime) -> None:
        self._soon = None
        await self._sync(StartedBy.FOLLOW_UP)

    async def _async_again(self, _now: datetime) -> None:
        self._again = None
        await self._sync(StartedBy.FOLLOW_UP)

    async def _async_probe(self, _now: datetime) -> None:
        self._probe = None
        await self._ask()
