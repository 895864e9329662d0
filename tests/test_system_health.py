"""What Home Assistant's page about the system's health tells."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from homeassistant.util import dt as dt_util
import pytest

from custom_components.plex_label_sync.const import DOMAIN
from simulators.plex import Fault

from .ha_env import SECRETS, set_limits
from .short_timeouts import TOO_LONG
from .texts import TEXTS

CLOSED = "http://127.0.0.1:9"

if TYPE_CHECKING:
    from pytest_homeassistant_custom_component.typing import WebSocketGenerator

    from .ha_env import HaEnv


async def page(ha_env: HaEnv, hass_ws_client: WebSocketGenerator) -> dict[str, Any]:
    """Return what the page shows in the end, by key, as it comes over the websocket."""
    client = await hass_ws_client(ha_env.hass)
    await client.send_json_auto_id({"type": "system_health/info"})
    assert (await client.receive_json())["success"]
    info: dict[str, Any] = {}
    while (event := (await client.receive_json())["event"])["type"] != "finish":
        if event["type"] == "initial":
            info = event["data"][DOMAIN]["info"]
        elif event["domain"] == DOMAIN:
            assert event["success"]
            info[event["key"]] = event["data"]
    for secret in SECRETS:
        assert secret not in str(info)
    return info


async def test_page_says_that_all_is_well(
    ha_env: HaEnv, hass_ws_client: WebSocketGenerator
) -> None:
    await ha_env.set_up()

    info = await page(ha_env, hass_ws_client)

    last_sync = info.pop("last_sync")
    assert last_sync["type"] == "date"
    shown = dt_util.parse_datetime(ha_env.state("last_sync"), raise_on_error=True)
    assert datetime.fromisoformat(last_sync["value"]).replace(microsecond=0) == shown
    assert info == {
        "running": "1 / 1",
        "can_reach_plex": "ok",
        "can_reach_pulsarr": "ok",
        "plex_version": ha_env.plex.state.version,
        "pulsarr_version": ha_env.pulsarr.knobs.version,
        "pending": 0,
        "webhook": "ok",
        "sharing": "?",  # not checked yet
    }


async def test_every_line_of_the_page_has_a_text(
    ha_env: HaEnv, hass_ws_client: WebSocketGenerator
) -> None:
    await ha_env.set_up()

    info = await page(ha_env, hass_ws_client)

    assert set(TEXTS["system_health"]["info"]) == set(info)


@pytest.mark.parametrize("server", ["plex", "pulsarr"])
async def test_page_says_which_server_is_away(
    ha_env: HaEnv, hass_ws_client: WebSocketGenerator, server: str
) -> None:
    await ha_env.set_up()
    getattr(ha_env, server).faults.add(Fault("drop", times=None))

    info = await page(ha_env, hass_ws_client)

    away = {"type": "failed", "error": "cannot_connect"}
    assert info["can_reach_plex"] == (away if server == "plex" else "ok")
    assert info["can_reach_pulsarr"] == (away if server == "pulsarr" else "ok")
    assert (info["pulsarr_version"] == "?") is (server == "pulsarr")


async def test_page_waits_for_no_one(ha_env: HaEnv, hass_ws_client: WebSocketGenerator) -> None:
    set_limits(ha_env.hass, page_timeout=2.0)  # Pulsarr answers within, on any machine
    await ha_env.set_up()
    ha_env.plex.faults.add(Fault("slow_before_apply", seconds=TOO_LONG, times=None))

    info = await page(ha_env, hass_ws_client)

    assert info["can_reach_plex"] == {"type": "failed", "error": "timeout"}
    assert info["can_reach_pulsarr"] == "ok"


async def test_page_says_when_announcements_cannot_arrive(
    ha_env: HaEnv, hass_ws_client: WebSocketGenerator
) -> None:
    ha_env.hass.config.internal_url = CLOSED
    await ha_env.set_up(base_url=CLOSED)

    info = await page(ha_env, hass_ws_client)

    assert info["webhook"] == {"type": "failed", "error": "unreachable"}


async def test_page_says_that_live_mode_is_off_and_that_nothing_was_synced_yet(
    ha_env: HaEnv, hass_ws_client: WebSocketGenerator
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)

    info = await page(ha_env, hass_ws_client)

    assert info["webhook"] == "off"
    assert info["last_sync"] == "?"


async def test_page_works_without_anything_that_runs(
    ha_env: HaEnv, hass_ws_client: WebSocketGenerator
) -> None:
    await ha_env.set_up()
    await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)

    assert await page(ha_env, hass_ws_client) == {"running": "0 / 1"}
