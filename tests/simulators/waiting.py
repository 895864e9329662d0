"""Waiting for what happens on the loop."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object]) -> None:
    """Wait until `condition()` holds. Raises TimeoutError."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - conditions have no event
            await asyncio.sleep(0.005)
