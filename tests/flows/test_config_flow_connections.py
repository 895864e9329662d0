"""Connecting to both servers: each mistake, beside its field, and how it is put right."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import ConfigEntryState
import pytest

from custom_components.plex_label_sync.const import (
    CONF_PLEX_URL,
    CONF_PULSARR_URL,
)
from custom_components.plex_label_sync.limits import current_limits
from custom_components.plex_label_sync.plex.limits import PlexLimits
from custom_components.plex_label_sync.pulsarr.limits import PulsarrLimits
from simulators.http import Fault
from simulators.plex import Library
from simulators.pulsarr import PulsarrKnobs, PulsarrSimulator

from ..flow_fixtures import (
    CLOSED,
    assert_form,
    choices_of,
    default_of,
    finish,
    plex_input,
    pulsarr_input,
    start,
    submit,
    to_libraries,
    to_pulsarr,
)
from ..ha_env import PLEX_TOKEN, PULSARR_KEY, set_limits
from ..tls_front import self_signed_front

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from homeassistant.config_entries import ConfigFlowResult
    from homeassistant.core import HomeAssistant

    from ..ha_env import HaEnv


@contextmanager
def short_limits(hass: HomeAssistant) -> Iterator[None]:
    """Wait for an answer as long as a slow machine may need for one, and no longer."""
    before = current_limits(hass)
    set_limits(hass, plex=PlexLimits(probe_timeout=2.0), pulsarr=PulsarrLimits(probe_timeout=2.0))
    yield
    set_limits(hass, plex=before.plex, pulsarr=before.pulsarr)


async def assert_plex_is_put_right(ha_env: HaEnv, shown: ConfigFlowResult) -> None:
    """Check that the same flow goes on once everything is right."""
    assert_form(await submit(ha_env.hass, shown, **plex_input(ha_env)), "pulsarr")


async def assert_pulsarr_is_put_right(ha_env: HaEnv, shown: ConfigFlowResult) -> None:
    """Check that the same flow goes on once everything is right."""
    assert_form(await submit(ha_env.hass, shown, **pulsarr_input(ha_env)), "libraries")


# Plex


@pytest.mark.parametrize(
    "pasted",
    [
        "{host}",
        " {host}/ ",
        "http://{host}/",
        "http://{host}/web",
        "http://{host}/web/index.html#!/settings/manage-libraries",
        "{host}/web/index.html#!/server/abc?key=%2Flibrary",
        "http://{host}/?X-Plex-Token=pasted-with-the-address",
    ],
)
async def test_address_of_plex_may_be_pasted_from_anywhere(ha_env: HaEnv, pasted: str) -> None:
    host = ha_env.plex.url.removeprefix("http://")

    shown = await submit(
        ha_env.hass,
        await start(ha_env.hass),
        **plex_input(ha_env, url=pasted.format(host=host)),
    )
    shown = await submit(ha_env.hass, shown, **pulsarr_input(ha_env))
    created = await finish(ha_env.hass, shown)
    await ha_env.settle()

    assert created["data"][CONF_PLEX_URL] == ha_env.plex.url


@pytest.mark.parametrize(
    ("address", "error"),
    [
        (CLOSED, "cannot_connect"),
        ("ftp://{host}", "invalid_url"),
        ("http://{host}0000", "invalid_url"),
        ("http://two words", "invalid_url"),
        ("http://[", "invalid_url"),
        ("", "invalid_url"),
        ("http://somebody:something@{host}/", "url_with_credentials"),
        ("https://{host}", "ssl_error"),
        ("http://{host}/elsewhere", "not_plex"),
    ],
)
async def test_wrong_address_of_plex_is_reported_beside_it(
    ha_env: HaEnv, address: str, error: str
) -> None:
    address = address.format(host=ha_env.plex.url.removeprefix("http://"))

    shown = await submit(ha_env.hass, await start(ha_env.hass), **plex_input(ha_env, url=address))

    assert_form(shown, "plex_manual", url=error)
    assert default_of(shown, "url") == address
    await assert_plex_is_put_right(ha_env, shown)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("html", "not_plex"),
        ("truncated", "not_plex"),
        ("unavailable", "cannot_connect"),
        ("throttled", "cannot_connect"),
        ("drop", "cannot_connect"),
    ],
)
@pytest.mark.parametrize("route", ["/identity", "/library/sections"])
async def test_plex_that_does_not_answer_properly_is_reported_beside_the_address(
    ha_env: HaEnv, kind: Any, error: str, route: str
) -> None:
    ha_env.plex.faults.add(Fault(kind=kind, route=route, times=None))

    shown = await submit(ha_env.hass, await start(ha_env.hass), **plex_input(ha_env))

    assert_form(shown, "plex_manual", url=error)
    ha_env.plex.faults.clear()
    await assert_plex_is_put_right(ha_env, shown)


@pytest.mark.parametrize("route", ["/identity", "/library/sections"])
async def test_plex_that_takes_too_long_is_reported_beside_the_address(
    ha_env: HaEnv, route: str
) -> None:
    shown = await start(ha_env.hass)
    ha_env.plex.faults.add(Fault(kind="slow_before_apply", route=route, seconds=60, times=None))

    with short_limits(ha_env.hass):
        shown = await submit(ha_env.hass, shown, **plex_input(ha_env))

    assert_form(shown, "plex_manual", url="timeout")
    ha_env.plex.faults.clear()
    await assert_plex_is_put_right(ha_env, shown)


async def test_pulsarr_in_the_place_of_plex_is_recognized(ha_env: HaEnv) -> None:
    shown = await submit(
        ha_env.hass,
        await start(ha_env.hass),
        **plex_input(ha_env, url=ha_env.pulsarr.url),
    )

    assert_form(shown, "plex_manual", url="not_plex")
    await assert_plex_is_put_right(ha_env, shown)


@pytest.mark.parametrize(
    "token", ["", "wrong-token-of-the-tests", f"{PLEX_TOKEN}\x00more", "token\nof two lines"]
)
async def test_token_that_plex_does_not_know_is_reported_beside_it(
    ha_env: HaEnv, token: str
) -> None:
    shown = await submit(ha_env.hass, await start(ha_env.hass), **plex_input(ha_env, token=token))

    assert_form(shown, "plex_manual", token="invalid_auth")
    await assert_plex_is_put_right(ha_env, shown)


async def test_token_of_someone_else_than_the_owner_is_refused(ha_env: HaEnv) -> None:
    friend = ha_env.plex.add_user("friend", sections=["1", "2", "3"])

    shown = await submit(
        ha_env.hass, await start(ha_env.hass), **plex_input(ha_env, token=friend.token)
    )

    assert_form(shown, "plex_manual", token="not_owner")
    await assert_plex_is_put_right(ha_env, shown)


async def test_server_without_films_and_shows_is_of_no_use(ha_env: HaEnv) -> None:
    state = ha_env.plex.state
    libraries = dict(state.libraries)
    state.libraries.clear()
    state.add_library(Library("9", "artist", "Music", "agent", "scanner", "uuid", "/music"))

    shown = await submit(ha_env.hass, await start(ha_env.hass), **plex_input(ha_env))

    assert_form(shown, "plex_manual", base="no_libraries")
    state.libraries.update(libraries)
    shown = await submit(ha_env.hass, shown, **plex_input(ha_env))
    shown = await submit(ha_env.hass, shown, **pulsarr_input(ha_env))
    assert "9" not in choices_of(shown, "libraries")


async def test_certificate_that_no_one_vouches_for_is_accepted_only_on_demand(
    ha_env: HaEnv, tmp_path: Path
) -> None:
    async with self_signed_front(ha_env.plex.port, tmp_path) as address:
        shown = await submit(
            ha_env.hass, await start(ha_env.hass), **plex_input(ha_env, url=address)
        )
        assert_form(shown, "plex_manual", url="ssl_error")
        shown = await submit(
            ha_env.hass, shown, **plex_input(ha_env, url=address, verify_ssl=False)
        )
        assert_form(shown, "pulsarr")


# Pulsarr


@pytest.mark.parametrize(
    ("address", "error"),
    [
        (CLOSED, "cannot_connect"),
        ("ftp://{host}", "invalid_url"),
        ("", "invalid_url"),
        ("https://{host}", "ssl_error"),
        ("http://{host}/elsewhere", "not_pulsarr"),
        ("http://{plex}", "not_pulsarr"),
    ],
)
async def test_wrong_address_of_pulsarr_is_reported_beside_it(
    ha_env: HaEnv, address: str, error: str
) -> None:
    address = address.format(
        host=ha_env.pulsarr.url.removeprefix("http://"),
        plex=ha_env.plex.url.removeprefix("http://"),
    )

    shown = await submit(
        ha_env.hass, await to_pulsarr(ha_env), **pulsarr_input(ha_env, url=address)
    )

    assert_form(shown, "pulsarr", url=error)
    assert default_of(shown, "url") == address
    await assert_pulsarr_is_put_right(ha_env, shown)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("html", "not_pulsarr"),
        ("truncated", "not_pulsarr"),
        ("busy", "cannot_connect"),
        ("throttled", "cannot_connect"),
        ("drop", "cannot_connect"),
    ],
)
async def test_pulsarr_that_does_not_answer_properly_is_reported_beside_the_address(
    ha_env: HaEnv, kind: Any, error: str
) -> None:
    ha_env.pulsarr.faults.add(Fault(kind=kind, times=None))

    shown = await submit(ha_env.hass, await to_pulsarr(ha_env), **pulsarr_input(ha_env))

    assert_form(shown, "pulsarr", url=error)
    ha_env.pulsarr.faults.clear()
    await assert_pulsarr_is_put_right(ha_env, shown)


async def test_pulsarr_that_takes_too_long_is_reported_beside_the_address(
    ha_env: HaEnv,
) -> None:
    shown = await to_pulsarr(ha_env)
    ha_env.pulsarr.faults.add(Fault(kind="slow_before_apply", seconds=60, times=None))

    with short_limits(ha_env.hass):
        shown = await submit(ha_env.hass, shown, **pulsarr_input(ha_env))

    assert_form(shown, "pulsarr", url="timeout")
    ha_env.pulsarr.faults.clear()
    await assert_pulsarr_is_put_right(ha_env, shown)


@pytest.mark.parametrize("api_key", ["", "wrong-key-of-the-tests", "key\nof two lines"])
async def test_key_that_pulsarr_does_not_know_is_reported_beside_it(
    ha_env: HaEnv, api_key: str
) -> None:
    shown = await submit(
        ha_env.hass, await to_pulsarr(ha_env), **pulsarr_input(ha_env, api_key=api_key)
    )

    assert_form(shown, "pulsarr", api_key="invalid_auth")
    await assert_pulsarr_is_put_right(ha_env, shown)


async def test_refused_key_stays_the_reason_when_pulsarr_falls_silent_afterwards(
    ha_env: HaEnv,
) -> None:
    ha_env.pulsarr.faults.add(Fault(kind="drop", nth=3, times=None))

    shown = await submit(
        ha_env.hass, await to_pulsarr(ha_env), **pulsarr_input(ha_env, api_key="wrong!")
    )

    assert_form(shown, "pulsarr", api_key="invalid_auth")
    ha_env.pulsarr.faults.clear()
    await assert_pulsarr_is_put_right(ha_env, shown)


async def test_pulsarr_without_authentication_needs_no_key(ha_env: HaEnv) -> None:
    ha_env.pulsarr.knobs.auth = "disabled"

    shown = await submit(ha_env.hass, await to_pulsarr(ha_env), url=ha_env.pulsarr.url)
    created = await finish(ha_env.hass, shown)
    await ha_env.settle()

    assert created["data"]["pulsarr_api_key"] == ""
    assert created["result"].state is ConfigEntryState.LOADED


async def test_pulsarr_under_a_base_path_is_found_there_only(ha_env: HaEnv) -> None:
    knobs = PulsarrKnobs(base_path="/pulsarr")
    async with PulsarrSimulator(ha_env.pulsarr.state, api_key=PULSARR_KEY, knobs=knobs) as pulsarr:
        shown = await submit(
            ha_env.hass,
            await to_pulsarr(ha_env),
            **pulsarr_input(ha_env, url=pulsarr.root_url),
        )
        assert_form(shown, "pulsarr", url="not_pulsarr")
        shown = await submit(ha_env.hass, shown, **pulsarr_input(ha_env, url=f"{pulsarr.url}/"))
        created = await finish(ha_env.hass, shown)
        await ha_env.settle()

        assert created["data"][CONF_PULSARR_URL] == pulsarr.url
        assert pulsarr.url.endswith("/pulsarr")
        assert created["result"].state is ConfigEntryState.LOADED


async def test_pulsarr_that_does_not_list_its_events_is_not_taken_for_an_old_one(
    ha_env: HaEnv,
) -> None:
    ha_env.pulsarr.faults.add(Fault(kind="html", route="/v1/webhooks/event-types", times=None))

    shown = await to_libraries(ha_env)

    assert_form(shown, "pulsarr", url="not_pulsarr")
    ha_env.pulsarr.faults.clear()
    await assert_pulsarr_is_put_right(ha_env, shown)
