"""One at a time, the most urgent first: live before full syncs, and whoever only looks comes last."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
from heapq import heappop, heappush
from itertools import count


class Urgency(IntEnum):
    """Who comes first of those that wait."""

    LIVE = 0
    SYNC = 1
    READ_ONLY = 2


class Turns:
    """A lock that goes to the most urgent of those that wait; equals get it in the order they came."""

    def __init__(self) -> None:
        """Nobody has it."""
        self._taken = False
        self._waiting: list[tuple[Urgency, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def locked(self) -> bool:
        """Tell whether somebody has it."""
        return self._taken

    @asynccontextmanager
    async def turn(self, urgency: Urgency) -> AsyncIterator[None]:
        """Wait for the turn and have it until the context ends."""
        await self._acquire(urgency)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, urgency: Urgency) -> None:
        if not self._taken:
            self._taken = True
            return
        mine = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (urgency, next(self._numbers), mine))
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():
                self._release()  # the turn came and there is nobody any more to take it
            raise

    def _release(self) -> None:
        while self._waiting:
            _, _, other = heappop(self._waiting)
            if not other.done():
                other.set_result(None)
                return
        self._taken = False
