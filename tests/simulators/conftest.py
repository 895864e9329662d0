"""Fixtures of the simulators' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulators.plex_fixtures import Peer, plex

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """Start a small default Plex; fail the test if a client did what clients must never do."""
    async with plex() as peer:
        yield peer
        assert peer.sim.violations == []
