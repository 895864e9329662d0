"""The actions: sync everything, look at what waits, list what waits."""

from enum import StrEnum
from typing import TYPE_CHECKING, Final, cast

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType
import voluptuous as vol

from .const import DOMAIN
from .coordinator import PlexLabelSyncConfigEntry, PlexLabelSyncCoordinator
from .errors import translation
from .live import PassResult
from .sync.engine import Request, UnknownLibraryError
from .sync.model import Run
from .sync.queue import PendingSync
from .sync.wanted import UnknownPersonError

if TYPE_CHECKING:
    from homeassistant.helpers.typing import VolSchemaType

CHANGES_MAX: Final = 500  # in one answer


class ActionName(StrEnum):
    """The actions of the integration."""

    SYNC_ALL = "sync_all"
    PROCESS_PENDING = "process_pending"
    GET_PENDING = "get_pending"


class Field(StrEnum):
    """The fields of the actions."""

    CONFIG_ENTRY_ID = "config_entry_id"
    DRY_RUN = "dry_run"
    PEOPLE = "people"
    LIBRARIES = "libraries"


# Plain strings: voluptuous, which Home Assistant used until 2026.8, takes no others as keys.
_ENTRY_SCHEMA: Final = {vol.Optional(Field.CONFIG_ENTRY_ID.value): cv.string}

SYNC_ALL_SCHEMA: Final = vol.Schema(
    {
        **_ENTRY_SCHEMA,
        vol.Optional(Field.DRY_RUN.value, default=False): cv.boolean,
        vol.Optional(Field.PEOPLE.value): vol.All(cv.ensure_list, [cv.string]),
        vol.Optional(Field.LIBRARIES.value): vol.All(cv.ensure_list, [cv.string]),
    }
)
PENDING_SCHEMA: Final = vol.Schema(_ENTRY_SCHEMA)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register all actions."""
    for name, handler, schema, response in (
        (ActionName.SYNC_ALL, _async_sync_all, SYNC_ALL_SCHEMA, SupportsResponse.OPTIONAL),
        (
            ActionName.PROCESS_PENDING,
            _async_process_pending,
            PENDING_SCHEMA,
            SupportsResponse.OPTIONAL,
        ),
        (ActionName.GET_PENDING, _async_get_pending, PENDING_SCHEMA, SupportsResponse.ONLY),
    ):
        hass.services.async_register(
            DOMAIN,
            name,
            handler,
            # Newer releases put their own library in voluptuous' place, which types do not see.
            schema=cast("VolSchemaType", schema),
            supports_response=response,
        )


async def sync_all(coordinator: PlexLabelSyncCoordinator, request: Request | None = None) -> Run:
    """Carry out a full sync.

    Raises HomeAssistantError when nothing could be done, ServiceValidationError for unknown
    people or libraries.
    """
    try:
        run = await coordinator.async_run(request or Request())
    except UnknownPersonError as err:
        raise _invalid("unknown_person", person=str(err)) from err
    except UnknownLibraryError as err:
        raise _invalid("unknown_library", library=str(err)) from err
    _raise_if_nothing_was_done(run)
    return run


async def process_pending(coordinator: PlexLabelSyncCoordinator) -> PassResult:
    """Look for everything that waits. Raises HomeAssistantError when that was not possible."""
    result = await coordinator.live.async_process(everything=True)
    if result.run is not None:
        _raise_if_nothing_was_done(result.run)
    return result


async def _async_sync_all(call: ServiceCall) -> ServiceResponse:
    """Answer `sync_all`."""
    run = await sync_all(
        _coordinator(call),
        Request(
            dry_run=call.data[Field.DRY_RUN],
            people=_names(call, Field.PEOPLE),
            libraries=_names(call, Field.LIBRARIES),
        ),
    )
    return run_response(run) if call.return_response else None


async def _async_process_pending(call: ServiceCall) -> ServiceResponse:
    """Answer `process_pending`."""
    result = await process_pending(_coordinator(call))
    if not call.return_response:
        return None
    return {
        "processed": result.processed,
        "labelled": result.labelled,
        "waiting": result.waiting,
        "expired": result.expired,
    }


async def _async_get_pending(call: ServiceCall) -> ServiceResponse:
    """Answer `get_pending`."""
    return {"pending": [_pending_response(entry) for entry in _coordinator(call).live.queue]}


def _coordinator(call: ServiceCall) -> PlexLabelSyncCoordinator:
    """Return the entry that a call means; with one entry it need not be named."""
    entries: list[PlexLabelSyncConfigEntry] = call.hass.config_entries.async_entries(DOMAIN)
    if (entry_id := call.data.get(Field.CONFIG_ENTRY_ID)) is not None:
        entries = [entry for entry in entries if entry.entry_id == entry_id]
    if not entries:
        raise _invalid("entry_not_found")
    if len(entries) > 1:
        raise _invalid("several_entries")
    if entries[0].state is not ConfigEntryState.LOADED:
        raise _invalid("entry_not_loaded", title=entries[0].title)
    return entries[0].runtime_data


def _names(call: ServiceCall, field: Field) -> tuple[str, ...] | None:
    names: list[str] | None = call.data.get(field)
    return tuple(names) if names else None


def _invalid(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )


def _raise_if_nothing_was_done(run: Run) -> None:
    if run.error is not None and not run.changes:
        raise HomeAssistantError(**translation(run.error)) from run.error


def run_response(run: Run) -> JsonObjectType:
    """Return a run as an action answers it; at most CHANGES_MAX of its changes."""
    return {
        "run_id": run.id,
        "dry_run": run.dry_run,
        "status": run.status.value,
        "people": run.people,
        "titles": run.titles,
        "items": run.items,
        "added": run.added,
        "removed": run.removed,
        "unchanged": run.unchanged,
        "not_in_plex": run.not_in_plex,
        "overridden": run.overridden,
        "failed": len(run.failed),
        "duration": round(run.duration, 3),
        "changes": [
            {
                "action": change.action.value,
                "label": change.label,
                "library": change.library,
                "rating_key": change.rating_key,
                "title": change.title,
                "reason": change.reason,
            }
            for change in run.changes[:CHANGES_MAX]
        ],
        "changes_total": len(run.changes),
    }


def _pending_response(entry: PendingSync) -> JsonObjectType:
    """Return a pending sync as `get_pending` answers it; times as ISO 8601 in UTC."""
    return {
        "title": entry.title.name,
        "type": entry.title.type.value,
        "guids": [*sorted(entry.title.ids)],
        "people": [*entry.people],
        "reason": entry.reason.value,
        "created": _time(entry.created),
        "next_try": _time(entry.next_try),
        "tries": entry.tries,
        "expires": _time(entry.expires),
    }


def _time(seconds: float) -> str:
    return dt_util.utc_from_timestamp(seconds).isoformat()
