"""Look up names for a form, which does without them if a server does not respond in time."""

import asyncio
from collections.abc import Awaitable
import logging
from typing import Final

from ..sync.model import ServiceError

_LOGGER = logging.getLogger(__name__)

LOOKUP_TIMEOUT: Final = 8.0  # seconds that a form waits for names


async def async_or_none[T](answer: Awaitable[T]) -> T | None:
    """Return a server's response, None if it fails or times out."""
    try:
        async with asyncio.timeout(LOOKUP_TIMEOUT):
            return await answer
    except (ServiceError, TimeoutError) as err:
        _LOGGER.debug("Showing a form without names: %r", err)
        return None
