"""What the rivals share: who wants what, and requests to Plex."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers are, and where a competitor may keep files."""

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
        """The primary guid of its items."""
        return f"plex://{self.type}/{self.key}"


class Competitor(Protocol):
    """One way to do it, in a process that stays."""

    async def start(self) -> None:
        """Get ready; not measured."""

    async def sync(self) -> None:
        """Bring all labels up to date."""

    async def pending(self, titles: list[dict[str, Any]], /) -> None:
        """Look once for titles that were not in Plex."""

    async def stop(self) -> None:
        """Let go; not measured."""


class Rival:
    """The base of those that speak HTTP by themselves."""

    def __init__(self, servers: Servers, *, parallel: int = 1) -> None:
        """`parallel` titles are worked on at a time."""
        self.servers = servers
        self.gate = asyncio.Semaphore(parallel)
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open one session with kept-alive connections, as a well-written client does."""
        self._session = aiohttp.ClientSession()

    async def stop(self) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def wanted(self) -> list[Wanted]:
        """Everybody's watchlist, four at a time, one entry per title."""
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
        """A read from Plex; an empty body for what is not there."""
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
        """An edit in Plex."""
        assert self._session is not None  # noqa: S101
        headers = {"X-Plex-Token": self.servers.plex_token}
        url = self.servers.plex + path
        async with self._session.put(url, headers=headers, params=list(query)) as response:
            response.raise_for_status()

    async def write_if_needed(self, rating_key: str, labels: set[str]) -> None:
        """Read what an item carries; write the complete list when something is missing."""
        rows = (await self.get(f"/library/metadata/{rating_key}")).get("Metadata", [])
        for row in rows:
            carried = [str(label["tag"]) for label in row.get("Label", [])]
            await self.write_list(rating_key, carried, labels)

    async def write_list(self, rating_key: str, carried: list[str], labels: set[str]) -> None:
        """Write what is carried and what is wanted, when these are not the same."""
        folded = {label.casefold() for label in carried}
        new = [label for label in sorted(labels) if label.casefold() not in folded]
        if new:
            query = [("label[].tag.tag", label) for label in (*carried, *new)]
            await self.put(f"/library/metadata/{rating_key}", [*query, ("label.locked", "1")])
