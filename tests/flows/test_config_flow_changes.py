"""Changing what was set up: asking again for a refused credential, moving to other addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState
import pytest

from custom_components.plex_label_sync.const import DOMAIN
from simulators.http import Fault
from simulators.plex import PlexSimulator
from simulators.pulsarr import PulsarrSimulator

from ..flow_fixtures import (
    CLOSED,
    assert_aborted,
    assert_form,
    default_of,
    fields_of,
    open_reauth,
    plex_input,
    pulsarr_input,
    selector_of,
    start_reconfigure,
    submit,
)
from ..ha_env import PLEX_TOKEN, PULSARR_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from unittest.mock import AsyncMock

    from ..ha_env import HaEnv

NEW_TOKEN = "new-plex-token-of-the-tests"
NEW_KEY = "new-pulsarr-key-of-the-tests"


@pytest.fixture(autouse=True)
def _more_secrets(known_secrets: set[str]) -> None:
    known_secrets.update({NEW_TOKEN, NEW_KEY})


@pytest.fixture
def reloads(ha_env: HaEnv) -> Iterator[AsyncMock]:
    """Count how often an entry is loaded again."""
    entries = ha_env.hass.config_entries
    with patch.object(entries, "async_reload", wraps=entries.async_reload) as reloads:
        yield reloads


async def set_up_refused(ha_env: HaEnv, *, plex: bool = False, pulsarr: bool = False) -> None:
    """Set up an entry whose credentials were changed on the servers in the meantime."""
    if plex:
        ha_env.plex.token = NEW_TOKEN
    if pulsarr:
        ha_env.pulsarr.api_key = NEW_KEY
    ha_env.add_entry()
    assert not await ha_env.hass.config_entries.async_setup(ha_env.entry.entry_id)
    await ha_env.settle()
    assert ha_env.entry.state is ConfigEntryState.SETUP_ERROR


# Asking again for what is refused


async def test_new_plex_token_is_asked_for_until_it_is_right(
    ha_env: HaEnv, reloads: AsyncMock
) -> None:
    hass = ha_env.hass
    await set_up_refused(ha_env, plex=True)

    shown = await open_reauth(hass)
    assert_form(shown, "reauth_confirm")
    assert fields_of(shown) == ["token"]
    assert selector_of(shown, "token").config["type"] == "password"
    placeholders = shown["description_placeholders"]
    assert placeholders is not None
    assert placeholders["name"] == ha_env.entry.title
    shown = await submit(hass, shown, token=PLEX_TOKEN)
    assert_form(shown, "reauth_confirm", token="invalid_auth")
    friend = ha_env.plex.add_user("friend", sections=["1"])
    shown = await submit(hass, shown, token=friend.token)
    assert_form(shown, "reauth_confirm", token="not_owner")
    shown = await submit(hass, shown, token=f"{NEW_TOKEN} ")
    await ha_env.settle()

    assert_aborted(shown, "reauth_successful")
    assert ha_env.entry.data["plex_token"] == NEW_TOKEN
    assert ha_env.entry.data["pulsarr_api_key"] == PULSARR_KEY
    assert ha_env.entry.state is ConfigEntryState.LOADED
    assert reloads.call_count == 1


async def test_new_pulsarr_key_is_asked_for_until_it_is_right(
    ha_env: HaEnv, reloads: AsyncMock
) -> None:
    hass = ha_env.hass
    await set_up_refused(ha_env, pulsarr=True)

    shown = await open_reauth(hass)
    assert_form(shown, "reauth_confirm")
    assert fields_of(shown) == ["api_key"]
    assert selector_of(shown, "api_key").config["type"] == "password"
    for wrong in (PULSARR_KEY, ""):
        shown = await submit(hass, shown, api_key=wrong)
        assert_form(shown, "reauth_confirm", api_key="invalid_auth")
    shown = await submit(hass, shown, api_key=NEW_KEY)
    await ha_env.settle()

    assert_aborted(shown, "reauth_successful")
    assert ha_env.entry.data["plex_token"] == PLEX_TOKEN
    assert ha_env.entry.data["pulsarr_api_key"] == NEW_KEY
    assert ha_env.entry.state is ConfigEntryState.LOADED
    assert reloads.call_count == 1


async def test_plex_is_asked_for_before_pulsarr_when_both_refuse(ha_env: HaEnv) -> None:
    hass = ha_env.hass
    await set_up_refused(ha_env, plex=True, pulsarr=True)

    shown = await open_reauth(hass)
    assert fields_of(shown) == ["token"]
    shown = await submit(hass, shown, token=NEW_TOKEN)
    assert_form(shown, "reauth_confirm")
    assert fields_of(shown) == ["api_key"]
    assert ha_env.entry.data["plex_token"] == PLEX_TOKEN
    shown = await submit(hass, shown, api_key=NEW_KEY)
    await ha_env.settle()

    assert_aborted(shown, "reauth_successful")
    assert ha_env.entry.data["plex_token"] == NEW_TOKEN
    assert ha_env.entry.data["pulsarr_api_key"] == NEW_KEY
    assert ha_env.entry.state is ConfigEntryState.LOADED


async def test_token_refused_while_running_is_asked_for_and_taken_over_with_one_reload(
    ha_env: HaEnv, reloads: AsyncMock
) -> None:
    await ha_env.set_up()
    ha_env.plex.token = NEW_TOKEN
    ha_env.entry.async_start_reauth(ha_env.hass)
    await ha_env.settle()

    shown = await submit(ha_env.hass, await open_reauth(ha_env.hass), token=NEW_TOKEN)
    await ha_env.settle()

    assert_aborted(shown, "reauth_successful")
    assert ha_env.entry.state is ConfigEntryState.LOADED
    assert ha_env.entry.data["plex_token"] == NEW_TOKEN
    assert reloads.call_count == 1


async def test_nothing_need_be_entered_when_nothing_is_refused_any_more(
    ha_env: HaEnv, reloads: AsyncMock
) -> None:
    hass = ha_env.hass
    await set_up_refused(ha_env, plex=True)
    ha_env.plex.token = PLEX_TOKEN

    shown = await open_reauth(hass)
    assert_form(shown, "reauth_confirm")
    assert fields_of(shown) == ["token", "api_key"]
    shown = await submit(hass, shown)
    await ha_env.settle()

    assert_aborted(shown, "reauth_successful")
    assert ha_env.entry.data["plex_token"] == PLEX_TOKEN
    assert ha_env.entry.data["pulsarr_api_key"] == PULSARR_KEY
    assert ha_env.entry.state is ConfigEntryState.LOADED
    assert reloads.call_count == 1


async def test_server_that_is_away_while_signing_in_is_reported_above_the_form(
    ha_env: HaEnv,
) -> None:
    hass = ha_env.hass
    await set_up_refused(ha_env, plex=True)
    shown = await open_reauth(hass)
    ha_env.plex.faults.add(Fault(kind="drop", times=None))

    shown = await submit(hass, shown, token=NEW_TOKEN)

    assert_form(shown, "reauth_confirm", base="cannot_connect")
    ha_env.plex.faults.clear()
    assert_aborted(await submit(hass, shown, token=NEW_TOKEN), "reauth_successful")
    await ha_env.settle()


async def test_pulsarr_being_away_does_not_keep_a_new_plex_token_out(ha_env: HaEnv) -> None:
    await set_up_refused(ha_env, plex=True)
    shown = await open_reauth(ha_env.hass)
    ha_env.pulsarr.faults.add(Fault(kind="drop", times=None))

    shown = await submit(ha_env.hass, shown, token=NEW_TOKEN)
    await ha_env.settle()

    assert_aborted(shown, "reauth_successful")
    assert ha_env.entry.data["plex_token"] == NEW_TOKEN


async def test_signing_in_to_another_server_is_refused(ha_env: HaEnv) -> None:
    await set_up_refused(ha_env, plex=True)
    shown = await open_reauth(ha_env.hass)
    ha_env.plex.state.machine_identifier = "f" * 40

    shown = await submit(ha_env.hass, shown, token=NEW_TOKEN)

    assert_aborted(shown, "wrong_server")
    assert ha_env.entry.data["plex_token"] == PLEX_TOKEN


async def test_key_may_be_given_up_when_pulsarr_does_not_want_one_any_more(
    ha_env: HaEnv,
) -> None:
    await set_up_refused(ha_env, pulsarr=True)
    ha_env.pulsarr.knobs.auth = "disabled"

    shown = await submit(ha_env.hass, await open_reauth(ha_env.hass), api_key="")
    await ha_env.settle()

    assert_aborted(shown, "reauth_successful")
    assert ha_env.entry.data["pulsarr_api_key"] == ""
    assert ha_env.entry.state is ConfigEntryState.LOADED


# Changing the connections


async def test_both_connections_can_move(
    ha_env: HaEnv, reloads: AsyncMock, caplog: pytest.LogCaptureFixture
) -> None:
    hass = ha_env.hass
    await ha_env.set_up()
    before = dict(ha_env.entry.data)
    async with (
        PlexSimulator(ha_env.plex.state, token=NEW_TOKEN) as plex,
        PulsarrSimulator(ha_env.pulsarr.state, api_key=NEW_KEY) as pulsarr,
    ):
        shown = await start_reconfigure(hass, ha_env.entry)
        assert_form(shown, "reconfigure")
        assert fields_of(shown) == ["url", "token", "verify_ssl"]
        assert default_of(shown, "url") == ha_env.plex.url
        assert default_of(shown, "token") == ""
        shown = await submit(hass, shown, url=f"{plex.url}/web", token=NEW_TOKEN, verify_ssl=False)
        assert_form(shown, "reconfigure_pulsarr")
        assert fields_of(shown) == ["url", "api_key", "verify_ssl"]
        assert default_of(shown, "url") == ha_env.pulsarr.url
        assert default_of(shown, "api_key") == ""
        assert ha_env.entry.data == before
        shown = await submit(hass, shown, url=pulsarr.url, api_key=NEW_KEY, verify_ssl=False)
        await ha_env.settle()

        assert_aborted(shown, "reconfigure_successful")
        assert ha_env.entry.data == {
            **before,
            "plex_url": plex.url,
            "plex_token": NEW_TOKEN,
            "plex_verify_ssl": False,
            "pulsarr_url": pulsarr.url,
            "pulsarr_api_key": NEW_KEY,
            "pulsarr_verify_ssl": False,
        }
        assert ha_env.entry.state is ConfigEntryState.LOADED
        assert reloads.call_count == 1
        assert "Detected that" not in caplog.text
        assert plex.stats.total > 0
        assert await hass.config_entries.async_unload(ha_env.entry.entry_id)


async def test_credentials_that_are_left_empty_stay(ha_env: HaEnv) -> None:
    hass = ha_env.hass
    await ha_env.set_up()
    before = dict(ha_env.entry.data)

    shown = await start_reconfigure(hass, ha_env.entry)
    shown = await submit(hass, shown, **plex_input(ha_env, token="", verify_ssl=False))
    shown = await submit(hass, shown, url=ha_env.pulsarr.url)
    await ha_env.settle()

    assert_aborted(shown, "reconfigure_successful")
    assert ha_env.entry.data == {**before, "plex_verify_ssl": False}


async def test_connections_that_stay_as_they_are_are_tried_again(
    ha_env: HaEnv, reloads: AsyncMock
) -> None:
    hass = ha_env.hass
    ha_env.plex.faults.add(Fault(kind="drop", times=None))
    ha_env.add_entry()
    assert not await hass.config_entries.async_setup(ha_env.entry.entry_id)
    ha_env.plex.faults.clear()

    shown = await start_reconfigure(hass, ha_env.entry)
    shown = await submit(hass, shown, **plex_input(ha_env, token=""))
    shown = await submit(hass, shown, **pulsarr_input(ha_env, api_key=""))
    await ha_env.settle()

    assert_aborted(shown, "reconfigure_successful")
    assert ha_env.entry.state is ConfigEntryState.LOADED
    assert reloads.call_count == 1


async def test_mistakes_in_new_connections_are_reported_beside_their_fields(
    ha_env: HaEnv,
) -> None:
    hass = ha_env.hass
    await ha_env.set_up()

    shown = await start_reconfigure(hass, ha_env.entry)
    for changes, errors in (
        ({"url": CLOSED}, {"url": "cannot_connect"}),
        ({"url": "ftp://nowhere"}, {"url": "invalid_url"}),
        ({"token": "wrong-token-of-the-tests"}, {"token": "invalid_auth"}),
    ):
        entered = plex_input(ha_env, **changes)
        shown = await submit(hass, shown, **entered)
        assert_form(shown, "reconfigure", **errors)
        assert default_of(shown, "url") == entered["url"]
    shown = await submit(hass, shown, **plex_input(ha_env))
    for changes, errors in (
        ({"url": CLOSED}, {"url": "cannot_connect"}),
        ({"url": ha_env.plex.url}, {"url": "not_pulsarr"}),
        ({"api_key": "wrong-key-of-the-tests"}, {"api_key": "invalid_auth"}),
    ):
        shown = await submit(hass, shown, **pulsarr_input(ha_env, **changes))
        assert_form(shown, "reconfigure_pulsarr", **errors)
    shown = await submit(hass, shown, **pulsarr_input(ha_env))
    await ha_env.settle()

    assert_aborted(shown, "reconfigure_successful")


async def test_connection_to_another_server_is_refused(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    before = dict(ha_env.entry.data)
    shown = await start_reconfigure(ha_env.hass, ha_env.entry)
    ha_env.plex.state.machine_identifier = "f" * 40

    shown = await submit(ha_env.hass, shown, **plex_input(ha_env))

    assert_aborted(shown, "wrong_server")
    assert ha_env.entry.data == before
    assert ha_env.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []
