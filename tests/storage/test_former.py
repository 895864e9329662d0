"""The ledger of a removed entry is kept for the day on which the same server is set up again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.storage import Store
from homeassistant.util.file import WriteError
import pytest

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.storage import former
from custom_components.plex_label_sync.storage.files import MINOR_VERSIONS
from custom_components.plex_label_sync.sync.ledger import Ledger

from ..flow_fixtures import (
    assert_form,
    default_of,
    fields_of,
    submit,
    to_libraries,
    to_review,
)
from ..real_files import hass_storage, own_configuration  # noqa: F401 - fixtures
from ..test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigEntry

    from ..ha_env import HaEnv

WRITE = "homeassistant.helpers.storage.Store._async_write_data"


def former_file(ha_env: HaEnv) -> Path:
    """Return the path of the file about removed entries."""
    return Path(ha_env.hass.config.path(".storage", f"{DOMAIN}.former"))


def stored(ha_env: HaEnv) -> dict[str, Any]:
    """Return what is kept of removed entries, by machine identifier."""
    servers: dict[str, Any] = json.loads(former_file(ha_env).read_text())["data"]["servers"]
    return servers


def rewrite(ha_env: HaEnv, data: dict[str, Any]) -> None:
    """Put other data into the file; `M` stands for the server's machine identifier."""
    path = former_file(ha_env)
    text = json.dumps({**json.loads(path.read_text()), "data": data})
    path.write_text(text.replace('"M"', f'"{machine_id(ha_env)}"'))


def machine_id(ha_env: HaEnv) -> str:
    """Return under what the ha_env's server is known."""
    return ha_env.plex.state.machine_identifier


async def removed(ha_env: HaEnv) -> int:
    """Everything was labelled and the entry is gone; return how many items carry our labels."""
    await ha_env.set_up(live_mode=False)
    assert_everything_is_labelled(ha_env)
    items = int(ha_env.state("labelled_items"))
    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)
    await ha_env.settle()
    assert items > 0
    return items


async def set_up_again(ha_env: HaEnv, **fields: Any) -> ConfigEntry:
    """Go through the flow as somebody does who comes back; return the entry."""
    shown = await to_libraries(ha_env)
    assert_form(shown, "libraries")
    shown = await to_review(ha_env.hass, shown)
    assert_form(shown, "review")
    assert fields_of(shown) == ["start", "take_over"]
    assert default_of(shown, "take_over") is True
    created = await submit(ha_env.hass, shown, **fields)
    assert created["type"] is FlowResultType.CREATE_ENTRY
    ha_env.entry = created["result"]  # type: ignore[assignment] # as good as a test's own
    await ha_env.settle()
    entry: ConfigEntry = created["result"]
    return entry


async def test_labels_of_a_removed_entry_are_own_again_after_a_new_set_up(
    ha_env: HaEnv,
) -> None:
    items = await removed(ha_env)
    assert list(stored(ha_env)) == [machine_id(ha_env)]

    entry = await set_up_again(ha_env)

    assert ha_env.state("labelled_items") == str(items)
    assert stored(ha_env) == {}
    assert "take_over" not in {**entry.data, **entry.options}
    answer = await ha_env.call("remove_labels")
    assert answer["removed"] >= items


async def test_records_that_are_not_wanted_go(ha_env: HaEnv) -> None:
    await removed(ha_env)

    entry = await set_up_again(ha_env, take_over=False)

    assert ha_env.state("labelled_items") == "0"
    assert stored(ha_env) == {}
    assert "take_over" not in {**entry.data, **entry.options}
    assert_everything_is_labelled(ha_env)


async def test_nothing_is_asked_where_there_is_nothing_to_take_over(ha_env: HaEnv) -> None:
    await removed(ha_env)
    ha_env.plex.state.machine_identifier = "0" * 40

    shown = await to_review(ha_env.hass, await to_libraries(ha_env))

    assert fields_of(shown) == ["start"]


async def test_choice_that_was_not_made_keeps_the_records(ha_env: HaEnv) -> None:
    await removed(ha_env)

    await to_review(ha_env.hass, await to_libraries(ha_env))  # somebody closes the window here

    assert list(stored(ha_env)) == [machine_id(ha_env)]


async def test_entry_without_labels_leaves_nothing(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)
    await ha_env.settle()

    shown = await to_review(ha_env.hass, await to_libraries(ha_env))

    assert fields_of(shown) == ["start"]


async def test_records_come_and_go_with_every_removal_and_every_set_up(
    ha_env: HaEnv,
) -> None:
    items = await removed(ha_env)
    for _ in range(2):
        entry = await set_up_again(ha_env)
        assert ha_env.state("labelled_items") == str(items)
        await ha_env.hass.config_entries.async_remove(entry.entry_id)
        await ha_env.settle()
        assert list(stored(ha_env)) == [machine_id(ha_env)]


async def test_records_in_memory_are_kept_when_the_disk_is_full(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    await ha_env.call("sync_all")
    (item, *_) = ha_env.plex.state.carriers("rosa")
    ha_env.plex.state.remove_label(item.rating_key, "rosa")
    with patch(WRITE, side_effect=WriteError("No space left on device")):
        await ha_env.call("sync_all")  # takes an override down, in memory only
        await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)
    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)
    await ha_env.settle()

    kept = Ledger.from_dict(stored(ha_env)[machine_id(ha_env)]["ledger"])
    assert sum(row.removed_by_user for row in kept) == 1
    await set_up_again(ha_env)
    assert ha_env.state("overrides") == "1"


async def test_records_stay_until_the_new_ledger_is_on_disk(ha_env: HaEnv) -> None:
    await removed(ha_env)
    original = Store._async_write_data

    async def write(store: Store[Any], *args: Any) -> None:
        if store.key.endswith(".ledger"):
            raise WriteError("No space left on device")
        await original(store, *args)

    with patch(WRITE, write):
        entry = await set_up_again(ha_env)
        assert list(stored(ha_env)) == [machine_id(ha_env)]
        assert int(ha_env.state("labelled_items")) > 0

    await ha_env.hass.config_entries.async_reload(entry.entry_id)
    await ha_env.settle()
    assert int(ha_env.state("labelled_items")) > 0


@pytest.mark.parametrize(
    "damage",
    [
        {"servers": None},
        {"servers": []},
        {"servers": {"M": None}},
        {"servers": {"M": {"minor_version": "new", "ledger": {}}}},
        {"servers": {"M": {"minor_version": 1, "ledger": []}}},
        {"servers": {"M": {"minor_version": 99, "ledger": {"rows": "x"}}}},
        {},
    ],
)
async def test_damaged_records_stop_no_one_from_setting_up(
    ha_env: HaEnv, damage: dict[str, Any]
) -> None:
    await removed(ha_env)
    rewrite(ha_env, damage)

    shown = await to_review(ha_env.hass, await to_libraries(ha_env))
    assert fields_of(shown) == ["start"]
    created = await submit(ha_env.hass, shown)
    await ha_env.settle()

    assert created["type"] is FlowResultType.CREATE_ENTRY
    assert created["result"].state.value == "loaded"


def test_only_the_servers_removed_last_are_kept() -> None:
    servers: dict[str, Any] = {}
    for number in range(former.SERVERS_MAX + 3):
        servers = former.with_server(servers, str(number), {"rows": [number]}, removed=number)

    assert len(servers) == former.SERVERS_MAX
    assert "0" not in servers
    assert servers[str(former.SERVERS_MAX + 2)]["minor_version"] == MINOR_VERSIONS["ledger"]
