"""Plex Label Sync: label Plex items with the people whose Pulsarr watchlists they are on."""

from collections.abc import Iterator
from contextlib import contextmanager
import logging
from typing import Final

from homeassistant.const import CONF_WEBHOOK_ID, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.typing import ConfigType
from homeassistant.util.hass_dict import HassKey

from .const import (
    CONF_BATCH_MODE,
    CONF_CONFIRMED,
    CONF_FORMER_SECRETS,
    CONF_LIBRARIES_SEEN,
    CONF_LIVE_MODE,
    CONF_WEBHOOK_SECRET,
    DOMAIN,
)
from .issues import (
    STORE_DAMAGED,
    STORE_LEFT_OUT,
    async_delete_all,
    async_raise,
    async_update_held_issue,
)
from .limits import current_limits
from .probing.runner import async_remove_trial
from .probing.store import ProbeStore, async_forgotten_trial
from .runtime import PlexLabelSyncConfigEntry, Runtime, plex_client, pulsarr_client
from .services import async_setup_services
from .storage.earlier_ids import confirmed_with_sources
from .storage.files import StoreTooNewError, StoreUnreadableError, async_remove_files
from .storage.former import async_keep_former, async_take_over
from .storage.records import Records
from .sync.model import ServiceError
from .webhook.registration import async_remove

_LOGGER = logging.getLogger(__name__)

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.IMAGE,
    Platform.SENSOR,
    Platform.SWITCH,
]
_UNSAVED: Final[HassKey[dict[str, Records]]] = HassKey(f"{DOMAIN}_unsaved")
_MODES = {CONF_BATCH_MODE, CONF_LIVE_MODE}
_CHANGES_LOADED = {
    CONF_CONFIRMED,
    CONF_FORMER_SECRETS,
    CONF_LIBRARIES_SEEN,
    CONF_WEBHOOK_SECRET,
}  # keys of the entry's data

_SOURCES: Final = 2  # the minor version that added the source of people's ids to confirmed names

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions, which stay registered when entries are unloaded."""
    async_setup_services(hass)
    return True


async def async_migrate_entry(hass: HomeAssistant, entry: PlexLabelSyncConfigEntry) -> bool:
    """Migrate an entry's data; return False for a newer, unsupported version."""
    if entry.version > 1:
        return False
    if entry.minor_version < _SOURCES:
        data = dict(entry.data)
        if CONF_CONFIRMED in data:
            data[CONF_CONFIRMED] = confirmed_with_sources(data[CONF_CONFIRMED])
        hass.config_entries.async_update_entry(entry, data=data, minor_version=_SOURCES)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: PlexLabelSyncConfigEntry) -> bool:
    """Set up one Plex server and its Pulsarr."""
    records = await _records(hass, entry)
    probes = ProbeStore(hass, entry.entry_id)
    with _readable():
        await probes.async_load()
    runtime = entry.runtime_data = await Runtime.async_create(hass, entry, records, probes)
    await async_update_held_issue(hass, entry, records.held)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    runtime.async_start()
    loaded, secret = _besides_modes(entry), entry.data[CONF_WEBHOOK_SECRET]

    async def changed(hass: HomeAssistant, entry: PlexLabelSyncConfigEntry) -> None:
        """Switch changed modes in place; reload the entry for any other change."""
        nonlocal secret
        if _besides_modes(entry) != loaded:
            await hass.config_entries.async_reload(entry.entry_id)
            return
        if entry.data[CONF_WEBHOOK_SECRET] != secret:
            secret = entry.data[CONF_WEBHOOK_SECRET]
            runtime.webhook_manager.async_change_modes()  # the webhook in Pulsarr depends on them
        runtime.async_change_modes()

    entry.async_on_unload(entry.add_update_listener(changed))
    return True


async def async_unload_entry(hass: HomeAssistant, entry: PlexLabelSyncConfigEntry) -> bool:
    """Stop everything; the webhook stays registered in Pulsarr."""
    await entry.runtime_data.async_stop()
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: PlexLabelSyncConfigEntry) -> None:
    """Remove the entry's files and its webhook in Pulsarr, but no labels.

    The ledger is kept in case the server is set up again.
    """
    try:
        await async_remove(pulsarr_client(hass, entry.data), entry.data[CONF_WEBHOOK_ID])
    except ServiceError as err:
        _LOGGER.warning("The webhook in Pulsarr could not be removed: %s", err)
    if (trial := await async_forgotten_trial(hass, entry.entry_id)) is not None:
        try:
            await async_remove_trial(
                plex_client(hass, entry.data), trial, current_limits(hass).probe
            )
        except ServiceError as err:
            _LOGGER.warning("The labels of a probe could not be removed: %s", err)
    unsaved = hass.data.get(_UNSAVED, {}).pop(entry.entry_id, None)
    await async_keep_former(hass, entry, unsaved)
    await async_remove_files(hass, entry.entry_id)
    async_delete_all(hass, entry)


async def _records(hass: HomeAssistant, entry: PlexLabelSyncConfigEntry) -> Records:
    """Return an entry's records; everything is written before the next setup reads it."""
    kept = hass.data.setdefault(_UNSAVED, {})
    if (records := kept.pop(entry.entry_id, None)) is not None:
        records.async_open()
    else:
        records = await _load(hass, entry)

    async def close() -> None:
        """Close the records, and keep unsaved ones in memory for the next setup."""
        await records.async_close()
        if records.unsaved:
            kept[entry.entry_id] = records

    # Called last, after the webhook is closed: its last events are being saved by then.
    entry.async_on_unload(close)
    return records


@contextmanager
def _readable() -> Iterator[None]:
    """Convert errors of unreadable files to setup errors.

    Raises ConfigEntryError or ConfigEntryNotReady.
    """
    try:
        yield
    except StoreTooNewError as err:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="store_too_new") from err
    except StoreUnreadableError as err:
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key="store_unreadable",
            translation_placeholders={"detail": str(err)},
        ) from err


async def _load(hass: HomeAssistant, entry: PlexLabelSyncConfigEntry) -> Records:
    """Read an entry's files. Raises ConfigEntryError or ConfigEntryNotReady."""
    records = Records(hass, entry.entry_id)
    # An entry with entities was set up before, so its files must exist.
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    with _readable():
        await records.async_load(expected=bool(entities))
    if records.damaged:
        async_raise(hass, entry, STORE_DAMAGED, records.damaged)
    if records.left_out:
        async_raise(hass, entry, STORE_LEFT_OUT, records.left_out)
    await async_take_over(hass, entry, records)
    return records


def _besides_modes(entry: PlexLabelSyncConfigEntry) -> tuple[object, ...]:
    """Return all of an entry's data and options whose change requires a reload."""
    options = {name: value for name, value in entry.options.items() if name not in _MODES}
    data = {name: value for name, value in entry.data.items() if name not in _CHANGES_LOADED}
    return entry.title, data, options
