"""The context shared by all parts of a loaded entry: Home Assistant, the entry and its settings."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_send

from .const import DOMAIN
from .limits import Limits
from .settings import Settings
from .status import Activity, activity_signal


@dataclass(slots=True, eq=False)
class EntryContext:
    """A loaded entry; `settings` is replaced when a mode is switched."""

    hass: HomeAssistant
    entry: ConfigEntry[Any]
    settings: Settings
    limits: Limits

    @callback
    def in_background(self, job: Coroutine[None, None, object], name: str) -> None:
        """Run a coroutine as a background task, which is cancelled when the entry is unloaded."""
        _ = self.entry.async_create_background_task(self.hass, job, f"{DOMAIN} {name}")

    @callback
    def fire(self, activity: Activity, **attributes: object) -> None:
        """Notify the event entity and other listeners of an activity."""
        signal = activity_signal(self.entry.entry_id)
        async_dispatcher_send(self.hass, signal, activity, attributes)


@callback
def async_device_of(hass: HomeAssistant, entry: ConfigEntry[Any]) -> dr.DeviceEntry | None:
    """Return the entry's only device, None before its entities are set up."""
    return next(iter(dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)), None)
