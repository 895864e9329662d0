"""Base class of all entities, with the device of the entry."""

from typing import Final

from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity
from homeassistant.loader import async_get_loaded_integration

from .const import DOMAIN, NAME
from .coordinator import PlexLabelSyncCoordinator

MODEL: Final = "Label sync for Plex Media Server"
# Home Assistant's page of this integration's entries
CONFIGURATION_URL: Final = f"homeassistant://config/integrations/integration/{DOMAIN}"


class PlexLabelSyncEntity(CoordinatorEntity[PlexLabelSyncCoordinator]):
    """An entity of one entry's service device.

    The device is the label sync, not the Plex server, which belongs to Home Assistant's Plex
    integration.
    """

    _attr_has_entity_name = True

    def __init__(
        self, coordinator: PlexLabelSyncCoordinator, description: EntityDescription
    ) -> None:
        """Initialize with a unique id from the entry and the description's key."""
        super().__init__(coordinator)
        self.entity_description = description
        entry = coordinator.context.entry
        version = async_get_loaded_integration(coordinator.hass, DOMAIN).version
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, entry.entry_id)},
            entry_type=DeviceEntryType.SERVICE,
            translation_key="labels",
            translation_placeholders={"server": entry.title},
            manufacturer=NAME,
            model=MODEL,
            sw_version=None if version is None else str(version),
            configuration_url=CONFIGURATION_URL,
        )
