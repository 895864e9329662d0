"""Parse content ratings, which sharing rules may refer to, from Plex's answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..sync.model import LabelledItem, Library
from .item_answers import Labelled, labelled_item, movies_and_shows
from .parse import EVERY_ROW, Page, Passed, item_of, page_of


@dataclass(frozen=True, slots=True)
class RatedItem(LabelledItem):
    """An item with its content rating, empty if it has none; in listings without its labels."""

    rating: str


def rated_items[T](
    answer: object,
    library: Library,
    pick: Callable[[tuple[RatedItem, ...]], T],
    passed: Passed = EVERY_ROW,
) -> Page[T]:
    """Return one page of a library's listing like `parse.items`, with the content ratings."""

    def rated(row: Mapping[str, Any]) -> RatedItem:
        return RatedItem(item_of(row, library.key, library.type), (), _rating(row))

    return page_of(answer, rated, pick, passed)


def rated_items_with_labels(answer: object) -> Labelled[RatedItem]:
    """Return the movies and shows of an answer about several items, with ratings and labels.

    Raises ValueError if rows are missing.
    """
    return movies_and_shows(answer, _rated_item)


def _rated_item(row: Mapping[str, Any], body: Mapping[str, Any]) -> RatedItem:
    known = labelled_item(row, body)
    return RatedItem(known.item, known.labels, _rating(row))


def _rating(row: Mapping[str, Any]) -> str:
    return str(row.get("contentRating") or "")
