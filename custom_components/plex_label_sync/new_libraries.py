"""Asks, once, whether a library that is new in Plex gets labels, where only some were chosen."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from .const import CONF_LIBRARIES, CONF_LIBRARIES_SEEN
from .entry_issues import async_raise, async_take_back
from .escaping import as_markdown
from .sync.model import Library

LIBRARY_NEW: Final = "library_new"


def unseen(
    chosen: Iterable[str] | None, seen: Iterable[str] | None, there: Iterable[Library]
) -> dict[str, str]:
    """Return the libraries that nobody has decided about, by key with their names.

    Where all are synced (`chosen` is None) there is nothing to decide, and nothing either when it is
    not known which there were.
    """
    if chosen is None or seen is None:
        return {}
    known = {*chosen, *seen}
    return {library.key: library.name for library in there if library.key not in known}


def libraries_option(chosen: Iterable[str], there: Iterable[str]) -> list[str] | None:
    """Return a choice as it is stored: None when it is all that there are, later ones as well."""
    keys, all_keys = list(chosen), set(there)
    return None if all_keys and all_keys <= set(keys) else keys


def with_libraries(options: Mapping[str, Any], there: Iterable[str]) -> dict[str, Any]:
    """Return options with the choice of libraries as it is stored."""
    new = dict(options)
    if CONF_LIBRARIES in new and libraries_option(new[CONF_LIBRARIES], there) is None:
        del new[CONF_LIBRARIES]
    return new


@callback
def async_remember(
    hass: HomeAssistant, entry: ConfigEntry[Any], keys: Iterable[str], *, anew: bool = False
) -> None:
    """Note which libraries somebody has seen and decided about; `anew` forgets the others."""
    before = () if anew else entry.data.get(CONF_LIBRARIES_SEEN) or ()
    seen = sorted({*before, *keys})
    if seen != entry.data.get(CONF_LIBRARIES_SEEN):
        data = {**entry.data, CONF_LIBRARIES_SEEN: seen}
        hass.config_entries.async_update_entry(entry, data=data)


@callback
def async_update_new_libraries_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], new: Mapping[str, str]
) -> None:
    """Ask about new libraries, given by key with their names, or stop asking."""
    if not new:
        async_take_back(hass, entry, LIBRARY_NEW)
        return
    libraries = ", ".join(map(as_markdown, sorted(new.values())))
    data = {"new": ",".join(sorted(new))}
    async_raise(hass, entry, LIBRARY_NEW, {"libraries": libraries}, data=data)
