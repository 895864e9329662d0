"""Binary sensors: is there something that somebody should look at?"""

from typing import override

from homeassistant.components.binary_sensor import (  # type: ignore[attr-defined]
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexLabelSyncConfigEntry
from .entity import PlexLabelSyncEntity

PARALLEL_UPDATES = 0

PROBLEM = BinarySensorEntityDescription(
    key="problem", translation_key="problem", device_class=BinarySensorDeviceClass.PROBLEM
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexLabelSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensors of an entry."""
    async_add_entities([PlexLabelSyncProblem(entry.runtime_data, PROBLEM)])


class PlexLabelSyncProblem(PlexLabelSyncEntity, BinarySensorEntity):
    """On while a run is held or failed, or something could not be saved."""

    @property
    @override
    def is_on(self) -> bool:
        """Return whether somebody should look."""
        return self.coordinator.data.problem
