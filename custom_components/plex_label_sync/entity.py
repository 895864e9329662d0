"""What all entities have in common: the device of the entry."""

from typing import Final

from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import CONF_PLEX_URL, DOMAIN, NAME
from .coordinator import PlexLabelSyncCoordinator

PLEX_WEB_APP: Final = "/web"


class PlexLabelSyncEntity(CoordinatorEntity[PlexLabelSyncCoordinator]):
    """An entity of one entry's service device."""

    _attr_has_entity_name = True

    def __init__(
        self, coordinator: PlexLabelSyncCoordinator, description: EntityDescription
    ) -> None:
        """Name the entity after its entry and its description's key."""
        super().__init__(coordinator)
        self.entity_description = description
        entry = coordinator.config_entry
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, entry.entry_id)},
            entry_type=DeviceEntryType.SERVICE,
            name=entry.title,
            manufacturer=NAME,
            model="Plex Media Server",
            sw_version=coordinator.server.version,
            configuration_url=f"{entry.data[CONF_PLEX_URL]}{PLEX_WEB_APP}",
        )
