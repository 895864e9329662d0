"""Sets say the same as looking at every item by itself; what is unknown stays so."""

from __future__ import annotations

from dataclasses import replace
import time
from typing import TYPE_CHECKING

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sharing.model import Access, Account, Verdict
from custom_components.plex_label_sync.sharing.rules import parse, rule_of
from custom_components.plex_label_sync.sharing.survey import Facts, Wanted, preview, survey
from custom_components.plex_label_sync.sharing.visible import Catalog, OneItem, bits, why
from custom_components.plex_label_sync.sync.model import MediaType, Person
from custom_components.plex_label_sync.sync.person_id import own_id, pulsarr_id

from .brute import Thing, answer
from .builders import MOVIE, OWNER, SHOW, catalogs, facts, friend, one
from .strategies import LABELS, RATINGS, folded, meanings, things, written

if TYPE_CHECKING:
    from .brute import Meaning


def catalog(things: list[Thing], unread: frozenset[str] = frozenset()) -> Catalog:
    """Return things as items, each second one in library 2."""
    size = len(things)

    def where(true: list[bool]) -> int:
        return bits((n for n, one in enumerate(true) if one), size)

    labels = [label.casefold() for label in LABELS]
    return Catalog(
        size=size,
        libraries={
            "1": where([n % 2 == 0 for n in range(size)]),
            "2": where([n % 2 == 1 for n in range(size)]),
        },
        carriers={
            label: where([label in one.labels for one in things])
            for label in labels
            if label not in unread
        },
        ratings={
            rating: where([one.rating == rating for one in things])
            for rating in map(str.casefold, RATINGS)
        },
    )


def expected(
    meaning: list[Meaning], some: list[Thing], account: Account, keys: frozenset[str] | None
) -> list[str]:
    """Return the verdict on each thing by itself."""
    found = []
    for n, thing in enumerate(some):
        verdict = answer(meaning, thing)
        if account.access is not Access.SHARED or (keys is not None and str(n % 2 + 1) not in keys):
            verdict = "hidden"
        elif keys is None and verdict == "visible":
            verdict = "unknown"
        found.append(verdict)
    return found


@given(st.data())
def test_sets_are_brute_force(data: st.DataObject) -> None:
    meaning = data.draw(meanings)
    some = data.draw(st.lists(things, min_size=1, max_size=40))
    keys = data.draw(
        st.sampled_from([None, frozenset({"1"}), frozenset({"1", "2"}), frozenset("3")])
    )
    access = data.draw(st.sampled_from(list(Access)))
    account = friend(data.draw(written(meaning)), access=access, libraries=keys)
    truth = catalog(some).visible_to(account, rule_of(account, MOVIE))
    verdicts = [truth.verdict(1 << n).value for n in range(len(some))]
    assert verdicts == expected([folded(meaning)], some, account, keys)
    counts = truth.of((1 << len(some)) - 1)
    assert [counts.visible, counts.hidden, counts.unknown] == [
        verdicts.count(one) for one in ("visible", "hidden", "unknown")
    ]


@given(st.data())
def test_label_that_could_not_be_read_makes_nothing_sure(data: st.DataObject) -> None:
    """Whatever is said without a label's carriers is what would be said with them."""
    meaning = data.draw(meanings)
    some = data.draw(st.lists(things, min_size=1, max_size=20))
    unread = frozenset({data.draw(st.sampled_from([one.casefold() for one in LABELS]))})
    rule = parse(data.draw(written(meaning)))
    less, more = catalog(some, unread).passing(rule), catalog(some).passing(rule)
    assert less.yes & ~more.yes == 0
    assert less.no & ~more.no == 0


@given(st.data())
def test_label_that_could_not_be_read_in_full_makes_nothing_sure(data: st.DataObject) -> None:
    """Whatever is said with some carriers unread is what would be said with them."""
    meaning = data.draw(meanings)
    some = data.draw(st.lists(things, min_size=1, max_size=20))
    sets = st.integers(0, (1 << len(some)) - 1)
    full, nameless = catalog(some), data.draw(sets)
    doubtful = {label: data.draw(sets) for label in full.carriers}
    part = replace(
        full,
        carriers={
            label: carriers & ~(nameless | doubtful[label])
            for label, carriers in full.carriers.items()
        },
        doubtful=doubtful,
        nameless=nameless,
    )
    rule = parse(data.draw(written(meaning)))
    less, more = part.passing(rule), full.passing(rule)
    assert less.yes & ~more.yes == 0
    assert less.no & ~more.no == 0


@given(st.data())
def test_what_if_is_brute_force(data: st.DataObject) -> None:
    some = data.draw(st.lists(things, min_size=1, max_size=20))
    now, then = data.draw(meanings), data.draw(meanings)
    account = friend(data.draw(written(now)))
    person = Person(pulsarr_id(1), "rosa")
    catalogs = {MOVIE: catalog(some), SHOW: catalog([])}
    wanted = [Wanted(str(n), MOVIE, 1 << n, (pulsarr_id(1),)) for n in range(len(some))]
    known = Facts(
        catalogs, wanted, [person], {(pulsarr_id(1), MOVIE): "rosa", (pulsarr_id(1), SHOW): "rosa"}
    )
    (subject, *_) = survey([OWNER, account], known)
    rule = parse(data.draw(written(then)))
    found = preview(subject, {MOVIE: rule, SHOW: rule}, known)[MOVIE]
    keys = account.libraries
    before = expected([folded(now)], some, account, keys)
    after = expected([folded(then)], some, account, keys)
    pairs = list(zip(before, after, strict=True))
    assert found.counts.visible == after.count("visible")
    assert found.newly_visible == pairs.count(("hidden", "visible"))
    assert found.newly_hidden == pairs.count(("visible", "hidden"))
    assert found.hidden == tuple(str(n) for n, one in enumerate(after) if one == "hidden")


def test_title_is_visible_if_one_of_its_items_is() -> None:
    some = facts(movies=("rosa", "tim"), wanted=())
    some = replace(
        some,
        wanted=[
            Wanted("both", MOVIE, 0b11, (pulsarr_id(1),)),
            Wanted("none", MOVIE, 0, (pulsarr_id(1),)),
        ],
    )
    half = one(friend("label=rosa"), some).half(MOVIE)
    assert (half.wanted_counts.visible, half.wanted_counts.total, half.wanted, half.in_plex) == (
        1,
        1,
        2,
        1,
    )
    half = one(friend("label=family"), some).half(MOVIE)
    assert half.hidden == half.hidden_labelled == ("both",)


def test_owner_sees_everything_and_no_one_else_what_is_not_shared() -> None:
    shelves_ = catalogs("rosa", "")
    assert shelves_.visible_to(OWNER, parse(None)).of(3).visible == 2
    assert shelves_.visible_to(friend(libraries=frozenset()), parse("")).of(3).hidden == 2


@pytest.mark.parametrize(
    ("account", "verdict", "key"),
    [
        (None, "unknown", "no_account"),
        (OWNER, "visible", "owner"),
        (friend(), "visible", "no_rule"),
        (friend("label=tim"), "visible", "rule"),
        (friend("label=rosa"), "hidden", "rule"),
        (friend("label=a&b"), "unknown", "not_understood"),
        (friend("genre=Horror"), "unknown", "rule"),
        (friend(libraries=frozenset({"2"})), "hidden", "library"),
        (friend(libraries=None), "unknown", "libraries_unknown"),
        (friend(access=Access.INVITED), "hidden", "invited"),
        (friend(access=Access.NONE, libraries=frozenset()), "hidden", "not_shared"),
    ],
)
def test_verdict_on_one_item_says_what_decides(
    account: Account | None, verdict: str, key: str
) -> None:
    item = OneItem(MediaType.MOVIE, "1", frozenset({"tim"}), "")
    rule = parse("") if account is None else rule_of(account, MOVIE)
    found = why(item, account, rule)
    assert (found.verdict.value, found.key) == (verdict, key)
    if key == "rule" and found.verdict is not Verdict.VISIBLE:
        assert found.group == rule.readings[0][0]


def test_rule_for_everything_counts_only_where_it_changes_nothing() -> None:
    account = friend("label=rosa", everything="label!=scary")
    truth = catalogs("rosa", "rosa scary", "tim").visible_to(account, rule_of(account, MOVIE))
    assert [truth.verdict(1 << n).value for n in range(3)] == ["visible", "unknown", "hidden"]


def test_two_hundred_people_and_twenty_thousand_items_take_a_moment() -> None:
    size, crowd = 20_000, 200
    people = [Person(pulsarr_id(n), f"person{n}") for n in range(crowd)]
    carriers = {one.username: bits(range(int(own_id(one.id)), size, crowd), size) for one in people}
    whole = Catalog(size, {"1": (1 << size) - 1}, carriers, {"g": bits(range(0, size, 3), size)})
    accounts = [
        friend(
            f"label={one.username}|contentRating=G&label!=person7",
            id=str(one.id + pulsarr_id(50)),
            username=one.username,
        )
        for one in people
    ]
    wanted = [Wanted(str(n), MOVIE, 1 << n, (pulsarr_id(n % crowd),)) for n in range(size // 2)]
    labels = {(one.id, kind): one.username for one in people for kind in MediaType}
    known = Facts({MOVIE: whole, SHOW: catalogs(library="2")}, wanted, people, labels)
    began = time.process_time()
    found = survey([OWNER, *accounts], known)
    assert time.process_time() - began < 5
    assert len(found) == crowd
    assert all(one.half(MOVIE).seen.visible for one in found)
