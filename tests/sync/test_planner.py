"""Wanted and present labels make a plan, and a plan makes groups of edits."""

from collections.abc import Iterable
from itertools import groupby

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import (
    Action,
    Change,
    Item,
    Person,
    Plan,
    StoredLabel,
    SyncSettings,
    fold,
)
from custom_components.plex_label_sync.sync.planner import (
    EditGroup,
    Present,
    WantedItem,
    edit_groups,
    make_plan,
    wanted_items,
)
from custom_components.plex_label_sync.sync.wanted import Wish

from .words import (
    ANNA,
    BEN,
    CARL,
    LABELS,
    SHOW,
    add,
    folded,
    item,
    labels_in_plex,
    ledger,
    library_items,
    movie,
    people as drawn_people,
    picture,
    present,
    remove,
    show,
    titles,
    wish,
)

HEAT = item("11", "plex:" + "a" * 24)
DARK = item("22", "plex:" + "d" * 24, library="2", type_=SHOW, title="Dark")
REPLACE = SyncSettings(preserve_existing_labels=False)


def wanted(
    *matches: tuple[Item, tuple[Person, ...]], settings: SyncSettings | None = None
) -> dict[str, WantedItem]:
    """Return what some people want, item by item."""
    return wanted_items(
        [(wish(movie(), *people), (one,)) for one, people in matches], settings or SyncSettings()
    )


def effects(plan: Plan) -> list[tuple[Action, str, str]]:
    """Return what a plan does, in short."""
    return [(one.action, one.label, one.rating_key) for one in plan.changes]


# What is wanted


def test_everybody_who_wants_a_title_gets_a_label_on_each_of_its_items() -> None:
    editions = (item("1"), item("2"), item("3", library="3"))
    result = wanted_items([(wish(movie(), ANNA, BEN), editions)], SyncSettings())
    assert {key: set(entry.labels) for key, entry in result.items()} == {
        "1": {"anna", "ben"},
        "2": {"anna", "ben"},
        "3": {"anna", "ben"},
    }


def test_item_that_two_wishes_match_gets_the_labels_of_both() -> None:
    result = wanted((HEAT, (ANNA,)), (HEAT, (BEN, ANNA)))
    assert {label.text: label.people for label in result["11"].labels.values()} == {
        "anna": (ANNA,),
        "ben": (BEN,),
    }


def test_people_whose_labels_differ_in_case_only_share_one() -> None:
    rosa, other = Person(1, "rosa"), Person(2, "ROSA")
    (label,) = wanted((HEAT, (rosa, other)))["11"].labels.values()
    assert label.text == "rosa"
    assert label.people == (rosa, other)


def test_people_whose_labels_differ_in_case_only_share_its_spelling_on_all_items() -> None:
    rosa, other = Person(1, "rosa"), Person(2, "ROSA")
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


# What is there


def test_label_is_carried_in_any_spelling() -> None:
    there = present({"11": ["Anna"]})
    assert there.carries("11", "anna")
    assert there.carries("11", "ANNA")
    assert not there.carries("12", "anna")
    assert not there.carries("11", "ann")


@pytest.mark.parametrize(
    ("stored", "spelling"),
    [([], "anna"), (["Anna"], "Anna"), (["ANNA", "anna"], "anna"), (["ANNA", "Anna"], "ANNA")],
)
def test_label_is_written_as_plex_stores_it(stored: list[str], spelling: str) -> None:
    there = Present()
    there.add_directory("1", [StoredLabel(str(n), text) for n, text in enumerate(stored)])
    assert there.spelling("1", "anna") == spelling


def test_label_is_written_as_another_library_stores_it_where_it_is_new() -> None:
    there = Present()
    there.add_directory("1", [StoredLabel("1", "ANNA"), StoredLabel("2", "BEN")])
    there.add_directory("2", [StoredLabel("3", "Ben")])
    assert there.spelling("2", "anna") == there.spelling("3", "anna") == "ANNA"
    assert there.spelling("2", "ben") == "Ben"
    assert there.spelling("2", "carl") == "carl"


def test_newer_directory_replaces_the_older_one() -> None:
    there = Present()
    there.add_directory("1", [StoredLabel("1", "ANNA")])
    there.add_directory("1", [StoredLabel("2", "Anna")])
    assert there.spelling("1", "anna") == "Anna"


# The plan


def test_missing_label_is_added_for_a_reason_that_names_the_people() -> None:
    plan = make_plan(
        wanted((HEAT, (Person(1, "rosa"), Person(2, "Rosa"), Person(3, "ROSA"))), (DARK, (ANNA,))),
        present({}),
        Ledger(),
        SyncSettings(),
        whole=True,
    )
    assert plan == Plan(
        changes=(
            Change(Action.ADD, "rosa", "1", "11", "Heat", "rosa, Rosa and ROSA want it"),
            Change(Action.ADD, "anna", "2", "22", "Dark", "anna wants it"),
        ),
        unchanged=0,
        items=2,
    )


def test_label_that_is_there_in_another_spelling_is_left_alone() -> None:
    there = present({"11": ["Anna"]})
    plan = make_plan(wanted((HEAT, (ANNA, BEN))), there, Ledger(), SyncSettings(), whole=True)
    assert effects(plan) == [(Action.ADD, "ben", "11")]
    assert (plan.unchanged, plan.items) == (1, 1)


def test_label_that_other_items_carry_is_added_in_their_spelling() -> None:
    there = present({"99": ["Anna"]})
    plan = make_plan(wanted((HEAT, (ANNA,))), there, Ledger(), SyncSettings(), whole=True)
    assert effects(plan) == [(Action.ADD, "Anna", "11")]


def test_label_set_by_hand_is_never_removed() -> None:
    there = present({"11": ["Kids"], "12": ["Kids"]})
    plan = make_plan(wanted((HEAT, (ANNA,))), there, Ledger(), SyncSettings(), whole=True)
    assert effects(plan) == [(Action.ADD, "anna", "11")]


def test_foreign_labels_of_wanted_items_go_when_they_are_not_preserved() -> None:
    there = present({"11": ["Kids", "anna", "KIDS"], "12": ["Kids"]})
    plan = make_plan(wanted((HEAT, (ANNA,))), there, Ledger(), REPLACE, whole=True)
    assert effects(plan) == [(Action.REMOVE, "KIDS", "11"), (Action.REMOVE, "Kids", "11")]
    assert {one.reason for one in plan.changes} == {
        "not ours, and existing labels are not preserved"
    }


def test_label_of_the_ledger_stays_when_foreign_ones_go() -> None:
    there = present({"11": ["Carl", "Kids"]})
    plan = make_plan(
        wanted((HEAT, (ANNA,))), there, ledger(("11", "carl"), ("12", "Kids")), REPLACE, whole=True
    )
    assert effects(plan) == [(Action.ADD, "anna", "11"), (Action.REMOVE, "Kids", "11")]


def test_excluded_foreign_label_stays() -> None:
    there = present({"11": ["Kids"]})
    settings = SyncSettings(
        exclude_labels=frozenset({fold("kids")}), preserve_existing_labels=False
    )
    plan = make_plan(wanted((HEAT, (ANNA,))), there, Ledger(), settings, whole=True)
    assert effects(plan) == [(Action.ADD, "anna", "11")]


def test_run_that_does_not_see_everything_takes_nothing_off() -> None:
    there = present({"11": ["Kids"]})
    plan = make_plan(wanted((HEAT, (ANNA,))), there, Ledger(), REPLACE, whole=False)
    assert effects(plan) == [(Action.ADD, "anna", "11")]


# The plan, whatever the world looks like


type World = tuple[list[tuple[Wish, list[Item]]], Present, Ledger, SyncSettings, bool]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw wishes with their items, what Plex holds, what we wrote, the options, and `whole`."""
    items = draw(library_items())
    matches = [
        (
            Wish(draw(titles), tuple(draw(st.lists(drawn_people, min_size=1, max_size=3)))),
            draw(st.lists(st.sampled_from(items), unique=True, max_size=4)) if items else [],
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    carried = draw(labels_in_plex(items))
    rows = [
        (key, label)
        for some in carried.values()
        for key, labels in some.items()
        for label in labels
        if draw(st.booleans())
    ]
    settings = SyncSettings(
        label_format=draw(st.sampled_from(["{username}", "{alias}", "{username} {type}"])),
        exclude_labels=frozenset(folded(draw(st.lists(st.sampled_from(LABELS), max_size=2)))),
        preserve_existing_labels=draw(st.booleans()),
    )
    return matches, picture(carried), ledger(*rows), settings, draw(st.booleans())


def planned(world: World) -> tuple[dict[str, WantedItem], Plan]:
    """Return what is wanted in a drawn world, and the plan."""
    matches, there, rows, settings, whole = world
    entries = wanted_items(matches, settings)
    return entries, make_plan(entries, there, rows, settings, whole=whole)


def apply(there: Present, changes: Iterable[Change]) -> Present:
    """Return what Plex holds after some changes: removals by exact spelling."""
    texts = {
        (key, text)
        for key, labels in there.carried.items()
        for spellings in labels.values()
        for text in spellings
    }
    for change in changes:
        if change.action is Action.ADD:
            texts.add((change.rating_key, change.label))
        else:
            texts.discard((change.rating_key, change.label))
    result = Present({key: dict(forms) for key, forms in there.directory.items()})
    for key, text in texts:
        result.add_carriers(StoredLabel("0", text), [key])
    return result


@given(worlds())
def test_carrying_out_a_plan_gives_everybody_what_they_want(world: World) -> None:
    entries, plan = planned(world)
    after = apply(world[1], plan.changes)
    for key, entry in entries.items():
        assert all(after.carries(key, label) for label in entry.labels)


@given(worlds())
def test_planning_again_after_a_plan_was_carried_out_finds_nothing_to_do(world: World) -> None:
    entries, plan = planned(world)
    _, there, rows, settings, whole = world
    again = make_plan(entries, apply(there, plan.changes), rows, settings, whole=whole)
    assert again.changes == ()
    assert again.unchanged == sum(len(entry.labels) for entry in entries.values())


@given(worlds())
def test_labels_are_taken_off_only_where_the_options_allow_it(world: World) -> None:
    entries, plan = planned(world)
    _, there, rows, settings, whole = world
    for change in plan.changes:
        assert fold(change.label) not in settings.exclude_labels
        assert change.rating_key in entries
        if change.action is Action.REMOVE:
            assert whole
            assert not settings.preserve_existing_labels
            assert (change.rating_key, change.label) not in rows
            assert fold(change.label) not in entries[change.rating_key].labels
            # In the spelling in which Plex stores it: another one would remove nothing.
            stored = there.carried[change.rating_key][fold(change.label)]
            assert change.label in stored


@given(worlds())
def test_plan_counts_every_wanted_label_once(world: World) -> None:
    entries, plan = planned(world)
    adds = [one for one in plan.changes if one.action is Action.ADD]
    assert len(adds) + plan.unchanged == sum(len(entry.labels) for entry in entries.values())
    assert len({(one.rating_key, fold(one.label)) for one in adds}) == len(adds)
    assert len(set(plan.changes)) == len(plan.changes)
    assert plan.items == len(entries)


@given(worlds())
def test_no_label_is_written_in_a_second_spelling(world: World) -> None:
    _, plan = planned(world)
    new: dict[str, str] = {}
    for change in plan.changes:
        stored = [
            form.text
            for directory in world[1].directory.values()
            for form in directory.get(fold(change.label), [])
        ]
        if stored:
            assert change.label in stored
        else:
            assert new.setdefault(fold(change.label), change.label) == change.label


@given(worlds())
def test_changes_say_which_item_they_mean(world: World) -> None:
    entries, plan = planned(world)
    for change in plan.changes:
        one = entries[change.rating_key].item
        assert (change.library, change.title) == (one.library, one.title)
        assert change.reason


# Groups of edits


def test_items_with_the_same_change_share_an_edit() -> None:
    changes = [add("anna", "1"), add("anna", "2"), add("ben", "2"), add("anna", "3")]
    assert edit_groups(changes) == (
        EditGroup("1", ("1", "3"), ("anna",), ()),
        EditGroup("1", ("2",), ("anna", "ben"), ()),
    )


def test_libraries_and_directions_are_kept_apart() -> None:
    changes = [add("anna", "1"), add("anna", "2", library="2"), remove("anna", "3")]
    assert len(edit_groups(changes)) == 3


def test_nothing_to_change_makes_no_edit() -> None:
    assert edit_groups(()) == ()


changes_strategy = st.lists(
    st.builds(
        lambda make, label, number: make(label, str(number), library=str(number % 3)),
        st.sampled_from([add, remove]),
        st.sampled_from(LABELS),
        st.integers(1, 12),
    ),
    unique_by=lambda one: (one.label, one.rating_key),
)


@given(changes_strategy)
def test_groups_hold_every_change_exactly_once(changes: list[Change]) -> None:
    groups = edit_groups(changes)
    spread = [
        (action, label, group.library, key)
        for group in groups
        for action, labels in ((Action.ADD, group.add), (Action.REMOVE, group.remove))
        for label in labels
        for key in group.rating_keys
    ]
    assert sorted(spread) == sorted(
        (one.action, one.label, one.library, one.rating_key) for one in changes
    )


@given(changes_strategy)
def test_there_are_no_more_groups_than_distinct_effects(changes: list[Change]) -> None:
    def where(one: Change) -> tuple[str, str]:
        return (one.library, one.rating_key)

    distinct = {
        (library, frozenset((one.action, one.label) for one in some))
        for (library, _), some in groupby(sorted(changes, key=where), where)
    }
    groups = edit_groups(changes)
    assert len(groups) == len(distinct)
    assert all(group.rating_keys and (group.add or group.remove) for group in groups)


def test_three_people_and_two_libraries_make_one_plan() -> None:
    plan = make_plan(
        wanted((HEAT, (ANNA, BEN)), (DARK, (CARL,))),
        present({"11": ["Ben"]}),
        Ledger(),
        SyncSettings(),
        whole=True,
    )
    assert effects(plan) == [(Action.ADD, "anna", "11"), (Action.ADD, "carl", "22")]


def test_show_and_movie_under_one_number_do_not_share_labels() -> None:
    entries = wanted_items(
        [(wish(movie("tmdb:1"), ANNA), (HEAT,)), (wish(show("tmdb:1"), BEN), (DARK,))],
        SyncSettings(),
    )
    assert set(entries["11"].labels) == {"anna"}
    assert set(entries["22"].labels) == {"ben"}
