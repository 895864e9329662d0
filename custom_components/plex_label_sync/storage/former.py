"""The ledgers of removed entries, which a new entry for the same server can restore."""

import asyncio
from collections.abc import Mapping
import logging
import time
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import CONF_TAKE_OVER, DOMAIN
from ..sync.ledger import Ledger
from ..sync.threads import in_thread
from .files import (
    FORMER,
    MINOR_VERSIONS,
    NONSENSE,
    RecordFile,
    StoreTooNewError,
    StoreUnreadableError,
    migrated,
)
from .records import Records

_LOGGER = logging.getLogger(__name__)

SERVERS_MAX: Final = 10  # whose ledgers are kept; the one removed first is dropped first

type Servers = dict[str, dict[str, Any]]


class FormerLedgers:
    """One file of the domain with the ledgers of removed entries, by Plex machine identifier."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize; the file is read on first use."""
        self._file = RecordFile(hass, None, FORMER)
        self._one_at_a_time = asyncio.Lock()

    async def async_keep(self, machine_id: str, ledger: Ledger) -> None:
        """Keep a ledger with rows; one without leaves the kept one in place."""
        if not len(ledger):
            return
        data = await in_thread(ledger.copy().as_dict)
        async with self._one_at_a_time:
            servers = with_server(await self._read(), machine_id, data, removed=int(time.time()))
            await self._write(servers)

    async def async_get(self, machine_id: str) -> Ledger | None:
        """Return the ledger that is kept for a server, None if there is none with rows."""
        async with self._one_at_a_time:
            kept = (await self._read()).get(machine_id)
        if kept is None:
            return None
        ledger = await in_thread(_ledger_of, kept)
        return ledger if ledger is not None and len(ledger) else None

    async def async_forget(self, machine_id: str) -> None:
        """Delete a server's ledger."""
        async with self._one_at_a_time:
            servers = await self._read()
            if servers.pop(machine_id, None) is not None:
                await self._write(servers)

    async def _read(self) -> Servers:
        """Return the kept ledgers; an unreadable file counts as empty, as none is essential."""
        try:
            _, servers = await self._file.async_read(_servers_of)
        except (StoreTooNewError, StoreUnreadableError) as err:
            _LOGGER.warning("The records of removed entries cannot be read: %s", err)
            return {}
        return servers or {}

    async def _write(self, servers: Servers) -> None:
        await self._file.async_write(lambda: lambda: {"servers": servers})


_FORMER: Final[HassKey[FormerLedgers]] = HassKey(f"{DOMAIN}_former")


@callback
def async_former(hass: HomeAssistant) -> FormerLedgers:
    """Return the single store of former ledgers."""
    if (keeper := hass.data.get(_FORMER)) is None:
        keeper = hass.data[_FORMER] = FormerLedgers(hass)
    return keeper


async def async_keep_former(
    hass: HomeAssistant, entry: ConfigEntry[Any], unsaved: Records | None
) -> None:
    """Keep the ledger of an entry that is being removed, before its files are deleted.

    `unsaved` are its records if they could not be written.
    """
    if unsaved is not None:
        ledger: Ledger | None = unsaved.ledger
    else:
        try:
            file = RecordFile(hass, entry.entry_id, "ledger")
            _, ledger = await file.async_read(Ledger.from_dict)
        except (StoreTooNewError, StoreUnreadableError) as err:
            _LOGGER.warning("The ledger of %s cannot be kept: %s", entry.title, err)
            return
    if ledger is not None and entry.unique_id is not None:
        await async_former(hass).async_keep(entry.unique_id, ledger)


async def async_take_over(hass: HomeAssistant, entry: ConfigEntry[Any], records: Records) -> None:
    """Carry out the choice made when the entry was set up: restore the former ledger, or delete it.

    The former ledger is deleted once the new one is on disk, together with the choice.
    """
    if CONF_TAKE_OVER not in entry.data or entry.unique_id is None:
        return
    former = async_former(hass)
    if entry.data[CONF_TAKE_OVER] and not len(records.ledger):
        ledger = await former.async_get(entry.unique_id)
        if ledger is not None:
            records.ledger = ledger
            await records.async_save_ledger()
            if records.unsaved:
                return
    await former.async_forget(entry.unique_id)
    data = {name: value for name, value in entry.data.items() if name != CONF_TAKE_OVER}
    hass.config_entries.async_update_entry(entry, data=data)


def with_server(
    servers: Servers, machine_id: str, ledger: Mapping[str, Any], *, removed: int
) -> Servers:
    """Return the servers with one more; `removed` is in seconds since the epoch."""
    kept = {
        **servers,
        machine_id: {
            "removed": removed,
            "minor_version": MINOR_VERSIONS["ledger"],
            "ledger": dict(ledger),
        },
    }
    newest = sorted(kept, key=lambda one: kept[one]["removed"])[-SERVERS_MAX:]
    return {one: kept[one] for one in newest}


def _servers_of(data: Mapping[str, Any]) -> Servers:
    """Return the well-formed servers; malformed ones are left out individually."""
    return {
        str(machine_id): {**kept, "removed": int(kept.get("removed", 0))}
        for machine_id, kept in dict(data["servers"]).items()
        if isinstance(kept, dict) and isinstance(kept.get("ledger"), dict)
    }


def _ledger_of(kept: Mapping[str, Any]) -> Ledger | None:
    """Return a kept ledger migrated to the current version, None if it is malformed."""
    try:
        return Ledger.from_dict(migrated("ledger", int(kept["minor_version"]), kept["ledger"]))
    except NONSENSE:
        _LOGGER.exception("The records of a removed entry are invalid")
        return None
