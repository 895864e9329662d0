"""Whether a row of the ledger is about the item that has its rating key. Pure."""

from enum import Enum

from .changes import Row
from .model import Item
from .title_ids import agree, external


class Relation(Enum):
    """What a row of the ledger has to do with the item that is under its rating key now."""

    ABOUT = "about"  # it is the item that the label was written on
    REMATCHED = "rematched"  # the same item, which Plex takes for another title now
    STRANGER = "stranger"  # another item, whose labels are none of ours


def relation(row: Row, item: Item, library_uuid: str) -> Relation:
    """Return what a row has to do with an item that has its rating key.

    What is not known on one side is no difference. An item was taken for another title only
    when its primary guid changed and the external ids say so, too. One that did not come into
    the library when that one did is another item under a key that was used again.
    """
    if row.uuid and library_uuid and row.uuid != library_uuid:
        return Relation.STRANGER  # another library, be it under the same number
    if row.type and row.type != item.type:
        return Relation.STRANGER
    if not is_another_title(row, item):
        return Relation.ABOUT
    is_it = bool(row.added) and row.added == item.added
    return Relation.REMATCHED if is_it else Relation.STRANGER


def is_another_title(row: Row, item: Item) -> bool:
    """Tell whether an item is certainly not the title that a label was written for."""
    if not row.guid or not item.guid or row.guid == item.guid:
        return False
    return agree(external(row.ids), external(item.ids)) is False
