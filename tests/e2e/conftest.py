"""Processes of the end-to-end tests: one Home Assistant, two simulated servers per module."""

from __future__ import annotations

import inspect
from pathlib import Path
import sys
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest
import pytest_asyncio

from harness import integration
from harness.checkout import ROOT
from harness.children import LOOPBACK, free_port
from harness.home_assistant import HomeAssistant
from harness.onboarding import onboard
from tests.e2e.e2e_env import OWNER, E2eEnv, Home, start_servers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NEWEST_ONLY: Final = {
    "test_browser.py",
    "test_browser_people.py",
    "test_browser_sharing.py",
    "test_demo.py",
}
SECONDS_MAX: Final = (
    480  # per test; a start of Home Assistant alone takes a minute on a busy machine
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip what does not belong in this environment.

    A plugin that runs Home Assistant in the test process also forbids connections to another one.
    The demo always runs in .venv, and the browser is controlled from there: both are tested only
    there.
    """
    if config.pluginmanager.has_plugin("homeassistant"):
        return True
    if collection_path.name in NEWEST_ONLY and Path(sys.prefix) != ROOT / ".venv":
        return True
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests here in one event loop, so that connections outlive a test; long timeouts."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and inspect.iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.timeout(SECONDS_MAX))
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Open the HTTP session of this process."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def home(
    session: aiohttp.ClientSession, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Home]:
    """Start a Home Assistant with the integration installed and nothing set up."""
    plex_tv_port = free_port()  # the real one is never contacted
    process = HomeAssistant(
        tmp_path_factory.mktemp("home") / "config",
        free_port(),
        debug=True,
        plex_tv_url=f"http://{LOOPBACK}:{plex_tv_port}",
    )
    process.prepare()
    try:
        await process.start(session)
        yield Home(process, await onboard(session, process, OWNER), plex_tv_port)
    finally:
        await process.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def env(
    request: pytest.FixtureRequest,
    session: aiohttp.ClientSession,
    home: Home,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[E2eEnv]:
    """Start this module's own simulated Plex and Pulsarr, and set up the integration with them.

    A module may set their options in OPTIONS, and with SHARING let plex.tv know the people. At the
    end, forbidden requests and forbidden log lines are checked for; then the entry is removed.
    """
    servers = await start_servers(
        session,
        tmp_path_factory.mktemp("servers"),
        plex_tv_port=home.plex_tv_port,
        sharing=getattr(request.module, "SHARING", False),
    )
    try:
        env = await E2eEnv.set_up(home, servers)
        options: dict[str, Any] = getattr(request.module, "OPTIONS", {})
        if options:
            await integration.change_options(home.client, env.entry.entry_id, **options)
            await integration.until_loaded(home.client, env.entry.entry_id)
            await env.entry.until_synced()
        yield env
        assert await env.violations() == []
        assert env.complaints() == []
        if await integration.entry_state(home.client, env.entry.entry_id) is not None:
            await integration.remove(home.client, env.entry.entry_id)
    finally:
        await servers.stop()
