"""Setting up, unloading and removing the integration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.plex_label_sync.const import CONF_PLEX_TOKEN, CONF_PULSARR_API_KEY, DOMAIN
from simulators.plex import Fault

if TYPE_CHECKING:
    from .household import Household


def assert_everything_is_labelled(household: Household) -> None:
    """Check that each item of each watchlist carries its person's label, and nobody else's does."""
    for person in household.pulsarr.state.users():
        carriers = {item.rating_key for item in household.plex.state.carriers(person.name)}
        wanted = {
            item.rating_key
            for title in household.world.catalogue
            if title.key in household.wanted_by(person.name)
            for item in household.plex.state.items_of(title)
        }
        assert carriers == (wanted if person.can_sync else set()), person.name


async def test_first_full_sync_labels_everything_that_people_want(household: Household) -> None:
    await household.set_up()

    assert household.entry.state is ConfigEntryState.LOADED
    assert_everything_is_labelled(household)
    assert household.state("status") == "idle"
    assert household.state("last_sync") != "unknown"


async def test_foreign_labels_stay(household: Household) -> None:
    before = {key: set(item.labels) for key, item in household.plex.state.items.items()}
    await household.set_up()

    assert any(before.values())
    for key, labels in before.items():
        assert labels <= set(household.plex.state.labels_of(key))


async def test_webhook_is_registered_with_its_secret_and_removed_with_the_entry(
    household: Household,
) -> None:
    household.pulsarr.state.add_endpoint(
        name="somebody else's", url="http://127.0.0.1:9/hook", event_types=("media.available",)
    )
    await household.set_up()

    _, ours = household.pulsarr.endpoints
    assert ours.enabled
    assert set(ours.event_types) >= {"media.available", "watchlist.added", "watchlist.removed"}

    await household.hass.config_entries.async_remove(household.entry.entry_id)
    await household.settle()
    assert [one.name for one in household.pulsarr.endpoints] == ["somebody else's"]


async def test_removing_the_entry_removes_its_files_and_leaves_the_labels(
    household: Household, hass_storage: dict[str, Any]
) -> None:
    await household.set_up()
    files = [key for key in hass_storage if key.startswith(f"{DOMAIN}.")]
    assert sorted(key.rpartition(".")[2] for key in files) == ["journal", "ledger", "queue"]

    await household.hass.config_entries.async_remove(household.entry.entry_id)
    await household.settle()

    # What was written is kept for a new set-up of the same server; see test_former.py.
    assert [key for key in hass_storage if key.startswith(f"{DOMAIN}.")] == [f"{DOMAIN}.former"]
    assert_everything_is_labelled(household)


async def test_entry_can_be_removed_while_pulsarr_is_away(
    household: Household, caplog: pytest.LogCaptureFixture
) -> None:
    await household.set_up()
    await household.pulsarr.stop()

    await household.hass.config_entries.async_remove(household.entry.entry_id)
    await household.settle()

    assert "could not be removed" in caplog.text


async def test_unloading_leaves_nothing_running_and_the_webhook_registered(
    household: Household,
) -> None:
    await household.set_up()

    assert await household.hass.config_entries.async_unload(household.entry.entry_id)
    await household.settle()

    assert household.entry.state is ConfigEntryState.NOT_LOADED
    assert len(household.pulsarr.endpoints) == 1


@pytest.mark.parametrize("server", ["plex", "pulsarr"])
async def test_setup_is_tried_again_while_a_server_is_away(
    household: Household, server: str
) -> None:
    household.add_entry()
    await getattr(household, server).stop()

    assert not await household.hass.config_entries.async_setup(household.entry.entry_id)

    assert household.entry.state is ConfigEntryState.SETUP_RETRY
    await getattr(household, server).start()  # the fixture stops it


@pytest.mark.parametrize("credential", [CONF_PLEX_TOKEN, CONF_PULSARR_API_KEY])
async def test_refused_credential_asks_for_a_new_one(household: Household, credential: str) -> None:
    entry = household.add_entry()
    household.hass.config_entries.async_update_entry(
        entry, data={**entry.data, credential: "revoked-credential-of-the-tests"}
    )

    assert not await household.hass.config_entries.async_setup(entry.entry_id)
    await household.settle()

    assert entry.state is ConfigEntryState.SETUP_ERROR
    flows = household.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert [flow["context"]["source"] for flow in flows] == [SOURCE_REAUTH]


async def test_credential_refused_during_a_run_asks_for_a_new_one(household: Household) -> None:
    await household.set_up()
    household.plex.faults.add(Fault(kind="unauthorized", route="/library/sections"))

    with pytest.raises(HomeAssistantError) as raised:
        await household.call("sync_all")
    await household.settle()

    assert raised.value.translation_key == "plex_invalid_auth"
    flows = household.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert [flow["context"]["source"] for flow in flows] == [SOURCE_REAUTH]


async def test_another_server_under_the_address_is_not_used(household: Household) -> None:
    household.plex.state.machine_identifier = "f" * 40
    entry = household.add_entry()
    household.hass.config_entries.async_update_entry(entry, unique_id="0" * 40)

    assert not await household.hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert household.plex.stats.puts == 0


async def test_pulsarr_without_webhooks_is_synced_all_the_same(household: Household) -> None:
    household.pulsarr.knobs = type(household.pulsarr.knobs)(webhooks=False)
    await household.set_up()

    assert_everything_is_labelled(household)
    assert household.pulsarr.endpoints == []


async def test_changed_options_take_effect_without_a_restart(household: Household) -> None:
    await household.set_up()
    household.hass.config_entries.async_update_entry(
        household.entry,
        options={**household.entry.options, "label_format": "for {username}"},
    )
    await household.settle()

    assert household.plex.state.carriers("for rosa")
