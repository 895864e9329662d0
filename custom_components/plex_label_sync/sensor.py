"""Sensors for the status, pending syncs, the last sync, and each person's labels."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import datetime
from typing import Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE, EntityCategory, UnitOfTime
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexLabelSyncCoordinator
from .entity import PlexLabelSyncEntity
from .runtime import PlexLabelSyncConfigEntry
from .sharing_check.texts import PAGE
from .status import State, Status
from .sync.person_id import PersonId, id_order, named_id, public_id
from .sync.title_status import PersonFigures
from .texts import cached_texts

PARALLEL_UPDATES = 0

PERSON: Final = "person"  # prefix of the key of a person's sensor


@dataclass(frozen=True, kw_only=True)
class PlexLabelSyncSensorDescription(SensorEntityDescription):
    """Describes a sensor and how its value is read from the status."""

    value_fn: Callable[[Status], int | float | str | datetime | None]
    attributes_fn: Callable[[Status, HomeAssistant], dict[str, str | None]] | None = None


def _count(
    key: str,
    value_fn: Callable[[Status], int | None],
    entity_category: EntityCategory | None = None,
    state_class: SensorStateClass = SensorStateClass.MEASUREMENT,
    attributes_fn: Callable[[Status, HomeAssistant], dict[str, str | None]] | None = None,
) -> PlexLabelSyncSensorDescription:
    """Return the description of a counter, without a unit, which would read "1 titles"."""
    return PlexLabelSyncSensorDescription(
        key=key,
        translation_key=key,
        state_class=state_class,
        entity_category=entity_category,
        value_fn=value_fn,
        attributes_fn=attributes_fn,
    )


def _how_complete(status: Status, hass: HomeAssistant) -> dict[str, str | None]:
    """Return whether the sharing check could read everything, and why not."""
    key = status.sharing_page_key
    return {
        "status": status.sharing_status,
        "reason": None if key is None else cached_texts(hass).phrase(PAGE, key),
    }


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
    _count(
        "labels_added_total",
        lambda status: status.labels_added_total,
        state_class=SensorStateClass.TOTAL_INCREASING,
    ),
    _count(
        "labels_removed_total",
        lambda status: status.labels_removed_total,
        state_class=SensorStateClass.TOTAL_INCREASING,
    ),
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
        entity_registry_enabled_default=False,  # useful when something is slow
        value_fn=lambda status: status.sync_duration,
    ),
    _count("overrides", lambda status: status.overrides, EntityCategory.DIAGNOSTIC),
    _count("sharing_warnings", lambda status: status.sharing_warnings, attributes_fn=_how_complete),
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
    """Set up the sensors of an entry, and add and remove people's sensors as people change."""
    coordinator = entry.runtime_data.coordinator
    async_add_entities(PlexLabelSyncSensor(coordinator, description) for description in SENSORS)
    shown: set[PersonId] = set()

    @callback
    def follow_people() -> None:
        """Add sensors of new people and remove those of people who left."""
        people = coordinator.data.by_person
        if people is None or people.keys() == shown:
            return
        async_remove_people(hass, entry, people)
        new = people.keys() - shown
        shown.clear()
        shown.update(people)
        async_add_entities(
            PlexLabelSyncPersonSensor(coordinator, one) for one in sorted(new, key=id_order)
        )

    follow_people()
    entry.async_on_unload(coordinator.async_add_listener(follow_people))


@callback
def async_remove_people(
    hass: HomeAssistant, entry: PlexLabelSyncConfigEntry, stay: Container[PersonId]
) -> None:
    """Remove the sensors of all people not in `stay`, from the registry as well."""
    registry = er.async_get(hass)
    prefix = f"{entry.entry_id}_{PERSON}_"
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        shown = entity.unique_id.removeprefix(prefix)
        one = named_id(shown) if shown != entity.unique_id else None
        if one is not None and one not in stay:
            registry.async_remove(entity.entity_id)


class PlexLabelSyncSensor(PlexLabelSyncEntity, SensorEntity):
    """A value of the status."""

    entity_description: PlexLabelSyncSensorDescription
    _unrecorded_attributes = frozenset({"reason"})

    @property
    @override
    def extra_state_attributes(self) -> dict[str, str | None] | None:
        """Return the attributes of sensors that have any."""
        attributes = self.entity_description.attributes_fn
        return None if attributes is None else attributes(self.coordinator.data, self.hass)

    @property
    @override
    def native_value(self) -> int | float | str | datetime | None:
        """Return the value from the status."""
        return self.entity_description.value_fn(self.coordinator.data)


class PlexLabelSyncPersonSensor(PlexLabelSyncEntity, SensorEntity):
    """The number of a person's wanted titles that carry the person's label."""

    _unrecorded_attributes = frozenset({"person", "label", "wanted", "missing", "waiting"})

    def __init__(self, coordinator: PlexLabelSyncCoordinator, person_id: PersonId) -> None:
        """Initialize with the person's id, as names may change."""
        description = SensorEntityDescription(
            key=f"{PERSON}_{public_id(person_id)}",
            translation_key=PERSON,
            state_class=SensorStateClass.MEASUREMENT,
        )
        super().__init__(coordinator, description)
        self._person_id = person_id
        self._shown: tuple[bool, PersonFigures | None] | None = None
        self._show()

    @property
    def _figures(self) -> PersonFigures | None:
        return (self.coordinator.data.by_person or {}).get(self._person_id)

    def _show(self) -> None:
        """Update the attributes from the person's figures."""
        if (figures := self._figures) is None:
            return
        self._attr_translation_placeholders = {"person": figures.name}
        self._attr_native_value = figures.labelled
        self._attr_extra_state_attributes = {
            "person": figures.name,
            "label": figures.label,
            "wanted": figures.wanted,
            "missing": figures.missing,
            "waiting": figures.waiting,
        }

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the state only if it has changed: there may be many people."""
        now = self.available, self._figures
        if now == self._shown:
            return
        before = self._attr_translation_placeholders
        self._shown = now
        self._show()
        if self._attr_translation_placeholders != before:
            self.__dict__.pop("name", None)  # cached by Home Assistant, but now outdated
            registry = er.async_get(self.hass)
            registry.async_update_entity(self.entity_id, original_name=str(self.name))
        super()._handle_coordinator_update()
