"""A priority lock for runs: live syncs first, then full syncs, then read-only work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
from heapq import heappop, heappush
from itertools import count


class Urgency(IntEnum):
    """The priority of a waiting task; the lowest value comes first."""

    LIVE = 0
    SYNC = 1
    READ_ONLY = 2


class Turns:
    """A lock granted to the most urgent waiter, in order of arrival among equals."""

    def __init__(self) -> None:
        """Initialize an unlocked lock."""
        self._locked = False
        self._waiting: list[tuple[Urgency, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def locked(self) -> bool:
        """Return whether the lock is held."""
        return self._locked

    @asynccontextmanager
    async def turn(self, urgency: Urgency) -> AsyncIterator[None]:
        """Acquire the lock and hold it until the context ends."""
        await self._acquire(urgency)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, urgency: Urgency) -> None:
        if not self._locked:
            self._locked = True
            return
        waiter = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (urgency, next(self._numbers), waiter))
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                self._release()  # the lock was granted to a cancelled waiter
            raise

    def _release(self) -> None:
        while self._waiting:
            _, _, other = heappop(self._waiting)
            if not other.done():
                other.set_result(None)
                return
        self._locked = False
