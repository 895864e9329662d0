"""Request counting and scripted faults around every handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
import json
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulators.control import CONTROL_PREFIX
from simulators.http import (
    GARBAGE,
    Fault,
    Faults,
    LoggedRequest,
    Stats,
    is_disconnected,
    redact_query,
    route_of,
    without_lists,
)

if TYPE_CHECKING:
    from simulators.listener import LocalServer

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
type Middleware = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]

CUT_OFF = 0  # the logged status of a request that got no response

PAGES = {
    "unauthorized": (401, "<html><head><title>Unauthorized</title></head><body><h1>401 Unauthorized</h1></body></html>"),
    "busy": (500, "<html><head><title>Internal Server Error</title></head><body><h1>500 Internal Server Error</h1></body></html>"),
    "unavailable": (503, "<html><head><title>Service Unavailable</title></head><body><h1>503 Service Unavailable</h1></body></html>"),
    "throttled": (429, "<html><head><title>Too Many Requests</title></head><body><h1>429 Too Many Requests</h1></body></html>"),
    "html": (200, "<!doctype html><html><head><title>Welcome</title></head><body><p>Please sign in.</p></body></html>"),
    "expired": (498, "<html><head><title>Token Expired</title></head><body><h1>498 Token Expired</h1></body></html>"),
    "maintenance": (503, '<?xml version="1.0" encoding="UTF-8"?>\n<Response code="503" title="Maintenance" status="Plex Media Server is currently running database migrations."/>\n'),
}  # fmt: skip


def plex_page(fault: Fault) -> web.Response | None:
    """Return the page of Plex, or of a proxy in front of it, in place of an answer."""
    if fault.kind not in PAGES:
        return None
    status, text = PAGES[fault.kind]
    headers = retry_after(fault) if fault.kind == "throttled" else None
    kind = "text/xml" if fault.kind == "maintenance" else "text/html"
    return web.Response(status=status, text=text, content_type=kind, headers=headers)


def retry_after(fault: Fault) -> dict[str, str]:
    """Return the header of a rate limit, in whole seconds."""
    return {"Retry-After": str(max(1, round(fault.seconds)))}


class CutOffError(Exception):
    """The connection was cut, so there is no client left to respond to."""


@dataclass(frozen=True, slots=True)
class FrontDesk:
    """Counts requests and applies scripted faults to them.

    `streams` are routes with long-lived responses (they count as requests, not as concurrency);
    `open_routes` need no credentials, so an `unauthorized` fault does not affect them. `pages`
    returns the answer that replaces the real one under a fault, if any; `before` and `after` hold
    the server's own implementation of a kind of fault. Routes are matched without the `base` path.
    """

    server: LocalServer
    stats: Stats
    faults: Faults
    streams: frozenset[str] = frozenset()
    open_routes: frozenset[str] = frozenset()
    before: Mapping[str, Callable[[web.Request], Awaitable[None]]] = field(default_factory=dict)
    after: Mapping[str, Callable[[web.Response], web.Response]] = field(default_factory=dict)
    pages: Callable[[Fault], web.Response | None] = plex_page
    base: str = ""

    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Handle one request as the middleware."""
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        started, status, sent = time.perf_counter(), CUT_OFF, 0
        is_stream = self._route(request) in self.streams
        self.stats.begin(request)
        if is_stream:
            self._log(request, started, 101, 0)
        try:
            response = await self._answer(request, handler)
            status, sent = response.status, _length(response)
        except web.HTTPException as error:
            status, sent = error.status, _length(error)
            raise
        except CutOffError:
            return web.Response(status=502)
        else:
            return response
        finally:
            if not is_stream:
                self._log(request, started, status, sent)

    def _route(self, request: web.Request) -> str:
        return route_of(request).removeprefix(self.base)

    def _log(self, request: web.Request, started: float, status: int, sent: int) -> None:
        self.stats.end(
            request,
            LoggedRequest(
                method=request.method,
                route=self._route(request),
                path=request.path,
                query=redact_query(request.rel_url.raw_query_string),
                status=status,
                duration=time.perf_counter() - started,
                bytes_out=sent,
            ),
        )

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        route = self._route(request)
        fault = self.faults.pick(request.method, route, target=request.path_qs)
        if fault is None or (
            fault.kind in {"unauthorized", "expired"} and route in self.open_routes
        ):
            return await handler(request)
        if fault.kind == "outage":
            await self.server.begin_outage(fault.seconds)
        if fault.kind in ("drop", "outage"):
            cut(request)
        if (page := self.pages(fault)) is not None:
            return page
        if fault.kind == "slow_before_apply":
            await self.server.pause(fault.seconds, continues=False)
            if is_disconnected(request):
                raise CutOffError
        if fault.kind in self.before:
            await self.before[fault.kind](request)
        response = await handler(request)
        return await self._spoil(fault, request, response)

    async def _spoil(
        self, fault: Fault, request: web.Request, response: web.StreamResponse
    ) -> web.StreamResponse:
        if fault.kind == "slow_after_apply":
            await self.server.pause(fault.seconds, continues=False)
        if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
            return response
        if fault.kind in self.after:
            return self.after[fault.kind](response)
        half = response.body[: len(response.body) // 2]
        if fault.kind == "truncated":
            response.body = half
        if fault.kind == "garbage":
            response.body = GARBAGE
        if fault.kind == "wrong_types" and response.content_type == "application/json":
            response.body = json.dumps(without_lists(json.loads(response.body))).encode()
        if fault.kind == "cut_body":
            broken = web.StreamResponse(
                status=response.status, headers={"Content-Type": response.content_type}
            )
            broken.content_length = len(response.body)
            await broken.prepare(request)
            await broken.write(half)
            if request.transport is not None:
                request.transport.close()
            raise CutOffError
        return response


def cut(request: web.Request) -> None:
    """Break the connection of a request. Raises CutOffError."""
    if request.transport is not None:
        request.transport.abort()
    raise CutOffError


def middleware_of(desk: FrontDesk) -> Any:  # noqa: ANN401  # aiohttp marks middlewares with an attribute
    """Return the desk as an aiohttp middleware."""

    @web.middleware
    async def front(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await desk.handle(request, handler)

    return front


def _length(response: web.StreamResponse) -> int:
    body = response.body if isinstance(response, web.Response) else None
    return len(body) if isinstance(body, (bytes, bytearray)) else 0
