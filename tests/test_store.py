"""What old files become, and what all files keep."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.store import MINOR_VERSIONS, migrated
from custom_components.plex_label_sync.sync.journal import Journal
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import Change, Row

from .sync.words import LABELS, ledger_rows

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
    assert {key: value for key, value in new.items() if key != "runs"} == more
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
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        migrated(name, 1, data)
