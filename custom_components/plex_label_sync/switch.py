"""Switches for live and batch mode, equivalent to the options of these names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import CONF_BATCH_MODE, CONF_LIVE_MODE
from .entity import PlexLabelSyncEntity
from .runtime import PlexLabelSyncConfigEntry
from .settings import Settings

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class PlexLabelSyncSwitchDescription(SwitchEntityDescription):
    """Describes a switch by its option's key and how its value is read."""

    is_on_fn: Callable[[Settings], bool]


SWITCHES: tuple[PlexLabelSyncSwitchDescription, ...] = (
    PlexLabelSyncSwitchDescription(
        key=CONF_LIVE_MODE,
        translation_key=CONF_LIVE_MODE,
        entity_category=EntityCategory.CONFIG,
        is_on_fn=lambda settings: settings.live_mode,
    ),
    PlexLabelSyncSwitchDescription(
        key=CONF_BATCH_MODE,
        translation_key=CONF_BATCH_MODE,
        entity_category=EntityCategory.CONFIG,
        is_on_fn=lambda settings: settings.batch_mode,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexLabelSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the switches of an entry."""
    async_add_entities(
        PlexLabelSyncSwitch(entry.runtime_data.coordinator, description) for description in SWITCHES
    )


class PlexLabelSyncSwitch(PlexLabelSyncEntity, SwitchEntity):
    """A switch for one of the entry's options."""

    entity_description: PlexLabelSyncSwitchDescription

    @property
    @override
    def is_on(self) -> bool:
        """Return the option's effective value."""
        return self.entity_description.is_on_fn(self.coordinator.context.settings)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Turn the option on."""
        self._set(on=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Turn the option off."""
        self._set(on=False)

    def _set(self, *, on: bool) -> None:
        """Change the entry's option; its update listener switches the mode."""
        entry = self.coordinator.context.entry
        options = {**entry.options, self.entity_description.key: on}
        self.hass.config_entries.async_update_entry(entry, options=options)
