"""Helpers of the Plex simulator's tests: a small world, an HTTP client, threads."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
import json
from typing import TYPE_CHECKING, Any, Unpack
from urllib.parse import quote

import aiohttp
from yarl import URL

from simulators.catalog import make_catalog
from simulators.plex import PlexKnobs, PlexSimulator, PlexState, make_plex_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from simulators.world import PlexOptions

TOKEN = "a-made-up-plex-token"
CATALOG = make_catalog(7, 40, 12)
MOVIES = tuple(title for title in CATALOG if title.type == "movie")
SHOWS = tuple(title for title in CATALOG if title.type == "show")

type Json = Any
"""Any JSON value."""


def plain_state(**options: Unpack[PlexOptions]) -> PlexState:
    """Return every title once, matched, without labels; `options` are for `make_plex_state`."""
    plain: PlexOptions = {
        "missing": 0.0,
        "editions": 0.0,
        "uhd_library": False,
        "legacy": 0.0,
        "unmatched": 0.0,
        "foreign_labels": False,
    }
    return make_plex_state(CATALOG, 1, **(plain | options))


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response, read to the end."""

    status: int
    body: bytes
    type: str
    headers: dict[str, str]

    @property
    def box(self) -> Json:
        """Return the MediaContainer of a JSON response."""
        return json.loads(self.body)["MediaContainer"]

    @property
    def rows(self) -> list[Json]:
        """Return the items of a listing."""
        return list(self.box.get("Metadata", []))

    @property
    def keys(self) -> list[str]:
        """Return the rating keys of a listing."""
        return [row["ratingKey"] for row in self.rows]

    @property
    def directory(self) -> list[Json]:
        """Return the rows of a directory."""
        return list(self.box.get("Directory", []))


@dataclass(slots=True)
class Peer:
    """A running simulator and a client for it."""

    sim: PlexSimulator
    session: aiohttp.ClientSession

    @property
    def state(self) -> PlexState:
        """Return the server's data."""
        return self.sim.state

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        seconds: float = 60,
        token: str | None = TOKEN,
    ) -> Answer:
        """Send one request; the path is sent exactly as given."""
        sent = (
            {"Accept": "application/json"}
            | ({"X-Plex-Token": token} if token else {})
            | (headers or {})
        )
        url = URL(self.sim.url + path, encoded=True)
        limit = aiohttp.ClientTimeout(total=seconds)
        async with self.session.request(method, url, headers=sent, timeout=limit) as response:
            body = await response.read()
            return Answer(response.status, body, response.content_type, dict(response.headers))

    async def get(
        self,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        seconds: float = 60,
        token: str | None = TOKEN,
    ) -> Answer:
        """Send a GET request."""
        return await self.ask("GET", path, headers=headers, seconds=seconds, token=token)

    async def put(self, path: str, *, seconds: float = 10, token: str | None = TOKEN) -> Answer:
        """Send a PUT request without a body."""
        return await self.ask("PUT", path, seconds=seconds, token=token)

    async def edit(self, *arguments: str, section: str = "1", kind: int = 1) -> Answer:
        """Send an edit of a section; the arguments are raw query text."""
        return await self.put(
            f"/library/sections/{section}/all?" + "&".join((f"type={kind}", *arguments))
        )


@asynccontextmanager
async def plex(
    state: PlexState | None = None, knobs: PlexKnobs | None = None
) -> AsyncIterator[Peer]:
    """Start a simulator, by default over `plain_state()`."""
    sim = PlexSimulator(plain_state() if state is None else state, token=TOKEN, knobs=knobs)
    async with sim, aiohttp.ClientSession() as session:
        yield Peer(sim, session)


async def in_thread[T](work: Callable[[], T]) -> T:
    """Run blocking code in a thread of its own, which then ends."""
    with ThreadPoolExecutor(1) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, work)


def added(label: str, index: str = "0") -> str:
    """Return the argument that adds a label."""
    return f"label%5B{index}%5D.tag.tag={quote(label, safe='')}"


def removed(*labels: str) -> str:
    """Return the argument that removes labels: each encoded, joined, encoded again."""
    joined = ",".join(quote(label, safe="") for label in labels)
    return f"label%5B%5D.tag.tag-={quote(joined, safe='')}"
