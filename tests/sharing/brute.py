"""An independent evaluator of sharing rules: item by item, sharing no code with the integration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

type Truth = bool | None  # None: unknown


@dataclass(frozen=True)
class Test:
    """A condition that a field has (or, negated, has not) one of some values."""

    field: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True)
class Thing:
    """A test item: its labels and its rating, all lowercase; "" is no rating."""

    labels: frozenset[str]
    rating: str = ""


type Meaning = list[list[Test]]  # all of the lists, one test of each


def carries(*labels: str) -> Test:
    """Return a test for one of the labels."""
    return Test("label", labels)


def lacks(*labels: str) -> Test:
    """Return a test for none of the labels."""
    return Test("label", labels, negated=True)


def rated(*ratings: str) -> Test:
    """Return a test for one of the ratings."""
    return Test("rating", ratings)


def not_rated(*ratings: str) -> Test:
    """Return a test for none of the ratings."""
    return Test("rating", ratings, negated=True)


def strange(field: str, *values: str) -> Test:
    """Return a test of a field that cannot be evaluated."""
    return Test(field, values)


NOT_UNDERSTOOD: Final[list[Meaning]] = []


def holds(test: Test, thing: Thing) -> Truth:
    """Evaluate one test."""
    if test.field == "label":
        found = any(value in thing.labels for value in test.values)
    elif test.field == "rating":
        found = thing.rating in test.values
    else:
        return None
    return not found if test.negated else found


def passes(meaning: Meaning, thing: Thing) -> Truth:
    """Evaluate one meaning: every list needs one test that holds."""
    lines: list[Truth] = []
    for line in meaning:
        answers = [holds(test, thing) for test in line]
        lines.append(True if True in answers else None if None in answers else False)
    return False if False in lines else None if None in lines else True


def answer(meanings: list[Meaning], thing: Thing) -> str:
    """Return visible, hidden, or unknown if the meanings disagree or there is none."""
    found = {passes(one, thing) for one in meanings}
    if len(found) != 1:
        return "unknown"
    return {True: "visible", False: "hidden", None: "unknown"}[found.pop()]
