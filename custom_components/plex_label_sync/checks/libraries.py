"""Reports when a chosen library is no longer on the Plex server, or when there is a new one."""

from collections.abc import Collection, Iterable

from homeassistant.core import callback

from ..const import CONF_LIBRARIES, CONF_LIBRARIES_SEEN
from ..context import EntryContext
from ..issues import LIBRARIES_GONE, LIBRARY_GONE, LIBRARY_NEW, async_delete, async_raise
from ..new_libraries import async_remember, unseen
from ..runner import Runner
from ..servers import Servers
from ..sync.model import Library


def missing(chosen: Iterable[str] | None, there: Collection[Library]) -> frozenset[str]:
    """Return the keys of missing chosen libraries; a server that lists none is still starting."""
    if not there:
        return frozenset()
    return frozenset(chosen or ()) - {library.key for library in there}


class LibraryCheck:
    """Checks the libraries that the last run has read, without requests of its own."""

    def __init__(self, context: EntryContext, servers: Servers, runner: Runner) -> None:
        """Initialize; `async_start` starts the checks."""
        self._hass, self._entry = context.hass, context.entry
        self._plex = servers.plex
        self._runner = runner
        self._names: dict[str, str] = {}
        self._told: dict[str, str] = {}
        self._asked: dict[str, str] = {}

    @callback
    def async_start(self) -> None:
        """Check after each run while the entry is loaded."""
        self._entry.async_on_unload(self._runner.on_change.add(self._async_look))
        self._entry.async_on_unload(lambda: self._tell({}))
        self._entry.async_on_unload(lambda: self._ask({}))

    @callback
    def _async_look(self) -> None:
        there = self._plex.libraries_seen
        self._names.update((library.key, library.name) for library in there)
        gone = missing(self._entry.options.get(CONF_LIBRARIES), there)
        if self._plex.all_libraries_seen:  # else it may be among the unread ones
            self._tell({key: self._names.get(key, key) for key in gone})
        if there:
            self._look_for_new(there)

    def _look_for_new(self, there: Collection[Library]) -> None:
        """Report new libraries; not if all are synced, nor at first, when all are remembered."""
        chosen = self._entry.options.get(CONF_LIBRARIES)
        seen = self._entry.data.get(CONF_LIBRARIES_SEEN)
        if chosen is None or seen is None:
            async_remember(self._hass, self._entry, (library.key for library in there))
        self._ask(unseen(chosen, seen, there))

    def _tell(self, gone: dict[str, str]) -> None:
        """Report missing libraries; if others are left, offer to deselect the missing ones."""
        if gone == self._told:
            return
        self._told = gone
        if not gone:
            async_delete(self._hass, self._entry, LIBRARY_GONE)
            return
        others_left = len(gone) < len(self._entry.options[CONF_LIBRARIES])
        repair = LIBRARY_GONE if others_left else LIBRARIES_GONE
        async_raise(self._hass, self._entry, repair, gone)

    def _ask(self, new: dict[str, str]) -> None:
        if new == self._asked:
            return
        self._asked = new
        if new:
            async_raise(self._hass, self._entry, LIBRARY_NEW, new)
        else:
            async_delete(self._hass, self._entry, LIBRARY_NEW)
