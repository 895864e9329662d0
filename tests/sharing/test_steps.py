"""The checklist ticks itself off: labels first, restrictions after."""

from __future__ import annotations

from custom_components.plex_label_sync.sharing.model import Access, Account
from custom_components.plex_label_sync.sharing.rules import parse
from custom_components.plex_label_sync.sharing.steps import allows, steps
from custom_components.plex_label_sync.sharing.survey import Facts
from custom_components.plex_label_sync.sync.model import Person
from custom_components.plex_label_sync.sync.person_id import pulsarr_id

from .builders import MOVIE, SHOW, facts, friend, one


def undone(account: Account, some: Facts | None = None) -> list[str]:
    """Return what is left to do, in order."""
    return [step.key.value for step in steps(one(account, some)) if not step.done]


def test_everything_is_to_be_done_at_first_and_nothing_at_last() -> None:
    unlabelled = facts(movies=("", ""), shows=("", ""))
    rules = ["preview", "movies", "shows", "wishes"]
    assert undone(friend(access=Access.NONE), unlabelled) == ["account", "labelled", *rules]
    assert undone(friend(), unlabelled) == ["labelled", *rules]
    assert undone(friend(preset="teen", rule="contentRating=G")) == ["preset", *rules]
    assert undone(friend()) == rules
    assert undone(friend(movies="label=rosa")) == ["preview", "shows", "wishes"]
    assert undone(friend("label=rosa")) == []


def test_rule_that_shows_nearly_everything_leaves_its_lines_to_do() -> None:
    assert undone(friend("label=rosa|label!=kids")) == ["preview", "movies", "shows", "wishes"]
    assert undone(friend("label=rosa&label!=kids")) == []


def test_wanted_title_that_stays_hidden_is_the_last_line() -> None:
    some = facts(wanted=((MOVIE, 1), (SHOW, 0)))
    assert undone(friend("label=rosa&label!=scary"), some) == ["wishes"]


def test_only_what_is_shared_needs_a_rule() -> None:
    alone = friend("label=rosa", shows="", libraries=frozenset({"1"}))
    assert undone(alone) == []


def test_line_about_labels_counts() -> None:
    some = facts(wanted=((MOVIE, 0), (MOVIE, 3), (SHOW, -1)))
    line = next(step for step in steps(one(friend(), some)) if step.key == "labelled")
    assert line.details == {
        "name": "Rosa",
        "label": "rosa",
        "labelled": 1,
        "wanted": 3,
        "missing": 1,
    }
    assert not line.done


def test_no_one_without_a_label_has_a_list() -> None:
    assert steps(one(friend(), facts(labels={}))) == ()
    owner = facts(people=(Person(pulsarr_id(1), "max"),))
    assert steps(one(friend(), owner)) == ()


def test_label_is_allowed_in_whatever_reading() -> None:
    assert allows(parse("label=Rosa,family&label!=scary"), "rosa")
    assert allows(parse("contentRating=G|label=rosa"), "rosa")
    assert not allows(parse("label!=rosa"), "rosa")
    assert not allows(parse("label=rosa+maria"), "rosa maria")
    assert not allows(parse(None), "rosa")
