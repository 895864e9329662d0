"""Keeps our webhook registered in Pulsarr, in the background and without haste."""

import asyncio
import logging
from typing import Final

from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers.network import NoURLAvailableError

from .const import CONF_WEBHOOK_SECRET, NAME
from .coordinator import PlexLabelSyncCoordinator
from .registration import RegistrationStatus, async_reconcile, webhook_url
from .sync.model import ServiceError

_LOGGER = logging.getLogger(__name__)

RETRY_MIN: Final = 30.0  # seconds
RETRY_MAX: Final = 3600.0  # seconds


async def async_keep_registered(hass: HomeAssistant, coordinator: PlexLabelSyncCoordinator) -> None:
    """Register our webhook, again and again while Pulsarr is away; one log line each way."""
    entry = coordinator.config_entry
    webhook_id: str = entry.data[CONF_WEBHOOK_ID]
    try:
        url = webhook_url(hass, webhook_id, coordinator.settings.base_url)
    except NoURLAvailableError:
        _LOGGER.warning(
            "%s: Home Assistant does not know its own address, so Pulsarr cannot announce "
            "anything; set the address in the options",
            entry.title,
        )
        return
    delay = RETRY_MIN
    while True:
        try:
            result = await async_reconcile(
                coordinator.pulsarr,
                name=f"{NAME} ({entry.title})"[:100],
                url=url,
                secret=entry.data[CONF_WEBHOOK_SECRET],
                webhook_id=webhook_id,
            )
        except ServiceError as err:
            if delay == RETRY_MIN:
                _LOGGER.info("%s: the webhook is not registered yet: %s", entry.title, err)
            await asyncio.sleep(delay)
            delay = min(delay * 2, RETRY_MAX)
            continue
        if result.status is RegistrationStatus.TOO_OLD:
            _LOGGER.info(
                "%s: this Pulsarr is too old to send webhooks; the full sync does its work",
                entry.title,
            )
        elif delay > RETRY_MIN:
            _LOGGER.info("%s: the webhook is registered now", entry.title)
        return
