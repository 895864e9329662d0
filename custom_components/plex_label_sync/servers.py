"""Availability of both servers, and the check that Plex is still the same server."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from enum import Enum, auto
import logging
from typing import Final

from homeassistant.core import callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady
from homeassistant.helpers import device_registry as dr

from .backoff import Backoff
from .clocks import steady
from .const import DOMAIN
from .context import EntryContext, async_device_of
from .errors import translation
from .faults import FaultLog
from .listeners import Listeners
from .plex.parse import ServerInfo
from .plex.server import PlexClient
from .pulsarr.client import PulsarrClient
from .status import State
from .sync.failures import FAILURES, PASSING
from .sync.model import Failure, Service, ServiceError
from .timer import Timer

_LOGGER = logging.getLogger(__name__)

PROBE_AFTER: Final = 15.0  # seconds between two requests to an unavailable server
PROBE_AFTER_MAX: Final = 600.0  # seconds; while it responds, and then fails again


class _Response(Enum):
    """What a response of a server that had failed means."""

    IS_BACK = auto()
    MAY_BE_BACK = auto()  # what failed is worth another attempt
    NOTHING = auto()  # so soon after the last one


class _Doubt:
    """How far the responses to probes of one server are believed.

    A server may respond to a probe and fail with whatever else it is asked. A failure after such a
    response doubles the delay between probes, and then one response does not mean that it is back.
    """

    def __init__(self) -> None:
        self._backoff = Backoff(PROBE_AFTER, PROBE_AFTER_MAX)
        self._responded = False  # to a probe, and nothing has failed since
        self.probe_at = 0.0  # monotonic time

    def failed(self) -> None:
        """Record a failure."""
        if self._responded:
            self._responded = False
            self._backoff.failed()
            self.wait()

    def responded(self) -> "_Response":
        """Record a response, and return what it means."""
        if self._backoff.failures and steady() < self.probe_at:
            return _Response.NOTHING
        self.wait()
        is_believed = self._responded or not self._backoff.failures
        self._responded = True
        return _Response.IS_BACK if is_believed else _Response.MAY_BE_BACK

    def wait(self) -> None:
        """Schedule the next probe."""
        self.probe_at = steady() + self._backoff.delay

    def worked(self) -> None:
        """Record that the server has done what it is there for."""
        self._backoff.reset()
        self._responded = False


class Servers:
    """The Plex server and Pulsarr of an entry; logs once when one fails and once when it recovers.

    `on_change` is called when availability may have changed, `on_return` when a server that had
    failed has responded: what failed is then worth another attempt.
    """

    def __init__(self, context: EntryContext, plex: PlexClient, pulsarr: PulsarrClient) -> None:
        """Initialize; nothing is requested before `async_connect`."""
        self.plex = plex
        self.pulsarr = pulsarr
        self.info = ServerInfo("", "", "")
        self.live_updates = False  # Plex's notifications arrive
        self.on_change = Listeners[()]()
        self.on_return = Listeners[()]()
        self._context = context
        self._failures: dict[Service, ServiceError] = {}
        self._doubts = {service: _Doubt() for service in Service}
        self._probes: Mapping[Service, Callable[[], Awaitable[object]]] = {
            Service.PLEX: self._async_check_plex,
            Service.PULSARR: pulsarr.people,
        }
        self._faults = FaultLog(_LOGGER)
        self._probe = Timer(context.hass, self._async_probe)
        self._is_over = False  # a response may arrive after the entry was unloaded
        context.entry.async_on_unload(self._stop)

    async def async_connect(self) -> None:
        """Make sure that both servers respond and accept their credentials.

        Raises ConfigEntryAuthFailed, or ConfigEntryNotReady for temporary failures.
        """
        try:
            self.info = await self.plex.info()
            await self.pulsarr.people()
        except ServiceError as err:
            if FAILURES[err.failure].reauth:
                raise ConfigEntryAuthFailed(**translation(err)) from err
            raise ConfigEntryNotReady(**translation(err)) from err
        if self.info.machine_id != self._context.entry.unique_id:
            raise ConfigEntryNotReady(translation_domain=DOMAIN, translation_key="wrong_server")

    async def async_plex_answers(self) -> bool:
        """Return whether Plex responds, and record the result."""
        try:
            await self._async_check_plex()
        except ServiceError as err:
            self.failed(err)
            return False
        self._responded([Service.PLEX])
        return True

    @callback
    def failed(self, err: ServiceError) -> None:
        """Record the failure of a server or the disk, and handle its consequences."""
        self._doubts[err.service].failed()
        if err.service not in self._failures:
            self._doubts[err.service].wait()
            _LOGGER.info("%s cannot be used: %s", self._context.entry.title, err)
        self._failures[err.service] = err
        self._probe_later()
        if FAILURES[err.failure].reauth:
            self._context.entry.async_start_reauth(self._context.hass)
        self.on_change()

    @callback
    def answered(self, services: Collection[Service]) -> None:
        """Record that servers have responded to what they are needed for."""
        for service in services:
            self._doubts[service].worked()
        self._returned(services)

    def _responded(self, services: Iterable[Service]) -> None:
        """Record that servers have responded at all."""
        mean = {one: self._doubts[one].responded() for one in services if one in self._failures}
        self._returned([one for one, means in mean.items() if means is _Response.IS_BACK])
        if _Response.MAY_BE_BACK in mean.values():
            self.on_return()

    def _returned(self, services: Iterable[Service]) -> None:
        """Record that servers are available again."""
        back = [service for service in services if self._failures.pop(service, None)]
        for service in back:
            _LOGGER.info("%s: %s answers again", self._context.entry.title, service.value)
        if back:
            self.on_change()
            self.on_return()

    @callback
    def async_set_live_updates(self, *, on: bool) -> None:
        """Record whether Plex's notifications arrive."""
        if on != self.live_updates:
            self.live_updates = on
            self.on_change()
        if on:
            self._responded([Service.PLEX])

    def is_usable(self, service: Service) -> bool:
        """Return whether the last request to a server succeeded."""
        return service not in self._failures

    @property
    def unavailable(self) -> frozenset[Service]:
        """The unavailable servers that may recover without user action."""
        return frozenset(
            service for service, err in self._failures.items() if err.failure in PASSING
        )

    @property
    def failures(self) -> dict[str, str]:
        """The current failures by service, for diagnostics."""
        return {service.value: err.failure.value for service, err in self._failures.items()}

    def state(self, *, held: bool) -> State:
        """Return the status while no run is in progress."""
        if not self._failures:
            return State.HELD if held else State.IDLE
        if len(self.unavailable) < len(self._failures):
            return State.ERROR
        return (
            State.WAITING_FOR_PLEX if Service.PLEX in self._failures else State.WAITING_FOR_PULSARR
        )

    async def _async_check_plex(self) -> None:
        """Check the identity of the Plex server, and record its version.

        Another server of the same owner may respond at this URL and accept the same token, but the
        ledger does not apply to its items. The entry is then reloaded, and setup reports it.

        Raises ServiceError when Plex does not respond, or another server does.
        """
        hass, entry, server = self._context.hass, self._context.entry, await self.plex.info()
        if server.machine_id != entry.unique_id:
            hass.config_entries.async_schedule_reload(entry.entry_id)
            raise ServiceError(Service.PLEX, Failure.WRONG_SERVICE, "another Plex server answers")
        if server.version != self.info.version and (device := async_device_of(hass, entry)):
            dr.async_get(hass).async_update_device(device.id, sw_version=server.version)
        self.info = server

    def _probe_later(self) -> None:
        if (unavailable := self.unavailable) and not self._is_over:
            due = min(self._doubts[service].probe_at for service in unavailable)
            self._probe.set_earlier(max(0.0, due - steady()))

    async def _async_probe(self) -> None:
        """Check whether unavailable servers are back."""
        now = steady()
        probed = [
            service
            for service in self.unavailable & self._probes.keys()
            if self._doubts[service].probe_at <= now
        ]
        there = await asyncio.gather(*(self._async_is_there(service) for service in probed))
        for service, is_there in zip(probed, there, strict=True):
            if not is_there:
                self._doubts[service].wait()
        with self._faults.survived():
            self._responded([one for one, is_there in zip(probed, there, strict=True) if is_there])
        self._probe_later()

    async def _async_is_there(self, service: Service) -> bool:
        """Return whether a server is back; after any error it is checked again later."""
        with self._faults.survived(), suppress(ServiceError):
            await self._probes[service]()
            return True
        return False

    @callback
    def _stop(self) -> None:
        self._is_over = True
        self._probe.cancel()
