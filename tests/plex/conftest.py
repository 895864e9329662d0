"""A simulated Plex on loopback, and clients of it."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from custom_components.plex_label_sync.plex.limits import USUAL, PlexLimits
from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.sync.model import Library, MediaType
from simulators.catalogue import make_catalogue
from simulators.plex import PlexSimulator, make_plex_state

TOKEN = "plex-token-of-the-owner"
CATALOGUE = make_catalogue(3, 40, 8)
MOVIES = Library("1", MediaType.MOVIE, "Movies")
SHOWS = Library("2", MediaType.SHOW, "TV Shows")


class Naps:
    """Stands in for sleeping: keeps the seconds and wastes none."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Pretend to sleep."""
        self.taken.append(seconds)


type MakeClient = Callable[..., PlexClient]


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Leave asyncio's debug mode off: it makes these tests, which wait for HTTP, thrice as slow."""


@pytest.fixture
async def plex(known_secrets: set[str]) -> AsyncIterator[PlexSimulator]:
    """A running Plex with every title of the catalogue once, and without labels."""
    known_secrets.add(TOKEN)
    state = make_plex_state(
        CATALOGUE,
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
    """What the client slept."""
    return Naps()


@pytest.fixture
async def make_client(naps: Naps) -> AsyncIterator[MakeClient]:
    """Build clients of any address."""
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
    """The limits of the client; tests and modules set others by `parametrize` or a fixture."""
    return USUAL


@pytest.fixture
def client(plex: PlexSimulator, make_client: MakeClient, limits: PlexLimits) -> PlexClient:
    """A client with the right address and the owner's token."""
    return make_client(plex.url, limits=limits)


def pages_of(rows: int) -> PlexLimits:
    """Return limits with pages of so many rows, however short these are."""
    return PlexLimits(page_rows=rows, page_rows_max=rows)
