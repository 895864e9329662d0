"""Tells when a library that was chosen is not on the Plex server any more."""

from collections.abc import Collection, Iterable

from homeassistant.core import HomeAssistant, callback

from .const import CONF_LIBRARIES
from .coordinator import PlexLabelSyncCoordinator
from .repairs import async_update_libraries_issue
from .sync.model import Library


def missing(chosen: Iterable[str] | None, there: Collection[Library]) -> frozenset[str]:
    """Return the keys of the chosen libraries that are gone; a server that lists none is starting."""
    if not there:
        return frozenset()
    return frozenset(chosen or ()) - {library.key for library in there}


class LibraryWatch:
    """Looks at the libraries that the last run has seen. It asks nothing of its own."""

    def __init__(self, hass: HomeAssistant, coordinator: PlexLabelSyncCoordinator) -> None:
        """Nothing happens before `async_start`."""
        self._hass = hass
        self._coordinator = coordinator
        self._entry = coordinator.config_entry
        self._names: dict[str, str] = {}
        self._told: dict[str, str] = {}

    @callback
    def async_start(self) -> None:
        """Look whenever a run has ended, as long as the entry is loaded."""
        self._entry.async_on_unload(self._coordinator.async_add_listener(self._async_look))
        self._entry.async_on_unload(lambda: self._tell({}))

    @callback
    def _async_look(self) -> None:
        there = self._coordinator.plex.libraries_seen
        self._names.update((library.key, library.name) for library in there)
        gone = missing(self._entry.options.get(CONF_LIBRARIES), there)
        self._tell({key: self._names.get(key, key) for key in gone})

    def _tell(self, gone: dict[str, str]) -> None:
        if gone != self._told:
            self._told = gone
            async_update_libraries_issue(self._hass, self._entry, gone)
