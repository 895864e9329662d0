"""Binary sensors for problems and connections."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.binary_sensor import (  # type: ignore[attr-defined]
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import PlexLabelSyncEntity
from .runtime import PlexLabelSyncConfigEntry
from .status import Status

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PlexLabelSyncBinarySensorDescription(BinarySensorEntityDescription):
    """Describes a binary sensor and how its value is read from the status."""

    is_on_fn: Callable[[Status], bool]


def _connection(
    key: str, is_on_fn: Callable[[Status], bool]
) -> PlexLabelSyncBinarySensorDescription:
    """Return the description of a connectivity sensor."""
    return PlexLabelSyncBinarySensorDescription(
        key=key,
        translation_key=key,
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=is_on_fn,
    )


BINARY_SENSORS: tuple[PlexLabelSyncBinarySensorDescription, ...] = (
    PlexLabelSyncBinarySensorDescription(
        key="problem",
        translation_key="problem",
        device_class=BinarySensorDeviceClass.PROBLEM,
        is_on_fn=lambda status: status.problem,
    ),
    _connection("plex_connected", lambda status: status.plex_connected),
    _connection("pulsarr_connected", lambda status: status.pulsarr_connected),
    _connection("live_updates", lambda status: status.live_updates),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexLabelSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensors of an entry."""
    async_add_entities(
        PlexLabelSyncBinarySensor(entry.runtime_data.coordinator, description)
        for description in BINARY_SENSORS
    )


class PlexLabelSyncBinarySensor(PlexLabelSyncEntity, BinarySensorEntity):
    """A yes/no value of the status."""

    entity_description: PlexLabelSyncBinarySensorDescription

    @property
    @override
    def is_on(self) -> bool:
        """Return the value from the status."""
        return self.entity_description.is_on_fn(self.coordinator.data)
