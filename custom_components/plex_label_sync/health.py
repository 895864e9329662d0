"""What is asked of the servers only while somebody looks at how things stand."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from .runtime import Runtime
from .sync.model import Failure, ServiceError

PATIENCE: Final = 4.0  # seconds; nobody looks at a page much longer


async def async_failure(ask: Callable[[], Awaitable[object]]) -> Failure | None:
    """Ask a server something and return why it did not answer in time, None if it did."""
    try:
        async with asyncio.timeout(PATIENCE):
            await ask()
    except ServiceError as err:
        return err.failure
    except TimeoutError:
        return Failure.TIMEOUT
    return None


async def async_pulsarr_version(runtime: Runtime) -> str | None:
    """Return Pulsarr's version, None where it does not tell or does not answer in time."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await runtime.servers.pulsarr.version()
    except (ServiceError, TimeoutError):
        return None
