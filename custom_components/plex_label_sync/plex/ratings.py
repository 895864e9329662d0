"""Parse content ratings, which sharing rules may refer to, from Plex's answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..sync.model import Item, Library
from .item_answers import labelled_item
from .parse import EVERY_ROW, Page, Passed, container, counted_rows, item_of, page_of


@dataclass(frozen=True, slots=True)
class RatedItem:
    """An item with its content rating (empty if it has none), and its labels if they were read."""

    item: Item
    rating: str
    labels: tuple[str, ...] = ()


def rated_items[T](
    answer: object,
    library: Library,
    pick: Callable[[tuple[RatedItem, ...]], T],
    passed: Passed = EVERY_ROW,
) -> Page[T]:
    """Return one page of a library's listing like `parse.items`, with the content ratings."""

    def rated(row: Mapping[str, Any]) -> RatedItem:
        return RatedItem(item_of(row, library.key, library.type), _rating(row))

    return page_of(answer, rated, pick, passed)


def rated_items_with_labels(answer: object) -> tuple[RatedItem, ...]:
    """Return the movies and shows of an answer about several items, with ratings and labels.

    Raises ValueError, KeyError or TypeError for an unreadable row.
    """
    body = container(answer)
    rows = (row for row in counted_rows(body, "Metadata") if row.get("type") in ("movie", "show"))
    known = ((labelled_item(row, body), _rating(row)) for row in rows)
    return tuple(RatedItem(one.item, rating, one.labels) for one, rating in known)


def _rating(row: Mapping[str, Any]) -> str:
    return str(row.get("contentRating") or "")
