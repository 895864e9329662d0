"""The simplest method: title by title, one after the other.

Each title is searched for by its Plex key (a title that is not found is tried three times; the
pauses in between are left out), then each item's labels are read and the complete list is written.
"""

from typing import Any, Final

from .common import Rival, Servers

TRIES: Final = 3


class PerTitle(Rival):
    """Search, read, write; one request at a time."""

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers)

    async def sync(self) -> None:
        """Label every title of every watchlist."""
        for title in await self.wanted():
            for rating_key in await self._search(title.guid, TRIES):
                await self.write_if_needed(rating_key, title.labels)

    async def pending(self, titles: list[dict[str, Any]]) -> None:
        """Try each title again."""
        for title in titles:
            await self._search(f"plex://{title['type']}/{title['ids'][0][5:]}", 1)

    async def _search(self, guid: str, tries: int) -> list[str]:
        for _ in range(tries):
            rows = (await self.get("/library/all", guid=guid)).get("Metadata", [])
            if rows:
                return [str(row["ratingKey"]) for row in rows]
        return []
