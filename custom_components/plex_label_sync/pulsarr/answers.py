"""Parse Pulsarr's JSON answers.

Fields that only some versions have are optional. Fields that decide a run are required: an answer
that lacks one is an error, never an empty list.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ..sync.model import Failure, Person, Title
from ..sync.person_id import PersonId, pulsarr_id
from ..transport import BrokenText
from .endpoints import Endpoint, EndpointSettings, TestResult
from .ids import all_ids, are_readable, media_type, text, whole_number
from .titles import title_of

_NO: Final = frozenset({"false", "0"})


class UnusableAnswerError(ValueError):
    """An answer that reports a failure, cannot be true, or is not Pulsarr's."""

    def __init__(self, reason: str, failure: Failure = Failure.IMPLAUSIBLE) -> None:
        super().__init__(reason)
        self.failure = failure


def envelope(answer: object) -> Mapping[str, object]:
    """Return the answer's object; some routes report failure with status 200, `success: false`."""
    fields = _any_object(answer)
    if fields.get("success") is False:
        raise UnusableAnswerError("the answer says that it failed", Failure.REJECTED)
    return fields


def _any_object(answer: object) -> Mapping[str, object]:
    if not isinstance(answer, Mapping):
        raise UnusableAnswerError("the answer is not an object", Failure.WRONG_SERVICE)
    return answer


@dataclass(frozen=True, slots=True)
class People:
    """All users in Pulsarr's order, and a name or place for each unreadable row."""

    users: tuple[Person, ...]
    unreadable: tuple[str, ...] = ()


def people(answer: object) -> People:
    """Return all users; an unreadable row does not affect the others.

    A user without a name is kept, with an empty one: a guessed name would rename the labels of a
    whole library. A row without an id, or with another user's, identifies no one; a repeated row
    may stand in for a missing one.
    """
    rows = envelope(answer).get("users")
    if not isinstance(rows, list):
        raise UnusableAnswerError("the answer has no list of users", Failure.WRONG_SERVICE)
    found: dict[PersonId, Person] = {}
    unreadable: list[str] = []
    for place, row in enumerate(rows, 1):
        person = _person(row)
        if person is None or person.id in found:
            is_named = isinstance(row, Mapping) and (person is None or found[person.id] != person)
            name = text(row.get("name")) if is_named else ""
            unreadable.append(name or f"user {place} of {len(rows)}")
        else:
            found[person.id] = person
    if unreadable and not found:
        raise UnusableAnswerError("none of the users could be read")
    return People(tuple(found.values()), tuple(unreadable))


def _person(row: object) -> Person | None:
    if not isinstance(row, Mapping):
        return None
    fields: Mapping[str, object] = row
    number, name = whole_number(fields.get("id")), fields.get("name")
    if number is None:
        return None
    is_exact = isinstance(name, str) and not isinstance(name, BrokenText)
    return Person(
        id=pulsarr_id(number),
        # Without a name nothing is decided about their labels.
        username=str(name).strip() if is_exact else "",
        alias=_optional(fields.get("alias")),
        display_name=_optional(fields.get("display_name")),
        can_sync=_flag(fields.get("can_sync")),
        uuid=text(fields.get("plex_uuid")),
        is_primary=fields.get("is_primary_token") is True,
        wanted=whole_number(fields.get("watchlist_count")),
    )


@dataclass(frozen=True, slots=True)
class Watchlist:
    """One user's movies and shows, and the number of unreadable rows."""

    titles: tuple[Title, ...]
    unreadable: int = 0


def watchlist(answer: object, person_id: PersonId) -> Watchlist:
    """Return one user's movies and shows; an unreadable row does not affect the others.

    Rows of other types are left out. A title without any id is kept: it is wanted, though it cannot
    be found yet. A row is unreadable if it has no type, neither an id nor an exact name, or only
    invalid ids; so is a repeated row, which may stand in for a missing one.
    """
    data = _object(envelope(answer).get("data"), "the watchlist")
    rows, total = data.get("watchlistItems"), whole_number(data.get("total"))
    if not isinstance(rows, list):
        raise UnusableAnswerError("the answer has no list of titles")
    if total != len(rows):
        raise UnusableAnswerError(f"the answer holds {len(rows)} titles and counts {total}")
    user = data.get("user")
    number = whole_number(user.get("id")) if isinstance(user, Mapping) else None
    if number is not None and pulsarr_id(number) != person_id:
        raise UnusableAnswerError("the answer is about another user")
    titles: dict[Title, None] = {}
    unreadable = 0
    for row in rows:
        try:
            title = _title(_object(row, "a title"))
        except UnusableAnswerError:
            unreadable += 1
            continue
        unreadable += title in titles
        if title is not None:
            titles[title] = None
    return Watchlist(tuple(titles), unreadable)


def _title(row: Mapping[str, object]) -> Title | None:
    stated, title, key, guids = (row.get(name) for name in ("type", "title", "key", "guids"))
    if not text(stated) or isinstance(stated, BrokenText):
        raise UnusableAnswerError("a title has no type")
    kind = media_type(stated)
    if kind is None:
        return None
    ids = all_ids(key, guids)
    if not ids and not are_readable(key, guids):
        raise UnusableAnswerError("not one id of a title makes sense")
    found = None if not ids and isinstance(title, BrokenText) else title_of(kind, row, ids)
    if found is None:
        raise UnusableAnswerError("a title has neither an id nor a name")
    return found


def version(answer: object) -> str | None:
    """Return the running version."""
    return text(envelope(answer).get("currentVersion")) or None


def label_sync_is_on(answer: object) -> bool | None:
    """Return whether Pulsarr writes labels itself, None when the settings do not say."""
    config = envelope(answer).get("config")
    own = config.get("plexLabelSync") if isinstance(config, Mapping) else None
    is_on = own.get("enabled") if isinstance(own, Mapping) else None
    return is_on if isinstance(is_on, bool) else None


def event_types(answer: object) -> frozenset[str]:
    """Return the names of the events that this version can send."""
    found = (text(row.get("type")) for row in _list(answer) if isinstance(row, Mapping))
    return frozenset(one for one in found if one)


def endpoints(answer: object) -> tuple[Endpoint, ...]:
    """Return all readable endpoints, oldest first."""
    rows, found = _list(answer), list[Endpoint]()
    for row in rows:
        with suppress(UnusableAnswerError):  # an unreadable one must not be changed either
            found.append(_endpoint(row))
    if rows and not found:
        raise UnusableAnswerError("not one of the endpoints can be read")
    return tuple(found)


def endpoint(answer: object) -> Endpoint:
    """Return the endpoint in the answer to a change."""
    return _endpoint(envelope(answer).get("data"))


def _endpoint(row: object) -> Endpoint:
    fields = _object(row, "an endpoint")
    number, url, events = (
        whole_number(fields.get("id")),
        fields.get("url"),
        fields.get("eventTypes"),
    )
    if number is None or not isinstance(url, str):
        raise UnusableAnswerError("an endpoint has no id or no address")
    header, secret = fields.get("authHeaderName"), fields.get("authHeaderValue")
    return Endpoint(
        number,
        EndpointSettings(
            name=text(fields.get("name")),
            url=url,
            header=header if isinstance(header, str) else None,
            secret=secret if isinstance(secret, str) else None,
            events=frozenset(text(one) for one in events if text(one))
            if isinstance(events, list)
            else frozenset(),
            enabled=_flag(fields.get("enabled")),
        ),
    )


def test_result(answer: object) -> TestResult:
    """Return the result of a test; here `success: false` is a result, not an error."""
    fields = _any_object(answer)
    if not isinstance(fields.get("success"), bool):
        raise UnusableAnswerError("the test result does not say whether it succeeded")
    duration = whole_number(fields.get("responseTime"))  # milliseconds
    return TestResult(
        success=fields["success"] is True,
        status=whole_number(fields.get("statusCode")),
        error=_optional(fields.get("error")),
        duration=None if duration is None else duration / 1000,
    )


def _object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise UnusableAnswerError(f"{what} is not an object")
    return value


def _list(answer: object) -> list[object]:
    data = envelope(answer).get("data")
    if not isinstance(data, list):
        raise UnusableAnswerError("the answer has no list")
    return data


def _optional(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _flag(value: object) -> bool:
    """Return a flag that is on unless stated otherwise; SQLite's 0 and 1 are accepted too."""
    return value is None or str(value).strip().lower() not in _NO
