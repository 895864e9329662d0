"""What is explained fits what the planner decides, whatever the world looks like."""

from dataclasses import replace

from hypothesis import given, strategies as st

from custom_components.plex_label_sync.sync.changes import Action, RowKey
from custom_components.plex_label_sync.sync.current_labels import CurrentLabels
from custom_components.plex_label_sync.sync.explain import (
    Explanation,
    Facts,
    ItemStatus,
    LabelState,
    Question,
    Remark,
    Topic,
    WhyNone,
    explain,
    matching_titles,
)
from custom_components.plex_label_sync.sync.identity import Relation, relation
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import (
    Item,
    Library,
    MediaType,
    SyncSettings,
    Title,
    Watchlists,
    fold,
)
from custom_components.plex_label_sync.sync.plan_view import View
from custom_components.plex_label_sync.sync.planner import make_plan
from custom_components.plex_label_sync.sync.queue import PendingSync
from custom_components.plex_label_sync.sync.retention import Roster

from .builders import (
    ANNA,
    BEN,
    all_watchlists,
    item,
    library_items,
    movie,
    show,
    titles,
    watchlists,
)
from .test_planner_properties import NOW, views

NO_LISTS = watchlists({})
TO_COME = {LabelState.TO_ADD, LabelState.TO_REMOVE, LabelState.HELD}


@st.composite
def held_views(draw: st.DrawFn) -> tuple[View, frozenset[RowKey]]:
    """Draw a view, and which of the ledger's rows wait for a decision."""
    view = draw(views())
    keys = sorted(row.key for row in view.ledger)
    return view, draw(st.frozensets(st.sampled_from(keys))) if keys else frozenset()


def facts_of(view: View, held: frozenset[RowKey]) -> Facts:
    """Return a world in which each item is a title of its own."""
    items = [
        (Title(one.item.type, one.item.title, one.item.ids), [one.item])
        for one in view.items.values()
    ]
    libraries = {key: Library(key, MediaType.MOVIE, f"Library {key}") for key in "123"}
    return Facts(items, NO_LISTS, libraries, view, make_plan(view), (), held)


def statuses(explanations: tuple[Explanation, ...]) -> list[ItemStatus]:
    """Return everything that was told about items."""
    return [status for one in explanations for status in one.items]


@given(held_views())
def test_just_what_the_plan_changes_is_reported_to_change(
    drawn: tuple[View, frozenset[RowKey]],
) -> None:
    facts = facts_of(*drawn)
    shown = {
        (status.item.rating_key, fold(label.label))
        for status in statuses(explain(facts))
        for label in status.labels
        if label.change is not None
    }
    assert shown == {change.key for change in facts.plan.changes}


@given(held_views())
def test_state_and_change_belong_together(drawn: tuple[View, frozenset[RowKey]]) -> None:
    facts = facts_of(*drawn)
    vanished = {row.key for row in facts.plan.vanished}
    for status in statuses(explain(facts)):
        for label in status.labels:
            key = (status.item.rating_key, fold(label.label))
            changes = label.change is not None
            assert changes == (label.state in TO_COME and key not in vanished)
            if label.state is LabelState.HELD:
                assert key in facts.held
            elif label.change is not None and label.change.action is Action.REMOVE:
                assert key not in facts.held


@given(views())
def test_just_what_is_on_the_item_is_reported_to_be_there(view: View) -> None:
    for status in statuses(explain(facts_of(view, frozenset()))):
        there = set(view.present.labels_of(status.item.rating_key))
        folded = [fold(label.label) for label in status.labels]
        assert len(folded) == len(set(folded))
        assert {fold(label.label) for label in status.labels if label.present} == there


@given(views())
def test_nothing_is_called_own_that_the_ledger_does_not_hold(view: View) -> None:
    is_own = {
        LabelState.OURS,
        LabelState.KEPT,
        LabelState.PINNED,
        LabelState.LEAVING,
        LabelState.MARK,
    }
    for status in statuses(explain(facts_of(view, frozenset()))):
        for label in status.labels:
            row = view.ledger.get((status.item.rating_key, fold(label.label)))
            held = row is not None and not row.removed_by_user
            assert held or label.state not in is_own
            library = view.uuid_of(status.item.library)
            is_about = (
                row is not None and relation(row, status.item, library) is not Relation.UNRELATED
            )
            assert not (held and is_about) or label.state is not LabelState.FOREIGN


@given(views())
def test_day_on_which_a_label_goes_is_still_to_come(view: View) -> None:
    for status in statuses(explain(facts_of(view, frozenset()))):
        for label in status.labels:
            assert (label.leaves is not None) == (label.state is LabelState.LEAVING)
            assert label.leaves is None or label.leaves > NOW - 1


@given(held_views())
def test_remarks_say_who_wants_a_title_first_and_nothing_twice(
    drawn: tuple[View, frozenset[RowKey]],
) -> None:
    for one in explain(facts_of(*drawn)):
        assert one.remarks[0].code in {Topic.WANTED, Topic.WANTED_BY_NOBODY}
        assert len(set(one.remarks)) == len(one.remarks)


@given(held_views())
def test_remarks_name_what_their_codes_are_about(drawn: tuple[View, frozenset[RowKey]]) -> None:
    for one in explain(facts_of(*drawn)):
        for remark in one.remarks:
            is_about_labels = isinstance(remark.code, LabelState | WhyNone)
            assert bool(remark.labels) is is_about_labels
            assert (remark.when is not None) == (remark.code is LabelState.LEAVING)


@given(all_watchlists(), st.lists(titles, max_size=3), library_items(limit=4))
def test_every_title_is_reported_once(
    lists: Watchlists, waiting: list[Title], items: list[Item]
) -> None:
    queue = tuple(PendingSync(one, 0, 0, 0) for one in waiting)
    found = matching_titles(Question(text=""), lists, queue, items)
    keyed = [title for title in found if title.plex_ids]
    assert len({(title.type, title.plex_ids) for title in keyed}) == len(keyed)
    assert {one for one in waiting if not one.ids} <= set(found)


@given(all_watchlists(), titles)
def test_question_by_id_finds_all_that_have_it_and_nothing_else(
    lists: Watchlists, title: Title
) -> None:
    for one in title.ids:
        found = matching_titles(Question(id=one), lists, (), [])
        assert all(one in other.ids for other in found)
        wanted = [t for some in lists.titles.values() for t in some if one in t.ids]
        assert {other.type for other in wanted} == {other.type for other in found}


def test_exact_title_comes_first() -> None:
    lists = watchlists({ANNA: [movie("tmdb:1", name="Aliens"), movie("tmdb:2", name="Alien")]})
    found = matching_titles(Question(text="ALIEN"), lists, (), [])
    assert [one.name for one in found] == ["Alien", "Aliens"]


def test_title_is_found_by_the_name_that_plex_has_for_it() -> None:
    lists = watchlists({ANNA: [movie("tmdb:1", name="The Lives of Others")]})
    there = item("7", "tmdb:1", title="Das Leben der Anderen")
    found = matching_titles(Question(text="leben"), lists, (), [there])
    assert found == (lists.titles[ANNA.id][0],)


def test_item_without_any_id_is_a_title_of_its_own() -> None:
    there = item("7", title="Birthday 2019")
    lists = watchlists({ANNA: [movie("tmdb:1", name="Birthday 2019")]})
    found = matching_titles(Question(rating_key="7"), lists, (), [there])
    assert found == (Title(MediaType.MOVIE, "Birthday 2019", frozenset()),)


def test_movie_and_show_with_the_same_number_are_two_titles() -> None:
    lists = watchlists({ANNA: [movie("tmdb:1"), show("tmdb:1")]})
    assert len(matching_titles(Question(id="tmdb:1"), lists, (), [])) == 2


def test_everyone_who_wants_a_title_is_named_with_label_or_reason() -> None:
    title = movie("tmdb:1")
    ben = replace(BEN, can_sync=False)
    lists = watchlists({ANNA: [title], ben: [title]})
    settings = SyncSettings(label_format="for {username}")
    view = View({}, CurrentLabels(), Ledger(), Roster({}, frozenset()), settings, NOW, whole=True)
    (one,) = explain(Facts([(title, [])], lists, {}, view, make_plan(view)))
    assert [(who.person, who.label, who.why_none) for who in one.wanted_by] == [
        (ANNA, "for anna", None),
        (ben, "for ben", WhyNone.SYNC_OFF),
    ]
    assert one.remarks == (
        Remark(Topic.WANTED, people=("anna",)),
        Remark(WhyNone.SYNC_OFF, people=("ben",), labels=("for ben",)),
        Remark(Topic.NOT_IN_PLEX),
    )
