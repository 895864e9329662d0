"""May a plan run? What is held, for what reasons, and what never is."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.changes import Action, Change, Plan, Row, RowKey
from custom_components.plex_label_sync.sync.model import SyncSettings
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.protection import Baseline, Doubts, OpenQuestion
from custom_components.plex_label_sync.sync.run import HoldReason
from custom_components.plex_label_sync.sync.safety_check import (
    FREE_REMOVALS,
    TOGETHER,
    Consent,
    SafetyResult,
    Situation,
    check_plan,
)

from .builders import add, remove

MASS, NOBODY = HoldReason.MASS_REMOVAL, HoldReason.NOBODY_LISTED
SHRUNK, VANISHED = HoldReason.WATCHLISTS_SHRUNK, HoldReason.LABELS_VANISHED
RENAMED, LIST_SHRANK = HoldReason.PEOPLE_RENAMED, HoldReason.LIST_SHRANK
ALL = Consent(everything=True)


def rows(count: int, *, written: int = 0, label: str = "anna", start: int = 0) -> tuple[Row, ...]:
    """Return the rows of one label on so many items, each written at another time by default."""
    return tuple(
        Row(label, "1", str(start + number), written or number + 1) for number in range(count)
    )


def keys(some: Iterable[Row]) -> frozenset[RowKey]:
    """Return under which keys the ledger knows rows."""
    return frozenset(row.key for row in some)


def plan(
    removals: int = 0,
    *,
    additions: int = 0,
    vanished: Iterable[Row] = (),
    forgotten: Iterable[Row] = (),
    replaced: int = 0,
    foreign: int = 0,
    shrunk: int = 0,
    chosen: int = 0,
    renamed: int = 0,
) -> Plan:
    """Return a plan that takes so many labels off; some make room, some are foreign.

    Of the plain ones the first `shrunk` rest on a list that lost much and the last `chosen` were
    asked for; `renamed` people get each another name on one item.
    """
    removed = [remove("anna", str(number)) for number in range(removals)]
    room = [remove("old", str(number)) for number in range(replaced)]
    others = [replace(remove("kids", str(number)), is_own=False) for number in range(foreign)]
    new = [add("ben", str(number)) for number in range(additions)]
    names = [add(f"new {number}", str(number)) for number in range(renamed)]
    former = [remove(f"former {number}", str(number)) for number in range(renamed)]
    vanished, forgotten = tuple(vanished), tuple(forgotten)
    return Plan(
        changes=(*new, *names, *removed, *room, *former, *others),
        unchanged=0,
        items=0,
        ledger_only_updates={
            **{row.key: replace(row, removed_by_user=True) for row in vanished},
            **{row.key: None for row in forgotten},
        },
        vanished=vanished,
        forgotten=keys(forgotten),
        replaced=frozenset(one.key for one in (*room, *former)),
        shrunk=frozenset(one.key for one in removed[:shrunk]),
        chosen=frozenset(one.key for one in removed[len(removed) - chosen :]),
        renamed={
            change.key: pulsarr_id(number)
            for number in range(renamed)
            for change in (names[number], former[number])
        },
    )


def verdict_of(
    some: Plan,
    *,
    share: float = 0.2,
    consent: Consent | None = None,
    label_format: str = "{username}",
    ledger: tuple[Row, ...] | None = None,
    **now: Any,
) -> SafetyResult:
    """Return what becomes of a plan; the ledger has 1000 rows if nothing else is said."""
    settings = SyncSettings(max_removals=share, label_format=label_format)
    situation = Situation(ledger=rows(1000) if ledger is None else ledger, people=4, **now)
    return check_plan(some, settings, situation, consent or Consent())


def reasons(some: Plan, **more: Any) -> tuple[HoldReason, ...]:
    """Return why a plan is held."""
    return verdict_of(some, **more).reasons


# How much is too much


@pytest.mark.parametrize(
    ("count", "ledger", "share", "held"),
    [
        (25, 25, 0.2, False),  # so few never need a question
        (26, 26, 0.2, True),
        (26, 130, 0.2, False),
        (27, 130, 0.2, True),
        (200, 1000, 0.2, False),
        (201, 1000, 0.2, True),
        (26, 26, 1.0, False),
        (26, 1000, 0.01, True),
    ],
)
def test_more_than_the_share_and_more_than_25_are_held(
    count: int, ledger: int, share: float, held: bool
) -> None:
    there = rows(ledger)
    assert reasons(plan(count), ledger=there, share=share) == ((MASS,) if held else ())
    forgotten = plan(forgotten=there[:count])
    assert reasons(forgotten, ledger=there, share=share) == ((MASS,) if held else ())
    vanished = plan(vanished=there[:count])
    if count < ledger:  # all of them would have gone together
        assert reasons(vanished, ledger=there, share=share) == ((VANISHED,) if held else ())


def test_removed_forgotten_and_vanished_labels_count_together() -> None:
    there = rows(60)
    some = plan(10, vanished=there[20:30], forgotten=there[30:36])
    assert reasons(some, ledger=there) == (MASS, VANISHED)
    fewer = plan(10, vanished=there[20:30], forgotten=there[30:35])
    assert reasons(fewer, ledger=there) == ()


@pytest.mark.parametrize(("lost", "held"), [(24, False), (25, True), (900, True)])
def test_what_was_lost_within_a_day_counts_with_what_would_be_lost_now(
    lost: int, held: bool
) -> None:
    assert reasons(plan(1), ledger=rows(50), lost=lost) == ((MASS,) if held else ())
    assert reasons(plan(), ledger=rows(50), lost=lost) == ()


def test_share_is_one_of_all_labels_that_there_were_a_day_ago() -> None:
    assert reasons(plan(10), ledger=rows(110), lost=20) == (MASS,)
    assert reasons(plan(10), ledger=rows(130), lost=20) == ()


def test_labels_of_others_count_among_the_removals() -> None:
    assert reasons(plan(13, foreign=13), ledger=rows(50)) == (MASS,)


def test_what_an_option_asked_for_does_not_count_until_something_else_is_held() -> None:
    assert reasons(plan(30, chosen=5), ledger=rows(50)) == ()
    safety = verdict_of(plan(40, chosen=5), ledger=rows(50))
    assert safety.reasons == (MASS,)
    assert len(safety.held) == 35


def test_removals_that_make_room_for_a_new_name_do_not_count_and_are_not_held() -> None:
    assert reasons(plan(25, replaced=900)) == ()
    safety = verdict_of(plan(30, replaced=2), ledger=rows(40))
    assert {one.label for one in safety.plan.changes} == {"old"}
    assert {one.label for one in safety.held} == {"anna"}


def test_rows_that_would_be_forgotten_are_held_with_the_removals() -> None:
    there = rows(60)
    safety = verdict_of(plan(20, forgotten=there[30:40]), ledger=there)
    assert safety.plan.ledger_only_updates == {}
    assert safety.held_keys == keys(there[:20]) | keys(there[30:40])
    assert safety.needs_decision


def test_mark_waits_for_the_labels_that_it_takes_the_place_of() -> None:
    some = plan(40)
    marks = [add("removed", str(number)) for number in (3, 90)]
    rows_of = {
        one.key: Row("removed", "1", one.rating_key, 5, is_removed_marker=True) for one in marks
    }
    some = replace(some, changes=(*marks, *some.changes), ledger_updates=rows_of)
    safety = verdict_of(some, ledger=rows(50))
    assert safety.plan.changes == (marks[1],)
    assert safety.held == (marks[0], *some.changes[2:])
    shown = Consent(removals=safety.held_keys)
    assert reasons(some, ledger=rows(50), consent=shown) == ()


# What is doubted


@pytest.mark.parametrize("why", [NOBODY, SHRUNK])
def test_doubted_lists_hold_whether_or_not_something_would_go(why: HoldReason) -> None:
    doubts = Doubts(lists=frozenset({why}))
    assert reasons(plan(1), doubts=doubts) == (why,)
    safety = verdict_of(plan(0, additions=2), doubts=doubts)
    assert (safety.reasons, safety.held, len(safety.plan.changes)) == ((why,), (), 2)


def test_list_that_shrank_holds_only_its_own_removals_and_asks_no_one() -> None:
    safety = verdict_of(plan(8, shrunk=5))
    assert safety.reasons == (LIST_SHRANK,)
    assert (len(safety.held), len(safety.plan.changes), safety.needs_decision) == (5, 3, False)
    assert len(safety.lost) == 3


def test_list_that_shrank_asks_where_the_brake_asks_anyway() -> None:
    safety = verdict_of(plan(40, shrunk=40), ledger=rows(50))
    assert (safety.reasons, safety.needs_decision) == ((MASS, LIST_SHRANK), True)


# What vanished


def test_labels_of_one_run_that_vanish_together_are_asked_about() -> None:
    there = (*rows(50), *rows(TOGETHER, written=900, start=100))
    assert reasons(plan(vanished=there[50:]), ledger=there) == (VANISHED,)
    assert reasons(plan(vanished=there[50:54]), ledger=there) == ()
    newer = rows(1, written=901, start=300)
    for stay, held in ((1, True), (2, False)):  # of the run
        more = (*there, *rows(stay, written=900, start=200), *newer)
        assert reasons(plan(vanished=there[50:55]), ledger=more) == ((VANISHED,) if held else ())


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 3), st.integers(0, 3))
def test_most_labels_of_a_run_that_vanish_are_no_hands_work(
    removed: int, stay: int, older: int, newer: int
) -> None:
    run = rows(removed + stay, written=900)
    ledger = (*rows(older, start=100), *run, *rows(newer, written=901, start=200))
    is_most = removed >= TOGETHER and 4 * removed >= 3 * (removed + stay)
    held = VANISHED in reasons(plan(vanished=run[:removed]), ledger=ledger, share=1.0)
    assert held is is_most


def test_newest_labels_that_vanish_together_are_asked_about_whoever_wrote_them_when() -> None:
    there = rows(50)
    assert reasons(plan(vanished=there[45:]), ledger=there) == (VANISHED,)
    assert reasons(plan(vanished=there[44:49]), ledger=there) == (VANISHED,)
    assert reasons(plan(vanished=there[42:47]), ledger=there) == ()
    assert reasons(plan(vanished=there[46:]), ledger=there) == ()


def test_what_is_off_or_was_never_confirmed_has_not_stayed_behind() -> None:
    removed = rows(TOGETHER, written=900)
    others = (
        replace(Row("anna", "1", "80", 900), removed_by_user=True),
        replace(Row("anna", "1", "81", 900), confirmed=False),
    )
    assert reasons(plan(vanished=removed), ledger=(*rows(9, start=50), *removed, *others)) == (
        VANISHED,
    )


@given(st.permutations(range(12)), st.lists(st.integers(1, 4), min_size=12, max_size=12), st.data())
def test_what_vanished_together_does_not_depend_on_the_order_of_the_ledger(
    order: list[int], written: list[int], data: st.DataObject
) -> None:
    there = tuple(Row("anna", "1", str(number), when) for number, when in enumerate(written))
    removed = plan(vanished=data.draw(st.lists(st.sampled_from(there), unique=True)))
    assert reasons(removed, ledger=there) == reasons(
        removed, ledger=tuple(there[at] for at in order)
    )


def test_what_vanished_in_bulk_is_no_decision_nor_is_it_one_under_a_new_name() -> None:
    there = rows(TOGETHER, written=900)
    decided = Row("anne", "1", "0", 901, removed_by_user=True)
    some = plan(3, vanished=there)
    some = replace(
        some,
        ledger_only_updates={**some.ledger_only_updates, decided.key: decided},
        decided=keys([decided]),
    )
    safety = verdict_of(some, ledger=there)
    assert safety.reasons == (VANISHED,)
    assert safety.plan.ledger_only_updates == {}
    assert len(safety.held) == 3


# Names


@pytest.mark.parametrize(
    ("renamed", "people", "held"), [(2, 2, False), (3, 11, True), (3, 12, False), (4, 12, True)]
)
def test_many_people_with_new_names_at_once_are_asked_about(
    renamed: int, people: int, held: bool
) -> None:
    situation = Situation(ledger=rows(1000), people=people, before=Baseline(people, 9))
    safety = check_plan(plan(1, renamed=renamed), SyncSettings(), situation, Consent())
    assert safety.reasons == ((RENAMED,) if held else ())
    # Nothing but the names is held: neither the old ones go nor the new ones come.
    assert len(safety.held) == (2 * renamed if held else 0)
    assert safety.needs_decision is held


def test_new_names_by_the_label_format_were_confirmed_with_it() -> None:
    some = plan(renamed=4)
    before = Baseline(4, 9, label_format="{username}")
    assert reasons(some, before=before) == (RENAMED,)
    assert reasons(some, before=before, label_format="{alias}") == ()
    assert reasons(some, before=None) == ()


# Open questions


def test_what_a_question_is_open_about_is_protected_on_every_path() -> None:
    question = OpenQuestion(frozenset({("0", "anna")}), (MASS,))
    assert reasons(plan(1), question=question) == (MASS,)
    assert reasons(plan(1, chosen=1), question=question) == ()
    other = OpenQuestion(frozenset({("99", "anna")}), (MASS,))
    assert reasons(plan(1), question=other) == ()


@pytest.mark.parametrize(
    ("some", "why"),
    [
        (plan(1), MASS),
        (plan(1), NOBODY),
        (plan(vanished=rows(1)), VANISHED),
        (plan(forgotten=rows(1)), MASS),
        (replace(plan(), renamed={("0", "anna"): pulsarr_id(1)}), RENAMED),
    ],
)
def test_question_is_asked_again_for_its_own_reason_only(some: Plan, why: HoldReason) -> None:
    every = (NOBODY, MASS, VANISHED, RENAMED)
    question = OpenQuestion(frozenset({("0", "anna")}), every)
    held_for = reasons(some, question=question)
    assert why in held_for
    assert (VANISHED in held_for) is (why is VANISHED)
    assert (RENAMED in held_for) is (why is RENAMED)


# Consent


def test_yes_passes_just_what_was_shown() -> None:
    there, some = rows(50), plan(40)
    shown = frozenset(one.key for one in some.changes)
    yes = verdict_of(some, ledger=there, consent=Consent(removals=shown))
    assert (yes.plan, yes.reasons, yes.lost) == (some, (), frozenset())
    others = frozenset((str(int(key) + 1), label) for key, label in shown)
    assert len(others) == len(shown)
    assert reasons(some, ledger=there, consent=Consent(removals=others)) == (MASS,)
    assert reasons(plan(41), ledger=there, consent=Consent(removals=shown)) == (MASS,)


def test_yes_to_removals_is_none_to_what_vanished() -> None:
    there = rows(50)
    some = plan(40, vanished=there[44:])
    yes = Consent(removals=frozenset(one.key for one in some.changes) | keys(there))
    assert VANISHED in reasons(some, ledger=there, consent=yes)


def test_decision_that_labels_were_removed_by_hand_is_one_about_those() -> None:
    there = rows(50)
    some = plan(vanished=there[10:], forgotten=there[10:12])
    assert reasons(some, ledger=there) == (VANISHED,)
    safety = verdict_of(some, ledger=there, consent=Consent(vanished=keys(there[10:])))
    assert (safety.reasons, safety.lost) == ((), frozenset())
    assert safety.plan.ledger_only_updates == some.ledger_only_updates
    fewer = Consent(vanished=keys(there[11:]))
    assert VANISHED in reasons(some, ledger=there, consent=fewer)


def test_renames_pass_only_if_they_were_shown() -> None:
    some = plan(renamed=4)
    shown = frozenset(some.renamed)
    assert reasons(some, before=Baseline(4, 9), consent=Consent(removals=shown)) == ()
    fewer = frozenset(sorted(shown)[1:])
    assert reasons(some, before=Baseline(4, 9), consent=Consent(removals=fewer)) == (RENAMED,)


# Whatever is planned


sizes = st.integers(0, 2) | st.integers(24, 28) | st.integers(0, 60)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw plans around the size at which they are held."""
    removals = draw(sizes)
    vanished = rows(60, start=100)[: draw(sizes)]
    return plan(
        removals,
        additions=draw(st.integers(0, 3)),
        vanished=vanished,
        forgotten=rows(60, start=200)[: draw(st.integers(0, 9))],
        replaced=draw(st.integers(0, 30)),
        foreign=draw(st.integers(0, 3)),
        shrunk=draw(st.integers(0, removals)),
        chosen=draw(st.integers(0, removals)),
        renamed=draw(st.integers(0, 4)),
    )


some_keys = st.frozensets(
    st.tuples(st.integers(0, 210).map(str), st.sampled_from(("anna", "old", "new 1"))), max_size=5
)
situations = st.builds(
    Situation,
    ledger=st.integers(0, 200).map(lambda count: (*rows(count), *rows(60, start=100)[count:])),
    lost=sizes,
    people=st.integers(0, 9),
    before=st.none() | st.builds(Baseline, people=st.integers(0, 3), titles=st.integers(0, 9)),
    doubts=st.builds(Doubts, lists=st.frozensets(st.sampled_from((NOBODY, SHRUNK)))),
    question=st.none()
    | st.builds(
        OpenQuestion, some_keys, st.sampled_from([(MASS,), (NOBODY, MASS), (VANISHED,), (RENAMED,)])
    ),
)
shares = st.sampled_from([0.01, 0.2, 0.5, 1.0])


def in_order(changes: Iterable[Change]) -> list[Change]:
    """Return changes sorted."""
    return sorted(changes, key=str)


@given(plans(), situations, shares)
def test_what_is_held_and_what_may_run_is_the_whole_plan(
    some: Plan, now: Situation, share: float
) -> None:
    safety = check_plan(some, SyncSettings(max_removals=share), now, Consent())
    assert in_order(safety.held + safety.plan.changes) == in_order(some.changes)
    assert (
        safety.plan.ledger_only_updates.keys() | safety.held_keys >= some.ledger_only_updates.keys()
    )
    assert not safety.plan.ledger_only_updates.keys() & safety.held_keys
    assert bool(safety.held_keys) <= bool(safety.reasons)
    assert safety.needs_decision is bool({*safety.reasons} - {LIST_SHRANK})


def test_label_that_vanished_while_its_removal_is_asked_about_waits_for_the_answer() -> None:
    (row,) = rows(1)
    off = replace(row, removed_by_user=True)
    some = replace(plan(), vanished=(row,), ledger_only_updates={row.key: off})
    now = Situation((row,), 0, 1, None, question=OpenQuestion(frozenset([row.key]), (MASS,)))
    safety = check_plan(some, SyncSettings(), now, Consent())
    assert (safety.plan.ledger_only_updates, safety.lost, safety.needs_decision) == (
        {},
        frozenset(),
        True,
    )


@given(plans(), situations, shares)
def test_no_more_is_ever_lost_within_a_day_than_may_pass_without_a_question(
    some: Plan, now: Situation, share: float
) -> None:
    safety = check_plan(some, SyncSettings(max_removals=share), now, Consent())
    removed = {one.key for one in safety.plan.changes if one.action is Action.REMOVE}
    removed -= some.replaced
    removed |= {
        key
        for key, row in safety.plan.ledger_only_updates.items()
        if row is None or row.removed_by_user
    }
    assert removed - some.chosen <= safety.lost
    if safety.lost:
        count = len(safety.lost) + now.lost
        assert count <= max(FREE_REMOVALS, share * (len(now.ledger) + now.lost))
    if now.question is not None:
        assert not safety.lost & now.question.keys


@given(plans(), situations, shares)
def test_additions_are_held_only_with_the_names_that_they_replace(
    some: Plan, now: Situation, share: float
) -> None:
    safety = check_plan(some, SyncSettings(max_removals=share), now, Consent())
    for change in safety.held:
        if change.action is Action.ADD:
            assert RENAMED in safety.reasons
            assert change.key in some.renamed
        elif change.key in some.replaced:
            assert RENAMED in safety.reasons


@given(plans(), situations, shares)
def test_nothing_is_held_when_someone_allowed_everything(
    some: Plan, now: Situation, share: float
) -> None:
    assert check_plan(some, SyncSettings(max_removals=share), now, ALL) == SafetyResult(some)


@given(plans(), situations)
def test_raising_the_share_holds_no_more(some: Plan, now: Situation) -> None:
    def held(share: float) -> set[HoldReason]:
        return {*check_plan(some, SyncSettings(max_removals=share), now, Consent()).reasons}

    assert held(0.5) <= held(0.2) <= held(0.01)
