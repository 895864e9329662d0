"""What old files become, and what all files keep."""

from __future__ import annotations

from dataclasses import replace
import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.storage.files import MINOR_VERSIONS, NONSENSE, migrated
from custom_components.plex_label_sync.sync.journal import Entry, Journal
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import Action, Change, Row, RunKind

from ..sync.builders import LABELS, ledger_rows

first_ledgers = st.dictionaries(
    st.sampled_from(LABELS) | st.text(min_size=1, max_size=8),
    st.dictionaries(
        st.sampled_from("12"),
        st.dictionaries(st.integers(1, 9).map(str), st.integers(0, 2**32), max_size=4),
        max_size=2,
    ),
    max_size=4,
)
first_changes = st.tuples(
    st.sampled_from(["add", "remove"]),
    st.sampled_from(LABELS),
    st.sampled_from("12"),
    st.integers(1, 9).map(str),
    st.text(max_size=5),
    st.text(max_size=5),
)
first_runs = st.fixed_dictionaries(
    {
        "id": st.text(min_size=1, max_size=4),
        "kind": st.sampled_from(["full", "live"]),
        "started": st.floats(0, 2e9),
        "status": st.sampled_from([None, "done", "failed"]),
        "changes": st.lists(first_changes.map(list), max_size=4),
    }
)
last_sync = {"finished": 1.0, "titles": 2, "missing": 1, "added": 3, "removed": 0}


@given(first_ledgers)
def test_first_ledger_is_read_as_rows_of_which_only_the_time_is_known(
    labels: dict[str, dict[str, dict[str, int]]],
) -> None:
    data = json.loads(json.dumps({"labels": labels}))
    rows = set(Ledger.from_dict(migrated("ledger", 1, data)))
    stored = [
        Row(label, library, key, written)
        for label, libraries in labels.items()
        for library, items in libraries.items()
        for key, written in items.items()
    ]
    assert rows <= set(stored)
    assert {row.key for row in rows} == {row.key for row in stored}


@given(st.lists(first_runs, max_size=4), st.sampled_from([{}, {"last_sync": last_sync}]))
def test_changes_of_the_first_journal_count_as_ours(
    runs: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    data = json.loads(json.dumps({"runs": runs, **more}))
    new = migrated("journal", 1, data)
    assert {key: new[key] for key in more} == more
    entries = Journal.from_dict(new).entries
    assert [entry.run_id for entry in entries] == [run["id"] for run in runs]
    assert [entry.status for entry in entries] == [run["status"] for run in runs]
    assert [entry.changes for entry in entries] == [
        tuple(Change(*change) for change in run["changes"]) for run in runs
    ]


@given(st.lists(ledger_rows, max_size=8))
def test_present_ledger_is_left_as_it_is(rows: list[Row]) -> None:
    data = Ledger(rows).as_dict()
    assert migrated("ledger", MINOR_VERSIONS["ledger"], data) == data


@pytest.mark.parametrize("name", MINOR_VERSIONS)
def test_file_of_a_newer_minor_version_is_used_as_it_is(name: str) -> None:
    data = {"of": "the future"}
    assert migrated(name, MINOR_VERSIONS[name] + 1, data) == {"of": "the future"}


def test_queue_has_not_changed() -> None:
    data: dict[str, Any] = {"pending": []}
    assert migrated("queue", 1, data) == {"pending": []}


@pytest.mark.parametrize("name", ["ledger", "journal"])
@pytest.mark.parametrize("data", [{}, {"labels": [], "runs": {"a": 1}}, {"labels": 3, "runs": 3}])
def test_damaged_old_file_is_refused_like_a_damaged_new_one(
    name: str, data: dict[str, Any]
) -> None:
    with pytest.raises(NONSENSE):
        migrated(name, 1, data)


# One literal file for each version that there was, and what is in it.
LEDGERS: dict[int, dict[str, Any]] = {
    1: {"labels": {"Anna": {"1": {"11": 1_790_000_000}}}},
    2: {"labels": {"Anna": {"1": {"11": [1_790_000_000, [], "", 0, 0]}}}},
    3: {"items": [["1", "11", ""]], "kinds": [["Anna", [], 0]], "rows": [0, 0, 1_790_000_000, 0]},
}
JOURNALS: dict[int, dict[str, Any]] = {
    1: {
        "runs": [
            {
                "id": "a1",
                "kind": "full",
                "started": 5.0,
                "status": "done",
                "changes": [["add", "Anna", "1", "11", "Heat", "anna wants it"]],
            }
        ]
    },
    2: {
        "runs": [
            {
                "id": "a1",
                "kind": "full",
                "started": 5.0,
                "status": "done",
                "changes": [["add", "Anna", "1", "11", "Heat", "anna wants it", True]],
            }
        ]
    },
    3: {
        "items": [["1", "11", "Heat"]],
        "edits": [["add", "Anna", "anna wants it", True]],
        "runs": [{"id": "a1", "kind": "full", "started": 5.0, "status": "done", "changes": [0, 0]}],
    },
}


@pytest.mark.parametrize("version", LEDGERS)
def test_ledger_of_each_version_is_read(version: int) -> None:
    read = Ledger.from_dict(migrated("ledger", version, LEDGERS[version]))
    assert list(read) == [Row("Anna", "1", "11", 1_790_000_000)]
    assert set(LEDGERS) == set(range(1, MINOR_VERSIONS["ledger"] + 1))


@pytest.mark.parametrize("version", JOURNALS)
def test_journal_of_each_version_is_read(version: int) -> None:
    read = Journal.from_dict(migrated("journal", version, JOURNALS[version]))
    change = Change(Action.ADD, "Anna", "1", "11", "Heat", "anna wants it")
    assert read.entries == (Entry("a1", RunKind.FULL, 5.0, (change,), "done"),)
    assert set(JOURNALS) == set(range(1, MINOR_VERSIONS["journal"] + 1))


@given(st.lists(ledger_rows, max_size=8, unique_by=lambda row: row.key))
def test_second_ledger_keeps_everything(rows: list[Row]) -> None:
    labels: dict[str, Any] = {}
    for row in rows:
        flags = (
            row.removed_by_user
            + 2 * row.pinned
            + 4 * row.is_removed_marker
            + 8 * (not row.confirmed)
        )
        labels.setdefault(row.label, {}).setdefault(row.library, {})[row.rating_key] = [
            row.written,
            list(row.people),
            row.title_id,
            row.unwanted_since,
            flags,
        ]
    # Which items these were was not known then.
    known = {replace(row, uuid="", type="", guid="", ids=frozenset[str](), added=0) for row in rows}
    assert set(Ledger.from_dict(migrated("ledger", 2, {"labels": labels}))) == known
