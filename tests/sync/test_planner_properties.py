"""The plan, whatever the world looks like."""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import assume, given, strategies as st

from custom_components.plex_label_sync.sync.changes import Action, Change, Plan, Row, RowKey
from custom_components.plex_label_sync.sync.current_labels import CurrentLabels
from custom_components.plex_label_sync.sync.identity import Relation, relation
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import (
    Item,
    Library,
    Person,
    RemovedLabelMode,
    StoredLabel,
    SyncSettings,
    fold,
)
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.plan_view import View
from custom_components.plex_label_sync.sync.planner import make_plan
from custom_components.plex_label_sync.sync.protection import Doubts
from custom_components.plex_label_sync.sync.reasons import ReasonCode, names_of
from custom_components.plex_label_sync.sync.retention import Roster
from custom_components.plex_label_sync.sync.run import HoldReason
from custom_components.plex_label_sync.sync.title_ids import agree, external
from custom_components.plex_label_sync.sync.wanted import WantedTitle
from custom_components.plex_label_sync.sync.wanted_labels import WantedItem, wanted_items

from .builders import (
    GUIDS,
    LABELS,
    MOVIE,
    evidence,
    folded,
    labels_in_plex,
    library_items,
    people,
    person_ids,
    picture,
    proven,
    texts,
    titles,
)

NOW = 1_790_000_000.0
DAY = 86_400.0
HOUSEHOLD = st.lists(people, min_size=1, max_size=4, unique_by=lambda person: person.id)
SPECIAL = ("Kids", "removed", "no-sync")  # labels that may have a meaning of their own


FLAGS = ("off", "pinned", "mark", "unconfirmed")
some_flags = st.sampled_from([*FLAGS, *FLAGS, "", "", "off pinned", "off mark", "mark unconfirmed"])
wanters_of_old = st.sampled_from([(), (1,), (2,), (5,), (1, 2), (2, 3)]).map(
    lambda some: tuple(map(pulsarr_id, some))
)
since = st.sampled_from([0, 0, int(NOW), int(NOW - DAY), int(NOW - 5 * DAY)])
UUIDS = ("", "", "u", "another")
own_labels = st.lists(st.sampled_from([*LABELS, "removed"]), max_size=3)


@st.composite
def rows_of(draw: st.DrawFn, items: list[Item]) -> list[Row]:
    """Draw what we may have written on some items, and on one that is not there any more."""
    rows: dict[RowKey, Row] = {}
    for one in [*items, Item("99", "1", items[0].type, "Lost", frozenset())] if items else []:
        for label in draw(own_labels):
            flags = draw(some_flags)
            row = Row(
                label,
                one.library,
                one.rating_key,
                written=5,
                people=draw(wanters_of_old),
                title_id=draw(st.sampled_from(["", "tmdb:1", *sorted(one.ids)])),
                unwanted_since=draw(since),
                removed_by_user="off" in flags,
                pinned="pinned" in flags,
                is_removed_marker="mark" in flags,
                confirmed="unconfirmed" not in flags,
                uuid=draw(st.sampled_from(UUIDS)),
                type=draw(st.sampled_from(("", one.type.value, one.type.value, "show"))),
                guid=draw(st.sampled_from(GUIDS)),
                ids=draw(st.sampled_from((frozenset(), one.ids, frozenset({"imdb:tt9"})))),
                added=draw(st.integers(0, 2)),
            )
            rows.setdefault(row.key, row)
    return list(rows.values())


settings_strategy = st.builds(
    SyncSettings,
    label_format=st.sampled_from(["{username}", "{alias}", "{username} {type}"]),
    exclude_labels=st.lists(st.sampled_from([*LABELS, "removed"]), max_size=2).map(
        lambda some: frozenset(folded(some))
    ),
    preserve_existing_labels=st.booleans(),
    removed_label_mode=st.sampled_from(RemovedLabelMode),
    removed_label=st.sampled_from(SPECIAL[:2]),
    removal_delay=st.sampled_from([0.0, DAY]),
    restore_overrides=st.booleans(),
    opt_out_label=st.sampled_from(["no-sync", "KIDS"]),
)


@st.composite
def views(draw: st.DrawFn) -> View:
    """Draw wishes with their items, what Plex holds, what we wrote, and the options."""
    items = draw(library_items(limit=4))
    open_env = draw(HOUSEHOLD)
    wanting = st.lists(st.sampled_from(open_env), min_size=1, max_size=3, unique=True)
    matches = [
        (
            WantedTitle(draw(titles), tuple(draw(wanting))),
            draw(st.lists(st.sampled_from(items), unique=True, max_size=3)) if items else [],
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    carried = draw(labels_in_plex(items, more=SPECIAL))
    rows = draw(rows_of(items))
    settings = draw(settings_strategy)
    entries = wanted_items(matches, settings)
    for one in items:
        if any(row.rating_key == one.rating_key for row in rows):
            entries.setdefault(one.rating_key, WantedItem(one))
    view = View(
        items=entries,
        present=picture(carried),
        ledger=Ledger(rows),
        roster=roster(open_env, draw(st.booleans())),
        settings=settings,
        now=NOW,
        whole=draw(st.booleans()),
        restore=draw(st.booleans()),
        libraries={
            key: Library(key, MOVIE, f"Library {key}", uuid=draw(st.sampled_from(UUIDS)))
            for key in "123"
        },
    )
    return proven(view)


def roster(open_env: list[Person], some: bool) -> Roster:
    """Return everybody, of whom all or some get labels."""
    labelled = {person.id for person in open_env if person.can_sync or not some}
    return Roster({person.id: person for person in open_env}, frozenset(labelled))


def carried_out(view: View, plan: Plan) -> View:
    """Return the world after a plan: removals by exact spelling, the ledger as the plan says."""
    return replace(
        view,
        present=changed(view.present, plan.changes),
        ledger=after(view.ledger, plan),
    )


def changed(there: CurrentLabels, changes: Iterable[Change]) -> CurrentLabels:
    """Return what Plex holds after some changes."""
    carried = texts(there)
    for change in changes:
        if change.action is Action.ADD:
            carried.add((change.rating_key, change.label))
        else:
            carried.discard((change.rating_key, change.label))
    result = CurrentLabels({key: dict(forms) for key, forms in there.directory.items()})
    for key, text in carried:
        result.add_carriers(StoredLabel("0", text), [key])
    return result


def after(before: Ledger, plan: Plan) -> Ledger:
    """Return the ledger after a plan all of whose changes were confirmed."""
    result = Ledger(before)
    keys = {change.key for change in plan.changes}
    assert plan.ledger_updates.keys() <= keys
    result.apply({**plan.ledger_only_updates, **plan.ledger_updates})
    return result


def additions(plan: Plan) -> list[Change]:
    """Return what a plan puts on."""
    return [one for one in plan.changes if one.action is Action.ADD]


def removals(plan: Plan) -> list[Change]:
    """Return what a plan takes off."""
    return [one for one in plan.changes if one.action is Action.REMOVE]


def is_mark(plan: Plan, change: Change) -> bool:
    """Tell whether an addition says that nobody wants the title."""
    row = plan.ledger_updates[change.key]
    return row is not None and row.is_removed_marker


def row_about(view: View, key: RowKey) -> Row | None:
    """Return the row of a label, unless it is about another item that had the rating key."""
    row, item = view.ledger.get(key), view.items[key[0]].item
    if row is None or relation(row, item, view.uuid_of(item.library)) is Relation.UNRELATED:
        return None
    return row


def opted_out(view: View, rating_key: str) -> bool:
    """Tell whether an item is to be left alone."""
    return view.present.carries(rating_key, view.settings.opt_out_label)


# What is never taken off


@given(views())
def test_label_that_is_not_in_the_ledger_goes_only_by_choice(view: View) -> None:
    for change in removals(make_plan(view)):
        row = row_about(view, change.key)
        # What was taken off by hand and is there again is somebody else's.
        if change.is_own:
            assert row is not None
            assert not row.removed_by_user
        else:
            assert row is None or row.removed_by_user
            assert view.whole
            assert not view.settings.preserve_existing_labels
            assert view.items[change.rating_key].labels
            assert fold(change.label) not in view.items[change.rating_key].labels


@given(views())
def test_label_that_someone_wants_is_never_removed(view: View) -> None:
    for change in removals(make_plan(view)):
        assert fold(change.label) not in view.items[change.rating_key].labels


@given(views())
def test_excluded_label_and_item_that_opts_out_are_never_touched(view: View) -> None:
    plan = make_plan(view)
    for change in plan.changes:
        assert fold(change.label) not in view.settings.exclude_labels
        assert not opted_out(view, change.rating_key)
    for rating_key, folded_label in {**plan.ledger_only_updates, **plan.ledger_updates}:
        assert not opted_out(view, rating_key)
        assert folded_label not in view.settings.exclude_labels or (
            (rating_key, folded_label) in view.ledger
        )


@given(views())
def test_labels_are_removed_in_a_spelling_that_the_item_carries(view: View) -> None:
    for change in removals(make_plan(view)):
        assert change.label in view.present.spellings(change.rating_key, change.label)


@given(views())
def test_kept_labels_go_only_for_a_new_name_another_title_or_a_mark(view: View) -> None:
    keep = replace(view.settings, removed_label_mode=RemovedLabelMode.KEEP)
    view = replace(view, settings=keep)
    plan = make_plan(view)
    for change in removals(plan):
        row = view.ledger.get(change.key)
        if row is not None and change.is_own and change.key not in plan.replaced:
            item = view.items[change.rating_key].item
            assert "" not in {row.guid, item.guid}
            assert row.guid != item.guid
            assert agree(external(row.ids), external(item.ids)) is False
            assert row.added == item.added != 0


@given(views())
def test_label_that_no_one_wants_waits_for_the_delay(view: View) -> None:
    plan = make_plan(view)
    for change in removals(plan):
        row = view.ledger.get(change.key)
        if row is None or not change.is_own or change.key in plan.replaced:
            continue
        if change.reason.code is ReasonCode.REMATCHED:
            continue
        assert view.settings.removed_label_mode is not RemovedLabelMode.KEEP
        assert not row.pinned
        assert view.now - (row.unwanted_since or view.now) >= view.settings.removal_delay


@given(views())
def test_row_about_another_item_never_leads_to_a_removal(view: View) -> None:
    plan = make_plan(view)
    for row in view.ledger:
        entry = view.items.get(row.rating_key)
        if entry is None or opted_out(view, row.rating_key):
            continue
        if relation(row, entry.item, view.uuid_of(entry.item.library)) is Relation.UNRELATED:
            assert not any(one.key == row.key and one.is_own for one in removals(plan))
            assert row not in plan.vanished


@given(views(), st.data())
def test_nothing_is_lost_on_an_item_that_was_not_read_itself(
    view: View, data: st.DataObject
) -> None:
    read = data.draw(st.lists(st.sampled_from(sorted(view.items) or [""]), unique=True))
    partly = replace(view, evidence=evidence(view.items[key] for key in read if key))
    plan, full = make_plan(partly), make_plan(view)
    for change in removals(plan):
        assert change.rating_key in read
    assert {row.rating_key for row in plan.vanished} <= {*read}
    assert {key for key, _ in plan.forgotten} <= {*read}
    for key, row in plan.ledger_only_updates.items():
        known = view.ledger.get(key)
        if row is None or (row.removed_by_user and not (known and known.removed_by_user)):
            assert key[0] in read
    # What could not be told is asked for, and what is to be added waits for it.
    lost = {one.rating_key for one in removals(full)} | {row.rating_key for row in full.vanished}
    lost |= {key for key, _ in full.forgotten}
    assert lost - {*read} <= plan.unproven
    assert not plan.unproven & {*read}
    added = {one.key for one in additions(plan) if not is_mark(plan, one)}
    wanted = {one.key for one in additions(full) if not is_mark(full, one)}
    assert added <= wanted
    assert {key for key, _ in wanted - added} <= plan.unproven
    assert {key for key, _ in added} <= {*read}


doubts = st.builds(
    Doubts,
    unread=st.frozensets(person_ids, max_size=2),
    unread_labels=st.frozensets(st.sampled_from(LABELS).map(fold), max_size=2),
    shrunk=st.frozensets(person_ids, max_size=2),
    lists=st.frozensets(st.just(HoldReason.NOBODY_LISTED)),
)


@given(views(), doubts)
def test_what_is_not_known_or_doubted_of_the_lists_only_ever_keeps_labels(
    view: View, doubts: Doubts
) -> None:
    usual, plan = make_plan(view), make_plan(replace(view, doubts=doubts))
    assert {one.key for one in removals(plan)} <= {one.key for one in removals(usual)}
    assert plan.forgotten <= usual.forgotten
    assert plan.vanished == usual.vanished
    for change in removals(plan):
        row = view.ledger.get(change.key)
        if row is not None and change.is_own and not row.is_removed_marker:
            assert not doubts.is_unread(row)
            if change.key not in plan.replaced | plan.chosen and doubts.shrank(row):
                assert change.key in plan.shrunk
    for key, row in plan.ledger_only_updates.items():
        known = view.ledger.get(key)
        if (
            known is not None
            and row is not None
            and row.unwanted_since
            and not known.unwanted_since
        ):
            assert doubts.believes_about(known)


# What is put on


@given(views())
def test_carrying_out_a_plan_gives_everyone_what_they_want(view: View) -> None:
    then = carried_out(view, make_plan(view))
    for key, entry in view.items.items():
        for label in entry.labels if not opted_out(view, key) else ():
            row = then.ledger.get((key, label))
            is_off = row is not None and row.removed_by_user
            assert then.present.carries(key, label) or is_off


@given(views())
def test_label_that_was_removed_by_hand_is_put_back_only_when_asked_for(view: View) -> None:
    plan = make_plan(view)
    for change in additions(plan):
        row, new = row_about(view, change.key), plan.ledger_updates[change.key]
        assert new is not None
        # Somebody may be called like the mark: to mark an item does not put their label back.
        if (
            row is not None
            and row.confirmed
            and not row.is_removed_marker
            and not new.is_removed_marker
        ):
            assert view.settings.restore_overrides or (view.restore and not row.removed_by_user)


@given(views())
def test_what_vanished_since_the_last_check_is_reported_and_noted(view: View) -> None:
    plan = make_plan(view)
    for row in plan.vanished:
        assert row == view.ledger.get(row.key)
        assert not row.removed_by_user
        assert not view.present.carries(row.rating_key, row.label)
        note = plan.ledger_only_updates.get(row.key)
        # The decision may go over to a new name; then the old row goes, unless it is excluded.
        assert (note is not None and note.removed_by_user) or row.rating_key in {
            key for key, _ in plan.decided
        }
    # A removed mark is not an override: it is no label of a person.
    assert sum(not row.is_removed_marker for row in plan.vanished) <= plan.overridden


@given(views())
def test_title_is_marked_only_when_no_one_wants_it(view: View) -> None:
    plan = make_plan(view)
    for change in additions(plan):
        labels = view.items[change.rating_key].labels
        if is_mark(plan, change):
            assert not labels
            assert view.settings.mark is not None
            assert fold(change.label) == fold(view.settings.mark)
        else:
            assert fold(change.label) in labels


@given(views())
def test_new_name_takes_the_place_of_the_old_one_in_one_plan(view: View) -> None:
    plan = make_plan(view)
    then = carried_out(view, plan)
    for key, entry in view.items.items():
        wanting = {person.id for label in entry.labels.values() for person in label.people}
        old = [
            row
            for row in view.ledger.by_item().get(key, [])
            if fold(row.label) not in {*entry.labels, *view.settings.exclude_labels}
            and not row.is_removed_marker
            and not wanting.isdisjoint(row.people)
            and not row.removed_by_user
            and not opted_out(view, key)
        ]
        for row in old:
            assert row.key not in then.ledger
            assert row.key not in {change.key for change in additions(plan)}


# The books


@given(views())
def test_planning_again_after_a_plan_was_carried_out_finds_nothing_to_do(view: View) -> None:
    # What the item carries in two spellings is ours in one of them only.
    assume(all(len(view.present.spellings(key, text)) == 1 for key, text in texts(view.present)))
    plan = make_plan(view)
    then = carried_out(view, plan)
    again = make_plan(then)
    assert again.changes == ()
    assert again.vanished == ()
    assert again.ledger_only_updates == {}
    assert again.overridden == plan.overridden
    assert again.unchanged == plan.unchanged + sum(
        not is_mark(plan, one) for one in additions(plan)
    )


@given(views())
def test_second_spelling_is_gone_after_the_second_plan_at_the_latest(view: View) -> None:
    then = carried_out(view, make_plan(view))
    second = make_plan(then)
    assert not additions(second)
    assert not any(change.is_own for change in second.changes)
    assert make_plan(carried_out(then, second)).changes == ()


@given(views())
def test_plan_says_what_becomes_of_each_row(view: View) -> None:
    plan = make_plan(view)
    assert set(plan.ledger_updates) == {change.key for change in plan.changes if change.is_own}
    assert plan.replaced <= {change.key for change in removals(plan)}
    for change in plan.changes:
        if change.is_own:
            assert (plan.ledger_updates[change.key] is None) is (change.action is Action.REMOVE)
    for key, row in {**plan.ledger_only_updates, **plan.ledger_updates}.items():
        if row is not None:
            assert row.key == key
            assert row.confirmed or not row.removed_by_user
            assert row.library == view.items[row.rating_key].item.library or row.is_removed_marker
    # Only a decision that goes over to a new name makes a row without a change.
    new = {key: row for key, row in plan.ledger_only_updates.items() if key not in view.ledger}
    assert all(row is not None and row.removed_by_user for row in new.values())
    assert len({(one.rating_key, one.label) for one in plan.changes}) == len(plan.changes)


@given(views())
def test_plan_counts_every_wanted_label_once(view: View) -> None:
    plan = make_plan(view)
    wanted = [
        label
        for key, entry in view.items.items()
        if not opted_out(view, key)
        for label in entry.labels
    ]
    new = [one for one in additions(plan) if not is_mark(plan, one)]
    assert len(new) + plan.unchanged + plan.overridden == len(wanted)
    assert plan.items == sum(bool(entry.labels) for entry in view.items.values())


@given(views())
def test_no_label_is_written_in_a_second_spelling(view: View) -> None:
    new: dict[str, str] = {}
    for change in additions(make_plan(view)):
        stored = [
            form.text
            for directory in view.present.directory.values()
            for form in directory.get(fold(change.label), [])
        ]
        if stored:
            assert change.label in stored
        else:
            assert new.setdefault(fold(change.label), change.label) == change.label


@given(views())
def test_changes_say_which_item_they_mean_and_why(view: View) -> None:
    for change in make_plan(view).changes:
        one = view.items[change.rating_key].item
        assert (change.library, change.title) == (one.library, one.title)
        assert (change.library_name, change.type) == (f"Library {one.library}", one.type)


@given(views())
def test_changes_say_for_whom_they_are(view: View) -> None:
    for change in make_plan(view).changes:
        row, label = view.ledger.get(change.key), None
        if change.action is Action.ADD:
            label = view.items[change.rating_key].labels.get(fold(change.label))
            wanting = () if label is None else label.people
            assert [one.id for one in change.people] == [one.id for one in wanting]
        elif change.reason.code is ReasonCode.WANTED_AGAIN:
            wanted = view.items[change.rating_key].labels.values()
            assert {one.id for one in change.people} == {
                one.id for label in wanted for one in label.people
            }
        elif change.is_own and row is not None:
            assert {one.id for one in change.people} <= set(row.people)
            assert len(row.people) != 1 or len(change.people) == 1
        else:
            assert not change.people
        assert all(names_of(change.people))
