"""Makes sure, when Plex is back, that it is still the same server, and takes in its version."""

from typing import TYPE_CHECKING

from homeassistant.helpers import device_registry as dr

from .const import DOMAIN
from .sync.model import Failure, Service, ServiceError

if TYPE_CHECKING:
    from .coordinator import PlexLabelSyncCoordinator


async def async_see_plex(coordinator: "PlexLabelSyncCoordinator") -> None:
    """Ask Plex who it is.

    Another server of the same owner may answer at the address, and takes the same token: the ledger
    knows nothing of its items. Then the entry is loaded again, which says so and waits.

    Raises ServiceError when Plex does not answer, or another server does.
    """
    entry, server = coordinator.config_entry, await coordinator.plex.info()
    if server.machine_id != entry.unique_id:
        coordinator.hass.config_entries.async_schedule_reload(entry.entry_id)
        raise ServiceError(Service.PLEX, Failure.WRONG_SERVICE, "another Plex server answers")
    if server.version != coordinator.server.version:
        registry = dr.async_get(coordinator.hass)
        if device := registry.async_get_device(identifiers={(DOMAIN, entry.entry_id)}):
            registry.async_update_device(device.id, sw_version=server.version)
    coordinator.server = server
