"""Who wants to know when something has happened, so that parts need not know each other."""

from collections.abc import Callable

from homeassistant.core import CALLBACK_TYPE, callback


class Listeners[*Args]:
    """Calls everybody who was added, in order, in the event loop."""

    def __init__(self) -> None:
        """Nobody listens yet."""
        self._listeners: dict[object, Callable[[*Args], None]] = {}

    @callback
    def add(self, listener: Callable[[*Args], None]) -> CALLBACK_TYPE:
        """Add a listener; call what is returned to remove it."""
        key = object()
        self._listeners[key] = listener

        @callback
        def remove() -> None:
            self._listeners.pop(key, None)

        return remove

    @callback
    def __call__(self, *args: *Args) -> None:
        """Call the listeners that are there now."""
        for listener in tuple(self._listeners.values()):
            listener(*args)
