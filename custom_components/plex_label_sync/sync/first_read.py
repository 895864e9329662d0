"""A first read of labels from the items, where that takes fewer requests than label by label.

Its result may leave everything unchanged. Before an item is changed, the carriers of its labels and
the item itself are read: a single response is not evidence.
"""

from collections.abc import Mapping, Set as AbstractSet

from .current_labels import ANY_LABEL, CurrentLabels
from .gap_reader import UNREAD_MAX, item_batches
from .gaps import Gaps
from .jobs import gather_fail_fast
from .model import Failure, Gap, GapKind, LabelledItem, ServiceError, fold
from .plan_notes import pairs_of
from .ports import PlexPort
from .readers import READERS
from .scope import Scope
from .threads import in_thread
from .wanted_labels import WantedItem


async def labels_from_items(
    plex: PlexPort, scope: Scope, items: Mapping[str, WantedItem], gaps: Gaps
) -> CurrentLabels | None:
    """Return the labels of items as the items themselves list them.

    A few items that cannot be read, or that only the listing has, are added to `gaps`: their labels
    are unknown. None where it would take no fewer requests than label by label, and where the
    responses are incomplete: too many items are unknown, or none of those that should carry labels
    lists one, because the server does not list labels of items.
    """
    if not scope.complete or not await in_thread(
        _takes_fewer, scope, items, plex.items_per_request
    ):
        return None
    found: list[LabelledItem] = []
    bad: list[Gap] = []
    waiting = iter(item_batches(plex, items))

    async def read_some() -> None:
        for keys in waiting:
            known = {key: items[key].item for key in keys}
            found.extend(await plex.labelled(keys, bad.append, known))

    try:
        await gather_fail_fast(read_some() for _ in range(READERS))
    except ServiceError:
        return None  # reading label by label shows what cannot be read, and why
    unread = {gap.key: gap.failure for gap in bad}
    missing = items.keys() - {one.item.rating_key for one in found}
    unread = {key: unread.get(key, Failure.IMPLAUSIBLE) for key in missing}
    present = await in_thread(_labels_of, found, unread.keys())
    if present is not None:
        for key, failure in unread.items():
            gaps.add(Gap(GapKind.ITEM, key, items[key].item.title or key, failure))
    return present


def _takes_fewer(scope: Scope, items: Mapping[str, WantedItem], at_once: int) -> bool:
    """Return whether reading the items takes fewer requests than reading all their labels.

    The labels of items that are expected to change are read in addition.
    """
    rows = [row for row in scope.ledger if row.rating_key in items]
    labels = {(items[row.rating_key].item.library, fold(row.label)) for row in rows}
    directories = {(entry.item.library, ANY_LABEL) for entry in items.values()}
    new = {
        key
        for key, entry in items.items()
        if any(scope.ledger.get((key, folded)) is None for folded in entry.labels)
    }
    affected = labels.intersection(pairs_of(frozenset(new), items, scope)) if new else set()
    beside = len(affected | directories) if new else 0
    return -(-len(items) // at_once) + beside < len(labels | directories) and bool(labels)


def pairs_to_confirm(
    scope: Scope, items: Mapping[str, WantedItem], unproven: frozenset[str]
) -> list[tuple[str, str]]:
    """Return the libraries and folded labels whose carriers are read after a first read.

    They are those of the items that would be changed, and the directories of all libraries, which
    have the spellings of labels.
    """
    directories = {(entry.item.library, ANY_LABEL) for entry in items.values()}
    return [*pairs_of(unproven & items.keys(), items, scope), *sorted(directories)]


def _labels_of(found: list[LabelledItem], unread: AbstractSet[str]) -> CurrentLabels | None:
    present = CurrentLabels(unread_items={*unread})
    for one in found:
        present.add_item(one.item.rating_key, one.labels)
    return present if len(unread) <= UNREAD_MAX and present.carriers else None
