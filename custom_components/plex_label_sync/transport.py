"""HTTP with JSON answers: retries, limits, and every failure as a `ServiceError`.

Both clients stand on this; it knows nothing of either service.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
import gc
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
from .wire import TooMuchError, bounded_body, wary, words_of_exception

type Sleep = Callable[[float], Awaitable[object]]

OFF_LOOP_BYTES: Final = 64 * 1024  # a body above this is parsed in a thread: it may take over 2 ms
# A page of a listing has a few megabytes; a server that does not page sends a library.
ANSWER_MAX: Final = 64 * 1024 * 1024  # bytes, unpacked
SMALL_MAX: Final = 1024 * 1024  # bytes of an answer that says a few things
ERROR_MAX: Final = 64 * 1024  # bytes that are read of a refusal, to go on with the connection

# Half a character, as text and as JSON writes it: one broken title must not cost a whole answer.
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")

_OF_STATUS: Final = {
    status: failure for failure, one in FAILURES.items() for status in one.statuses
}


@dataclass(frozen=True, slots=True)
class Retries:
    """How long to wait before a request is sent again, in seconds."""

    back_off: tuple[float, ...] = (0.5, 2.0)  # before the second and the third try
    retry_after_max: float = 60.0  # a longer wait that a server asks for is left to the next run


USUAL_RETRIES: Final = Retries()


class BrokenText(str):
    """Text that came broken: U+FFFD stands where bytes were no UTF-8 or half a character was.

    Good enough to be read by people. What has to be exact must refuse it.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status below 400 and the raw body."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # from the request to the last byte

    def json(self) -> object:
        """Return the parsed body; raises ValueError when it is no JSON."""
        return parse_json(self.body)


def parse_json(body: bytes) -> object:
    """Return a document in which broken texts are `BrokenText`; raises ValueError for none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body.decode(errors="surrogateescape")
        if not (_SURROGATE.search(text) or _ESCAPED_SURROGATE.search(text)):
            raise
    try:
        return _mended(json.loads(text))
    except RecursionError as err:
        raise ValueError("nested too deeply") from err


def _mended(value: object) -> object:
    """Return a document in which every broken text is a `BrokenText`."""
    if isinstance(value, str):
        mended = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
        return BrokenText(mended) if mended != value else value
    if isinstance(value, list):
        return [_mended(one) for one in value]
    if isinstance(value, dict):
        return {_mended(name): _mended(one) for name, one in value.items()}
    return value


def failure_of_status(status: int) -> Failure:
    """Tell what an HTTP error status means for a caller."""
    if status in _OF_STATUS:
        return _OF_STATUS[status]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failure.BUSY
    return Failure.REJECTED if status >= HTTPStatus.BAD_REQUEST else Failure.WRONG_SERVICE


def failure_of_exception(err: Exception) -> Failure:
    """Tell what an exception of the HTTP library means for a caller."""
    if isinstance(err, TimeoutError):
        return Failure.TIMEOUT
    if isinstance(err, aiohttp.ClientSSLError | SSLError):
        return Failure.SSL_ERROR
    return Failure.CANNOT_CONNECT


def _uncollected[T](work: Callable[[], T]) -> T:
    """Do a short piece of work without garbage collection.

    A page of a listing is some thousand dictionaries that live for milliseconds. Python takes
    them for long-lived when it collects meanwhile, and after a few pages walks through the whole
    process's memory, which holds up the event loop for a tenth of a second and more.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        return work()
    finally:
        if was_on:
            gc.enable()


class LastAnswer[T]:
    """What one question was answered last, as it was understood.

    Most answers are as they were an hour ago. Then nothing has to be understood again, and those
    who compare what was made of two answers have one and the same object.
    """

    def __init__(self) -> None:
        """Start without an answer."""
        self._last: tuple[bytes, T] | None = None

    def of(self, body: bytes, understand: Callable[[], T]) -> T:
        """Return what a body means, and remember it if it can be understood."""
        digest = sha256(body).digest()
        last = self._last
        if last is None or last[0] != digest:
            self._last = last = digest, understand()
        return last[1]


@dataclass(frozen=True, slots=True)
class _Request:
    """What is sent; a `query` given as text is encoded already."""

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
    """Return an answer's body; nobody reads that of an error. Raises TooMuchError."""
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
        """Keep the session; `url` is a base URL from `normalise_url`."""
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
        """Return path and query as they are sent."""
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
        """GET `path` and return what `convert` makes of the JSON.

        An answer like the `last` one is not converted again: the same object is returned. The
        answer itself is given to `note` before that.

        `convert` may raise ValueError, KeyError or TypeError when the answer lacks what it
        needs. Both parsing and converting leave the event loop when the body is large.

        Raises ServiceError; its failure is WRONG_SERVICE for what is not JSON at all and
        IMPLAUSIBLE for JSON that is cut off or not of the expected shape.
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
                # One at a time: two threads would not be faster, and hold both documents.
                async with self._converting:
                    return await asyncio.to_thread(_uncollected, understand)
            return understand()
        except (ValueError, KeyError, TypeError) as err:
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
        """Send one request, again after a passing failure, and return the answer.

        A `query` given as text is sent as it stands, already encoded. `seconds` is how long
        each try may take. Only requests that may safely be repeated get more than one try.

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
            raise self._error(failure, f"{what}: {words_of_exception(err)}") from None
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
        """Send a request; return what came back, and how long it is to wait."""
        began = time.monotonic()
        async with (
            wary(self._session) as session,
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
        took = time.monotonic() - began
        answer = Answer(response.status, body, response.content_type, response.headers, took)
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
