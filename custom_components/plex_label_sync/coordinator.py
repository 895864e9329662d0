"""The coordinator that publishes an entry's status to its entities, without any polling."""

import logging
from typing import override

from homeassistant.core import callback
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .context import EntryContext
from .runner import Runner
from .servers import Servers
from .sharing_check.check import SharingCheck
from .status import Live, State, Status, status_of
from .sync.model import Service

_LOGGER = logging.getLogger(__name__)


class PlexLabelSyncCoordinator(DataUpdateCoordinator[Status]):
    """Publishes the current status, built from the stored summary and the live state."""

    def __init__(
        self,
        context: EntryContext,
        servers: Servers,
        runner: Runner,
        sharing: SharingCheck,
    ) -> None:
        """Initialize and publish whenever one of the parts has changed."""
        super().__init__(
            context.hass, _LOGGER, config_entry=context.entry, name=context.entry.title
        )
        self.context = context
        self._servers = servers
        self._runner = runner
        self._sharing = sharing
        self.data = self._status()
        for parts in (
            servers.on_change,
            runner.on_change,
            runner.records.on_change,
            sharing.on_change,
        ):
            context.entry.async_on_unload(parts.add(self.async_refresh_status))

    @override
    async def _async_update_data(self) -> Status:
        return self._status()

    @callback
    def async_refresh_status(self) -> None:
        """Publish the current status."""
        self.async_set_updated_data(self._status())

    def _status(self) -> Status:
        """Build the status that the entities show."""
        records, runner, servers = self._runner.records, self._runner, self._servers
        held = records.held is not None
        checked = self._sharing.checked
        live = Live(
            state=State.SYNCING if runner.is_syncing else servers.state(held=held),
            progress=runner.progress,
            plex_connected=servers.is_usable(Service.PLEX),
            pulsarr_connected=servers.is_usable(Service.PULSARR),
            live_updates=servers.live_updates,
            pending=len(records.queue),
            labelled_items=runner.figures.labelled_items,
            overrides=runner.figures.overrides,
            held=held,
            unsaved=records.unsaved,
            sharing_warnings=self._sharing.warning_count,
            sharing_status=self._sharing.status,
            sharing_page_key=self._sharing.page_key,
            last_sharing_check=None if checked is None else dt_util.utc_from_timestamp(checked),
        )
        ledger = records.ledger
        excluded = ledger.ids_now(self.context.settings.sync.exclude_people, ledger.people.values())
        return status_of(records.summary, live, excluded)
