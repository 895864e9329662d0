"""Signing in at plex.tv: in another window, to the account's own servers, and what comes between."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
import logging
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant.data_entry_flow import FlowResultType, InvalidData, UnknownFlow
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.setup import async_setup_component
from plexapi.myplex import MyPlexPinLogin, MyPlexResource
import pytest
import requests

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.flows import connections, sign_in
from custom_components.plex_label_sync.limits import SignInTimes
from simulators.http import Fault
from simulators.plex import Library, PlexSimulator, PlexTv
from simulators.plex.account_rows import CLOSED_PORT, connection
from simulators.world import make_world

from ..flow_fixtures import (
    assert_aborted,
    assert_form,
    assert_sign_in_failed,
    choices_of,
    default_of,
    fields_of,
    finish,
    open_menu,
    open_reauth,
    plex_input,
    pulsarr_input,
    submit,
    suggested,
)
from ..ha_env import PLEX_TOKEN, set_limits
from ..plex_tv_fixtures import lead_to
from ..tls_front import self_signed_front
from .test_config_flow_existing import know

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from homeassistant.config_entries import ConfigFlowResult
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from ..ha_env import HaEnv

ACCOUNT_TOKEN: Final = "account-token-of-the-tests"
OTHER_TOKEN: Final = "plex-token-of-the-other-server"
QUICK: Final = SignInTimes(poll=0.02)


@pytest.fixture
async def plex_tv(
    ha_env: HaEnv,
    known_secrets: set[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> AsyncIterator[PlexTv]:
    """A plex.tv whose owner has the ha_env's server; sign-ins are looked after all the time."""
    known_secrets.update({ACCOUNT_TOKEN, OTHER_TOKEN})
    caplog.set_level(logging.DEBUG, "plexapi")  # as somebody does who looks for a fault
    async with PlexTv([ha_env.plex], token=ACCOUNT_TOKEN) as tv:
        monkeypatch.setattr(MyPlexPinLogin, "PINS", f"{tv.url}/api/v2/pins")
        # Of plexapi 4.15; later ones make it of the other.
        monkeypatch.setattr(
            MyPlexPinLogin, "CHECKPINS", f"{tv.url}/api/v2/pins/{{pinid}}", raising=False
        )
        lead_to(monkeypatch, tv.url)
        resources = MyPlexResource.key.replace("https://plex.tv", tv.url)
        monkeypatch.setattr(MyPlexResource, "key", resources)
        set_limits(ha_env.hass, sign_in=QUICK)
        answers_at(tv, ha_env.plex)
        yield tv


def answers_at(tv: PlexTv, server: PlexSimulator) -> None:
    """Let plex.tv know a local address of a server, and others where nobody answers."""
    tv.addresses[server.state.machine_identifier] = [
        connection("https", "127.0.0.1", CLOSED_PORT, local=False, relay=True),
        connection("https", "127.0.0.1", CLOSED_PORT, local=False),
        connection("http", "127.0.0.1", CLOSED_PORT, local=True),
        connection("http", "127.0.0.1", server.port, local=True),
    ]


@pytest.fixture
async def ways(
    ha_env: HaEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[str, str]]:
    """Addresses at which the ha_env's server answers: at home, from afar and by the relay.

    The certificates of the latter are as good as plex.tv's.
    """
    monkeypatch.setattr(
        connections,
        "async_get_clientsession",
        lambda hass, _verify_ssl: async_get_clientsession(hass, verify_ssl=False),
    )
    for name in ("remote", "relay"):
        (tmp_path / name).mkdir()
    async with (
        self_signed_front(ha_env.plex.port, tmp_path / "remote") as remote,
        self_signed_front(ha_env.plex.port, tmp_path / "relay") as relay,
    ):
        yield {"local": ha_env.plex.url, "remote": remote, "relay": relay}


@asynccontextmanager
async def second_server(tv: PlexTv) -> AsyncIterator[PlexSimulator]:
    """Let the account know another server."""
    world = make_world(2, movies=5, shows=2, wanted_in_plex=2, wanted_missing=1)
    world.plex.machine_identifier, world.plex.name = "b" * 40, "Cabin"
    async with PlexSimulator(world.plex, token=OTHER_TOKEN) as other:
        tv.servers.append(other)
        answers_at(tv, other)
        yield other


async def begin(ha_env: HaEnv) -> ConfigFlowResult:
    """Go as far as the other window."""
    shown = await submit(ha_env.hass, await open_menu(ha_env.hass), next_step_id="plex_sign_in")
    if shown["type"] is not FlowResultType.MENU:
        assert_outside(shown)
    return shown


def assert_outside(shown: ConfigFlowResult) -> None:
    """Check that the flow waits for the other window."""
    assert shown["type"] is FlowResultType.EXTERNAL_STEP
    assert shown["step_id"] == "plex_sign_in"


def sent_to_plex(shown: ConfigFlowResult) -> dict[str, str]:
    """Return what the address of the other window says."""
    url = shown["url"]
    assert url is not None
    assert url.startswith("https://app.plex.tv/auth/#")
    return {name: values[0] for name, values in parse_qs(urlsplit(url).fragment[2:]).items()}


def way_back(shown: ConfigFlowResult) -> str:
    """Return where the other window is sent to, without the server."""
    url = urlsplit(sent_to_plex(shown)["forwardUrl"])
    return f"{url.path}?{url.query}"


async def come_back(ha_env: HaEnv, shown: ConfigFlowResult) -> ConfigFlowResult:
    """Wait until the flow has seen how the sign-in ended, and go on as the web interface does."""
    await ha_env.settle()
    return await ha_env.hass.config_entries.flow.async_configure(shown["flow_id"])


async def signed_in(ha_env: HaEnv, tv: PlexTv) -> ConfigFlowResult:
    """Sign in, and return what comes next."""
    shown = await begin(ha_env)
    tv.sign_in(sent_to_plex(shown)["code"])
    return await come_back(ha_env, shown)


# The way it should go


async def test_signing_in_sets_up_the_only_server_and_nothing_is_typed(
    ha_env: HaEnv,
    plex_tv: PlexTv,
    hass_client: ClientSessionGenerator,
) -> None:
    hass = ha_env.hass
    set_limits(hass, sign_in=SignInTimes(poll=3600.0))
    assert await async_setup_component(hass, "config", {})
    browser = await hass_client()
    flows = "/api/config/config_entries/flow"
    answer = await browser.post(flows, json={"handler": DOMAIN})
    flow = f"{flows}/{(await answer.json())['flow_id']}"
    headers = {"HA-Frontend-Base": ha_env.base_url}
    answer = await browser.post(flow, json={"next_step_id": "plex_sign_in"}, headers=headers)
    shown = await answer.json()
    shown["type"] = FlowResultType(shown["type"])
    assert_outside(shown)
    sent = sent_to_plex(shown)
    assert sent["context[device][product]"] == "Plex Label Sync"
    assert sent["forwardUrl"].startswith(ha_env.base_url)

    plex_tv.sign_in(sent["code"])
    # The browser comes back to an address that everybody may open, for the window is not signed in.
    window = await (await browser.get(way_back(shown), headers={"Authorization": ""})).text()
    assert "window.close()" in window
    assert "You can close this window." in window
    await ha_env.settle()
    shown = await (await browser.get(flow)).json()
    assert (shown["type"], shown["step_id"]) == ("form", "pulsarr")
    await browser.post(flow, json=pulsarr_input(ha_env))
    await browser.post(flow, json={"libraries": ["1"], "label_format": "{username}"})
    await ha_env.hass.async_block_till_done()
    created = await (await browser.post(flow, json={"start": "now"})).json()
    await ha_env.settle()

    assert created["type"] == "create_entry"
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert entry.unique_id == ha_env.plex.state.machine_identifier
    assert entry.data["plex_url"] == ha_env.plex.url
    assert entry.data["plex_token"] == PLEX_TOKEN
    assert entry.data["plex_verify_ssl"] is True
    assert entry.data["client_id"] == sent["clientID"]
    # plex.tv does not take the server's token here: the account's reads with whom it is shared.
    assert entry.data["plex_tv_token"] == ACCOUNT_TOKEN
    # One to begin with, one look, the account, its servers, and whether the server's token does.
    assert plex_tv.stats.total == 5


async def test_account_token_is_not_kept_where_the_servers_does(
    ha_env: HaEnv, plex_tv: PlexTv
) -> None:
    plex_tv.token = PLEX_TOKEN
    shown = await signed_in(ha_env, plex_tv)
    shown = await submit(ha_env.hass, shown, **pulsarr_input(ha_env))
    shown = await finish(ha_env.hass, shown, libraries=["1"], label_format="{username}")
    assert shown["type"] is FlowResultType.CREATE_ENTRY
    assert "plex_tv_token" not in shown["result"].data
    await ha_env.settle()


async def test_sign_in_is_seen_when_the_browser_cannot_come_back(
    ha_env: HaEnv, plex_tv: PlexTv, monkeypatch: pytest.MonkeyPatch
) -> None:
    hass = ha_env.hass
    hass.config.api = None  # so Home Assistant knows no address of its own
    hass.config.internal_url = hass.config.external_url = None
    shown = await begin(ha_env)
    assert "forwardUrl" not in sent_to_plex(shown)

    plex_tv.sign_in(sent_to_plex(shown)["code"])

    assert_form(await come_back(ha_env, shown), "pulsarr")


async def test_account_with_several_servers_asks_which_and_offers_its_own_only(
    ha_env: HaEnv, plex_tv: PlexTv
) -> None:
    borrowed = make_world(3, movies=5, shows=2, wanted_in_plex=2, wanted_missing=1).plex
    borrowed.machine_identifier = "c" * 40
    plex_tv.borrowed.add(borrowed.machine_identifier)
    plex_tv.servers.append(PlexSimulator(borrowed))
    plex_tv.addresses[borrowed.machine_identifier] = [
        connection("http", "127.0.0.1", CLOSED_PORT, local=True)
    ]
    async with second_server(plex_tv) as other:
        shown = await signed_in(ha_env, plex_tv)
        assert_form(shown, "plex_server")
        assert fields_of(shown) == ["server"]
        machine_id = other.state.machine_identifier
        assert choices_of(shown, "server") == {
            ha_env.plex.state.machine_identifier: ha_env.plex.state.name,
            machine_id: "Cabin",
        }
        assert all(secret not in str(shown) for secret in (ACCOUNT_TOKEN, PLEX_TOKEN, OTHER_TOKEN))
        with pytest.raises(InvalidData):
            await submit(ha_env.hass, shown, server=borrowed.machine_identifier)

        shown = await submit(ha_env.hass, shown, server=machine_id)
        shown = await submit(ha_env.hass, shown, **pulsarr_input(ha_env))
        created = await finish(ha_env.hass, shown)
        await ha_env.settle()

        assert created["result"].unique_id == machine_id
        assert created["data"]["plex_url"] == other.url
        assert created["data"]["plex_token"] == OTHER_TOKEN
        assert await ha_env.hass.config_entries.async_unload(created["result"].entry_id)


async def test_server_that_is_set_up_already_is_not_offered(ha_env: HaEnv, plex_tv: PlexTv) -> None:
    ha_env.add_entry()
    assert_aborted(await signed_in(ha_env, plex_tv), "already_configured")

    async with second_server(plex_tv):
        assert_form(await signed_in(ha_env, plex_tv), "pulsarr")


async def test_page_that_is_reloaded_meanwhile_goes_on_with_the_same_sign_in(
    ha_env: HaEnv, plex_tv: PlexTv
) -> None:
    shown = await begin(ha_env)
    again = await ha_env.hass.config_entries.flow.async_configure(shown["flow_id"])

    assert_outside(again)
    assert again["url"] == shown["url"]
    assert len(plex_tv.pins) == 1
    plex_tv.sign_in(sent_to_plex(shown)["code"])
    shown = await come_back(ha_env, shown)
    assert_form(shown, "pulsarr")


async def test_coming_back_without_having_signed_in_changes_nothing(
    ha_env: HaEnv, plex_tv: PlexTv, hass_client_no_auth: ClientSessionGenerator
) -> None:
    browser = await hass_client_no_auth()
    shown = await begin(ha_env)
    assert (await browser.get(way_back(shown))).status == 200

    assert_outside(await ha_env.hass.config_entries.flow.async_configure(shown["flow_id"]))
    assert (await browser.get(way_back(shown).replace(shown["flow_id"], "another"))).status == 404
    assert (await browser.get("/auth/plex_label_sync/callback")).status == 404


async def test_plex_tv_is_called_in_threads_and_knows_the_installation_by_one_name(
    ha_env: HaEnv, plex_tv: PlexTv, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, names = set(), set()
    original = requests.Session.send

    def noting(self: Any, request: Any, **more: Any) -> Any:
        threads.add(threading.get_ident())
        names.add(request.headers["X-Plex-Client-Identifier"])
        return original(self, request, **more)

    monkeypatch.setattr(requests.Session, "send", noting)
    shown = await begin(ha_env)
    plex_tv.sign_in(sent_to_plex(shown)["code"])
    assert_form(await come_back(ha_env, shown), "pulsarr")

    assert names == {sent_to_plex(shown)["clientID"]}
    assert threads
    assert threading.get_ident() not in threads


def test_plexapi_is_imported_with_the_first_sign_in_only() -> None:
    code = (
        "import homeassistant, sys; import custom_components.plex_label_sync.config_flow; "
        "sys.exit('plexapi' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Giving up


async def test_closing_the_flow_ends_the_sign_in(
    ha_env: HaEnv, plex_tv: PlexTv, hass_client_no_auth: ClientSessionGenerator
) -> None:
    browser = await hass_client_no_auth()
    shown = await begin(ha_env)
    ha_env.hass.config_entries.flow.async_abort(shown["flow_id"])
    await ha_env.settle()
    asked = plex_tv.stats.total

    plex_tv.sign_in(sent_to_plex(shown)["code"])
    await ha_env.settle()

    assert plex_tv.stats.total == asked
    assert (await browser.get(way_back(shown))).status == 404
    with pytest.raises(UnknownFlow):
        await ha_env.hass.config_entries.flow.async_configure(shown["flow_id"])


async def test_sign_in_that_is_not_finished_in_time_is_reported_and_can_be_begun_again(
    ha_env: HaEnv, plex_tv: PlexTv
) -> None:
    set_limits(ha_env.hass, sign_in=replace(QUICK, most=0.1))
    shown = await come_back(ha_env, await begin(ha_env))
    assert_sign_in_failed(shown, "sign_in_expired")
    set_limits(ha_env.hass, sign_in=QUICK)

    shown = await submit(ha_env.hass, shown, next_step_id="plex_sign_in")
    assert_outside(shown)
    assert len(plex_tv.pins) == 2
    plex_tv.sign_in(sent_to_plex(shown)["code"])
    assert_form(await come_back(ha_env, shown), "pulsarr")


@pytest.mark.parametrize("kind", ["drop", "unavailable", "throttled", "html", "truncated"])
async def test_plex_tv_that_does_not_answer_properly_at_first_is_reported(
    ha_env: HaEnv, plex_tv: PlexTv, kind: Any
) -> None:
    plex_tv.faults.add(Fault(kind=kind, times=None))
    shown = await begin(ha_env)
    assert_sign_in_failed(shown, "plex_tv_unreachable")

    plex_tv.faults.clear()
    shown = await submit(ha_env.hass, shown, next_step_id="plex_sign_in")
    plex_tv.sign_in(sent_to_plex(shown)["code"])
    assert_form(await come_back(ha_env, shown), "pulsarr")


async def test_without_plex_tv_the_other_ways_lead_on(ha_env: HaEnv, plex_tv: PlexTv) -> None:
    plex_tv.faults.add(Fault(kind="drop", times=None))
    know(ha_env)
    shown = await begin(ha_env)
    assert_sign_in_failed(shown, "plex_tv_unreachable", "plex_existing", "plex_manual")

    shown = await submit(ha_env.hass, shown, next_step_id="plex_manual")
    assert_form(shown, "plex_manual")
    assert_form(await submit(ha_env.hass, shown, **plex_input(ha_env)), "pulsarr")


async def test_refused_token_can_be_entered_when_plex_tv_is_away(
    ha_env: HaEnv, plex_tv: PlexTv
) -> None:
    ha_env.plex.token = OTHER_TOKEN
    ha_env.add_entry()
    assert not await ha_env.hass.config_entries.async_setup(ha_env.entry.entry_id)
    await ha_env.settle()
    plex_tv.faults.add(Fault(kind="drop", times=None))
    shown = await submit(ha_env.hass, await open_reauth(ha_env.hass), token="")
    assert_sign_in_failed(shown, "plex_tv_unreachable", "reauth_confirm")

    shown = await submit(ha_env.hass, shown, next_step_id="reauth_confirm")
    assert_form(shown, "reauth_confirm")
    shown = await submit(ha_env.hass, shown, token=OTHER_TOKEN)
    await ha_env.settle()
    assert_aborted(shown, "reauth_successful")


async def test_plex_tv_that_takes_too_long_is_reported(ha_env: HaEnv, plex_tv: PlexTv) -> None:
    plex_tv.faults.add(Fault(kind="slow_before_apply", seconds=0.5))
    set_limits(ha_env.hass, sign_in=replace(QUICK, answer_timeout=0.1))

    assert_sign_in_failed(await begin(ha_env), "plex_tv_unreachable")


async def test_plex_tv_that_falls_silent_meanwhile_is_asked_again(
    ha_env: HaEnv, plex_tv: PlexTv
) -> None:
    shown = await begin(ha_env)
    plex_tv.sign_in(sent_to_plex(shown)["code"])
    plex_tv.faults.add(Fault(kind="drop", times=sign_in.FAILURES_MAX - 1))

    assert_form(await come_back(ha_env, shown), "pulsarr")


async def test_plex_tv_that_stays_silent_is_reported(ha_env: HaEnv, plex_tv: PlexTv) -> None:
    shown = await begin(ha_env)
    plex_tv.faults.add(Fault(kind="unavailable", times=None))

    assert_sign_in_failed(await come_back(ha_env, shown), "plex_tv_unreachable")
    # One to begin with, the looks that failed, and maybe one that was on its way.
    assert plex_tv.stats.total - sign_in.FAILURES_MAX in (1, 2)


@pytest.mark.parametrize("kind", ["drop", "unauthorized", "html", "truncated"])
@pytest.mark.parametrize("route", ["/api/v2/user", "/api/v2/resources"])
async def test_account_that_cannot_be_read_is_reported(
    ha_env: HaEnv, plex_tv: PlexTv, kind: Any, route: str
) -> None:
    plex_tv.faults.add(Fault(kind=kind, route=route, times=None))

    shown = await signed_in(ha_env, plex_tv)

    assert_sign_in_failed(shown, "plex_tv_unreachable")


async def test_account_without_a_server_of_its_own_is_reported(
    ha_env: HaEnv, plex_tv: PlexTv
) -> None:
    plex_tv.borrowed.add(ha_env.plex.state.machine_identifier)
    shown = await signed_in(ha_env, plex_tv)
    assert_sign_in_failed(shown, "no_servers")

    plex_tv.borrowed.clear()
    shown = await submit(ha_env.hass, shown, next_step_id="plex_sign_in")
    plex_tv.sign_in(sent_to_plex(shown)["code"])
    assert_form(await come_back(ha_env, shown), "pulsarr")


# The ways to the server


async def test_server_that_is_away_is_reported_and_tried_again(
    ha_env: HaEnv, plex_tv: PlexTv
) -> None:
    ha_env.plex.faults.add(Fault(kind="drop", times=None))
    shown = await signed_in(ha_env, plex_tv)
    assert_form(shown, "plex_server", base="no_way_to_server")
    machine_id = ha_env.plex.state.machine_identifier
    assert choices_of(shown, "server") == {
        machine_id: ha_env.plex.state.name,
        "plex_manual": "plex_manual",
    }
    asked = plex_tv.stats.total

    ha_env.plex.faults.clear()
    assert_form(await submit(ha_env.hass, shown, server=machine_id), "pulsarr")
    assert plex_tv.stats.total == asked


async def test_url_of_a_server_that_is_away_can_be_entered_without_its_token(
    ha_env: HaEnv, plex_tv: PlexTv
) -> None:
    plex_tv.addresses[ha_env.plex.state.machine_identifier] = [
        connection("http", "127.0.0.1", CLOSED_PORT, local=True)
    ]
    shown = await signed_in(ha_env, plex_tv)
    assert_form(shown, "plex_server", base="no_way_to_server")

    shown = await submit(ha_env.hass, shown, server="plex_manual")
    assert_form(shown, "plex_manual")
    assert suggested(shown) == {"url": f"http://127.0.0.1:{CLOSED_PORT}", "verify_ssl": True}
    assert all(secret not in str(shown) for secret in (ACCOUNT_TOKEN, PLEX_TOKEN))
    shown = await submit(ha_env.hass, shown, url=ha_env.plex.url)
    assert_form(shown, "pulsarr")
    shown = await submit(ha_env.hass, shown, **pulsarr_input(ha_env))
    created = await finish(ha_env.hass, shown)
    await ha_env.settle()

    assert created["data"]["plex_url"] == ha_env.plex.url
    assert created["data"]["plex_token"] == PLEX_TOKEN
    assert created["data"]["plex_tv_token"] == ACCOUNT_TOKEN


async def test_another_server_that_is_entered_after_signing_in_has_nothing_of_the_account(
    ha_env: HaEnv, plex_tv: PlexTv
) -> None:
    async with second_server(plex_tv) as other:
        plex_tv.servers.remove(ha_env.plex)
        other.faults.add(Fault(kind="drop", times=None))
        shown = await signed_in(ha_env, plex_tv)
        assert_form(shown, "plex_server", base="no_way_to_server")

        shown = await submit(ha_env.hass, shown, server="plex_manual")
        shown = await submit(ha_env.hass, shown, **plex_input(ha_env))
        assert_form(shown, "pulsarr")
        shown = await submit(ha_env.hass, shown, **pulsarr_input(ha_env))
        created = await finish(ha_env.hass, shown)
        await ha_env.settle()

    assert created["result"].unique_id == ha_env.plex.state.machine_identifier
    assert created["data"]["plex_token"] == PLEX_TOKEN
    assert "plex_tv_token" not in created["data"]


async def test_server_without_movies_and_shows_is_reported_and_may_get_some(
    ha_env: HaEnv, plex_tv: PlexTv
) -> None:
    state = ha_env.plex.state
    libraries = dict(state.libraries)
    state.libraries.clear()
    state.add_library(Library("9", "artist", "Music", "agent", "scanner", "uuid", "/music"))
    shown = await signed_in(ha_env, plex_tv)
    assert_form(shown, "plex_server", base="no_libraries")

    state.libraries.update(libraries)
    shown = await submit(ha_env.hass, shown, server=state.machine_identifier)
    assert_form(shown, "pulsarr")


async def test_token_is_not_shown_to_a_stranger_at_a_local_address(
    ha_env: HaEnv, plex_tv: PlexTv
) -> None:
    seen: list[tuple[str, str]] = []

    async def strange(request: web.Request) -> web.Response:
        seen.append((request.path_qs, request.headers.get("X-Plex-Token", "")))
        return web.json_response({"MediaContainer": {"machineIdentifier": "stranger"}})

    app = web.Application()
    app.router.add_get("/{path:.*}", strange)
    async with TestServer(app) as other_server:
        plex_tv.addresses[ha_env.plex.state.machine_identifier] = [
            connection("http", "127.0.0.1", other_server.port or 0, local=True),
            connection("http", "127.0.0.1", ha_env.pulsarr.port, local=True),
            connection("http", "127.0.0.1", ha_env.plex.port, local=True),
        ]
        shown = await signed_in(ha_env, plex_tv)
        shown = await submit(ha_env.hass, shown, **pulsarr_input(ha_env))
        created = await finish(ha_env.hass, shown)
        await ha_env.settle()

    assert created["data"]["plex_url"] == ha_env.plex.url
    assert seen == [("/identity", "")]


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["relay", "remote", "local"], "local"),
        (["relay", "remote"], "remote"),
        (["relay"], "relay"),
        (["plain_remote"], None),
        (["plain_remote", "relay"], "relay"),
    ],
)
async def test_local_addresses_come_first_the_relay_last_and_nothing_unencrypted_from_afar(
    ha_env: HaEnv,
    plex_tv: PlexTv,
    ways: dict[str, str],
    offered: list[str],
    chosen: str | None,
) -> None:
    port = {name: urlsplit(url).port or 0 for name, url in ways.items()}
    rows = {
        "local": connection("http", "127.0.0.1", port["local"], local=True),
        "remote": connection("https", "127.0.0.1", port["remote"], local=False),
        "relay": connection("https", "127.0.0.1", port["relay"], local=False, relay=True),
        "plain_remote": connection("http", "127.0.0.1", port["local"], local=False),
    }
    machine_id = ha_env.plex.state.machine_identifier
    plex_tv.addresses[machine_id] = [rows[name] for name in offered]

    shown = await signed_in(ha_env, plex_tv)
    if chosen is None:
        assert_form(shown, "plex_server", base="no_way_to_server")
        return
    shown = await submit(ha_env.hass, shown, **pulsarr_input(ha_env))
    created = await finish(ha_env.hass, shown)
    await ha_env.settle()

    assert created["data"]["plex_url"] == ways[chosen]
    await ha_env.hass.config_entries.async_unload(created["result"].entry_id)


# Signing in again


async def refuse(ha_env: HaEnv) -> ConfigFlowResult:
    """Let the server change its token, and go as far as the other window."""
    ha_env.plex.token = OTHER_TOKEN
    ha_env.add_entry()
    assert not await ha_env.hass.config_entries.async_setup(ha_env.entry.entry_id)
    await ha_env.settle()
    shown = await open_reauth(ha_env.hass)
    assert fields_of(shown) == ["token"]
    shown = await submit(ha_env.hass, shown, token=" ")
    assert_outside(shown)
    return shown


async def test_refused_token_is_replaced_by_signing_in(ha_env: HaEnv, plex_tv: PlexTv) -> None:
    shown = await refuse(ha_env)
    sent = sent_to_plex(shown)
    assert sent["clientID"] == ha_env.entry.data["client_id"]
    before = dict(ha_env.entry.data)

    plex_tv.sign_in(sent["code"])
    shown = await come_back(ha_env, shown)
    await ha_env.settle()

    assert_aborted(shown, "reauth_successful")
    # What the entry remembers of names and libraries comes with its set-up.
    kept = {"confirmed", "libraries_seen"}
    assert {name: one for name, one in ha_env.entry.data.items() if name not in kept} == {
        **before,
        "plex_token": OTHER_TOKEN,
        "plex_tv_token": ACCOUNT_TOKEN,
    }


async def test_signing_in_with_an_account_that_does_not_own_the_server_is_refused(
    ha_env: HaEnv, plex_tv: PlexTv
) -> None:
    shown = await refuse(ha_env)
    async with second_server(plex_tv):
        plex_tv.borrowed.add(ha_env.plex.state.machine_identifier)
        plex_tv.sign_in(sent_to_plex(shown)["code"])
        assert_aborted(await come_back(ha_env, shown), "wrong_server")
    assert ha_env.entry.data["plex_token"] == PLEX_TOKEN


async def test_server_that_is_away_when_someone_signs_in_again_is_reported_without_the_token(
    ha_env: HaEnv, plex_tv: PlexTv
) -> None:
    shown = await refuse(ha_env)
    plex_tv.sign_in(sent_to_plex(shown)["code"])
    ha_env.plex.faults.add(Fault(kind="drop", times=None))

    shown = await come_back(ha_env, shown)

    assert_form(shown, "reauth_confirm", base="cannot_connect")
    assert default_of(shown, "token") == ""
    ha_env.plex.faults.clear()
    assert_outside(await submit(ha_env.hass, shown))
