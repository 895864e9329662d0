"""Observer lists that keep the parts of an entry independent of each other."""

from collections.abc import Callable

from homeassistant.core import CALLBACK_TYPE, callback


class Listeners[*Args]:
    """Calls its listeners in the order they were added, in the event loop."""

    def __init__(self) -> None:
        """Initialize without listeners."""
        self._listeners: dict[object, Callable[[*Args], None]] = {}

    @callback
    def add(self, listener: Callable[[*Args], None]) -> CALLBACK_TYPE:
        """Add a listener; return a function that removes it."""
        key = object()
        self._listeners[key] = listener

        @callback
        def remove() -> None:
            self._listeners.pop(key, None)

        return remove

    @callback
    def __call__(self, *args: *Args) -> None:
        """Call all current listeners."""
        for listener in tuple(self._listeners.values()):
            listener(*args)
