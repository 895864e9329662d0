"""One timer for everybody: something is due once, later; setting it again replaces what was set."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .clocks import steady

type Action = Callable[[], Coroutine[Any, Any, None] | None]


class Timer:
    """Calls `action` in the event loop when its time has come; a coroutine becomes a task."""

    def __init__(self, hass: HomeAssistant, action: Action) -> None:
        """Nothing is due before `set`."""
        self._hass = hass
        self._action = action
        self._due = 0.0  # by the steady clock
        self._unschedule: CALLBACK_TYPE | None = None

    @property
    def is_set(self) -> bool:
        """Whether something is due."""
        return self._unschedule is not None

    @callback
    def set(self, seconds: float) -> None:
        """Have the action called in so many seconds, whatever was set before."""
        self.cancel()
        self._due = steady() + seconds
        self._unschedule = async_call_later(self._hass, seconds, self._async_fire)

    @callback
    def set_earlier(self, seconds: float) -> None:
        """Have the action called in so many seconds, unless it is due earlier anyway."""
        if not self.is_set or steady() + seconds < self._due:
            self.set(seconds)

    @callback
    def set_once(self, seconds: float) -> None:
        """Have the action called in so many seconds, unless it is due anyway."""
        if not self.is_set:
            self.set(seconds)

    @callback
    def cancel(self) -> None:
        """Let nothing be due."""
        if self._unschedule is not None:
            self._unschedule()
            self._unschedule = None

    @callback
    def _async_fire(self, _now: datetime) -> None:
        self._unschedule = None
        if (job := self._action()) is not None:
            _ = self._hass.async_create_task(job, eager_start=True)
