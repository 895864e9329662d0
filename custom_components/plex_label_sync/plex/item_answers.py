"""What Plex's JSON answers about single items mean: which are there, and which labels they carry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..sync.model import LabelledItem, MediaType
from .parse import (
    BadRow,
    _all_rows,
    _exact,
    _key_or_none,
    _rating_key,
    _rows,
    container,
    counted_rows,
    item_of,
)


def item_keys(answer: object) -> frozenset[str]:
    """Return the rating keys of an answer about several items; raises ValueError for a cut one."""
    return frozenset(_rating_key(row) for row in _all_rows(container(answer), "Metadata"))


@dataclass(frozen=True, slots=True)
class Labelled:
    """What an answer about several items tells: movies and shows with all their labels.

    `keys` are those of all its rows, `bad` the rows that could not be understood.
    """

    items: tuple[LabelledItem, ...]
    keys: frozenset[str]
    bad: tuple[BadRow, ...]


def labelled_items(answer: object) -> Labelled:
    """Return the movies and shows of an answer about several items.

    The library of an item is empty where the answer does not tell it. Raises ValueError when rows are missing in it.
    """
    body = container(answer)
    found: list[LabelledItem] = []
    keys: set[str] = set()
    bad: list[BadRow] = []
    for place, row in enumerate(counted_rows(body, "Metadata")):
        key = _key_or_none(row)
        keys.add(key)
        try:
            kind = row["type"]
            if not isinstance(kind, str):
                raise TypeError("no type")  # noqa: TRY301 - a row like any other bad one
            if kind in {"movie", "show"}:
                found.append(labelled_item(row, body))
        except (AttributeError, ValueError, KeyError, TypeError):
            bad.append(BadRow(place, key))
    return Labelled(tuple(found), frozenset(keys - {""}), tuple(bad))


def labelled_item(row: Mapping[str, Any], body: Mapping[str, Any]) -> LabelledItem:
    """Return the item of a row with its labels; `body` is the answer that holds the row.

    Raises ValueError, KeyError or TypeError for an unreadable one.
    """
    # Where all rows are of one section, it may stand on the container alone; where they are of
    # several, a server that does not put it on the rows does not tell it at all.
    section = row.get("librarySectionID", body.get("librarySectionID", ""))
    return LabelledItem(
        item_of(row, _exact(section), MediaType(row["type"])),
        tuple(_exact(label["tag"]) for label in _rows(row, "Label")),
    )
