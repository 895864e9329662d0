"""Which labels on which items are ours."""

import json

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.ledger import Ledger, Row
from custom_components.plex_label_sync.sync.model import Action, Change, fold

from .words import LABELS, add, ledger, remove

rows = st.builds(
    Row,
    label=st.sampled_from(LABELS) | st.text(min_size=1, max_size=8),
    library=st.sampled_from("12"),
    rating_key=st.integers(1, 6).map(str),
    written=st.integers(0, 2**32),
)
histories = st.lists(
    st.builds(
        lambda make, label, number: make(label, str(number)),
        st.sampled_from([add, remove]),
        st.sampled_from(LABELS),
        st.integers(1, 4),
    ),
    max_size=30,
)


def test_label_is_ours_in_any_spelling_on_the_item_where_we_wrote_it() -> None:
    ours = ledger(("11", "anna"))
    assert ("11", "ANNA") in ours
    assert ("12", "anna") not in ours
    assert ("11", "ben") not in ours


def test_ledger_knows_its_items_and_labels() -> None:
    ours = ledger(("11", "Anna"), ("11", "ben"), ("12", "anna"))
    assert ours.items == {"11", "12"}
    assert ours.labels == {"anna", "ben"}
    assert len(ours) == 3


def test_label_that_is_taken_off_is_ours_no_longer() -> None:
    ours = ledger(("11", "anna"))
    ours.record([remove("Anna", "11"), remove("ben", "11")], now=5)
    assert ours.rows == ()


def test_label_that_is_added_again_keeps_its_first_time() -> None:
    ours = Ledger()
    ours.record([add("anna", "11")], now=5.9)
    ours.record([add("Anna", "11")], now=9.0)
    assert ours.rows == (Row("anna", "1", "11", 5),)


@given(histories)
def test_ledger_holds_what_was_added_last_and_not_taken_off(history: list[Change]) -> None:
    ours = Ledger()
    ours.record(history, now=1)
    expected = set()
    for change in history:
        key = (change.rating_key, fold(change.label))
        if change.action is Action.ADD:
            expected.add(key)
        else:
            expected.discard(key)
    assert {(row.rating_key, fold(row.label)) for row in ours.rows} == expected
    assert ours.items == {key for key, _ in expected}
    assert ours.labels == {label for _, label in expected}


@given(st.lists(rows, max_size=20))
def test_ledger_survives_being_written_to_disk(some: list[Row]) -> None:
    ours = Ledger(some)
    read = Ledger.from_dict(json.loads(json.dumps(ours.as_dict())))
    assert set(read.rows) == set(ours.rows)
    assert Ledger.from_dict(read.as_dict()).as_dict() == read.as_dict()


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"labels": None},
        {"labels": ["anna"]},
        {"labels": {"anna": "1"}},
        {"labels": {"anna": {"1": {"11": "yesterday"}}}},
        {"labels": {"anna": {"1": {"11": None}}}},
    ],
)
def test_ledger_that_makes_no_sense_is_refused(data: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        Ledger.from_dict(data)
