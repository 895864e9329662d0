"""Who gets which label, seen beforehand, and what is wrong with it."""

from typing import Any

from hypothesis import example, given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.model import (
    MediaType,
    Person,
    RemovedLabelMode,
    SyncSettings,
    fold,
)
from custom_components.plex_label_sync.sync.naming import label_of
from custom_components.plex_label_sync.sync.person_id import own_id, pulsarr_id
from custom_components.plex_label_sync.sync.preview import LabelProblem, label_preview

from .test_naming import good_formats, persons

families = st.lists(persons, max_size=8, unique_by=lambda person: person.id)
ROSA = Person(pulsarr_id(1), "rosa")


def problems(*people: Person, **settings: Any) -> dict[int, set[str]]:
    """Return what is wrong with each person's label, by the number of the person."""
    rows = label_preview(people, SyncSettings(**settings))
    return {int(own_id(row.person.id)): set(row.problems) for row in rows}


def test_names_that_differ_have_no_trouble() -> None:
    assert problems(ROSA, Person(pulsarr_id(2), "tim")) == {1: set(), 2: set()}


def test_two_people_with_one_name_share_a_label() -> None:
    assert problems(ROSA, Person(pulsarr_id(2), "rosa")) == {1: {"shared"}, 2: {"shared"}}


def test_upper_and_lower_case_alone_make_no_two_labels() -> None:
    assert problems(ROSA, Person(pulsarr_id(2), "ROSA")) == {1: {"case"}, 2: {"case"}}


def test_name_that_only_falls_back_to_anothers_is_shared_too() -> None:
    other = Person(pulsarr_id(2), "tim", alias="rosa")
    assert problems(ROSA, other, label_format="{alias}") == {1: {"shared"}, 2: {"shared"}}
    assert problems(ROSA, other, label_format="{alias} {user_id}") == {1: set(), 2: set()}


@pytest.mark.parametrize("name", ["Tom, Jerry", "R&D", "a  b", "x" * 61, "\u202etim", ",,"])
def test_name_that_cannot_stand_in_a_label_is_reported(name: str) -> None:
    assert problems(Person(pulsarr_id(1), name)) == {1: {"changed"}}
    assert problems(Person(pulsarr_id(1), "tim", alias=name), label_format="{username}") == {
        1: set()
    }


@pytest.mark.parametrize("name", [" rosa ", "Jose\u0301", "Oma Rosa", "🎬"])
def test_name_that_looks_the_same_in_a_label_is_not_changed(name: str) -> None:
    assert problems(Person(pulsarr_id(1), name)) == {1: set()}
    assert problems(Person(pulsarr_id(1), "tim", alias=name), label_format="for {alias}") == {
        1: set()
    }


def test_label_that_means_something_else_is_reported() -> None:
    assert problems(Person(pulsarr_id(1), "No-Sync")) == {1: {"reserved"}}
    assert problems(ROSA, exclude_labels=frozenset({fold("Rosa")})) == {1: {"reserved"}}
    removed = Person(pulsarr_id(1), "Removed")
    assert problems(removed) == {1: set()}
    assert problems(removed, removed_label_mode=RemovedLabelMode.MARK) == {1: {"reserved"}}


def test_only_those_who_get_labels_are_shown() -> None:
    out, off = Person(pulsarr_id(2), "rosa"), Person(pulsarr_id(3), "tim", can_sync=False)
    assert problems(ROSA, out, off, exclude_people=frozenset({pulsarr_id(2)})) == {1: set()}
    assert set(problems(ROSA, out, off, sync_disabled_people=True)) == {1, 2, 3}


def test_labels_for_movies_and_for_shows_are_both_shown() -> None:
    (row,) = label_preview([ROSA], SyncSettings(label_format="{username} {type}"))
    assert row.labels == ("rosa movie", "rosa show")


@given(families, good_formats)
@example(
    [Person(pulsarr_id(1), "a"), Person(pulsarr_id(2), "A"), Person(pulsarr_id(3), "b")],
    "{username}",
)
def test_people_share_a_label_exactly_when_no_one_could_distinguish_theirs(
    people: list[Person], label_format: str
) -> None:
    settings = SyncSettings(label_format=label_format)
    rows = label_preview(people, settings)

    def labels(person: Person) -> set[str]:
        return {fold(label_of(person, one, settings)) for one in MediaType}

    wanted = {
        person.id: {
            other.id for other in people if other.id != person.id and labels(person) & labels(other)
        }
        for person in people
        if person.can_sync
    }
    shared = {row.person.id: {other.id for other in row.shares_with} for row in rows}
    assert shared == wanted
    for row in rows:
        assert bool(row.problems & {LabelProblem.SHARED, LabelProblem.CASE}) is bool(
            row.shares_with
        )
        assert {fold(label) for label in row.labels} == labels(row.person)
    assert sorted(rows, key=lambda row: not row.problems) == list(rows)
