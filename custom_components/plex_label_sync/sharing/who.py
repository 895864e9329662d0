"""Finds the account at plex.tv that a Pulsarr user has. Pure.

By the account's id, which survives renames on both sides; then by the name, if nothing speaks
against it; then by what the owner of the server has said. Two that fit are no match.
"""

from collections.abc import Iterable, Mapping, Sequence

from ..sync.model import Person
from ..sync.person_id import PersonId, named_id
from .model import Account, Kind, Match, MatchedBy

type Matches = dict[PersonId, Match]


def matches(
    people: Sequence[Person], accounts: Sequence[Account], options: Iterable[str] = ()
) -> Matches:
    """Return each person's account. `accounts` holds the owner's as well."""
    said = _said(options, people, accounts)
    found = {person.id: _match(person, accounts) for person in people}
    for person in people:
        if found[person.id].account is None and (account := said.get(person.id)) is not None:
            found[person.id] = Match(account, MatchedBy.OPTION)
    return _one_each(found)


def _match(person: Person, accounts: Sequence[Account]) -> Match:
    if person.uuid:
        same = [one for one in accounts if one.uuid.casefold() == person.uuid.casefold()]
        if same:
            return _only(same, MatchedBy.UUID)
    owner = next((one for one in accounts if one.kind is Kind.OWNER), None)
    if owner is not None and person.is_primary and not _contradict(person, owner):
        return Match(owner, MatchedBy.USERNAME)
    name = person.username.casefold()
    named = [
        one
        for one in accounts
        if one.username and one.username.casefold() == name and not _contradict(person, one)
    ]
    return _only(named, MatchedBy.USERNAME) if named else Match(None, MatchedBy.NONE)


def _contradict(person: Person, account: Account) -> bool:
    """Tell whether both have an id, and not the same: then a name is an old one."""
    return bool(person.uuid and account.uuid and person.uuid.casefold() != account.uuid.casefold())


def _only(candidates: Sequence[Account], by: MatchedBy) -> Match:
    if len({one.id for one in candidates}) == 1:
        return Match(candidates[0], by)
    return Match(None, MatchedBy.AMBIGUOUS, tuple(candidates))


def _one_each(found: Matches) -> Matches:
    """Return matches in which nobody has an account by name that somebody else has, too.

    An id, and what the owner of the server has said, count for more than a name.
    """
    sure = {
        match.account.id
        for match in found.values()
        if match.account is not None and match.by is not MatchedBy.USERNAME
    }
    by_name: dict[str, int] = {}
    for match in found.values():
        if match.account is not None and match.by is MatchedBy.USERNAME:
            by_name[match.account.id] = by_name.get(match.account.id, 0) + 1
    result = dict(found)
    for person_id, match in found.items():
        account = match.account
        if account is not None and match.by is MatchedBy.USERNAME:
            if account.id in sure:
                result[person_id] = Match(None, MatchedBy.NONE)
            elif by_name[account.id] > 1:
                result[person_id] = Match(None, MatchedBy.AMBIGUOUS, (account,))
    return result


def _said(
    options: Iterable[str], people: Sequence[Person], accounts: Sequence[Account]
) -> Mapping[PersonId, Account]:
    pairs = (pair_of(option, people, accounts) for option in options)
    return {pair[0].id: pair[1] for pair in pairs if pair is not None}


def pair_of(
    option: str, people: Sequence[Person], accounts: Sequence[Account]
) -> tuple[Person, Account] | None:
    """Return whom `PERSON=ACCOUNT` means, None when one side is unknown or could be several.

    Names may hold the sign themselves: every place of it is tried.
    """
    parts = option.split("=")
    found = []
    for cut in range(1, len(parts)):
        person = _person(people, "=".join(parts[:cut]).strip())
        account = _account(accounts, "=".join(parts[cut:]).strip())
        if person is not None and account is not None:
            found.append((person, account))
    return found[0] if len(found) == 1 else None


def _person(people: Sequence[Person], text: str) -> Person | None:
    """Return the person with a name or an id; a username beats an alias, and any name an id."""
    folded = text.casefold()
    ways = (
        [one for one in people if one.username == text],
        [one for one in people if one.username.casefold() == folded],
        [one for one in people if folded in {_folded(one.alias), _folded(one.display_name)}],
        [one for one in people if one.id == named_id(text)],
    )
    return _first_sure(ways) if text else None


def _account(accounts: Sequence[Account], text: str) -> Account | None:
    """Return the account with a username, a title or an id."""
    folded = text.casefold()
    ways = (
        [one for one in accounts if one.username.casefold() == folded],
        [one for one in accounts if one.title.casefold() == folded],
        [one for one in accounts if one.id == text],
    )
    return _first_sure(ways) if text else None


def _folded(name: str | None) -> str | None:
    return name.casefold() if name else None


def _first_sure[T](ways: Iterable[Sequence[T]]) -> T | None:
    """Return what the first way that finds anything finds, if that is one only."""
    for found in ways:
        if found:
            return found[0] if len(found) == 1 else None
    return None


def account_named(accounts: Sequence[Account], text: str) -> Account | None:
    """Return the account that somebody means by a name or an id."""
    return _account(accounts, text)


def without_person(accounts: Iterable[Account], found: Matches) -> tuple[Account, ...]:
    """Return the accounts that are no Pulsarr user's, such as children's. The owner's is none."""
    taken = {match.account.id for match in found.values() if match.account is not None}
    return tuple(one for one in accounts if one.id not in taken and one.kind is not Kind.OWNER)
