"""Keeps the webhook registered in Pulsarr under a reachable address, with back-off."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
import logging
import time
from typing import Final

from homeassistant.const import CONF_WEBHOOK_ID, EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from ..const import CONF_WEBHOOK_SECRET, DOMAIN, NAME
from ..context import EntryContext
from ..issues import (
    PULSARR_WITHOUT_WEBHOOKS,
    WEBHOOK_SILENT,
    WEBHOOK_UNREACHABLE,
    async_delete,
    async_raise,
)
from ..pulsarr.payloads import Signal, SignalKind
from ..servers import Servers
from ..status import Activity, activity_signal
from ..sync.model import Service, ServiceError
from ..timer import Timer
from .missed_webhooks import Silence
from .receiver import WebhookStats
from .registration import (
    Finding,
    RegistrationResult,
    RegistrationStatus,
    async_find_address,
    async_reconcile,
    is_dead,
)
from .secret import without_former
from .urls import Address, addresses

_LOGGER = logging.getLogger(__name__)

RETRY_MIN: Final = 30.0  # seconds, doubled with each attempt
RETRY_MAX: Final = 3600.0  # seconds
CHECK_INTERVAL: Final = 3600.0  # seconds; Pulsarr's database may have been restored or moved
SOON: Final = 2.0  # seconds; addresses often change several at a time
FAILURES_BEFORE_ALARM: Final = 2  # a restarting proxy is not worth an alarm


class Health(StrEnum):
    """Whether Pulsarr's events reach Home Assistant."""

    UNKNOWN = "unknown"  # not checked yet, or Pulsarr is unavailable
    WORKING = "working"
    UNTESTED = "untested"  # registered, but Pulsarr did not test the address
    UNREACHABLE = "unreachable"
    TOO_OLD = "too_old"


@dataclass(frozen=True, slots=True)
class Registration:
    """The state of the webhook's registration in Pulsarr, without secrets.

    `address` is the one that Pulsarr calls, `tried` the addresses of the last check with their
    results.
    """

    health: Health = Health.UNKNOWN
    address: str | None = None
    tried: tuple[tuple[str, str], ...] = ()
    checked: datetime | None = None


class WebhookManager:
    """Registers the webhook, follows changed addresses, and reports when no event can arrive.

    Logs once when it starts to fail and once when it works again.
    """

    def __init__(self, context: EntryContext, servers: Servers, stats: WebhookStats) -> None:
        """Initialize; nothing happens before `async_start`."""
        self._context = context
        self._hass, self._entry = context.hass, context.entry
        self._servers = servers
        self._stats = stats
        self._one_at_a_time = asyncio.Lock()
        self._timer = Timer(context.hass, self._async_due)
        self._failures = 0
        self._misses = 0  # consecutive checks with Pulsarr unavailable
        self._pulsarr_usable = True
        self._candidates: tuple[Address, ...] = ()
        self._silence = Silence(time.time())
        self._synced = False
        self.registration = Registration()

    @callback
    def async_start(self) -> None:
        """Maintain the webhook while the entry is loaded and live mode is on."""
        entry, signal = self._entry, activity_signal(self._entry.entry_id)
        for stop in (
            self._timer.cancel,
            self._delete_issues,
            # Before it has started, Home Assistant may not listen yet or know its addresses.
            async_at_started(self._hass, self._async_started),
            self._hass.bus.async_listen(EVENT_CORE_CONFIG_UPDATE, self._async_config_changed),
            self._servers.on_change.add(self._async_status_changed),
            async_dispatcher_connect(self._hass, signal, self._async_on_activity),
        ):
            entry.async_on_unload(stop)

    @callback
    def async_change_modes(self) -> None:
        """Start or stop according to live mode; the registration in Pulsarr stays."""
        self._timer.cancel()
        if self._context.settings.live_mode:
            self._check_in(0)
        else:
            self._failures = 0
            self.registration = Registration()
            self._delete_issues()

    @callback
    def async_on_signal(self, signal: Signal) -> None:
        """Record a delivered event, which proves that Pulsarr reaches Home Assistant."""
        if signal.by_arr or signal.kind is SignalKind.TEST:
            return
        if self._silence.finds:
            async_delete(self._hass, self._entry, WEBHOOK_SILENT)
        self._silence = Silence(time.time())
        if self._failures:
            self._works()

    async def async_check(self) -> None:
        """Make sure that the webhook is registered in Pulsarr under a reachable address."""
        async with self._one_at_a_time:
            self._timer.cancel()
            if not self._context.settings.live_mode:
                return
            try:
                delay = await self._async_check()
            except ServiceError as err:
                delay = self._postponed(err)
            else:
                self._pulsarr_is_back()
            self._check_in(delay)

    async def _async_check(self) -> float:
        """Carry out a check and return the seconds until the next one.

        Raises ServiceError when Pulsarr is unavailable.
        """
        client, data = self._servers.pulsarr, self._entry.data
        webhook_id, secret = data[CONF_WEBHOOK_ID], data[CONF_WEBHOOK_SECRET]
        self._candidates = candidates = self._addresses()
        stats = self._stats
        finding = await async_find_address(client, candidates, secret, lambda: stats.tests)
        if not candidates:
            return self._fails(finding, None)
        address, known = finding.reached, self._known_ids()
        result = await async_reconcile(
            client,
            name=f"{NAME} ({self._entry.title})"[:100],
            # If none works, the first may work later, as when a firewall is opened.
            url=(address or candidates[0]).url,
            secret=secret,
            webhook_id=webhook_id,
            also_right=() if address else [one.url for one in candidates],
            is_leftover=lambda found: address is not None and is_dead(found, address, known),
        )
        if result.status is RegistrationStatus.TOO_OLD or not result.changed:
            self._forget_former_secrets()
        if result.status is RegistrationStatus.TOO_OLD:
            return self._too_old()
        async_delete(self._hass, self._entry, PULSARR_WITHOUT_WEBHOOKS)
        if address is None and finding.conclusive:
            return self._fails(finding, result)
        self._note(Health.WORKING if address else Health.UNTESTED, finding, result)
        if address is not None:
            self._works()
        return CHECK_INTERVAL

    def _addresses(self) -> tuple[Address, ...]:
        webhook_id: str = self._entry.data[CONF_WEBHOOK_ID]
        return addresses(self._hass, webhook_id, self._context.settings.base_url)

    def _known_ids(self) -> frozenset[str]:
        """Return the webhook ids of all entries of the integration, loaded or not."""
        entries = self._hass.config_entries.async_entries(DOMAIN)
        return frozenset(str(entry.data.get(CONF_WEBHOOK_ID)) for entry in entries)

    @callback
    def _forget_former_secrets(self) -> None:
        """Stop accepting former secrets once Pulsarr has had the current one for a while."""
        if (data := without_former(self._entry.data, time.time())) is not None:
            self._hass.config_entries.async_update_entry(self._entry, data=data)

    # Results of a check

    def _note(self, health: Health, finding: Finding, result: RegistrationResult | None) -> None:
        registered = [
            address.shown for address in self._candidates if result and address.url == result.url
        ]
        self.registration = Registration(
            health,
            next(iter(registered), None),
            tuple((one.address.shown, one.detail) for one in finding.attempts),
            dt_util.utcnow(),
        )

    def _fails(self, finding: Finding, result: RegistrationResult | None) -> float:
        """Record that no address works, and report it if that persists."""
        self._note(Health.UNREACHABLE, finding, result)
        self._failures += 1
        if self._failures >= FAILURES_BEFORE_ALARM:
            tried = self.registration.tried
            async_raise(self._hass, self._entry, WEBHOOK_UNREACHABLE, tried)
        if self._failures == FAILURES_BEFORE_ALARM:
            _LOGGER.warning(
                "%s: Pulsarr cannot reach Home Assistant: %s",
                self._entry.title,
                "; ".join(f"{address}: {detail}" for address, detail in self.registration.tried)
                or "Home Assistant does not know its own address",
            )
        return _back_off(self._failures)

    @callback
    def _works(self) -> None:
        if self._failures >= FAILURES_BEFORE_ALARM:
            _LOGGER.info("%s: Pulsarr reaches Home Assistant again", self._entry.title)
        self._failures = 0
        async_delete(self._hass, self._entry, WEBHOOK_UNREACHABLE)

    def _too_old(self) -> float:
        if self.registration.health is not Health.TOO_OLD:
            _LOGGER.info(
                "%s: this version of Pulsarr cannot send webhooks; titles are labelled without them",
                self._entry.title,
            )
        self._note(Health.TOO_OLD, Finding(), None)
        self._works()
        async_raise(self._hass, self._entry, PULSARR_WITHOUT_WEBHOOKS)
        return CHECK_INTERVAL

    def _postponed(self, err: ServiceError) -> float:
        """Record that Pulsarr was unavailable, and return the seconds until the next check."""
        if not self._misses:
            _LOGGER.info("%s: the webhook cannot be checked: %s", self._entry.title, err)
        self._misses += 1
        return max(_back_off(self._misses), err.retry_after or 0.0)

    def _pulsarr_is_back(self) -> None:
        if self._misses:
            _LOGGER.info("%s: the webhook could be checked again", self._entry.title)
        self._misses = 0

    # When to check

    @callback
    def _async_started(self, _hass: HomeAssistant) -> None:
        if self._context.settings.live_mode:
            self._check_in(0)

    @callback
    def _async_config_changed(self, _event: Event) -> None:
        """Check again if Home Assistant's addresses have changed."""
        if self._addresses() != self._candidates:
            self._check_in(SOON)

    @callback
    def _async_status_changed(self) -> None:
        """Check again when Pulsarr is back: its database or version may have changed."""
        was, self._pulsarr_usable = self._pulsarr_usable, self._servers.is_usable(Service.PULSARR)
        if self._pulsarr_usable and not was:
            self._check_in(SOON)

    @callback
    def _async_on_activity(self, kind: Activity, attributes: dict[str, object]) -> None:
        """Record labels that a full sync added without an event."""
        if kind is not Activity.SYNC_FINISHED:
            return
        # The first full sync makes up for the time without a listener.
        first, self._synced = not self._synced, True
        if first or not attributes["added"] or self.registration.health is not Health.WORKING:
            return
        self._silence = self._silence.with_find(time.time())
        if self._silence.is_suspicious(time.time()):
            address = self.registration.address
            async_raise(self._hass, self._entry, WEBHOOK_SILENT, address)

    @callback
    def _delete_issues(self) -> None:
        async_delete(self._hass, self._entry, WEBHOOK_UNREACHABLE, WEBHOOK_SILENT)

    @callback
    def _check_in(self, seconds: float) -> None:
        self._timer.cancel()
        if not self._context.settings.live_mode:
            return
        if seconds <= 0:
            self._context.in_background(self.async_check(), "webhook check")
        else:
            self._timer.set(seconds)

    @callback
    def _async_due(self) -> None:
        self._check_in(0)


def _back_off(failures: int) -> float:
    return min(RETRY_MIN * 2.0 ** (failures - 1), RETRY_MAX)
