"""Match Pulsarr users to accounts at plex.tv. Pure.

By the account's id, which survives renames on both sides; then by name, unless the ids contradict
it; then by the owner's own assignment in the options. Two candidates are not a match.
"""

from collections.abc import Iterable, Mapping, Sequence

from ..sync.model import Person
from ..sync.person_id import PersonId, named_id
from .model import Account, Kind, Match, MatchedBy

type Matches = dict[PersonId, Match]


def matches(
    people: Sequence[Person], accounts: Sequence[Account], options: Iterable[str] = ()
) -> Matches:
    """Return each person's account; `accounts` includes the owner's."""
    assigned = _assigned(options, people, accounts)
    found = {person.id: _match(person, accounts) for person in people}
    for person in people:
        if found[person.id].account is None and (account := assigned.get(person.id)) is not None:
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
    """Return whether both have an id and these differ: then an equal name is an old one."""
    return bool(person.uuid and account.uuid and person.uuid.casefold() != account.uuid.casefold())


def _only(candidates: Sequence[Account], by: MatchedBy) -> Match:
    if len({one.id for one in candidates}) == 1:
        return Match(candidates[0], by)
    return Match(None, MatchedBy.AMBIGUOUS, tuple(candidates))


def _one_each(found: Matches) -> Matches:
    """Return matches in which no two people have the same account by name.

    An id and the owner's assignment count for more than a name.
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


def _assigned(
    options: Iterable[str], people: Sequence[Person], accounts: Sequence[Account]
) -> Mapping[PersonId, Account]:
    pairs = (pair_of(option, people, accounts) for option in options)
    return {pair[0].id: pair[1] for pair in pairs if pair is not None}


def pair_of(
    option: str, people: Sequence[Person], accounts: Sequence[Account]
) -> tuple[Person, Account] | None:
    """Return the pair that `PERSON=ACCOUNT` means, None if a side is unknown or ambiguous.

    Names may contain the sign themselves: every position of it is tried.
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
    """Return the person with a name or an id; a username precedes an alias, and a name an id."""
    folded = text.casefold()
    searches = (
        [one for one in people if one.username == text],
        [one for one in people if one.username.casefold() == folded],
        [one for one in people if folded in {_folded(one.alias), _folded(one.display_name)}],
        [one for one in people if one.id == named_id(text)],
    )
    return _first_single(searches) if text else None


def _account(accounts: Sequence[Account], text: str) -> Account | None:
    """Return the account with a username, a title or an id."""
    folded = text.casefold()
    searches = (
        [one for one in accounts if one.username.casefold() == folded],
        [one for one in accounts if one.title.casefold() == folded],
        [one for one in accounts if one.id == text],
    )
    return _first_single(searches) if text else None


def _folded(name: str | None) -> str | None:
    return name.casefold() if name else None


def _first_single[T](searches: Iterable[Sequence[T]]) -> T | None:
    """Return the result of the first search that finds anything, if it is a single one."""
    for found in searches:
        if found:
            return found[0] if len(found) == 1 else None
    return None


def account_named(accounts: Sequence[Account], text: str) -> Account | None:
    """Return the account with a given name or id, None if unknown or ambiguous."""
    return _account(accounts, text)


def without_person(accounts: Iterable[Account], found: Matches) -> tuple[Account, ...]:
    """Return the accounts without a Pulsarr user, such as children's, except the owner's."""
    matched = {match.account.id for match in found.values() if match.account is not None}
    return tuple(one for one in accounts if one.id not in matched and one.kind is not Kind.OWNER)
