"""The simulated Pulsarr: listens on 127.0.0.1, answers like Pulsarr, and sends its webhooks."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from aiohttp import web

from simulators.control import CONTROL_PREFIX
from simulators.front import FrontDesk, middleware_of
from simulators.http import route_of
from simulators.listener import LocalServer

from . import gate
from .api import WATCHLIST_ROUTE, ApiError
from .backend import PulsarrBackend
from .control import control_routes
from .faulty import AFTER, page
from .records import UnknownUserError
from .state import timestamp
from .validation import InvalidError

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler


class PulsarrSimulator(PulsarrBackend):
    """One Pulsarr server over a state that tests may change at any time."""

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 picks a free one. Raises OSError when the port is in use."""
        self._base = self.knobs.base_path.rstrip("/")
        app = web.Application()
        server = LocalServer(app)
        desk = FrontDesk(
            server=server,
            stats=self.stats,
            faults=self.faults,
            before={"vanishing_row": self._lose_user},
            after=AFTER,
            pages=page,
            base=self._base,
        )
        app.middlewares.extend((middleware_of(desk), self._hooks))
        self._add_routes(app)
        await self._courier.start()
        try:
            await server.start(port)
        except OSError:
            await self._courier.stop()
            await server.stop()
            raise
        self._server = server

    async def stop(self) -> None:
        """Stop listening; drop parked imports and running deliveries."""
        await self.cancel_tasks()
        await super().stop()
        await self._courier.stop()

    def _add_routes(self, app: web.Application) -> None:
        for method, path, control in control_routes(self):
            app.router.add_route(method, path, control)
        for method, path, handler in self._api.routes():
            app.router.add_route(method, f"{self._base}{path}", handler)
        app.router.add_get(f"{self._base}/health", self._health, allow_head=False)
        app.router.add_route("*", f"{self._base}/v1/{{rest:.*}}", self._unknown)
        app.router.add_route("*", "/{rest:.*}", self._page)

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "status": "healthy",
                "timestamp": timestamp(self.state.clock()),
                "checks": {"database": "ok"},
            }
        )

    async def _unknown(self, request: web.Request) -> web.Response:
        path = self._relative(request)
        raise ApiError(404, f"Route {request.method}:{path} not found")

    async def _page(self, request: web.Request) -> web.Response:
        """Answer paths outside the API: the web interface for clients that accept it."""
        if request.method != "GET" or gate.is_api(self._relative(request)):
            raise ApiError(404, f"Route {request.method}:{request.path} not found")
        if self._base and request.path in {"/", self._base}:
            return _redirect(f"{self._base}/")
        if self.knobs.bare_path == "redirect" and request.path != f"{self._base}/login":
            return _redirect(f"{self._base}/login")
        if request.path != "/" and not gate.wants_html(request):
            raise ApiError(404, f"Route {request.method}:{request.path} not found")
        return gate.spa_response()

    def _relative(self, request: web.Request) -> str:
        """Return the path without the base path; one outside it is marked as no API path."""
        if not self._base:
            return request.path
        if request.path == self._base or request.path.startswith(f"{self._base}/"):
            return request.path.removeprefix(self._base) or "/"
        return f"(outside){request.path}"

    async def _lose_user(self, request: web.Request) -> None:
        """Remove the user whose watchlist is requested, as if the admin had just done so."""
        user_id = request.match_info.get("id", "")
        if route_of(request).endswith(WATCHLIST_ROUTE) and user_id.isdecimal():
            with contextlib.suppress(UnknownUserError):
                self.state.remove_user(int(user_id))

    @web.middleware
    async def _hooks(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Run Fastify's hooks in order (limit, key, body, route); errors get Pulsarr's shape."""
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        path, knobs = self._relative(request), self.knobs
        route = route_of(request).removeprefix(self._base)
        client = request.remote or "127.0.0.1"
        headers: dict[str, str] = {}
        if knobs.latency_ms:
            await self.listener.pause(knobs.latency_ms / 1000)
        try:
            if gate.is_api(path):
                ticket = gate.take_ticket(self.limiter, knobs, route, client)
                headers = ticket.headers
                if not ticket.allowed:
                    text = f"Rate limit exceeded, retry in {ticket.reset_s} seconds"
                    raise ApiError(429, text)  # noqa: TRY301  (responses are built in one place)
                gate.require_access(request, path, self.api_key, knobs, client)
                gate.require_route(path, request.method, knobs)
                request["body"] = await gate.parse_body(request)
                request["limit_headers"] = headers
            response = await handler(request)
        except InvalidError as problem:
            response = gate.error_response(400, str(problem))
        except ApiError as problem:
            response = gate.error_response(problem.status, str(problem))
        except web.HTTPException as problem:
            response = gate.error_response(problem.status, problem.reason)
        if not response.prepared:
            response.headers.update(headers)
        return response


def _redirect(location: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location})
