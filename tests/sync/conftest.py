"""A household whose servers run, for the tests of the engine."""

from collections.abc import AsyncIterator

import pytest

from .home import PLEX_TOKEN, PULSARR_KEY, Home, household


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Leave asyncio's debug mode off: it makes these tests, which wait for HTTP, thrice as slow."""


@pytest.fixture(autouse=True)
def _secrets(known_secrets: set[str]) -> None:
    known_secrets.update((PLEX_TOKEN, PULSARR_KEY))


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    """A small household: 60 movies, 20 shows, six people, 20 wishes."""
    async with household() as running:
        yield running
