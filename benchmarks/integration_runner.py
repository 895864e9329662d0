"""This integration's engine with its real clients and files, without starting Home Assistant."""

import sys
import time
from typing import Any

import aiohttp
from homeassistant.core import HomeAssistant

from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.pulsarr.client import PulsarrClient
from custom_components.plex_label_sync.storage.records import Records
from custom_components.plex_label_sync.sync.engine import Engine
from custom_components.plex_label_sync.sync.model import MediaType, SyncSettings, Title
from custom_components.plex_label_sync.sync.request import FullRequest, LiveRequest, Request
from custom_components.plex_label_sync.sync.run import Run, RunStatus

from .rivals.common import Servers


class IntegrationRunner:
    """Runs the engine as the coordinator does."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._session: aiohttp.ClientSession | None = None
        self._engine: Engine | None = None
        self.files_written = 0

    async def start(self) -> None:
        """Open the files of the previous process, if any."""
        servers = self._servers
        self._session = aiohttp.ClientSession()
        records = Records(HomeAssistant(servers.folder), "benchmark")
        await records.async_load()
        self._engine = Engine(
            PlexClient(self._session, servers.plex, servers.plex_token, client_id="benchmark"),
            PulsarrClient(self._session, servers.pulsarr, servers.pulsarr_key),
            records,
            clock=time.time,
            steady=time.monotonic,
        )
        sys.addaudithook(self._on_event)

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Count the files that are renamed into place."""
        if event == "os.rename" and "plex_label_sync" in str(arguments[1]):
            self.files_written += 1

    async def stop(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    async def sync(self) -> None:
        """Run a scheduled full sync."""
        await self._run(FullRequest(routine=True))

    async def by_hand(self) -> None:
        """Run a manual full sync."""
        await self._run(FullRequest())

    async def pending(self, titles: list[dict[str, Any]]) -> None:
        """Run a pass over pending titles."""
        some = tuple(
            Title(MediaType(one["type"]), one["title"], frozenset(one["ids"])) for one in titles
        )
        await self._run(LiveRequest(titles=some))

    async def _run(self, request: Request) -> Run:
        assert self._engine is not None  # noqa: S101 - started first
        run = await self._engine.run(request, SyncSettings())
        if run.status is not RunStatus.DONE or run.failed:
            raise RuntimeError(f"the run ended {run.status}: {run.error}, {run.failed[:3]}")
        return run
