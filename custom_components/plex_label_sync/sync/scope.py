"""The scope of a sync: the labels to read for it, and the part of the plan that it covers. Pure."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .changes import Action, Plan, Row, RowKey
from .identity import Relation, relation
from .ledger import Ledger
from .model import LabelledItem, Library, SyncSettings, fold
from .person_id import PersonId
from .plan_view import View
from .planner import make_plan
from .protection import Doubts
from .readers import Found
from .retention import Roster
from .wanted import WantedTitle
from .wanted_labels import WantedItem, wanted_items


@dataclass(frozen=True, slots=True)
class Scope:
    """What a sync covers, and by which rules.

    `wanted_titles` are all those of people who get labels. `complete` means that the libraries were
    listed, `whole` that all people and all libraries are covered; `chosen` are the people that it
    is limited to.
    """

    settings: SyncSettings
    libraries: Sequence[Library]
    ledger: Ledger
    roster: Roster
    wanted_titles: tuple[WantedTitle, ...]
    complete: bool = False
    whole: bool = False
    restore: bool = False
    chosen: frozenset[PersonId] | None = None
    doubts: Doubts = field(default_factory=Doubts)
    adopt: frozenset[RowKey] = frozenset()

    @property
    def everything(self) -> bool:
        """Whether all labels of the libraries are read, foreign ones included."""
        return self.whole and not self.settings.preserve_existing_labels


def items_and_labels(
    scope: Scope, found: Found, known: Mapping[str, WantedItem]
) -> tuple[dict[str, WantedItem], list[tuple[str, str]]]:
    """Return the items that a plan covers, and the labels to read for it.

    An item equal to one in `known` is the same object.
    """
    items = wanted_items(found.matches, scope.settings, known)
    for rating_key, item in found.others.items():
        items.setdefault(rating_key, WantedItem(item))
    return items, labels_needed(items, scope.ledger, scope.settings)


def plan_of(scope: Scope, view: View, listed: Container[str]) -> Plan:
    """Return the plan, limited to the scope of the request.

    `listed` are the keys of the libraries whose items are known.
    """
    plan = make_plan(view)
    if scope.complete:
        plan = _forget_missing(plan, view, listed)
    if scope.chosen is not None:
        plan = _limited(plan, _labels_of(scope.chosen, view.items, scope.ledger))
    return plan


def labels_needed(
    items: Mapping[str, WantedItem], rows: Iterable[Row], settings: SyncSettings
) -> list[tuple[str, str]]:
    """Return the labels to read, as different pairs of library key and folded label."""
    needed = [(entry.item.library, folded) for entry in items.values() for folded in entry.labels]
    needed += [
        (items[row.rating_key].item.library, fold(row.label))
        for row in rows
        if row.rating_key in items
    ]
    libraries = {entry.item.library for entry in items.values()}
    needed += [(library, one) for library in libraries for one in settings.special_labels]
    return [*dict.fromkeys(needed)]


def _forget_missing(plan: Plan, view: View, listed: Container[str]) -> Plan:
    """Delete the rows of items that are not in a listing and do not exist by key either."""
    missing = [
        row for row in view.ledger if row.library in listed and row.rating_key not in view.items
    ]
    absent = [
        row
        for row in missing
        if row.rating_key in view.evidence.absent
        or ((one := view.evidence.items.get(row.rating_key)) and _is_unrelated(row, one, view))
    ]
    unproven = {row.rating_key for row in missing if not view.evidence.proves(row.rating_key)}
    return replace(
        plan,
        ledger_only_updates={**plan.ledger_only_updates, **{row.key: None for row in absent}},
        forgotten=plan.forgotten | {row.key for row in absent if not row.removed_by_user},
        unproven=plan.unproven | unproven,
    )


def _is_unrelated(row: Row, one: LabelledItem, view: View) -> bool:
    return relation(row, one.item, view.uuid_of(one.item.library)) is Relation.UNRELATED


def _limited(plan: Plan, concerns: Callable[[RowKey], bool]) -> Plan:
    """Return the part of a plan that concerns some labels on some items.

    The mark of an item belongs to the labels that are removed from it.
    """
    keys = {one.key for one in plan.changes if concerns(one.key)}
    left = {
        one.rating_key for one in plan.changes if one.key in keys and one.action is Action.REMOVE
    }
    marks = {
        key
        for key, row in plan.ledger_updates.items()
        if row and row.is_removed_marker and key[0] in left
    }
    keys |= marks
    return replace(
        plan,
        changes=tuple(one for one in plan.changes if one.key in keys),
        ledger_only_updates={
            key: row for key, row in plan.ledger_only_updates.items() if concerns(key)
        },
        vanished=tuple(row for row in plan.vanished if concerns(row.key)),
        forgotten=frozenset(filter(concerns, plan.forgotten)),
        shrunk=frozenset(filter(concerns, plan.shrunk)),
        renamed={key: one for key, one in plan.renamed.items() if concerns(key)},
        unknown=(),
    )


def _labels_of(
    people: frozenset[PersonId], items: Mapping[str, WantedItem], ledger: Ledger
) -> Callable[[RowKey], bool]:
    """Return a function that returns whether a label on an item is for some of the people."""

    def concerns(key: RowKey) -> bool:
        rating_key, folded = key
        label = items[rating_key].labels.get(folded) if rating_key in items else None
        if label is not None:
            return any(person.id in people for person in label.people)
        row = ledger.get(key)
        return row is not None and not people.isdisjoint(row.people)

    return concerns
