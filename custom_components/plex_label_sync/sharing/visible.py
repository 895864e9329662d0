"""Determine who can see which items, by set algebra on labels, ratings and libraries. Pure.

A set of items is an integer with one bit per item: with 20,000 items and 200 people, each answer
takes microseconds. Truth has three values: one set of the items for which something holds, and one
of those for which it does not; items in neither are unknown, and stay so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Final, NamedTuple

from ..sync.model import MediaType, fold
from .model import Access, Account, Condition, Counts, Group, Kind, Reading, Rule, Verdict


class Truth(NamedTuple):
    """The items for which something holds, and those for which it does not; others are unknown."""

    yes: int
    no: int

    def __and__(self, other: "Truth") -> "Truth":
        """Return where both hold."""
        return Truth(self.yes & other.yes, self.no | other.no)

    def __or__(self, other: "Truth") -> "Truth":
        """Return where one of them holds."""
        return Truth(self.yes | other.yes, self.no & other.no)

    def __invert__(self) -> "Truth":
        """Return where it does not hold."""
        return Truth(self.no, self.yes)

    def agreed(self, other: "Truth") -> "Truth":
        """Return what both agree on."""
        return Truth(self.yes & other.yes, self.no & other.no)

    def of(self, items: int) -> Counts:
        """Return for how many of some items it holds, does not hold, or is unknown."""
        yes, no = (self.yes & items).bit_count(), (self.no & items).bit_count()
        return Counts(yes, no, items.bit_count() - yes - no)

    def verdict(self, items: int) -> Verdict:
        """Return the verdict on a title with these items, one of which is enough."""
        if self.yes & items:
            return Verdict.VISIBLE
        return Verdict.HIDDEN if not items & ~self.no else Verdict.UNKNOWN


UNKNOWN = Truth(0, 0)
ANY_LIBRARY: Final = "*"  # stands for a library of which not even the key is known


def bits(positions: Iterable[int], size: int) -> int:
    """Return the set of some positions among `size` items as an integer."""
    marks = bytearray(size // 8 + 1)
    for one in positions:
        marks[one >> 3] |= 1 << (one & 7)
    return int.from_bytes(marks, "little")


@dataclass(frozen=True, slots=True)
class Catalog:
    """All items of one kind of title, with their libraries, labels and ratings.

    `carriers` maps a folded label to the items that carry it; any label that it lacks is unknown
    everywhere, and one in `doubtful` is unknown for those items. `ratings` is None if ratings were
    not read. `marked` maps a label to the wanted items that carry it, where only those are known.
    `positions` is the place of each item by its rating key.

    What could not be read: `unrated` are items without a known rating, `nameless` those without a
    known rating key, `unidentified` those that may be any title, `unmarked` wanted items without
    known labels. `partial` are the libraries of which an unknown number of items is missing here,
    `others` those that are not read because they are not synced.
    """

    size: int
    libraries: Mapping[str, int]
    carriers: Mapping[str, int]
    ratings: Mapping[str, int] | None = None
    unrated: int = 0
    marked: Mapping[str, int] = field(default_factory=dict)
    positions: Mapping[str, int] = field(default_factory=dict, repr=False)
    doubtful: Mapping[str, int] = field(default_factory=dict)
    nameless: int = 0
    unidentified: int = 0
    unmarked: int = 0
    partial: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    def carrying(self, label: str) -> Truth:
        """Return which of the wanted items carry a folded label."""
        if label in self.marked:
            carriers = self.marked[label]
            return Truth(carriers, self.all & ~(carriers | self.unmarked))
        return self._carrying(label)

    def _carrying(self, label: str) -> Truth:
        carriers = self.carriers.get(label)
        if carriers is None:
            return UNKNOWN
        unsure = self.nameless | self.doubtful.get(label, 0)
        return Truth(carriers, self.all & ~(carriers | unsure))

    def may_be_in_plex(self, absent: int) -> int:
        """Return how many of some wanted titles without an item may have one that was not read."""
        return absent if self.partial else min(absent, self.unidentified.bit_count())

    def may_enter(self, account: Account, libraries: frozenset[str]) -> bool:
        """Return whether an account may have access to one of some libraries."""
        if account.kind is Kind.OWNER:
            return bool(libraries)
        if account.access is not Access.SHARED:
            return False
        if account.libraries is None or ANY_LIBRARY in libraries:
            return bool(libraries)
        return not libraries.isdisjoint(account.libraries)

    @property
    def all(self) -> int:
        """Every item."""
        return (1 << self.size) - 1

    def shared_with(self, account: Account) -> Truth:
        """Return which items are in libraries that an account has access to."""
        if account.kind is Kind.OWNER:
            return Truth(self.all, 0)
        if account.access is not Access.SHARED:
            return Truth(0, self.all)
        if account.libraries is None:
            return UNKNOWN
        keys = account.libraries
        shared = _union(items for key, items in self.libraries.items() if key in keys)
        return Truth(shared, self.all & ~shared)

    def passing(self, rule: Rule) -> Truth:
        """Return which items a rule lets through, as far as all of its readings agree."""
        if rule.problem is not None or not rule.readings:
            return UNKNOWN
        first, *others = (self._reading(one) for one in rule.readings)
        return reduce(Truth.agreed, others, first)

    def visible_to(self, account: Account, rule: Rule) -> Truth:
        """Return which items an account can see."""
        if account.kind is Kind.OWNER:
            return Truth(self.all, 0)
        return self.shared_with(account) & self.passing(rule)

    def _reading(self, reading: Reading) -> Truth:
        held = Truth(self.all, 0)
        for group in reading:
            held &= self._group(group)
        return held

    def _group(self, group: Group) -> Truth:
        held = Truth(0, self.all)
        for condition in group:
            held |= self._condition(condition)
        return held

    def _condition(self, condition: Condition) -> Truth:
        held = UNKNOWN
        if condition.is_label:
            held = Truth(0, self.all)
            for label in condition.values:
                held |= self._carrying(label)
        elif condition.is_rating and self.ratings is not None:
            some = _union(self.ratings.get(value, 0) for value in condition.values)
            held = Truth(some, self.all & ~(some | self.unrated))
        return ~held if condition.negated else held


def _union(sets: Iterable[int]) -> int:
    return reduce(int.__or__, sets, 0)


@dataclass(frozen=True, slots=True)
class OneItem:
    """One item as it was just read; `rating` is empty without one, None if unknown."""

    media_type: MediaType
    library: str
    labels: frozenset[str]  # all of them, folded
    rating: str | None = None


def catalog_of(item: OneItem, rules: Iterable[Rule]) -> Catalog:
    """Return a single item as a catalog to which some rules can be applied."""
    named = {
        value
        for rule in rules
        for condition in rule.conditions
        if condition.is_label
        for value in condition.values
    }
    return Catalog(
        size=1,
        libraries={item.library: 1},
        carriers={label: int(label in item.labels) for label in named},
        ratings=None if item.rating is None else ({fold(item.rating): 1} if item.rating else {}),
    )


def title_counts(truth: Truth, titles: Sequence[int]) -> Counts:
    """Return how many titles a person can see; each is the non-empty set of its items."""
    verdicts = [truth.verdict(items) for items in titles]
    return Counts(*(verdicts.count(verdict) for verdict in Verdict))


class Why(NamedTuple):
    """Why one item is visible, hidden or unknown: a key, and the deciding part of the rule."""

    verdict: Verdict
    key: str
    group: Group = ()


def why(item: OneItem, account: Account | None, rule: Rule) -> Why:
    """Return whether a person can see one item, and what decides that."""
    if account is None:
        return Why(Verdict.UNKNOWN, "no_account")
    if account.kind is Kind.OWNER:
        return Why(Verdict.VISIBLE, "owner")
    if account.access is Access.INVITED:
        return Why(Verdict.HIDDEN, "invited")
    catalog = catalog_of(item, (rule,))
    shared = catalog.shared_with(account).verdict(1)
    if shared is Verdict.HIDDEN:
        return Why(shared, "not_shared" if account.access is Access.NONE else "library")
    if rule.problem is not None:
        return Why(Verdict.UNKNOWN, "not_understood")
    verdict = catalog.visible_to(account, rule).verdict(1)
    if verdict is Verdict.VISIBLE:
        return Why(verdict, "no_rule" if rule.is_open else "rule")
    if shared is Verdict.UNKNOWN and verdict is Verdict.UNKNOWN:
        return Why(verdict, "libraries_unknown")
    groups = (group for reading in rule.readings for group in reading)
    deciding = (one for one in groups if catalog.passing(Rule("", ((one,),))).verdict(1) is verdict)
    return Why(verdict, "rule", next(deciding, ()))
