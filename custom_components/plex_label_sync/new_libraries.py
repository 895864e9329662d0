"""Track which libraries are chosen and which are new and undecided."""

from collections.abc import Iterable, Mapping
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from .const import CONF_LIBRARIES, CONF_LIBRARIES_SEEN
from .sync.model import Library


def unseen(
    chosen: Iterable[str] | None, seen: Iterable[str] | None, there: Iterable[Library]
) -> dict[str, str]:
    """Return the names of undecided libraries by key.

    There are none if all libraries are synced (`chosen` is None) or if the libraries seen so far
    are unknown (`seen` is None).
    """
    if chosen is None or seen is None:
        return {}
    known = {*chosen, *seen}
    return {library.key: library.name for library in there if library.key not in known}


def libraries_option(chosen: Iterable[str], there: Iterable[str]) -> list[str] | None:
    """Return a choice as it is stored: None, which covers later ones, if it includes all."""
    keys, all_keys = list(chosen), set(there)
    return None if all_keys and all_keys <= set(keys) else keys


def with_libraries(options: Mapping[str, Any], there: Iterable[str]) -> dict[str, Any]:
    """Return options with the choice of libraries converted to its stored form."""
    new = dict(options)
    if CONF_LIBRARIES in new and libraries_option(new[CONF_LIBRARIES], there) is None:
        del new[CONF_LIBRARIES]
    return new


@callback
def async_remember(hass: HomeAssistant, entry: ConfigEntry[Any], keys: Iterable[str]) -> None:
    """Record libraries as seen and decided about."""
    seen = sorted({*(entry.data.get(CONF_LIBRARIES_SEEN) or ()), *keys})
    if seen != entry.data.get(CONF_LIBRARIES_SEEN):
        data = {**entry.data, CONF_LIBRARIES_SEEN: seen}
        hass.config_entries.async_update_entry(entry, data=data)
