"""People by what somebody calls them."""

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.model import Person
from custom_components.plex_label_sync.sync.people import (
    AmbiguousPersonError,
    UnknownPersonError,
    people_named,
)

from .builders import ANNA, BEN, people as drawn_people


@pytest.mark.parametrize("text", ["1", "ANNA", " anna ", "oma", "Anna R.", " Oma's Label"])
def test_people_are_named_by_id_or_label_or_any_of_their_names(text: str) -> None:
    anna = Person(1, "anna", alias="Oma", display_name="Anna R.")
    assert people_named((anna, BEN), (text,), [("Oma's label", 1)]) == {1}


def test_username_beats_an_alias_or_a_display_name_and_these_beat_a_label() -> None:
    others = (Person(2, "x", alias="anna"), Person(3, "y", display_name="ANNA"))
    assert people_named((ANNA, *others), ("anna",), [("anna", 3)]) == {1}
    assert people_named((BEN, Person(3, "y", display_name="Opa")), ("opa",), [("Opa", 2)]) == {3}
    assert people_named((ANNA, BEN), ("opa",), [("Opa", 2)]) == {2}


def test_number_is_an_id_only_if_no_name_fits() -> None:
    assert people_named((ANNA, Person(7, "1")), ("1",)) == {7}
    assert people_named((ANNA, Person(7, "x", alias="1")), ("1",)) == {7}
    assert people_named((ANNA, BEN), ("1",), [("1", 2)]) == {2}
    assert people_named((ANNA, BEN), ("2",)) == {2}


def test_text_that_fits_two_people_is_refused_with_both_named() -> None:
    with pytest.raises(AmbiguousPersonError) as caught:
        people_named((Person(4, "x", alias="Opa"), Person(5, "y", display_name="opa")), ("OPA",))
    assert (caught.value.text, caught.value.names) == ("OPA", ("x", "y"))
    with pytest.raises(AmbiguousPersonError) as caught:
        people_named((ANNA,), ("Kids",), [("kids", 1), ("Kids", 9)])
    assert caught.value.names == ("anna", "9")


def test_names_that_differ_in_capitals_only_are_told_apart_by_them() -> None:
    both = (Person(1, "rosa"), Person(2, "ROSA"))
    assert people_named(both, ("rosa",)) == {1}
    assert people_named(both, ("ROSA",)) == {2}
    with pytest.raises(AmbiguousPersonError):
        people_named(both, ("Rosa",))


def test_somebody_who_left_is_found_by_label_and_number() -> None:
    assert people_named((ANNA,), ("Zoe",), [("zoe", 9)]) == {9}
    assert people_named((ANNA,), ("9",), [("zoe", 9)]) == {9}


@pytest.mark.parametrize("text", ["carl", "", " ", "3"])
def test_name_of_nobody_is_refused_with_the_name(text: str) -> None:
    with pytest.raises(UnknownPersonError) as caught:
        people_named((ANNA, BEN), ("anna", text))
    assert str(caught.value) == text


@given(st.lists(drawn_people, unique_by=lambda person: person.id))
def test_whoever_is_found_is_called_so_and_nobody_else_is_called_so_better(
    open_env: list[Person],
) -> None:
    for person in open_env:
        for name in filter(str.strip, (str(person.id), person.username, person.alias or "")):
            try:
                (found,) = people_named(open_env, (name,))
            except AmbiguousPersonError:
                continue
            one = next(other for other in open_env if other.id == found)
            names = {one.username.casefold(), (one.alias or "").casefold(), str(one.id)}
            assert name.strip().casefold() in names
            if any(other.username.casefold() == name.strip().casefold() for other in open_env):
                assert one.username.casefold() == name.strip().casefold()
