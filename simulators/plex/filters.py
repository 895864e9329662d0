"""Parses listing requests: conditions, order, page. Unknown conditions are ignored, as in PMS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TYPE_NUMBERS = {"movie": 1, "show": 2, "season": 3, "episode": 4, "collection": 18}
TYPE_NAMES = {number: name for name, number in TYPE_NUMBERS.items()}

FIELDS = frozenset({"id", "guid", "label", "title"})
RANGE_FIELDS = frozenset({"addedAt"})
OPERATORS = (">>", "<<", "!", "=", "")  # allowed between a field's name and the first "="

type Operator = Literal["=", "!=", "==", ">>=", "<<="]


@dataclass(frozen=True, slots=True)
class Condition:
    """`field operator values`; several values mean any of them."""

    field: str
    operator: Operator
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Alternatives, each a list of conditions that must all hold; none matches everything."""

    alternatives: tuple[tuple[Condition | Group, ...], ...]


EVERYTHING = Group(((),))


@dataclass(frozen=True, slots=True)
class Listing:
    """A parsed listing request."""

    type: int | None = None
    where: Group = EVERYTHING
    sort: str = "titleSort"
    descending: bool = False
    start: int = 0
    size: int | None = None
    limit: int | None = None
    ids: tuple[str, ...] | None = None  # the requested ids, None without such an argument


def parse_listing(
    pairs: Sequence[tuple[str, str]], headers: Mapping[str, str], *, ranges: bool = False
) -> Listing:
    """Parse decoded query pairs; paging may also come as headers. `ranges` honors `addedAt>>=`."""
    last = dict(pairs)
    sort, _, direction = last.get("sort", "titleSort").split(",")[0].partition(":")
    given = [values for name, value in pairs if name == "id" if (values := _values(value))]
    return Listing(
        type=_number(last.get("type")),
        where=parse_conditions(pairs, ranges=ranges),
        sort=_bare(sort),
        descending=direction == "desc",
        start=_plex_number("X-Plex-Container-Start", last, headers) or 0,
        size=_plex_number("X-Plex-Container-Size", last, headers),
        limit=_number(last.get("limit")),
        ids=tuple(key for values in given for key in values) if "id" in last else None,
    )


def plex_argument(name: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str | None:
    """Return an `X-Plex-…` value, sent as a header or as a query argument of the same name."""
    return headers.get(name) or query.get(name)


def parse_conditions(pairs: Sequence[tuple[str, str]], *, ranges: bool = False) -> Group:
    """Parse conditions: `push` and `pop` nest, `or` starts an alternative, all else is and."""
    outer: list[_Draft] = []
    draft: _Draft = [[]]
    for name, value in pairs:
        if name == "push":
            outer.append(draft)
            draft = [[]]
        elif name == "pop" and outer:
            inner, draft = _finished(draft), outer.pop()
            draft[-1].append(inner)
        elif name == "or":
            draft.append([])
        elif condition := _condition(name, value, ranges=ranges):
            draft[-1].append(condition)
    while outer:
        inner, draft = _finished(draft), outer.pop()
        draft[-1].append(inner)
    return _finished(draft)


type _Draft = list[list[Condition | Group]]


def _finished(draft: _Draft) -> Group:
    filled = tuple(tuple(conditions) for conditions in draft if conditions)
    return Group(filled) if filled else EVERYTHING


def _condition(name: str, value: str, *, ranges: bool) -> Condition | None:
    field, operator = _split(name)
    if value.startswith("=") and not operator:
        operator, value = "=", value[1:]  # `title==X` splits at its first "="
    known = FIELDS if operator in ("", "!", "=") else RANGE_FIELDS if ranges else frozenset()
    if field not in known:
        return None
    if field == "title":
        return Condition(field, _operator(operator), (value,))
    values = _values(value)
    return Condition(field, _operator(operator), values) if values else None


def _split(name: str) -> tuple[str, str]:
    operator = next(operator for operator in OPERATORS if name.endswith(operator))
    return _bare(name.removesuffix(operator)), operator


def _operator(text: str) -> Operator:
    operators: dict[str, Operator] = {"": "=", "!": "!=", "=": "==", ">>": ">>=", "<<": "<<="}
    return operators[text]


def _bare(name: str) -> str:
    """Return a field name without its type prefix, as in `show.label`."""
    return name.rpartition(".")[2]


def _values(text: str) -> tuple[str, ...]:
    return tuple(value for value in text.split(",") if value)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _plex_number(name: str, query: Mapping[str, str], headers: Mapping[str, str]) -> int | None:
    return _number(plex_argument(name, query, headers))
