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

from .flow_kit import (
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
from .household import PLEX_TOKEN, PULSARR_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from unittest.mock import AsyncMock

    from .household import Household

NEW_TOKEN = "new-plex-token-of-the-tests"
NEW_KEY = "new-pulsarr-key-of-the-tests"


@pytest.fixture(autouse=True)
def _more_secrets(known_secrets: set[str]) -> None:
    known_secrets.update({NEW_TOKEN, NEW_KEY})


@pytest.fixture
def reloads(household: Household) -> Iterator[AsyncMock]:
    """Count how often an entry is loaded again."""
    entries = household.hass.config_entries
    with patch.object(entries, "async_reload", wraps=entries.async_reload) as reloads:
        yield reloads


async def set_up_refused(
    household: Household, *, plex: bool = False, pulsarr: bool = False
) -> None:
    """Set up an entry whose credentials were changed on the servers in the meantime."""
    if plex:
        household.plex.token = NEW_TOKEN
    if pulsarr:
        household.pulsarr.api_key = NEW_KEY
    household.add_entry()
    assert not await household.hass.config_entries.async_setup(household.entry.entry_id)
    await household.settle()
    assert household.entry.state is ConfigEntryState.SETUP_ERROR


# Asking again for what is refused


async def test_new_plex_token_is_asked_for_until_it_is_right(
    household: Household, reloads: AsyncMock
) -> None:
    hass = household.hass
    await set_up_refused(household, plex=True)

    shown = await open_reauth(hass)
    assert_form(shown, "reauth_confirm")
    assert fields_of(shown) == ["token"]
    assert selector_of(shown, "token").config["type"] == "password"
    placeholders = shown["description_placeholders"]
    assert placeholders is not None
    assert placeholders["name"] == household.entry.title
    shown = await submit(hass, shown, token=PLEX_TOKEN)
    assert_form(shown, "reauth_confirm", token="invalid_auth")
    friend = household.plex.add_user("friend", sections=["1"])
    shown = await submit(hass, shown, token=friend.token)
    assert_form(shown, "reauth_confirm", token="not_owner")
    shown = await submit(hass, shown, token=f"{NEW_TOKEN} ")
    await household.settle()

    assert_aborted(shown, "reauth_successful")
    assert household.entry.data["plex_token"] == NEW_TOKEN
    assert household.entry.data["pulsarr_api_key"] == PULSARR_KEY
    assert household.entry.state is ConfigEntryState.LOADED
    assert reloads.call_count == 1


async def test_new_pulsarr_key_is_asked_for_until_it_is_right(
    household: Household, reloads: AsyncMock
) -> None:
    hass = household.hass
    await set_up_refused(household, pulsarr=True)

    shown = await open_reauth(hass)
    assert_form(shown, "reauth_confirm")
    assert fields_of(shown) == ["api_key"]
    assert selector_of(shown, "api_key").config["type"] == "password"
    for wrong in (PULSARR_KEY, ""):
        shown = await submit(hass, shown, api_key=wrong)
        assert_form(shown, "reauth_confirm", api_key="invalid_auth")
    shown = await submit(hass, shown, api_key=NEW_KEY)
    await household.settle()

    assert_aborted(shown, "reauth_successful")
    assert household.entry.data["plex_token"] == PLEX_TOKEN
    assert household.entry.data["pulsarr_api_key"] == NEW_KEY
    assert household.entry.state is ConfigEntryState.LOADED
    assert reloads.call_count == 1


async def test_plex_is_asked_for_before_pulsarr_when_both_refuse(household: Household) -> None:
    hass = household.hass
    await set_up_refused(household, plex=True, pulsarr=True)

    shown = await open_reauth(hass)
    assert fields_of(shown) == ["token"]
    shown = await submit(hass, shown, token=NEW_TOKEN)
    assert_form(shown, "reauth_confirm")
    assert fields_of(shown) == ["api_key"]
    assert household.entry.data["plex_token"] == PLEX_TOKEN
    shown = await submit(hass, shown, api_key=NEW_KEY)
    await household.settle()

    assert_aborted(shown, "reauth_successful")
    assert household.entry.data["plex_token"] == NEW_TOKEN
    assert household.entry.data["pulsarr_api_key"] == NEW_KEY
    assert household.entry.state is ConfigEntryState.LOADED


async def test_token_refused_while_running_is_asked_for_and_taken_over_with_one_reload(
    household: Household, reloads: AsyncMock
) -> None:
    await household.set_up()
    household.plex.token = NEW_TOKEN
    household.entry.async_start_reauth(household.hass)
    await household.settle()

    shown = await submit(household.hass, await open_reauth(household.hass), token=NEW_TOKEN)
    await household.settle()

    assert_aborted(shown, "reauth_successful")
    assert household.entry.state is ConfigEntryState.LOADED
    assert household.entry.data["plex_token"] == NEW_TOKEN
    assert reloads.call_count == 1


async def test_nothing_need_be_entered_when_nothing_is_refused_any_more(
    household: Household, reloads: AsyncMock
) -> None:
    hass = household.hass
    await set_up_refused(household, plex=True)
    household.plex.token = PLEX_TOKEN

    shown = await open_reauth(hass)
    assert_form(shown, "reauth_confirm")
    assert fields_of(shown) == ["token", "api_key"]
    shown = await submit(hass, shown)
    await household.settle()

    assert_aborted(shown, "reauth_successful")
    assert household.entry.data["plex_token"] == PLEX_TOKEN
    assert household.entry.data["pulsarr_api_key"] == PULSARR_KEY
    assert household.entry.state is ConfigEntryState.LOADED
    assert reloads.call_count == 1


async def test_server_that_is_away_while_signing_in_is_told_above_the_form(
    household: Household,
) -> None:
    hass = household.hass
    await set_up_refused(household, plex=True)
    shown = await open_reauth(hass)
    household.plex.faults.add(Fault(kind="drop", times=None))

    shown = await submit(hass, shown, token=NEW_TOKEN)

    assert_form(shown, "reauth_confirm", base="cannot_connect")
    household.plex.faults.clear()
    assert_aborted(await submit(hass, shown, token=NEW_TOKEN), "reauth_successful")
    await household.settle()


async def test_pulsarr_being_away_does_not_keep_a_new_plex_token_out(household: Household) -> None:
    await set_up_refused(household, plex=True)
    shown = await open_reauth(household.hass)
    household.pulsarr.faults.add(Fault(kind="drop", times=None))

    shown = await submit(household.hass, shown, token=NEW_TOKEN)
    await household.settle()

    assert_aborted(shown, "reauth_successful")
    assert household.entry.data["plex_token"] == NEW_TOKEN


async def test_signing_in_to_another_server_is_refused(household: Household) -> None:
    await set_up_refused(household, plex=True)
    shown = await open_reauth(household.hass)
    household.plex.state.machine_identifier = "f" * 40

    shown = await submit(household.hass, shown, token=NEW_TOKEN)

    assert_aborted(shown, "wrong_server")
    assert household.entry.data["plex_token"] == PLEX_TOKEN


async def test_key_may_be_given_up_when_pulsarr_does_not_want_one_any_more(
    household: Household,
) -> None:
    await set_up_refused(household, pulsarr=True)
    household.pulsarr.knobs.auth = "disabled"

    shown = await submit(household.hass, await open_reauth(household.hass), api_key="")
    await household.settle()

    assert_aborted(shown, "reauth_successful")
    assert household.entry.data["pulsarr_api_key"] == ""
    assert household.entry.state is ConfigEntryState.LOADED


# Changing the connections


async def test_both_connections_can_move(
    household: Household, reloads: AsyncMock, caplog: pytest.LogCaptureFixture
) -> None:
    hass = household.hass
    await household.set_up()
    before = dict(household.entry.data)
    async with (
        PlexSimulator(household.plex.state, token=NEW_TOKEN) as plex,
        PulsarrSimulator(household.pulsarr.state, api_key=NEW_KEY) as pulsarr,
    ):
        shown = await start_reconfigure(hass, household.entry)
        assert_form(shown, "reconfigure")
        assert fields_of(shown) == ["url", "token", "verify_ssl"]
        assert default_of(shown, "url") == household.plex.url
        assert default_of(shown, "token") == ""
        shown = await submit(hass, shown, url=f"{plex.url}/web", token=NEW_TOKEN, verify_ssl=False)
        assert_form(shown, "reconfigure_pulsarr")
        assert fields_of(shown) == ["url", "api_key", "verify_ssl"]
        assert default_of(shown, "url") == household.pulsarr.url
        assert default_of(shown, "api_key") == ""
        assert household.entry.data == before
        shown = await submit(hass, shown, url=pulsarr.url, api_key=NEW_KEY, verify_ssl=False)
        await household.settle()

        assert_aborted(shown, "reconfigure_successful")
        assert household.entry.data == {
            **before,
            "plex_url": plex.url,
            "plex_token": NEW_TOKEN,
            "plex_verify_ssl": False,
            "pulsarr_url": pulsarr.url,
            "pulsarr_api_key": NEW_KEY,
            "pulsarr_verify_ssl": False,
        }
        assert household.entry.state is ConfigEntryState.LOADED
        assert reloads.call_count == 1
        assert "Detected that" not in caplog.text
        assert plex.stats.total > 0
        assert await hass.config_entries.async_unload(household.entry.entry_id)


async def test_credentials_that_are_left_empty_stay(household: Household) -> None:
    hass = household.hass
    await household.set_up()
    before = dict(household.entry.data)

    shown = await start_reconfigure(hass, household.entry)
    shown = await submit(hass, shown, **plex_input(household, token="", verify_ssl=False))
    shown = await submit(hass, shown, url=household.pulsarr.url)
    await household.settle()

    assert_aborted(shown, "reconfigure_successful")
    assert household.entry.data == {**before, "plex_verify_ssl": False}


async def test_connections_that_stay_as_they_are_are_tried_again(
    household: Household, reloads: AsyncMock
) -> None:
    hass = household.hass
    household.plex.faults.add(Fault(kind="drop", times=None))
    household.add_entry()
    assert not await hass.config_entries.async_setup(household.entry.entry_id)
    household.plex.faults.clear()

    shown = await start_reconfigure(hass, household.entry)
    shown = await submit(hass, shown, **plex_input(household, token=""))
    shown = await submit(hass, shown, **pulsarr_input(household, api_key=""))
    await household.settle()

    assert_aborted(shown, "reconfigure_successful")
    assert household.entry.state is ConfigEntryState.LOADED
    assert reloads.call_count == 1


async def test_mistakes_in_new_connections_are_told_beside_their_fields(
    household: Household,
) -> None:
    hass = household.hass
    await household.set_up()

    shown = await start_reconfigure(hass, household.entry)
    for changes, errors in (
        ({"url": CLOSED}, {"url": "cannot_connect"}),
        ({"url": "ftp://nowhere"}, {"url": "invalid_url"}),
        ({"token": "wrong-token-of-the-tests"}, {"token": "invalid_auth"}),
    ):
        entered = plex_input(household, **changes)
        shown = await submit(hass, shown, **entered)
        assert_form(shown, "reconfigure", **errors)
        assert default_of(shown, "url") == entered["url"]
    shown = await submit(hass, shown, **plex_input(household))
    for changes, errors in (
        ({"url": CLOSED}, {"url": "cannot_connect"}),
        ({"url": household.plex.url}, {"url": "not_pulsarr"}),
        ({"api_key": "wrong-key-of-the-tests"}, {"api_key": "invalid_auth"}),
    ):
        shown = await submit(hass, shown, **pulsarr_input(household, **changes))
        assert_form(shown, "reconfigure_pulsarr", **errors)
    shown = await submit(hass, shown, **pulsarr_input(household))
    await household.settle()

    assert_aborted(shown, "reconfigure_successful")


async def test_connection_to_another_server_is_refused(household: Household) -> None:
    await household.set_up()
    before = dict(household.entry.data)
    shown = await start_reconfigure(household.hass, household.entry)
    household.plex.state.machine_identifier = "f" * 40

    shown = await submit(household.hass, shown, **plex_input(household))

    assert_aborted(shown, "wrong_server")
    assert household.entry.data == before
    assert household.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []
