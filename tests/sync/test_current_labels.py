"""The labels in Plex as they were read: which there are, and who carries them."""

import pytest

from custom_components.plex_label_sync.sync.current_labels import CurrentLabels
from custom_components.plex_label_sync.sync.model import StoredLabel

from .builders import add, present, remove


def test_label_is_carried_in_any_spelling() -> None:
    there = present({"11": ["Anna"]})
    assert there.carries("11", "anna")
    assert there.carries("11", "ANNA")
    assert not there.carries("12", "anna")
    assert not there.carries("11", "ann")


@pytest.mark.parametrize(
    ("stored", "spelling"),
    [([], "anna"), (["Anna"], "Anna"), (["ANNA", "anna"], "anna"), (["ANNA", "Anna"], "ANNA")],
)
def test_label_is_written_as_plex_stores_it(stored: list[str], spelling: str) -> None:
    there = CurrentLabels()
    there.add_directory("1", [StoredLabel(str(n), text) for n, text in enumerate(stored)])
    assert there.spelling("1", "anna") == spelling


def test_label_is_written_as_another_library_stores_it_where_it_is_new() -> None:
    there = CurrentLabels()
    there.add_directory("1", [StoredLabel("1", "ANNA"), StoredLabel("2", "BEN")])
    there.add_directory("2", [StoredLabel("3", "Ben")])
    assert there.spelling("2", "anna") == there.spelling("3", "anna") == "ANNA"
    assert there.spelling("2", "ben") == "Ben"
    assert there.spelling("2", "carl") == "carl"


def test_newer_directory_replaces_the_older_one() -> None:
    there = CurrentLabels()
    there.add_directory("1", [StoredLabel("1", "ANNA")])
    there.add_directory("1", [StoredLabel("2", "Anna")])
    assert there.spelling("1", "anna") == "Anna"


def test_label_that_the_item_itself_does_not_list_is_not_known() -> None:
    there = present({"11": ["Anna", "Ben"], "12": ["Anna"]})
    there.correct("11", ["BEN", "Carl"])
    assert there.carries_if_known("1", "11", "ben") is True
    assert there.carries_if_known("1", "11", "carl") is True
    assert there.carries_if_known("1", "11", "dora") is False
    assert there.carries_if_known("1", "11", "anna") is None
    assert there.carries_if_known("1", "12", "anna") is True


@pytest.mark.parametrize(
    ("carried", "is_own", "spelling"),
    [
        ([], "anna", "anna"),
        (["anna", "Anna"], "anna", "anna"),
        (["ANNA", "Anna"], "anna", "Anna"),
        (["ANNA"], "anna", "ANNA"),
    ],
)
def test_label_is_removed_in_a_spelling_that_the_item_carries(
    carried: list[str], is_own: str, spelling: str
) -> None:
    assert present({"11": carried}).spelling_on("11", is_own) == spelling


def test_addition_shows_in_any_spelling_and_removal_when_just_its_spelling_is_gone() -> None:
    there = present({"11": ["Anna"]})
    assert there.shows(add("anna", "11"))
    assert not there.shows(add("anna", "12"))
    assert there.shows(remove("anna", "11"))
    assert not there.shows(remove("Anna", "11"))
