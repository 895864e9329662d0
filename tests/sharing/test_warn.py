"""Each mistake is found at the right person, once, and goes when it is mended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from custom_components.plex_label_sync.sharing.changes import LostRules
from custom_components.plex_label_sync.sharing.model import Access, Kind, Severity, WarningKey
from custom_components.plex_label_sync.sharing.warn import distance, meant_by
from custom_components.plex_label_sync.sync.model import Person
from custom_components.plex_label_sync.sync.person_id import pulsarr_id

from .builders import MOVIE, ROSA, SHOW, catalogs, facts, friend, keys, warnings_about


@pytest.mark.parametrize(
    ("account", "some", "found"),
    [
        ({}, {}, []),
        ({"rule": "label=rosa"}, {}, []),
        ({"rule": "label!=tim"}, {}, []),
        ({"rule": "label!=tim|label=rosa"}, {}, ["opens_everything"]),
        ({"rule": "label!=tim|label!=kids"}, {}, ["opens_everything"]),
        ({"rule": "label!=rosa"}, {}, ["own_label_excluded"]),
        ({"rule": "label=rosa&label!=ROSA"}, {}, ["own_label_excluded"]),
        ({"rule": "contentRating=XX"}, {}, ["sees_nothing"]),
        ({"rule": "label=rosa&label=family"}, {}, ["sees_nothing"]),
        ({"movies": "label=family"}, {}, ["wishes_hidden", "one_type_only"]),
        ({"rule": "label=rosa", "shows": "label=tim"}, {}, ["wishes_hidden"]),
        ({"movies": "label=rosa"}, {}, ["one_type_only"]),
        ({"movies": "label=rosa", "libraries": frozenset({"1"})}, {}, []),
        ({"rule": "label=rosa,nobody"}, {}, ["label_missing"]),
        ({"rule": "label=nobody"}, {}, ["label_missing"]),
        ({"rule": "label=nobody"}, {"directory": None}, []),
        ({"rule": "label=roza"}, {}, ["label_misspelt"]),
        ({"rule": "label=pulsarr:rosa"}, {}, ["label_misspelt"]),
        ({"rule": "label=rosa "}, {}, ["label_misspelt"]),
        ({"preset": "little_kid", "rule": "contentRating=G"}, {}, ["preset_blocks"]),
        ({"rule": "label=Kids & Family"}, {}, ["not_understood"]),
        ({"rule": None}, {}, ["not_understood"]),
        ({"access": Access.NONE, "libraries": frozenset()}, {}, ["not_shared"]),
        ({"libraries": frozenset()}, {}, ["not_shared"]),
        ({"access": Access.INVITED}, {}, ["invited"]),
        ({"username": "other", "title": "rosa", "access": Access.NONE}, {}, ["no_account"]),
        ({"rule": "contentRating=PG|label=rosa"}, {}, ["rating_or_label"]),
        ({"rule": "label!=tim"}, {"server_version": "1.43.2.10686"}, ["server_too_old"]),
        ({"rule": "label=rosa"}, {"server_version": "1.43.2.10686"}, []),
        ({"rule": "label!=tim"}, {"server_version": "1.43.2.10687"}, []),
    ],
)
def test_each_mistake_has_its_line_and_no_other(
    account: dict[str, Any], some: dict[str, Any], found: list[str]
) -> None:
    assert keys(friend(**account), facts(**some)) == found
    assert keys(friend("label=rosa"), facts(**some)) == []  # and it goes when it is mended


def test_label_is_not_missing_where_only_shows_carry_it() -> None:
    some = facts(movies=("rosa", ""), shows=("rosa", "tim"))
    assert keys(friend("label=rosa,tim"), some) == []


def test_label_that_no_known_person_would_have_is_not_guessed_at() -> None:
    assert meant_by("holiday", ["rosa", "tim"]) is None
    assert meant_by("kim", ["sam"]) is None  # as good as every other short name
    assert meant_by("Rosa Martinez", ["rosamartinez", "rosa"]) == "rosamartinez"
    assert meant_by("label:tim", ["rosa", "tim"]) == "tim"
    assert meant_by("rosa", ["for-rosa"]) == "for-rosa"
    assert meant_by("", ["rosa"]) is None


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [
        ("rosa", "rosa", 0),
        ("rosa", "roza", 1),
        ("rosa", "orsa", 2),
        ("", "abc", 3),
        ("tim", "timo", 1),
    ],
)
def test_letters_are_counted(one: str, other: str, far: int) -> None:
    assert distance(one, other) == distance(other, one) == far


def test_rule_that_is_gone_is_reported_with_what_it_was() -> None:
    lost = {"7": LostRules({MOVIE: "label=rosa", SHOW: "label=rosa"}, 1_000_000, 2)}
    (warning,) = warnings_about(friend(""), lost=lost)
    assert (warning.key, warning.severity) == (WarningKey.RULE_GONE, Severity.ERROR)
    assert warning.types == (MOVIE, SHOW)
    assert warning.who == "Rosa"


def test_rule_that_is_gone_for_one_kind_explains_why_only_one_is_restricted() -> None:
    lost = {"7": LostRules({SHOW: "label=rosa"}, 1_000_000, 2)}
    assert keys(friend("label=rosa", shows=""), lost=lost) == ["rule_gone"]


def test_mistake_in_both_rules_is_one_line() -> None:
    (warning,) = warnings_about(friend("label!=rosa"))
    assert warning.types == (MOVIE, SHOW)
    assert warning.labels == ("rosa",)


def test_everyone_else_is_left_alone() -> None:
    tim = Person(pulsarr_id(2), "tim")
    some = facts(people=(ROSA, tim))
    found = warnings_about(friend("label!=rosa", username="rosa"), some)
    assert [(one.key.value, one.person_id) for one in found if one.person_id == pulsarr_id(1)] == [
        ("own_label_excluded", pulsarr_id(1))
    ]
    assert [one.key.value for one in found if one.person_id == pulsarr_id(2)] == ["no_account"]


def test_child_without_watchlist_is_checked_too() -> None:
    child = friend("label!=scary|label=kids", id="9", title="Leo", username="", kind=Kind.MANAGED)
    found = warnings_about(child)
    assert ("opens_everything", "Leo", None) in [
        (one.key.value, one.who, one.person_id) for one in found
    ]


def test_preset_of_a_child_without_label_is_no_mistake() -> None:
    child = friend("contentRating=G", title="Leo", username="", kind=Kind.MANAGED, preset="teen")
    assert WarningKey.PRESET_BLOCKS not in [one.key for one in warnings_about(child)]


def test_installation_that_restricts_no_one_gets_no_warning_that_counts() -> None:
    found = warnings_about(friend(""), facts(people=(ROSA, Person(pulsarr_id(2), "tim"))))
    assert all(one.severity is Severity.INFO for one in found)


def test_wanted_titles_that_a_rating_hides_are_reported_as_such() -> None:
    some = facts()
    rated = replace(catalogs("rosa", "rosa", ratings=("G", "R")))
    some = replace(some, catalogs={**some.catalogs, MOVIE: rated}, wanted=())
    assert keys(friend("label=rosa&contentRating=G", shows="label=rosa"), some) == []
    some = replace(some, wanted=facts(wanted=((MOVIE, 1),)).wanted)
    (warning,) = warnings_about(friend("label=rosa&contentRating=G", shows="label=rosa"), some)
    assert warning.key is WarningKey.WISHES_HIDDEN
    assert (warning.details["count"], warning.details["allowed"]) == (1, 1)


def test_dismissal_knows_a_warning_by_what_it_is_about() -> None:
    (first,) = warnings_about(friend("label=rosa,one"))
    (second,) = warnings_about(friend("label=rosa,another"))
    assert first.id != second.id
    (again,) = warnings_about(friend("label=rosa,one"), facts(movies=("rosa", "family", "", "")))
    assert again.id == first.id
