"""The method of a careful python-plexapi script: list all, map the guids, add missing labels.

It uses the real library, in a thread. Reading the labels of a listed item makes the library load
the item again: one request per wanted item.
"""

import asyncio
from typing import Any

import plexapi.server

from .common import Rival, Servers, Wanted

_Server: Any = plexapi.server.PlexServer  # ships no types


class PlexapiWay(Rival):
    """Uses section.all(), a dictionary of guids, and addLabel."""

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers)

    async def sync(self) -> None:
        """List everything, and process the wanted items one by one."""
        await asyncio.to_thread(self._sync, await self.wanted())

    async def pending(self, _titles: list[dict[str, Any]]) -> None:
        """List everything again, as a script has no queue."""
        await asyncio.to_thread(self._by_guid)

    def _by_guid(self) -> dict[tuple[str, str], list[Any]]:
        plex: Any = _Server(self.servers.plex, self.servers.plex_token)
        by_guid: dict[tuple[str, str], list[Any]] = {}
        for section in plex.library.sections():
            for item in section.all():
                for guid in (item.guid, *(one.id for one in item.guids)):
                    by_guid.setdefault((item.type, guid), []).append(item)
        return by_guid

    def _sync(self, wanted: list[Wanted]) -> None:
        by_guid = self._by_guid()
        for title in wanted:
            for item in by_guid.get((title.type, title.guid), ()):
                carried = {label.tag.casefold() for label in item.labels}
                new = [one for one in sorted(title.labels) if one.casefold() not in carried]
                if new:
                    item.addLabel(new)
