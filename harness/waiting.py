"""Waits until a condition holds, with an error that names it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LOOK_EVERY: Final = 0.1  # seconds


class WaitedTooLongError(Exception):
    """A condition did not come true in time; the text names it."""


async def eventually[T](
    appearance: Callable[[], Awaitable[T]],
    what: str,
    *,
    within: float = 30.0,
    every: float = LOOK_EVERY,
) -> T:
    """Return the first true result of `appearance`, which is called repeatedly for `within` seconds.

    Raises WaitedTooLongError.
    """
    until = time.monotonic() + within
    while True:
        if answer := await appearance():
            return answer
        if time.monotonic() > until:
            raise WaitedTooLongError(f"waited {within:g} seconds in vain until {what}")
        await asyncio.sleep(every)
