"""Who has which account: by the id, by the name, by what the owner says; never by a guess."""

from __future__ import annotations

from typing import Any

import pytest

from custom_components.plex_label_sync.sharing.model import Account, Kind, MatchedBy
from custom_components.plex_label_sync.sharing.who import matches, pair_of, without_person
from custom_components.plex_label_sync.sync.model import Person
from custom_components.plex_label_sync.sync.person_id import pulsarr_id

from .builders import OWNER, friend

UUID = "ab" * 8


def by(person: Person, *accounts: Account, options: tuple[str, ...] = ()) -> tuple[str | None, str]:
    """Return which account a person has, and how it was found."""
    match = matches([person], [OWNER, *accounts], options)[person.id]
    return (match.account.id if match.account else None), match.by.value


@pytest.mark.parametrize(
    ("person", "account", "found"),
    [
        ({"username": "rosa"}, {}, ("7", "username")),
        ({"username": "ROSA"}, {}, ("7", "username")),
        ({"username": "new name", "uuid": UUID.upper()}, {"uuid": UUID}, ("7", "uuid")),
        ({"username": "rosa", "uuid": UUID}, {"username": "renamed", "uuid": UUID}, ("7", "uuid")),
        ({"username": "rosa", "uuid": UUID}, {"uuid": "cd" * 8}, (None, "none")),
        ({"username": "rosa", "uuid": UUID}, {}, ("7", "username")),
        ({"username": "nobody", "alias": "rosa", "display_name": "Rosa"}, {}, (None, "none")),
        ({"username": "Rosa"}, {"username": "", "title": "Rosa"}, (None, "none")),
        ({"username": "max"}, {}, ("1", "username")),
        ({"username": "somebody", "is_primary": True}, {}, ("1", "username")),
        ({"username": "somebody", "uuid": "0" * 16}, {}, ("1", "uuid")),
        ({"username": "x", "uuid": UUID, "is_primary": True}, {"uuid": UUID}, ("7", "uuid")),
    ],
)
def test_account_is_found_by_what_cannot_be_wrong(
    person: dict[str, Any], account: dict[str, Any], found: tuple[str | None, str]
) -> None:
    assert by(Person(pulsarr_id(1), **person), friend(**account)) == found


def test_two_that_fit_are_no_match() -> None:
    twice = (friend(uuid=UUID), friend(id="8", uuid=UUID))
    assert by(Person(pulsarr_id(1), "rosa", uuid=UUID), *twice) == (None, "ambiguous")
    named = (friend(), friend(id="8", username="Rosa"))
    match = matches([Person(pulsarr_id(1), "rosa")], [OWNER, *named])[pulsarr_id(1)]
    assert match.by is MatchedBy.AMBIGUOUS
    assert [one.id for one in match.candidates] == ["7", "8"]


def test_one_account_is_one_persons_by_name() -> None:
    people = [Person(pulsarr_id(1), "rosa"), Person(pulsarr_id(2), "Rosa")]
    found = matches(people, [OWNER, friend()])
    assert [found[one.id].by for one in people] == [MatchedBy.AMBIGUOUS, MatchedBy.AMBIGUOUS]
    sure = [Person(pulsarr_id(1), "rosa"), Person(pulsarr_id(2), "renamed", uuid=UUID)]
    found = matches(sure, [OWNER, friend(uuid=UUID)])
    assert (found[pulsarr_id(1)].by, found[pulsarr_id(2)].by) == (MatchedBy.NONE, MatchedBy.UUID)


@pytest.mark.parametrize("option", ["sam=Leo", "3=9", "Sam = leo", "Sammy=Leo"])
def test_owner_may_say_whose_account_it_is(option: str) -> None:
    leo = friend(id="9", title="Leo", username="", kind=Kind.MANAGED)
    sam = Person(pulsarr_id(3), "sam", alias="Sammy")
    assert by(sam, leo) == (None, "none")
    assert by(sam, leo, options=(option,)) == ("9", "option")


def test_what_the_owner_says_does_not_move_who_is_found() -> None:
    leo = friend(id="9", title="Leo", username="")
    assert by(Person(pulsarr_id(1), "rosa"), friend(), leo, options=("rosa=Leo",)) == (
        "7",
        "username",
    )


def test_option_with_two_meanings_or_none_says_nothing() -> None:
    people = [Person(pulsarr_id(1), "a"), Person(pulsarr_id(2), "a=b")]
    accounts = [friend(username="b=c"), friend(id="8", username="c")]
    assert pair_of("a=b=c", people, accounts) is None
    assert pair_of("a=c", people, accounts) == (people[0], accounts[1])
    assert pair_of("a", people, accounts) is None
    assert pair_of("=c", people, accounts) is None
    twins = [friend(title="Leo", username=""), friend(id="8", title="Leo", username="")]
    assert pair_of("a=Leo", people, twins) is None


def test_children_and_strangers_are_nobodys() -> None:
    leo = friend(id="9", title="Leo", username="", kind=Kind.MANAGED)
    all_accounts = [OWNER, friend(), leo]
    assert without_person(all_accounts, matches([Person(pulsarr_id(1), "rosa")], all_accounts)) == (
        leo,
    )
