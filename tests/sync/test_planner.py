"""Wanted and present labels and the ledger make a plan."""

from dataclasses import replace
from typing import Any

import pytest

from custom_components.plex_label_sync.sync.changes import Action, Change, Plan, Row
from custom_components.plex_label_sync.sync.current_labels import CurrentLabels
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import (
    Item,
    Library,
    Person,
    RemovedLabelMode,
    SyncSettings,
    fold,
)
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.plan_view import View
from custom_components.plex_label_sync.sync.planner import make_plan
from custom_components.plex_label_sync.sync.protection import Doubts
from custom_components.plex_label_sync.sync.reasons import PersonRef, Reason, ReasonCode
from custom_components.plex_label_sync.sync.retention import Roster
from custom_components.plex_label_sync.sync.run import HoldReason
from custom_components.plex_label_sync.sync.wanted_labels import WantedItem, wanted_items

from .builders import (
    ANNA,
    BEN,
    CARL,
    MOVIE,
    SHOW,
    item,
    ledger,
    movie,
    present,
    proven,
    show,
    wanted_title,
)

NOW = 1_790_000_000.0
KEY = "plex:" + "a" * 24
HEAT = item("11", "plex:" + "a" * 24)
DARK = item("22", "plex:" + "d" * 24, library="2", type_=SHOW, title="Dark")
REPLACE = SyncSettings(preserve_existing_labels=False)
REMOVE = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
MARK = SyncSettings(removed_label_mode=RemovedLabelMode.MARK, removed_label="gone")
UNWANTED = {"11": WantedItem(HEAT)}


def wanted(
    *matches: tuple[Item, tuple[Person, ...]], settings: SyncSettings | None = None
) -> dict[str, WantedItem]:
    """Return what some people want, item by item."""
    wanted_titles = [(wanted_title(movie(*one.ids), *people), (one,)) for one, people in matches]
    return wanted_items(wanted_titles, settings or SyncSettings())


def test_what_is_wanted_as_before_is_the_same_object_and_nothing_else() -> None:
    up = item("12", "tmdb:14160", title="Up")
    before = wanted((HEAT, (ANNA, BEN)), (up, (ANNA,)))
    matches = [
        (wanted_title(movie(*HEAT.ids), ANNA, BEN), (HEAT,)),
        (wanted_title(movie(*up.ids), BEN), (up,)),
    ]
    after = wanted_items(matches, SyncSettings(), before)
    assert after == wanted_items(matches, SyncSettings())
    assert after["11"] is before["11"]
    assert set(after["12"].labels) == {"ben"}


def row(label: str = "anna", *people: Person, **more: Any) -> Row:
    """Return the row of a label on the one movie."""
    ids = tuple(person.id for person in people or (ANNA,))
    return replace(Row(label, "1", "11", 5, ids, KEY, type="movie", ids=HEAT.ids), **more)


def plan_of(
    items: dict[str, WantedItem],
    there: CurrentLabels,
    rows: Ledger | None = None,
    settings: SyncSettings | None = None,
    *,
    whole: bool = True,
    restore: bool = False,
    read: bool = True,
    **more: Any,
) -> Plan:
    """Return the plan of a open_env of three; `read` says that the items themselves were read."""
    people = {person.id: person for person in (ANNA, BEN, CARL)}
    roster = more.pop("roster", Roster(people, frozenset(people)))
    view = View(
        items=items,
        present=there,
        ledger=rows or Ledger(),
        roster=roster,
        settings=settings or SyncSettings(),
        now=NOW,
        whole=whole,
        restore=restore,
        **more,
    )
    return make_plan(proven(view) if read else view)


def effects(plan: Plan) -> list[tuple[Action, str, str]]:
    """Return what a plan does, in short."""
    return [(one.action, one.label, one.rating_key) for one in plan.changes]


# What is wanted


def test_everyone_who_wants_a_title_gets_a_label_on_each_of_its_items() -> None:
    editions = (item("1"), item("2"), item("3", library="3"))
    result = wanted_items([(wanted_title(movie(), ANNA, BEN), editions)], SyncSettings())
    assert {key: set(entry.labels) for key, entry in result.items()} == {
        "1": {"anna", "ben"},
        "2": {"anna", "ben"},
        "3": {"anna", "ben"},
    }


def test_item_that_two_wanted_titles_match_gets_the_labels_of_both() -> None:
    result = wanted((HEAT, (ANNA,)), (HEAT, (BEN, ANNA)))
    assert {label.text: label.people for label in result["11"].labels.values()} == {
        "anna": (ANNA,),
        "ben": (BEN,),
    }


def test_people_whose_labels_differ_in_case_only_share_one() -> None:
    rosa, other = Person(pulsarr_id(1), "rosa"), Person(pulsarr_id(2), "ROSA")
    (label,) = wanted((HEAT, (rosa, other)))["11"].labels.values()
    assert label.text == "rosa"
    assert label.people == (rosa, other)


def test_people_whose_labels_differ_in_case_only_share_its_spelling_on_all_items() -> None:
    rosa, other = Person(pulsarr_id(1), "rosa"), Person(pulsarr_id(2), "ROSA")
    entries = wanted((HEAT, (rosa,)), (DARK, (other,)))
    texts = {label.text for entry in entries.values() for label in entry.labels.values()}
    assert texts == {"rosa"}


def test_label_names_the_type_of_the_item() -> None:
    settings = SyncSettings(label_format="{username} {type}")
    result = wanted((HEAT, (ANNA,)), (DARK, (ANNA,)), settings=settings)
    assert set(result["11"].labels) == {"anna movie"}
    assert set(result["22"].labels) == {"anna show"}


def test_excluded_label_is_not_wanted_in_any_spelling() -> None:
    settings = SyncSettings(exclude_labels=frozenset({fold("ANNA")}))
    assert set(wanted((HEAT, (ANNA, BEN)), settings=settings)["11"].labels) == {"ben"}


# The plan


def test_missing_label_is_added_for_a_reason_that_names_the_people() -> None:
    plan = plan_of(
        wanted(
            (
                HEAT,
                (
                    Person(pulsarr_id(1), "rosa"),
                    Person(pulsarr_id(2), "Rosa"),
                    Person(pulsarr_id(3), "ROSA"),
                ),
            ),
            (DARK, (ANNA,)),
        ),
        present({}),
    )
    assert plan == Plan(
        changes=(
            Change(
                Action.ADD,
                "rosa",
                "1",
                "11",
                "Heat",
                Reason(ReasonCode.WANTED),
                (
                    PersonRef(pulsarr_id(1), "rosa"),
                    PersonRef(pulsarr_id(2), "Rosa"),
                    PersonRef(pulsarr_id(3), "ROSA"),
                ),
                MOVIE,
                KEY,
            ),
            Change(
                Action.ADD,
                "anna",
                "2",
                "22",
                "Dark",
                Reason(ReasonCode.WANTED),
                (PersonRef(pulsarr_id(1), "anna"),),
                SHOW,
                "plex:" + "d" * 24,
            ),
        ),
        unchanged=0,
        items=2,
        ledger_updates={
            ("11", "rosa"): replace(
                row("rosa", written=int(NOW)), people=(pulsarr_id(1), pulsarr_id(2), pulsarr_id(3))
            ),
            ("22", "anna"): Row(
                label="anna",
                library="2",
                rating_key="22",
                written=int(NOW),
                people=(pulsarr_id(1),),
                title_id=next(iter(DARK.ids)),
                type="show",
                ids=DARK.ids,
            ),
        },
    )


def test_label_that_is_there_in_another_spelling_is_left_alone() -> None:
    there = present({"11": ["Anna"]})
    plan = plan_of(wanted((HEAT, (ANNA, BEN))), there)
    assert effects(plan) == [(Action.ADD, "ben", "11")]
    assert (plan.unchanged, plan.items) == (1, 1)


def test_label_that_other_items_carry_is_added_in_their_spelling() -> None:
    there = present({"99": ["Anna"]})
    plan = plan_of(wanted((HEAT, (ANNA,))), there)
    assert effects(plan) == [(Action.ADD, "Anna", "11")]


def test_label_set_by_hand_is_never_removed() -> None:
    there = present({"11": ["Kids"], "12": ["Kids"]})
    plan = plan_of(wanted((HEAT, (ANNA,))), there)
    assert effects(plan) == [(Action.ADD, "anna", "11")]


def test_foreign_labels_of_wanted_items_go_when_they_are_not_preserved() -> None:
    there = present({"11": ["Kids", "anna", "KIDS"], "12": ["Kids"]})
    plan = plan_of(wanted((HEAT, (ANNA,))), there, settings=REPLACE)
    assert effects(plan) == [(Action.REMOVE, "KIDS", "11"), (Action.REMOVE, "Kids", "11")]
    assert {(one.reason, one.people) for one in plan.changes} == {(Reason(ReasonCode.FOREIGN), ())}


def test_label_of_the_ledger_stays_when_foreign_ones_go() -> None:
    there = present({"11": ["Carl", "Kids"]})
    plan = plan_of(wanted((HEAT, (ANNA,))), there, ledger(("11", "carl"), ("12", "Kids")), REPLACE)
    assert effects(plan) == [(Action.ADD, "anna", "11"), (Action.REMOVE, "Kids", "11")]


def test_excluded_foreign_label_stays() -> None:
    there = present({"11": ["Kids"]})
    settings = SyncSettings(
        exclude_labels=frozenset({fold("kids")}), preserve_existing_labels=False
    )
    plan = plan_of(wanted((HEAT, (ANNA,))), there, settings=settings)
    assert effects(plan) == [(Action.ADD, "anna", "11")]


def test_foreign_labels_of_items_that_no_one_wants_stay() -> None:
    there = present({"11": ["anna", "Kids"]})
    assert effects(plan_of(UNWANTED, there, Ledger([row()]), REPLACE)) == []


def test_foreign_label_stays_while_only_an_unread_list_wants_the_item() -> None:
    there = present({"11": ["Kids"]})
    unread = Doubts(unread=frozenset({ANNA.id}))
    plan = plan_of(wanted((HEAT, (ANNA,))), there, settings=REPLACE, doubts=unread)
    assert effects(plan) == [(Action.ADD, "anna", "11")]
    plan = plan_of(wanted((HEAT, (ANNA, BEN))), there, settings=REPLACE, doubts=unread)
    assert (Action.REMOVE, "Kids", "11") in effects(plan)


def test_run_that_does_not_see_everything_takes_nothing_of_others_off() -> None:
    there = present({"11": ["Kids"]})
    plan = plan_of(wanted((HEAT, (ANNA,))), there, settings=REPLACE, whole=False)
    assert effects(plan) == [(Action.ADD, "anna", "11")]


# What we wrote before


@pytest.mark.parametrize("restore", [True, False])
def test_own_label_that_is_gone_was_removed_by_hand(restore: bool) -> None:
    plan = plan_of(wanted((HEAT, (ANNA,))), present({}), Ledger([row()]), restore=restore)
    if restore:
        assert effects(plan) == [(Action.ADD, "anna", "11")]
        assert plan.ledger_updates == {("11", "anna"): row()}
    else:
        assert effects(plan) == []
        assert plan.overridden == 1
        assert plan.vanished == (row(),)
        off = row(removed_by_user=True, unwanted_since=int(NOW))
        assert plan.ledger_only_updates == {("11", "anna"): off}
        before = Ledger([replace(off, unwanted_since=int(NOW) - 99)])
        again = plan_of(wanted((HEAT, (ANNA,))), present({}), before)
        assert again.ledger_only_updates == {}  # since then, and not since each sync


def test_override_is_put_back_only_when_the_options_say_so() -> None:
    off = Ledger([row(removed_by_user=True, unwanted_since=4)])
    for restore in (False, True):
        plan = plan_of(wanted((HEAT, (ANNA,))), present({}), off, restore=restore)
        assert (plan.changes, plan.overridden, plan.vanished, plan.ledger_only_updates) == (
            (),
            1,
            (),
            {},
        )
    plan = plan_of(wanted((HEAT, (ANNA,))), present({}), off, SyncSettings(restore_overrides=True))
    assert effects(plan) == [(Action.ADD, "anna", "11")]
    assert plan.ledger_updates == {("11", "anna"): row()}


def test_label_that_may_never_have_arrived_is_written_again() -> None:
    rows = Ledger([row(confirmed=False)])
    plan = plan_of(wanted((HEAT, (ANNA,))), present({}), rows)
    assert effects(plan) == [(Action.ADD, "anna", "11")]
    plan = plan_of(wanted((HEAT, (ANNA,))), present({"11": ["anna"]}), rows)
    assert (plan.changes, plan.ledger_only_updates) == ((), {("11", "anna"): row()})


def test_row_follows_who_wants_the_title() -> None:
    there = present({"11": ["rosa"]})
    rosa, other = Person(pulsarr_id(1), "rosa"), Person(pulsarr_id(2), "ROSA")
    rows = Ledger([row("rosa", rosa, unwanted_since=9, pinned=True)])
    plan = plan_of(wanted((HEAT, (rosa, other))), there, rows)
    assert (plan.changes, plan.unchanged) == ((), 1)
    assert plan.ledger_only_updates == {("11", "rosa"): row("rosa", rosa, other)}


@pytest.mark.parametrize("mark", [True, False])
def test_label_that_was_off_and_is_there_again_is_someone_elses(mark: bool) -> None:
    rows = Ledger([row(removed_by_user=True, is_removed_marker=mark)])
    there = present({"11": ["anna"]})
    for entries in (wanted((HEAT, (ANNA,))), wanted((HEAT, (BEN,))), UNWANTED):
        plan = plan_of(entries, there, rows, REMOVE)
        assert Action.REMOVE not in {one.action for one in plan.changes}
        assert plan.ledger_only_updates == {("11", "anna"): None}
    settings = replace(REMOVE, preserve_existing_labels=False)
    plan = plan_of(wanted((HEAT, (BEN,))), there, rows, settings)
    (taken,) = (one for one in plan.changes if one.action is Action.REMOVE)
    assert (taken.key, taken.is_own) == (("11", "anna"), False)


def test_item_that_moved_to_another_library_keeps_its_rows() -> None:
    there = present({"11": ["anna"]})
    plan = plan_of(wanted((HEAT, (ANNA,))), there, Ledger([row(library="9")]))
    assert (plan.changes, plan.ledger_only_updates) == ((), {("11", "anna"): row()})


def test_label_that_no_one_wants_stays_or_goes_as_the_options_say() -> None:
    there, rows = present({"11": ["Anna"]}), Ledger([row()])
    plan = plan_of(UNWANTED, there, rows)
    assert (plan.changes, plan.ledger_only_updates, plan.items) == ((), {}, 0)
    plan = plan_of(UNWANTED, there, rows, REMOVE)
    assert effects(plan) == [(Action.REMOVE, "Anna", "11")]
    assert plan.ledger_updates == {("11", "anna"): None}
    assert plan.replaced == frozenset()


def test_row_of_a_label_that_no_one_wants_and_that_is_gone_goes() -> None:
    plan = plan_of(UNWANTED, present({}), Ledger([row(removed_by_user=True)]))
    assert (plan.changes, plan.ledger_only_updates) == ((), {("11", "anna"): None})


def test_label_waits_for_the_delay_and_then_goes() -> None:
    settings = replace(REMOVE, removal_delay=100.0)
    there = present({"11": ["anna"]})
    plan = plan_of(UNWANTED, there, Ledger([row()]), settings)
    assert (plan.changes, plan.ledger_only_updates) == (
        (),
        {("11", "anna"): row(unwanted_since=int(NOW))},
    )
    plan = plan_of(UNWANTED, there, Ledger([row(unwanted_since=int(NOW) - 99)]), settings)
    assert (plan.changes, plan.ledger_only_updates) == ((), {})
    plan = plan_of(UNWANTED, there, Ledger([row(unwanted_since=int(NOW) - 100)]), settings)
    assert effects(plan) == [(Action.REMOVE, "anna", "11")]


def test_new_name_replaces_the_old_one_in_one_plan() -> None:
    there = present({"11": ["Anna"]})
    anna = replace(ANNA, username="anne")
    roster = Roster({pulsarr_id(1): anna}, frozenset({pulsarr_id(1)}))
    plan = plan_of(wanted((HEAT, (anna,))), there, Ledger([row()]), roster=roster)
    assert effects(plan) == [(Action.ADD, "anne", "11"), (Action.REMOVE, "Anna", "11")]
    assert [one.reason for one in plan.changes] == [
        Reason(ReasonCode.RENAMED_FROM, label="anna"),
        Reason(ReasonCode.RENAMED_TO, label="anne"),
    ]
    assert {one.people for one in plan.changes} == {(PersonRef(pulsarr_id(1), "anne"),)}
    assert plan.replaced == {("11", "anna")}
    assert plan.ledger_updates == {
        ("11", "anne"): row("anne", written=int(NOW)),
        ("11", "anna"): None,
    }


def test_excluded_own_label_is_neither_added_nor_removed() -> None:
    settings = replace(REMOVE, exclude_labels=frozenset({"anna"}))
    items = wanted((HEAT, (ANNA,)), settings=settings)
    for there in (present({"11": ["anna"]}), present({})):
        for entries in (items, UNWANTED):
            plan = plan_of(entries, there, Ledger([row()]), settings)
            assert (plan.changes, plan.ledger_only_updates, plan.vanished) == ((), {}, ())


def test_item_that_opts_out_is_left_alone_with_its_rows() -> None:
    settings = replace(REMOVE, preserve_existing_labels=False)
    there = present({"11": ["No-Sync", "Kids", "anna"]})
    for entries in (wanted((HEAT, (BEN,))), UNWANTED):
        plan = plan_of(entries, there, Ledger([row(), row("carl", CARL)]), settings)
        assert (plan.changes, plan.ledger_only_updates, plan.vanished) == ((), {}, ())


def test_item_is_marked_when_its_last_label_goes() -> None:
    rows = Ledger([row(), row("ben", BEN)])
    there = present({"11": ["anna", "ben"], "99": ["Gone"]})
    plan = plan_of(UNWANTED, there, rows, MARK)
    assert effects(plan) == [
        (Action.ADD, "Gone", "11"),
        (Action.REMOVE, "anna", "11"),
        (Action.REMOVE, "ben", "11"),
    ]
    mark = plan.ledger_updates["11", "gone"]
    assert mark == row("Gone", people=(), title_id="", written=int(NOW), is_removed_marker=True)
    plan = plan_of(wanted((HEAT, (BEN,))), there, rows, MARK)
    assert effects(plan) == [(Action.REMOVE, "anna", "11")]


def test_mark_of_someone_else_is_not_taken_for_own() -> None:
    plan = plan_of(UNWANTED, present({"11": ["anna", "gone"]}), Ledger([row()]), MARK)
    assert effects(plan) == [(Action.REMOVE, "anna", "11")]
    plan = plan_of(wanted((HEAT, (ANNA,))), present({"11": ["gone"]}), Ledger(), MARK)
    assert effects(plan) == [(Action.ADD, "anna", "11")]


def test_mark_goes_when_someone_wants_the_title_again() -> None:
    mark = row("gone", people=(), is_removed_marker=True)
    there = present({"11": ["gone"]})
    plan = plan_of(wanted((HEAT, (BEN,))), there, Ledger([mark]), SyncSettings())
    assert effects(plan) == [(Action.ADD, "ben", "11"), (Action.REMOVE, "gone", "11")]
    assert plan.ledger_updates["11", "gone"] is None
    assert plan.replaced == {("11", "gone")}


def test_excluded_mark_stays_when_someone_wants_the_title_again() -> None:
    mark = row("gone", people=(), is_removed_marker=True)
    settings = SyncSettings(exclude_labels=frozenset({"gone"}))
    plan = plan_of(wanted((HEAT, (BEN,))), present({"11": ["gone"]}), Ledger([mark]), settings)
    assert effects(plan) == [(Action.ADD, "ben", "11")]


def test_decision_under_a_former_name_outlasts_runs_for_a_few_titles() -> None:
    former = row("annabel", ANNA)  # removed by hand, and then the person was renamed
    again = wanted((HEAT, (ANNA,)))
    plan = plan_of(again, present({}), Ledger([former]), whole=False)
    assert (plan.changes, plan.ledger_only_updates, plan.overridden) == ((), {}, 1)
    plan = plan_of(again, present({}), Ledger([former]))
    assert (plan.changes, plan.vanished) == ((), (former,))
    assert plan.ledger_only_updates.keys() == {("11", "anna"), ("11", "annabel")}
    assert plan.ledger_only_updates["11", "annabel"] is None


def test_mark_that_someone_removed_is_not_put_on_again() -> None:
    mark = row("gone", people=(), is_removed_marker=True)
    plan = plan_of(UNWANTED, present({}), Ledger([mark]), MARK)
    assert (plan.changes, plan.ledger_only_updates) == (
        (),
        {("11", "gone"): replace(mark, removed_by_user=True)},
    )
    plan = plan_of(UNWANTED, present({}), Ledger([replace(mark, removed_by_user=True)]), MARK)
    assert (plan.changes, plan.ledger_only_updates) == ((), {})


def test_mark_that_was_removed_is_put_on_when_that_is_forgotten() -> None:
    mark = row("gone", people=(), title_id="", is_removed_marker=True, removed_by_user=True)
    rows = Ledger([mark])
    rows.clear_overrides([mark.key])
    plan = plan_of(UNWANTED, present({}), rows, MARK)
    assert (effects(plan), plan.ledger_only_updates) == ([(Action.ADD, "gone", "11")], {})


def test_mark_that_was_removed_is_not_put_on_under_another_name() -> None:
    mark = row("away", people=(), is_removed_marker=True)
    plan = plan_of(UNWANTED, present({}), Ledger([mark]), MARK)
    assert (plan.changes, plan.ledger_only_updates) == (
        (),
        {("11", "away"): replace(mark, removed_by_user=True)},
    )


def test_label_that_makes_items_opt_out_is_never_written() -> None:
    settings = replace(MARK, opt_out_label="Anna", removed_label="ANNA")
    assert wanted((HEAT, (ANNA,)), settings=settings)["11"].labels == {}
    plan = plan_of(UNWANTED, present({"11": ["ben"]}), Ledger([row("ben", BEN)]), settings)
    assert effects(plan) == [(Action.REMOVE, "ben", "11")]


def test_mark_follows_its_name_in_the_options() -> None:
    mark = row("away", people=(), is_removed_marker=True)
    plan = plan_of(UNWANTED, present({"11": ["away"]}), Ledger([mark]), MARK)
    assert effects(plan) == [(Action.ADD, "gone", "11"), (Action.REMOVE, "away", "11")]


def test_person_who_is_called_like_the_mark_gets_a_label_all_the_same() -> None:
    taken = Person(pulsarr_id(1), "gone")
    mark = row("gone", people=(), title_id="", is_removed_marker=True)
    plan = plan_of(wanted((HEAT, (taken,))), present({"11": ["gone"]}), Ledger([mark]), MARK)
    assert (plan.changes, plan.unchanged) == ((), 1)
    assert plan.ledger_only_updates == {("11", "gone"): row("gone")}


# Which item a row is about


RAN = replace(
    item("11", "plex:" + "b" * 24, "imdb:tt0089881", title="Ran"),
    guid="plex://movie/" + "b" * 24,
    added=77,
)
IDENTIFIED = row(
    ids=frozenset({KEY, "imdb:tt0113277"}), guid="plex://movie/" + "a" * 24, added=77, uuid="u"
)


def test_item_that_became_another_title_loses_the_label_of_the_former_one() -> None:
    there = present({"11": ["anna"]})
    plan = plan_of({"11": WantedItem(RAN)}, there, Ledger([IDENTIFIED]))
    assert effects(plan) == [(Action.REMOVE, "anna", "11")]
    assert plan.changes[0].reason == Reason(ReasonCode.REMATCHED, title="Ran")
    assert plan.changes[0].people == (PersonRef(pulsarr_id(1), "anna"),)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"ids": IDENTIFIED.ids, "guid": RAN.guid}),  # a new key, the same ids
        ({}, {"guid": IDENTIFIED.guid}),  # a number that was corrected under the same key
        ({}, {"ids": frozenset({"plex:" + "b" * 24})}),  # a listing without ids
        ({"guid": ""}, {}),
        ({"ids": frozenset({KEY})}, {}),
    ],
)
def test_item_is_another_title_only_when_its_key_and_its_ids_say_so(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    there, entries = present({"11": ["anna"]}), {"11": WantedItem(replace(RAN, **new))}
    plan = plan_of(entries, there, Ledger([replace(IDENTIFIED, **old)]))
    assert (plan.changes, plan.forgotten) == ((), frozenset())
    assert None not in plan.ledger_only_updates.values()


@pytest.mark.parametrize(
    ("old", "uuid"),
    [
        ({"added": 76}, "u"),  # another item under a key that was used again
        ({"added": 0}, "u"),
        ({"uuid": "another"}, "u"),  # a library that was made anew under its number
        ({"type": "show"}, "u"),
    ],
)
@pytest.mark.parametrize("settings", [SyncSettings(), REMOVE, MARK, REPLACE])
def test_row_about_another_item_is_forgotten_and_nothing_is_removed(
    old: dict[str, Any], uuid: str, settings: SyncSettings
) -> None:
    rows, there = Ledger([replace(IDENTIFIED, **old)]), present({"11": ["anna"]})
    plan = plan_of(
        {"11": WantedItem(RAN)},
        there,
        rows,
        settings,
        libraries={"1": Library("1", MOVIE, "Movies", uuid=uuid)},
    )
    assert plan.changes == ()
    assert plan.ledger_only_updates == {("11", "anna"): None}
    assert plan.forgotten == {("11", "anna")}
    # It is no override either: what is wanted comes.
    plan = plan_of(
        wanted((RAN, (ANNA,))),
        present({}),
        rows,
        settings,
        libraries={"1": Library("1", MOVIE, "Movies", uuid=uuid)},
    )
    assert effects(plan) == [(Action.ADD, "anna", "11")]
    assert plan.vanished == ()


# What was not read itself


@pytest.mark.parametrize(
    ("entries", "there", "rows", "settings"),
    [
        (UNWANTED, {"11": ["anna"]}, [row()], REMOVE),
        (UNWANTED, {"11": ["anna"]}, [row()], MARK),
        (UNWANTED, {}, [row()], SyncSettings()),
        (wanted((HEAT, (ANNA,))), {}, [row()], SyncSettings()),
        (wanted((HEAT, (BEN,))), {"11": ["anna", "ben"]}, [row()], REMOVE),
        (wanted((HEAT, (ANNA,))), {"11": ["anna"]}, [row(removed_by_user=True)], SyncSettings()),
        (wanted((HEAT, (ANNA,))), {"11": ["anna", "Kids"]}, [row()], REPLACE),
        ({"11": WantedItem(RAN)}, {"11": ["anna"]}, [IDENTIFIED], SyncSettings()),
        (UNWANTED, {}, [row("gone", people=(), is_removed_marker=True)], MARK),
        (
            wanted((HEAT, (replace(ANNA, username="anne"),))),
            {"11": ["anne"]},
            [row("anne"), row()],
            SyncSettings(),
        ),
    ],
)
def test_nothing_goes_from_an_item_that_was_not_read_itself(
    entries: dict[str, WantedItem],
    there: dict[str, list[str]],
    rows: list[Row],
    settings: SyncSettings,
) -> None:
    plan = plan_of(entries, present(dict(there)), Ledger(rows), settings, read=False)
    assert plan.unproven == {"11"}
    assert not plan.is_idle()
    assert (plan.vanished, plan.forgotten) == ((), frozenset())
    assert Action.REMOVE not in {one.action for one in plan.changes}
    assert not any(one is None or one.removed_by_user for one in plan.ledger_only_updates.values())


# What is not known, or not believed


def test_label_whose_carriers_could_not_be_read_is_left_as_it_is() -> None:
    there = present({})
    there.unread.add(("1", "anna"))
    entries = wanted((HEAT, (ANNA, BEN)))
    plan = plan_of(entries, there, Ledger([row()]), REMOVE)
    assert effects(plan) == [(Action.ADD, "ben", "11")]
    assert (plan.ledger_only_updates, plan.vanished) == ({}, ())
    assert plan_of(UNWANTED, there, Ledger([row()]), REMOVE).is_idle()


def test_label_of_someone_whose_list_could_not_be_read_stays() -> None:
    there, rows = present({"11": ["anna", "kids"]}), Ledger([row()])
    for doubts in (
        Doubts(unread=frozenset({pulsarr_id(1)})),
        Doubts(unread=frozenset({pulsarr_id(9)}), unread_labels=frozenset({"anna"})),
    ):
        assert plan_of(UNWANTED, there, rows, REMOVE, doubts=doubts).is_idle()
        plan = plan_of(wanted((HEAT, (BEN,))), there, rows, replace(REPLACE), doubts=doubts)
        taken = {one.label for one in plan.changes if one.action is Action.REMOVE}
        assert taken == {"kids"}


def test_doubted_answer_starts_no_delay() -> None:
    settings = replace(REMOVE, removal_delay=100.0)
    there, rows = present({"11": ["anna"]}), Ledger([row()])
    for doubts in (
        Doubts(lists=frozenset({HoldReason.NOBODY_LISTED})),
        Doubts(shrunk=frozenset({pulsarr_id(1)})),
    ):
        assert plan_of(UNWANTED, there, rows, settings, doubts=doubts).is_idle()
    plan = plan_of(
        UNWANTED, there, rows, settings, doubts=Doubts(shrunk=frozenset({pulsarr_id(2)}))
    )
    assert plan.ledger_only_updates == {("11", "anna"): row(unwanted_since=int(NOW))}


def test_removal_that_rests_on_a_shrunk_list_is_reported() -> None:
    there, rows = present({"11": ["anna"]}), Ledger([row()])
    doubts = Doubts(shrunk=frozenset({pulsarr_id(1)}))
    assert plan_of(UNWANTED, there, rows, REMOVE, doubts=doubts).shrunk == {("11", "anna")}
    assert plan_of(UNWANTED, there, rows, REMOVE).shrunk == frozenset()


def test_row_of_a_label_that_is_gone_stays_while_the_lists_are_doubted() -> None:
    doubts = Doubts(lists=frozenset({HoldReason.WATCHLISTS_SHRUNK}))
    plan = plan_of(UNWANTED, present({}), Ledger([row(removed_by_user=True)]), doubts=doubts)
    assert plan.is_idle()


# What the ledger lacks


def test_wanted_label_that_is_there_and_in_no_row_is_reported_and_taken_in_only_when_asked_for() -> (
    None
):
    there, entries = present({"11": ["Anna"]}), wanted((HEAT, (ANNA,)))
    plan = plan_of(entries, there)
    assert plan.unknown == (row("Anna", written=int(NOW)),)
    assert plan.is_idle()
    plan = plan_of(entries, there, adopt=frozenset({("11", "anna")}))
    assert plan.ledger_only_updates == {("11", "anna"): row("Anna", written=int(NOW))}
    assert plan.unknown == ()


def test_removal_of_an_excluded_persons_label_was_asked_for() -> None:
    people = {person.id: person for person in (ANNA, BEN)}
    there, rows = present({"11": ["anna"]}), Ledger([row()])
    excluded = Roster(people, frozenset({pulsarr_id(2)}))
    options = replace(REMOVE, exclude_people=frozenset({ANNA.id}))
    plan = plan_of(UNWANTED, there, rows, options, roster=excluded)
    assert plan.chosen == {("11", "anna")}
    assert plan_of(UNWANTED, there, rows, REMOVE).chosen == frozenset()


def test_three_people_and_two_libraries_make_one_plan() -> None:
    plan = plan_of(
        wanted((HEAT, (ANNA, BEN)), (DARK, (CARL,))),
        present({"11": ["Ben"]}),
    )
    assert effects(plan) == [(Action.ADD, "anna", "11"), (Action.ADD, "carl", "22")]


def test_show_and_movie_under_one_number_do_not_share_labels() -> None:
    entries = wanted_items(
        [
            (wanted_title(movie("tmdb:1"), ANNA), (HEAT,)),
            (wanted_title(show("tmdb:1"), BEN), (DARK,)),
        ],
        SyncSettings(),
    )
    assert set(entries["11"].labels) == {"anna"}
    assert set(entries["22"].labels) == {"ben"}
