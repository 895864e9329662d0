"""A first read of labels from the items, where that takes fewer requests than label by label.

Its result may leave everything unchanged. Before an item is changed, the carriers of its labels and
the item itself are read: a single response is not evidence.
"""

import asyncio
from collections.abc import Mapping
from itertools import batched

from .current_labels import ANY_LABEL, CurrentLabels
from .jobs import gather_fail_fast
from .model import LabelledItem, ServiceError, fold
from .plan_notes import pairs_of
from .ports import PlexPort
from .readers import READERS
from .scope import Scope
from .wanted_labels import WantedItem


async def labels_from_items(
    plex: PlexPort, scope: Scope, items: Mapping[str, WantedItem]
) -> CurrentLabels | None:
    """Return the labels of items as the items themselves list them.

    None where it would take no fewer requests than label by label, and where the responses are
    incomplete: an item is missing or cannot be read, or none of the items that should carry labels
    lists one, because the server does not list labels of items.
    """
    if not scope.complete or not await asyncio.to_thread(
        _takes_fewer, scope, items, plex.items_per_request
    ):
        return None
    found: list[LabelledItem] = []
    waiting = batched(items, plex.items_per_request, strict=False)

    async def read_some() -> None:
        for keys in waiting:
            found.extend(await plex.labelled(keys))

    try:
        await gather_fail_fast(read_some() for _ in range(READERS))
    except ServiceError:
        return None  # reading label by label shows what cannot be read, and why
    return await asyncio.to_thread(_labels_of, found, items)


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


def _labels_of(found: list[LabelledItem], items: Mapping[str, WantedItem]) -> CurrentLabels | None:
    present = CurrentLabels()
    for one in found:
        present.add_item(one.item.rating_key, one.labels)
    is_whole = {one.item.rating_key for one in found} == items.keys()
    return present if is_whole and present.carriers else None
