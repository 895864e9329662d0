"""Pulsarr's method: a search per title, a read and a full write per item, five at a time.

Missing titles are searched for again every 30 seconds for ten minutes. A sync here includes only
the first search; the case of pending titles measures one of the twenty that follow.
"""

import asyncio
from typing import Any, Final

from .common import Rival, Servers

PARALLEL: Final = 5


class PulsarrWay(Rival):
    """Labels as Pulsarr does."""

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers, parallel=PARALLEL)

    async def sync(self) -> None:
        """Label every title, five at a time."""
        await asyncio.gather(*(self.label(one.guid, one.labels) for one in await self.wanted()))

    async def label(self, guid: str, labels: set[str]) -> bool:
        """Label the items of a title; return whether there are any."""
        async with self.gate:
            found = await self._search(guid)
            for rating_key in found:
                await self.write_if_needed(rating_key, labels)
        return bool(found)

    async def pending(self, titles: list[dict[str, Any]]) -> None:
        """Run one pass over the titles that are not there yet."""

        async def one(guid: str) -> None:
            async with self.gate:
                await self._search(guid)

        await asyncio.gather(
            *(one(f"plex://{title['type']}/{title['ids'][0][5:]}") for title in titles)
        )

    async def _search(self, guid: str) -> list[str]:
        rows = (await self.get("/library/all", guid=guid)).get("Metadata", [])
        return [str(row["ratingKey"]) for row in rows]
