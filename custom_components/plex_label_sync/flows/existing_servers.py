"""The Plex servers known to Home Assistant's Plex integration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant, callback

from ..const import DOMAIN

PLEX_DOMAIN: Final = "plex"
_SERVER_CONFIG: Final = "server_config"  # holds url, token and verify_ssl in its entries


@dataclass(frozen=True, slots=True)
class ExistingServer:
    """A server that can be reused; `user_input` is the equivalent form input."""

    name: str
    user_input: Mapping[str, Any]


@callback
def existing_servers(hass: HomeAssistant) -> dict[str, ExistingServer]:
    """Return the servers without an entry of this integration, by machine identifier.

    They are read from the Plex integration's entries, which need not be loaded.
    """
    configured = {entry.unique_id for entry in hass.config_entries.async_entries(DOMAIN)}
    servers: dict[str, ExistingServer] = {}
    for entry in hass.config_entries.async_entries(PLEX_DOMAIN, include_ignore=False):
        config = entry.data.get(_SERVER_CONFIG)
        if (
            entry.unique_id is None
            or entry.unique_id in configured
            or not isinstance(config, Mapping)
        ):
            continue
        if config.get(CONF_URL) and config.get(CONF_TOKEN):
            servers[entry.unique_id] = ExistingServer(entry.title, config)
    return servers
