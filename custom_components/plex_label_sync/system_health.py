"""System health information, without names of servers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import starmap
from typing import Any, Final

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .health import async_failure, async_pulsarr_version
from .runtime import PlexLabelSyncConfigEntry, Runtime
from .sharing_check.check import SharingCheck
from .webhook.manager import Health

PAGE: Final = f"/config/integrations/integration/{DOMAIN}"
OK: Final = "ok"  # as in Home Assistant's own checks
OFF: Final = "off"
UNKNOWN: Final = "?"

type _Check = Callable[[], Awaitable[object]]
type _Verdict = str | dict[str, str]


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Register the system health callback."""
    register.async_register_info(system_health_info, PAGE)


async def system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return the health of all entries combined; slow checks are returned as coroutines."""
    entries: list[PlexLabelSyncConfigEntry] = hass.config_entries.async_entries(DOMAIN)
    loaded: list[PlexLabelSyncConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    running = [entry.runtime_data for entry in loaded]
    info: dict[str, Any] = {"running": f"{len(running)} / {len(entries)}"}
    if not running:
        return info
    statuses = [one.coordinator.data for one in running]
    last_syncs = [one.last_sync for one in statuses if one.last_sync is not None]
    return {
        **info,
        "can_reach_plex": _reached((one, one.servers.plex.info) for one in running),
        "can_reach_pulsarr": _reached((one, one.servers.pulsarr.check) for one in running),
        "plex_version": _joined(one.servers.info.version for one in running),
        "pulsarr_version": _pulsarr_versions(running),
        "pending": sum(one.pending for one in statuses),
        "last_sync": min(last_syncs, default=UNKNOWN),
        "webhook": _webhook(running),
        "sharing": _sharing(running),
    }


async def _reached(checks: Iterable[tuple[Runtime, _Check]]) -> _Verdict:
    """Return "ok" if all servers respond, else the failure of the first that does not."""
    failures = await asyncio.gather(*starmap(async_failure, checks))
    for failure in failures:
        if failure is not None:
            return _failed(failure)
    return OK


async def _pulsarr_versions(running: Iterable[Runtime]) -> str:
    versions = await asyncio.gather(*map(async_pulsarr_version, running))
    return _joined(version or UNKNOWN for version in versions)


def _webhook(running: Iterable[Runtime]) -> _Verdict:
    """Return whether webhooks work for the entries in live mode."""
    healths = [
        one.webhook_manager.registration.health for one in running if one.context.settings.live_mode
    ]
    if Health.UNREACHABLE in healths:
        return _failed(Health.UNREACHABLE)
    words = {OK if health is Health.WORKING else health.value for health in healths}
    return _joined(sorted(words)) or OFF


def _sharing(running: Iterable[Runtime]) -> str:
    """Return the state of the sharing check; its failure is not shown as an error."""
    return _joined(sorted({_of_sharing(one.sharing) for one in running}))


def _of_sharing(check: SharingCheck) -> str:
    if check.reason is not None:
        return check.reason.value
    return UNKNOWN if check.findings is None else check.status


def _failed(why: str) -> dict[str, str]:
    """Return a failure in the form that the page shows in red."""
    return {"type": "failed", "error": str(why)}


def _joined(words: Iterable[str]) -> str:
    return ", ".join(words)
