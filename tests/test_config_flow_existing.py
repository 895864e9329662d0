"""Taking over a server of Home Assistant's own Plex integration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import SOURCE_IGNORE
from homeassistant.data_entry_flow import FlowResultType, InvalidData
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulators.plex import Library, PlexSimulator
from simulators.world import make_world

from .flow_kit import (
    CLOSED,
    assert_aborted,
    assert_form,
    choices_of,
    default_of,
    fields_of,
    open_menu,
    pulsarr_input,
    submit,
)
from .household import PLEX_TOKEN

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigFlowResult

    from .household import Household

OTHER_TOKEN: Final = "plex-token-of-somebody-else"


def know(household: Household, **changes: Any) -> MockConfigEntry:
    """Let Home Assistant's Plex integration have an entry for the household's server."""
    server = {"url": household.plex.url, "token": PLEX_TOKEN, "verify_ssl": True}
    machine_id = household.plex.state.machine_identifier
    name = household.plex.state.name
    entry = MockConfigEntry(
        domain="plex",
        title=name,
        unique_id=machine_id,
        data={"server": name, "server_id": machine_id, "server_config": server | changes},
    )
    entry.add_to_hass(household.hass)
    return entry


def change(household: Household, entry: MockConfigEntry, **changes: Any) -> None:
    """Change how the Plex integration reaches the server."""
    server = {**entry.data["server_config"], **changes}
    household.hass.config_entries.async_update_entry(
        entry, data={**entry.data, "server_config": server}
    )


async def choose(household: Household) -> ConfigFlowResult:
    """Go as far as the form that asks which server."""
    menu = await open_menu(household.hass)
    assert menu["menu_options"] == ["plex_sign_in", "plex_existing", "plex_manual"]
    shown = await submit(household.hass, menu, next_step_id="plex_existing")
    assert_form(shown, "plex_existing")
    return shown


async def ways(household: Household) -> Any:
    """Return the ways to a server that are offered."""
    return (await open_menu(household.hass))["menu_options"]


async def test_known_server_is_set_up_without_typing_and_its_entry_stays_as_it_is(
    household: Household,
) -> None:
    theirs = know(household)
    before = dict(theirs.data)
    shown = await choose(household)
    machine_id = household.plex.state.machine_identifier
    assert fields_of(shown) == ["server"]
    assert choices_of(shown, "server") == {machine_id: household.plex.state.name}
    assert default_of(shown, "server") == machine_id

    shown = await submit(household.hass, shown, server=machine_id)
    assert_form(shown, "pulsarr")
    shown = await submit(household.hass, shown, **pulsarr_input(household))
    created = await submit(household.hass, shown)
    await household.settle()

    assert created["type"] is FlowResultType.CREATE_ENTRY
    entry = created["result"]
    assert entry.unique_id == machine_id
    assert entry.title == household.plex.state.name
    assert entry.data["plex_url"] == household.plex.url
    assert entry.data["plex_token"] == PLEX_TOKEN
    assert entry.data["plex_verify_ssl"] is True
    assert theirs.data == before


async def test_without_a_known_server_it_is_not_offered(household: Household) -> None:
    assert await ways(household) == ["plex_sign_in", "plex_manual"]


async def test_server_that_is_set_up_here_is_not_offered(household: Household) -> None:
    know(household)
    household.add_entry()

    assert await ways(household) == ["plex_sign_in", "plex_manual"]


@pytest.mark.parametrize("missing", [{"url": None}, {"token": ""}])
async def test_server_without_address_or_token_is_not_offered(
    household: Household, missing: dict[str, Any]
) -> None:
    know(household, **missing)

    assert await ways(household) == ["plex_sign_in", "plex_manual"]


async def test_entries_that_name_no_server_are_not_offered(household: Household) -> None:
    server = {"url": household.plex.url, "token": PLEX_TOKEN}
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
        entry.add_to_hass(household.hass)

    assert await ways(household) == ["plex_sign_in", "plex_manual"]


async def test_server_that_is_set_up_in_another_window_meanwhile_is_not_set_up_again(
    household: Household,
) -> None:
    know(household)
    shown = await choose(household)
    household.add_entry()

    shown = await submit(household.hass, shown, server=household.plex.state.machine_identifier)

    assert_aborted(shown, "already_configured")


async def test_server_that_is_not_offered_is_refused(household: Household) -> None:
    know(household)
    shown = await choose(household)

    with pytest.raises(InvalidData) as raised:
        await submit(household.hass, shown, server="another")

    assert set(raised.value.schema_errors) == {"server"}


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        ({"url": CLOSED}, "cannot_connect"),
        ({"url": "ftp://plex"}, "invalid_url"),
        ({"token": OTHER_TOKEN}, "invalid_auth"),
    ],
)
async def test_login_that_does_not_work_is_told_and_read_again_with_the_next_try(
    household: Household, known_secrets: set[str], trouble: dict[str, Any], error: str
) -> None:
    known_secrets.add(OTHER_TOKEN)
    theirs = know(household, **trouble)
    shown = await choose(household)
    machine_id = household.plex.state.machine_identifier

    shown = await submit(household.hass, shown, server=machine_id)
    assert_form(shown, "plex_existing", base=error)

    change(household, theirs, url=household.plex.url, token=PLEX_TOKEN)
    assert_form(await submit(household.hass, shown, server=machine_id), "pulsarr")


async def test_server_whose_entry_loses_its_address_meanwhile_is_used_as_it_was_shown(
    household: Household,
) -> None:
    theirs = know(household)
    shown = await choose(household)
    change(household, theirs, url=None)

    shown = await submit(household.hass, shown, server=household.plex.state.machine_identifier)

    assert_form(shown, "pulsarr")


async def test_another_server_at_the_known_address_is_not_taken_for_the_chosen_one(
    household: Household,
) -> None:
    theirs = know(household)
    other_world = make_world(2, movies=5, shows=2, wishes=2, wishes_missing=1)
    other_world.plex.machine_identifier = "another-server"
    async with PlexSimulator(other_world.plex, token=PLEX_TOKEN) as other:
        change(household, theirs, url=other.url)
        shown = await choose(household)
        machine_id = household.plex.state.machine_identifier

        shown = await submit(household.hass, shown, server=machine_id)
        assert_form(shown, "plex_existing", base="other_server")

        change(household, theirs, url=household.plex.url)
        assert_form(await submit(household.hass, shown, server=machine_id), "pulsarr")


async def test_server_without_movies_and_shows_is_told_and_may_get_some(
    household: Household,
) -> None:
    know(household)
    shown = await choose(household)
    machine_id = household.plex.state.machine_identifier
    state = household.plex.state
    libraries = dict(state.libraries)
    state.libraries.clear()
    state.add_library(Library("9", "artist", "Music", "agent", "scanner", "uuid", "/music"))

    shown = await submit(household.hass, shown, server=machine_id)
    assert_form(shown, "plex_existing", base="no_libraries")

    state.libraries.update(libraries)
    assert_form(await submit(household.hass, shown, server=machine_id), "pulsarr")
