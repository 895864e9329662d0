"""Taking over a server of Home Assistant's own Plex integration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import SOURCE_IGNORE
from homeassistant.data_entry_flow import FlowResultType, InvalidData
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulators.plex import Library, PlexSimulator
from simulators.world import make_world

from ..flow_fixtures import (
    CLOSED,
    assert_aborted,
    assert_form,
    choices_of,
    default_of,
    fields_of,
    finish,
    open_menu,
    plex_input,
    pulsarr_input,
    selector_of,
    submit,
    suggested,
)
from ..ha_env import PLEX_TOKEN

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigFlowResult

    from ..ha_env import HaEnv

OTHER_TOKEN: Final = "plex-token-of-somebody-else"


def know(ha_env: HaEnv, **changes: Any) -> MockConfigEntry:
    """Let Home Assistant's Plex integration have an entry for the ha_env's server."""
    server = {"url": ha_env.plex.url, "token": PLEX_TOKEN, "verify_ssl": True}
    machine_id = ha_env.plex.state.machine_identifier
    name = ha_env.plex.state.name
    entry = MockConfigEntry(
        domain="plex",
        title=name,
        unique_id=machine_id,
        data={"server": name, "server_id": machine_id, "server_config": server | changes},
    )
    entry.add_to_hass(ha_env.hass)
    return entry


def change(ha_env: HaEnv, entry: MockConfigEntry, **changes: Any) -> None:
    """Change how the Plex integration reaches the server."""
    server = {**entry.data["server_config"], **changes}
    ha_env.hass.config_entries.async_update_entry(
        entry, data={**entry.data, "server_config": server}
    )


async def choose(ha_env: HaEnv) -> ConfigFlowResult:
    """Go as far as the form that asks which server."""
    menu = await open_menu(ha_env.hass)
    assert menu["menu_options"] == ["plex_sign_in", "plex_existing", "plex_manual"]
    shown = await submit(ha_env.hass, menu, next_step_id="plex_existing")
    assert_form(shown, "plex_existing")
    return shown


async def ways(ha_env: HaEnv) -> Any:
    """Return the ways to a server that are offered."""
    return (await open_menu(ha_env.hass))["menu_options"]


async def test_known_server_is_set_up_without_typing_and_its_entry_stays_as_it_is(
    ha_env: HaEnv,
) -> None:
    existing = know(ha_env)
    before = dict(existing.data)
    shown = await choose(ha_env)
    machine_id = ha_env.plex.state.machine_identifier
    assert fields_of(shown) == ["server"]
    assert choices_of(shown, "server") == {machine_id: ha_env.plex.state.name}
    assert default_of(shown, "server") == machine_id

    shown = await submit(ha_env.hass, shown, server=machine_id)
    assert_form(shown, "pulsarr")
    shown = await submit(ha_env.hass, shown, **pulsarr_input(ha_env))
    created = await finish(ha_env.hass, shown)
    await ha_env.settle()

    assert created["type"] is FlowResultType.CREATE_ENTRY
    entry = created["result"]
    assert entry.unique_id == machine_id
    assert entry.title == ha_env.plex.state.name
    assert entry.data["plex_url"] == ha_env.plex.url
    assert entry.data["plex_token"] == PLEX_TOKEN
    assert entry.data["plex_verify_ssl"] is True
    assert existing.data == before


async def test_without_a_known_server_it_is_not_offered(ha_env: HaEnv) -> None:
    assert await ways(ha_env) == ["plex_sign_in", "plex_manual"]


async def test_server_that_is_set_up_here_is_not_offered(ha_env: HaEnv) -> None:
    know(ha_env)
    ha_env.add_entry()

    assert await ways(ha_env) == ["plex_sign_in", "plex_manual"]


@pytest.mark.parametrize("missing", [{"url": None}, {"token": ""}])
async def test_server_without_address_or_token_is_not_offered(
    ha_env: HaEnv, missing: dict[str, Any]
) -> None:
    know(ha_env, **missing)

    assert await ways(ha_env) == ["plex_sign_in", "plex_manual"]


async def test_entries_that_name_no_server_are_not_offered(ha_env: HaEnv) -> None:
    server = {"url": ha_env.plex.url, "token": PLEX_TOKEN}
    for entry in (
        MockConfigEntry(domain="plex", unique_id="no-data"),
        MockConfigEntry(domain="plex", unique_id=None, data={"server_config": server}),
        MockConfigEntry(
            domain="plex",
            unique_id="ignored",
            source=SOURCE_IGNORE,
            data={"server_config": server},
        ),
    ):
        entry.add_to_hass(ha_env.hass)

    assert await ways(ha_env) == ["plex_sign_in", "plex_manual"]


async def test_server_that_is_set_up_in_another_window_meanwhile_is_not_set_up_again(
    ha_env: HaEnv,
) -> None:
    know(ha_env)
    shown = await choose(ha_env)
    ha_env.add_entry()

    shown = await submit(ha_env.hass, shown, server=ha_env.plex.state.machine_identifier)

    assert_aborted(shown, "already_configured")


async def test_server_that_is_not_offered_is_refused(ha_env: HaEnv) -> None:
    know(ha_env)
    shown = await choose(ha_env)

    with pytest.raises(InvalidData) as raised:
        await submit(ha_env.hass, shown, server="another")

    assert set(raised.value.schema_errors) == {"server"}


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ({"url": CLOSED}, "cannot_connect"),
        ({"url": "ftp://plex"}, "invalid_url"),
        ({"token": OTHER_TOKEN}, "invalid_auth"),
    ],
)
async def test_login_that_does_not_work_is_reported_and_read_again_with_the_next_try(
    ha_env: HaEnv, known_secrets: set[str], failure: dict[str, Any], error: str
) -> None:
    known_secrets.add(OTHER_TOKEN)
    existing = know(ha_env, **failure)
    shown = await choose(ha_env)
    machine_id = ha_env.plex.state.machine_identifier

    shown = await submit(ha_env.hass, shown, server=machine_id)
    assert_form(shown, "plex_existing", base=error)

    change(ha_env, existing, url=ha_env.plex.url, token=PLEX_TOKEN)
    assert_form(await submit(ha_env.hass, shown, server=machine_id), "pulsarr")


async def test_server_whose_entry_loses_its_address_meanwhile_is_used_as_it_was_shown(
    ha_env: HaEnv,
) -> None:
    existing = know(ha_env)
    shown = await choose(ha_env)
    change(ha_env, existing, url=None)

    shown = await submit(ha_env.hass, shown, server=ha_env.plex.state.machine_identifier)

    assert_form(shown, "pulsarr")


async def test_another_server_at_the_known_address_is_not_taken_for_the_chosen_one(
    ha_env: HaEnv,
) -> None:
    existing = know(ha_env)
    other_world = make_world(2, movies=5, shows=2, wanted_in_plex=2, wanted_missing=1)
    other_world.plex.machine_identifier = "another-server"
    async with PlexSimulator(other_world.plex, token=PLEX_TOKEN) as other:
        change(ha_env, existing, url=other.url)
        shown = await choose(ha_env)
        machine_id = ha_env.plex.state.machine_identifier

        shown = await submit(ha_env.hass, shown, server=machine_id)
        assert_form(shown, "plex_existing", base="other_server")

        change(ha_env, existing, url=ha_env.plex.url)
        assert_form(await submit(ha_env.hass, shown, server=machine_id), "pulsarr")


async def test_server_without_movies_and_shows_is_reported_and_may_get_some(
    ha_env: HaEnv,
) -> None:
    know(ha_env)
    shown = await choose(ha_env)
    machine_id = ha_env.plex.state.machine_identifier
    state = ha_env.plex.state
    libraries = dict(state.libraries)
    state.libraries.clear()
    state.add_library(Library("9", "artist", "Music", "agent", "scanner", "uuid", "/music"))

    shown = await submit(ha_env.hass, shown, server=machine_id)
    assert_form(shown, "plex_existing", base="no_libraries")

    state.libraries.update(libraries)
    assert_form(await submit(ha_env.hass, shown, server=machine_id), "pulsarr")


# Entering what is wrong


async def enter(ha_env: HaEnv, shown: ConfigFlowResult) -> ConfigFlowResult:
    """Choose to enter URL and token, which is offered beside the servers."""
    assert list(choices_of(shown, "server"))[-1] == "plex_manual"
    assert selector_of(shown, "server").config["translation_key"] == "server"
    return await submit(ha_env.hass, shown, server="plex_manual")


async def test_url_that_does_not_work_can_be_changed_and_the_token_is_kept(
    ha_env: HaEnv,
) -> None:
    existing = know(ha_env, url=CLOSED, verify_ssl=False)
    before = dict(existing.data)
    machine_id = ha_env.plex.state.machine_identifier
    shown = await choose(ha_env)
    assert list(choices_of(shown, "server")) == [machine_id]
    shown = await submit(ha_env.hass, shown, server=machine_id)

    shown = await enter(ha_env, shown)
    assert_form(shown, "plex_manual")
    assert suggested(shown) == {"url": CLOSED, "verify_ssl": False}
    assert PLEX_TOKEN not in str(shown)
    shown = await submit(ha_env.hass, shown, url=ha_env.plex.url, verify_ssl=True)
    assert_form(shown, "pulsarr")
    shown = await submit(ha_env.hass, shown, **pulsarr_input(ha_env))
    created = await finish(ha_env.hass, shown)
    await ha_env.settle()

    assert created["data"]["plex_url"] == ha_env.plex.url
    assert created["data"]["plex_token"] == PLEX_TOKEN
    assert created["data"]["plex_verify_ssl"] is True
    assert existing.data == before


async def test_token_that_was_refused_has_to_be_entered(
    ha_env: HaEnv, known_secrets: set[str]
) -> None:
    known_secrets.add(OTHER_TOKEN)
    know(ha_env, token=OTHER_TOKEN)
    shown = await choose(ha_env)
    shown = await submit(ha_env.hass, shown, server=ha_env.plex.state.machine_identifier)
    assert_form(shown, "plex_existing", base="invalid_auth")

    shown = await enter(ha_env, shown)
    assert suggested(shown) == {"url": ha_env.plex.url, "verify_ssl": True}
    with pytest.raises(InvalidData):
        await submit(ha_env.hass, shown, url=ha_env.plex.url)
    assert_form(await submit(ha_env.hass, shown, **plex_input(ha_env)), "pulsarr")


async def test_kept_token_is_for_the_chosen_server_and_another_needs_its_own(
    ha_env: HaEnv, known_secrets: set[str]
) -> None:
    known_secrets.add(OTHER_TOKEN)
    know(ha_env, url=CLOSED)
    shown = await choose(ha_env)
    shown = await submit(ha_env.hass, shown, server=ha_env.plex.state.machine_identifier)
    shown = await enter(ha_env, shown)
    other_world = make_world(2, movies=5, shows=2, wanted_in_plex=2, wanted_missing=1)
    other_world.plex.machine_identifier = "another-server"
    async with PlexSimulator(other_world.plex, token=PLEX_TOKEN) as other:
        shown = await submit(ha_env.hass, shown, url=other.url)
        assert_form(shown, "plex_manual", base="other_server")
        assert suggested(shown)["url"] == other.url

        other.token = OTHER_TOKEN
        shown = await submit(ha_env.hass, shown, url=other.url, token=OTHER_TOKEN)
        assert_form(shown, "pulsarr")


async def test_url_that_cannot_be_used_is_not_shown(ha_env: HaEnv) -> None:
    know(ha_env, url="http://rosa:password@127.0.0.1")
    shown = await choose(ha_env)
    shown = await submit(ha_env.hass, shown, server=ha_env.plex.state.machine_identifier)
    assert_form(shown, "plex_existing", base="url_with_credentials")

    shown = await enter(ha_env, shown)

    assert suggested(shown) == {"url": "", "verify_ssl": True}
    assert_form(await submit(ha_env.hass, shown, url=ha_env.plex.url), "pulsarr")
