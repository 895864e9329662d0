"""A simulated Pulsarr on loopback, and clients of it."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from custom_components.plex_label_sync.pulsarr.client import PulsarrClient
from simulators.pulsarr import PulsarrKnobs, PulsarrSimulator


class Naps:
    """Stands in for sleeping: keeps the seconds and wastes none."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Pretend to sleep."""
        self.taken.append(seconds)


type MakeClient = Callable[..., PulsarrClient]


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

        def make(url: str, api_key: str) -> PulsarrClient:
            return PulsarrClient(session, url, api_key, sleep=naps)

        yield make


@pytest.fixture
def client(pulsarr: PulsarrSimulator, make_client: MakeClient) -> PulsarrClient:
    """A client with the right address and the right key."""
    return make_client(pulsarr.url, pulsarr.api_key)
