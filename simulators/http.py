"""Request log and scripted faults, shared by both simulated servers."""

from __future__ import annotations

import asyncio
from collections import Counter
import contextlib
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
import re
import time
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlencode

if TYPE_CHECKING:
    from aiohttp import web

type FaultKind = Literal[
    "unauthorized",  # 401
    "busy",  # 500: the database is busy
    "unavailable",  # 503: starting, or a proxy in front of nothing
    "maintenance",  # 503 with the XML of a server that is migrating its database, on every path
    "expired",  # 498: an expired short-lived token
    "throttled",  # 429 with Retry-After
    "slow_after_apply",  # the work is done, the response comes `seconds` later
    "slow_before_apply",  # `seconds` pass first; does nothing if the client disconnects
    "drop",  # the connection is cut without a response, nothing is done
    "truncated",  # half of the body, sent as if it were complete
    "cut_body",  # the connection breaks halfway through the body
    "short_page",  # a well-formed listing with half of the rows that it announces
    "html",  # 200 with a web page, as from a proxy or captive portal
    "garbage",  # meaningless bytes, declared as JSON
    "wrong_types",  # a well-formed response with a number in place of each list
    "empty",  # a well-formed response without rows, `size` and `totalSize` 0
    "headless",  # a response with neither rows nor a row count
    "repeated_row",  # the last row is a duplicate of the one before
    "left_out",  # one row is missing, and the counts do not show it
    "no_guids",  # rows without their `Guid` children
    "null_row",  # null in place of the first row
    "keyless_row",  # the first row has no key or id
    "nameless_row",  # the name of the first row is null
    "vanishing_row",  # a listed item is deleted just before this request is handled
    "swapped_row",  # the same, and another item is added
    "outage",  # connections are cut and refused for `seconds`
]

SECRET_ARGUMENTS = frozenset({"x-plex-token", "token", "apikey", "api_key", "x-api-key", "secret"})
REDACTED = "***"
UNMATCHED = "(no route)"

CURRENT_REQUEST: ContextVar[web.Request | None] = ContextVar("current_request", default=None)
"""The request being handled."""


def redact_query(query: str) -> str:
    """Return a raw query string with the values of secret arguments redacted."""
    pairs = parse_qsl(query, keep_blank_values=True)
    if not any(name.lower() in SECRET_ARGUMENTS for name, _ in pairs):
        return query
    return urlencode(
        [(name, REDACTED if name.lower() in SECRET_ARGUMENTS else value) for name, value in pairs],
        safe="*",
    )


KEYS = ("key", "ratingKey", "id")
NAMES = ("title", "name")


def spoil_row(rows: list[Any], how: str) -> None:
    """Make the first row of a list unreadable."""
    if not rows:
        return
    if how == "null_row":
        rows[0] = None
    elif isinstance(rows[0], dict):
        rows[0] = {
            name: one for name, one in rows[0].items() if how != "keyless_row" or name not in KEYS
        }
        if how == "nameless_row":
            rows[0] |= dict.fromkeys(name for name in NAMES if name in rows[0])


GARBAGE = b"\x00\xff{]\x9f\x92\x96"


def without_lists(value: Any) -> Any:  # noqa: ANN401  # a JSON document
    """Return a document with a number in place of each list."""
    if isinstance(value, dict):
        return {name: without_lists(one) for name, one in value.items()}
    return 7 if isinstance(value, list) else value


def route_of(request: web.Request) -> str:
    """Return the route template that a request matched, as in `/library/sections/{id}/all`."""
    resource = request.match_info.route.resource
    return UNMATCHED if resource is None else resource.canonical


def is_disconnected(request: web.Request) -> bool:
    """Return whether the client of a request has disconnected."""
    return request.transport is None or request.transport.is_closing()


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One finished request; the query holds no secrets."""

    method: str
    route: str
    path: str
    query: str
    status: int  # 0 when the connection was cut without a response
    duration: float  # seconds
    bytes_out: int


@dataclass(slots=True)
class Stats:
    """Request statistics, for tests that check a client against its cost model."""

    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    log: list[LoggedRequest] = field(default_factory=list)
    bytes_out: int = 0
    peak_concurrency: int = 0  # requests that the client gave up on no longer count
    _open: list[web.Request] = field(default_factory=list)

    @property
    def in_flight(self) -> int:
        """Return the number of requests in progress, abandoned ones included."""
        return len(self._open)

    @property
    def total(self) -> int:
        """Return the number of requests."""
        return self.requests.total()

    @property
    def gets(self) -> int:
        """Return the number of GET requests."""
        return self.count("GET")

    @property
    def puts(self) -> int:
        """Return the number of PUT requests."""
        return self.count("PUT")

    def count(self, method: str | None = None, route: str | None = None) -> int:
        """Return the number of requests, optionally of one method and one route template."""
        return sum(
            number
            for (seen_method, seen_route), number in self.requests.items()
            if method in (None, seen_method) and route in (None, seen_route)
        )

    def begin(self, request: web.Request) -> None:
        """Record that a request has arrived."""
        CURRENT_REQUEST.set(request)
        self._open.append(request)
        self.peak_concurrency = max(self.peak_concurrency, self._awaited())

    def end(self, request: web.Request, entry: LoggedRequest) -> None:
        """Record that a request passed to `begin` was answered or cut off."""
        CURRENT_REQUEST.set(None)
        self._open = [one for one in self._open if one is not request]
        self.requests[entry.method, entry.route] += 1
        self.statuses[entry.status] += 1
        self.bytes_out += entry.bytes_out
        self.log.append(entry)

    def reset(self) -> None:
        """Reset everything except the requests that are still running."""
        self.requests.clear()
        self.statuses.clear()
        self.log.clear()
        self.bytes_out = 0
        self.peak_concurrency = self._awaited()

    def _awaited(self) -> int:
        return sum(not is_disconnected(one) for one in self._open)

    def as_json(self) -> dict[str, Any]:
        """Return the totals, without the log."""
        return {
            "total": self.total,
            "requests": {f"{m} {r}": n for (m, r), n in sorted(self.requests.items())},
            "statuses": {str(status): n for status, n in sorted(self.statuses.items())},
            "bytes_out": self.bytes_out,
            "peak_concurrency": self.peak_concurrency,
        }


@dataclass(frozen=True, slots=True)
class Fault:
    """A scripted fault.

    It acts on the `nth` request (counted from 1) that matches `method`, `route` (a route template)
    and `match` (a regular expression searched for in the path with its query); None matches every
    request. It also acts on the following ones, `times` in all; `times=None` means no limit.
    `seconds` is the delay of a slow fault or the length of an outage. Any other fault with
    `seconds` acts on every matching request during that time after it first acted, regardless of
    `times`.
    """

    kind: FaultKind
    route: str | None = None
    method: str | None = None
    nth: int = 1
    times: int | None = 1
    seconds: float = 0.0
    match: str | None = None


@dataclass(slots=True)
class _Armed:
    fault: Fault
    seen: int = 0
    done: int = 0
    until: float | None = None


TIMED_BY_THEMSELVES = frozenset({"slow_after_apply", "slow_before_apply", "outage"})


class Faults:
    """The scripted faults of a server."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self.acted = 0  # requests affected by a fault since the last `clear`

    def add(self, *faults: Fault) -> None:
        """Arm faults; each counts requests from now on."""
        self._armed.extend(_Armed(fault) for fault in faults)

    def clear(self) -> None:
        """Disarm all faults."""
        self._armed.clear()
        self.acted = 0

    def __len__(self) -> int:
        """Return the number of faults, armed or spent."""
        return len(self._armed)

    def pick(
        self, method: str, route: str, now: float | None = None, *, target: str = ""
    ) -> Fault | None:
        """Count one request against all faults and return the first one that acts on it."""
        moment = time.monotonic() if now is None else now
        acting: Fault | None = None
        for armed in self._armed:
            fault = armed.fault
            if fault.method not in (None, method) or fault.route not in (None, route):
                continue
            if fault.match is not None and not re.search(fault.match, target):
                continue
            armed.seen += 1
            if acting is None and _acts(armed, moment):
                armed.done += 1
                self.acted += 1
                acting = fault
        return acting


def _acts(armed: _Armed, now: float) -> bool:
    fault = armed.fault
    if armed.seen < fault.nth:
        return False
    if fault.seconds and fault.kind not in TIMED_BY_THEMSELVES:
        if armed.until is None:
            armed.until = now + fault.seconds
        return now < armed.until
    return fault.times is None or armed.done < fault.times


async def watch_parent(pid: int, stop: asyncio.Event) -> None:
    """Set `stop` once the process `pid` has ended."""
    while not stop.is_set():
        try:
            alive = not _is_zombie(pid)
        except OSError:
            alive = False
        if not alive:
            stop.set()
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.5)


def _is_zombie(pid: int) -> bool:
    """Return whether the process is a zombie. Raises OSError if there is no such process."""
    status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return status.rpartition(")")[2].split()[0] == "Z"


def parse_pairs(raw_query: str) -> list[tuple[str, str]]:
    """Return a raw query string as decoded pairs, in order and with repetitions."""
    return parse_qsl(raw_query, keep_blank_values=True)
