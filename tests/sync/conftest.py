"""Running servers for the tests of the engine."""

from collections.abc import AsyncIterator

import pytest

from .engine_env import PLEX_TOKEN, PULSARR_KEY, EngineEnv, open_env


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Leave asyncio's debug mode off, which makes these HTTP tests three times as slow."""


@pytest.fixture(autouse=True)
def _secrets(known_secrets: set[str]) -> None:
    known_secrets.update((PLEX_TOKEN, PULSARR_KEY))


@pytest.fixture
async def env() -> AsyncIterator[EngineEnv]:
    """Start a small environment: 60 movies, 20 shows, six people, 20 wishes."""
    async with open_env() as running:
        yield running
