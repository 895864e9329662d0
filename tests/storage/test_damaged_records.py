"""Every way in which an entry's files can be damaged or missing, on a real disk."""

from __future__ import annotations

from datetime import timedelta
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNKNOWN
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from homeassistant.util.file import WriteError
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.storage.files import MINOR_VERSIONS

from ..real_files import hass_storage, own_configuration  # noqa: F401 - fixtures
from ..repair_flows import answer_repair
from ..test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from ..ha_env import HaEnv

NAMES = ("queue", "ledger", "journal")
WRITE = "homeassistant.helpers.storage.Store._async_write_data"


def file_of(ha_env: HaEnv, name: str) -> Path:
    """Return the path of one of the entry's files."""
    path = ha_env.hass.config.path(".storage", f"{DOMAIN}.{ha_env.entry.entry_id}.{name}")
    return Path(path)


def issue(ha_env: HaEnv, kind: str = "store_damaged") -> ir.IssueEntry | None:
    """Return what is told about the files."""
    registry = ir.async_get(ha_env.hass)
    return registry.async_get_issue(DOMAIN, f"{kind}_{ha_env.entry.entry_id}")


async def stopped(ha_env: HaEnv) -> None:
    """Everything is labelled and the entry is unloaded; labels would go when nobody wants them."""
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    assert_everything_is_labelled(ha_env)
    assert issue(ha_env) is None
    await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)


async def start(ha_env: HaEnv) -> bool:
    """Set the entry up again."""
    loaded = await ha_env.hass.config_entries.async_setup(ha_env.entry.entry_id)
    await ha_env.settle()
    return loaded


def damage(path: Path, how: str) -> None:
    """Do something to a file."""
    text = path.read_text()
    whole: dict[str, Any] = json.loads(text)
    match how:
        case "corrupt":
            path.write_text("{no json")
        case "truncated":
            path.write_text(text[: len(text) // 2])
        case "empty":
            path.write_text("")
        case "no utf-8":
            path.write_bytes(b"\xff\xfe{}")
        case "empty object":
            path.write_text("{}")
        case "null":
            path.write_text("null")
        case "list":
            path.write_text("[]")
        case "no data":
            del whole["data"]
            path.write_text(json.dumps(whole))
        case "wrong shape":
            path.write_text(json.dumps({**whole, "data": {"rows": 7, "runs": 7, "pending": 7}}))
        case "wrong version":
            path.write_text(json.dumps({**whole, "version": "new"}))
        case "missing":
            path.unlink()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "how",
    [
        "corrupt",
        "truncated",
        "empty",
        "no utf-8",
        "empty object",
        "null",
        "list",
        "no data",
        "wrong shape",
        "wrong version",
        "missing",
    ],
)
async def test_damaged_file_is_reported_kept_and_costs_no_label(
    ha_env: HaEnv, name: str, how: str
) -> None:
    await stopped(ha_env)
    for user in ha_env.pulsarr.state.users():
        for title in ha_env.world.catalog:
            ha_env.pulsarr.state.unwant(user.id, title)
    before = {key: set(item.labels) for key, item in ha_env.plex.state.items.items()}
    path = file_of(ha_env, name)
    damage(path, how)

    assert await start(ha_env)

    repair = issue(ha_env)
    assert repair is not None
    assert repair.translation_placeholders == {"name": ha_env.entry.title, "files": name}
    after = {key: set(item.labels) for key, item in ha_env.plex.state.items.items()}
    if name == "ledger":
        assert after == before
    kept = list(path.parent.glob(f"{path.name}.corrupt.*"))
    assert len(kept) == (0 if how == "missing" else 1)
    json.loads(path.read_text())  # written anew

    # It stays until somebody has read it, and is not told twice.
    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()
    assert issue(ha_env) is not None


async def test_first_start_is_no_damage(ha_env: HaEnv) -> None:
    ha_env.add_entry(live_mode=False, batch_mode=False)

    assert await start(ha_env)

    assert issue(ha_env) is None
    assert all(file_of(ha_env, name).exists() for name in NAMES)


async def test_all_files_missing_is_reported(ha_env: HaEnv) -> None:
    await stopped(ha_env)
    for name in NAMES:
        file_of(ha_env, name).unlink()

    assert await start(ha_env)

    repair = issue(ha_env)
    assert repair is not None
    assert repair.translation_placeholders is not None
    assert repair.translation_placeholders["files"] == "queue, ledger, journal"
    assert ha_env.state("labels_removed") == STATE_UNKNOWN
    assert ha_env.state("labels_removed_total") == "0"


@pytest.mark.parametrize("name", NAMES)
async def test_file_of_a_newer_minor_version_is_used(ha_env: HaEnv, name: str) -> None:
    await stopped(ha_env)
    path = file_of(ha_env, name)
    whole = json.loads(path.read_text())
    path.write_text(json.dumps({**whole, "minor_version": whole["minor_version"] + 7}))

    assert await start(ha_env)

    assert issue(ha_env) is None
    assert int(ha_env.state("labelled_items")) > 0


async def test_message_about_damage_goes_when_someone_has_read_it(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    await stopped(ha_env)
    damage(file_of(ha_env, "queue"), "corrupt")
    assert await start(ha_env)
    shown, _ = await answer_repair(ha_env, hass_client, "store_damaged")

    assert shown["step_id"] == "confirm"
    assert issue(ha_env) is None


async def test_part_that_makes_no_sense_is_left_out_reported_and_kept_in_a_copy(
    ha_env: HaEnv,
) -> None:
    await stopped(ha_env)
    path = file_of(ha_env, "journal")
    whole = json.loads(path.read_text())
    whole["data"]["summary"]["last_sync"] = "yesterday"
    text = json.dumps(whole)
    path.write_text(text)

    assert await start(ha_env)

    repair = issue(ha_env, "store_left_out")
    assert repair is not None
    assert repair.is_fixable
    assert repair.translation_placeholders == {
        "name": ha_env.entry.title,
        "parts": "summary: 1",
    }
    assert issue(ha_env) is None
    (copy,) = path.parent.glob(f"{path.name}.corrupt.*")
    assert copy.read_text() == text
    written = json.loads(path.read_text())["data"]
    assert isinstance(written["summary"]["last_sync"], float)
    assert len(written["runs"]) == len(whole["data"]["runs"])  # undo is as it was

    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)
    assert issue(ha_env, "store_left_out") is None
    assert not list(path.parent.glob(f"{path.name}*"))


async def test_part_is_left_out_although_no_copy_can_be_kept(ha_env: HaEnv) -> None:
    await stopped(ha_env)
    path = file_of(ha_env, "queue")
    whole = json.loads(path.read_text())
    path.write_text(json.dumps({**whole, "data": {"pending": [7]}}))

    with patch("shutil.copyfile", side_effect=PermissionError("read-only")):
        assert await start(ha_env)

    assert issue(ha_env, "store_left_out") is not None
    assert json.loads(path.read_text())["data"] == {"pending": []}


async def test_damaged_file_that_cannot_be_set_aside_is_not_written_over(
    ha_env: HaEnv,
) -> None:
    await stopped(ha_env)
    path = file_of(ha_env, "ledger")
    damage(path, "list")

    with patch.object(Path, "rename", side_effect=PermissionError("read-only")):
        assert not await start(ha_env)

    assert ha_env.entry.state is ConfigEntryState.SETUP_RETRY
    assert ha_env.entry.error_reason_translation_key == "store_unreadable"
    assert path.read_text() == "[]"


@pytest.mark.parametrize("name", NAMES)
async def test_file_of_a_newer_major_version_stops_the_entry_and_is_left_alone(
    ha_env: HaEnv, name: str
) -> None:
    await stopped(ha_env)
    path = file_of(ha_env, name)
    text = json.dumps({**json.loads(path.read_text()), "version": 2})
    path.write_text(text)
    ha_env.plex.stats.reset()

    assert not await start(ha_env)

    assert ha_env.entry.state is ConfigEntryState.SETUP_ERROR
    assert ha_env.entry.error_reason_translation_key == "store_too_new"
    assert path.read_text() == text
    assert ha_env.plex.stats.total == 0


@pytest.mark.parametrize("name", NAMES)
async def test_file_that_cannot_be_read_now_is_waited_for(ha_env: HaEnv, name: str) -> None:
    await stopped(ha_env)
    path = file_of(ha_env, name)
    text = path.read_text()
    path.unlink()
    path.mkdir()  # reading it fails for everybody, root as well

    assert not await start(ha_env)

    assert ha_env.entry.state is ConfigEntryState.SETUP_RETRY
    assert ha_env.entry.error_reason_translation_key == "store_unreadable"
    path.rmdir()
    path.write_text(text)
    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()
    assert issue(ha_env) is None
    assert int(ha_env.state("labelled_items")) > 0


async def test_old_files_are_brought_up_to_date_and_saved_so(ha_env: HaEnv) -> None:
    entry = ha_env.add_entry(live_mode=False, batch_mode=False)
    data: dict[str, tuple[int, dict[str, Any]]] = {
        "queue": (1, {"pending": []}),
        "ledger": (
            3,
            {
                "items": [["1", "11", ""]],
                "kinds": [["Anna", [], 0]],
                "rows": [0, 0, 1_790_000_000, 0],
            },
        ),
        "journal": (
            4,
            {
                "items": [["1", "11", "Heat"]],
                "edits": [["add", "Anna", "anna wants it", True]],
                "runs": [
                    {
                        "id": "a1",
                        "kind": "full",
                        "started": 5.0,
                        "status": None,
                        "changes": [0, 0],
                    }
                ],
            },
        ),
    }
    for name, (minor, content) in data.items():
        path = file_of(ha_env, name)
        path.parent.mkdir(exist_ok=True)
        key = f"{DOMAIN}.{entry.entry_id}.{name}"
        whole = {"version": 1, "minor_version": minor, "key": key, "data": content}
        path.write_text(json.dumps(whole))

    assert await start(ha_env)

    assert issue(ha_env) is None
    assert ha_env.state("labelled_items") == "1"
    written = json.loads(file_of(ha_env, "journal").read_text())
    assert written["minor_version"] == MINOR_VERSIONS["journal"]
    assert written["data"]["people"] == [["", "anna"]]


async def test_full_disk_is_reported_and_everything_is_saved_when_there_is_room_again(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(live_mode=False)
    (item, *_) = ha_env.plex.state.carriers("rosa")
    ha_env.plex.state.remove_label(item.rating_key, "rosa")
    before = file_of(ha_env, "ledger").read_text()
    with patch(WRITE, side_effect=WriteError("No space left on device")):
        await ha_env.call("sync_all")  # takes an override down, and changes nothing in Plex
        assert ha_env.state("problem") == "on"
        assert ha_env.state("overrides") == "1"
        repair = issue(ha_env, "store_unsaved")
        assert repair is not None
        assert repair.severity is ir.IssueSeverity.ERROR

    async_fire_time_changed(ha_env.hass, dt_util.utcnow() + timedelta(seconds=61))
    await ha_env.settle()

    assert file_of(ha_env, "ledger").read_text() != before
    assert ha_env.state("problem") == "off"
    assert issue(ha_env, "store_unsaved") is None
    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()
    assert ha_env.state("overrides") == "1"


async def test_what_could_not_be_saved_survives_a_reload(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    await ha_env.call("sync_all")
    (item, *_) = ha_env.plex.state.carriers("rosa")
    ha_env.plex.state.remove_label(item.rating_key, "rosa")
    with patch(WRITE, side_effect=WriteError("No space left on device")):
        await ha_env.call("sync_all")
        await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
        await ha_env.settle()
        assert ha_env.state("overrides") == "1"
        assert ha_env.state("problem") == "on"
        assert issue(ha_env, "store_unsaved") is not None

    async_fire_time_changed(ha_env.hass, dt_util.utcnow() + timedelta(seconds=61))
    await ha_env.settle()

    assert ha_env.state("problem") == "off"
    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()
    assert ha_env.state("overrides") == "1"


async def test_removed_entry_leaves_no_file_behind(ha_env: HaEnv) -> None:
    await stopped(ha_env)
    damage(file_of(ha_env, "ledger"), "corrupt")
    await start(ha_env)

    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)
    await ha_env.settle()

    left = [path.name for path in file_of(ha_env, "ledger").parent.glob(f"{DOMAIN}.*")]
    assert left == []
    assert issue(ha_env) is None
