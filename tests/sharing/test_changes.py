"""A rule that vanished is remembered until it is back."""

from __future__ import annotations

from custom_components.plex_label_sync.sharing.changes import LostRules, vanished
from custom_components.plex_label_sync.sharing.model import Access, Account

from .builders import MOVIE, SHOW, friend


def after(
    before: Account, now: Account, lost: dict[str, LostRules] | None = None
) -> dict[str, LostRules]:
    """Return what is gone now."""
    return vanished([before], [now], lost or {}, 1000.9, {"7": 5})


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
    assert vanished([], [friend("")], {}, 0, {}) == {}


def test_preset_that_was_removed_opens_as_well() -> None:
    child = friend("contentRating=G", preset="little_kid")
    assert "7" in after(child, friend(""))


def test_second_rule_that_goes_joins_the_first() -> None:
    first = after(friend("label=rosa", shows="label=tim"), friend("", shows="label=tim"))
    both = after(friend("", shows="label=tim"), friend(""), first)
    assert both["7"].texts == {MOVIE: "label=rosa", SHOW: "label=tim"}
