"""Diagnostics of an entry without personal data or secrets, to attach to a bug report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from ipaddress import ip_address
import time
from typing import TYPE_CHECKING, Any, Final

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID, __version__ as ha_version
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration
from homeassistant.util import dt as dt_util
from yarl import URL

from .const import (
    CONF_CLIENT_ID,
    CONF_CONFIRMED,
    CONF_FORMER_SECRETS,
    CONF_PLEX_TOKEN,
    CONF_PLEX_TV_TOKEN,
    CONF_PLEX_URL,
    CONF_PULSARR_API_KEY,
    CONF_PULSARR_URL,
    CONF_WEBHOOK_SECRET,
    DOMAIN,
)
from .health import async_pulsarr_version
from .options import OPTIONS, Accounts, Labels, People, Url
from .probing.store import ProbeStore
from .request_statistics import Statistics
from .responses import entry_response
from .runtime import PlexLabelSyncConfigEntry, Runtime
from .sharing_check.diagnostics import sharing_diagnostics
from .storage.files import MINOR_VERSIONS, STORE_VERSION
from .summary import Summary
from .sync.changes import Row
from .sync.journal import Entry
from .sync.queue import Queue
from .sync.run import StartedBy
from .sync.safety_check import DAY
from .sync.threads import in_thread

if TYPE_CHECKING:
    from homeassistant.helpers.device_registry import DeviceEntry

    from .webhook.manager import Registration

SECRETS: Final = frozenset(
    {
        CONF_CLIENT_ID,
        CONF_CONFIRMED,
        CONF_FORMER_SECRETS,
        CONF_PLEX_TOKEN,
        CONF_PLEX_TV_TOKEN,
        CONF_PULSARR_API_KEY,
        CONF_WEBHOOK_ID,
        CONF_WEBHOOK_SECRET,
    }
)
ADDRESSES: Final = frozenset(
    {
        CONF_PLEX_URL,
        CONF_PULSARR_URL,
        *(key for key, option in OPTIONS.items() if isinstance(option.kind, Url)),
    }
)
COUNTED: Final = frozenset(  # these name people
    key for key, option in OPTIONS.items() if isinstance(option.kind, Labels | People | Accounts)
)


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: PlexLabelSyncConfigEntry
) -> dict[str, Any]:
    """Return diagnostics for an entry, loaded or not."""
    integration = await async_get_integration(hass, DOMAIN)
    result: dict[str, Any] = {
        "versions": {"home_assistant": ha_version, "integration": str(integration.version)},
        "entry": {
            "version": f"{entry.version}.{entry.minor_version}",
            "state": entry.state.value,
            "reason": entry.error_reason_translation_key or entry.reason,
            "source": entry.source,
            "data": _without_places(async_redact_data(entry.data, SECRETS)),
            "options": _without_places(_counted(entry.options)),
        },
    }
    if entry.state is not ConfigEntryState.LOADED:
        return result
    runtime = entry.runtime_data
    result["versions"] |= {
        "plex": runtime.servers.info.version,
        "pulsarr": await async_pulsarr_version(runtime),
    }
    return {
        **result,
        **_running(runtime),
        **await _records(runtime),
        "sharing": sharing_diagnostics(runtime.sharing),
        "probe": _probe(runtime.probing.store),
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: PlexLabelSyncConfigEntry, _device: "DeviceEntry"
) -> dict[str, Any]:
    """Return the entry's diagnostics for its only device."""
    return await async_get_config_entry_diagnostics(hass, entry)


def _running(runtime: Runtime) -> dict[str, Any]:
    """Return the state of the parts of a loaded entry."""
    lists = runtime.runner.engine.watchlists
    return {
        "status": _plain(
            asdict(replace(runtime.coordinator.data, by_person=None, last_labelled=None))
        ),
        "trouble": runtime.servers.failures,
        "watchlists": None
        if lists is None
        else {
            "read": _moment(lists.read_at),
            "people": len(lists.people),
            "people_with_sync": sum(person.can_sync for person in lists.people),
            "people_with_titles": sum(map(bool, lists.titles.values())),
            "titles": sum(map(len, lists.titles.values())),
        },
        "requests": {
            "plex": _statistics(runtime.servers.plex.statistics),
            "pulsarr": _statistics(runtime.servers.pulsarr.statistics),
        },
        "webhook": {
            "arrived": _plain(asdict(runtime.webhook)),
            "registration": _registration(runtime.webhook_manager.registration),
        },
    }


def _last_full_sync(summary: Summary) -> dict[str, Any] | None:
    """Return the result of the last full sync, with people and titles only counted."""
    if summary.last_sync is None:
        return None
    return {
        **asdict(replace(summary, people=None, last_labelled=None)),
        "last_sync": _moment(summary.last_sync),
        "people": len(summary.people or ()),
    }


def _run(entry: Entry) -> dict[str, Any]:
    """Return a run of the journal without the name of the user who started it."""
    by_system = entry.started_by in set(StartedBy)
    return {**entry_response(entry), "started_by": str(entry.started_by) if by_system else "person"}


async def _records(runtime: Runtime) -> dict[str, Any]:
    """Return the size of the records and the results of the last runs."""
    records = runtime.records
    entries = records.journal.entries[::-1]
    return {
        "queue": _queue(records.queue),
        # Of up to tens of thousands of labels and changes
        "ledger": await in_thread(_ledger, tuple(records.ledger)),
        "runs": await in_thread(lambda: [_run(one) for one in entries]),
        "last_full_sync": _last_full_sync(records.summary),
        "gaps": [
            {
                "kind": one.gap.kind.value,
                "reason": one.gap.failure.value,
                "rows": one.gap.rows,
                "since": _moment(one.since),
                "syncs": one.syncs,
            }
            for one in records.knowledge.gaps.values()
        ],
        "lost_in_24_hours": records.lost_since(time.time() - DAY),
        "held": records.held
        and {
            "since": _moment(records.held.since),
            "reasons": list(records.held.reasons),
            "removals": records.held.removals,
            "vanished": records.held.vanished,
        },
        "files": {
            "versions": {
                name: f"{STORE_VERSION}.{minor}" for name, minor in MINOR_VERSIONS.items()
            },
            "bytes": {
                **await records.async_sizes(),
                "sharing": await runtime.sharing.store.async_size(),
                "probe": await runtime.probing.store.async_size(),
            },
            "unsaved": records.unsaved,
            "damaged": list(records.damaged),
        },
    }


def _ledger(rows: Sequence[Row]) -> dict[str, int]:
    """Return how many labels there are of each kind."""
    return {
        "labels": len(rows),
        "items": len({row.rating_key for row in rows}),
        "overrides": sum(row.removed_by_user for row in rows),
        "undone": sum(row.removed_by_user and row.removed_by_undo for row in rows),
        "pinned": sum(row.pinned for row in rows),
        "marks": sum(row.is_removed_marker for row in rows),
        "nobody_wants": sum(bool(row.unwanted_since and not row.removed_by_user) for row in rows),
        "unconfirmed": sum(not row.confirmed for row in rows),
    }


def _probe(store: ProbeStore) -> dict[str, Any] | None:
    """Return the result of the last probe; its facts contain no names."""
    if (last := store.last) is None:
        return None
    return {
        "asked": _moment(last.asked),
        "movie": last.movie,
        "version": last.version,
        "platform": last.platform,
        "requests": last.requests,
        "unfinished": store.trial is not None,
        "facts": {one.code.value: one.answer for one in last.facts},
    }


def _queue(queue: Queue) -> dict[str, Any]:
    return {
        "size": len(queue),
        "reasons": dict(Counter(entry.reason.value for entry in queue)),
        "types": dict(Counter(entry.title.type.value for entry in queue)),
        "tries_max": max((entry.tries for entry in queue), default=0),
        "oldest_seconds": round(time.time() - min(entry.created for entry in queue))
        if queue
        else None,
    }


def _statistics(statistics: Statistics) -> dict[str, Any]:
    return {
        "requests": statistics.requests,
        "retries": statistics.retries,
        "bytes_in": statistics.bytes_in,
        "failures": {str(failure): count for failure, count in statistics.failures.items()},
        "kinds": {
            name: {
                **asdict(kind),
                "seconds": round(kind.seconds, 3),
                "slowest": round(kind.slowest, 3),
            }
            for name, kind in sorted(statistics.kinds.items())
        },
        "last_failures": [
            {"at": _moment(one.at), "failure": one.failure.value, "detail": one.detail}
            for one in statistics.last_failures
        ],
    }


def _registration(registration: "Registration") -> dict[str, Any]:
    """Return the state of the webhook, without details of test results: they may name a host."""
    return {
        "health": registration.health.value,
        "address": registration.address and place(registration.address),
        "tried": [
            {"address": place(address), "said": detail.partition(" (")[0]}
            for address, detail in registration.tried
        ],
        "checked": registration.checked and registration.checked.isoformat(),
    }


def _counted(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options, with lists of names replaced by their length."""
    return {name: len(value) if name in COUNTED else value for name, value in options.items()}


def _without_places(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return data with each address replaced by its kind."""
    return {
        name: place(value) if name in ADDRESSES and value else value for name, value in data.items()
    }


def place(address: str) -> str:
    """Return the kind of an address, as far as it matters for reachability."""
    try:
        url = URL(address)
        port = url.port
    except ValueError:
        return "no-address"
    if not url.host:
        return "no-address"
    path = "" if url.path in {"", "/"} else "/…"
    return f"{url.scheme}://{_kind_of_host(url.host)}:{port}{path}"


def _kind_of_host(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        if host == "localhost":
            return "loopback"
        return "name" if "." in host else "short-name"
    if address.is_loopback:
        return "loopback"
    return "private-address" if address.is_private else "public-address"


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return data with times as ISO 8601 text."""
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in data.items()
    }


def _moment(seconds: float) -> str:
    return dt_util.utc_from_timestamp(seconds).isoformat()
