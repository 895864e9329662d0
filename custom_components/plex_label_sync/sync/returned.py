"""Labels that runs removed and that are present again: Plex's database was restored. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from .changes import Action, Change, Plan, Row, RowKey
from .model import fold
from .person_id import id_order
from .plan_view import View
from .reasons import ReasonCode
from .title_ids import agree


def recently_removed(runs: Iterable[Iterable[Change]]) -> dict[RowKey, Change]:
    """Return the removals of the integration's labels without later reversal; oldest runs first."""
    removed: dict[RowKey, Change] = {}
    for changes in runs:
        for change in changes:
            if change.action is Action.REMOVE and change.is_own:
                removed[change.key] = change
            elif removed:  # most runs only add, tens of thousands of labels
                removed.pop(change.key, None)
    return removed


def labels_to_read(removed: Iterable[Change], view_items: Mapping[str, object]) -> list[RowKey]:
    """Return the labels that show whether removals persist: pairs of library and folded label."""
    return sorted(
        {(one.library, fold(one.label)) for one in removed if one.rating_key in view_items}
    )


def with_returned(plan: Plan, view: View, removed: Mapping[RowKey, Change]) -> Plan:
    """Return a plan that lists the labels that are present again, and adopts those in `adopt`.

    A person may have added one again, so the user has to decide about them.
    """
    returned = {
        key: _row(change, view)
        for key, change in removed.items()
        if key not in view.ledger and _is_back(change, view)
    }
    adopted = {key: row for key, row in returned.items() if key in view.adopt}
    return replace(
        plan,
        returned=tuple(row for key, row in returned.items() if key not in adopted),
        ledger_only_updates={**adopted, **plan.ledger_only_updates},
    )


def _is_back(change: Change, view: View) -> bool:
    """Return whether the item that lost a label exists and carries it.

    Another item with the same rating key may have the same name.
    """
    entry = view.items.get(change.rating_key)
    if entry is None or entry.item.library != change.library:
        return False
    item, present = entry.item, view.present
    is_same = (
        (not change.title or item.title == change.title)
        and change.type in {None, item.type}
        and agree(frozenset({change.title_id}), item.ids) is not False
    )
    return (
        is_same
        and present.carries_if_known(change.library, change.rating_key, change.label) is True
    )


def _row(change: Change, view: View) -> Row:
    item = view.items[change.rating_key].item
    # The mark of a title that is no longer wanted belongs to no person.
    is_mark = change.reason.code is ReasonCode.WANTED_AGAIN
    return Row(
        label=view.present.spelling_on(change.rating_key, change.label),
        library=change.library,
        rating_key=change.rating_key,
        written=int(view.now),
        people=() if is_mark else tuple(sorted((one.id for one in change.people), key=id_order)),
        is_removed_marker=is_mark,
        title_id=change.title_id,
        uuid=view.uuid_of(item.library),
        type=item.type.value,
        guid=item.guid,
        ids=item.ids,
        added=item.added,
    )
