"""Makes sure, when Plex is back, that it is still the same server."""

from typing import TYPE_CHECKING

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
    coordinator.server = server
