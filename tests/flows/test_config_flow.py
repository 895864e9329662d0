"""Setting up in the user interface, from the menu to the entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.data_entry_flow import FlowResultType, InvalidData
import pytest

from custom_components.plex_label_sync.const import (
    CONF_CLIENT_ID,
    CONF_CONFIRMED,
    CONF_WEBHOOK_SECRET,
    DOMAIN,
)
from custom_components.plex_label_sync.plex import server as plex_server

from ..flow_fixtures import (
    assert_aborted,
    assert_form,
    choices_of,
    default_of,
    fields_of,
    finish,
    plex_input,
    selector_of,
    start,
    submit,
    to_libraries,
)
from ..ha_env import PLEX_TOKEN, PULSARR_KEY

if TYPE_CHECKING:
    from ..ha_env import HaEnv


# From the beginning to the end


async def test_setting_up_makes_an_entry_that_runs(ha_env: HaEnv) -> None:
    hass = ha_env.hass
    shown = await start(hass)
    assert_form(shown, "plex_manual")
    assert fields_of(shown) == ["url", "token", "verify_ssl"]
    assert default_of(shown, "verify_ssl") is True
    shown = await submit(hass, shown, url=f"{ha_env.plex.url}/", token=f" {PLEX_TOKEN}\n")
    assert_form(shown, "pulsarr")
    assert fields_of(shown) == ["url", "api_key", "verify_ssl"]
    assert default_of(shown, "verify_ssl") is True
    shown = await submit(hass, shown, url=f"{ha_env.pulsarr.url}/v1/", api_key=PULSARR_KEY)
    assert_form(shown, "libraries")
    assert fields_of(shown) == ["libraries", "label_format"]
    assert choices_of(shown, "libraries") == {"1": "Movies", "2": "TV Shows", "3": "Movies 4K"}
    assert default_of(shown, "libraries") == ["1", "2", "3"]
    assert default_of(shown, "label_format") == "{username}"
    created = await finish(hass, shown)
    await ha_env.settle()

    assert created["type"] is FlowResultType.CREATE_ENTRY
    entry = created["result"]
    assert entry.state is ConfigEntryState.LOADED
    assert entry.title == ha_env.plex.state.name
    assert entry.unique_id == ha_env.plex.state.machine_identifier
    assert (entry.version, entry.minor_version) == (1, 2)
    assert entry.options == {"label_format": "{username}"}, "all libraries, also later ones"
    data = dict(entry.data)
    assert len(data.pop(CONF_WEBHOOK_ID)) == 64
    assert len(data.pop(CONF_WEBHOOK_SECRET)) >= 43
    assert len(data.pop(CONF_CLIENT_ID)) == 32
    assert set(data.pop(CONF_CONFIRMED)) == {"people", "meant", "left"}
    assert data.pop("libraries_seen") == ["1", "2", "3"]
    assert data == {
        "plex_url": ha_env.plex.url,
        "plex_token": PLEX_TOKEN,
        "plex_verify_ssl": True,
        "pulsarr_url": ha_env.pulsarr.url,
        "pulsarr_api_key": PULSARR_KEY,
        "pulsarr_verify_ssl": True,
    }


async def test_plex_knows_the_installation_by_one_name_from_the_first_request_on(
    ha_env: HaEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: set[str] = set()
    original = plex_server.PlexClient.__init__

    def noting(self: Any, *args: Any, client_id: str, **more: Any) -> None:
        names.add(client_id)
        original(self, *args, client_id=client_id, **more)

    monkeypatch.setattr(plex_server.PlexClient, "__init__", noting)
    created = await finish(ha_env.hass, await to_libraries(ha_env))
    await ha_env.settle()

    assert names == {created["result"].data[CONF_CLIENT_ID]}


async def test_secrets_differ_from_entry_to_entry_and_credentials_are_not_shown(
    ha_env: HaEnv,
) -> None:
    shown = await start(ha_env.hass)
    assert selector_of(shown, "token").config["type"] == "password"
    shown = await submit(ha_env.hass, shown, **plex_input(ha_env))
    assert selector_of(shown, "api_key").config["type"] == "password"

    made = []
    for _ in range(2):
        created = await finish(ha_env.hass, await to_libraries(ha_env))
        made.append(dict(created["result"].data))
        await ha_env.settle()
        await ha_env.hass.config_entries.async_remove(created["result"].entry_id)
        await ha_env.settle()
    for key in (CONF_WEBHOOK_ID, CONF_WEBHOOK_SECRET, CONF_CLIENT_ID):
        assert made[0][key] != made[1][key]


async def test_server_that_is_set_up_already_is_not_set_up_again(ha_env: HaEnv) -> None:
    ha_env.add_entry()

    shown = await submit(ha_env.hass, await start(ha_env.hass), **plex_input(ha_env))

    assert_aborted(shown, "already_configured")


async def test_flow_that_was_left_open_does_not_stand_in_the_way(ha_env: HaEnv) -> None:
    await to_libraries(ha_env)
    created = await finish(ha_env.hass, await to_libraries(ha_env))
    await ha_env.settle()

    assert created["type"] is FlowResultType.CREATE_ENTRY
    assert ha_env.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []


# Libraries and labels


async def test_only_the_chosen_libraries_are_kept_and_the_format_is_trimmed(
    ha_env: HaEnv,
) -> None:
    created = await finish(
        ha_env.hass,
        await to_libraries(ha_env),
        libraries=["3", "1"],
        label_format="  {alias} wants it ",
    )
    await ha_env.settle()

    assert created["options"] == {"libraries": ["3", "1"], "label_format": "{alias} wants it"}


@pytest.mark.parametrize(
    "label_format",
    ["", "everybody", "{type}", "{nickname}", "{username", "{username!r}", "{username}, {alias}"],
)
async def test_label_format_that_cannot_name_people_is_reported_beside_it(
    ha_env: HaEnv, label_format: str
) -> None:
    shown = await submit(
        ha_env.hass, await to_libraries(ha_env), libraries=["1"], label_format=label_format
    )

    assert_form(shown, "libraries", label_format="invalid_label_format")
    assert default_of(shown, "libraries") == ["1"]
    assert default_of(shown, "label_format") == label_format
    created = await finish(ha_env.hass, shown, libraries=["1"], label_format="{display_name}")
    assert created["options"] == {"libraries": ["1"], "label_format": "{display_name}"}
    await ha_env.settle()


async def test_no_library_is_not_enough_and_all_mistakes_are_reported_together(
    ha_env: HaEnv,
) -> None:
    ha_env.pulsarr.knobs.webhooks = False
    shown = await submit(
        ha_env.hass, await to_libraries(ha_env), libraries=[], label_format="{type}"
    )

    assert_form(shown, "libraries", libraries="no_libraries", label_format="invalid_label_format")
    created = await finish(ha_env.hass, shown, libraries=["2"], label_format="{username}")
    assert created["type"] is FlowResultType.CREATE_ENTRY
    await ha_env.settle()


async def test_library_that_is_not_offered_is_refused(ha_env: HaEnv) -> None:
    shown = await to_libraries(ha_env)

    with pytest.raises(InvalidData) as raised:
        await submit(ha_env.hass, shown, libraries=["77"])

    assert set(raised.value.schema_errors) == {"libraries"}


async def test_old_pulsarr_is_reported_once_and_works(ha_env: HaEnv) -> None:
    ha_env.pulsarr.knobs.webhooks = False

    shown = await to_libraries(ha_env)
    assert_form(shown, "libraries", base="pulsarr_too_old")
    created = await finish(ha_env.hass, shown)
    await ha_env.settle()

    assert created["type"] is FlowResultType.CREATE_ENTRY
    assert created["result"].state is ConfigEntryState.LOADED
