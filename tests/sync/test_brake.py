"""May a plan run? What is held, for what reasons, and what never is."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.model import (
    Action,
    Change,
    HoldReason,
    Plan,
    Row,
    SyncSettings,
)
from custom_components.plex_label_sync.sync.protection import Before, Verdict, judge

from .words import add, remove

MASS, NOBODY = HoldReason.MASS_REMOVAL, HoldReason.NOBODY_LISTED
SHRUNK, VANISHED = HoldReason.WATCHLISTS_SHRUNK, HoldReason.LABELS_VANISHED


def plan(
    removals: int, *, additions: int = 0, vanished: int = 0, replaced: int = 0, foreign: int = 0
) -> Plan:
    """Return a plan that takes off so many labels; some only make room, some are foreign."""
    gone = [remove("anna", str(number)) for number in range(removals)]
    gone += [remove("old", str(number)) for number in range(replaced)]
    gone += [replace(remove("kids", str(number)), ours=False) for number in range(foreign)]
    new = [add("ben", str(number)) for number in range(additions)]
    return Plan(
        changes=(*new, *gone),
        unchanged=0,
        items=0,
        vanished=tuple(Row("anna", "1", str(number), 0) for number in range(vanished)),
        replaced=frozenset((str(number), "old") for number in range(replaced)),
    )


def reasons(
    some: Plan,
    *,
    rows: int = 1000,
    share: float = 0.2,
    people: int = 3,
    titles: int = 100,
    before: Before | None = None,
) -> tuple[HoldReason, ...]:
    """Return why a plan is held."""
    return judge(
        some,
        SyncSettings(max_removals=share),
        ledger_rows=rows,
        people=people,
        titles=titles,
        before=before,
    ).reasons


@pytest.mark.parametrize(
    ("removals", "rows", "share", "held"),
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
    removals: int, rows: int, share: float, held: bool
) -> None:
    assert reasons(plan(removals), rows=rows, share=share) == ((MASS,) if held else ())
    found = reasons(plan(0, vanished=removals), rows=rows, share=share)
    assert found == ((VANISHED,) if held else ())


def test_labels_of_others_count_among_the_removals() -> None:
    assert reasons(plan(13, foreign=13), rows=50) == (MASS,)


def test_removals_that_make_room_for_a_new_name_do_not_count_and_are_not_held() -> None:
    assert reasons(plan(25, replaced=900)) == ()
    verdict = judge(
        plan(30, replaced=2), SyncSettings(), ledger_rows=40, people=1, titles=1, before=None
    )
    assert {one.label for one in verdict.allowed} == {"old"}
    assert {one.label for one in verdict.held} == {"anna"}


@pytest.mark.parametrize(
    ("before", "people", "held"),
    [
        (Before(3, 0), 0, True),
        (Before(3, 0), 1, False),
        (Before(0, 0), 0, False),
        (None, 0, False),
    ],
)
def test_pulsarr_that_lists_nobody_any_more_is_not_believed(
    before: Before | None, people: int, held: bool
) -> None:
    assert reasons(plan(1), people=people, titles=0, before=before) == ((NOBODY,) if held else ())


@pytest.mark.parametrize(
    ("before", "titles", "held"),
    [
        (100, 50, False),  # just half
        (100, 49, True),
        (52, 26, False),
        (52, 25, True),
        (50, 24, True),
        (49, 24, False),  # 25 fewer are everyday life
        (25, 0, False),
        (26, 0, True),
        (10, 900, False),
    ],
)
def test_watchlists_that_shrank_by_half_are_not_believed(
    before: int, titles: int, held: bool
) -> None:
    found = reasons(plan(1), titles=titles, before=Before(3, before))
    assert found == ((SHRUNK,) if held else ())


def test_all_reasons_are_told() -> None:
    found = reasons(plan(40, vanished=40), rows=100, people=0, titles=0, before=Before(3, 99))
    assert found == (NOBODY, SHRUNK, MASS, VANISHED)


def test_strange_read_with_nothing_to_take_off_is_no_question() -> None:
    assert reasons(plan(0, additions=5), people=0, titles=0, before=Before(3, 99)) == ()


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw plans around the size at which they are held."""
    size = st.integers(0, 2) | st.integers(24, 28) | st.integers(0, 60)
    return plan(
        draw(size),
        additions=draw(st.integers(0, 3)),
        vanished=draw(size),
        replaced=draw(st.integers(0, 30)),
        foreign=draw(st.integers(0, 3)),
    )


befores = st.none() | st.builds(Before, people=st.integers(0, 3), titles=st.integers(0, 120))


@st.composite
def verdicts(draw: st.DrawFn, *, allowed: bool = False) -> tuple[Plan, Verdict]:
    """Draw a plan and what becomes of it."""
    some = draw(plans())
    return some, judge(
        some,
        SyncSettings(max_removals=draw(st.sampled_from([0.01, 0.2, 0.5, 1.0]))),
        ledger_rows=draw(st.integers(0, 200)),
        people=draw(st.integers(0, 3)),
        titles=draw(st.integers(0, 120)),
        before=draw(befores),
        allowed=allowed,
    )


def in_order(changes: tuple[Change, ...]) -> list[Change]:
    """Return changes sorted."""
    return sorted(changes, key=str)


@given(verdicts())
def test_what_is_held_and_what_may_run_is_the_whole_plan(drawn: tuple[Plan, Verdict]) -> None:
    some, verdict = drawn
    assert in_order(verdict.held + verdict.allowed) == in_order(some.changes)


@given(verdicts())
def test_only_removals_are_held_and_then_all_that_matter(drawn: tuple[Plan, Verdict]) -> None:
    some, verdict = drawn
    removals = [
        one for one in some.changes if one.action is Action.REMOVE and one.key not in some.replaced
    ]
    assert list(verdict.held) == (removals if verdict.reasons else [])


@given(verdicts(allowed=True))
def test_nothing_is_held_when_somebody_said_yes(drawn: tuple[Plan, Verdict]) -> None:
    some, verdict = drawn
    assert verdict == Verdict(some.changes)


@given(plans(), st.integers(0, 200), st.integers(0, 3), st.integers(0, 120), befores)
def test_raising_the_share_holds_no_more(
    some: Plan, rows: int, people: int, titles: int, before: Before | None
) -> None:
    def held(share: float) -> set[HoldReason]:
        return set(
            reasons(some, rows=rows, share=share, people=people, titles=titles, before=before)
        )

    assert held(0.5) <= held(0.2) <= held(0.01)
