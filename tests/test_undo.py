"""Undo, the list of runs, taking all labels off, and records that are damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.file import WriteError
import pytest

from custom_components.plex_label_sync.const import DOMAIN

from .test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from .ha_env import HaEnv


def picture(ha_env: HaEnv) -> dict[str, frozenset[str]]:
    """Return every item's labels."""
    return {
        key: frozenset(label.casefold() for label in item.labels)
        for key, item in ha_env.plex.state.items.items()
    }


async def test_undo_restores_the_state_before_the_run_and_can_be_undone(
    ha_env: HaEnv,
) -> None:
    before = picture(ha_env)
    await ha_env.set_up(live_mode=False)
    after = picture(ha_env)
    assert before != after

    answer = await ha_env.call("undo")
    assert answer["skipped"] == 0
    assert picture(ha_env) == before

    # The next full sync does not do it all again.
    await ha_env.call("sync_all")
    assert picture(ha_env) == before

    await ha_env.call("undo")
    assert picture(ha_env) == after


async def test_undo_leaves_what_was_changed_since(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    (item, *_) = ha_env.plex.state.carriers("rosa")
    ha_env.plex.state.remove_label(item.rating_key, "rosa")

    answer = await ha_env.call("undo", dry_run=True)

    assert answer["skipped"] == 1
    assert item.rating_key not in {
        one["rating_key"] for one in answer["changes"] if one["label"].casefold() == "rosa"
    }


async def test_undo_does_not_bring_labels_to_items_that_are_gone(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")
    ha_env.pulsarr.state.unwant(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")
    items = ha_env.plex.state.items_of(title)
    for item in items:
        ha_env.plex.state.delete_item(item.rating_key)

    answer = await ha_env.call("undo")

    assert (answer["status"], answer["added"], answer["skipped"]) == ("done", 0, len(items))


async def test_runs_are_listed_newest_first(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    first = (await ha_env.call("get_runs"))["runs"]
    undone = await ha_env.call("undo", run_id=first[0]["run_id"])

    runs = (await ha_env.call("get_runs"))["runs"]

    assert [one["run_id"] for one in runs] == [undone["run_id"], first[0]["run_id"]]
    assert [one["kind"] for one in runs] == ["undo", "full"]
    assert runs[0]["removed"] == runs[1]["added"] > 0
    assert (await ha_env.call("get_runs", limit=1))["runs"] == runs[:1]


async def test_unknown_run_is_refused(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)

    with pytest.raises(ServiceValidationError) as refused:
        await ha_env.call("undo", run_id="none")

    assert refused.value.translation_key == "unknown_run"


async def test_all_own_labels_are_removed_and_nothing_else(ha_env: HaEnv) -> None:
    before = picture(ha_env)
    await ha_env.set_up(live_mode=False, batch_mode=False)
    await ha_env.call("sync_all")
    planned = await ha_env.call("remove_labels", dry_run=True)

    answer = await ha_env.call("remove_labels")

    assert answer["removed"] == planned["removed"] > 0
    assert picture(ha_env) == before
    assert ha_env.state("labelled_items") == "0"


async def test_labels_of_one_person_are_removed(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    tims = ha_env.plex.state.carriers("tim")

    await ha_env.call("remove_labels", people=["rosa"])

    assert ha_env.plex.state.carriers("rosa") == []
    assert ha_env.plex.state.carriers("tim") == tims


@pytest.mark.parametrize("content", [{}, {"labels": []}, {"labels": {"rosa": {"1": {"2": 3}}}}])
async def test_damaged_ledger_is_reported_and_nothing_is_removed(
    ha_env: HaEnv, hass_storage: dict[str, Any], content: dict[str, Any]
) -> None:
    entry = ha_env.add_entry(live_mode=False, removed_label_mode="remove")
    key = f"plex_label_sync.{entry.entry_id}.ledger"
    hass_storage[key] = {"version": 1, "minor_version": 2, "key": key, "data": content}

    assert await ha_env.hass.config_entries.async_setup(entry.entry_id)
    await ha_env.settle()

    issue_id = f"store_damaged_{entry.entry_id}"
    assert ir.async_get(ha_env.hass).async_get_issue(DOMAIN, issue_id) is not None
    assert ha_env.state("labels_removed") == "0"
    assert_everything_is_labelled(ha_env)


async def test_records_of_a_newer_version_stop_the_entry(
    ha_env: HaEnv, hass_storage: dict[str, Any]
) -> None:
    entry = ha_env.add_entry()
    key = f"plex_label_sync.{entry.entry_id}.ledger"
    hass_storage[key] = {"version": 9, "minor_version": 1, "key": key, "data": {"labels": {}}}

    assert not await ha_env.hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert ha_env.plex.stats.puts == 0


async def test_nothing_is_written_into_plex_while_the_journal_cannot_be_saved(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    with patch(
        "homeassistant.helpers.storage.Store._async_write_data", side_effect=WriteError("full")
    ):
        with pytest.raises(HomeAssistantError) as raised:
            await ha_env.call("sync_all")
        assert raised.value.translation_key == "storage_not_saved"
        assert ha_env.plex.stats.puts == 0
        assert ha_env.state("problem") == "on"

    await ha_env.call("sync_all")
    assert_everything_is_labelled(ha_env)
    assert ha_env.state("problem") == "off"


async def test_every_change_of_a_run_can_be_read(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    synced = await ha_env.call("sync_all", dry_run=True)
    undone = await ha_env.call("undo")
    (plain, _) = (await ha_env.call("get_runs"))["runs"]

    runs = (await ha_env.call("get_runs", changes=True))["runs"]
    (last,) = (await ha_env.call("get_runs", run_id=undone["run_id"]))["runs"]

    assert synced["changes"] == []
    assert last == runs[0] == {**plain, "changes": last["changes"]}
    assert [len(run["changes"]) for run in runs] == [undone["removed"], runs[1]["added"]]
    for run in runs:
        for change in run["changes"]:
            assert change["when"] == run["started"]
            assert change["people"]
            assert change["title"]
            assert change["reason"]
    assert [one["reason_code"] for one in last["changes"]] == ["undo"] * undone["removed"]
    added, removed = (
        {(one["rating_key"], one["label"].casefold()) for one in run["changes"]}
        for run in (runs[1], last)
    )
    assert added == removed
    assert (await ha_env.call("get_runs", changes=True, limit=1))["runs"] == [last]


async def test_changes_of_an_unknown_run_are_refused(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)

    with pytest.raises(ServiceValidationError) as refused:
        await ha_env.call("get_runs", run_id="none")

    assert refused.value.translation_key == "unknown_run"
