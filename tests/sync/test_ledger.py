"""Which labels on which items are ours."""

from dataclasses import replace
import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.changes import Action, Change, Row, RowKey
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import Person, fold
from custom_components.plex_label_sync.sync.person_id import PersonId, pulsarr_id

from .builders import ANNA, BEN, LABELS, add, ledger, ledger_rows, people as drawn_people, remove

histories = st.lists(
    st.builds(
        lambda make, label, number: make(label, str(number)),
        st.sampled_from([add, remove]),
        st.sampled_from(LABELS),
        st.integers(1, 4),
    ),
    max_size=30,
)
some_rows = st.lists(ledger_rows, max_size=20, unique_by=lambda row: row.key)


def row(label: str = "anna", rating_key: str = "11", **more: Any) -> Row:
    """Return one row."""
    return replace(Row(label, "1", rating_key, 5), **more)


def test_label_is_own_in_any_spelling_on_the_item_where_we_wrote_it() -> None:
    is_own = ledger(("11", "anna"))
    assert ("11", "ANNA") in is_own
    assert ("12", "anna") not in is_own
    assert ("11", "ben") not in is_own


def test_ledger_knows_the_rows_of_each_item() -> None:
    is_own = ledger(("11", "Anna"), ("11", "ben"), ("12", "anna"))
    assert {key: {one.label for one in rows} for key, rows in is_own.by_item().items()} == {
        "11": {"Anna", "ben"},
        "12": {"anna"},
    }
    assert len(is_own) == 3


def test_rows_are_replaced_and_taken_out() -> None:
    is_own = Ledger([row(), row("ben")])
    is_own.apply(
        {("11", "anna"): None, ("11", "ben"): row("Ben", removed_by_user=True), ("9", "x"): None}
    )
    assert list(is_own) == [row("Ben", removed_by_user=True)]
    assert is_own.get(("11", "anna")) is None


def test_rows_may_change_while_someone_goes_through_them() -> None:
    is_own = Ledger([row(), row("ben")])
    for one in is_own:
        is_own.apply({one.key: None})
    assert len(is_own) == 0


def test_addition_that_may_be_in_plex_is_own_but_not_confirmed() -> None:
    is_own = Ledger([row("ben", people=(pulsarr_id(2),))])
    is_own.adopt([add("Anna", "11"), add("Ben", "11"), remove("carl", "11")], now=7.9)
    foreign = replace(add("kids", "11"), is_own=False)
    is_own.adopt([foreign], now=7.9)
    assert list(is_own) == [
        row("ben", people=(pulsarr_id(2),)),
        row("Anna", written=7, confirmed=False),
    ]


def test_only_own_labels_can_be_pinned() -> None:
    is_own = Ledger([row(), row("ben")])
    is_own.pin([("11", "anna"), ("99", "anna")])
    assert list(is_own) == [row(pinned=True), row("ben")]


def test_overrides_are_forgotten_and_counted() -> None:
    is_own = Ledger([row(removed_by_user=True), row("ben", removed_by_user=True), row("carl")])
    assert is_own.clear_overrides([("11", "anna"), ("11", "carl"), ("99", "anna")]) == 1
    assert list(is_own) == [row("ben", removed_by_user=True), row("carl")]
    assert is_own.clear_overrides([("11", "anna")]) == 0


@given(some_rows, st.dictionaries(st.sampled_from("1234"), ledger_rows | st.none()))
def test_ledger_holds_what_was_applied_last(
    before: list[Row], changes: dict[str, Row | None]
) -> None:
    changed: dict[RowKey, Row | None] = {
        (number, "anna") if one is None else one.key: one for number, one in changes.items()
    }
    is_own = Ledger(before)
    is_own.apply(changed)
    expected: dict[RowKey, Row | None] = {**{one.key: one for one in before}, **changed}
    assert {one.key: one for one in is_own} == {
        key: one for key, one in expected.items() if one is not None
    }


@given(some_rows, histories)
def test_adopting_adds_rows_and_doubts_those_that_may_have_changed(
    before: list[Row], history: list[Change]
) -> None:
    is_own = Ledger(before)
    is_own.adopt(history, now=1)
    added = {one.key for one in history if one.action is Action.ADD}
    removed = {one.key for one in history if one.action is Action.REMOVE}
    known = {one.key for one in before}
    assert {one.key for one in is_own} == known | added
    for row in before:
        doubted = row.key in (added if row.removed_by_user else removed)
        expected = replace(row, removed_by_user=False, confirmed=False) if doubted else row
        if doubted and row.removed_by_user:  # it said since when the label was kept off
            expected = replace(expected, unwanted_since=0)
        assert is_own.get(row.key) == expected
    assert all(not one.confirmed and one.people == () for one in is_own if one.key not in known)


@given(some_rows)
def test_every_row_belongs_to_its_item(some: list[Row]) -> None:
    is_own = Ledger(some)
    by_item = is_own.by_item()
    assert {one.key for rows in by_item.values() for one in rows} == {one.key for one in some}
    assert all(one.rating_key == key for key, rows in by_item.items() for one in rows)
    assert all((one.rating_key, one.label) in is_own for one in some)
    assert all(is_own.get((one.rating_key, fold(one.label))) == one for one in some)


@given(some_rows)
def test_ledger_survives_being_written_to_disk(some: list[Row]) -> None:
    is_own = Ledger(some)
    read = Ledger.from_dict(json.loads(json.dumps(is_own.as_dict())))
    assert set(read) == set(is_own) == set(some)
    assert Ledger.from_dict(read.as_dict()).as_dict() == read.as_dict()


@given(some_rows, st.lists(drawn_people, max_size=4, unique_by=lambda person: person.id))
def test_whom_the_ledger_knows_survives_being_written_to_disk(
    some: list[Row], people: list[Person]
) -> None:
    is_own = Ledger(some)
    is_own.follow([replace(one, uuid=f"uuid-{one.id}", wanted=3) for one in people])
    again = Ledger.from_dict(json.loads(json.dumps(is_own.as_dict())))
    assert list(again) == list(is_own)
    known = {key: (one.username, one.alias, one.uuid) for key, one in is_own.people.items()}
    assert {key: (one.username, one.alias, one.uuid) for key, one in again.people.items()} == known


@given(some_rows)
def test_file_of_an_older_version_reports_no_identities_and_keeps_the_rows(some: list[Row]) -> None:
    data = Ledger(some).as_dict()
    del data["identities"], data["people"]
    older = Ledger.from_dict(json.loads(json.dumps(data)))
    nothing: dict[str, Any] = {"uuid": "", "type": "", "guid": "", "ids": frozenset(), "added": 0}
    assert list(older) == [replace(one, **nothing) for one in some]
    assert older.people == {}


# People


def test_account_that_comes_under_a_new_id_keeps_its_labels() -> None:
    is_own = Ledger(
        [
            row(people=(pulsarr_id(1),)),
            row("kids", people=(pulsarr_id(1), pulsarr_id(2))),
            row("ben", people=(pulsarr_id(2),)),
        ]
    )
    anna, ben = replace(ANNA, uuid="a"), replace(BEN, uuid="b")
    assert is_own.follow([anna, ben])
    assert not is_own.follow([ben, anna])
    renamed = replace(anna, id=pulsarr_id(9), username="anne")
    assert is_own.follow([renamed, ben])
    assert [one.people for one in is_own] == [
        (pulsarr_id(9),),
        (pulsarr_id(2), pulsarr_id(9)),
        (pulsarr_id(2),),
    ]
    assert is_own.people == {pulsarr_id(9): renamed, pulsarr_id(2): ben}


@pytest.mark.parametrize(
    "now",
    [
        [replace(BEN, uuid="b")],  # somebody else, and anna left
        [replace(ANNA, id=pulsarr_id(9), uuid="")],  # by name alone nobody is the same
        [replace(ANNA, uuid="a"), replace(BEN, uuid="a")],  # she is still there herself
    ],
)
def test_no_one_elses_labels_move(now: list[Person]) -> None:
    is_own = Ledger([row(people=(pulsarr_id(1),))])
    is_own.follow([replace(ANNA, uuid="a")])
    is_own.follow(now)
    assert [one.people for one in is_own] == [(pulsarr_id(1),)]
    assert is_own.people[pulsarr_id(1)].username == "anna"  # who left is still known


def test_ids_are_those_of_the_same_accounts_as_well() -> None:
    is_own = Ledger()
    is_own.follow([replace(ANNA, uuid="a"), BEN])
    now = [Person(pulsarr_id(9), "anne", uuid="a"), Person(pulsarr_id(8), "ben")]
    assert is_own.ids_now({pulsarr_id(1)}, now) == {pulsarr_id(1), pulsarr_id(9)}
    assert is_own.ids_now({pulsarr_id(2)}, now) == {pulsarr_id(2)}
    assert is_own.ids_now((), now) == frozenset()


def test_account_that_another_source_knows_too_keeps_the_labels_of_each() -> None:
    here = Person(pulsarr_id(1), "anna", uuid="account")
    there = replace(here, id=PersonId("other:7"))
    is_own = Ledger([row(people=(here.id,))], [here])
    assert is_own.moved([there]) == {}
    is_own.follow([there])
    assert [one.people for one in is_own] == [(here.id,)]
    assert is_own.people.keys() == {here.id, there.id}


def test_labels_of_one_person_report_whose_they_are() -> None:
    is_own = Ledger(
        [
            row(people=(pulsarr_id(1),)),
            row("kids", people=(pulsarr_id(1), pulsarr_id(2))),
            row("old", "12", people=(pulsarr_id(1),)),
        ]
    )
    assert is_own.labels_of_one() == {("anna", pulsarr_id(1)), ("old", pulsarr_id(1))}


def test_copy_does_not_follow() -> None:
    is_own = Ledger([Row("anna", "1", "11", 5)])
    copied = is_own.copy()
    is_own.apply({("11", "anna"): None})
    assert (len(is_own), len(copied)) == (0, 1)
    assert ("11", "ANNA") in copied


ITEM, KIND = ["1", "11", ""], ["anna", [1], 0]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"labels": {}},
        {"items": None, "kinds": [], "rows": []},
        {"items": [], "kinds": [], "rows": None},
        {"items": [["1", "11"]], "kinds": [KIND], "rows": []},
        {"items": [ITEM], "kinds": [["anna", None, 0]], "rows": []},
        {"items": [ITEM], "kinds": [["anna", ["ben"], 0]], "rows": []},
        {"items": [ITEM], "kinds": [["anna", [1], "off"]], "rows": []},
        {"items": [ITEM], "kinds": [KIND], "rows": [0, 0, 5]},
        {"items": [ITEM], "kinds": [KIND], "rows": [1, 0, 5, 0]},
        {"items": [ITEM], "kinds": [KIND], "rows": [0, -1, 5, 0]},
        {"items": [ITEM], "kinds": [KIND], "rows": [0, 0, "yesterday", 0]},
        {"items": [ITEM], "kinds": [KIND], "rows": [0, 0, 5, None]},
    ],
)
def test_ledger_that_makes_no_sense_is_refused(data: dict[str, object]) -> None:
    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
        Ledger.from_dict(data)
