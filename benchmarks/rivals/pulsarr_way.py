"""Pulsarr's way: per title a search, per item a read and a write of the whole list, five at a time.

Titles that are not there are searched again every 30 seconds for ten minutes. A sync here has only
the first search; the case of pending titles measures one of the twenty that follow.
"""

import asyncio
from typing import Any, Final

from .common import Rival, Servers

PARALLEL: Final = 5


class PulsarrWay(Rival):
    """As Pulsarr labels by itself."""

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers, parallel=PARALLEL)

    async def sync(self) -> None:
        """Every title, five at a time."""
        await asyncio.gather(*(self.label(one.guid, one.labels) for one in await self.wanted()))

    async def label(self, guid: str, labels: set[str]) -> bool:
        """Label the items of a title; returns whether there are any."""
        async with self.gate:
            found = await self._search(guid)
            for rating_key in found:
                await self.write_if_needed(rating_key, labels)
        return bool(found)

    async def pending(self, titles: list[dict[str, Any]]) -> None:
        """One pass over the titles that are not there yet."""

        async def one(guid: str) -> None:
            async with self.gate:
                await self._search(guid)

        await asyncio.gather(
            *(one(f"plex://{title['type']}/{title['ids'][0][5:]}") for title in titles)
        )

    async def _search(self, guid: str) -> list[str]:
        rows = (await self.get("/library/all", guid=guid)).get("Metadata", [])
        return [str(row["ratingKey"]) for row in rows]
