"""The address under which a server answers, found while it is set up, without any credential."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.test_utils import TestServer

from custom_components.plex_label_sync.const import CONF_PLEX_URL, CONF_PULSARR_URL

from ..flow_fixtures import (
    assert_form,
    finish,
    plex_input,
    pulsarr_input,
    start,
    start_reconfigure,
    submit,
    to_pulsarr,
)
from ..ha_env import set_limits
from ..tls_front import self_signed_front

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ..ha_env import HaEnv


@asynccontextmanager
async def redirecting(target: str) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """Send everybody somewhere else; yields the address and who came."""
    seen: list[web.Request] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(status=308, headers={"Location": f"{target}{request.path_qs}"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/"), seen


async def test_redirect_to_https_is_followed_once_and_its_end_is_stored(
    ha_env: HaEnv, tmp_path: Path
) -> None:
    async with (
        self_signed_front(ha_env.plex.port, tmp_path) as plex,
        self_signed_front(ha_env.pulsarr.port, tmp_path) as pulsarr,
        redirecting(plex) as (plex_door, to_plex),
        redirecting(pulsarr) as (pulsarr_door, to_pulsarr_door),
    ):
        shown = await submit(
            ha_env.hass,
            await start(ha_env.hass),
            **plex_input(ha_env, url=plex_door, verify_ssl=False),
        )
        assert_form(shown, "pulsarr")
        shown = await submit(
            ha_env.hass, shown, **pulsarr_input(ha_env, url=pulsarr_door, verify_ssl=False)
        )
        assert_form(shown, "libraries")
        created = await finish(ha_env.hass, shown)
        await ha_env.settle()
        assert (created["data"][CONF_PLEX_URL], created["data"][CONF_PULSARR_URL]) == (
            plex,
            pulsarr,
        )
        await ha_env.hass.config_entries.async_remove(created["result"].entry_id)
        await ha_env.settle()
    for seen in (to_plex, to_pulsarr_door):
        assert len(seen) == 1
        assert not {"X-Plex-Token", "X-API-Key", "Authorization"} & set(seen[0].headers)


async def test_redirect_to_another_host_or_without_encryption_is_not_followed(
    ha_env: HaEnv,
) -> None:
    for target in (ha_env.plex.url, "https://localhost:1"):
        async with redirecting(target) as (door, _):
            ha_env.plex.stats.reset()
            shown = await submit(
                ha_env.hass, await start(ha_env.hass), **plex_input(ha_env, url=door)
            )
            assert_form(shown, "plex_manual", url="not_plex")
            assert ha_env.plex.stats.total == 0


async def test_plex_without_a_port_is_found_at_its_usual_one(
    ha_env: HaEnv,
) -> None:
    set_limits(ha_env.hass, plex_port=ha_env.plex.port)
    for address in ("127.0.0.1", "http://127.0.0.1/web/index.html"):
        shown = await submit(
            ha_env.hass, await start(ha_env.hass), **plex_input(ha_env, url=address)
        )
        assert_form(shown, "pulsarr")
    shown = await submit(ha_env.hass, shown, **pulsarr_input(ha_env))
    created = await finish(ha_env.hass, shown)
    await ha_env.settle()
    assert created["data"][CONF_PLEX_URL] == ha_env.plex.url


async def test_pulsarr_has_no_usual_port_and_may_be_pasted_from_its_web_interface(
    ha_env: HaEnv,
) -> None:
    address = f"{ha_env.pulsarr.url}/app/dashboard"
    shown = await submit(
        ha_env.hass, await to_pulsarr(ha_env), **pulsarr_input(ha_env, url=address)
    )
    assert_form(shown, "libraries")


async def test_address_that_is_changed_later_is_found_in_the_same_way(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up()
    set_limits(ha_env.hass, plex_port=ha_env.plex.port)
    shown = await start_reconfigure(ha_env.hass, ha_env.entry)
    shown = await submit(ha_env.hass, shown, url="127.0.0.1", token="", verify_ssl=True)
    assert_form(shown, "reconfigure_pulsarr")
