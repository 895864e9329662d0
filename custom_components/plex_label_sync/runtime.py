"""Creates the parts of a loaded entry in order; no part depends on a later one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .checks.label_sync_conflict import LabelSyncConflictCheck
from .checks.libraries import LibraryCheck
from .const import (
    CONF_CLIENT_ID,
    CONF_PLEX_TOKEN,
    CONF_PLEX_URL,
    CONF_PLEX_VERIFY_SSL,
    CONF_PULSARR_API_KEY,
    CONF_PULSARR_URL,
    CONF_PULSARR_VERIFY_SSL,
)
from .context import EntryContext
from .coordinator import PlexLabelSyncCoordinator
from .issues import STORE_UNSAVED, async_delete, async_raise
from .limits import current_limits
from .live.delayed_removals import DelayedRemovals
from .live.live_sync import LiveSync
from .live.plex_events import PlexEventFollower
from .live.watchlist_poller import WatchlistPoller
from .plex.server import PlexClient
from .probing.runner import Probing
from .probing.store import ProbeStore
from .pulsarr.client import PulsarrClient
from .pulsarr.payloads import Signal
from .runner import Runner
from .servers import Servers
from .settings import Settings
from .sharing_check.check import SharingCheck
from .sharing_check.events import LabelsChanged
from .storage.records import Records
from .webhook.manager import WebhookManager
from .webhook.receiver import WebhookStats, async_register_webhook

type PlexLabelSyncConfigEntry = ConfigEntry[Runtime]


def plex_client(hass: HomeAssistant, data: Mapping[str, Any]) -> PlexClient:
    """Return a client for the Plex server of an entry's data."""
    session = async_get_clientsession(hass, verify_ssl=data[CONF_PLEX_VERIFY_SSL])
    return PlexClient(
        session,
        data[CONF_PLEX_URL],
        data[CONF_PLEX_TOKEN],
        client_id=data[CONF_CLIENT_ID],
        limits=current_limits(hass).plex,
    )


def pulsarr_client(hass: HomeAssistant, data: Mapping[str, Any]) -> PulsarrClient:
    """Return a client for the Pulsarr of an entry's data."""
    session = async_get_clientsession(hass, verify_ssl=data[CONF_PULSARR_VERIFY_SSL])
    url, key = data[CONF_PULSARR_URL], data[CONF_PULSARR_API_KEY]
    return PulsarrClient(session, url, key, limits=current_limits(hass).pulsarr)


@dataclass(frozen=True, slots=True, eq=False)
class Runtime:
    """The value of `entry.runtime_data`. Nothing happens before `async_start`."""

    context: EntryContext
    servers: Servers
    runner: Runner
    sharing: SharingCheck
    coordinator: PlexLabelSyncCoordinator
    labels_changed: LabelsChanged
    live: LiveSync
    plex_events: PlexEventFollower
    watchlist_poller: WatchlistPoller
    webhook: WebhookStats
    webhook_manager: WebhookManager
    probing: Probing

    @property
    def records(self) -> Records:
        """The stored data, which survive a restart."""
        return self.runner.records

    @classmethod
    async def async_create(
        cls,
        hass: HomeAssistant,
        entry: "PlexLabelSyncConfigEntry",
        records: Records,
        probes: ProbeStore,
    ) -> Self:
        """Create the parts once both servers have responded.

        Raises ConfigEntryAuthFailed or ConfigEntryNotReady.
        """
        settings = Settings.from_options(entry.options)
        context = EntryContext(hass, entry, settings, current_limits(hass))
        servers = Servers(context, plex_client(hass, entry.data), pulsarr_client(hass, entry.data))
        await servers.async_connect()
        runner = Runner(context, servers, records)
        await runner.async_count_ledger()
        sharing = SharingCheck(context, servers, runner)
        await sharing.async_start()
        coordinator = PlexLabelSyncCoordinator(context, servers, runner, sharing)
        labels_changed = LabelsChanged(context, servers, runner, sharing)
        live = LiveSync(context, runner, labels_changed)
        webhook = WebhookStats()
        return cls(
            context,
            servers,
            runner,
            sharing,
            coordinator,
            labels_changed,
            live,
            PlexEventFollower(context, servers, runner, live),
            WatchlistPoller(context, servers, runner),
            webhook,
            WebhookManager(context, servers, webhook),
            Probing(context, servers, runner, probes),
        )

    @callback
    def async_start(self) -> None:
        """Start all parts, first Plex's events, so that no change after a listing is missed."""
        context, entry = self.context, self.context.entry
        async_register_webhook(context.hass, entry, self.webhook, self._on_signal)
        self.plex_events.async_start()
        entry.async_on_unload(self.records.on_change.add(self._on_saving))
        self._on_saving()
        self.probing.async_start()  # leftovers of a probe are removed before anything is written
        self.runner.async_start()
        self.live.async_start()
        entry.async_on_unload(self.servers.on_return.add(self.live.async_server_returned))
        self.watchlist_poller.async_start()
        DelayedRemovals(context, self.runner, self.live).async_start()
        self.webhook_manager.async_start()
        LabelSyncConflictCheck(context, self.servers).async_start()
        LibraryCheck(context, self.servers, self.runner).async_start()

    async def async_stop(self) -> None:
        """Stop the current run after its current edit, and a probe once it has cleaned up."""
        await self.probing.async_stop()
        await self.runner.async_stop()

    @callback
    def async_change_modes(self) -> None:
        """Switch the modes to the current options, without affecting a run in progress."""
        before = self.context.settings
        self.context.settings = Settings.from_options(self.context.entry.options)
        self.runner.async_change_modes(before)
        if self.context.settings.live_mode != before.live_mode:
            self.plex_events.async_change_modes()
            self.watchlist_poller.async_change_modes()
            self.webhook_manager.async_change_modes()

    @callback
    def _on_signal(self, signal: Signal) -> None:
        self.webhook_manager.async_on_signal(signal)
        self.watchlist_poller.async_on_signal(signal)
        self.live.async_on_signal(signal)

    @callback
    def _on_saving(self) -> None:
        """Create the repair issue for records that cannot be saved, or delete it once they can."""
        change = async_raise if self.records.unsaved else async_delete
        change(self.context.hass, self.context.entry, STORE_UNSAVED)
