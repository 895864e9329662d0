"""People by what somebody calls them."""

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.model import Person
from custom_components.plex_label_sync.sync.people import (
    AmbiguousPersonError,
    UnknownPersonError,
    people_named,
)
from custom_components.plex_label_sync.sync.person_id import PersonId, pulsarr_id

from .builders import ANNA, BEN, people as drawn_people


@pytest.mark.parametrize("text", ["1", "ANNA", " anna ", "oma", "Anna R.", " Oma's Label"])
def test_people_are_named_by_id_or_label_or_any_of_their_names(text: str) -> None:
    anna = Person(pulsarr_id(1), "anna", alias="Oma", display_name="Anna R.")
    assert people_named((anna, BEN), (text,), [("Oma's label", pulsarr_id(1))]) == {pulsarr_id(1)}


def test_username_beats_an_alias_or_a_display_name_and_these_beat_a_label() -> None:
    others = (
        Person(pulsarr_id(2), "x", alias="anna"),
        Person(pulsarr_id(3), "y", display_name="ANNA"),
    )
    assert people_named((ANNA, *others), ("anna",), [("anna", pulsarr_id(3))]) == {pulsarr_id(1)}
    assert people_named(
        (BEN, Person(pulsarr_id(3), "y", display_name="Opa")), ("opa",), [("Opa", pulsarr_id(2))]
    ) == {pulsarr_id(3)}
    assert people_named((ANNA, BEN), ("opa",), [("Opa", pulsarr_id(2))]) == {pulsarr_id(2)}


def test_number_is_an_id_only_if_no_name_fits() -> None:
    assert people_named((ANNA, Person(pulsarr_id(7), "1")), ("1",)) == {pulsarr_id(7)}
    assert people_named((ANNA, Person(pulsarr_id(7), "x", alias="1")), ("1",)) == {pulsarr_id(7)}
    assert people_named((ANNA, BEN), ("1",), [("1", pulsarr_id(2))]) == {pulsarr_id(2)}
    assert people_named((ANNA, BEN), ("2",)) == {pulsarr_id(2)}


def test_text_that_fits_two_people_is_refused_with_both_named() -> None:
    with pytest.raises(AmbiguousPersonError) as caught:
        people_named(
            (
                Person(pulsarr_id(4), "x", alias="Opa"),
                Person(pulsarr_id(5), "y", display_name="opa"),
            ),
            ("OPA",),
        )
    assert (caught.value.text, caught.value.names) == ("OPA", ("x", "y"))
    with pytest.raises(AmbiguousPersonError) as caught:
        people_named((ANNA,), ("Kids",), [("kids", pulsarr_id(1)), ("Kids", pulsarr_id(9))])
    assert caught.value.names == ("anna", "9")


def test_names_that_differ_in_capitals_only_are_distinguished_by_them() -> None:
    both = (Person(pulsarr_id(1), "rosa"), Person(pulsarr_id(2), "ROSA"))
    assert people_named(both, ("rosa",)) == {pulsarr_id(1)}
    assert people_named(both, ("ROSA",)) == {pulsarr_id(2)}
    with pytest.raises(AmbiguousPersonError):
        people_named(both, ("Rosa",))


def test_id_may_be_given_with_its_source() -> None:
    other = Person(PersonId("other:2"), "zoe")
    people = [ANNA, BEN, other]
    assert people_named(people, ["pulsarr:2", "other:2"]) == {BEN.id, other.id}
    assert people_named(people, ["2"]) == {BEN.id}
    with pytest.raises(UnknownPersonError):
        people_named(people, ["third:2"])


def test_someone_who_left_is_found_by_label_and_number() -> None:
    assert people_named((ANNA,), ("Zoe",), [("zoe", pulsarr_id(9))]) == {pulsarr_id(9)}
    assert people_named((ANNA,), ("9",), [("zoe", pulsarr_id(9))]) == {pulsarr_id(9)}


@pytest.mark.parametrize("text", ["carl", "", " ", "3"])
def test_name_of_no_one_is_refused_with_the_name(text: str) -> None:
    with pytest.raises(UnknownPersonError) as caught:
        people_named((ANNA, BEN), ("anna", text))
    assert str(caught.value) == text


@given(st.lists(drawn_people, unique_by=lambda person: person.id))
def test_person_who_is_found_is_called_so_and_no_one_else_is_called_so_better(
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
