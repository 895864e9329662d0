"""Reads the simulated Plex as a player does: over its HTTP API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import aiohttp


@dataclass(frozen=True, slots=True)
class PlexTitle:
    """One item of a listing."""

    title: str
    year: int
    type: str
    library: str


async def titles_in_plex(session: aiohttp.ClientSession, url: str, token: str) -> list[PlexTitle]:
    """Return every title of every library, by library and title. Raises aiohttp.ClientError."""

    async def get(path: str) -> dict[str, Any]:
        headers = {"X-Plex-Token": token, "Accept": "application/json"}
        async with session.get(f"{url}{path}", headers=headers, raise_for_status=True) as answer:
            container: dict[str, Any] = (await answer.json())["MediaContainer"]
            return container

    found: list[PlexTitle] = []
    for library in (await get("/library/sections")).get("Directory", []):
        rows = (await get(f"/library/sections/{library['key']}/all")).get("Metadata", [])
        found += [
            PlexTitle(row["title"], int(row.get("year", 0)), row["type"], library["title"])
            for row in rows
        ]
    return found
