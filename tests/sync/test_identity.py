"""Whether a row of the ledger is about the item that has its rating key."""

from dataclasses import replace
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.changes import Row
from custom_components.plex_label_sync.sync.identity import (
    Relation,
    is_another_title,
    relation,
)
from custom_components.plex_label_sync.sync.model import Item
from custom_components.plex_label_sync.sync.title_ids import agree, external

from .builders import MOVIE, SHOW, item, ledger_rows, library_items

HEAT = replace(
    item("11", "plex:a", "imdb:tt1", "tmdb:1"), guid="plex://movie/a", added=1_700_000_000
)
RAN = replace(HEAT, ids=frozenset({"plex:b", "imdb:tt2", "tmdb:2"}), guid="plex://movie/b")
ROW = Row(
    "anna",
    "1",
    "11",
    5,
    uuid="u",
    type="movie",
    guid=HEAT.guid,
    ids=HEAT.ids,
    added=HEAT.added,
)


@pytest.mark.parametrize(
    ("row", "now", "uuid", "expected"),
    [
        ({}, {}, "u", Relation.ABOUT),
        ({}, {}, "v", Relation.UNRELATED),  # the library was made anew
        ({}, {}, "", Relation.ABOUT),
        ({"uuid": ""}, {}, "v", Relation.ABOUT),
        ({}, {"library": "3"}, "v", Relation.UNRELATED),  # of another library
        ({}, {"library": "3"}, "", Relation.ABOUT),  # which library that is was not told
        ({}, {"type": SHOW}, "u", Relation.UNRELATED),
        ({"type": ""}, {"type": SHOW}, "u", Relation.ABOUT),
        ({}, {"ids": RAN.ids}, "u", Relation.ABOUT),  # its numbers were corrected
        ({}, {"guid": RAN.guid}, "u", Relation.ABOUT),  # Plex has a new key for it
        ({}, {"guid": "", "ids": frozenset()}, "u", Relation.ABOUT),  # a listing without ids
        ({}, {"guid": RAN.guid, "ids": RAN.ids}, "u", Relation.REMATCHED),
        ({"added": 7}, {"guid": RAN.guid, "ids": RAN.ids}, "u", Relation.UNRELATED),
        ({"added": 0}, {"guid": RAN.guid, "ids": RAN.ids}, "u", Relation.UNRELATED),
        ({"added": 7}, {}, "u", Relation.ABOUT),
        ({"guid": ""}, {"guid": RAN.guid, "ids": RAN.ids}, "u", Relation.ABOUT),
        ({}, {"guid": RAN.guid, "ids": frozenset({"plex:b"})}, "u", Relation.ABOUT),
        (
            {},
            {"guid": "local://11", "ids": frozenset()},  # somebody took its match away
            "u",
            Relation.ABOUT,
        ),
    ],
)
def test_row_is_about_an_item_unless_it_is_certain_that_it_is_another(
    row: dict[str, Any], now: dict[str, Any], uuid: str, expected: Relation
) -> None:
    assert relation(replace(ROW, **row), replace(HEAT, **now), uuid) is expected


@given(ledger_rows, library_items(limit=3), st.sampled_from(("", "uuid-1", "uuid-2")))
def test_less_that_is_known_never_makes_a_stranger_of_an_item(
    row: Row, items: list[Item], uuid: str
) -> None:
    for one in items:
        if relation(row, one, uuid) is not Relation.UNRELATED:
            assert relation(row, replace(one, guid=""), "") is Relation.ABOUT
            unknown = replace(row, uuid="", type="", guid="", ids=frozenset())
            assert relation(unknown, one, uuid) is Relation.ABOUT


@given(ledger_rows, library_items(limit=3))
def test_another_title_has_another_guid_and_ids_that_contradict(
    row: Row, items: list[Item]
) -> None:
    for one in items:
        if is_another_title(row, one):
            assert row.guid != one.guid
            assert agree(external(row.ids), external(one.ids)) is False
            assert not is_another_title(row, replace(one, guid=row.guid))
            assert not is_another_title(row, replace(one, ids=row.ids))


def test_item_of_the_other_type_is_never_the_one() -> None:
    assert relation(ROW, replace(HEAT, type=MOVIE), "u") is Relation.ABOUT
    assert relation(replace(ROW, type="show"), HEAT, "u") is Relation.UNRELATED
