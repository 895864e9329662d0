"""Parse Plex's JSON answers: sections, listing rows, label directories."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
import re
from typing import Any, Final

from ..sync.model import Item, Library, MediaType, StoredLabel
from ..transport import BrokenText

# `plex://movie/<24 hex>` is the primary guid under the new agents.
_PLEX_GUID: Final = re.compile(r"^plex://(?:movie|show)/([0-9a-f]{24})$")
# Legacy agents put the external id into the primary guid: `com.plexapp.agents.imdb://tt01?lang=en`,
# HAMA with a provider in front: `com.plexapp.agents.hama://tvdb-1234?lang=en`. The key of a custom
# metadata provider (`tv.plex.agents.custom.…://movie/…`) is its own and is not an external id.
_LEGACY_GUID: Final = re.compile(r"^(?:com\.plexapp\.agents\.)?(\w+)://(?:(\w+?)-)?([^?/]+)")
_IMDB: Final = re.compile(r"tt\d+", re.ASCII)
_NUMBER: Final = re.compile(r"\d+", re.ASCII)
_LEGACY_PROVIDERS: Final[Mapping[str, str]] = {
    "imdb": "imdb",
    "themoviedb": "tmdb",
    "thetvdb": "tvdb",
    "xbmcnfo": "tmdb",  # or imdb, depending on the id
    "xbmcnfotv": "tvdb",
}
# HAMA numbers its ways of mapping seasons from tvdb; its `tsdb` is tmdb for series. `anidb` ids are
# not known to any other agent.
_HAMA_PROVIDERS: Final[Mapping[str, str]] = {
    "tvdb": "tvdb",
    **{f"tvdb{number}": "tvdb" for number in range(2, 6)},
    "tmdb": "tmdb",
    "tsdb": "tmdb",
    "imdb": "imdb",
}
_EXTERNAL_GUID: Final = re.compile(r"^(imdb|tmdb|tvdb)://([^?/]+)$")
_RATING_KEY: Final = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """The identity of a Plex Media Server, as it reports it."""

    machine_id: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """An unreadable row, by its place in the answer and its key if it has one."""

    place: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Page[T]:
    """One page of a listing.

    `content` is the converted rows, `size` the number of all rows. `total` is the number of rows
    that match the query in all. `keys` are the rating keys of all rows in order, including rows
    passed over; `repeated` counts the rows whose key came before. `bytes_in` and `seconds` are the
    size of the answer and the time it took.
    """

    content: T
    size: int
    offset: int
    total: int
    keys: tuple[str, ...] = ()
    bad: tuple[BadRow, ...] = ()
    repeated: int = 0
    bytes_in: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Passed:
    """Rows of a page that were read already: a number at its beginning, and some by their keys."""

    first: int = 0
    keys: Container[str] = frozenset()


EVERY_ROW: Final = Passed()


def ids_of(guid: str, guids: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return an item's normalized ids from its primary guid and its `Guid` children."""
    ids: set[str] = set()
    if match := _PLEX_GUID.match(guid):
        ids.add(f"plex:{match[1]}")
    elif legacy := _legacy_id(guid):
        ids.add(legacy)
    for child in guids:
        if match := _EXTERNAL_GUID.match(str(child.get("id", ""))):
            ids.add(f"{match[1]}:{match[2]}")
    return frozenset(ids)


def _legacy_id(guid: str) -> str | None:
    """Return the external id in a legacy agent's guid, None if there is no usable one."""
    if (match := _LEGACY_GUID.match(guid)) is None:
        return None
    agent, prefix, value = match.groups()
    if agent == "hama":
        found = _NUMBER.match(value) or _IMDB.match(value)
        provider = _HAMA_PROVIDERS.get(prefix or "")
        return f"{provider}:{found[0]}" if provider and found else None
    provider = _LEGACY_PROVIDERS.get(agent)
    if provider is None or prefix:
        return None
    if agent.startswith("xbmcnfo"):
        if _IMDB.fullmatch(value):
            return f"imdb:{value}"
        return f"{provider}:{value}" if _NUMBER.fullmatch(value) else None
    return f"{provider}:{value}" if guid.startswith("com.plexapp.agents.") else None


def container(answer: object) -> dict[str, Any]:
    """Return the body of an answer. Raises ValueError when it is not Plex's envelope."""
    if isinstance(answer, dict) and isinstance(body := answer.get("MediaContainer"), dict):
        return body
    raise ValueError("no MediaContainer")


def _rows(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of objects in the answer; Plex omits empty lists. Raises TypeError."""
    rows = body.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TypeError(f"{name} is not a list of objects")
    return rows


def counted_rows(body: Mapping[str, Any], name: str) -> list[Any]:
    """Return the rows of an answer, of whatever type.

    Raises ValueError when their number differs from the stated one: an answer that states neither a
    number nor rows is not an empty one.
    """
    rows = _stated_rows(body, name)
    if (size := _size_of(body, rows)) != len(rows):
        raise ValueError(f"{len(rows)} rows instead of {size}")
    return rows


def _stated_rows(body: Mapping[str, Any], name: str) -> list[Any]:
    """Return the rows of an answer, of whatever type and number. Raises ValueError or TypeError."""
    if "size" not in body and name not in body:
        raise ValueError("neither rows nor a row count")
    rows = body.get(name) or []
    if not isinstance(rows, list):
        raise TypeError(f"{name} is not a list")
    return rows


def _size_of(body: Mapping[str, Any], rows: Sequence[object]) -> int:
    """Return the number of rows that an answer states."""
    return int(body.get("size", len(rows)))


def _exact(value: object) -> str:
    """Return text that identifies something. Raises TypeError for damaged text."""
    broken = isinstance(value, bool | BrokenText)
    if broken or not isinstance(value, int | str):
        raise TypeError("not valid text")
    return str(value)


def _rating_key(row: Mapping[str, Any]) -> str:
    """Return a row's rating key. Raises ValueError for one that no edit could name."""
    key = str(row["ratingKey"])
    if not _RATING_KEY.fullmatch(key):
        raise ValueError("a rating key is not a number")
    return key


def items[T](
    answer: object,
    library: Library,
    pick: Callable[[tuple[Item, ...]], T],
    passed: Passed = EVERY_ROW,
) -> Page[T]:
    """Return one page of a library's listing; `pick` converts its items.

    Unreadable rows are in `bad`. Raises ValueError when rows are missing.
    """
    return page_of(answer, lambda row: item_of(row, library.key, library.type), pick, passed)


def item_of(row: Mapping[str, Any], library: str, media_type: MediaType) -> Item:
    """Return the item of a row. Raises ValueError, KeyError or TypeError for an unreadable row."""
    guid = _exact(row.get("guid", ""))
    return Item(
        rating_key=_rating_key(row),
        library=library,
        type=media_type,
        title=str(row.get("title") or ""),
        ids=ids_of(guid, _guids(row)),
        guid=guid,
        added=_moment(row.get("addedAt")),
    )


def _moment(value: object) -> int:
    """Return a time in seconds since the epoch, 0 for anything else."""
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0


def _guids(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    children = _rows(row, "Guid")
    if any(isinstance(child.get("id"), BrokenText) for child in children):
        raise ValueError("an id is broken")
    return children


def rating_keys(answer: object, passed: Passed = EVERY_ROW) -> Page[tuple[str, ...]]:
    """Return the rating keys of one page. Raises ValueError when rows are missing."""
    return page_of(answer, _rating_key, tuple, passed)


def page_of[R, T](
    answer: object,
    understand: Callable[[Mapping[str, Any]], R],
    pick: Callable[[tuple[R, ...]], T],
    passed: Passed,
) -> Page[T]:
    """Return one page of a listing; `understand` parses each row, `pick` converts them all.

    Unreadable rows are in `bad`. Raises ValueError when rows are missing.
    """
    body = container(answer)
    rows = counted_rows(body, "Metadata")
    keys: dict[str, None] = {}
    bad: list[BadRow] = []
    found: list[R] = []
    repeated = 0
    for place, row in enumerate(rows):
        key = _key_or_none(row)
        if key in keys:
            repeated += 1
            continue
        if key:
            keys[key] = None
        if place < passed.first or key in passed.keys:
            continue
        try:
            found.append(understand(row))
        except (AttributeError, ValueError, KeyError, TypeError):
            bad.append(BadRow(place, key))
    return Page(
        content=pick(tuple(found)),
        size=len(rows),
        offset=int(body.get("offset", 0)),
        # Absent when the answer was not paged: then it is complete.
        total=int(body.get("totalSize", len(rows))),
        keys=tuple(keys),
        bad=tuple(bad),
        repeated=repeated,
    )


def _key_or_none(row: object) -> str:
    """Return a row's rating key, empty when it cannot be read."""
    key = str(row.get("ratingKey", "")) if isinstance(row, dict) else ""
    return key if _RATING_KEY.fullmatch(key) else ""


def total(answer: object) -> int:
    """Return the number of matching rows, from an answer requested without rows.

    Raises KeyError when none is stated: unknown is not zero.
    """
    body = container(answer)
    return int(body["totalSize"] if "totalSize" in body else body["size"])


@dataclass(frozen=True, slots=True)
class Directory[T]:
    """The entries of a directory, and the names of its unreadable rows, empty where unknown."""

    content: tuple[T, ...]
    bad: tuple[str, ...] = ()


def _directory[T](
    answer: object, understand: Callable[[Mapping[str, Any]], T | None]
) -> Directory[T]:
    """Return a directory's rows as parsed by `understand`, without those that it rejects with None.

    If the stated number differs from the number of rows, `bad` has one more row: some content is
    unknown.
    """
    body = container(answer)
    rows = _stated_rows(body, "Directory")
    found: list[T] = []
    bad: list[str] = [""] if _size_of(body, rows) != len(rows) else []
    for row in rows:
        try:
            one = understand(row)
        except (AttributeError, ValueError, KeyError, TypeError):
            name = row.get("title") if isinstance(row, dict) else None
            is_exact = isinstance(name, str) and not isinstance(name, BrokenText)
            bad.append(str(name) if is_exact else "")
        else:
            if one is not None:
                found.append(one)
    return Directory(tuple(found), tuple(bad))


def libraries(answer: object) -> Directory[Library]:
    """Return the movie and show sections in Plex's order; `editable` is what their rows state."""
    return _directory(answer, _library)


def _library(row: Mapping[str, Any]) -> Library | None:
    kind = row["type"]
    if not isinstance(kind, str):
        raise TypeError("no type")
    if kind not in {"movie", "show"}:
        return None
    key = _exact(row["key"])
    if not key:
        raise ValueError("no key")
    name = row.get("title")
    return Library(
        key=key,
        type=MediaType(kind),
        # For display only: without a name, the key is used.
        name=(name.strip() if isinstance(name, str) else "") or key,
        # Sections of other owners say no, but so do some of the owner's own: it is only a hint.
        editable=str(row.get("allowSync", True)).lower() not in {"0", "false"},
        content_changed=_stated(row.get("contentChangedAt")),
        uuid=_stated(row.get("uuid")) if isinstance(row.get("uuid"), str) else "",
    )


def _stated(value: object) -> str:
    """Return a value to compare, empty if it is not stated: missing does not mean changed."""
    is_stated = isinstance(value, int | str) and not isinstance(value, bool | BrokenText)
    return str(value) if is_stated else ""


def stored_labels(answer: object) -> Directory[StoredLabel]:
    """Return one library's label directory: tag ids and stored spellings."""
    return _directory(answer, _stored_label)


def _stored_label(row: Mapping[str, Any]) -> StoredLabel:
    key, title = _exact(row["key"]), _exact(row["title"])
    if not key or not title:
        raise ValueError("neither may be empty")
    return StoredLabel(id=key, text=title)


def machine_id(answer: object) -> str:
    """Return the machine identifier from `/identity`, which needs no token."""
    return str(container(answer)["machineIdentifier"])


def server_info(answer: object) -> ServerInfo:
    """Return the identity from `/`, which unlike `/identity` needs a token and has the name."""
    body = container(answer)
    return ServerInfo(
        machine_id=str(body["machineIdentifier"]),
        name=str(body.get("friendlyName") or "Plex"),
        version=str(body.get("version", "")),
    )
