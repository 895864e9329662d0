"""Repairs about Plex itself: libraries that are gone, and a token that cannot edit any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.plex_label_sync.const import DOMAIN
from simulators.plex.users import SharedUser

from .ha_env import PLEX_TOKEN
from .repair_flows import answer_repair
from .test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .ha_env import HaEnv

GONE = "library_gone"


def issue(ha_env: HaEnv) -> ir.IssueEntry | None:
    """Return what is told about the libraries."""
    registry = ir.async_get(ha_env.hass)
    return registry.async_get_issue(DOMAIN, f"{GONE}_{ha_env.entry.entry_id}")


async def fix(ha_env: HaEnv, hass_client: ClientSessionGenerator) -> dict[str, Any]:
    """Open the repair and submit its form, as the web interface does."""
    shown, result = await answer_repair(ha_env, hass_client, GONE)
    assert shown["step_id"] == "confirm"
    return result


def take_away(ha_env: HaEnv, *keys: str) -> dict[str, Any]:
    """Let libraries vanish from Plex; return them."""
    return {key: ha_env.plex.state.libraries.pop(key) for key in keys}


async def test_library_that_is_gone_is_reported_by_its_name_until_it_is_back(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up()
    assert issue(ha_env) is None
    taken = take_away(ha_env, "2")

    await ha_env.call("sync_all")

    repair = issue(ha_env)
    assert repair is not None
    assert (repair.translation_key, repair.is_fixable) == (GONE, True)
    assert repair.translation_placeholders == {
        "name": ha_env.plex.state.name,
        "libraries": taken["2"].title,
    }

    ha_env.plex.state.libraries |= taken
    await ha_env.call("sync_all")
    assert issue(ha_env) is None


async def test_library_that_is_gone_for_good_is_removed_from_the_choice(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    await ha_env.set_up()
    take_away(ha_env, "2")
    await ha_env.call("sync_all")

    result = await fix(ha_env, hass_client)

    assert result["type"] == "create_entry"
    assert ha_env.entry.options["libraries"] == ["1", "3"]
    assert issue(ha_env) is None
    await ha_env.call("sync_all")
    assert issue(ha_env) is None
    assert ha_env.state("status") == "idle"


async def test_all_libraries_gone_is_nothing_that_a_form_could_mend(ha_env: HaEnv) -> None:
    await ha_env.set_up(libraries=["1", "3"])
    take_away(ha_env, "1", "3")

    with pytest.raises(HomeAssistantError):
        await ha_env.call("sync_all")

    repair = issue(ha_env)
    assert repair is not None
    assert (repair.translation_key, repair.is_fixable) == ("libraries_gone", False)


async def test_server_that_lists_no_library_is_starting_and_nothing_is_reported(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up()
    take_away(ha_env, *ha_env.plex.state.libraries)

    with pytest.raises(HomeAssistantError):
        await ha_env.call("sync_all")

    assert issue(ha_env) is None


NEW = "library_new"


def make_library(ha_env: HaEnv, key: str = "9", title: str = "Documentaries") -> None:
    """Somebody makes a library in Plex and moves a wanted film into it."""
    libraries = ha_env.plex.state.libraries
    libraries[key] = replace(libraries["1"], key=key, title=title, uuid=f"uuid-{key}")
    entries = ha_env.pulsarr.state.watchlist(ha_env.person("rosa"))
    entry = next(one for one in entries if one.kind == "movie" and one.guids)
    wanted = {one.key: one for one in ha_env.world.catalog}[entry.catalog_key]
    ha_env.plex.state.add_item(wanted, key)


def asked(ha_env: HaEnv) -> ir.IssueEntry | None:
    """Return what is asked about new libraries."""
    registry = ir.async_get(ha_env.hass)
    return registry.async_get_issue(DOMAIN, f"{NEW}_{ha_env.entry.entry_id}")


async def decide(ha_env: HaEnv, hass_client: ClientSessionGenerator, choice: str) -> dict[str, Any]:
    """Open the repair and choose, as the web interface does."""
    shown, result = await answer_repair(ha_env, hass_client, NEW, choice)
    assert shown["menu_options"] == ["sync", "leave"]
    assert shown["description_placeholders"]["libraries"] == "Documentaries"
    return result


async def test_library_made_later_is_covered_where_all_are_synced(ha_env: HaEnv) -> None:
    await ha_env.set_up(libraries=None)
    make_library(ha_env)

    await ha_env.call("sync_all")

    items = [one for one in ha_env.plex.state.items.values() if one.section == "9"]
    assert [{label.casefold() for label in one.labels} >= {"rosa"} for one in items] == [True]
    assert asked(ha_env) is None


async def test_library_made_again_is_covered_where_all_are_synced(ha_env: HaEnv) -> None:
    await ha_env.set_up(libraries=None)
    taken = take_away(ha_env, "1")
    ha_env.plex.state.libraries |= taken
    make_library(ha_env, "10")
    take_away(ha_env, "3")

    await ha_env.call("sync_all")

    items = [one for one in ha_env.plex.state.items.values() if one.section == "10"]
    assert all("rosa" in {label.casefold() for label in one.labels} for one in items)
    assert issue(ha_env) is None


@pytest.mark.parametrize("choice", ["sync", "leave"])
async def test_new_library_is_asked_about_once_where_only_some_are_synced(
    ha_env: HaEnv, hass_client: ClientSessionGenerator, choice: str
) -> None:
    await ha_env.set_up(libraries=["1", "2"])
    assert asked(ha_env) is None, "the third one was there when these were chosen"
    make_library(ha_env)
    await ha_env.call("sync_all")
    repair = asked(ha_env)
    assert repair is not None
    assert repair.translation_placeholders == {
        "name": ha_env.plex.state.name,
        "libraries": "Documentaries",
    }
    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()
    assert asked(ha_env) is not None, "nobody has answered yet"

    result = await decide(ha_env, hass_client, choice)

    assert result["type"] == "create_entry"
    assert ha_env.entry.options["libraries"] == ["1", "2"] + ["9"] * (choice == "sync")
    await ha_env.call("sync_all")
    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()
    assert asked(ha_env) is None
    items = [one for one in ha_env.plex.state.items.values() if one.section == "9"]
    assert [bool(one.labels) for one in items] == [choice == "sync"]


async def test_new_library_that_goes_again_is_not_asked_about_any_more(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(libraries=["1", "2"])
    make_library(ha_env)
    await ha_env.call("sync_all")
    assert asked(ha_env) is not None
    take_away(ha_env, "9")
    await ha_env.call("sync_all")
    assert asked(ha_env) is None

    make_library(ha_env, "11")
    await ha_env.call("sync_all")
    assert asked(ha_env) is not None
    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)
    assert asked(ha_env) is None


async def test_repair_goes_with_the_entry(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    take_away(ha_env, "2")
    await ha_env.call("sync_all")
    assert issue(ha_env) is not None

    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)

    assert issue(ha_env) is None


async def test_repair_of_an_entry_that_was_removed_meanwhile_says_so(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    await ha_env.set_up()
    take_away(ha_env, "2")
    await ha_env.call("sync_all")
    client = await hass_client()
    shown = await client.post(
        "/api/repairs/issues/fix",
        json={"handler": DOMAIN, "issue_id": f"{GONE}_{ha_env.entry.entry_id}"},
    )
    flow = await shown.json()
    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)

    done = await client.post(f"/api/repairs/issues/fix/{flow['flow_id']}", json={})

    assert (await done.json())["reason"] == "not_loaded"


async def test_token_that_is_not_the_owners_any_more_writes_nothing_and_is_asked_for(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(removed_label_mode="remove")
    assert_everything_is_labelled(ha_env)
    ha_env.plex.token = "the-token-of-the-new-owner"
    ha_env.plex.users[PLEX_TOKEN] = SharedUser(
        id=7, name="Former owner", token=PLEX_TOKEN, sections=frozenset({"1", "2", "3"})
    )
    ha_env.plex.stats.reset()

    with pytest.raises(HomeAssistantError) as refused:
        await ha_env.call("sync_all")

    await ha_env.settle()
    assert refused.value.translation_key == "plex_not_owner"
    assert ha_env.plex.stats.puts == 0
    assert ha_env.state("status") == "error"
    (flow,) = ha_env.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == "reauth"
