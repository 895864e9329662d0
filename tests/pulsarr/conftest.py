"""A simulated Pulsarr on loopback, some other server, and clients of them."""

from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer as Server
import pytest

from custom_components.plex_label_sync.pulsarr.client import PulsarrClient
from custom_components.plex_label_sync.pulsarr.limits import USUAL, PulsarrLimits
from simulators.pulsarr import PulsarrKnobs, PulsarrSimulator

from .fixtures import MakeClient, Naps, OtherServer


@pytest.fixture
def knobs() -> PulsarrKnobs:
    """Settings of the simulated Pulsarr; tests change them before they use it."""
    return PulsarrKnobs()


@pytest.fixture
async def pulsarr(knobs: PulsarrKnobs, known_secrets: set[str]) -> AsyncIterator[PulsarrSimulator]:
    """A running Pulsarr."""
    async with PulsarrSimulator(knobs=knobs) as simulator:
        known_secrets.add(simulator.api_key)
        yield simulator


@pytest.fixture
def naps() -> Naps:
    """What the client slept."""
    return Naps()


@pytest.fixture
async def make_client(naps: Naps) -> AsyncIterator[MakeClient]:
    """Build clients of any address."""
    async with aiohttp.ClientSession() as session:

        def make(url: str, api_key: str, limits: PulsarrLimits = USUAL) -> PulsarrClient:
            return PulsarrClient(session, url, api_key, sleep=naps, limits=limits)

        yield make


@pytest.fixture
def client(pulsarr: PulsarrSimulator, make_client: MakeClient) -> PulsarrClient:
    """A client with the right address and the right key."""
    return make_client(pulsarr.url, pulsarr.api_key)


@pytest.fixture
async def other() -> AsyncIterator[OtherServer]:
    """Some server."""
    server = OtherServer()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", server.answer)
    async with Server(app, host="127.0.0.1") as running:
        server.url = str(running.make_url("")).rstrip("/")
        yield server
