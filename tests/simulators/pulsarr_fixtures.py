"""Helpers of the Pulsarr simulator's tests: a small client, a webhook receiver, a few titles."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import json
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from simulators.catalog import CatalogTitle, make_catalog
from simulators.pulsarr import EVENT_TYPES, PulsarrKnobs, PulsarrSimulator, PulsarrState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CATALOG = make_catalog(1, 12, 6)
MOVIE, OTHER_MOVIE = CATALOG[0], CATALOG[1]
SHOW = CATALOG[-1]
KEY = "a-made-up-key"

type Json = Any
"""Any JSON value, or a setting of any type."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response, read to the end; header names are lowercase."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Json:
        """Return the parsed body. Raises ValueError."""
        return json.loads(self.text)


@dataclass(slots=True)
class Pulsarr:
    """A running simulator and a client with its key."""

    sim: PulsarrSimulator
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=lambda: {"X-API-Key": KEY})

    @property
    def state(self) -> PulsarrState:
        """Return the state behind the simulator."""
        return self.sim.state

    async def call(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        root: bool = False,
        **more: Json,
    ) -> Answer:
        """Send one request without following redirects; `root` omits the base path."""
        base = self.sim.root_url if root else self.sim.url
        sent = self.headers if headers is None else headers
        # aiohttp adds a Content-Type to a POST without a body, which Fastify refuses.
        bare = {"skip_auto_headers": ["Content-Type"]} if not {"json", "data"} & set(more) else {}
        async with self.session.request(
            method, base + path, headers=sent, allow_redirects=False, **{**bare, **more}
        ) as answer:
            return Answer(
                answer.status,
                await answer.text(),
                {name.lower(): value for name, value in answer.headers.items()},
            )

    async def get(self, path: str, **more: Json) -> Answer:
        """Send a GET request with the key."""
        return await self.call("GET", path, **more)

    async def post(self, path: str, **more: Json) -> Answer:
        """Send a POST request with the key."""
        return await self.call("POST", path, **more)

    async def control(self, call: str, /, **given: Json) -> Json:
        """Send a control call; a POST if there are arguments."""
        method = "POST" if given else "GET"
        body = {"json": given} if given else {}
        answer = await self.call(method, f"/_control/{call}", root=True, headers={}, **body)
        return answer.json

    async def register(self, url: str, *events: str, **more: Json) -> int:
        """Register a webhook endpoint for these events (all by default) and return its id."""
        answer = await self.post(
            "/v1/webhooks/endpoints",
            json={"name": "test", "url": url, "eventTypes": [*(events or EVENT_TYPES)], **more},
        )
        assert answer.status == 201, answer.text
        return int(answer.json["data"]["id"])


@asynccontextmanager
async def pulsarr(state: PulsarrState | None = None, **knobs: Json) -> AsyncIterator[Pulsarr]:
    """Start a simulator with the given knobs."""
    sim = PulsarrSimulator(state, api_key=KEY, knobs=PulsarrKnobs(**knobs), catalog=CATALOG)
    timeout = aiohttp.ClientTimeout(total=30)
    async with sim, aiohttp.ClientSession(timeout=timeout) as session:
        yield Pulsarr(sim, session)


@dataclass(slots=True)
class Receiver:
    """A webhook receiver that records events and answers as configured, once `release` is set."""

    url: str = ""
    status: int = 200
    release: asyncio.Event = field(default_factory=asyncio.Event)
    location: str | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    busy: int = 0
    most_busy: int = 0

    @property
    def events(self) -> list[str]:
        """Return the names of the received events."""
        return [body["event"] for body in self.bodies]

    async def handle(self, request: web.Request) -> web.Response:
        """Record one event."""
        self.bodies.append(await request.json())
        self.headers.append(dict(request.headers))
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        await self.release.wait()
        self.busy -= 1
        more = {} if self.location is None else {"Location": self.location}
        return web.Response(status=self.status, headers=more)


@asynccontextmanager
async def receiver(*, holds: bool = False, **settings: Json) -> AsyncIterator[Receiver]:
    """Start a webhook receiver on a free local port; with `holds` it answers once released."""
    target = Receiver(**settings)
    if not holds:
        target.release.set()
    app = web.Application()
    app.router.add_post("/hook", target.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    target.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield target
    finally:
        await runner.cleanup()


def titles(kind: str) -> tuple[CatalogTitle, ...]:
    """Return the catalog's titles of one type."""
    return tuple(title for title in CATALOG if title.type == kind)
