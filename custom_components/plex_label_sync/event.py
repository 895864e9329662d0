"""The activity event: an entity and a bus event that report activities to automations.

The logbook builds its sentences from the bus event: for the state of an event entity it shows only
the event type, and that line cannot be suppressed. The bus event is therefore fired even while the
entity is disabled; users who want a single line per activity disable the entity.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID, Platform
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .context import async_device_of
from .coordinator import PlexLabelSyncCoordinator
from .entity import PlexLabelSyncEntity
from .runtime import PlexLabelSyncConfigEntry
from .status import Activity, activity_signal
from .storage.records import Records
from .sync.person_id import public_id

PARALLEL_UPDATES = 0

EVENT_ACTIVITY: Final = f"{DOMAIN}_activity"
ATTR_CONFIG_ENTRY_ID: Final = "config_entry_id"
ATTR_ACTIVITY: Final = "activity"
ATTR_SERVER: Final = "server"
ATTR_PERSON_ENTITIES: Final = "person_entities"

ACTIVITY = EventEntityDescription(
    key="activity",
    translation_key="activity",
    event_types=[activity.value for activity in Activity],
)

type _Notify = Callable[[Activity, dict[str, Any], Context], None]


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexLabelSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the event entity of an entry."""
    runtime = entry.runtime_data
    activities = Activities(hass, entry, runtime.records)
    signal = activity_signal(entry.entry_id)
    entry.async_on_unload(async_dispatcher_connect(hass, signal, activities.async_fire))
    async_add_entities([PlexLabelSyncEvent(runtime.coordinator, activities)])


class Activities:
    """Fires each activity of an entry on the bus and then on the event entity, if enabled."""

    def __init__(
        self, hass: HomeAssistant, entry: PlexLabelSyncConfigEntry, records: Records
    ) -> None:
        """Initialize with the records, which map people to their sensors."""
        self._hass = hass
        self._entry = entry
        self._records = records
        self.notify_entity: _Notify | None = None

    def _sensors_of(self, people: Iterable[str]) -> list[str]:
        """Return the entity id of each person's sensor, empty for a person without one."""
        ids = {one.username: public_id(one.id) for one in self._records.ledger.people.values()}
        found = (self._entity_id(Platform.SENSOR, f"person_{ids.get(one)}") for one in people)
        return [entity_id or "" for entity_id in found]

    def _entity_id(self, platform: Platform, key: str) -> str | None:
        unique_id = f"{self._entry.entry_id}_{key}"
        return er.async_get(self._hass).async_get_entity_id(platform, DOMAIN, unique_id)

    @callback
    def async_fire(self, activity: Activity, attributes: dict[str, Any]) -> None:
        """Fire an activity: on the bus first, so that the logbook can attribute the state to it."""
        context = Context()
        device = async_device_of(self._hass, self._entry)
        data = {
            ATTR_ENTITY_ID: self._entity_id(Platform.EVENT, ACTIVITY.key),
            ATTR_DEVICE_ID: None if device is None else device.id,
            ATTR_CONFIG_ENTRY_ID: self._entry.entry_id,
            ATTR_SERVER: self._entry.title,
            ATTR_ACTIVITY: activity.value,
            **attributes,
        }
        if (people := attributes.get("people")) is not None:
            data[ATTR_PERSON_ENTITIES] = self._sensors_of(people)
        self._hass.bus.async_fire(EVENT_ACTIVITY, data, context=context)
        if self.notify_entity is not None:
            self.notify_entity(activity, attributes, context)


class PlexLabelSyncEvent(PlexLabelSyncEntity, EventEntity):
    """An event entity that fires for every activity of the entry."""

    def __init__(self, coordinator: PlexLabelSyncCoordinator, activities: Activities) -> None:
        """Initialize with the source of activities."""
        super().__init__(coordinator, ACTIVITY)
        self._activities = activities

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to activities."""
        await super().async_added_to_hass()
        self._activities.notify_entity = self._async_handle_event
        self.async_on_remove(self._async_stop)

    @callback
    def _async_stop(self) -> None:
        self._activities.notify_entity = None

    @callback
    def _async_handle_event(
        self, activity: Activity, attributes: dict[str, Any], context: Context
    ) -> None:
        self.async_set_context(context)
        self._trigger_event(activity.value, attributes)
        self.async_write_ha_state()
