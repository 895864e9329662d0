"""Parse numbers, media types, external ids and pictures as Pulsarr and the arr apps write them."""

from datetime import UTC, datetime
import re
from typing import Final

import orjson
from yarl import URL

from ..sync.model import MediaType
from ..transport import BrokenText

_WHOLE: Final = re.compile(r"-?[0-9]{1,15}")
_IMDB: Final = re.compile(r"tt[0-9]{1,15}")
_PLEX: Final = re.compile(r"[0-9a-z_-]{1,100}")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def whole_number(value: object) -> int | None:
    """Return a JSON value as a whole number; `7`, `7.0` and `"7"` are equal, `true` is None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    return None


def text(value: object) -> str:
    """Return a JSON value as one line of text, empty when it is not text."""
    return " ".join(_CONTROL.sub(" ", value).split()) if isinstance(value, str) else ""


def media_type(value: object) -> MediaType | None:
    """Return the media type that a JSON value names, ignoring case; None for anything else."""
    try:
        return MediaType(text(value).lower())
    except ValueError:
        return None


def external_id(provider: str, value: object) -> str | None:
    """Return `tmdb:949`, `tvdb:370139` or `imdb:tt0113277`; None for 0, no id or another provider.

    Zero is what the arr apps send for "unknown".
    """
    if provider in {"tmdb", "tvdb"}:
        number = whole_number(value)
        return f"{provider}:{number}" if number is not None and number > 0 else None
    if provider == "imdb":
        name = text(value).lower()
        return f"imdb:{name}" if _IMDB.fullmatch(name) and name.strip("t0") else None
    return None


def plex_id(key: object) -> str | None:
    """Return `plex:<key>` for a title's id in Plex's online metadata, None if there is none.

    Pulsarr may hold an empty key for a title that it has not looked up yet.
    """
    name = text(key).lower().rpartition("/")[2]
    return f"plex:{name}" if _PLEX.fullmatch(name) else None


def guid_id(guid: object) -> str | None:
    """Return the normalized id of `tmdb:949`, `tmdb://949` or `plex://movie/<key>`."""
    provider, _, value = text(guid).lower().partition(":")
    if provider == "plex":
        return plex_id(value)
    return external_id(provider, value.lstrip("/"))


def picture(address: object) -> str | None:
    """Return the URL of a publicly accessible picture, None for any other.

    Pulsarr passes on URLs of Plex's and TMDB's public servers. A URL on a local server is useless
    elsewhere and may contain a token.
    """
    try:
        url = URL(text(address))
    except ValueError:
        return None
    is_public = url.scheme == "https" and "." in (url.host or "") and url.user is None
    return str(url) if is_public and "token" not in str(url).casefold() else None


def moment(value: object) -> float | None:
    """Return an ISO 8601 date and time as seconds since the epoch, None for anything else."""
    try:
        found = datetime.fromisoformat(text(value))
        seconds = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None


def are_readable(key: object, guids: object) -> bool:
    """Return whether a title's key and list of guids are valid or absent.

    An id of an unknown provider is readable, and so is a zero for "unknown".
    """
    listed = _listed(guids)
    return all(map(_is_readable_guid, listed)) and (
        key is None or (_is_exact(key) and (not text(key) or plex_id(key) is not None))
    )


def _is_readable_guid(guid: object) -> bool:
    if guid is None or not _is_exact(guid):
        return False
    provider, _, value = text(guid).lower().partition(":")
    is_known_provider = provider in {"plex", "tmdb", "tvdb", "imdb"}
    return bool(value) and (
        not is_known_provider or guid_id(guid) is not None or not value.strip("/t0")
    )


def _is_exact(value: object) -> bool:
    return isinstance(value, str) and not isinstance(value, BrokenText)


def all_ids(key: object, guids: object) -> frozenset[str]:
    """Return the usable ids of a title's key and list of guids; a missing list is an empty one.

    The list may be the text in which some versions of Pulsarr store it: `'["tmdb:949"]'`.
    """
    found = {plex_id(key), *map(guid_id, _listed(guids))}
    return frozenset(one for one in found if one is not None)


def _listed(guids: object) -> list[object]:
    """Return the guids of a title, of whatever type."""
    if isinstance(guids, str) and guids.lstrip().startswith("["):
        try:
            guids = orjson.loads(guids)
        except orjson.JSONDecodeError:
            return [guids]
    if guids is None or guids == "":
        return []
    return guids if isinstance(guids, list) else [guids]
