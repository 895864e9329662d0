"""Setting up, unloading and removing the integration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.plex_label_sync.const import CONF_PLEX_TOKEN, CONF_PULSARR_API_KEY, DOMAIN
from simulators.plex import Fault

if TYPE_CHECKING:
    from .ha_env import HaEnv


def assert_everything_is_labelled(ha_env: HaEnv) -> None:
    """Check that each item of each watchlist carries its person's label, and nobody else's does."""
    for person in ha_env.pulsarr.state.users():
        carriers = {item.rating_key for item in ha_env.plex.state.carriers(person.name)}
        wanted = {
            item.rating_key
            for title in ha_env.world.catalog
            if title.key in ha_env.wanted_by(person.name)
            for item in ha_env.plex.state.items_of(title)
        }
        assert carriers == (wanted if person.can_sync else set()), person.name


async def test_first_full_sync_labels_everything_that_people_want(ha_env: HaEnv) -> None:
    await ha_env.set_up()

    assert ha_env.entry.state is ConfigEntryState.LOADED
    assert_everything_is_labelled(ha_env)
    assert ha_env.state("status") == "idle"
    assert ha_env.state("last_sync") != "unknown"


async def test_foreign_labels_stay(ha_env: HaEnv) -> None:
    before = {key: set(item.labels) for key, item in ha_env.plex.state.items.items()}
    await ha_env.set_up()

    assert any(before.values())
    for key, labels in before.items():
        assert labels <= set(ha_env.plex.state.labels_of(key))


async def test_webhook_is_registered_with_its_secret_and_removed_with_the_entry(
    ha_env: HaEnv,
) -> None:
    ha_env.pulsarr.state.add_endpoint(
        name="somebody else's", url="http://127.0.0.1:9/hook", event_types=("media.available",)
    )
    await ha_env.set_up()

    _, own = ha_env.pulsarr.endpoints
    assert own.enabled
    assert set(own.event_types) >= {"media.available", "watchlist.added", "watchlist.removed"}

    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)
    await ha_env.settle()
    assert [one.name for one in ha_env.pulsarr.endpoints] == ["somebody else's"]


async def test_removing_the_entry_removes_its_files_and_leaves_the_labels(
    ha_env: HaEnv, hass_storage: dict[str, Any]
) -> None:
    await ha_env.set_up()
    files = [key for key in hass_storage if key.startswith(f"{DOMAIN}.")]
    assert sorted(key.rpartition(".")[2] for key in files) == ["journal", "ledger", "queue"]

    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)
    await ha_env.settle()

    # What was written is kept for a new set-up of the same server; see test_former.py.
    assert [key for key in hass_storage if key.startswith(f"{DOMAIN}.")] == [f"{DOMAIN}.former"]
    assert_everything_is_labelled(ha_env)


async def test_entry_can_be_removed_while_pulsarr_is_away(
    ha_env: HaEnv, caplog: pytest.LogCaptureFixture
) -> None:
    await ha_env.set_up()
    await ha_env.pulsarr.stop()

    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)
    await ha_env.settle()

    assert "could not be removed" in caplog.text


async def test_unloading_leaves_nothing_running_and_the_webhook_registered(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up()

    assert await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)
    await ha_env.settle()

    assert ha_env.entry.state is ConfigEntryState.NOT_LOADED
    assert len(ha_env.pulsarr.endpoints) == 1


@pytest.mark.parametrize("server", ["plex", "pulsarr"])
async def test_setup_is_tried_again_while_a_server_is_away(ha_env: HaEnv, server: str) -> None:
    ha_env.add_entry()
    await getattr(ha_env, server).stop()

    assert not await ha_env.hass.config_entries.async_setup(ha_env.entry.entry_id)

    assert ha_env.entry.state is ConfigEntryState.SETUP_RETRY
    await getattr(ha_env, server).start()  # the fixture stops it


@pytest.mark.parametrize("credential", [CONF_PLEX_TOKEN, CONF_PULSARR_API_KEY])
async def test_refused_credential_asks_for_a_new_one(ha_env: HaEnv, credential: str) -> None:
    entry = ha_env.add_entry()
    ha_env.hass.config_entries.async_update_entry(
        entry, data={**entry.data, credential: "revoked-credential-of-the-tests"}
    )

    assert not await ha_env.hass.config_entries.async_setup(entry.entry_id)
    await ha_env.settle()

    assert entry.state is ConfigEntryState.SETUP_ERROR
    flows = ha_env.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert [flow["context"]["source"] for flow in flows] == [SOURCE_REAUTH]


async def test_credential_refused_during_a_run_asks_for_a_new_one(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    ha_env.plex.faults.add(Fault(kind="unauthorized", route="/library/sections"))

    with pytest.raises(HomeAssistantError) as raised:
        await ha_env.call("sync_all")
    await ha_env.settle()

    assert raised.value.translation_key == "plex_invalid_auth"
    flows = ha_env.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert [flow["context"]["source"] for flow in flows] == [SOURCE_REAUTH]


async def test_another_server_under_the_address_is_not_used(ha_env: HaEnv) -> None:
    ha_env.plex.state.machine_identifier = "f" * 40
    entry = ha_env.add_entry()
    ha_env.hass.config_entries.async_update_entry(entry, unique_id="0" * 40)

    assert not await ha_env.hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert ha_env.plex.stats.puts == 0


async def test_pulsarr_without_webhooks_is_synced_all_the_same(ha_env: HaEnv) -> None:
    ha_env.pulsarr.knobs = type(ha_env.pulsarr.knobs)(webhooks=False)
    await ha_env.set_up()

    assert_everything_is_labelled(ha_env)
    assert ha_env.pulsarr.endpoints == []


async def test_changed_options_take_effect_without_a_restart(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    ha_env.hass.config_entries.async_update_entry(
        ha_env.entry,
        options={**ha_env.entry.options, "label_format": "for {username}"},
    )
    await ha_env.settle()

    assert ha_env.plex.state.carriers("for rosa")
