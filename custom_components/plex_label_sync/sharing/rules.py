"""Parse the rules of plex.tv in every dialect that was seen there. Pure.

A rule is groups joined by `&`, all of which must hold; a group is conditions joined by `|`, one of
which is enough. `|` binds tighter: `A|B&C` means (A or B) and C. Anything else is reported as not
understood: guessing would show a person as restricted who is not, or the other way round.
"""

from collections.abc import Iterator
from itertools import product
import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from ..sync.model import MediaType, fold
from .model import (
    OPEN,
    RATING,
    Account,
    Condition,
    Group,
    Problem,
    Reading,
    Rule,
)

_CONDITION: Final = re.compile(r"([A-Za-z][A-Za-z0-9_.]*)(!?=)(.*)", re.DOTALL)
_COMMA: Final = re.compile(r",|%2c", re.IGNORECASE)
_TRIPLE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
TEXT_MAX: Final = 20_000  # characters; longer than any rule seen, even with thousands of labels


class _Dialect(NamedTuple):
    """One way to read an ambiguous text: it is not known which one Plex follows."""

    twice: bool  # text that still looks encoded after decoding was encoded twice
    plus_is_blank: bool  # in labels; in ratings it always is
    trimmed: bool  # blanks around a value are ignored


class _UnreadableError(ValueError):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


def parse(text: str | None) -> Rule:
    """Return the meaning of a rule, or why it is unknown; an empty text means no restriction."""
    if text is None:
        return Rule("", problem=Problem.MISSING)
    if not text:
        return OPEN
    if len(text) > TEXT_MAX:
        return Rule(text, problem=Problem.ENCODING)
    try:
        readings = [
            _reading(text, _Dialect(*dialect)) for dialect in product((False, True), repeat=3)
        ]
    except _UnreadableError as err:
        return Rule(text, problem=err.problem)
    return Rule(text, tuple(dict.fromkeys(one for one in readings if one is not None)))


def rule_of(account: Account, media_type: MediaType) -> Rule:
    """Return what restricts an account for one kind of title.

    The effect of the rule for everything is unknown: if it is set, there are readings with and
    without it. A preset without its list of ratings restricts in an unknown way, and whether there is
    one may be unknown.
    """
    rule = parse(account.text(media_type))
    if rule.is_open and account.preset != "":
        return Rule(rule.text, problem=Problem.MISSING)
    return with_and_without(rule, account.everything)


def with_and_without(rule: Rule, everything: str) -> Rule:
    """Return a rule that may or may not be narrowed by another one."""
    if not everything:
        return rule
    more = parse(everything)
    text = f"{rule.text} [{everything}]".strip()
    if rule.problem or more.problem:
        return Rule(text, problem=rule.problem or more.problem)
    narrowed = ((*one, *other) for one in rule.readings for other in more.readings)
    return Rule(text, tuple(dict.fromkeys((*rule.readings, *narrowed))))


def extended(rule: Rule, reading: Reading) -> Rule:
    """Return a rule with every reading narrowed by more groups."""
    return Rule(rule.text, tuple((*one, *reading) for one in rule.readings), rule.problem)


def _reading(text: str, dialect: _Dialect) -> Reading | None:
    """Return one reading of a rule, None if it is impossible. Raises _UnreadableError."""
    groups: list[Group] = []
    for number, part in enumerate(text.split("&")):
        if not part:
            raise _UnreadableError(Problem.EMPTY_PART)
        if number and not _CONDITION.match(part):
            # This is not even a field: the & before it belongs to a label.
            raise _UnreadableError(Problem.AMPERSAND)
        conditions = []
        for alternative in part.split("|"):
            condition = _condition(alternative, dialect)
            if condition is None:
                return None
            conditions.append(condition)
        groups.append(tuple(conditions))
    return tuple(groups)


def _condition(text: str, dialect: _Dialect) -> Condition | None:
    if not text:
        raise _UnreadableError(Problem.EMPTY_PART)
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise _UnreadableError(Problem.NO_OPERATOR)
    name, operator, raw = match.groups()
    if not raw:
        raise _UnreadableError(Problem.NO_VALUE)
    if "=" in raw:
        # A comma separates values, not conditions; `==` is not an operator either.
        raise _UnreadableError(Problem.OPERATOR_IN_VALUE)
    # plex.tv's own lists of ratings are form encoded; for labels this is unknown.
    values = _values(raw, plus_is_blank=dialect.plus_is_blank or name == RATING)
    if dialect.twice:
        again = _decoded_again(values)
        if again is None:
            return None
        values = again
    if any(not value.strip() for value in values):
        # Plex is said to give up on these and to show everything.
        raise _UnreadableError(Problem.EMPTY_VALUE)
    if dialect.trimmed:
        values = [value.strip() for value in values]
    folded = frozenset(map(fold, values))
    return Condition(name, operator == "!=", folded, tuple(dict.fromkeys(values)))


def _values(raw: str, *, plus_is_blank: bool) -> list[str]:
    values = []
    for value in _COMMA.split(raw):
        try:
            text = unquote(value.replace("+", " ") if plus_is_blank else value, errors="strict")
        except UnicodeDecodeError:
            raise _UnreadableError(Problem.ENCODING) from None
        values.append(text)
    return values


def _decoded_again(values: list[str]) -> list[str] | None:
    """Return values that may have been encoded twice, None if that is impossible.

    Values that do not look encoded stay as they are.
    """
    found: list[str] = []
    for value in values:
        if not _TRIPLE.search(value):
            found.append(value)
            continue
        try:
            found += unquote(value, errors="strict").split(",")
        except UnicodeDecodeError:
            return None
    return found


def label_conditions(rule: Rule, *, negated: bool) -> Iterator[Condition]:
    """Yield the conditions of a rule that are about labels."""
    return (one for one in rule.conditions if one.is_label and one.negated is negated)
