"""What a sync looks at: the labels to read for it, and the part of the plan that is its own. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from .leaving import Company
from .ledger import Ledger
from .model import (
    Action,
    Library,
    Plan,
    RemovedLabelMode,
    Row,
    RowKey,
    SyncSettings,
    fold,
)
from .planner import View, WantedItem, make_plan, wanted_items
from .reading import Found


@dataclass(frozen=True, slots=True)
class Sight:
    """What a sync looks at, and by which rules.

    `complete` says that the libraries were listed, `whole` that everybody and all libraries
    are looked at; `chosen` are the people that it is limited to.
    """

    settings: SyncSettings
    libraries: Sequence[Library]
    ledger: Ledger
    company: Company
    complete: bool
    whole: bool
    restore: bool
    chosen: frozenset[int] | None = None

    @property
    def everything(self) -> bool:
        """Whether all labels of the libraries are read, those of others as well."""
        return self.whole and not self.settings.preserve_existing_labels


def items_and_labels(
    sight: Sight, found: Found, known: Mapping[str, WantedItem]
) -> tuple[dict[str, WantedItem], list[tuple[str, str]]]:
    """Return the items that a plan is about, and the labels to read for it.

    What is as in `known` is the same object.
    """
    items = wanted_items(found.matches, sight.settings, known)
    for rating_key, item in found.others.items():
        items.setdefault(rating_key, WantedItem(item))
    return items, labels_needed(items, sight.ledger, sight.settings)


def plan_of(sight: Sight, view: View) -> Plan:
    """Return the plan, as far as it concerns what the request asked for."""
    plan = make_plan(view)
    if sight.complete:
        plan = _forget_missing(plan, view, sight.libraries)
    if sight.chosen is not None:
        plan = _limited(plan, _labels_of(sight.chosen, view.items, sight.ledger))
    return plan


def labels_needed(
    items: Mapping[str, WantedItem], rows: Iterable[Row], settings: SyncSettings
) -> list[tuple[str, str]]:
    """Return the labels to read, as pairs of library key and folded label."""
    needed = [(entry.item.library, folded) for entry in items.values() for folded in entry.labels]
    needed += [
        (items[row.rating_key].item.library, fold(row.label))
        for row in rows
        if row.rating_key in items
    ]
    special = [fold(settings.opt_out_label)]
    if settings.removed_label_mode is RemovedLabelMode.MARK:
        special.append(fold(settings.removed_label))
    libraries = {entry.item.library for entry in items.values()}
    return needed + [(library, folded) for library in libraries for folded in special]


def _forget_missing(plan: Plan, view: View, libraries: Iterable[Library]) -> Plan:
    """Let the rows of items go that a complete listing did not show any more."""
    listed = {library.key for library in libraries}
    gone: dict[RowKey, Row | None] = {
        row.key: None
        for row in view.ledger
        if row.library in listed and row.rating_key not in view.items
    }
    return replace(plan, notes={**plan.notes, **gone})


def _limited(plan: Plan, concerns: Callable[[RowKey], bool]) -> Plan:
    """Return the part of a plan that concerns some labels on some items.

    The mark of an item goes with the labels that are taken off it.
    """
    changes = [one for one in plan.changes if concerns(one.key)]
    left = {one.rating_key for one in changes if one.action is Action.REMOVE}
    marks = {key for key, row in plan.rows.items() if row and row.mark and key[0] in left}
    return replace(
        plan,
        changes=tuple(one for one in plan.changes if one in changes or one.key in marks),
        notes={key: row for key, row in plan.notes.items() if concerns(key)},
        vanished=tuple(row for row in plan.vanished if concerns(row.key)),
    )


def _labels_of(
    people: frozenset[int], items: Mapping[str, WantedItem], ledger: Ledger
) -> Callable[[RowKey], bool]:
    """Return what tells whether a label on an item is there for some of the people."""

    def concerns(key: RowKey) -> bool:
        rating_key, folded = key
        label = items[rating_key].labels.get(folded) if rating_key in items else None
        if label is not None:
            return any(person.id in people for person in label.people)
        row = ledger.get(key)
        return row is not None and not people.isdisjoint(row.people)

    return concerns
