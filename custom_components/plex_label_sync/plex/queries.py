"""Query parameters of requests for items."""

from collections.abc import Mapping
from typing import Final

from ..sync.model import StoredLabel
from .listing import PageRequest

# Requested, not guaranteed: Plex omits these from listing rows where it can.
LEAN: Final[Mapping[str, str | int]] = {
    "excludeElements": "Media,Genre,Country,Director,Writer,Role,Producer,Rating,Image,"
    "Collection,UltraBlurColors",
    "excludeFields": "summary,tagline,thumb,art,theme",
}


def part(start: int, size: int) -> dict[str, int]:
    """Return the query parameters for a part of a listing."""
    return {"X-Plex-Container-Start": start, "X-Plex-Container-Size": size}


def oldest_first(request: PageRequest) -> dict[str, str | int]:
    """Return the query of a part of a full listing, in which items added meanwhile move nothing."""
    rows = part(request.start, request.size)
    return {**LEAN, **rows, "includeGuids": 1, "sort": "addedAt"}


def is_unambiguous(label: StoredLabel) -> bool:
    """Return whether a label can be queried by its text: no "or", and not another label's id."""
    return "," not in label.text and not label.text.isdecimal()
