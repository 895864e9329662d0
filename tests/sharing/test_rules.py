"""Rules are read as measured, in every dialect; what does not fit is said to be not understood."""

from __future__ import annotations

import os
import random
from typing import Final

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sharing.model import Problem, Rule
from custom_components.plex_label_sync.sharing.rules import TEXT_MAX, parse
from custom_components.plex_label_sync.sharing.visible import Catalog, OneItem, catalog_of
from custom_components.plex_label_sync.sync.model import MediaType

from .brute import Meaning, Thing, answer
from .rule_table import RULES
from .strategies import LABELS, RATINGS, folded, meanings, things, written

FUZZED: Final = 100_000 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 10_000
ITEMS_EACH: Final = 400


def verdict(rule: Rule, thing: Thing) -> str:
    """Return what the integration says of one thing."""
    item = OneItem(MediaType.MOVIE, "1", thing.labels, thing.rating)
    catalog: Catalog = catalog_of(item, (rule,))
    return catalog.passing(rule).verdict(1).value


def things_around(meanings: list[Meaning], seed: str) -> list[Thing]:
    """Return items with the labels and ratings that a rule is about, and with others."""
    rng = random.Random(seed)
    tests = [test for meaning in meanings for line in meaning for test in line]
    labels = sorted({"other", *(v for t in tests if t.field == "label" for v in t.values)})
    ratings = sorted({"", "zz", *(v for t in tests if t.field == "rating" for v in t.values)})
    return [
        Thing(frozenset(one for one in labels if rng.random() < 0.4), rng.choice(ratings))
        for _ in range(ITEMS_EACH)
    ]


def test_there_are_as_many_rules_as_were_collected() -> None:
    assert len(RULES) == 75
    assert len({text for text, _, _ in RULES}) == 75


@pytest.mark.parametrize(("text", "meaning"), [(text, meaning) for text, _, meaning in RULES])
def test_rule_means_item_by_item_what_it_was_found_to_mean(
    text: str, meaning: list[Meaning]
) -> None:
    rule = parse(text)
    for thing in things_around(meaning, text):
        assert verdict(rule, thing) == answer(meaning, thing), thing
    assert (rule.problem is not None) is (not meaning)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("label=Kids & Family", Problem.AMPERSAND),
        ("label=rosa,,tim", Problem.EMPTY_VALUE),
        ("label=rosa,", Problem.EMPTY_VALUE),
        ("label=%20", Problem.EMPTY_VALUE),
        ("label=rosa%252C", Problem.EMPTY_VALUE),
        ("label=", Problem.NO_VALUE),
        ("rosa", Problem.NO_OPERATOR),
        (" label=rosa", Problem.NO_OPERATOR),
        ("contentRating>=R", Problem.NO_OPERATOR),
        ("label==rosa", Problem.OPERATOR_IN_VALUE),
        ("contentRating!=R,label!=scary", Problem.OPERATOR_IN_VALUE),
        ("label=rosa&", Problem.EMPTY_PART),
        ("&label=rosa", Problem.EMPTY_PART),
        ("label=rosa||label=tim", Problem.EMPTY_PART),
        ("label=%FF", Problem.ENCODING),
        ("label=" + "a" * TEXT_MAX, Problem.ENCODING),
        (None, Problem.MISSING),
    ],
)
def test_what_does_not_fit_is_named(text: str | None, problem: Problem) -> None:
    rule = parse(text)
    assert rule.problem is problem
    assert not rule.is_open
    assert verdict(rule, Thing(frozenset({"rosa"}))) == "unknown"


@pytest.mark.parametrize(
    ("text", "there", "not_there"),
    [
        ("label=rosa, family", "rosa", "scary"),
        ("label=50%25dead", "50%dead", "dead"),
        ("contentRating=G|label=rosa", "rosa", "tim"),
    ],
)
def test_what_can_be_read_in_two_ways_is_known_where_both_agree(
    text: str, there: str, not_there: str
) -> None:
    rule = parse(text)
    assert verdict(rule, Thing(frozenset({there}))) == "visible"
    assert verdict(rule, Thing(frozenset({not_there}))) == "hidden"


def test_blank_after_a_comma_is_a_blank_or_none() -> None:
    assert verdict(parse("label=rosa, family"), Thing(frozenset({"family"}))) == "unknown"


@given(st.data())
def test_rule_written_by_anyone_is_evaluated_like_brute_force(data: st.DataObject) -> None:
    meaning = data.draw(meanings)
    text = data.draw(written(meaning))
    thing = data.draw(things)
    rule = parse(text)
    assert rule.problem is None, text
    assert verdict(rule, thing) == answer([folded(meaning)], thing), text


@given(st.text(alphabet=st.sampled_from("label=!&|,%2C5+ contentRating.ros\x00é"), max_size=60))
def test_parser_survives_whatever_it_is_given(text: str) -> None:
    rule = parse(text)
    assert rule.is_open is (text == "")
    if rule.problem is None:
        assert rule.readings
    else:
        assert not rule.readings
        assert rule.text == text


def test_parser_survives_mutated_rules() -> None:
    rng = random.Random(15)
    pieces = [*(text for text, _, _ in RULES), "&", "|", ",", "%2C", "=", "!=", "%", "+", "\ud800"]
    for _ in range(FUZZED):
        text = "".join(rng.choices(pieces, k=rng.randrange(1, 4)))
        cut = rng.randrange(len(text) + 1)
        rule = parse(text[:cut] + rng.choice("&|,=%!+\n\0") * rng.randrange(2) + text[cut:])
        assert (rule.problem is None) is bool(rule.readings)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("rating", RATINGS)
def test_values_are_compared_without_regard_to_case(label: str, rating: str) -> None:
    thing = Thing(frozenset({label.casefold()}), rating.casefold())
    from urllib.parse import quote

    assert verdict(parse(f"label={quote(label.upper(), safe='')}"), thing) == "visible"
    assert verdict(parse(f"contentRating={quote(rating.lower(), safe='')}"), thing) == "visible"
