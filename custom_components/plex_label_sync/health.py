"""Server requests for pages that show the health of the integration."""

import asyncio
from collections.abc import Awaitable, Callable

from .runtime import Runtime
from .sync.model import Failure, ServiceError


async def async_failure(runtime: Runtime, check: Callable[[], Awaitable[object]]) -> Failure | None:
    """Send a request and return why it failed or timed out, None on success."""
    try:
        async with asyncio.timeout(runtime.context.limits.page_timeout):
            await check()
    except ServiceError as err:
        return err.failure
    except TimeoutError:
        return Failure.TIMEOUT
    return None


async def async_pulsarr_version(runtime: Runtime) -> str | None:
    """Return Pulsarr's version, None if it is not reported or the request times out."""
    try:
        async with asyncio.timeout(runtime.context.limits.page_timeout):
            return await runtime.servers.pulsarr.version()
    except (ServiceError, TimeoutError):
        return None
