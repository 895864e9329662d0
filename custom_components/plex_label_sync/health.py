"""What is asked of the servers only while somebody looks at how things stand."""

import asyncio
from typing import Final

from .coordinator import PlexLabelSyncCoordinator
from .sync.model import ServiceError

PATIENCE: Final = 4.0  # seconds; Home Assistant's own pages wait five for an integration


async def async_pulsarr_version(coordinator: PlexLabelSyncCoordinator) -> str | None:
    """Return Pulsarr's version, None where it does not tell or does not answer in time."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await coordinator.pulsarr.version()
    except (ServiceError, TimeoutError):
        return None
