"""Explains why titles have their labels, from what a run would see. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .changes import Action, Change, Plan, Row, RowKey
from .identity import Relation, relation
from .model import Item, Library, Person, SyncSettings, Title, Watchlists, fold
from .naming import label_of
from .people import PeopleRefs
from .plan_view import View
from .queue import PendingSync, Queue
from .reasons import names_of
from .wanted import TitleIndex, gets_labels, wanted_titles_of
from .wanted_labels import WantedLabel

TITLES_MAX: Final = 10  # explained at once: a text may match many


@dataclass(frozen=True, slots=True)
class Question:
    """Which titles to explain: exactly one of the three fields is set.

    `id` is normalized (`tmdb:949`), `text` is part of a title, compared without regard to case.
    """

    text: str | None = None
    id: str | None = None
    rating_key: str | None = None


class WhyNone(StrEnum):
    """Why a person who wants a title gets no label for it."""

    SYNC_OFF = "sync_off"
    LABEL_EXCLUDED = "label_excluded"  # a label that is never written


class LabelState(StrEnum):
    """What a label on an item is, or what the next sync does with it."""

    OURS = "ours"  # written by the integration, and wanted
    KEPT = "kept"  # written by the integration, unwanted, and kept by the options
    PINNED = "pinned"  # written by the integration, unwanted, and kept by a decision
    LEAVING = "leaving"  # written by the integration, unwanted, and its removal delay is running
    MARK = "mark"  # marks a title that is no longer wanted
    FOREIGN = "foreign"  # written by someone else
    EXCLUDED = "excluded"  # one of the excluded labels
    OPT_OUT = "opt_out"  # the label that makes syncs skip the item
    OVERRIDE = "override"  # wanted, but removed by hand
    UNDONE = "undone"  # wanted, but removed by an undo
    HELD = "held"  # waits for a decision
    TO_ADD = "to_add"  # added by the next sync
    TO_REMOVE = "to_remove"  # removed by the next sync
    LEFT_ALONE = "left_alone"  # wanted, but the item is skipped
    GONE = "gone"  # written by the integration, but no longer present


class Topic(StrEnum):
    """The subject of a remark about a title that is not about a single label."""

    WANTED = "wanted"
    WANTED_BY_NOBODY = "wanted_by_nobody"  # by no one who gets labels
    NOT_IN_PLEX = "not_in_plex"  # in none of the synced libraries
    ANNOUNCED = "announced"  # still being looked for
    LIBRARY_NOT_COVERED = "library_not_covered"
    OPTED_OUT = "opted_out"
    ANIDB_ONLY = "anidb_only"  # an id that watchlists do not use
    UNKNOWN_PROVIDER = "unknown_provider"  # metadata that does not include such an id
    NOT_RECOGNISED = "not_recognised"  # by Plex


@dataclass(frozen=True, slots=True)
class Remark:
    """One part of a sentence about a title: a code and its parameters.

    `when` is in seconds since the epoch; parameters that a code does not need are empty.
    """

    code: Topic | WhyNone | LabelState
    people: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    library: str = ""
    when: float | None = None


@dataclass(frozen=True, slots=True)
class WantedBy:
    """A person who wants a title, with the label, or why there is none."""

    person: Person
    label: str
    why_none: WhyNone | None = None


@dataclass(frozen=True, slots=True)
class LabelStatus:
    """One label on one item. `leaves` is in seconds since the epoch."""

    label: str
    present: bool
    state: LabelState
    row: Row | None = None  # the ledger's row
    people: tuple[str, ...] = ()  # for whom it was written, or is wanted
    leaves: float | None = None
    change: Change | None = None  # what the next sync would do with it


@dataclass(frozen=True, slots=True)
class ItemStatus:
    """One item of a title. `covered` is false if its library is not synced."""

    item: Item
    library: str  # its name
    covered: bool
    opted_out: bool
    labels: tuple[LabelStatus, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything there is to report about one title."""

    title: Title
    wanted_by: tuple[WantedBy, ...]
    items: tuple[ItemStatus, ...]
    pending: PendingSync | None
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read about some titles, and what the next sync would do with them.

    `items` are the items of each title that are in Plex; `view` and `plan` cover those in synced
    libraries.
    """

    items: Sequence[tuple[Title, Sequence[Item]]]
    watchlists: Watchlists
    libraries: Mapping[str, Library]
    view: View
    plan: Plan
    queue: Queue = ()
    held: frozenset[RowKey] = frozenset()  # rows of the ledger that wait for a decision


def matching_titles(
    question: Question, watchlists: Watchlists, queue: Queue, items: Sequence[Item]
) -> tuple[Title, ...]:
    """Return the titles that match a question, each once: exact titles first, then by name.

    `items` are the matching items in Plex: an unwanted title is known only from them.
    """
    known = [wanted_title.title for wanted_title in wanted_titles_of(watchlists, watchlists.people)]
    from_items = [Title(item.type, item.title, item.ids) for item in items]
    seen = {(title.type, one) for title in known for one in title.ids}
    for title in (*(entry.title for entry in queue), *from_items):
        is_new = seen.isdisjoint((title.type, one) for one in title.ids)
        if is_new and (title.ids or title not in known):
            known.append(title)
        seen |= {(title.type, one) for one in title.ids}

    there, same = set(from_items), TitleIndex(from_items)

    def fits(title: Title) -> bool:
        if question.text is not None and question.text.casefold() in title.name.casefold():
            return True
        # Its name in Plex may differ from the one in Pulsarr.
        return question.id in title.ids or title in there or title in same

    def order(title: Title) -> tuple[bool, str, str]:
        inexact = question.text is not None and title.name.casefold() != question.text.casefold()
        return inexact, title.name.casefold(), title.type

    return tuple(sorted((title for title in known if fits(title)), key=order))


def explain(facts: Facts) -> tuple[Explanation, ...]:
    """Return an explanation of each title."""
    changes: dict[str, list[Change]] = {}
    for change in facts.plan.changes:
        changes.setdefault(change.rating_key, []).append(change)
    rows = facts.view.ledger.by_item()
    explanations = []
    for title, items in facts.items:
        wanted_by = tuple(_wanted_by(title, facts.watchlists, facts.view.settings))
        statuses = tuple(
            _item_status(
                item, facts, rows.get(item.rating_key, []), changes.get(item.rating_key, [])
            )
            for item in items
        )
        pending = next((one for one in facts.queue if one.title.same_as(title)), None)
        remarks = remarks_on(wanted_by, statuses, pending)
        explanations.append(Explanation(title, wanted_by, statuses, pending, remarks))
    return tuple(explanations)


def _wanted_by(title: Title, watchlists: Watchlists, settings: SyncSettings) -> Iterator[WantedBy]:
    for person in watchlists.people:
        listed = watchlists.titles.get(person.id, ())
        if not any(not title.ids.isdisjoint(one.ids) and title.same_as(one) for one in listed):
            continue
        label = label_of(person, title.type, settings)
        why: WhyNone | None = None
        if not gets_labels(person, settings):
            why = WhyNone.SYNC_OFF  # the lists of people whom an option excludes are not read
        elif fold(label) in settings.never_written:
            why = WhyNone.LABEL_EXCLUDED
        yield WantedBy(person, label, why)


def _item_status(
    item: Item, facts: Facts, rows: Sequence[Row], changes: Sequence[Change]
) -> ItemStatus:
    view = facts.view
    library = facts.libraries.get(item.library)
    covered = item.rating_key in view.items
    opted_out = view.present.carries(item.rating_key, view.settings.opt_out_label)
    present = view.present.labels_of(item.rating_key)
    uuid = view.uuid_of(item.library)
    item_rows = [row for row in rows if relation(row, item, uuid) is not Relation.UNRELATED]
    by_label = {fold(row.label): row for row in item_rows}
    wanted = view.items[item.rating_key].labels if covered else {}
    todo = {fold(change.label): change for change in changes}
    labels = tuple(
        _label_status(
            folded,
            sorted(present.get(folded, ())),
            by_label.get(folded),
            wanted.get(folded),
            todo.get(folded),
            facts,
            alone=opted_out or not covered,
        )
        for folded in sorted({*present, *by_label, *wanted, *todo})
    )
    name = library.name if library is not None else item.library
    return ItemStatus(item, name, covered, opted_out, labels)


def _label_status(  # noqa: PLR0917 - what is there, what was written, what is wanted, what is next
    folded: str,
    spellings: Sequence[str],
    row: Row | None,
    want: WantedLabel | None,
    change: Change | None,
    facts: Facts,
    *,
    alone: bool,
) -> LabelStatus:
    """Return the status of one label; `alone` means that its item is skipped."""
    if change is not None:
        state = _state_to_come(change, facts)
    elif folded == fold(facts.view.settings.opt_out_label):
        state = LabelState.OPT_OUT
    elif folded in facts.view.settings.exclude_labels:
        state = LabelState.EXCLUDED
    elif spellings:
        # An unread list may contain the title.
        is_unread = row is not None and facts.view.doubts.is_unread(row)
        stays = want is not None or alone or is_unread
        state = _state_on(row, facts.view.settings, wanted=stays)
    else:
        state = _state_off(row, facts, alone=alone)
    texts = [*spellings, *(one.label for one in (change, row) if one is not None)]
    return LabelStatus(
        label=texts[0] if texts or want is None else want.text,
        present=bool(spellings),
        state=state,
        row=row,
        people=_people_of(row, want, change, facts.view),
        leaves=_leaves(row, facts) if row and state is LabelState.LEAVING else None,
        change=change,
    )


def _state_to_come(change: Change, facts: Facts) -> LabelState:
    """Return the state of a label that the next sync would change."""
    if change.action is Action.ADD:
        return LabelState.TO_ADD
    return LabelState.HELD if change.key in facts.held else LabelState.TO_REMOVE


def _state_on(row: Row | None, settings: SyncSettings, *, wanted: bool) -> LabelState:
    """Return the state of a label that is on its item and stays there for now."""
    if row is None or row.removed_by_user:
        return LabelState.FOREIGN
    if row.is_removed_marker:
        return LabelState.MARK
    if wanted:
        return LabelState.OURS
    if row.pinned:
        return LabelState.PINNED
    return LabelState.LEAVING if settings.removes else LabelState.KEPT


def _state_off(row: Row | None, facts: Facts, *, alone: bool) -> LabelState:
    """Return the state of a label that is not on its item and is not to be added."""
    if row is not None and row in facts.plan.vanished:
        return LabelState.HELD if row.key in facts.held else _kept_off(row)
    if row is not None and row.removed_by_user:
        return _kept_off(row)
    return LabelState.LEFT_ALONE if row is None and alone else LabelState.GONE


def _kept_off(row: Row) -> LabelState:
    return LabelState.UNDONE if row.removed_by_undo else LabelState.OVERRIDE


def _leaves(row: Row, facts: Facts) -> float:
    """Return when an unwanted label is removed: the delay starts with the first sync to see it."""
    noted = facts.plan.ledger_only_updates.get(row.key) or row
    return (noted.unwanted_since or facts.view.now) + facts.view.settings.removal_delay


def _people_of(
    row: Row | None, want: WantedLabel | None, change: Change | None, view: View
) -> tuple[str, ...]:
    """Return for whom a label is: by the plan, else by who wants it, else by the ledger."""
    if change is not None:
        return names_of(change.people)
    refs = PeopleRefs({**view.ledger.people, **view.roster.people})
    if want is not None:
        return names_of(refs.of(want.people))
    return () if row is None else names_of(refs.of_row(row))


def remarks_on(
    wanted_by: Sequence[WantedBy], items: Sequence[ItemStatus], pending: PendingSync | None
) -> tuple[Remark, ...]:
    """Return the parts of a sentence about a title, in their order."""
    named = tuple(one.person.username for one in wanted_by if one.why_none is None)
    remarks = [Remark(Topic.WANTED, people=named) if named else Remark(Topic.WANTED_BY_NOBODY)]
    remarks += [
        Remark(one.why_none, people=(one.person.username,), labels=(one.label,))
        for one in wanted_by
        if one.why_none is not None
    ]
    if not items:
        remarks.append(Remark(Topic.NOT_IN_PLEX))
        if pending is not None:
            remarks.append(Remark(Topic.ANNOUNCED, when=pending.next_try))
    for item in items:
        remarks += _remarks_on_item(item, item.library if len(items) > 1 else "")
    return tuple(dict.fromkeys(remarks))


def _remarks_on_item(item: ItemStatus, where: str) -> Iterator[Remark]:
    """Return the remarks on an item; `where` is its library where that matters."""
    if not item.covered:
        yield Remark(Topic.LIBRARY_NOT_COVERED, library=item.library)
    elif not item.item.ids:
        yield Remark(_unidentified(item.item), library=where)
    elif item.opted_out:
        yield Remark(Topic.OPTED_OUT, library=where)
    for state in _REMARKED:
        some = [one for one in item.labels if one.state is state]
        if some:
            names = tuple(one.label for one in some)
            yield Remark(state, labels=names, library=where, when=some[0].leaves)


def _unidentified(item: Item) -> Topic:
    """Return why an item without ids cannot match any wanted title."""
    if item.guid.startswith("com.plexapp.agents.hama://anidb"):
        return Topic.ANIDB_ONLY
    if item.guid.startswith("tv.plex.agents.custom."):
        return Topic.UNKNOWN_PROVIDER
    return Topic.NOT_RECOGNISED


# In the order of the sentence. The other states add nothing to it.
_REMARKED: Final = (
    LabelState.OURS,
    LabelState.TO_ADD,
    LabelState.TO_REMOVE,
    LabelState.HELD,
    LabelState.OVERRIDE,
    LabelState.UNDONE,
    LabelState.LEAVING,
    LabelState.KEPT,
    LabelState.PINNED,
    LabelState.MARK,
    LabelState.FOREIGN,
    LabelState.EXCLUDED,
)
