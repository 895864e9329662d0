"""The Plex servers that Home Assistant's own Plex integration is connected to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant, callback

from ..const import DOMAIN

PLEX_DOMAIN: Final = "plex"
_SERVER_CONFIG: Final = "server_config"  # where its entries keep url, token and verify_ssl


@dataclass(frozen=True, slots=True)
class ExistingServer:
    """A server that may be taken over; `user_input` is what a person would enter for it."""

    name: str
    user_input: Mapping[str, Any]


@callback
def existing_servers(hass: HomeAssistant) -> dict[str, ExistingServer]:
    """Return the servers that are not set up here yet, by machine identifier.

    The entries of that integration say so by themselves: it need not be loaded.
    """
    taken = {entry.unique_id for entry in hass.config_entries.async_entries(DOMAIN)}
    servers: dict[str, ExistingServer] = {}
    for entry in hass.config_entries.async_entries(PLEX_DOMAIN, include_ignore=False):
        config = entry.data.get(_SERVER_CONFIG)
        if entry.unique_id is None or entry.unique_id in taken or not isinstance(config, Mapping):
            continue
        if config.get(CONF_URL) and config.get(CONF_TOKEN):
            servers[entry.unique_id] = ExistingServer(entry.title, config)
    return servers
