"""A simulated Pulsarr on loopback, another server, and clients for them."""

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
    """Return the settings of the simulated Pulsarr, for tests to change before its start."""
    return PulsarrKnobs()


@pytest.fixture
async def pulsarr(knobs: PulsarrKnobs, known_secrets: set[str]) -> AsyncIterator[PulsarrSimulator]:
    """Start a Pulsarr."""
    async with PulsarrSimulator(knobs=knobs) as simulator:
        known_secrets.add(simulator.api_key)
        yield simulator


@pytest.fixture
def naps() -> Naps:
    """Return the seconds that the client slept."""
    return Naps()


@pytest.fixture
async def make_client(naps: Naps) -> AsyncIterator[MakeClient]:
    """Return a factory of clients for any address."""
    async with aiohttp.ClientSession() as session:

        def make(url: str, api_key: str, limits: PulsarrLimits = USUAL) -> PulsarrClient:
            return PulsarrClient(session, url, api_key, sleep=naps, limits=limits)

        yield make


@pytest.fixture
def client(pulsarr: PulsarrSimulator, make_client: MakeClient) -> PulsarrClient:
    """Return a client with the right address and key."""
    return make_client(pulsarr.url, pulsarr.api_key)


@pytest.fixture
async def other() -> AsyncIterator[OtherServer]:
    """Start a server that is not Pulsarr."""
    server = OtherServer()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", server.answer)
    async with Server(app, host="127.0.0.1") as running:
        server.url = str(running.make_url("")).rstrip("/")
        yield server
