"""Answers and redirects of servers that mean no good."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import gzip
import tracemalloc
import zlib

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest

from custom_components.plex_label_sync.plex import events
from custom_components.plex_label_sync.sync.model import Failure, Service, ServiceError
from custom_components.plex_label_sync.transport import Transport

SECRET = "a-token-that-no-second-host-may-see"
HEADERS = {"X-Plex-Token": SECRET}
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Leave asyncio's debug mode off: it makes these tests, which wait for HTTP, thrice as slow."""


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """An ordinary session, as Home Assistant shares one."""
    async with aiohttp.ClientSession() as session:
        yield session


@asynccontextmanager
async def host(answer: web.Response | None = None) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """Run a host that answers everything in one way; yields its address and what it saw."""
    seen: list[web.Request] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        if answer is None:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            return socket
        return web.Response(body=answer.body, status=answer.status, headers=answer.headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/"), seen


async def failure_of(transport: Transport, bytes_max: int = 64 * MIB) -> ServiceError:
    """Return why an answer is not believed."""
    with pytest.raises(ServiceError) as refused:
        await transport.read("/", lambda answer: answer, tries=1, bytes_max=bytes_max)
    assert SECRET not in str(refused.value)
    return refused.value


def over(session: aiohttp.ClientSession, url: str) -> Transport:
    """Return a transport that shows the secret with each request."""
    return Transport(session, Service.PLEX, url, HEADERS, limit=2)


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_secret_follows_no_redirect(session: aiohttp.ClientSession, status: int) -> None:
    async with host() as (other, seen):
        away = web.Response(status=status, headers={"Location": f"{other}/"})
        async with host(away) as (url, first):
            with pytest.raises(ServiceError) as refused:
                async with events.listen(session, url, HEADERS):
                    pass
            assert refused.value.failure is Failure.WRONG_SERVICE
            assert (await failure_of(over(session, url))).failure is Failure.WRONG_SERVICE
    assert len(first) == 2
    assert seen == []


async def test_socket_still_connects_and_the_lent_connections_stay_open(
    session: aiohttp.ClientSession,
) -> None:
    async with host() as (url, seen), events.listen(session, url, HEADERS) as messages:
        assert [message async for message in messages] == []
        assert seen[0].headers["X-Plex-Token"] == SECRET
        assert not session.closed
        async with session.get(url) as response:
            assert response.status == 400  # it only speaks WebSocket


# Sizes


def packed(size: int) -> web.Response:
    """Return an answer of `size` bytes that is a thousandth of that on its way."""
    return web.Response(body=gzip.compress(b" " * size), headers={"Content-Encoding": "gzip"})


async def test_bomb_costs_memory_within_the_bound(session: aiohttp.ClientSession) -> None:
    async with host(packed(200 * MIB)) as (url, seen):
        transport = over(session, url)
        tracemalloc.start()
        try:
            error = await failure_of(transport, bytes_max=8 * MIB)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (error.failure, error.detail) == (
        Failure.IMPLAUSIBLE,
        f"GET / answered more than {8 * MIB} bytes",
    )
    assert peak < 32 * MIB
    assert len(seen) == 1


async def test_body_as_large_as_the_bound_is_read(session: aiohttp.ClientSession) -> None:
    body = b'"' + b"a" * (MIB - 2) + b'"'
    packed_body = web.Response(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
    for answer in (web.Response(body=body), packed_body):
        async with host(answer) as (url, _):
            assert await over(session, url).read("/", str, bytes_max=MIB) == "a" * (MIB - 2)
            assert (await failure_of(over(session, url), bytes_max=MIB - 1)).failure is (
                Failure.IMPLAUSIBLE
            )


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b'{"ok": 1}', mtime=0)),
        ("x-gzip", gzip.compress(b'{"ok": 1}', mtime=0)),
        ("deflate", zlib.compress(b'{"ok": 1}')),
        ("identity", b'{"ok": 1}'),
    ],
)
async def test_packed_answers_are_understood(
    session: aiohttp.ClientSession, encoding: str, body: bytes
) -> None:
    async with host(web.Response(body=body, headers={"Content-Encoding": encoding})) as (url, seen):
        assert await over(session, url).read("/", lambda answer: answer) == {"ok": 1}
        assert seen[0].headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"no gzip"),
        ("gzip", gzip.compress(b'{"ok": 1}', mtime=0)[:-9]),
        ("br", b'{"ok": 1}'),
    ],
)
async def test_what_cannot_be_unpacked_is_no_answer(
    session: aiohttp.ClientSession, encoding: str, body: bytes
) -> None:
    async with host(web.Response(body=body, headers={"Content-Encoding": encoding})) as (url, _):
        assert (await failure_of(over(session, url))).failure is Failure.CANNOT_CONNECT


async def test_refusal_is_reported_however_large_it_is(session: aiohttp.ClientSession) -> None:
    bomb = packed(50 * MIB)
    refusal = web.Response(body=bomb.body, status=401, headers=bomb.headers)
    async with host(refusal) as (url, _):
        error = await failure_of(over(session, url))
        assert (error.failure, error.status) == (Failure.INVALID_AUTH, 401)
    broken = web.Response(body=b"?", status=403, headers={"Content-Encoding": "gzip"})
    async with host(broken) as (url, _):
        assert (await failure_of(over(session, url))).failure is Failure.FORBIDDEN


async def test_many_requests_share_the_lent_connections(session: aiohttp.ClientSession) -> None:
    async with host(web.Response(body=b"{}")) as (url, seen):
        transport = over(session, url)
        for _ in range(5):
            await asyncio.gather(*(transport.read("/", str) for _ in range(4)))
        ports = {
            request.transport.get_extra_info("peername") for request in seen if request.transport
        }
        assert len(seen) == 20
        assert len(ports) <= 2
