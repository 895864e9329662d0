"""A one-shot timer that can be set again."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .clocks import steady

type Action = Callable[[], Coroutine[Any, Any, None] | None]


class Timer:
    """Calls `action` in the event loop when it expires; a coroutine becomes a task."""

    def __init__(self, hass: HomeAssistant, action: Action) -> None:
        """Initialize an inactive timer."""
        self._hass = hass
        self._action = action
        self._due = 0.0  # by the steady clock
        self._unschedule: CALLBACK_TYPE | None = None

    @property
    def is_set(self) -> bool:
        """Whether the timer is active."""
        return self._unschedule is not None

    @callback
    def set(self, seconds: float) -> None:
        """Call the action in so many seconds, replacing an earlier setting."""
        self.cancel()
        self._due = steady() + seconds
        self._unschedule = async_call_later(self._hass, seconds, self._async_fire)

    @callback
    def set_earlier(self, seconds: float) -> None:
        """Call the action in so many seconds, unless it is already due earlier."""
        if not self.is_set or steady() + seconds < self._due:
            self.set(seconds)

    @callback
    def set_once(self, seconds: float) -> None:
        """Call the action in so many seconds, unless the timer is active."""
        if not self.is_set:
            self.set(seconds)

    @callback
    def cancel(self) -> None:
        """Cancel the timer."""
        if self._unschedule is not None:
            self._unschedule()
            self._unschedule = None

    @callback
    def _async_fire(self, _now: datetime) -> None:
        self._unschedule = None
        if (job := self._action()) is not None:
            _ = self._hass.async_create_task(job, eager_start=True)
