"""The activity event: one entity that tells automations what happened."""

from typing import Any, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexLabelSyncConfigEntry
from .entity import PlexLabelSyncEntity
from .status import Activity, activity_signal

PARALLEL_UPDATES = 0

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
    async_add_entities([PlexLabelSyncEvent(entry.runtime_data, ACTIVITY)])


class PlexLabelSyncEvent(PlexLabelSyncEntity, EventEntity):
    """Fires for every activity of the entry."""

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the activities of this entry only."""
        await super().async_added_to_hass()
        entry_id = self.coordinator.config_entry.entry_id
        self.async_on_remove(
            async_dispatcher_connect(self.hass, activity_signal(entry_id), self._async_fire)
        )

    @callback
    def _async_fire(self, activity: Activity, attributes: dict[str, Any]) -> None:
        self._trigger_event(activity.value, attributes)
        self.async_write_ha_state()
