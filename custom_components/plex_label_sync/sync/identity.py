"""Whether a row of the ledger is about the item that now has its rating key. Pure."""

from enum import Enum

from .changes import Row
from .model import Item
from .title_ids import agree, external


class Relation(Enum):
    """How a row of the ledger relates to the item that now has its rating key."""

    ABOUT = "about"  # it is the item that the label was written on
    REMATCHED = "rematched"  # the same item, now matched by Plex to another title
    UNRELATED = "unrelated"  # another item, whose labels the integration did not write


def relation(row: Row, item: Item, library_uuid: str) -> Relation:
    """Return how a row relates to an item with the same rating key.

    Something unknown on one side is not a difference. An item was matched to another title only if
    its primary guid changed and the external ids differ as well. If it was added at another time,
    it is another item under a reused key.
    """
    if row.uuid and library_uuid and row.uuid != library_uuid:
        return Relation.UNRELATED  # another library, possibly with the same number
    if row.type and row.type != item.type:
        return Relation.UNRELATED
    if not is_another_title(row, item):
        return Relation.ABOUT
    is_it = bool(row.added) and row.added == item.added
    return Relation.REMATCHED if is_it else Relation.UNRELATED


def is_another_title(row: Row, item: Item) -> bool:
    """Return whether an item is certainly not the title that a label was written for."""
    if not row.guid or not item.guid or row.guid == item.guid:
        return False
    return agree(external(row.ids), external(item.ids)) is False
