"""Combine what plex.tv, Plex and Pulsarr return into a state for each person. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..sync.model import MediaType, Person, fold
from ..sync.person_id import NO_ID, PersonId
from .model import (
    NO_COUNTS,
    Access,
    Account,
    Counts,
    Kind,
    Match,
    MatchedBy,
    Rule,
    State,
    Verdict,
)
from .rules import parse, rule_of
from .visible import UNKNOWN, Catalog, Truth, title_counts
from .who import matches, without_person


@dataclass(frozen=True, slots=True)
class Wanted:
    """A wanted title; `items` is the set of its items in its kind's catalog, 0 if not in Plex."""

    name: str
    media_type: MediaType
    items: int
    people: tuple[PersonId, ...]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """The titles, items, labels and people to which rules are applied.

    `labels` are each person's by kind of title, for people who get labels. `directory` is the
    folded labels that any item carries, None if unknown for some library. `unread_lists` are the
    people whose watchlists could not be read in full, None if nobody's was read yet.
    `accounts_listed` is False when an account may be missing.
    """

    catalogs: Mapping[MediaType, Catalog]
    wanted: Sequence[Wanted]
    people: Sequence[Person]
    labels: Mapping[tuple[PersonId, MediaType], str]
    directory: frozenset[str] | None = None
    options: tuple[str, ...] = ()
    server_version: str = ""
    unread_lists: frozenset[PersonId] | None = frozenset()
    accounts_listed: bool = True

    @property
    def written(self) -> dict[str, str]:
        """Every label that the integration writes, by its folded form."""
        return {fold(label): label for label in self.labels.values()}


@dataclass(frozen=True, slots=True)
class Half:
    """The state of a person for one kind of title.

    `seen` counts the items of all libraries, `shared` those in libraries that are shared with the
    person, None if unknown. `is_partial` tells whether the person may see items that could not be
    read, `unsynced` whether libraries that are not synced. `label` is empty for a person who gets
    none.

    Of the wanted titles, `in_plex` are known to be there and `perhaps_in_plex` may be; `labelled`
    are known to carry the label and `perhaps_labelled` may. `undecided` may be hidden although they
    carry the label.
    """

    media_type: MediaType
    rule: Rule
    seen: Counts
    shared: int | None
    label: str = ""
    wanted: int = 0
    in_plex: int = 0
    labelled: int = 0
    wanted_counts: Counts = NO_COUNTS
    hidden: tuple[str, ...] = ()  # wanted titles that are in Plex
    hidden_labelled: tuple[str, ...] = ()  # of these, shared titles that carry the label
    is_partial: bool = False
    unsynced: bool = False
    perhaps_in_plex: int = 0
    perhaps_labelled: int = 0
    undecided: int = 0

    @property
    def sees_nothing(self) -> bool:
        """Whether no item passes, with certainty."""
        if self.is_partial or self.unsynced:
            return False
        return self.seen.visible == 0 == self.seen.unknown


@dataclass(frozen=True, slots=True)
class Subject:
    """A Pulsarr user, an account at plex.tv, or both.

    `list_unread` is True for a person whose watchlist could not be read in full.
    """

    person: Person | None
    match: Match
    state: State
    halves: tuple[Half, ...]
    list_unread: bool = False

    @property
    def account(self) -> Account | None:
        """The account, if one was found."""
        return self.match.account

    @property
    def name(self) -> str:
        """The display name: the one in Plex, so that the account can be found there."""
        if self.account is not None:
            return self.account.name
        return self.person.username if self.person is not None else ""

    @property
    def id(self) -> str:
        """The id in warnings: the account's, or the Pulsarr user's if there is no account."""
        if self.account is not None:
            return self.account.id
        return NO_ID if self.person is None else self.person.id

    @property
    def label(self) -> str:
        """One of the person's labels; empty for a person who gets none."""
        return next((half.label for half in self.halves if half.label), "")

    @property
    def seen(self) -> int | None:
        """The number of items that the person can see, None if unknown."""
        if any(half.seen.unknown or half.is_partial for half in self.halves):
            return None
        return sum(half.seen.visible for half in self.halves)

    def half(self, media_type: MediaType) -> Half:
        """Return the state for one kind of title."""
        return next(one for one in self.halves if one.media_type is media_type)


def survey(all_accounts: Sequence[Account], facts: Facts) -> tuple[Subject, ...]:
    """Return the state of each Pulsarr user, then of each account without one.

    Accounts without a share of this server are included only if they belong to a person.
    """
    found = matches(facts.people, all_accounts, facts.options)
    wanted = _by_person(facts)
    subjects = [
        _subject(person, found[person.id], wanted.get(person.id, []), facts)
        for person in facts.people
    ]
    others = [
        _subject(None, Match(account, MatchedBy.NONE), [], facts)
        for account in without_person(all_accounts, found)
        if account.access is not Access.NONE
    ]
    return tuple(subjects + others)


def _by_person(facts: Facts) -> dict[PersonId, list[Wanted]]:
    wanted: dict[PersonId, list[Wanted]] = {}
    for one in facts.wanted:
        for person_id in one.people:
            wanted.setdefault(person_id, []).append(one)
    return wanted


def _subject(
    person: Person | None, match: Match, wanted: Sequence[Wanted], facts: Facts
) -> Subject:
    halves = tuple(_half(kind, person, match.account, wanted, facts) for kind in MediaType)
    unread = facts.unread_lists
    list_unread = person is not None and (unread is None or person.id in unread)
    if match.by is MatchedBy.NONE and match.account is None and not facts.accounts_listed:
        return Subject(person, match, State.UNKNOWN, halves, list_unread)
    return Subject(person, match, _state(match.account, halves), halves, list_unread)


def _half(
    kind: MediaType,
    person: Person | None,
    account: Account | None,
    wanted: Sequence[Wanted],
    facts: Facts,
) -> Half:
    catalogs = facts.catalogs[kind]
    rule = parse(None) if account is None else rule_of(account, kind)
    truth = UNKNOWN if account is None else catalogs.visible_to(account, rule)
    label = "" if person is None else facts.labels.get((person.id, kind), "")
    marked = catalogs.carrying(fold(label)) if label else Truth(0, catalogs.all)
    shared = UNKNOWN if account is None else catalogs.shared_with(account)
    some = [one for one in wanted if one.media_type is kind]
    there = [one for one in some if one.items]
    hidden = [one for one in there if not one.items & ~truth.no]
    # Items that nobody shares need no label; those that may carry one and may be hidden count.
    concerned = ~(marked.no | shared.no)
    hidden_labelled = [one for one in hidden if one.items & marked.yes & shared.yes]
    perhaps = catalogs.may_be_in_plex(len(some) - len(there))
    return Half(
        media_type=kind,
        rule=rule,
        seen=truth.of(catalogs.all),
        shared=_shared(account, catalogs),
        label=label,
        wanted=len(some),
        in_plex=len(there),
        labelled=sum(bool(one.items & marked.yes) for one in there),
        wanted_counts=_with_unknown(title_counts(truth, [one.items for one in there]), perhaps),
        hidden=tuple(one.name for one in hidden),
        hidden_labelled=tuple(one.name for one in hidden_labelled),
        is_partial=account is not None and catalogs.may_enter(account, catalogs.partial),
        unsynced=account is not None and catalogs.may_enter(account, catalogs.others),
        perhaps_in_plex=perhaps,
        perhaps_labelled=sum(
            not one.items & marked.yes and bool(one.items & ~marked.no) for one in there
        ),
        undecided=sum(
            truth.verdict(one.items) is not Verdict.VISIBLE and bool(one.items & concerned)
            for one in there
        )
        - len(hidden_labelled),
    )


def _with_unknown(counts: Counts, more: int) -> Counts:
    return replace(counts, unknown=counts.unknown + more)


def _shared(account: Account | None, catalogs: Catalog) -> int | None:
    if account is None:
        return None
    truth = catalogs.shared_with(account)
    if truth == UNKNOWN and catalogs.size:
        return None
    shared = truth.yes.bit_count()
    return None if not shared and catalogs.may_enter(account, catalogs.partial) else shared


def _state(account: Account | None, halves: Sequence[Half]) -> State:
    """Return the state of an account, the most significant one that applies."""
    state = State.NO_ACCOUNT if account is None else _state_of_access(account)
    if state is not None:
        return state
    if any(half.rule.problem is not None for half in halves):
        # Where the preset was not reported, an empty rule says nothing.
        is_silent = account is not None and account.preset is None
        is_silent = is_silent and not any(half.rule.text for half in halves)
        return State.UNKNOWN if is_silent else State.NOT_UNDERSTOOD
    if all(half.rule.is_open for half in halves):
        return State.EVERYTHING
    sees_nothing = all(half.sees_nothing for half in halves)
    return State.NOTHING if sees_nothing else State.RESTRICTED


def _state_of_access(account: Account) -> State | None:
    """Return the state of an account whose rules do not matter, None for others."""
    if account.kind is Kind.OWNER:
        return State.OWNER
    if account.is_missing:
        return State.UNKNOWN
    if account.access is Access.INVITED:
        return State.INVITED
    if account.access is Access.NONE or account.libraries == frozenset():
        return State.NOT_SHARED
    return State.PRESET if account.preset else None


@dataclass(frozen=True, slots=True)
class Preview:
    """What another rule would show of one kind of title, compared with the current one."""

    counts: Counts
    newly_visible: int
    newly_hidden: int
    hidden: tuple[str, ...]  # wanted titles


def preview(
    subject: Subject, rules: Mapping[MediaType, Rule], facts: Facts
) -> dict[MediaType, Preview]:
    """Return what a person would see under other rules. Raises ValueError without an account."""
    account = subject.account
    if account is None:
        raise ValueError("no person to preview for")
    wanted = _by_person(facts).get(subject.person.id, []) if subject.person else []
    found: dict[MediaType, Preview] = {}
    for kind in MediaType:
        catalogs = facts.catalogs[kind]
        now = catalogs.visible_to(account, subject.half(kind).rule)
        then: Truth = catalogs.visible_to(account, rules[kind])
        found[kind] = Preview(
            then.of(catalogs.all),
            (then.yes & now.no).bit_count(),
            (then.no & now.yes).bit_count(),
            tuple(
                one.name
                for one in wanted
                if one.media_type is kind and one.items and not one.items & ~then.no
            ),
        )
    return found
