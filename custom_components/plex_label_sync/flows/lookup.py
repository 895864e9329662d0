"""Looks up what a form shows by name; it goes without when a server does not answer in time."""

import asyncio
from collections.abc import Awaitable
import logging
from typing import Final

from ..sync.model import ServiceError

_LOGGER = logging.getLogger(__name__)

LOOKUP_TIMEOUT: Final = 8.0  # seconds that somebody waits for names in a form


async def async_or_none[T](answer: Awaitable[T]) -> T | None:
    """Return what a server answers, None when it does not do so in time."""
    try:
        async with asyncio.timeout(LOOKUP_TIMEOUT):
            return await answer
    except (ServiceError, TimeoutError) as err:
        _LOGGER.debug("Showing a form without names: %r", err)
        return None
