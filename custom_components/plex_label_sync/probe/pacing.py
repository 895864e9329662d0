"""Pace the requests of a probe: limited in number, spaced edits, and an end once stopped."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
import time
from typing import Final

from ..sync.failures import FAILURES
from ..sync.model import Failure, Service, ServiceError
from .model import EDITS_MAX, REQUESTS_MAX

RESERVE: Final = 5  # requests reserved for removing the throw-away labels
RESERVE_LATE: Final = 3  # the same while they are being removed


class StoppedError(Exception):
    """Raised when the probe was asked to end."""


class NoRequestLeftError(Exception):
    """Raised when the probe has used up its requests."""


@dataclass(frozen=True, slots=True)
class ProbeTimes:
    """How long a probe waits, in seconds, and by which clock, which must be monotonic."""

    edit_gap: float = 1.0  # between two edits
    event: float = 10.0  # within which an event would be sent
    shows: tuple[float, ...] = (0.5, 1.5)  # before checking again for an edit that does not show
    settles: float = 1.5  # after which a read shows an edit, while cleaning up
    linger: float = 60.0  # before checking again for a label without carriers
    clean_again: float = 60.0  # before checking again for labels that may be left
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


class Pace:
    """Counts requests and waits; both raise once the probe is stopped."""

    def __init__(self, times: ProbeTimes) -> None:
        """Initialize without any request."""
        self.times: Final = times
        self.requests = 0
        self.edits = 0
        self.reserve = 0
        self._cleaning = False
        self._stopped = asyncio.Event()
        self._last_edit = float("-inf")

    def stop(self) -> None:
        """End at the next request or wait."""
        self._stopped.set()

    @asynccontextmanager
    async def cleaning(self) -> AsyncIterator[None]:
        """Continue although the probe is stopped, with the requests reserved for this."""
        self._cleaning = True
        try:
            yield
        finally:
            self._cleaning = False

    def take(self) -> None:
        """Count a request that is about to be sent. Raises StoppedError or NoRequestLeftError."""
        self._check()
        if self.requests >= REQUESTS_MAX - (0 if self._cleaning else self.reserve):
            raise NoRequestLeftError
        self.requests += 1

    async def take_edit(self) -> None:
        """Count an edit after the required gap. Raises StoppedError or NoRequestLeftError."""
        if self.edits >= EDITS_MAX:
            raise NoRequestLeftError
        await self.wait(self._last_edit + self.times.edit_gap - self.now())
        self.take()
        self.edits += 1

    def edited(self) -> None:
        """Record that an edit was answered, or failed."""
        self._last_edit = self.now()

    async def wait(self, seconds: float) -> None:
        """Wait some seconds. Raises StoppedError."""
        if seconds <= 0:
            return
        if self._cleaning:
            await self.times.sleep(seconds)
            return
        self._check()
        sleeping = asyncio.ensure_future(self.times.sleep(seconds))
        stopping = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait((sleeping, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (sleeping, stopping):
                one.cancel()
                with suppress(asyncio.CancelledError):
                    await one
        self._check()

    def now(self) -> float:
        """Return monotonic seconds."""
        return self.times.clock()

    def _check(self) -> None:
        if self._stopped.is_set() and not self._cleaning:
            raise StoppedError


def ends_everything(err: ServiceError) -> bool:
    """Return whether any other request would fail as well."""
    return FAILURES[err.failure].passes or FAILURES[err.failure].ends_run


def not_saved() -> ServiceError:
    """Return the error for a trial that could not be saved, so that nothing may be changed."""
    detail = "the trial could not be saved, so nothing was changed in Plex"
    return ServiceError(Service.STORAGE, Failure.NOT_SAVED, detail)
