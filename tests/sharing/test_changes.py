"""A rule that vanished is remembered until it is back."""

from __future__ import annotations

import pytest

from custom_components.plex_label_sync.sharing.changes import (
    LostRules,
    known_rules,
    vanished,
    with_missing,
)
from custom_components.plex_label_sync.sharing.model import Access, Account, Answer

from .builders import MOVIE, OWNER, SHOW, friend


def after(
    before: Account, now: Account, lost: dict[str, LostRules] | None = None
) -> dict[str, LostRules]:
    """Return what is gone now."""
    return vanished(known_rules({}, [before], 1000.9), [now], lost or {}, {"7": 5})


def test_rule_that_is_empty_now_is_gone_with_what_it_was() -> None:
    lost = after(friend("label=rosa"), friend(""))
    assert lost == {"7": LostRules({MOVIE: "label=rosa", SHOW: "label=rosa"}, 1000, 5)}
    assert after(friend(""), friend(""), lost) == lost  # until it is back


def test_rule_that_is_back_or_another_is_not_gone() -> None:
    lost = after(friend("label=rosa"), friend(""))
    assert after(friend(""), friend("label=rosa"), lost) == {}
    assert after(friend(""), friend("label!=scary"), lost) == {}
    half = after(friend(""), friend("label=rosa", shows=""), lost)
    assert half["7"].texts == {SHOW: "label=rosa"}


def test_who_has_no_access_or_was_never_restricted_lost_nothing() -> None:
    assert after(friend("label=rosa"), friend("", access=Access.NONE)) == {}
    assert after(friend(""), friend("")) == {}
    assert after(friend("label=rosa"), friend(None)) == {}
    assert vanished({}, [friend("")], {}, {}) == {}


def test_rule_that_is_not_reported_is_neither_gone_nor_back() -> None:
    before = known_rules({}, [friend("label=rosa")], 1000.0)
    assert vanished(before, [friend(None)], {}, {}) == {}
    unsaid = known_rules(before, [friend(None)], 2000.0)
    lost = vanished(unsaid, [friend("")], {}, {})
    assert lost == {"7": LostRules({MOVIE: "label=rosa", SHOW: "label=rosa"}, 1000)}
    open_now = known_rules(unsaid, [friend("")], 3000.0)
    assert vanished(open_now, [friend(None)], lost, {}) == lost
    assert vanished(open_now, [friend("label=tim")], lost, {}) == {}


def test_rule_that_is_gone_is_not_forgotten_while_nothing_is_shared() -> None:
    lost = after(friend("label=rosa"), friend(""))
    between = after(friend(""), friend("", access=Access.NONE), lost)
    assert after(friend("", access=Access.NONE), friend(""), between) == lost
    assert after(friend(""), friend("label=rosa"), between) == {}


def test_account_is_gone_when_a_second_answer_lacks_it() -> None:
    rosa, tim, ben = friend("label=rosa"), friend(id="8"), friend(id="9", access=Access.NONE)
    first, missed = with_missing(Answer(1.0, OWNER, (tim,)), (rosa, tim, ben), ())
    assert [one.id for one in first.accounts] == ["8", "7"]
    assert (first.all_listed, first.complete, missed) == (False, False, frozenset({"7"}))
    missing = first.accounts[-1]
    assert (missing.is_missing, missing.movies, missing.libraries) == (True, None, None)
    second, still = with_missing(Answer(2.0, OWNER, (tim,)), first.accounts, missed)
    assert (second.accounts, second.complete, still) == ((tim,), True, frozenset())
    again, _ = with_missing(Answer(2.0, OWNER, (tim, rosa)), first.accounts, missed)
    assert (again.accounts, again.complete) == ((tim, rosa), True)


@pytest.mark.parametrize("unlisted", ["", "7"])
def test_account_that_may_be_in_an_unreadable_row_is_not_gone(unlisted: str) -> None:
    part = Answer(1.0, OWNER, (), unlisted=frozenset({unlisted}))
    known: tuple[Account, ...] = (friend("label=rosa"),)
    missed = frozenset({"7"})
    for _ in range(3):
        full, missed = with_missing(part, known, missed)
        known = full.accounts
        assert [one.id for one in known] == ["7"]
        assert missed == frozenset()


def test_preset_that_was_removed_opens_as_well() -> None:
    child = friend("contentRating=G", preset="little_kid")
    assert "7" in after(child, friend(""))


def test_rule_is_not_gone_while_it_is_unknown_whether_there_is_a_preset() -> None:
    before, now = friend("contentRating=G"), friend("", preset=None)
    assert after(before, now) == {}
    known = known_rules(known_rules({}, [before], 1.0), [now], 2.0)
    assert known["7"].texts[MOVIE] == "contentRating=G"
    assert "7" in vanished(known, [friend("")], {}, {})


def test_second_rule_that_goes_joins_the_first() -> None:
    first = after(friend("label=rosa", shows="label=tim"), friend("", shows="label=tim"))
    both = after(friend("", shows="label=tim"), friend(""), first)
    assert both["7"].texts == {MOVIE: "label=rosa", SHOW: "label=tim"}
