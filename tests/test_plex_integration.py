"""Home Assistant's own Plex integration and this one, side by side over one server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntryState
from homeassistant.setup import async_setup_component
import plexapi
from plexapi.gdm import GDM
import pytest

from .flow_fixtures import assert_form, finish, pulsarr_input, submit
from .flows.test_config_flow_existing import choose, know
from .ha_env import PLEX_TOKEN

if TYPE_CHECKING:
    from .ha_env import HaEnv

pytest.importorskip("plexwebsocket", reason="the Plex integration's requirements are not there")
pytest.importorskip("plexauth", reason="the Plex integration's requirements are not there")


@pytest.fixture
def expected_lingering_timers() -> bool:
    """The Plex integration leaves a debouncer behind."""
    return True


async def test_server_that_home_assistant_knows_serves_both_integrations(
    ha_env: HaEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nobody:
        """An account that shares with nobody and has no players; plex.tv is not asked."""

        def __init__(self, **_: object) -> None:
            self.users = self.resources = list

    monkeypatch.setattr(GDM, "scan", lambda *_, **__: None)
    monkeypatch.setattr(plexapi.myplex, "MyPlexAccount", Nobody)
    hass = ha_env.hass
    existing = know(ha_env)
    assert await async_setup_component(hass, "plex", {})
    await hass.async_block_till_done()
    assert existing.state is ConfigEntryState.LOADED
    async with asyncio.timeout(60):
        while ha_env.plex.stats.count("GET", "/status/sessions") == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert ha_env.plex.stats.count("GET", "/accounts") == 1
    assert ha_env.plex.stats.count("GET", "/clients") >= 1

    shown = await choose(ha_env)
    shown = await submit(hass, shown, server=ha_env.plex.state.machine_identifier)
    assert_form(shown, "pulsarr")
    shown = await submit(hass, shown, **pulsarr_input(ha_env))
    created = await finish(hass, shown)
    await ha_env.settle()

    assert created["data"]["plex_token"] == PLEX_TOKEN
    assert created["result"].state is ConfigEntryState.LOADED
    assert existing.state is ConfigEntryState.LOADED
    assert any(item.labels for item in ha_env.plex.state.items.values())
    assert await hass.config_entries.async_unload(existing.entry_id)
    assert await hass.config_entries.async_remove(created["result"].entry_id)
