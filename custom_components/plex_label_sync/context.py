"""What all parts of a loaded entry share: Home Assistant, the entry, and its settings as they are now."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_send

from .const import DOMAIN
from .settings import Settings
from .status import Activity, activity_signal


@dataclass(slots=True, eq=False)
class EntryContext:
    """A loaded entry. `settings` is replaced when a mode is switched while the entry is loaded."""

    hass: HomeAssistant
    entry: ConfigEntry[Any]
    settings: Settings

    @callback
    def in_background(self, job: Coroutine[None, None, object], name: str) -> None:
        """Run a coroutine that ends with the entry."""
        _ = self.entry.async_create_background_task(self.hass, job, f"{DOMAIN} {name}")

    @callback
    def fire(self, activity: Activity, **attributes: object) -> None:
        """Let the event entity, and whoever else listens, know that something happened."""
        signal = activity_signal(self.entry.entry_id)
        async_dispatcher_send(self.hass, signal, activity, attributes)


@callback
def async_device_of(hass: HomeAssistant, entry: ConfigEntry[Any]) -> dr.DeviceEntry | None:
    """Return the entry's only device, None before its entities are set up."""
    return next(iter(dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)), None)
