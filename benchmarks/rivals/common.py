"""What the rivals share: the wanted titles, and requests to Plex."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers' addresses and credentials, and a folder for a competitor's files."""

    plex: str
    plex_token: str
    pulsarr: str
    pulsarr_key: str
    folder: str


@dataclass(slots=True)
class Wanted:
    """One title, and the labels that its items should have."""

    type: str
    key: str  # Plex's own, 24 hex digits
    ids: frozenset[str]  # `tmdb:…`
    labels: set[str] = field(default_factory=set)

    @property
    def guid(self) -> str:
        """Return the primary guid of its items."""
        return f"plex://{self.type}/{self.key}"


class Competitor(Protocol):
    """One way to do the job, in a process that keeps running."""

    async def start(self) -> None:
        """Prepare; not measured."""

    async def sync(self) -> None:
        """Bring all labels up to date."""

    async def pending(self, titles: list[dict[str, Any]], /) -> None:
        """Search once for titles that were not in Plex."""

    async def stop(self) -> None:
        """Clean up; not measured."""


class Rival:
    """Base class of the rivals that send HTTP requests directly."""

    def __init__(self, servers: Servers, *, parallel: int = 1) -> None:
        """Initialize for `parallel` titles at a time."""
        self.servers = servers
        self.gate = asyncio.Semaphore(parallel)
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open one session with persistent connections, as a well-written client does."""
        self._session = aiohttp.ClientSession()

    async def stop(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    async def wanted(self) -> list[Wanted]:
        """Return all wanted titles, reading four watchlists at a time."""
        titles: dict[tuple[str, str], Wanted] = {}
        gate = asyncio.Semaphore(4)

        async def read(user: Mapping[str, Any]) -> None:
            async with gate:
                answer = await self._pulsarr(f"/v1/users/{user['id']}/watchlist")
            for row in answer["data"]["watchlistItems"]:
                ids = frozenset(row.get("guids") or ())
                title = Wanted(row["type"].lower(), row["key"], ids)
                titles.setdefault((title.type, title.key), title).labels.add(user["name"])

        users = (await self._pulsarr("/v1/users/users/list/with-counts"))["users"]
        await asyncio.gather(*(read(user) for user in users))
        return list(titles.values())

    async def _pulsarr(self, path: str) -> dict[str, Any]:
        assert self._session is not None  # noqa: S101 - started first
        headers = {"X-API-Key": self.servers.pulsarr_key}
        async with self._session.get(self.servers.pulsarr + path, headers=headers) as response:
            response.raise_for_status()
            body: dict[str, Any] = await response.json()
            return body

    async def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """Read from Plex; the result is empty if the path does not exist."""
        assert self._session is not None  # noqa: S101
        headers = {"X-Plex-Token": self.servers.plex_token, "Accept": "application/json"}
        url = self.servers.plex + path
        async with self._session.get(url, headers=headers, params=query) as response:
            if response.status == 404:
                return {}
            response.raise_for_status()
            body: dict[str, Any] = (await response.json())["MediaContainer"]
            return body

    async def put(self, path: str, query: Iterable[tuple[str, str]]) -> None:
        """Send an edit to Plex."""
        assert self._session is not None  # noqa: S101
        headers = {"X-Plex-Token": self.servers.plex_token}
        url = self.servers.plex + path
        async with self._session.put(url, headers=headers, params=list(query)) as response:
            response.raise_for_status()

    async def write_if_needed(self, rating_key: str, labels: set[str]) -> None:
        """Read an item's labels; write the complete list if one is missing."""
        rows = (await self.get(f"/library/metadata/{rating_key}")).get("Metadata", [])
        for row in rows:
            carried = [str(label["tag"]) for label in row.get("Label", [])]
            await self.write_list(rating_key, carried, labels)

    async def write_list(self, rating_key: str, carried: list[str], labels: set[str]) -> None:
        """Write the carried and wanted labels together, unless none is missing."""
        folded = {label.casefold() for label in carried}
        new = [label for label in sorted(labels) if label.casefold() not in folded]
        if new:
            query = [("label[].tag.tag", label) for label in (*carried, *new)]
            await self.put(f"/library/metadata/{rating_key}", [*query, ("label.locked", "1")])
