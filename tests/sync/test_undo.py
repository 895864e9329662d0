"""How a run is taken back, and how all our labels are."""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.changes import Action, Change, Plan, Row
from custom_components.plex_label_sync.sync.current_labels import CurrentLabels
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import StoredLabel, SyncSettings, fold
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.reasons import Reason, ReasonCode
from custom_components.plex_label_sync.sync.retention import may_show_yet
from custom_components.plex_label_sync.sync.undo import removal_plan, undo_plan

from .builders import add, ledger, ledger_rows, present, remove, texts

NOW = 1_790_000_000.0
ROW = Row("anna", "1", "11", 5, (pulsarr_id(1),))


def undone(
    changes: Iterable[Change],
    there: CurrentLabels,
    rows: Ledger,
    *,
    run_id: str = "one",
    settings: SyncSettings | None = None,
) -> Plan:
    """Return the plan that takes back a run."""
    return undo_plan(changes, run_id, there, rows, settings or SyncSettings(), NOW)


def removal(row: Row) -> Change:
    """Return the removal of a row's label."""
    return remove(row.label, row.rating_key, row.library)


def effects(plan: Plan) -> list[tuple[Action, str, str]]:
    """Return what a plan does, in short."""
    return [(one.action, one.label, one.rating_key) for one in plan.changes]


# Examples


def test_what_was_put_on_is_removed_in_its_present_spelling_and_stays_off() -> None:
    plan = undone([add("anna", "11")], present({"11": ["Anna"]}), Ledger([ROW]))
    assert effects(plan) == [(Action.REMOVE, "Anna", "11")]
    assert plan.ledger_updates == {
        ("11", "anna"): replace(
            ROW, removed_by_user=True, removed_by_undo=True, unwanted_since=int(NOW)
        )
    }
    assert plan.changes[0].reason == Reason(ReasonCode.UNDO, run_id="one")


def test_what_was_removed_is_put_back_and_stays() -> None:
    plan = undone([remove("Anna", "11")], present({}), Ledger())
    assert effects(plan) == [(Action.ADD, "Anna", "11")]
    assert plan.ledger_updates == {("11", "anna"): Row("Anna", "1", "11", int(NOW), pinned=True)}


def test_label_of_someone_else_that_was_removed_is_put_back_as_theirs() -> None:
    plan = undone([replace(remove("Kids", "11"), is_own=False)], present({}), Ledger())
    assert effects(plan) == [(Action.ADD, "Kids", "11")]
    assert plan.ledger_updates == {}
    assert not plan.changes[0].is_own


def test_what_was_changed_since_is_skipped() -> None:
    run = [add("anna", "11"), add("ben", "11"), add("carl", "11"), remove("dora", "11")]
    there = present({"11": ["ben", "carl", "dora"]})
    rows = Ledger([ROW, replace(ROW, label="carl", removed_by_user=True)])
    plan = undone(run, there, rows)
    # anna's is off, ben's is nobody's of ours, carl's was put on by hand, dora's is back.
    assert (plan.changes, plan.ledger_updates, plan.skipped) == ((), {}, 4)


def test_second_spelling_of_a_label_that_was_removed_counts_as_back() -> None:
    plan = undone([remove("Anna", "11")], present({"11": ["ANNA"]}), Ledger())
    assert (plan.changes, plan.skipped) == ((), 1)


def test_excluded_labels_and_items_that_opted_out_are_skipped() -> None:
    run = [add("anna", "11"), remove("ben", "11"), add("carl", "12"), remove("dora", "12")]
    there = present({"11": ["anna"], "12": ["carl", "No-Sync"]})
    rows = Ledger([ROW, replace(ROW, label="carl", rating_key="12")])
    settings = SyncSettings(exclude_labels=frozenset({"anna", "ben"}))
    plan = undone(run, there, rows, settings=settings)
    assert (plan.changes, plan.ledger_updates, plan.skipped) == ((), {}, 4)


def test_removal_leaves_items_that_opted_out_and_what_was_put_on_again_by_hand() -> None:
    there = present({"11": ["anna", "no-sync"], "12": ["anna"]})
    rows = Ledger([ROW, replace(ROW, rating_key="12", removed_by_user=True)])
    plan = removal_plan(rows, there, SyncSettings(), removal, NOW)
    assert (plan.changes, plan.ledger_only_updates) == ((), {("12", "anna"): None})


def test_what_could_not_be_read_is_neither_undone_nor_removed() -> None:
    there = present({"11": ["anna"], "12": ["anna"]})
    there.unread.add(("1", "anna"))
    rows = Ledger([ROW, replace(ROW, rating_key="12")])
    plan = removal_plan(rows, there, SyncSettings(), removal, NOW)
    assert (plan.changes, plan.ledger_only_updates) == ((), {})
    plan = undone([add("anna", "11"), remove("anna", "13")], there, rows)
    assert (plan.changes, plan.ledger_updates, plan.skipped) == ((), {}, 2)


@pytest.mark.parametrize(("age", "stays"), [(0, True), (299, True), (301, False)])
def test_row_of_a_label_that_may_show_yet_is_not_forgotten_by_a_removal(
    age: int, stays: bool
) -> None:
    rows = Ledger([replace(ROW, confirmed=False, written=int(NOW) - age)])
    plan = removal_plan(rows, present({"12": ["anna"]}), SyncSettings(), removal, NOW)
    assert plan.ledger_only_updates == ({} if stays else {ROW.key: None})


def test_all_own_labels_are_removed_but_the_excluded_ones() -> None:
    there = present({"11": ["Anna", "kids"], "12": ["Anna", "Kids"]})
    rows = ledger(("11", "anna"), ("12", "kids"), ("13", "anna"), ("13", "kids"))
    settings = SyncSettings(exclude_labels=frozenset({"kids"}))
    plan = removal_plan(rows, there, settings, removal, NOW)
    assert {one.title for one in plan.changes} == {"Heat"}
    assert effects(plan) == [(Action.REMOVE, "Anna", "11")]
    assert plan.ledger_updates == {("11", "anna"): None}
    assert plan.ledger_only_updates == {("13", "anna"): None}
    assert plan.items == 1


# Whatever was done


KEYS = ("11", "12")
NAMES = ("anna", "Anna", "ben", "kids")


@st.composite
def states(draw: st.DrawFn) -> tuple[CurrentLabels, Ledger]:
    """Draw what two items carry, each label in one spelling, and what of it is ours."""
    carried = {
        key: draw(st.lists(st.sampled_from(NAMES), max_size=3, unique_by=fold)) for key in KEYS
    }
    rows = [
        Row(label, "1", key, 5, (pulsarr_id(1),), pinned=draw(st.booleans()))
        for key, labels in carried.items()
        for label in labels
        if draw(st.booleans())
    ]
    return present(dict(carried)), Ledger(rows)


@st.composite
def runs(draw: st.DrawFn) -> tuple[CurrentLabels, Ledger, list[Change]]:
    """Draw a state and the changes of a run that can be made there."""
    there, rows = draw(states())
    changes = []
    for key in KEYS:
        for label in draw(st.lists(st.sampled_from(NAMES), max_size=3, unique_by=fold)):
            row = rows.get((key, fold(label)))
            if there.carries(key, label):
                change = remove(there.spelling_on(key, label), key)
                changes.append(replace(change, is_own=row is not None))
            else:
                changes.append(add(label, key))
    return there, rows, changes


def changed(there: CurrentLabels, changes: Iterable[Change]) -> CurrentLabels:
    """Return what Plex holds after some changes: removals by exact spelling."""
    carried = texts(there)
    for change in changes:
        if change.action is Action.ADD:
            carried.add((change.rating_key, change.label))
        else:
            carried.discard((change.rating_key, change.label))
    result = CurrentLabels()
    for key, text in carried:
        result.add_carriers(StoredLabel("0", text), [key])
    return result


def made(there: CurrentLabels, rows: Ledger, changes: list[Change]) -> tuple[CurrentLabels, Ledger]:
    """Return what a run of the planner leaves behind."""
    after = Ledger(rows)
    for change in changes:
        if change.action is Action.ADD:
            row = Row(change.label, "1", change.rating_key, int(NOW), (pulsarr_id(2),))
            after.apply({change.key: row})
        elif change.is_own:
            after.apply({change.key: None})
    return changed(there, changes), after


def carried_out(there: CurrentLabels, rows: Ledger, plan: Plan) -> tuple[CurrentLabels, Ledger]:
    """Return what an undo leaves behind."""
    after = Ledger(rows)
    after.apply(plan.ledger_updates)
    return changed(there, plan.changes), after


@given(runs())
def test_undo_brings_back_the_labels_and_undoing_that_takes_them_away_again(
    drawn: tuple[CurrentLabels, Ledger, list[Change]],
) -> None:
    before, rows, changes = drawn
    there, after = made(before, rows, changes)
    plan = undone(changes, there, after)
    assert plan.skipped == 0
    back, back_rows = carried_out(there, after, plan)
    assert texts(back) == texts(before)
    again = undone(plan.changes, back, back_rows, run_id="two")
    assert again.skipped == 0
    redone, redone_rows = carried_out(back, back_rows, again)
    assert texts(redone) == texts(there)
    # The third time is like the first.
    third = undone(again.changes, redone, redone_rows, run_id="three")
    assert third.skipped == 0
    assert texts(carried_out(redone, redone_rows, third)[0]) == texts(before)


@given(runs(), states())
def test_undo_touches_only_what_stands_as_the_run_left_it(
    drawn: tuple[CurrentLabels, Ledger, list[Change]], now: tuple[CurrentLabels, Ledger]
) -> None:
    _, _, changes = drawn
    there, rows = now
    plan = undone(changes, there, rows)
    assert len(plan.changes) + plan.skipped == len(changes)
    done = {(change.action, change.key): change for change in changes}
    for back in plan.changes:
        if back.action is Action.REMOVE:
            change = done[Action.ADD, back.key]
            assert (back.rating_key, back.label) in texts(there)
            assert back.key in rows
            row = plan.ledger_updates[back.key]
            assert row is not None
            assert row.removed_by_user
        else:
            change = done[Action.REMOVE, back.key]
            assert not there.carries(back.rating_key, back.label)
            assert back.label == change.label
            assert (back.key in plan.ledger_updates) is change.is_own
        assert back.is_own is change.is_own
    assert plan.ledger_updates.keys() <= {back.key for back in plan.changes}


@given(runs())
def test_undo_of_an_undone_run_does_nothing(
    drawn: tuple[CurrentLabels, Ledger, list[Change]],
) -> None:
    before, rows, changes = drawn
    there, after = made(before, rows, changes)
    back, back_rows = carried_out(there, after, undone(changes, there, after))
    plan = undone(changes, back, back_rows)
    assert (plan.changes, plan.ledger_updates, plan.skipped) == ((), {}, len(changes))


@given(states(), st.lists(ledger_rows, max_size=6), st.frozensets(st.sampled_from(NAMES)))
def test_removal_removes_what_is_own_and_nothing_else(
    drawn: tuple[CurrentLabels, Ledger], more: list[Row], excluded: frozenset[str]
) -> None:
    there, some = drawn
    rows = Ledger([*more, *some])
    settings = SyncSettings(exclude_labels=frozenset(map(fold, excluded)))
    plan = removal_plan(rows, there, settings, removal, NOW)
    expected = {
        row.key
        for row in rows
        if fold(row.label) not in settings.exclude_labels
        and there.carries(row.rating_key, row.label)
        and not row.removed_by_user
    }
    assert {one.key for one in plan.changes} == expected == set(plan.ledger_updates)
    assert all(one.action is Action.REMOVE for one in plan.changes)
    assert all((one.rating_key, one.label) in texts(there) for one in plan.changes)
    after = Ledger(rows)
    after.apply({**plan.ledger_only_updates, **plan.ledger_updates})
    assert all(
        fold(row.label) in settings.exclude_labels
        or (may_show_yet(row, NOW) and not there.carries(row.rating_key, row.label))
        for row in after
    )
    taken = texts(there) - texts(changed(there, plan.changes))
    assert {(key, fold(text)) for key, text in taken} == expected
