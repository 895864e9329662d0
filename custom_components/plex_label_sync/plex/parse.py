"""What Plex's JSON answers mean: sections, listing rows, label directories."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
import re
from typing import Any, Final

from ..sync.model import Item, LabelledItem, Library, MediaType, StoredLabel

# `plex://movie/<24 hex>` is the primary guid under the new agents.
_PLEX_GUID: Final = re.compile(r"^plex://(?:movie|show)/([0-9a-f]{24})$")
# Legacy agents put the external id into the primary guid: `com.plexapp.agents.imdb://tt01?lang=en`,
# HAMA a provider in front of it: `com.plexapp.agents.hama://tvdb-1234?lang=en`.
_LEGACY_GUID: Final = re.compile(r"^com\.plexapp\.agents\.(\w+)://(?:(\w+?)-)?([^?/]+)")
_LEGACY_PROVIDERS: Final[Mapping[str, str]] = {
    "imdb": "imdb",
    "themoviedb": "tmdb",
    "thetvdb": "tvdb",
}
_HAMA_PROVIDERS: Final = frozenset({"tvdb", "tmdb", "imdb"})
_EXTERNAL_GUID: Final = re.compile(r"^(imdb|tmdb|tvdb)://([^?/]+)$")
_RATING_KEY: Final = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Who a Plex Media Server says it is."""

    machine_id: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Page[T]:
    """One answer of a listing: what is made of its rows, and how many these are.

    `total` is the number of rows that match the query in all.
    """

    content: T
    size: int
    offset: int
    total: int


def ids_of(guid: str, guids: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return an item's normalised ids from its primary guid and its `Guid` children."""
    ids: set[str] = set()
    if match := _PLEX_GUID.match(guid):
        ids.add(f"plex:{match[1]}")
    elif match := _LEGACY_GUID.match(guid):
        agent, prefix, value = match.groups()
        if agent == "hama" and prefix in _HAMA_PROVIDERS:
            ids.add(f"{prefix}:{value}")
        elif agent in _LEGACY_PROVIDERS and not prefix:
            ids.add(f"{_LEGACY_PROVIDERS[agent]}:{value}")
    for child in guids:
        if match := _EXTERNAL_GUID.match(str(child.get("id", ""))):
            ids.add(f"{match[1]}:{match[2]}")
    return frozenset(ids)


def container(answer: object) -> dict[str, Any]:
    """Return the body of an answer; raises ValueError when it is not Plex's envelope."""
    if isinstance(answer, dict) and isinstance(body := answer.get("MediaContainer"), dict):
        return body
    raise ValueError("no MediaContainer")


def _rows(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of objects of the answer; Plex leaves empty lists out."""
    rows = body.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TypeError(f"{name} is no list of objects")
    return rows


def _all_rows(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the rows of an answer; raises ValueError for other ones than it claims to hold."""
    rows = _rows(body, name)
    size = int(body.get("size", len(rows)))
    if size != len(rows):
        raise ValueError(f"{len(rows)} rows instead of {size}")
    return rows


def _rating_key(row: Mapping[str, Any]) -> str:
    """Return a row's key; raises ValueError for one by which no edit could name the item."""
    key = str(row["ratingKey"])
    if not _RATING_KEY.fullmatch(key):
        raise ValueError("a rating key is no number")
    return key


def items[T](answer: object, library: Library, pick: Callable[[tuple[Item, ...]], T]) -> Page[T]:
    """Return one page of a library's listing, of its items what `pick` makes of them.

    Raises ValueError when rows are missing in it.
    """
    return _page(
        answer, lambda rows: pick(tuple(_item(row, library.key, library.type) for row in rows))
    )


def _item(row: Mapping[str, Any], library: str, media_type: MediaType) -> Item:
    return Item(
        rating_key=_rating_key(row),
        library=library,
        type=media_type,
        title=str(row.get("title", "")),
        ids=ids_of(str(row.get("guid", "")), _rows(row, "Guid")),
    )


@dataclass(frozen=True, slots=True)
class RatedItem:
    """An item with its content rating, empty where it has none, and its labels where these came."""

    item: Item
    rating: str
    labels: tuple[str, ...] = ()


def rated_items[T](
    answer: object, library: Library, pick: Callable[[tuple[RatedItem, ...]], T]
) -> Page[T]:
    """Return one page of a library's listing like `items`, with the content ratings."""
    return _page(
        answer,
        lambda rows: pick(
            tuple(
                RatedItem(_item(row, library.key, library.type), str(row.get("contentRating", "")))
                for row in rows
            )
        ),
    )


def rated_items_with_labels(answer: object) -> tuple[RatedItem, ...]:
    """Return the movies and shows of an answer about several items, with ratings and labels."""
    return tuple(
        RatedItem(
            _item(row, str(row["librarySectionID"]), MediaType(row["type"])),
            str(row.get("contentRating", "")),
            tuple(str(label["tag"]) for label in _rows(row, "Label")),
        )
        for row in _all_rows(container(answer), "Metadata")
        if row.get("type") in ("movie", "show")
    )


def rating_keys(answer: object) -> Page[tuple[str, ...]]:
    """Return the rating keys of one page; raises ValueError when rows are missing in it."""
    return _page(answer, lambda rows: tuple(map(_rating_key, rows)))


def _page[T](answer: object, understand: Callable[[list[dict[str, Any]]], T]) -> Page[T]:
    body = container(answer)
    rows = _all_rows(body, "Metadata")
    return Page(
        content=understand(rows),
        size=len(rows),
        offset=int(body.get("offset", 0)),
        # Absent when the answer was not paged: then it is everything.
        total=int(body.get("totalSize", len(rows))),
    )


def total(answer: object) -> int:
    """Return the number of rows that match, from an answer that was asked for no rows.

    Raises KeyError when it does not say: nothing said is not zero.
    """
    body = container(answer)
    return int(body["totalSize"] if "totalSize" in body else body["size"])


def libraries(answer: object) -> tuple[Library, ...]:
    """Return the movie and show sections, in Plex's order."""
    return tuple(
        Library(
            key=str(row["key"]),
            type=MediaType(row["type"]),
            name=str(row.get("title", "")),
            # A token that may only read shows as `allowSync` false on the section.
            editable=str(row.get("allowSync", True)).lower() not in {"0", "false"},
            content_changed=str(row.get("contentChangedAt", "")),
            uuid=str(row.get("uuid", "")),
        )
        for row in _all_rows(container(answer), "Directory")
        if row.get("type") in ("movie", "show")
    )


def stored_labels(answer: object) -> tuple[StoredLabel, ...]:
    """Return one library's label directory: tag ids and stored spellings."""
    return tuple(
        StoredLabel(id=str(row["key"]), text=str(row["title"]))
        for row in _all_rows(container(answer), "Directory")
    )


def machine_id(answer: object) -> str:
    """Return the machine identifier from `/identity`, which needs no token."""
    return str(container(answer)["machineIdentifier"])


def server_info(answer: object) -> ServerInfo:
    """Return what `/` says; unlike `/identity` it needs a token and knows the name."""
    body = container(answer)
    return ServerInfo(
        machine_id=str(body["machineIdentifier"]),
        name=str(body.get("friendlyName") or "Plex"),
        version=str(body.get("version", "")),
    )


def item_keys(answer: object) -> frozenset[str]:
    """Return the rating keys of an answer about several items; raises ValueError for a cut one."""
    return frozenset(_rating_key(row) for row in _all_rows(container(answer), "Metadata"))


def labelled_items(answer: object) -> tuple[LabelledItem, ...]:
    """Return the movies and shows of an answer about several items, with all their labels."""
    return tuple(
        LabelledItem(
            _item(row, str(row["librarySectionID"]), MediaType(row["type"])),
            tuple(str(label["tag"]) for label in _rows(row, "Label")),
        )
        for row in _all_rows(container(answer), "Metadata")
        if row.get("type") in ("movie", "show")
    )
