"""The activity event: one entity that tells automations what happened."""

from collections.abc import Iterable
from typing import Any, Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import ATTR_ENTITY_ID, Platform
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .coordinator import PlexLabelSyncCoordinator
from .entity import PlexLabelSyncEntity
from .runtime import PlexLabelSyncConfigEntry
from .status import Activity, activity_signal
from .storage.records import Records

PARALLEL_UPDATES = 0

# The same on the event bus, from which the logbook reads sentences: of the state of an event
# entity it shows no more than the type, and Home Assistant cannot be told to leave that out.
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


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexLabelSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the event of an entry."""
    runtime = entry.runtime_data
    async_add_entities([PlexLabelSyncEvent(runtime.coordinator, runtime.records)])


class PlexLabelSyncEvent(PlexLabelSyncEntity, EventEntity):
    """Fires for every activity of the entry."""

    def __init__(self, coordinator: PlexLabelSyncCoordinator, records: Records) -> None:
        """Know the people, whose sensors are named beside them."""
        super().__init__(coordinator, ACTIVITY)
        self._records = records

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the activities of this entry only."""
        await super().async_added_to_hass()
        entry_id = self.coordinator.context.entry.entry_id
        self.async_on_remove(
            async_dispatcher_connect(self.hass, activity_signal(entry_id), self._async_fire)
        )

    def _sensors_of(self, people: Iterable[str]) -> list[str]:
        """Return the entity of each person's sensor, empty for somebody who has none."""
        ids = {one.username: one.id for one in self._records.ledger.people.values()}
        entry_id, registry = self.coordinator.context.entry.entry_id, er.async_get(self.hass)
        keys = [f"{entry_id}_person_{ids.get(one)}" for one in people]
        found = (registry.async_get_entity_id(Platform.SENSOR, DOMAIN, key) for key in keys)
        return [entity_id or "" for entity_id in found]

    @callback
    def _async_fire(self, activity: Activity, attributes: dict[str, Any]) -> None:
        context = Context()
        entry = self.coordinator.context.entry
        told = {
            ATTR_ENTITY_ID: self.entity_id,
            ATTR_CONFIG_ENTRY_ID: entry.entry_id,
            ATTR_SERVER: entry.title,
            ATTR_ACTIVITY: activity.value,
            **attributes,
        }
        if (people := attributes.get("people")) is not None:
            told[ATTR_PERSON_ENTITIES] = self._sensors_of(people)
        self.hass.bus.async_fire(EVENT_ACTIVITY, told, context=context)
        self.async_set_context(context)
        self._trigger_event(activity.value, attributes)
        self.async_write_ha_state()
