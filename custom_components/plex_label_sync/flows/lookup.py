"""Look up names for a form, which does without them if a server does not respond in time."""

import asyncio
from collections.abc import Awaitable
import logging

from homeassistant.core import HomeAssistant

from ..limits import current_limits
from ..sync.model import ServiceError

_LOGGER = logging.getLogger(__name__)


async def async_or_none[T](hass: HomeAssistant, answer: Awaitable[T]) -> T | None:
    """Return a server's response, None if it fails or times out."""
    try:
        async with asyncio.timeout(current_limits(hass).names_timeout):
            return await answer
    except (ServiceError, TimeoutError) as err:
        _LOGGER.debug("Showing a form without names: %r", err)
        return None
