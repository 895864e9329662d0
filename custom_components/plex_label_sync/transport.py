"""HTTP transport for JSON: retries, limits, and every failure as a `ServiceError`.

Used by both clients and independent of either service.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
import json
import re
from ssl import SSLError
import time
from typing import Final

import aiohttp
import orjson
from yarl import URL

from .request_statistics import Statistics
from .sync.failures import FAILURES, PASSING
from .sync.model import Failure, Service, ServiceError
from .sync.threads import in_thread
from .wire import TooMuchError, bounded_body, describe_exception, strict_session

type Sleep = Callable[[float], Awaitable[object]]

OFF_LOOP_BYTES: Final = (
    64 * 1024
)  # larger bodies are parsed in a thread, as that may take over 2 ms
# A page of a listing has a few megabytes; a server without paging sends a whole library.
ANSWER_MAX: Final = 64 * 1024 * 1024  # bytes, decompressed
SMALL_MAX: Final = 1024 * 1024  # bytes of a short response
ERROR_MAX: Final = (
    64 * 1024
)  # bytes read of an error response, so that the connection can be reused

# What the conversion of an answer raises for missing or invalid data
INVALID: Final = (AttributeError, KeyError, TypeError, ValueError)

# A lone surrogate, which JSON can escape: one broken title must not invalidate a whole response.
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")

_OF_STATUS: Final = {
    status: failure for failure, one in FAILURES.items() for status in one.statuses
}


@dataclass(frozen=True, slots=True)
class Retries:
    """Delays before a request is repeated, in seconds."""

    back_off: tuple[float, ...] = (0.5, 2.0)  # before the second and third attempts
    retry_after_max: float = 60.0  # a longer requested wait is left to the next run


USUAL_RETRIES: Final = Retries()


class BrokenText(str):
    """Malformed text, with U+FFFD in place of invalid UTF-8 and lone surrogates.

    Good enough for display. Callers that need exact text must reject it.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: a status below 400 and the raw body."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # from the request to the last byte

    def json(self) -> object:
        """Return the parsed body. Raises ValueError if it is not JSON."""
        return parse_json(self.body)


def parse_json(body: bytes) -> object:
    """Return a JSON document, with malformed text as `BrokenText`. Raises ValueError."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body.decode(errors="surrogateescape")
        if not (_SURROGATE.search(text) or _ESCAPED_SURROGATE.search(text)):
            raise
    try:
        return _sanitized(json.loads(text))
    except RecursionError as err:
        raise ValueError("nested too deeply") from err


def _sanitized(value: object) -> object:
    """Return a document with every malformed text as a `BrokenText`."""
    if isinstance(value, str):
        sanitized = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
        return BrokenText(sanitized) if sanitized != value else value
    if isinstance(value, list):
        return [_sanitized(one) for one in value]
    if isinstance(value, dict):
        return {_sanitized(name): _sanitized(one) for name, one in value.items()}
    return value


def failure_of_status(status: int) -> Failure:
    """Return the failure for an HTTP error status."""
    if status in _OF_STATUS:
        return _OF_STATUS[status]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failure.BUSY
    return Failure.REJECTED if status >= HTTPStatus.BAD_REQUEST else Failure.WRONG_SERVICE


def failure_of_exception(err: Exception) -> Failure:
    """Return the failure for an exception of the HTTP library."""
    if isinstance(err, TimeoutError):
        return Failure.TIMEOUT
    if isinstance(err, aiohttp.ClientSSLError | SSLError):
        return Failure.SSL_ERROR
    return Failure.CANNOT_CONNECT


class LastAnswer[T]:
    """Caches the converted form of the last response to one request.

    Most responses do not change for hours. They are then not converted again, and callers that
    compare two results get the same object.
    """

    def __init__(self) -> None:
        """Initialize an empty cache."""
        self._last: tuple[bytes, T] | None = None

    def of(self, body: bytes, understand: Callable[[], T]) -> T:
        """Return the converted body, cached if the conversion succeeds."""
        digest = sha256(body).digest()
        last = self._last
        if last is None or last[0] != digest:
            self._last = last = digest, understand()
        return last[1]


@dataclass(frozen=True, slots=True)
class _Request:
    """A request; a `query` given as text is already encoded."""

    method: str
    path: str
    query: Mapping[str, str | int] | str | None
    json: object
    seconds: float
    bytes_max: int

    def url(self, base: str) -> URL:
        url = URL(base + self.path, encoded=True)
        if isinstance(self.query, str):
            return URL(f"{url}?{self.query}", encoded=True)
        return url.with_query(self.query) if self.query else url


async def _body(response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    """Return a response's body; an error's body is not returned. Raises TooMuchError."""
    if response.status < HTTPStatus.MULTIPLE_CHOICES:
        return await bounded_body(response, bytes_max)
    with suppress(TooMuchError, aiohttp.ClientPayloadError):
        return await bounded_body(response, ERROR_MAX)
    return b""


class Transport:
    """Requests to one server, at most `limit` at a time."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        service: Service,
        url: str,
        headers: Mapping[str, str],
        *,
        limit: int,
        sleep: Sleep = asyncio.sleep,
        retries: Retries = USUAL_RETRIES,
    ) -> None:
        """Initialize with a session and a base URL from `normalize_url`."""
        self.url = url
        self.statistics = Statistics()
        self._session = session
        self._service = service
        self._headers = dict(headers)
        self._gate = asyncio.Semaphore(limit)
        self._converting = asyncio.Lock()
        self._sleep = sleep
        self._retries = retries

    def address(self, path: str, query: Mapping[str, str | int]) -> str:
        """Return path and query in encoded form."""
        return _Request("GET", path, query, None, 0.0, 0).url(self.url).raw_path_qs

    async def read[T](
        self,
        path: str,
        convert: Callable[[object], T],
        *,
        query: Mapping[str, str | int] | None = None,
        seconds: float = 45.0,
        tries: int = 3,
        bytes_max: int = ANSWER_MAX,
        last: LastAnswer[T] | None = None,
        note: Callable[[Answer], object] | None = None,
    ) -> T:
        """GET `path` and return its JSON converted by `convert`.

        A response equal to the `last` one is not converted again: the same object is returned.
        `note` is called with the response before the conversion.

        `convert` may raise one of INVALID for missing or invalid data. Large bodies are parsed and
        converted in a thread.

        Raises ServiceError; its failure is WRONG_SERVICE for content that is not JSON and
        IMPLAUSIBLE for JSON that is truncated or not of the expected shape.
        """
        answer = await self.send(
            "GET", path, query=query, seconds=seconds, tries=tries, bytes_max=bytes_max
        )

        if note is not None:
            note(answer)

        def understand() -> T:
            if last is None:
                return convert(answer.json())
            return last.of(answer.body, lambda: convert(answer.json()))

        try:
            if len(answer.body) > OFF_LOOP_BYTES:
                # One at a time: two threads would not be faster, but hold both documents in memory.
                async with self._converting:
                    return await in_thread(understand)
            return understand()
        except INVALID as err:
            looks_like_json = answer.body.lstrip()[:1] in {b"{", b"["}
            raise self._error(
                Failure.IMPLAUSIBLE if looks_like_json else Failure.WRONG_SERVICE,
                f"GET {path} gave an unexpected answer",
            ) from err

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | str | None = None,
        json: object = None,
        seconds: float = 45.0,
        tries: int = 3,
        retry_on: frozenset[Failure] = PASSING,
        bytes_max: int = ANSWER_MAX,
    ) -> Answer:
        """Send a request, with retries after temporary failures, and return the response.

        A `query` given as text must already be encoded. `seconds` is the timeout of each attempt.
        Only requests that are safe to repeat may have more than one attempt.

        Raises ServiceError.
        """
        request = _Request(method, path, query, json, seconds, bytes_max)
        for attempt in range(1, tries + 1):
            try:
                return await self._once(request)
            except ServiceError as err:
                self.statistics.failed(err)
                if attempt == tries or err.failure not in retry_on:
                    raise
                back_off = self._retries.back_off
                wait = err.retry_after or back_off[min(attempt, len(back_off)) - 1]
                if wait > self._retries.retry_after_max:
                    raise
            self.statistics.retries += 1
            await self._sleep(wait)
        raise AssertionError  # tries >= 1: the loop returned or raised

    async def _once(self, request: _Request) -> Answer:
        what = f"{request.method} {request.path}"
        kind = self.statistics.began(request.method, request.path)
        try:
            async with self._gate, asyncio.timeout(request.seconds):
                with kind.timed():
                    answer, retry_after = await self._exchange(request)
        except TooMuchError:
            kind.failed += 1
            detail = f"{what} answered more than {request.bytes_max} bytes"
            raise self._error(Failure.IMPLAUSIBLE, detail) from None
        except (TimeoutError, aiohttp.ClientError, OSError) as err:
            kind.failed += 1
            failure = failure_of_exception(err)
            raise self._error(failure, f"{what}: {describe_exception(err)}") from None
        self.statistics.bytes_in += len(answer.body)
        kind.bytes_in += len(answer.body)
        status = answer.status
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return answer
        kind.failed += 1
        raise self._error(
            failure_of_status(status),
            f"{what} answered {status}",
            status=status,
            retry_after=float(retry_after) if retry_after.isdecimal() else None,
        )

    async def _exchange(self, request: _Request) -> tuple[Answer, str]:
        """Send a request; return the response and its Retry-After header."""
        began = time.monotonic()
        async with (
            strict_session(self._session) as session,
            session.request(
                request.method,
                request.url(self.url),
                headers=self._headers,
                allow_redirects=False,
                json=request.json,
                timeout=aiohttp.ClientTimeout(total=None),
            ) as response,
        ):
            body = await _body(response, request.bytes_max)
        retry_after = response.headers.get("Retry-After", "")
        elapsed = time.monotonic() - began
        answer = Answer(response.status, body, response.content_type, response.headers, elapsed)
        return answer, retry_after

    def _error(
        self,
        failure: Failure,
        detail: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> ServiceError:
        return ServiceError(self._service, failure, detail, status=status, retry_after=retry_after)
