"""The last runs with their changes."""

from dataclasses import replace
import json

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.changes import Action, Change
from custom_components.plex_label_sync.sync.journal import CHANGES_MAX, RUNS_MAX, Entry, Journal
from custom_components.plex_label_sync.sync.model import MediaType
from custom_components.plex_label_sync.sync.run import RunKind

from .builders import add, person_refs, reasons, remove

changes = st.builds(
    Change,
    action=st.sampled_from(Action),
    label=st.text(max_size=5),
    library=st.sampled_from("12"),
    rating_key=st.integers(1, 99).map(str),
    title=st.text(max_size=5),
    reason=reasons,
    people=st.lists(person_refs, max_size=3).map(tuple),
    type=st.none() | st.sampled_from(MediaType),
    title_id=st.sampled_from(("", "tmdb:949")),
    library_name=st.sampled_from(("", "Movies", "Filme")),
    is_own=st.booleans(),
)
entries = st.builds(
    Entry,
    run_id=st.uuids().map(str),
    kind=st.sampled_from(RunKind),
    started=st.floats(0, 2e9),
    changes=st.lists(changes, max_size=2).map(tuple),
    status=st.sampled_from([None, "done", "failed"]),
    confirmed=st.booleans(),
)


def run(run_id: str, *some: Change, status: str | None = None) -> Entry:
    """Return one run."""
    return Entry(run_id, RunKind.FULL, 0.0, some, status)


def test_run_that_did_not_end_is_unfinished() -> None:
    journal = Journal()
    journal.begin(run("a", add("anna", "11")))
    journal.begin(run("b", add("ben", "11")))
    journal.finish("a", "done", [add("anna", "11")])
    assert [entry.run_id for entry in journal.unfinished] == ["b"]
    assert [(entry.run_id, entry.status, entry.changes) for entry in journal.entries] == [
        ("a", "done", (add("anna", "11"),)),
        ("b", None, (add("ben", "11"),)),
    ]


def test_runs_that_changed_nothing_do_not_push_out_one_that_can_be_undone() -> None:
    journal = Journal()
    journal.begin(run("a", add("anna", "11")))
    journal.finish("a", "done", [add("anna", "11")])
    for number in range(RUNS_MAX + 5):
        journal.begin(run(str(number), add("ben", "11")))
        journal.finish(str(number), "failed", [])
    assert [entry.run_id for entry in journal.entries] == ["a"]


def test_run_that_tries_the_same_again_and_again_displaces_only_itself() -> None:
    journal = Journal()
    journal.begin(run("a", add("anna", "11")))
    journal.finish("a", "done", [add("anna", "11")])
    for number in range(RUNS_MAX + 1):
        journal.begin(run(f"b{number}", add("ben", "12")))
        journal.finish(f"b{number}", "done", [add("ben", "12")], confirmed=False)
    assert [entry.run_id for entry in journal.entries] == ["a", f"b{RUNS_MAX}"]
    journal.begin(run("c", add("ben", "12")))
    journal.finish("c", "done", [add("ben", "12")])
    assert [entry.run_id for entry in journal.entries] == ["a", f"b{RUNS_MAX}", "c"]


def test_run_with_nothing_confirmed_displaces_no_confirmed_one_with_the_same_changes() -> None:
    journal = Journal()
    for run_id, confirmed in (("a", True), ("b", False), ("c", False)):
        journal.begin(run(run_id, add("anna", "11")))
        journal.finish(run_id, "done", [add("anna", "11")], confirmed=confirmed)
    assert [entry.run_id for entry in journal.entries] == ["a", "c"]
    again = Journal.from_dict(json.loads(json.dumps(journal.as_dict())))
    assert again.entries == journal.entries


def test_run_keeps_what_was_confirmed_in_place_of_what_was_planned() -> None:
    journal = Journal([run("a", add("anna", "11"), add("anna", "12"))])
    journal.finish("a", "failed", [add("anna", "12")])
    assert journal.entries == (run("a", add("anna", "12"), status="failed"),)


def test_end_of_a_forgotten_run_changes_nothing() -> None:
    journal = Journal([run("a", add("anna", "11"))])
    journal.finish("z", "done", [remove("anna", "11")])
    assert journal.entries == (run("a", add("anna", "11")),)


def test_oldest_run_goes_when_there_are_too_many() -> None:
    journal = Journal()
    for number in range(RUNS_MAX + 5):
        journal.begin(run(str(number)))
        journal.finish(str(number), "done", [add("anna", "11")])
    assert [entry.run_id for entry in journal.entries] == [
        str(number) for number in range(5, RUNS_MAX + 5)
    ]


def test_old_runs_go_when_they_hold_too_many_changes() -> None:
    half = (add("anna", "11"),) * (CHANGES_MAX // 2)
    journal = Journal()
    for one in "ab":
        journal.begin(run(one, *half))
        journal.finish(one, "done", half)
    assert [entry.run_id for entry in journal.entries] == ["a", "b"]
    journal.begin(run("c", add("anna", "12")))
    assert [entry.run_id for entry in journal.entries] == ["a", "b", "c"]
    journal.finish("c", "done", [add("anna", "12")])
    assert [entry.run_id for entry in journal.entries] == ["b", "c"]


def test_newest_run_is_kept_however_big_it_is() -> None:
    many = (add("anna", "11"),) * (CHANGES_MAX + 1)
    journal = Journal([run("a", add("ben", "11"), status="done")])
    journal.begin(run("b", *many))
    journal.finish("b", "done", many)
    assert [entry.run_id for entry in journal.entries] == ["b"]


def test_run_to_take_back_is_the_last_that_ended_and_changed_something() -> None:
    changed = run("b", add("anna", "11"), status="failed")
    journal = Journal(
        [
            run("a", add("ben", "11"), status="done"),
            changed,
            run("c", status="done"),
            run("d", add("carl", "11")),
        ]
    )
    assert journal.get(None) == changed
    assert journal.get("a") == run("a", add("ben", "11"), status="done")
    assert [journal.get(one) for one in ("c", "d", "z")] == [None, None, None]
    assert Journal().get(None) is None


@given(st.lists(entries, min_size=15, max_size=26))
def test_journal_never_grows_beyond_its_bounds(some: list[Entry]) -> None:
    journal = Journal()
    for entry in some:
        journal.begin(replace(entry, status=None))
        assert journal.entries[-1].changes == entry.changes
        journal.finish(entry.run_id, "done", entry.changes)
        assert len(journal.entries) <= RUNS_MAX
    kept = [entry.changes for entry in some if entry.changes]
    assert [entry.changes for entry in journal.entries] == kept[-RUNS_MAX:]


@given(st.lists(entries, max_size=5))
def test_journal_survives_being_written_to_disk(some: list[Entry]) -> None:
    journal = Journal(some)
    read = Journal.from_dict(json.loads(json.dumps(journal.as_dict())))
    assert read.entries == journal.entries


def test_what_repeats_is_stored_once() -> None:
    many = [add(label, str(key)) for key in range(100) for label in ("anna", "ben")]
    data = Journal([run("a", *many)]).as_dict()
    assert (len(data["items"]), len(data["edits"]), len(data["runs"][0]["changes"])) == (
        100,
        2,
        400,
    )


ITEM = [0, "11", "Heat", "movie", "tmdb:949"]
EDIT = ["add", "anna", True, {"code": "wanted"}, [0]]


@pytest.mark.parametrize(
    ("items", "edits", "run"),
    [
        ([ITEM], [EDIT], {}),
        ([ITEM], [EDIT], None),
        ([ITEM], [EDIT], {"kind": "odd"}),
        ([ITEM], [EDIT], {"started": "?"}),
        ([ITEM], [EDIT], {"changes": [0]}),
        ([ITEM], [EDIT], {"changes": [0, 1]}),
        ([ITEM], [EDIT], {"changes": [-1, 0]}),
        ([ITEM], [EDIT], {"changes": ["0", "0"]}),
        ([ITEM], [EDIT], {"changes": None}),
        ([[0, "11"]], [EDIT], {"changes": []}),
        ([[1, *ITEM[1:]]], [EDIT], {"changes": []}),
        ([[*ITEM[:3], "odd", ""]], [EDIT], {"changes": []}),
        ([ITEM], [["odd", *EDIT[1:]]], {"changes": []}),
        ([ITEM], [[*EDIT[:3], {"code": 7}, []]], {"changes": []}),
        ([ITEM], [[*EDIT[:3], {"code": "wanted", "since": "?"}, []]], {"changes": []}),
        ([ITEM], [[*EDIT[:3], "wanted", []]], {"changes": []}),
        ([ITEM], [[*EDIT[:4], [1]]], {"changes": []}),
        (None, [EDIT], {"changes": []}),
        ([ITEM], {"a": 1}, {"changes": []}),
    ],
)
def test_journal_that_makes_no_sense_is_refused(
    items: object, edits: object, run: dict[str, object] | None
) -> None:
    whole = {"id": "a", "kind": "full", "started": 0, "status": None}
    runs = [{**whole, **run}] if run is not None else None
    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
        Journal.from_dict(
            {
                "libraries": [["1", "Movies"]],
                "people": [[1, "anna"]],
                "items": items,
                "edits": edits,
                "runs": runs,
            }
        )
