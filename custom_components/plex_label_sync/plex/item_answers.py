"""Parse Plex's JSON answers about single items, with the labels that they carry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from ..sync.model import Item, LabelledItem, MediaType
from .parse import (
    BadRow,
    _exact,
    _key_or_none,
    _rows,
    container,
    counted_rows,
    item_of,
)

NOTHING_KNOWN: Final[Mapping[str, Item]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Labelled[T: LabelledItem]:
    """An answer about several items: movies and shows with all their labels.

    `keys` are the rating keys of all rows, `bad` the unreadable rows.
    """

    items: tuple[T, ...]
    keys: frozenset[str]
    bad: tuple[BadRow, ...]


def labelled_items(
    answer: object, known: Mapping[str, Item] = NOTHING_KNOWN
) -> Labelled[LabelledItem]:
    """Return the movies and shows of an answer about several items.

    An item that equals the `known` one is that object. An item's library is empty if the answer
    does not state it. Raises ValueError if rows are missing.
    """

    def labelled(row: Mapping[str, Any], body: Mapping[str, Any]) -> LabelledItem:
        one = labelled_item(row, body)
        before = known.get(one.item.rating_key)
        # Tens of thousands of items outlive a run, and each object prolongs garbage collections.
        if before is None or before != one.item or before.added != one.item.added:
            return one
        return LabelledItem(before, one.labels)

    return movies_and_shows(answer, labelled)


def movies_and_shows[T: LabelledItem](
    answer: object, understand: Callable[[Mapping[str, Any], Mapping[str, Any]], T]
) -> Labelled[T]:
    """Return the movies and shows of an answer; `understand` parses a row of it.

    Raises ValueError if rows are missing, or if there are none.
    """
    body = container(answer)
    found: list[T] = []
    keys: set[str] = set()
    bad: list[BadRow] = []
    rows = counted_rows(body, "Metadata")
    if not rows:
        raise ValueError("no rows; where none of the items exists, the status says so")
    for place, row in enumerate(rows):
        key = _key_or_none(row)
        keys.add(key)
        try:
            kind = row["type"]
            if not isinstance(kind, str):
                raise TypeError("no type")  # noqa: TRY301 - handled like any other bad row
            if kind in {"movie", "show"}:
                found.append(understand(row, body))
        except (AttributeError, ValueError, KeyError, TypeError):
            bad.append(BadRow(place, key))
    return Labelled(tuple(found), frozenset(keys - {""}), tuple(bad))


def labelled_item(row: Mapping[str, Any], body: Mapping[str, Any]) -> LabelledItem:
    """Return a row's item with its labels; `body` is the answer that contains the row.

    Raises ValueError, KeyError or TypeError for an unreadable row.
    """
    # If all rows are of one section, the container alone may state it; if they are of several, a
    # server that does not put it on the rows does not state it at all.
    section = row.get("librarySectionID", body.get("librarySectionID", ""))
    return LabelledItem(
        item_of(row, _exact(section), MediaType(row["type"])),
        tuple(_exact(label["tag"]) for label in _rows(row, "Label")),
    )
