"""Reports when Pulsarr labels the same titles itself, so that both edit the same labels."""

import logging
from typing import Final

from homeassistant.core import callback

from ..context import EntryContext
from ..issues import PULSARR_LABELS, async_delete, async_raise
from ..servers import Servers
from ..sync.model import ServiceError
from ..timer import Timer

_LOGGER = logging.getLogger(__name__)

INTERVAL: Final = 86_400.0  # seconds; rarely, because the response has all of Pulsarr's settings
CONFLICT_INTERVAL: Final = 600.0  # seconds; so that the issue disappears soon after
RETRY: Final = 3600.0  # seconds


class LabelSyncConflictCheck:
    """Checks periodically whether Pulsarr's own label sync is on."""

    def __init__(self, context: EntryContext, servers: Servers) -> None:
        """Initialize; `async_start` starts the checks."""
        self._context = context
        self._pulsarr = servers.pulsarr
        self._timer = Timer(context.hass, self._async_due)
        self._conflicts = False

    @callback
    def async_start(self) -> None:
        """Check now, and periodically while the entry is loaded."""
        self._context.entry.async_on_unload(self._timer.cancel)
        self._async_due()

    @callback
    def _async_due(self) -> None:
        self._context.in_background(self._async_check(), "label sync conflict check")

    async def _async_check(self) -> None:
        """Create or delete the issue; without an answer from Pulsarr nothing changes."""
        entry = self._context.entry
        try:
            is_on = await self._pulsarr.labels_itself()
        except ServiceError as err:
            _LOGGER.debug("Cannot determine whether Pulsarr's own label sync is on: %s", err)
            self._timer.set(RETRY)
            return
        if is_on:
            async_raise(self._context.hass, entry, PULSARR_LABELS)
        elif is_on is not None:
            async_delete(self._context.hass, entry, PULSARR_LABELS)
        if is_on and not self._conflicts:
            _LOGGER.warning(
                "%s: Pulsarr's own label sync is switched on and rewrites the labels of titles",
                entry.title,
            )
        elif self._conflicts and not is_on:
            _LOGGER.info("%s: Pulsarr's own label sync is switched off", entry.title)
        self._conflicts = bool(is_on)
        self._timer.set(CONFLICT_INTERVAL if is_on else INTERVAL)
