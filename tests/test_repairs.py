"""Repairs about Plex itself: libraries that are gone, and a token that cannot edit any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.plex_label_sync.const import DOMAIN
from simulators.plex.users import SharedUser

from .household import PLEX_TOKEN
from .test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .household import Household

GONE = "library_gone"


def issue(household: Household) -> ir.IssueEntry | None:
    """Return what is told about the libraries."""
    registry = ir.async_get(household.hass)
    return registry.async_get_issue(DOMAIN, f"{GONE}_{household.entry.entry_id}")


async def fix(household: Household, hass_client: ClientSessionGenerator) -> dict[str, Any]:
    """Open the repair and submit its form, as the web interface does."""
    client = await hass_client()
    issue_id = f"{GONE}_{household.entry.entry_id}"
    shown = await client.post(
        "/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue_id}
    )
    flow = await shown.json()
    assert flow["step_id"] == "confirm"
    done = await client.post(f"/api/repairs/issues/fix/{flow['flow_id']}", json={})
    result: dict[str, Any] = await done.json()
    await household.settle()
    return result


def take_away(household: Household, *keys: str) -> dict[str, Any]:
    """Let libraries vanish from Plex; return them."""
    return {key: household.plex.state.libraries.pop(key) for key in keys}


async def test_library_that_is_gone_is_told_by_its_name_until_it_is_back(
    household: Household,
) -> None:
    await household.set_up()
    assert issue(household) is None
    taken = take_away(household, "2")

    await household.call("sync_all")

    told = issue(household)
    assert told is not None
    assert (told.translation_key, told.is_fixable) == (GONE, True)
    assert told.translation_placeholders == {
        "name": household.plex.state.name,
        "libraries": taken["2"].title,
    }

    household.plex.state.libraries |= taken
    await household.call("sync_all")
    assert issue(household) is None


async def test_library_that_is_gone_for_good_is_taken_off_the_choice(
    household: Household, hass_client: ClientSessionGenerator
) -> None:
    await household.set_up()
    take_away(household, "2")
    await household.call("sync_all")

    result = await fix(household, hass_client)

    assert result["type"] == "create_entry"
    assert household.entry.options["libraries"] == ["1", "3"]
    assert issue(household) is None
    await household.call("sync_all")
    assert issue(household) is None
    assert household.state("status") == "idle"


async def test_all_libraries_gone_is_nothing_that_a_form_could_mend(household: Household) -> None:
    await household.set_up(libraries=["1", "3"])
    take_away(household, "1", "3")

    with pytest.raises(HomeAssistantError):
        await household.call("sync_all")

    told = issue(household)
    assert told is not None
    assert (told.translation_key, told.is_fixable) == ("libraries_gone", False)


async def test_server_that_lists_no_library_is_starting_and_nothing_is_told(
    household: Household,
) -> None:
    await household.set_up()
    take_away(household, *household.plex.state.libraries)

    with pytest.raises(HomeAssistantError):
        await household.call("sync_all")

    assert issue(household) is None


NEW = "library_new"


def make_library(household: Household, key: str = "9", title: str = "Documentaries") -> None:
    """Somebody makes a library in Plex and moves a wanted film into it."""
    libraries = household.plex.state.libraries
    libraries[key] = replace(libraries["1"], key=key, title=title, uuid=f"uuid-{key}")
    wishes = household.pulsarr.state.watchlist(household.person("rosa"))
    wish = next(one for one in wishes if one.kind == "movie" and one.guids)
    wanted = {one.key: one for one in household.world.catalogue}[wish.catalogue_key]
    household.plex.state.add_item(wanted, key)


def asked(household: Household) -> ir.IssueEntry | None:
    """Return what is asked about new libraries."""
    registry = ir.async_get(household.hass)
    return registry.async_get_issue(DOMAIN, f"{NEW}_{household.entry.entry_id}")


async def decide(
    household: Household, hass_client: ClientSessionGenerator, choice: str
) -> dict[str, Any]:
    """Open the repair and choose, as the web interface does."""
    client = await hass_client()
    issue_id = f"{NEW}_{household.entry.entry_id}"
    shown = await client.post(
        "/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue_id}
    )
    flow = await shown.json()
    assert flow["menu_options"] == ["sync", "leave"]
    assert flow["description_placeholders"]["libraries"] == "Documentaries"
    done = await client.post(
        f"/api/repairs/issues/fix/{flow['flow_id']}", json={"next_step_id": choice}
    )
    result: dict[str, Any] = await done.json()
    await household.settle()
    return result


async def test_library_made_later_is_covered_where_all_are_synced(household: Household) -> None:
    await household.set_up(libraries=None)
    make_library(household)

    await household.call("sync_all")

    items = [one for one in household.plex.state.items.values() if one.section == "9"]
    assert [{label.casefold() for label in one.labels} >= {"rosa"} for one in items] == [True]
    assert asked(household) is None


async def test_library_made_anew_is_covered_where_all_are_synced(household: Household) -> None:
    await household.set_up(libraries=None)
    taken = take_away(household, "1")
    household.plex.state.libraries |= taken
    make_library(household, "10")
    take_away(household, "3")

    await household.call("sync_all")

    items = [one for one in household.plex.state.items.values() if one.section == "10"]
    assert all("rosa" in {label.casefold() for label in one.labels} for one in items)
    assert issue(household) is None


@pytest.mark.parametrize("choice", ["sync", "leave"])
async def test_new_library_is_asked_about_once_where_only_some_are_synced(
    household: Household, hass_client: ClientSessionGenerator, choice: str
) -> None:
    await household.set_up(libraries=["1", "2"])
    assert asked(household) is None, "the third one was there when these were chosen"
    make_library(household)
    await household.call("sync_all")
    told = asked(household)
    assert told is not None
    assert told.translation_placeholders == {
        "name": household.plex.state.name,
        "libraries": "Documentaries",
    }
    await household.hass.config_entries.async_reload(household.entry.entry_id)
    await household.settle()
    assert asked(household) is not None, "nobody has answered yet"

    result = await decide(household, hass_client, choice)

    assert result["type"] == "create_entry"
    assert household.entry.options["libraries"] == ["1", "2"] + ["9"] * (choice == "sync")
    await household.call("sync_all")
    await household.hass.config_entries.async_reload(household.entry.entry_id)
    await household.settle()
    assert asked(household) is None
    items = [one for one in household.plex.state.items.values() if one.section == "9"]
    assert [bool(one.labels) for one in items] == [choice == "sync"]


async def test_new_library_that_goes_again_is_not_asked_about_any_more(
    household: Household,
) -> None:
    await household.set_up(libraries=["1", "2"])
    make_library(household)
    await household.call("sync_all")
    assert asked(household) is not None
    take_away(household, "9")
    await household.call("sync_all")
    assert asked(household) is None

    make_library(household, "11")
    await household.call("sync_all")
    assert asked(household) is not None
    await household.hass.config_entries.async_remove(household.entry.entry_id)
    assert asked(household) is None


async def test_repair_goes_with_the_entry(household: Household) -> None:
    await household.set_up()
    take_away(household, "2")
    await household.call("sync_all")
    assert issue(household) is not None

    await household.hass.config_entries.async_remove(household.entry.entry_id)

    assert issue(household) is None


async def test_repair_of_an_entry_that_was_removed_meanwhile_says_so(
    household: Household, hass_client: ClientSessionGenerator
) -> None:
    await household.set_up()
    take_away(household, "2")
    await household.call("sync_all")
    client = await hass_client()
    shown = await client.post(
        "/api/repairs/issues/fix",
        json={"handler": DOMAIN, "issue_id": f"{GONE}_{household.entry.entry_id}"},
    )
    flow = await shown.json()
    await household.hass.config_entries.async_remove(household.entry.entry_id)

    done = await client.post(f"/api/repairs/issues/fix/{flow['flow_id']}", json={})

    assert (await done.json())["reason"] == "not_loaded"


async def test_token_that_is_not_the_owners_any_more_writes_nothing_and_is_asked_for(
    household: Household,
) -> None:
    await household.set_up(removed_label_mode="remove")
    assert_everything_is_labelled(household)
    household.plex.token = "the-token-of-the-new-owner"
    household.plex.users[PLEX_TOKEN] = SharedUser(
        id=7, name="Former owner", token=PLEX_TOKEN, sections=frozenset({"1", "2", "3"})
    )
    household.plex.stats.reset()

    with pytest.raises(HomeAssistantError) as refused:
        await household.call("sync_all")

    await household.settle()
    assert refused.value.translation_key == "plex_not_owner"
    assert household.plex.stats.puts == 0
    assert household.state("status") == "error"
    (flow,) = household.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == "reauth"
