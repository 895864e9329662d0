"""A simulated Plex on loopback, and clients for it."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from custom_components.plex_label_sync.plex.limits import USUAL, PlexLimits
from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.sync.model import Library, MediaType
from simulators.catalog import make_catalog
from simulators.plex import PlexSimulator, make_plex_state

TOKEN = "plex-token-of-the-owner"
CATALOG = make_catalog(3, 40, 8)
MOVIES = Library("1", MediaType.MOVIE, "Movies")
SHOWS = Library("2", MediaType.SHOW, "TV Shows")


class Naps:
    """Stands in for sleeping: records the seconds and returns at once."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Record the seconds."""
        self.taken.append(seconds)


type MakeClient = Callable[..., PlexClient]


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Leave asyncio's debug mode off, which makes these HTTP tests three times as slow."""


@pytest.fixture
async def plex(known_secrets: set[str]) -> AsyncIterator[PlexSimulator]:
    """Start a Plex with every title of the catalog once, without labels."""
    known_secrets.add(TOKEN)
    state = make_plex_state(
        CATALOG,
        1,
        missing=0,
        editions=0,
        legacy=0,
        unmatched=0,
        uhd_library=False,
        foreign_labels=False,
    )
    async with PlexSimulator(state, token=TOKEN) as simulator:
        yield simulator
        assert simulator.violations == []


@pytest.fixture
def naps() -> Naps:
    """Return the seconds that the client slept."""
    return Naps()


@pytest.fixture
async def make_client(naps: Naps) -> AsyncIterator[MakeClient]:
    """Return a factory of clients for any address."""
    async with aiohttp.ClientSession() as session:

        def make(
            url: str,
            token: str = TOKEN,
            over: aiohttp.ClientSession | None = None,
            limits: PlexLimits = USUAL,
        ) -> PlexClient:
            some = over or session
            return PlexClient(some, url, token, client_id="tests", sleep=naps, limits=limits)

        yield make


@pytest.fixture
def limits() -> PlexLimits:
    """Return the client's limits; tests and modules override them by `parametrize` or a fixture."""
    return USUAL


@pytest.fixture
def client(plex: PlexSimulator, make_client: MakeClient, limits: PlexLimits) -> PlexClient:
    """Return a client with the right address and the owner's token."""
    return make_client(plex.url, limits=limits)


def pages_of(rows: int) -> PlexLimits:
    """Return limits for pages of exactly this many rows."""
    return PlexLimits(page_rows=rows, page_rows_max=rows)
