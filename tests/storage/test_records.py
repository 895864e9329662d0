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
from custom_components.plex_label_sync.sync.reasons import (
    PersonRef,
    Reason,
    ReasonCode,
    names_of,
)

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
    assert [
        [
            [one.action.value, one.label, one.library, one.rating_key, one.title]
            for one in entry.changes
        ]
        for entry in entries
    ] == [[change[:5] for change in run["changes"]] for run in runs]
    assert all(one.ours for entry in entries for one in entry.changes)


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
    4: {
        "items": [["1", "11", "Heat"]],
        "edits": [["add", "Anna", "anna wants it", True]],
        "runs": [
            {
                "id": "a1",
                "kind": "full",
                "started": 5.0,
                "by": "unknown",
                "status": "done",
                "changes": [0, 0],
            }
        ],
    },
    5: {
        "libraries": [["1", ""]],
        "people": [[0, "anna"]],
        "items": [[0, "11", "Heat", "", ""]],
        "edits": [["add", "Anna", True, {"code": "wanted"}, [0]]],
        "runs": [
            {
                "id": "a1",
                "kind": "full",
                "started": 5.0,
                "by": "unknown",
                "status": "done",
                "changes": [0, 0],
            }
        ],
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
    why, anna = Reason(ReasonCode.WANTED), PersonRef(0, "anna")
    change = Change(Action.ADD, "Anna", "1", "11", "Heat", why, (anna,))
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


# The sentences of earlier versions, and what is known of them now.
SENTENCES: dict[str, tuple[Reason, tuple[str, ...]]] = {
    "anna wants it": (Reason(ReasonCode.WANTED), ("anna",)),
    "anna and ben want it": (Reason(ReasonCode.WANTED), ("anna", "ben")),
    "anna, ben and carl want it": (Reason(ReasonCode.WANTED), ("anna", "ben", "carl")),
    "renamed from anna": (Reason(ReasonCode.RENAMED_FROM, label="anna"), ()),
    "renamed to anne": (Reason(ReasonCode.RENAMED_TO, label="anne"), ()),
    "nobody wants it since 2026-09-21": (Reason(ReasonCode.NOT_WANTED, since=1_789_948_800), ()),
    "nobody wants it since 2026-99-99": (Reason(ReasonCode.NOT_WANTED), ()),
    "anna is not in Pulsarr any more": (Reason(ReasonCode.PERSON_GONE), ("anna",)),
    "the sync of anna is off": (Reason(ReasonCode.SYNC_OFF), ("anna",)),
    "rock and roll is excluded": (Reason(ReasonCode.PERSON_EXCLUDED), ("rock and roll",)),
    "Plex took another title for it, now Ran": (Reason(ReasonCode.REMATCHED, title="Ran"), ()),
    "nobody wants it any more": (Reason(ReasonCode.MARKED), ()),
    "somebody wants it again": (Reason(ReasonCode.WANTED_AGAIN), ()),
    "not ours, and existing labels are not preserved": (Reason(ReasonCode.FOREIGN), ()),
    "undoes run a1b2": (Reason(ReasonCode.UNDO, run_id="a1b2"), ()),
    "all labels are taken off": (Reason(ReasonCode.REQUESTED), ()),
    "because": (Reason(ReasonCode.UNRECORDED), ()),
}


def old_journal(*edits: object, items: object = (["1", "11", "Heat"],)) -> Journal:
    """Return a journal of before reasons had codes, as it is read now; odd parts are left out."""
    changes = [at for number in range(len(edits)) for at in (0, number)]
    run = {"id": "a", "kind": "full", "started": 5.0, "status": "done", "changes": changes}
    data = {"items": items, "edits": edits, "runs": [run]}
    return Journal.from_dict(migrated("journal", 4, json.loads(json.dumps(data))), [])


def test_sentences_of_earlier_versions_are_understood() -> None:
    (entry,) = old_journal(*(["add", "anna", one, True] for one in SENTENCES)).entries
    read = {
        sentence: (change.reason, names_of(change.people))
        for sentence, change in zip(SENTENCES, entry.changes, strict=True)
    }
    assert read == SENTENCES
    assert {one.code for one, _ in SENTENCES.values()} == set(ReasonCode)


def test_odd_parts_of_an_earlier_journal_cost_only_themselves() -> None:
    good = ["add", "anna", "anna wants it", True]
    (entry,) = old_journal(good, ["add", "anna", 7, True], 7, good).entries
    assert len(entry.changes) == 2
    (entry,) = old_journal(good, items=[["1", "11"]]).entries
    assert entry.changes == ()


@given(st.text(max_size=30))
def test_any_sentence_of_an_earlier_journal_is_read(sentence: str) -> None:
    (entry,) = old_journal(["add", "anna", sentence, True]).entries
    assert len(entry.changes) == 1
