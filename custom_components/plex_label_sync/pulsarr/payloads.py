"""Parse Pulsarr's native webhooks and the "Connect" webhooks of the arr apps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ..sync.model import MediaType, Title
from ..sync.person_id import PersonId, pulsarr_id
from .ids import all_ids, external_id, media_type, text, whole_number
from .titles import title_of

EVENT_LENGTH_MAX: Final = 100  # characters kept of an event's name


class SignalKind(StrEnum):
    """What an event means for the integration."""

    AVAILABLE = "available"
    WATCHLIST_ADDED = "watchlist_added"
    WATCHLIST_REMOVED = "watchlist_removed"
    JOINED = "joined"  # a new user, whose watchlist Pulsarr has not read yet
    TEST = "test"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Signal:
    """One event: a hint to check a title again, never the truth about it.

    `event` is the name as it was sent. `title` is set for AVAILABLE, WISHED and UNWISHED only and
    may have no ids. `person_id` is the person who added or removed the title, or who is new;
    `people` are all Pulsarr users named in the event, which need not be everyone who wants the
    title.
    """

    kind: SignalKind
    event: str
    title: Title | None = None
    person_id: PersonId | None = None
    people: tuple[PersonId, ...] = ()
    by_arr: bool = False  # sent by Radarr or Sonarr themselves


def parse_payload(body: object) -> Signal:
    """Return the meaning of a webhook's JSON body.

    Raises ValueError, with a reason that a person understands, for a body that is not an object,
    that names no event, or that lacks a required field. Unknown events are IGNORED, and unknown
    fields are ignored.
    """
    if not isinstance(body, Mapping):
        raise ValueError("the body is not a JSON object")  # noqa: TRY004 - one error for bad bodies
    if body.get("event") is not None:
        return _native(_event_name(body["event"], "event"), body.get("data"))
    if body.get("eventType") is not None:
        return replace(_arr(_event_name(body["eventType"], "eventType"), body), by_arr=True)
    raise ValueError("the body has neither an event nor an eventType")


def _event_name(value: object, field: str) -> str:
    """Return an event's name as one short line."""
    name = text(value)
    if not name:
        raise ValueError(f"{field} is not text")
    return name[:EVENT_LENGTH_MAX]


def _native(event: str, data: object) -> Signal:
    """Return the meaning of one of Pulsarr's own events."""
    understand = _NATIVE.get(event.lower())
    if understand is not None:
        return understand(event, _object(data, f"{event}: data"))
    is_test = event.lower() == "test"
    return Signal(SignalKind.TEST if is_test else SignalKind.IGNORED, event)


def _available(event: str, fields: Mapping[str, object]) -> Signal:
    people = _user_ids(fields.get("watchlistedBy"))
    title = _title(event, fields, "mediaType")
    return Signal(SignalKind.AVAILABLE, event, title, people=people)


def _watchlist_added(event: str, fields: Mapping[str, object]) -> Signal:
    return _watchlist(SignalKind.WATCHLIST_ADDED, event, fields, "addedBy")


def _watchlist_removed(event: str, fields: Mapping[str, object]) -> Signal:
    return _watchlist(SignalKind.WATCHLIST_REMOVED, event, fields, "removedBy")


def _joined(event: str, fields: Mapping[str, object]) -> Signal:
    user = fields.get("user")
    number = whole_number(user.get("id")) if isinstance(user, Mapping) else None
    person_id = None if number is None else pulsarr_id(number)
    return Signal(SignalKind.JOINED, event, person_id=person_id)


# The events that Pulsarr is asked to send; any other one is ignored.
_NATIVE: Final[Mapping[str, Callable[[str, Mapping[str, object]], Signal]]] = {
    "media.available": _available,
    "watchlist.added": _watchlist_added,
    "watchlist.removed": _watchlist_removed,
    "user.created": _joined,
}
WANTED_EVENTS: Final = frozenset(_NATIVE)


def _watchlist(kind: SignalKind, event: str, fields: Mapping[str, object], actor: str) -> Signal:
    """Return the meaning of an event about one title on one watchlist."""
    content = _object(fields.get("content"), f"{event}: content")
    people = _user_ids([fields.get(actor)])
    return Signal(kind, event, _title(event, content, "type"), next(iter(people), None), people)


def _title(event: str, fields: Mapping[str, object], type_field: str) -> Title:
    """Return the title that one of Pulsarr's events describes."""
    kind = media_type(fields.get(type_field))
    if kind is None:
        raise ValueError(f"{event}: {type_field} is neither movie nor show")
    return _named(event, kind, fields, all_ids(fields.get("key"), fields.get("guids")))


def _arr(event: str, body: Mapping[str, object]) -> Signal:
    """Return the meaning of an event from Radarr or Sonarr.

    Their test event carries made-up ids (Sonarr sends tvdb 1234), so it has no title here.
    """
    match event.lower():
        case "download":
            return Signal(SignalKind.AVAILABLE, event, _arr_title(event, body))
        case "test":
            return Signal(SignalKind.TEST, event)
        case _:
            return Signal(SignalKind.IGNORED, event)


def _arr_title(event: str, body: Mapping[str, object]) -> Title:
    """Return the movie or series that an arr app has imported."""
    if body.get("movie") is not None:
        kind, fields = MediaType.MOVIE, _object(body["movie"], f"{event}: movie")
        providers: tuple[str, ...] = ("tmdb", "imdb")
    elif body.get("series") is not None:
        kind, fields = MediaType.SHOW, _object(body["series"], f"{event}: series")
        providers = ("tvdb", "imdb", "tmdb")
    else:
        raise ValueError(f"{event}: there is neither a movie nor a series")
    found = (external_id(provider, fields.get(f"{provider}Id")) for provider in providers)
    return _named(event, kind, fields, frozenset(one for one in found if one is not None))


def _named(event: str, kind: MediaType, fields: Mapping[str, object], ids: frozenset[str]) -> Title:
    """Return a title under its name, else one of its ids. Raises ValueError without either."""
    title = title_of(kind, fields, ids)
    if title is None:
        raise ValueError(f"{event}: there is neither a title nor a usable id")
    return title


def _object(value: object, what: str) -> Mapping[str, object]:
    """Return a JSON value that must be an object. Raises ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is not an object")  # noqa: TRY004 - as above
    return value


def _user_ids(users: object) -> tuple[PersonId, ...]:
    """Return the Pulsarr ids of a list of `{userId, …}`, each once, in the order given."""
    listed = users if isinstance(users, list) else []
    ids = [whole_number(user.get("userId")) for user in listed if isinstance(user, Mapping)]
    return tuple(dict.fromkeys(pulsarr_id(one) for one in ids if one is not None and one > 0))
