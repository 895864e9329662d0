"""Sensors: what waits, what the last sync did, what is missing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE, EntityCategory, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexLabelSyncConfigEntry
from .entity import PlexLabelSyncEntity
from .status import State, Status

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PlexLabelSyncSensorDescription(SensorEntityDescription):
    """A sensor and where its value comes from."""

    value_fn: Callable[[Status], int | float | str | datetime | None]


def _count(
    key: str,
    value_fn: Callable[[Status], int | None],
    entity_category: EntityCategory | None = None,
) -> PlexLabelSyncSensorDescription:
    """Describe a sensor that counts; its unit is in the translations."""
    return PlexLabelSyncSensorDescription(
        key=key,
        translation_key=key,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=entity_category,
        value_fn=value_fn,
    )


SENSORS: tuple[PlexLabelSyncSensorDescription, ...] = (
    _count("pending", lambda status: status.pending),
    PlexLabelSyncSensorDescription(
        key="last_sync",
        translation_key="last_sync",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda status: status.last_sync,
    ),
    PlexLabelSyncSensorDescription(
        key="status",
        translation_key="status",
        device_class=SensorDeviceClass.ENUM,
        options=[state.value for state in State],
        value_fn=lambda status: status.state,
    ),
    _count("labels_added", lambda status: status.labels_added),
    _count("labels_removed", lambda status: status.labels_removed),
    _count("labelled_items", lambda status: status.labelled_items),
    _count("titles_wanted", lambda status: status.titles_wanted),
    _count("titles_missing", lambda status: status.titles_missing),
    _count("people", lambda status: status.people),
    PlexLabelSyncSensorDescription(
        key="progress",
        translation_key="progress",
        native_unit_of_measurement=PERCENTAGE,
        value_fn=lambda status: status.progress,
    ),
    PlexLabelSyncSensorDescription(
        key="sync_duration",
        translation_key="sync_duration",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=1,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,  # interesting when something is slow
        value_fn=lambda status: status.sync_duration,
    ),
    _count("overrides", lambda status: status.overrides, EntityCategory.DIAGNOSTIC),
    _count("sharing_warnings", lambda status: status.sharing_warnings),
    PlexLabelSyncSensorDescription(
        key="last_sharing_check",
        translation_key="last_sharing_check",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda status: status.last_sharing_check,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexLabelSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of an entry."""
    async_add_entities(
        PlexLabelSyncSensor(entry.runtime_data, description) for description in SENSORS
    )


class PlexLabelSyncSensor(PlexLabelSyncEntity, SensorEntity):
    """One value of the status."""

    entity_description: PlexLabelSyncSensorDescription

    @property
    @override
    def native_value(self) -> int | float | str | datetime | None:
        """Return the value as the coordinator knows it."""
        return self.entity_description.value_fn(self.coordinator.data)
