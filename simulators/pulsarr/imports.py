"""Processing of arr imports in Pulsarr: announced, parked, or dropped."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from .payloads import media_available
from .rules import Import, Verdict, Watcher, import_guid, judge_import

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from simulators.catalog import CatalogTitle

    from .knobs import PulsarrKnobs
    from .records import WatchlistEntry
    from .state import PulsarrState

EVENT: Final = "media.available"


class ImportDesk:
    """Processes imports and sends media.available by Pulsarr's rules."""

    def __init__(
        self,
        state: PulsarrState,
        knobs: PulsarrKnobs,
        send: Callable[[str, dict[str, Any]], Awaitable[int]],
    ) -> None:
        """Initialize with `send`, which delivers one event and returns the number of deliveries."""
        self._state = state
        self._knobs = knobs
        self._send = send
        self._parked: dict[str, asyncio.Task[None]] = {}

    @property
    def parked(self) -> int:
        """Return the number of imports of titles that are on no watchlist yet."""
        return len(self._parked)

    async def stop(self) -> None:
        """Drop what is parked, as a restart of Pulsarr does."""
        tasks = [*self._parked.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._parked.clear()

    async def arrived(
        self,
        title: CatalogTitle,
        *,
        season: int | None = None,
        episode: int | None = None,
        only: Collection[int] | None = None,
    ) -> int:
        """Process an arr import; return the number of deliveries made at once.

        A show without `season` is season 1; without `episode` it is a batch of old episodes. `only`
        limits the watchers that are considered to these user ids.
        """
        imported = import_of(title, season=season, episode=episode)
        if imported is None or imported.guid in self._state.syncing:
            return 0
        return await self._judge(title, imported, only)

    async def announce_anyway(
        self,
        title: CatalogTitle,
        *,
        season: int | None = None,
        episode: int | None = None,
        listed: Collection[int] | None = None,
    ) -> int:
        """Send media.available despite the rules; lists `listed` or all who want the title."""
        imported = import_of(title, season=season, episode=episode)
        if imported is None:
            imported = Import(title.type, title.guids[0], season, episode)
        ids = (
            [entry.user_id for entry in self._state.entries() if entry.catalog_key == title.key]
            if listed is None
            else listed
        )
        users = [self._state.user(user_id) for user_id in ids]
        return await self._send(EVENT, media_available(title, imported, users))

    async def _judge(
        self, title: CatalogTitle, imported: Import, only: Collection[int] | None
    ) -> int:
        verdict, entries = self._verdict(imported, only)
        if verdict.parked:
            self._park(title, imported, only)
            return 0
        return await self._carry_out(title, imported, verdict, entries)

    def _verdict(
        self, imported: Import, only: Collection[int] | None
    ) -> tuple[Verdict, list[WatchlistEntry]]:
        state = self._state
        entries = [
            entry
            for entry in state.watchers(imported.kind, imported.guid)
            if only is None or entry.user_id in only
        ]
        verdict = judge_import(
            [
                Watcher(
                    user_id=entry.user_id,
                    has_channel=state.user(entry.user_id).has_channel,
                    already_notified=(entry.user_id, imported.what) in state.notified,
                )
                for entry in entries
            ],
            subscribed=any(
                endpoint.enabled and EVENT in endpoint.event_types
                for endpoint in state.endpoints.values()
            ),
        )
        return verdict, entries

    async def _carry_out(
        self,
        title: CatalogTitle,
        imported: Import,
        verdict: Verdict,
        entries: list[WatchlistEntry],
    ) -> int:
        state = self._state
        for entry in entries:
            if entry.user_id in verdict.listed:
                state.notified.add((entry.user_id, imported.what))
                state.set_status(entry, "notified")
            elif entry.status != "notified":
                state.set_status(entry, "grabbed")
        if not verdict.send:
            return 0
        users = [state.user(user_id) for user_id in verdict.listed]
        data = media_available(title, imported, users, guids=entries[0].guids)
        return await self._send(EVENT, data)

    def _park(self, title: CatalogTitle, imported: Import, only: Collection[int] | None) -> None:
        if imported.what in self._parked:
            return

        async def retry() -> None:
            until = time.monotonic() + self._knobs.pending_webhook_max_age_s
            try:
                while time.monotonic() < until:
                    await asyncio.sleep(self._knobs.pending_retry_s)
                    verdict, entries = self._verdict(imported, only)
                    if not verdict.parked:
                        await self._carry_out(title, imported, verdict, entries)
                        return
            finally:
                self._parked.pop(imported.what, None)

        self._parked[imported.what] = asyncio.create_task(retry())


def import_of(title: CatalogTitle, *, season: int | None, episode: int | None) -> Import | None:
    """Return the import as an arr reports it; None if the title lacks the id that the arr uses."""
    guid = import_guid(title.type, title.guids)
    if guid is None:
        return None
    if title.type == "movie":
        return Import("movie", guid)
    return Import("show", guid, 1 if season is None else season, episode)
