"""Every value in an entry's files replaced by every other kind of value: none stops anything else."""

from __future__ import annotations

from collections.abc import Iterator
import copy
import json
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.responses import entry_response, pending_response
from custom_components.plex_label_sync.storage.files import MINOR_VERSIONS, STORE_VERSION
from custom_components.plex_label_sync.storage.held import Held, held_of
from custom_components.plex_label_sync.storage.records import Records
from custom_components.plex_label_sync.summary import LastLabelled, Summary
from custom_components.plex_label_sync.sync.changes import Action
from custom_components.plex_label_sync.sync.held_groups import HeldGroup
from custom_components.plex_label_sync.sync.journal import Journal
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.run import HoldReason
from custom_components.plex_label_sync.sync.title_status import PersonFigures

from ..sync.builders import person_ids, person_refs, reasons
from ..sync.test_journal import entries

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from ..ha_env import HaEnv

type Path = tuple[str | int, ...]

ENTRY: Final = "one"
WRONG: Final[tuple[Any, ...]] = (
    None,
    "?",
    "",
    True,
    7,
    -1,
    0.5,
    1e300,
    [],
    ["?"],
    {},
    {"?": 1},
)
QUEUE: Final[dict[str, Any]] = {
    "pending": [
        {
            "type": kind,
            "title": title,
            "ids": [one],
            "created": 1_790_000_000.0,
            "next_try": 1_790_000_030.0,
            "expires": 1_790_001_800.0,
            "reason": "not_in_plex",
            "people": ["rosa"],
            "tries": 3,
        }
        for kind, title, one in (("movie", "Heat", "tmdb:949"), ("show", "Dark", "tmdb:70523"))
    ]
}
JOURNAL: Final[dict[str, Any]] = {
    "libraries": [["1", "Movies"]],
    "people": [["pulsarr:1", "rosa"], ["", "tim"]],
    "items": [[0, "11", "Heat", "movie", "tmdb:949"], [0, "12", "Up", "movie", "tmdb:14160"]],
    "edits": [
        ["add", "rosa", True, {"code": "wanted"}, [0]],
        ["remove", "tim", True, {"code": "not_wanted", "since": 1_790_000_000}, [1]],
    ],
    "runs": [
        {
            "id": run,
            "kind": "full",
            "started": 1_790_000_000.0,
            "status": "done",
            "changes": [0, 0, 1, 1],
        }
        for run in ("a1", "b2")
    ],
    "summary": {
        "last_sync": 1_790_000_000.0,
        "duration": 1.5,
        "incomplete": False,
        "titles": 20,
        "missing": 4,
        "wanting": 5,
        "added": 2,
        "removed": 1,
        "added_total": 12,
        "removed_total": 3,
        "people": [
            [
                "pulsarr:2",
                {
                    "name": "rosa",
                    "label": "rosa",
                    "wanted": 20,
                    "labelled": 15,
                    "missing": 4,
                    "waiting": 1,
                },
            ]
        ],
        "last_labelled": {
            "title": "Heat",
            "rating_key": "11",
            "library": "1",
            "at": 1_790_000_000.0,
        },
    },
    "held": {
        "since": 1_790_000_000.0,
        "reasons": ["mass_removal"],
        "removals": 30,
        "vanished": 0,
        "groups": [
            [
                {"code": "person_gone"},
                [["pulsarr:1", "rosa"], ["pulsarr:2", "tim"]],
                28,
                ["Heat", "Up"],
            ],
            [None, [["pulsarr:1", "rosa"]], 2, []],
        ],
    },
}
held_group_rows = st.builds(
    HeldGroup,
    st.none() | reasons,
    st.lists(person_refs, max_size=3).map(tuple),
    st.integers(0, 9),
    st.lists(st.text(), max_size=3).map(tuple),
)
# Of the summary: what is known in any case
MUST: Final[set[str | int]] = {
    "incomplete",
    "added_total",
    "removed_total",
    "name",
    "label",
    "title",
    "rating_key",
    "library",
    "at",
    0,
}
MAY_LACK: Final = {
    ("held",),
    ("summary",),
    ("summary", "people"),
    ("summary", "last_labelled"),
    ("held", "groups", 0, 0),
}
FILES: Final = {"queue": QUEUE, "journal": JOURNAL}


def leaves(data: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where every value is that is no list and no dictionary."""
    inner = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in inner:
        if isinstance(value, dict | list):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def nodes(data: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where every list and dictionary is inside of others."""
    inner = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in inner:
        if isinstance(value, dict | list):
            yield (*path, key)
            yield from nodes(value, (*path, key))


def at(data: Any, path: Path) -> Any:
    """Return the value at a place."""
    for key in path:
        data = data[key]
    return data


def replaced(data: dict[str, Any], path: Path, value: object) -> dict[str, Any]:
    """Return data with another value at a place."""
    changed: dict[str, Any] = copy.deepcopy(data)
    at(changed, path[:-1])[path[-1]] = value
    return changed


async def read(hass: HomeAssistant, storage: dict[str, Any], name: str, data: object) -> Records:
    """Return the records with one file's data, and the others sound."""
    journal = Journal.from_dict(JOURNAL)
    ledger = Ledger()
    ledger.adopt([one for entry in journal.entries for one in entry.changes], 1_790_000_000)
    for file, sound in (*FILES.items(), ("ledger", ledger.as_dict())):
        storage[f"{DOMAIN}.{ENTRY}.{file}"] = {
            "version": STORE_VERSION,
            "minor_version": MINOR_VERSIONS[file],
            "key": f"{DOMAIN}.{ENTRY}.{file}",
            "data": json.loads(json.dumps(data if file == name else sound)),
        }
    records = Records(hass, ENTRY)
    await records.async_load()
    return records


def assert_usable(records: Records) -> None:
    """Check that whatever reads the records can."""
    for pending in records.queue:
        assert pending_response(pending)["tries"] >= 0
    for entry in records.journal.entries:
        assert entry_response(entry)["added"] >= 0
        assert all(isinstance(change.action, Action) for change in entry.changes)
    for row in records.ledger:
        assert row.key
    if records.held is not None:
        assert all(HoldReason(reason) for reason in records.held.reasons)
    json.dumps([records.journal.as_dict(), records.ledger.as_dict()])


def is_person(path: Path) -> bool:
    """Tell whether a value is a person's id."""
    return (
        (path[0] == "people" and path[2:] == (0,))
        or (path[:2] == ("summary", "people") and path[3:] == (0,))
        or (path[:2] == ("held", "groups") and path[3:4] == (1,) and path[5:] == (0,))
    )


def is_sound(path: Path, old: object, new: object) -> bool:
    """Tell whether a value is one that could stand there."""
    last = path[-1]
    if last in {"type", "kind"} or (path[0] == "edits" and last == 0):
        return False  # one of few words, and none of them is among the wrong ones
    if is_person(path) or (path[0] == "items" and last == 3):
        # Somebody may be known by name only, and a type may be unknown.
        return new == "" and path[0] != "summary"
    if old is None and path[0] == "held":
        return new is None  # a reason is no plain value
    if new is None and (last == "status" or (path[0] == "summary" and last not in MUST)):
        return True
    if new == 7 and (
        "changes" in path or path[0::2] == ("items", 0) or path[0:3:2] == ("edits", 4)
    ):
        return False  # no such position
    if isinstance(old, bool) or isinstance(new, bool):
        return isinstance(old, bool) and isinstance(new, bool)
    if isinstance(old, int | float):
        return isinstance(new, (int if isinstance(old, int) else int | float)) and 0 <= new < 1e10
    return isinstance(new, str)  # a reason as well: a newer version may know it


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param(name, path, id=".".join(map(str, (name, *path))))
        for name, data in FILES.items()
        for path in leaves(data)
    ],
)
async def test_wrong_value_is_reported_and_costs_no_more_than_its_part(
    hass: HomeAssistant, hass_storage: dict[str, Any], name: str, path: Path
) -> None:
    data = FILES[name]
    whole = await read(hass, hass_storage, name, data)
    assert (whole.damaged, dict(whole.left_out)) == ([], {})
    for value in WRONG:
        records = await read(hass, hass_storage, name, replaced(data, path, value))

        assert_usable(records)
        assert records.damaged == []
        sound = is_sound(path, at(data, path), value)
        assert bool(records.left_out) is not sound, (value, records.left_out)
        # What is lost is the row or the part with the value in it, and nothing beside it.
        is_queue = name == "queue"
        assert len(records.queue) == 2 - (is_queue and not sound)
        assert (records.summary == whole.summary) or path[0] == "summary"
        assert (records.summary != whole.summary) or path[0] != "summary" or sound
        assert (records.held is None) is (path[0] == "held" and not sound)
        in_run = path[0] == "runs" and "changes" not in path
        assert len(records.journal.entries) == 2 - (in_run and not sound)
        await records.async_close()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param(name, path, id=".".join(map(str, (name, *path))))
        for name, data in FILES.items()
        for path in nodes(data)
    ],
)
async def test_wrong_list_or_dictionary_is_reported_and_stops_nothing(
    hass: HomeAssistant, hass_storage: dict[str, Any], name: str, path: Path
) -> None:
    for value in WRONG:
        data = replaced(FILES[name], path, value)
        records = await read(hass, hass_storage, name, data)

        assert_usable(records)
        if not isinstance(value, list | dict) and path not in MAY_LACK:
            assert records.damaged or records.left_out, value
        await records.async_close()


async def test_unknown_keys_of_a_newer_version_cost_nothing(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    whole = await read(hass, hass_storage, "", {})
    for name, data in FILES.items():
        more = copy.deepcopy(data) | {"new": 1}
        for path in nodes(data):
            if isinstance(at(data, path), dict):
                at(more, path)["new"] = {"of": "the future"}
        records = await read(hass, hass_storage, name, more)

        assert (records.damaged, dict(records.left_out)) == ([], {})
        assert records.journal.entries == whole.journal.entries
        assert records.queue == whole.queue
        assert (records.summary, records.held) == (whole.summary, whole.held)


async def test_run_loses_only_the_change_that_makes_no_sense(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    for path, value in (
        (("items", 1, 2), None),
        (("edits", 1, 0), "?"),
        (("runs", 0, "changes", 2), 9),
    ):
        records = await read(hass, hass_storage, "journal", replaced(JOURNAL, path, value))

        first, second = records.journal.entries
        assert [change.rating_key for change in first.changes] == ["11"]
        assert len(second.changes) == (2 if path[0] == "runs" else 1)
        assert set(records.left_out) == {"journal"}


@given(st.lists(entries, max_size=3), st.data())
def test_journal_without_some_of_its_rows_has_the_others(
    some: list[Any], data: st.DataObject
) -> None:
    stored = json.loads(json.dumps(Journal(some).as_dict()))
    broken = data.draw(st.sets(st.integers(0, max(0, len(some) - 1)), max_size=len(some)))
    for place in broken:
        stored["runs"][place]["kind"] = None
    faults: list[str] = []

    kept = Journal.from_dict(stored, faults).entries

    assert kept == tuple(one for place, one in enumerate(some) if place not in broken)
    assert faults == ["journal"] * len(broken)


@given(
    st.builds(
        Summary,
        st.none() | st.floats(0, 3e9),
        st.none() | st.floats(0, 99),
        st.booleans(),
        *[st.none() | st.integers(0, 9)] * 5,
        *[st.integers(0, 9)] * 2,
        st.none()
        | st.dictionaries(
            person_ids,
            st.builds(PersonFigures, st.text(), st.text(), *[st.none() | st.integers(0, 9)] * 4),
        ),
        st.none() | st.builds(LastLabelled, *[st.text()] * 3, st.floats(0, 3e9)),
    ),
    st.builds(
        Held,
        st.floats(0, 3e9),
        st.lists(st.sampled_from(HoldReason), min_size=1).map(tuple),
        st.integers(0, 9),
        st.integers(0, 9),
        st.lists(held_group_rows, max_size=3).map(tuple),
        st.lists(st.text()).map(tuple),
    ),
)
def test_records_in_the_journal_survive_being_written(summary: Summary, held: Held) -> None:
    assert Summary.from_dict(json.loads(json.dumps(summary.as_dict())), None) == summary
    assert held_of(json.loads(json.dumps(held.as_dict()))) == held


# Through Home Assistant


async def start_with(ha_env: HaEnv, storage: dict[str, Any], name: str, data: object) -> None:
    """Load the entry again with other data in one of its files."""
    manager = ha_env.hass.config_entries
    await manager.async_unload(ha_env.entry.entry_id)
    key = f"{DOMAIN}.{ha_env.entry.entry_id}.{name}"
    storage[key] = {**storage[key], "data": json.loads(json.dumps(data))}
    await manager.async_setup(ha_env.entry.entry_id)
    await ha_env.settle()


async def assert_everything_answers(ha_env: HaEnv) -> None:
    """Check that the entry is loaded, and that no action ends in anything but a sentence."""
    assert ha_env.entry.state is ConfigEntryState.LOADED
    for action, fields in (
        ("get_pending", {}),
        ("get_runs", {}),
        ("explain", {"title": "a"}),
        ("undo", {"dry_run": True}),
        ("sync_all", {"dry_run": True}),
        ("remove_labels", {"dry_run": True}),
    ):
        try:
            json.dumps(await ha_env.call(action, **fields))
        except HomeAssistantError as err:
            assert err.translation_key, action  # noqa: PT017 - either is well


@pytest.mark.parametrize("name", FILES)
async def test_no_wrong_value_keeps_the_entry_from_loading_or_an_action_from_answering(
    ha_env: HaEnv, hass_storage: dict[str, Any], name: str
) -> None:
    ha_env.pulsarr.knobs.rate_limit = 100_000
    await ha_env.set_up(live_mode=False, batch_mode=False)
    registry = ir.async_get(ha_env.hass)
    for number, path in enumerate(leaves(FILES[name])):
        value = WRONG[number % len(WRONG)]
        if is_sound(path, at(FILES[name], path), value):
            value = {"?": 1}
        await start_with(ha_env, hass_storage, name, replaced(FILES[name], path, value))

        issue_id = f"store_left_out_{ha_env.entry.entry_id}"
        repair = registry.async_get_issue(DOMAIN, issue_id)
        assert repair is not None, path
        assert repair.translation_placeholders is not None
        assert repair.translation_placeholders["name"] == ha_env.entry.title
        ir.async_delete_issue(ha_env.hass, DOMAIN, issue_id)
        await assert_everything_answers(ha_env)


async def test_no_wrong_value_in_the_ledger_stops_anything(
    ha_env: HaEnv, hass_storage: dict[str, Any]
) -> None:
    """Walks through whatever the present format is; what is told there is the ledger's own matter."""
    ha_env.pulsarr.knobs.rate_limit = 100_000
    await ha_env.set_up(live_mode=False, batch_mode=False)
    await ha_env.call("sync_all")
    await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)
    data = hass_storage[f"{DOMAIN}.{ha_env.entry.entry_id}.ledger"]["data"]
    sound = json.loads(json.dumps(data))
    places = list(leaves(sound))
    assert len(places) > 20
    for number, path in enumerate(places[:: max(1, len(places) // 20)]):
        value = WRONG[number % len(WRONG)]
        await start_with(ha_env, hass_storage, "ledger", replaced(sound, path, value))
        await assert_everything_answers(ha_env)
