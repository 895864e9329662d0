"""What an undo took back is kept off by the undo, and not by anybody's hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.core import Context

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.diagnostics import async_get_config_entry_diagnostics

if TYPE_CHECKING:
    from pytest_homeassistant_custom_component.common import MockUser

    from simulators.catalog import CatalogTitle

    from .ha_env import HaEnv


async def undone(ha_env: HaEnv) -> CatalogTitle:
    """Let a title be labelled for Rosa, and the run that did so be undone."""
    await ha_env.set_up(live_mode=False)
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")
    await ha_env.call("undo")
    await ha_env.call("sync_all")
    assert not any(ha_env.labels(title))
    return title


async def about(ha_env: HaEnv, title: CatalogTitle) -> tuple[set[str], str]:
    """Return the states of Rosa's label on a title's items, and the sentence about it."""
    (answer,) = (await ha_env.call("explain", guid=f"plex://movie/{title.key}"))["titles"]
    labels = [one for item in answer["items"] for one in item["labels"]]
    states = {one["state"] for one in labels if one["label"].casefold() == "rosa"}
    return states, answer["summary"]


async def test_it_is_explained_as_that_also_after_a_restart(ha_env: HaEnv) -> None:
    title = await undone(ha_env)
    count = str(len(ha_env.plex.state.items_of(title)))
    for _ in range(2):
        states, summary = await about(ha_env, title)
        assert states == {"undone"}
        assert "removed by an undo" in summary
        assert "by hand" not in summary
        assert ha_env.state("overrides") == count
        assert await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
        await ha_env.settle()


async def test_both_causes_count_and_are_cleared_together(ha_env: HaEnv) -> None:
    title = await undone(ha_env)
    other = ha_env.spare("show", in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), other)
    await ha_env.call("sync_all")
    by_hand = ha_env.plex.state.items_of(other)
    for item in by_hand:
        ha_env.plex.state.remove_label(item.rating_key, "rosa")
    await ha_env.call("sync_all")
    total = len(by_hand) + len(ha_env.plex.state.items_of(title))
    assert ha_env.state("overrides") == str(total)

    answer = await ha_env.call("clear_overrides", people=["rosa"])
    await ha_env.call("sync_all")

    assert answer["cleared"] == total
    assert ha_env.state("overrides") == "0"
    assert all("rosa" in labels for labels in ha_env.labels(title) + ha_env.labels(other))


async def test_label_that_is_back_and_is_removed_by_hand_is_an_override(ha_env: HaEnv) -> None:
    title = await undone(ha_env)
    await ha_env.call("clear_overrides")
    await ha_env.call("sync_all")
    for item in ha_env.plex.state.items_of(title):
        ha_env.plex.state.remove_label(item.rating_key, "rosa")
    await ha_env.call("sync_all")

    assert (await about(ha_env, title))[0] == {"override"}


async def test_older_ledger_learns_it_from_the_journal(
    ha_env: HaEnv, hass_storage: dict[str, Any]
) -> None:
    title = await undone(ha_env)
    assert await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)
    stored = hass_storage[f"{DOMAIN}.{ha_env.entry.entry_id}.ledger"]
    stored["minor_version"] = 3
    kinds = stored["data"]["kinds"]
    assert any(flags & 16 for *_, flags in kinds)
    stored["data"]["kinds"] = [[*one, flags & ~16] for *one, flags in kinds]
    assert await ha_env.hass.config_entries.async_setup(ha_env.entry.entry_id)
    await ha_env.settle()

    assert (await about(ha_env, title))[0] == {"undone"}
    assert "causes_unknown" not in hass_storage[f"{DOMAIN}.{ha_env.entry.entry_id}.ledger"]["data"]


async def test_diagnostics_count_it_and_name_no_one(
    ha_env: HaEnv, hass_admin_user: MockUser
) -> None:
    title = await undone(ha_env)
    await ha_env.hass.services.async_call(
        DOMAIN, "undo", blocking=True, context=Context(user_id=hass_admin_user.id)
    )
    await ha_env.call("undo")
    diagnostics = await async_get_config_entry_diagnostics(ha_env.hass, ha_env.entry)

    assert diagnostics["ledger"]["undone"] == len(ha_env.plex.state.items_of(title))
    assert {run["started_by"] for run in diagnostics["runs"]} == {
        "automation",
        "person",
        "start_up",
    }
