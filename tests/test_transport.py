"""HTTP with JSON answers against small servers on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
import gc
import json
from pathlib import Path
import threading
import time

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, strategies as st
import pytest
from yarl import URL

from custom_components.plex_label_sync.server_urls import (
    CredentialsInUrlError,
    normalize_url,
    redirected_base,
    with_default_port,
)
from custom_components.plex_label_sync.sync.failures import PASSING
from custom_components.plex_label_sync.sync.model import Failure, Service, ServiceError
from custom_components.plex_label_sync.transport import (
    OFF_LOOP_BYTES,
    USUAL_RETRIES,
    Answer,
    BrokenText,
    Transport,
    failure_of_status,
)

from .tls_front import self_signed_front

SECRET = "a-token-that-nobody-may-see"


class Naps:
    """Stands in for sleeping: keeps the seconds and wastes none."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Pretend to sleep."""
        self.taken.append(seconds)


type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Far:
    """A server whose answers a test writes, one after the other; the last one is repeated."""

    def __init__(self) -> None:
        self.answers: list[Handler] = [says({"ok": True})]
        self.seen: list[web.Request] = []
        self.bodies: list[bytes] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.seen.append(request)
        self.bodies.append(await request.read())
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        return await answer(request)

    @property
    def count(self) -> int:
        """How many requests came."""
        return len(self.seen)


def says(body: object, status: int = 200, **headers: str) -> Handler:
    """Return a handler that answers JSON, or text as it stands."""
    text = body if isinstance(body, str) else json.dumps(body)

    async def handle(_request: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(text=text, status=status, headers=named)

    return handle


def late(seconds: float) -> Handler:
    """Return a handler that keeps its caller waiting."""

    async def handle(_request: web.Request) -> web.Response:
        await asyncio.sleep(seconds)
        return web.json_response({"late": True})

    return handle


async def cut(request: web.Request) -> web.Response:
    """Break the connection instead of answering."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def break_off(request: web.Request) -> web.StreamResponse:
    """Break the connection in the middle of an answer."""
    response = web.StreamResponse()
    response.content_length = 100
    await response.prepare(request)
    await response.write(b'{"ok": ')
    return await cut(request)


@asynccontextmanager
async def served(far: Far) -> AsyncIterator[str]:
    """Run a server on loopback; yields its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", far.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
async def far() -> Far:
    """The far end's script."""
    return Far()


@pytest.fixture
async def base(far: Far) -> AsyncIterator[str]:
    """The far end's address."""
    async with served(far) as url:
        yield url


@pytest.fixture
def naps() -> Naps:
    """What the transport slept."""
    return Naps()


@pytest.fixture
async def make(naps: Naps) -> AsyncIterator[Callable[[str], Transport]]:
    """Build transports to any address."""
    async with aiohttp.ClientSession() as session:
        yield lambda url: Transport(
            session, Service.PLEX, url, {"X-Plex-Token": SECRET}, limit=2, sleep=naps
        )


@pytest.fixture
def transport(make: Callable[[str], Transport], base: str) -> Transport:
    """A transport to the far end."""
    return make(base)


def same(answer: object) -> object:
    """Take an answer as it is."""
    return answer


async def failure_of(work: Awaitable[object]) -> ServiceError:
    """Return the error that `work` ends with; it never tells the token."""
    with pytest.raises(ServiceError) as caught:
        await work
    assert SECRET not in f"{caught.value!r} {caught.value} {caught.value.detail}"
    assert caught.value.service is Service.PLEX
    return caught.value


# Addresses


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("192.168.1.5:32400", "http://192.168.1.5:32400"),
        (" https://plex.example.org/ ", "https://plex.example.org"),
        ("http://plex.local:32400/base//", "http://plex.local:32400/base"),
        ("http://plex.local/?a=1#top", "http://plex.local"),
        ("http://[::1]:32400", "http://[::1]:32400"),
    ],
)
def test_address_is_reduced_to_scheme_host_and_path(text: str, url: str) -> None:
    assert normalize_url(text) == url


@pytest.mark.parametrize(
    "text", ["http://me:pass@plex.local/", "me:pass@plex.local", "http://me@h"]
)
def test_address_with_a_name_or_a_password_is_refused_for_that(text: str) -> None:
    with pytest.raises(CredentialsInUrlError):
        normalize_url(text)


@pytest.mark.parametrize(
    ("location", "base"),
    [
        ("https://plex.local/identity", "https://plex.local"),
        ("https://PLEX.local:8443/base/identity?x=1", "https://plex.local:8443/base"),
        ("http://plex.local/identity", None),
        ("https://other.local/identity", None),
        ("https://me:pass@plex.local/identity", None),
        ("https://plex.local/login", None),
        ("/identity", None),
        ("https://[", None),
        ("", None),
    ],
)
def test_redirect_counts_only_on_the_same_host_and_encrypted(
    location: str, base: str | None
) -> None:
    assert redirected_base("http://plex.local:32400", "/identity", location) == base


@pytest.mark.parametrize(
    ("base", "found"),
    [
        ("http://plex.local", "http://plex.local:32400"),
        ("https://[::1]", "https://[::1]:32400"),
        ("http://plex.local:80", None),
        ("http://plex.local/base", None),
    ],
)
def test_usual_port_is_for_addresses_without_one(base: str, found: str | None) -> None:
    assert with_default_port(base, 32400) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "http://",
        "ftp://plex.local",
        "http:///x",
        "http://a:99999",
        "https://:1",
        "http://plex local",
        "http://plex\u2028local",
        f"http://{'a' * 64}.local",
        "http://plex..local",
        "http://[]@",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the message is the library's
        normalize_url(text)


@given(st.text() | st.text(alphabet="htps:/.@[]?#%1a", max_size=20).map("http://{}".format))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        url = normalize_url(text)
    except ValueError:
        return
    assert normalize_url(url) == url
    parsed = URL(url)
    assert parsed.scheme in {"http", "https"}
    assert parsed.host
    assert parsed.host.encode("idna")
    assert (parsed.user, parsed.password, parsed.query_string, parsed.fragment) == (
        None,
        None,
        "",
        "",
    )


# Reading


async def test_answer_is_converted_and_counted(transport: Transport, far: Far) -> None:
    far.answers = [says({"value": 7})]
    assert await transport.read("/a/b", lambda answer: answer) == {"value": 7}
    request = far.seen[0]
    assert (request.method, request.path, request.headers["X-Plex-Token"]) == (
        "GET",
        "/a/b",
        SECRET,
    )
    assert transport.statistics.requests == 1
    assert transport.statistics.bytes_in == len('{"value": 7}')
    assert (transport.statistics.retries, transport.statistics.failures) == (0, {})


async def test_query_is_encoded_once(transport: Transport, far: Far) -> None:
    await transport.read("/a", same, query={"label": "Tom & Co, 100%+", "type": 1})
    assert dict(far.seen[0].query) == {"label": "Tom & Co, 100%+", "type": "1"}


async def test_encoded_query_is_sent_as_it_stands(transport: Transport, far: Far) -> None:
    await transport.send("PUT", "/a", query="x%5B%5D=a%252Cb%2Cc&y=1,2", tries=1)
    assert far.seen[0].raw_path == "/a?x%5B%5D=a%252Cb%2Cc&y=1,2"


async def test_body_is_sent_as_json(transport: Transport, far: Far) -> None:
    answer = await transport.send("POST", "/a", json={"name": "Jürgen"}, tries=1)
    assert json.loads(far.bodies[0]) == {"name": "Jürgen"}
    assert (answer.status, answer.json()) == (200, {"ok": True})
    assert answer.content_type == "text/plain"


@pytest.mark.parametrize("was_on", [True, False])
async def test_large_answer_is_understood_without_garbage_collection_which_then_goes_on_as_it_was(
    transport: Transport, far: Far, was_on: bool
) -> None:
    seen: list[bool] = []

    def understand(answer: object) -> None:
        seen.append(gc.isenabled())
        if len(seen) == 2:
            raise ValueError

    body = '{"a": 1}' + " " * OFF_LOOP_BYTES
    far.answers = [says(body), says(body)]
    if not was_on:
        gc.disable()
    try:
        await transport.read("/x", understand)
        with pytest.raises(ServiceError):
            await transport.read("/x", understand)
        assert gc.isenabled() is was_on
    finally:
        gc.enable()
    assert seen == [False, False]


async def test_only_one_big_answer_is_understood_at_a_time(transport: Transport, far: Far) -> None:
    running = most = 0

    def understand(_answer: object) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.05)
        running -= 1

    body = '{"a": 1}' + " " * OFF_LOOP_BYTES
    far.answers = [says(body), says(body)]
    await asyncio.gather(transport.read("/x", understand), transport.read("/x", understand))
    assert most == 1


@pytest.mark.parametrize("size", [10, OFF_LOOP_BYTES + 10])
async def test_big_answers_are_parsed_off_the_event_loop(
    transport: Transport, far: Far, size: int
) -> None:
    far.answers = [says({"text": "x" * size})]
    thread = await transport.read("/", lambda _answer: threading.current_thread())
    assert (thread is threading.main_thread()) is (size < OFF_LOOP_BYTES)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("<!doctype html><p>Please sign in", Failure.WRONG_SERVICE),
        ("", Failure.WRONG_SERVICE),
        ('  {"ok": tr', Failure.IMPLAUSIBLE),
        ("[1, 2", Failure.IMPLAUSIBLE),
    ],
)
async def test_answer_that_is_not_json_is_distinguished_from_one_that_is_cut_off(
    transport: Transport, far: Far, body: str, failure: Failure, big: bool
) -> None:
    far.answers = [says(body + " " * OFF_LOOP_BYTES * 2 if big else body)]
    error = await failure_of(transport.read("/", same))
    assert error.failure is failure
    assert far.count == 1


@pytest.mark.parametrize("problem", [ValueError, KeyError, TypeError, AttributeError])
async def test_answer_of_another_shape_is_implausible(
    transport: Transport, problem: type[Exception]
) -> None:
    def convert(_answer: object) -> object:
        raise problem("no")

    error = await failure_of(transport.read("/sections", convert))
    assert error.failure is Failure.IMPLAUSIBLE
    assert error.detail == "GET /sections gave an unexpected answer"


# Failures


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (301, Failure.WRONG_SERVICE),
        (304, Failure.WRONG_SERVICE),
        (400, Failure.REJECTED),
        (401, Failure.INVALID_AUTH),
        (403, Failure.FORBIDDEN),
        (404, Failure.NOT_FOUND),
        (408, Failure.TIMEOUT),
        (409, Failure.REJECTED),
        (414, Failure.REJECTED),
        (429, Failure.RATE_LIMITED),
        (500, Failure.BUSY),
        (502, Failure.BUSY),
        (503, Failure.BUSY),
        (504, Failure.BUSY),
    ],
)
async def test_every_status_has_its_meaning(
    transport: Transport, far: Far, status: int, failure: Failure
) -> None:
    far.answers = [says("no", status)]
    error = await failure_of(transport.send("GET", "/a", tries=1))
    assert (error.failure, error.status) == (failure, status)
    assert error.detail == f"GET /a answered {status}"
    assert failure_of_status(status) is failure
    assert transport.statistics.failures == {failure: 1}


async def test_redirect_is_not_followed_with_the_token(transport: Transport, far: Far) -> None:
    other = Far()
    async with served(other) as url:
        far.answers = [says("", 302, Location=f"{url}/steal")]
        error = await failure_of(transport.read("/", same))
    assert error.failure is Failure.WRONG_SERVICE
    assert other.count == 0


async def test_no_one_at_the_address_is_distinguished(make: Callable[[str], Transport]) -> None:
    far = Far()
    async with served(far) as url:
        pass
    error = await failure_of(make(url).read("/", same, tries=1))
    assert error.failure is Failure.CANNOT_CONNECT
    assert error.failure in PASSING
    assert error.detail == "GET /: the connection was refused"


async def test_slow_answer_is_a_timeout(transport: Transport, far: Far) -> None:
    far.answers = [late(9)]
    error = await failure_of(transport.read("/", same, seconds=0.05, tries=1))
    assert error.failure is Failure.TIMEOUT
    assert error.detail == "GET /: no response in time"


@pytest.mark.parametrize(
    ("how", "words"),
    [(cut, "the connection was closed"), (break_off, "the response was cut off")],
)
async def test_broken_connection_cannot_be_distinguished_from_none(
    transport: Transport, far: Far, how: Handler, words: str
) -> None:
    far.answers = [how]
    error = await failure_of(transport.read("/", same, tries=1, query={"token": SECRET}))
    assert error.failure is Failure.CANNOT_CONNECT
    assert error.detail == f"GET /: {words}"


async def test_certificate_that_no_one_vouches_for_is_distinguished(
    make: Callable[[str], Transport], base: str, tmp_path: Path
) -> None:
    async with self_signed_front(URL(base).port or 0, tmp_path) as url:
        error = await failure_of(make(url).read("/", same))
    assert error.failure is Failure.SSL_ERROR
    assert error.failure not in PASSING
    assert error.detail == "GET /: no secure connection"


# Trying again


@pytest.mark.parametrize("bad", [says("", 500), says("", 503), says("", 429), break_off])
async def test_passing_failure_is_tried_again_after_a_while(
    transport: Transport, far: Far, naps: Naps, bad: Handler
) -> None:
    far.answers = [bad, bad, says({"ok": 1})]
    assert await transport.read("/", same) == {"ok": 1}
    assert naps.taken == list(USUAL_RETRIES.back_off)
    assert (transport.statistics.requests, transport.statistics.retries) == (3, 2)
    assert sum(transport.statistics.failures.values()) == 2


async def test_dropped_connection_is_tried_again(
    transport: Transport, far: Far, naps: Naps
) -> None:
    far.answers = [cut, cut, says({"ok": 1})]
    assert await transport.read("/", same) == {"ok": 1}
    assert naps.taken in (
        [USUAL_RETRIES.back_off[0]],
        list(USUAL_RETRIES.back_off),
    )  # aiohttp repeats some by itself
    assert far.count == 3


async def test_third_failure_is_final(transport: Transport, far: Far, naps: Naps) -> None:
    far.answers = [says("", 500)]
    error = await failure_of(transport.read("/", same))
    assert (error.failure, far.count, len(naps.taken)) == (Failure.BUSY, 3, 2)


async def test_more_tries_wait_no_longer_than_the_longest_back_off(
    transport: Transport, far: Far, naps: Naps
) -> None:
    far.answers = [says("", 500)]
    await failure_of(transport.send("GET", "/", tries=5))
    assert naps.taken == [
        USUAL_RETRIES.back_off[0],
        USUAL_RETRIES.back_off[1],
        USUAL_RETRIES.back_off[1],
        USUAL_RETRIES.back_off[1],
    ]


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 414])
async def test_refusal_is_not_tried_again(
    transport: Transport, far: Far, naps: Naps, status: int
) -> None:
    far.answers = [says("", status)]
    await failure_of(transport.read("/", same))
    assert (far.count, naps.taken) == (1, [])


async def test_failures_that_may_be_tried_again_can_be_narrowed(
    transport: Transport, far: Far
) -> None:
    far.answers = [late(5)]
    await failure_of(transport.send("PUT", "/", seconds=0.5, retry_on=frozenset({Failure.BUSY})))
    assert far.count == 1


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7.0),
        ("0", USUAL_RETRIES.back_off[0]),
        ("soon", USUAL_RETRIES.back_off[0]),
        ("-1", USUAL_RETRIES.back_off[0]),
    ],
)
async def test_server_says_how_long_to_wait(
    transport: Transport, far: Far, naps: Naps, header: str, wait: float
) -> None:
    far.answers = [says("", 429, Retry_After=header), says({})]
    await transport.read("/", same)
    assert naps.taken == [wait]


async def test_wait_that_is_too_long_is_left_to_the_next_run(
    transport: Transport, far: Far, naps: Naps
) -> None:
    far.answers = [says("", 429, Retry_After=str(int(USUAL_RETRIES.retry_after_max) + 1))]
    error = await failure_of(transport.read("/", same))
    assert (error.failure, error.retry_after) == (
        Failure.RATE_LIMITED,
        USUAL_RETRIES.retry_after_max + 1,
    )
    assert (far.count, naps.taken) == (1, [])


async def test_request_is_tried_at_least_once(transport: Transport) -> None:
    with pytest.raises(AssertionError):
        await transport.send("GET", "/", tries=0)


# Many at once


async def test_no_more_requests_are_under_way_than_allowed(transport: Transport, far: Far) -> None:
    under_way, peak = 0, 0

    async def slow(_request: web.Request) -> web.Response:
        nonlocal under_way, peak
        under_way += 1
        peak = max(peak, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return web.json_response({})

    far.answers = [slow]
    await asyncio.gather(*(transport.read(f"/{number}", same) for number in range(8)))
    assert (far.count, peak) == (8, 2)


async def test_waiting_for_its_turn_does_not_count_against_a_request(
    transport: Transport, far: Far
) -> None:
    far.answers = [late(2.2), late(2.2), says({})]
    slow = [transport.read("/", same, seconds=60, tries=1) for _ in range(2)]
    started = time.monotonic()
    await asyncio.gather(*slow, *(transport.read("/", same, seconds=2, tries=1) for _ in range(10)))
    assert far.count == 12
    assert time.monotonic() - started > 2


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b'{"title": "Am\xe9lie", "id": 7}', "Am\N{REPLACEMENT CHARACTER}lie"),
        (rb'{"title": "Am\ud83clie", "id": 7}', "Am\N{REPLACEMENT CHARACTER}lie"),
        (rb'{"title": "Am\uDE00lie", "id": 7}', "Am\N{REPLACEMENT CHARACTER}lie"),
    ],
)
def test_broken_text_costs_a_character_and_is_marked(body: bytes, title: str) -> None:
    answer = Answer(200, body, "application/json").json()
    assert isinstance(answer, dict)
    assert (answer["title"], answer["id"]) == (title, 7)
    assert isinstance(answer["title"], BrokenText)


@pytest.mark.parametrize(
    "body", [b'{"title": "Am\xe9', rb'{"title": "\ud83c"', b"\xe9", rb"[" * 200_000 + rb"\ud83c"]
)
def test_broken_text_in_what_is_no_json_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # two parsers, two texts
        Answer(200, body, "application/json").json()


def test_text_that_is_whole_is_not_marked() -> None:
    body = rb'{"a": "\ud83c\udf7f", "b": ["\ud83c"], "\udc00": 1}'
    answer = Answer(200, body, "application/json").json()
    assert answer == {
        "a": "\N{POPCORN}",
        "b": ["\N{REPLACEMENT CHARACTER}"],
        "\N{REPLACEMENT CHARACTER}": 1,
    }
    assert isinstance(answer, dict)
    assert not isinstance(answer["a"], BrokenText)
