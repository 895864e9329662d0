"""Authentication, limits and response formats of the simulated Plex."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from simulators.http import parse_pairs
from simulators.plex.filters import plex_argument
from simulators.plex.users import OWNER, Viewer

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

    from simulators.plex.backend import PlexBackend
    from simulators.plex.render import Answer

type ViewerHandler = Callable[[web.Request, Viewer], Awaitable[web.StreamResponse]]
type PlainHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    414: "URI Too Long",
    500: "Internal Server Error",
}


class RefusedError(Exception):
    """A request that is answered with an error page."""

    def __init__(self, status: int) -> None:
        super().__init__(REASONS[status])
        self.status = status


def error_page(status: int) -> web.Response:
    """Return an error as an HTML page, whatever the client accepts."""
    title = f"{status} {REASONS[status]}"
    text = (
        f"<html><head><title>{REASONS[status]}</title></head><body><h1>{title}</h1></body></html>"
    )
    return web.Response(status=status, text=text, content_type="text/html")


def query_pairs(request: web.Request) -> list[tuple[str, str]]:
    """Return the decoded query of a request, in order and with repetitions."""
    return parse_pairs(request.raw_path.partition("?")[2])


def respond(
    request: web.Request, answer: Answer, headers: dict[str, str] | None = None
) -> web.Response:
    """Return a response in the format that the client accepts: JSON on request, XML otherwise."""
    wants_json = "application/json" in request.headers.get("Accept", "")
    return web.Response(
        body=answer.as_json() if wants_json else answer.as_xml(),
        content_type="application/json" if wants_json else "text/xml",
        charset=None if wants_json else "utf-8",
        headers={"X-Plex-Protocol": "1.0", **(headers or {})},
    )


def viewer_of(sim: PlexBackend, request: web.Request) -> Viewer:
    """Return who sent the request. Raises RefusedError (401) without a valid token."""
    token = plex_argument("X-Plex-Token", request.query, request.headers)
    if token == sim.token:
        return OWNER
    shared = sim.users.get(token or "")
    if shared is None:
        raise RefusedError(401)
    return Viewer(shared)


def guarded(sim: PlexBackend, handler: ViewerHandler, *, others: int | None = None) -> PlainHandler:
    """Put a handler behind the token check.

    `others` is the status for anyone but the owner; None allows them.
    """

    async def checked(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request, _admitted(sim, request, others))
        except RefusedError as refused:
            return error_page(refused.status)

    return checked


def _admitted(sim: PlexBackend, request: web.Request, others: int | None) -> Viewer:
    viewer = viewer_of(sim, request)
    if others is not None and not viewer.owner:
        raise RefusedError(others)
    return viewer


def line_limit(sim: PlexBackend) -> Middleware:
    """Return middleware that refuses request lines over the limit before any other check."""

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        line = f"{request.method} {request.raw_path} HTTP/1.1"
        if len(line) > sim.knobs.url_limit:
            return error_page(sim.knobs.url_status)
        return await handler(request)

    return limit
