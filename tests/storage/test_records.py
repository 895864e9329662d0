"""What old files become, and what all files keep."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.storage.files import MINOR_VERSIONS, NONSENSE, migrated
from custom_components.plex_label_sync.sync.changes import Action, Change, Row
from custom_components.plex_label_sync.sync.journal import Entry, Journal
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.person_id import NO_ID
from custom_components.plex_label_sync.sync.reasons import (
    PersonRef,
    Reason,
    ReasonCode,
    names_of,
)
from custom_components.plex_label_sync.sync.run import RunKind

from ..sync.builders import ledger_rows


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


@pytest.mark.parametrize("data", [{}, {"items": [], "runs": {}}, {"items": 3, "edits": []}])
def test_damaged_old_file_is_refused_like_a_damaged_new_one(data: dict[str, Any]) -> None:
    with pytest.raises(NONSENSE):
        Journal.from_dict(migrated("journal", 4, data))


# One literal file for each version that is read, and what is in it.
LEDGER: dict[str, Any] = {
    "items": [["1", "11", ""]],
    "kinds": [["Anna", [], 0]],
    "rows": [0, 0, 1_790_000_000, 0],
}
IDENTIFIED: dict[str, Any] = {"identities": [["", "", "", 0, []]], "people": []}
LEDGERS: dict[int, dict[str, Any]] = {3: LEDGER, 4: LEDGER | IDENTIFIED, 5: LEDGER | IDENTIFIED}
RUN: dict[str, Any] = {
    "id": "a1",
    "kind": "full",
    "started": 5.0,
    "status": "done",
    "changes": [0, 0],
}
SENTENCE: dict[str, Any] = {
    "items": [["1", "11", "Heat"]],
    "edits": [["add", "Anna", "anna wants it", True]],
}
CODE: dict[str, Any] = {
    "libraries": [["1", ""]],
    "items": [[0, "11", "Heat", "", ""]],
    "edits": [["add", "Anna", True, {"code": "wanted"}, [0]]],
    "runs": [RUN | {"by": "unknown"}],
}
JOURNALS: dict[int, dict[str, Any]] = {
    3: SENTENCE | {"runs": [RUN]},
    4: SENTENCE | {"runs": [RUN | {"by": "unknown"}]},
    5: CODE | {"people": [[0, "anna"]]},
    6: CODE | {"people": [["", "anna"]]},
    7: CODE | {"people": [["", "anna"]]},
}


@pytest.mark.parametrize("version", LEDGERS)
def test_ledger_of_each_version_is_read(version: int) -> None:
    read = Ledger.from_dict(migrated("ledger", version, LEDGERS[version]))
    assert list(read) == [Row("Anna", "1", "11", 1_790_000_000)]
    assert max(LEDGERS) == MINOR_VERSIONS["ledger"]


@pytest.mark.parametrize("version", JOURNALS)
def test_journal_of_each_version_is_read(version: int) -> None:
    read = Journal.from_dict(migrated("journal", version, JOURNALS[version]))
    why, anna = Reason(ReasonCode.WANTED), PersonRef(NO_ID, "anna")
    change = Change(Action.ADD, "Anna", "1", "11", "Heat", why, (anna,))
    assert read.entries == (Entry("a1", RunKind.FULL, 5.0, (change,), "done"),)
    assert max(JOURNALS) == MINOR_VERSIONS["journal"]


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
