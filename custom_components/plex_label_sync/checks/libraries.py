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
        self._reported: dict[str, str] = {}
        self._raised: dict[str, str] = {}

    @callback
    def async_start(self) -> None:
        """Check after each run while the entry is loaded."""
        self._entry.async_on_unload(self._runner.on_change.add(self._async_check))
        self._entry.async_on_unload(lambda: self._report({}))
        self._entry.async_on_unload(lambda: self._raise_new({}))

    @callback
    def _async_check(self) -> None:
        there = self._plex.libraries_seen
        self._names.update((library.key, library.name) for library in there)
        removed = missing(self._entry.options.get(CONF_LIBRARIES), there)
        if self._plex.all_libraries_seen:  # else it may be among the unread ones
            self._report({key: self._names.get(key, key) for key in removed})
        if there:
            self._check_for_new(there)

    def _check_for_new(self, there: Collection[Library]) -> None:
        """Report new libraries; not if all are synced, nor at first, when all are remembered."""
        chosen = self._entry.options.get(CONF_LIBRARIES)
        seen = self._entry.data.get(CONF_LIBRARIES_SEEN)
        if chosen is None or seen is None:
            async_remember(self._hass, self._entry, (library.key for library in there))
        self._raise_new(unseen(chosen, seen, there))

    def _report(self, removed: dict[str, str]) -> None:
        """Report missing libraries; if others are left, offer to deselect the missing ones."""
        if removed == self._reported:
            return
        self._reported = removed
        if not removed:
            async_delete(self._hass, self._entry, LIBRARY_GONE)
            return
        others_left = len(removed) < len(self._entry.options[CONF_LIBRARIES])
        repair = LIBRARY_GONE if others_left else LIBRARIES_GONE
        async_raise(self._hass, self._entry, repair, removed)

    def _raise_new(self, new: dict[str, str]) -> None:
        if new == self._raised:
            return
        self._raised = new
        if new:
            async_raise(self._hass, self._entry, LIBRARY_NEW, new)
        else:
            async_delete(self._hass, self._entry, LIBRARY_NEW)
