"""Changes grouped by identical effect, so that one request serves many items."""

from itertools import groupby

from hypothesis import given, strategies as st

from custom_components.plex_label_sync.sync.batching import EditGroup, edit_groups
from custom_components.plex_label_sync.sync.changes import Action, Change

from .builders import LABELS, add, remove


def test_items_with_the_same_change_share_an_edit() -> None:
    changes = [add(label, key) for key in ("1", "2", "3") for label in ("anna", "ben")]
    assert edit_groups(changes) == (EditGroup("1", ("1", "2", "3"), ("anna", "ben"), ()),)


def test_tastes_that_overlap_are_added_label_by_label() -> None:
    changes = [add("anna", "1"), add("ben", "1"), add("anna", "2"), add("ben", "3")]
    assert edit_groups(changes) == (
        EditGroup("1", ("1", "2"), ("anna",), ()),
        EditGroup("1", ("1", "3"), ("ben",), ()),
    )


def test_items_that_lose_a_label_change_at_once() -> None:
    changes = [
        *(add(label, key) for key, label in (("1", "anna"), ("2", "ben"))),
        *(one for label in ("anna", "ben") for one in (add(label, "3"), add(label, "4"))),
        remove("carl", "4"),
    ]
    groups = edit_groups(changes)
    assert len(groups) == 3
    assert EditGroup("1", ("4",), ("anna", "ben"), ("carl",)) in groups


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
def test_there_are_no_more_groups_than_distinct_effects_or_labels(changes: list[Change]) -> None:
    def where(one: Change) -> tuple[str, str]:
        return (one.library, one.rating_key)

    distinct = {
        (library, frozenset((one.action, one.label) for one in some))
        for (library, _), some in groupby(sorted(changes, key=where), where)
    }
    groups = edit_groups(changes)
    assert len(groups) <= len(distinct)
    if all(one.action is Action.ADD for one in changes):
        assert len(groups) <= len({(one.library, one.label) for one in changes})
    by_item = {(one.library, one.rating_key) for one in changes if one.action is Action.REMOVE}
    for group in groups:
        # What takes something off an item makes all of that item's changes.
        for key in group.rating_keys:
            if (group.library, key) in by_item:
                assert sum(key in other.rating_keys for other in groups) == 1
    assert all(group.rating_keys and (group.add or group.remove) for group in groups)
