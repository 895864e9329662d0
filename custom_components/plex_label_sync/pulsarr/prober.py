"""A Pulsarr as a probe uses it: one request per question, and what rows lack. Read-only."""

from collections.abc import Callable, Mapping
from functools import partial
import re
from typing import Any, Final

from ..probe.model import TITLE_FIELDS, USER_FIELDS, Users
from ..probe.ports import RequestCounter
from ..sync.model import Failure, Service, ServiceError
from ..transport import INVALID, Answer, Transport
from . import answers
from .ids import whole_number

SECONDS: Final = 30.0  # for one answer
LIMIT_HEADER: Final = "x-ratelimit-limit"
_USERS: Final = "/v1/users/users/list"
_COUNTS: Final = "/v1/users/users/list/with-counts"
_VERSION_TEXT: Final = re.compile(r"[\w.+-]{1,40}", re.ASCII)


class PulsarrProber:
    """Implements `probe.ports.PulsarrPort`."""

    def __init__(self, http: Transport, counter: RequestCounter) -> None:
        """Initialize with `counter`, which counts each request before it is sent."""
        self._http = http
        self._counter = counter

    async def version(self) -> str | None:
        """Return the version, None if it is not stated."""
        version = await self._read("/v1/system/update-status", _version)
        return version if version is not None and _VERSION_TEXT.fullmatch(version) else None

    async def users(self, *, counts: bool) -> Users | None:
        """Return what is known about the users, None if there is no such list."""
        return await self._read(_COUNTS if counts else _USERS, partial(_users, counts=counts))

    async def event_types(self) -> frozenset[str] | None:
        """Return the webhook events that it can send, None if it sends none."""
        return await self._read(
            "/v1/webhooks/event-types", lambda answer: answers.event_types(answer.json())
        )

    async def missing_title_fields(self, person: int) -> frozenset[str] | None:
        """Return the fields that some of a person's titles lack, None without titles."""
        return await self._read(f"/v1/users/{person}/watchlist", _missing_title_fields)

    async def _read[T](self, path: str, understand: Callable[[Answer], T]) -> T | None:
        """Return a parsed answer, None if the route does not exist. Raises ServiceError."""
        self._counter.take()
        try:
            return understand(await self._http.send("GET", path, seconds=SECONDS, tries=1))
        except ServiceError as err:
            if err.failure is not Failure.NOT_FOUND:
                raise
            return None
        except INVALID as err:
            detail = "Pulsarr gave an unexpected answer"
            raise ServiceError(Service.PULSARR, Failure.IMPLAUSIBLE, detail) from err


def _version(answer: Answer) -> str | None:
    return answers.version(answer.json())


def _users(answer: Answer, *, counts: bool) -> Users:
    rows = _rows(answers.envelope(answer.json()).get("users"))
    limit = answer.headers.get(LIMIT_HEADER, "")
    return Users(
        counts=counts,
        missing_fields=frozenset(
            name
            for name in USER_FIELDS
            if (counts or name != "watchlist_count") and not any(name in row for row in rows)
        ),
        rate_limit=int(limit) if limit.isascii() and limit.isdigit() else None,
        example=whole_number(max(rows, key=_count).get("id")) if rows else None,
    )


def _missing_title_fields(answer: Answer) -> frozenset[str] | None:
    data = answers.envelope(answer.json()).get("data")
    rows = _rows(data.get("watchlistItems") if isinstance(data, Mapping) else None)
    if not rows:
        return None
    return frozenset(name for name in TITLE_FIELDS if not all(row.get(name) for row in rows))


def _count(row: Mapping[str, Any]) -> int:
    return whole_number(row.get("watchlist_count")) or 0


def _rows(value: object) -> list[Mapping[str, Any]]:
    if not isinstance(value, list):
        raise TypeError("no list of rows")
    return [row for row in value if isinstance(row, Mapping)]
