"""The simulated Pulsarr: listens on 127.0.0.1, answers like Pulsarr, and sends its webhooks."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from typing import TYPE_CHECKING, Any, Self, Unpack

from aiohttp import web

from simulators.http import Faults, LocalServer, LoggedRequest, Stats, redact_query

from . import gate
from .api import WATCHLIST_ROUTE, Api, ApiError
from .control import CONTROL_PREFIX, control_routes
from .delivery import Courier, Delivery
from .faulty import body_bytes, under_fault, was_cut
from .imports import ImportDesk
from .knobs import PulsarrKnobs
from .label_sync import LabelSync, PlexLink
from .payloads import delete_sync_completed, user_created
from .ratelimit import RateLimiter
from .state import PulsarrState, PulsarrUser, UnknownUserError, Wish, timestamp
from .validation import InvalidError
from .wishes import WishDesk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from types import TracebackType

    from aiohttp.typedefs import Handler

    from simulators.catalogue import CatalogueTitle

    from .state import Endpoint, UserOptions, WishFields

    type ArrImport = Callable[[CatalogueTitle, Mapping[str, Any]], Awaitable[None]]


class PulsarrSimulator:
    """One Pulsarr server over a state that tests may change at any time.

    `catalogue` is only needed by the control API, which finds titles by their text; with a `control_token`
    that API wants it in a header. `arr_import` is what the control API's import does besides announcing the
    title, e.g. letting Plex find the file: it gets the title and the fields of the control call.
    """

    def __init__(
        self,
        state: PulsarrState | None = None,
        *,
        api_key: str | None = None,
        knobs: PulsarrKnobs | None = None,
        catalogue: Sequence[CatalogueTitle] = (),
        control_token: str | None = None,
    ) -> None:
        self.state = PulsarrState() if state is None else state
        self.knobs = PulsarrKnobs() if knobs is None else knobs
        self.catalogue = tuple(catalogue)
        self.control_token = control_token
        self.api_key = secrets.token_urlsafe(24) if api_key is None else api_key
        self.stats = Stats()
        self.faults = Faults()
        self.limiter = RateLimiter(time.monotonic)
        self.arr_import: ArrImport | None = None
        self._courier = Courier(self.knobs)
        self._api = Api(self.state, self.knobs, self._courier, self._pause)
        self._desk = ImportDesk(self.state, self.knobs, self._count_deliveries)
        self._wishes = WishDesk(self.state, self.knobs, self._count_deliveries, self._pause)
        self._base = self.knobs.base_path.rstrip("/")
        self._server: LocalServer | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def connect_plex(self, url: str, token: str) -> None:
        """Let Pulsarr's own label sync write to this server; without one its jobs only count."""
        self._api.label_sync = LabelSync(self.state, PlexLink(url, token))

    # --- life ---

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one. Raises OSError when the port is taken."""
        self._base = self.knobs.base_path.rstrip("/")
        server = LocalServer(self._application())
        await self._courier.start()
        try:
            await server.start(port)
        except OSError:
            await self._courier.stop()
            await server.stop()
            raise
        self._server = server

    async def stop(self) -> None:
        """Stop listening; parked imports and running deliveries are dropped."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._desk.stop()
        self._api.progress.close()
        if self._server is not None:
            await self._server.stop()
            self._server = None
        await self._courier.stop()

    async def __aenter__(self) -> Self:
        """Start, unless it runs already."""
        if self._server is None:
            await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    @property
    def root_url(self) -> str:
        """Address of the server without the base path (the control API is there)."""
        return self.listener.url

    @property
    def url(self) -> str:
        """What a person would enter as Pulsarr's address, base path included."""
        return f"{self.root_url}{self._base}"

    @property
    def listener(self) -> LocalServer:
        """The running server. Raises RuntimeError before start."""
        if self._server is None:
            raise RuntimeError("the simulator is not running")
        return self._server

    @property
    def port(self) -> int:
        """The port of `url`."""
        return self.listener.port

    async def outage(self, seconds: float) -> None:
        """Refuse connections from now on and for `seconds`; what is connected is cut."""
        await self.listener.begin_outage(seconds)

    def spawn(self, work: Awaitable[Any]) -> None:
        """Run something in the background until the simulator stops."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what happens in Pulsarr ---

    @property
    def endpoints(self) -> list[Endpoint]:
        """The registered webhook endpoints, oldest first."""
        return list(self.state.endpoints.values())

    @property
    def deliveries(self) -> list[Delivery]:
        """What was sent, oldest first."""
        return list(self._courier.deliveries)

    @property
    def parked(self) -> int:
        """How many imports wait for somebody to want them."""
        return self._desk.parked

    async def deliver(self, event: str, data: dict[str, Any]) -> list[Delivery]:
        """Send any event with any data to all enabled endpoints that subscribe to it."""
        if not self.knobs.webhooks:
            return []
        targets = [
            endpoint
            for endpoint in self.endpoints
            if endpoint.enabled and event in endpoint.event_types
        ]
        moment = timestamp(self.state.clock())
        return await self._courier.send_all(targets, event, data, moment)

    async def add_user(self, name: str, **fields: Unpack[UserOptions]) -> PulsarrUser:
        """A new Plex friend was found (fields as in PulsarrState.add_user): user.created."""
        user = self.state.add_user(name, **fields)
        await self.deliver("user.created", user_created(user))
        return user

    async def rename(self, user_id: int, name: str) -> PulsarrUser:
        """A friend has another name: in place, or by `renames` a new user and user.created."""
        return await self._wishes.rename(user_id, name)

    async def wish(
        self,
        user_id: int,
        title: CatalogueTitle,
        *,
        force: bool = False,
        **fields: Unpack[WishFields],
    ) -> Wish:
        """Pulsarr noticed a new wish (fields as in PulsarrState.wish) and routes it by its rules.

        Only for what an arr app takes just now there is watchlist.added: a wish for what they have already
        is silent. `force` skips the rules.
        """
        return await self._wishes.wished(user_id, title, force=force, **fields)

    def leave(self, user_id: int, title: CatalogueTitle) -> None:
        """A title left a watchlist on Plex; Pulsarr finds out with the next full reconciliation."""
        if any(wish.catalogue_key == title.key for wish in self.state.watchlist(user_id)):
            self.state.left.add((user_id, title.key))

    async def reconcile(self, *, left_out: Collection[int] = ()) -> int:
        """The full reconciliation, every two hours in a real Pulsarr: watchlist.removed for what has left."""
        return await self._wishes.reconcile(left_out=left_out)

    async def unwish(self, user_id: int, title: CatalogueTitle) -> Wish | None:
        """A title left a watchlist and the full reconciliation finds it at once."""
        there = [one for one in self.state.watchlist(user_id) if one.catalogue_key == title.key]
        self.leave(user_id, title)
        await self.reconcile()
        return next(iter(there), None)

    async def announce(
        self,
        title: CatalogueTitle,
        *,
        season: int | None = None,
        episode: int | None = None,
        watchers: Collection[int] | None = None,
        force: bool = False,
    ) -> int:
        """An arr import has arrived at Pulsarr; returns the number of media.available deliveries made now.

        By Pulsarr's rules this is often 0: nobody wants the title (it is parked), no watcher has a channel,
        everybody was told before. `watchers` (user ids) narrows who is looked at. `force` skips the rules and
        lists `watchers`, or everybody who wants the title. A show without `season` is its season 1; without
        `episode` it is a bulk release.
        """
        self.state.in_arrs.add(title.key)
        if force:
            return await self._desk.announce_anyway(
                title, season=season, episode=episode, listed=watchers
            )
        return await self._desk.arrived(title, season=season, episode=episode, only=watchers)

    async def delete_sync(
        self, titles: Sequence[CatalogueTitle], *, processed: int = 0, dry_run: bool = False
    ) -> list[Delivery]:
        """A delete-sync run has ended: delete_sync.completed."""
        done = max(processed, len(titles))
        data = delete_sync_completed(titles, processed=done, dry_run=dry_run)
        return await self.deliver("delete_sync.completed", data)

    async def post_arr(self, url: str, payload: object) -> int:
        """Post a Radarr or Sonarr payload (see simulators.pulsarr.arr) to any address; returns the status.

        Raises aiohttp.ClientError or TimeoutError when there is no answer.
        """
        return await self._courier.post_plain(url, payload)

    async def _pause(self, seconds: float) -> None:
        await self.listener.pause(seconds)

    async def _count_deliveries(self, event: str, data: dict[str, Any]) -> int:
        return len(await self.deliver(event, data))

    # --- HTTP ---

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._middleware])
        for method, path, control in control_routes(self):
            app.router.add_route(method, path, control)
        for method, path, handler in self._api.routes():
            app.router.add_route(method, f"{self._base}{path}", handler)
        health = "" if self.knobs.health_at_root else self._base
        app.router.add_get(f"{health}/health", self._health, allow_head=False)
        app.router.add_route("*", f"{self._base}/v1/{{rest:.*}}", self._unknown)
        app.router.add_route("*", "/{rest:.*}", self._page)
        return app

    async def _health(self, _request: web.Request) -> web.Response:
        healthy = self.knobs.healthy
        return web.json_response(
            {
                "status": "healthy" if healthy else "unhealthy",
                "timestamp": timestamp(self.state.clock()),
                "checks": {"database": "ok" if healthy else "failed"},
            },
            status=200 if healthy else 503,
        )

    async def _unknown(self, request: web.Request) -> web.Response:
        path = self._relative(request)
        raise ApiError(404, f"Route {request.method}:{path} not found")

    async def _page(self, request: web.Request) -> web.Response:
        """Everything outside the API: the web interface, for whom can show it."""
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
        """The path without the base path; a path outside it gets a mark that no API path has."""
        if not self._base:
            return request.path
        if request.path == self._base or request.path.startswith(f"{self._base}/"):
            return request.path.removeprefix(self._base) or "/"
        return f"(outside){request.path}"

    def _route(self, request: web.Request) -> str:
        """The template of the matched route without the base path."""
        resource = request.match_info.route.resource
        canonical = "" if resource is None else resource.canonical
        return canonical.removeprefix(self._base)

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        route = self._route(request)
        fault = self.faults.pick(request.method, route, target=request.path_qs)

        async def answer() -> web.StreamResponse:
            if fault is not None and fault.kind == "vanishing_row":
                self._lose_user(request)
            return await self._answer(request, handler, route)

        self.stats.begin()
        started = time.monotonic()
        status = size = 0
        try:
            response = await under_fault(fault, request, answer, self.listener, self.knobs)
            if not was_cut(request):
                status, size = response.status, len(body_bytes(response))
        finally:
            self.stats.end(
                LoggedRequest(
                    method=request.method,
                    route=route,
                    path=request.path,
                    query=redact_query(request.query_string),
                    status=status,
                    duration=time.monotonic() - started,
                    bytes_out=size,
                )
            )
        return response

    def _lose_user(self, request: web.Request) -> None:
        """Remove the user whose watchlist is asked for, as if the admin had just done so."""
        user_id = request.match_info.get("id", "")
        if self._route(request) == WATCHLIST_ROUTE and user_id.isdecimal():
            with contextlib.suppress(UnknownUserError):
                self.state.remove_user(int(user_id))

    async def _answer(
        self, request: web.Request, handler: Handler, route: str
    ) -> web.StreamResponse:
        """The pipeline of Fastify's hooks: limit, key, body, route; errors in Pulsarr's shape."""
        path, knobs = self._relative(request), self.knobs
        client = knobs.client_ip or request.remote or "127.0.0.1"
        headers: dict[str, str] = {}
        if knobs.latency_ms:
            await self.listener.pause(knobs.latency_ms / 1000)
        try:
            if gate.is_api(path):
                ticket = gate.take_ticket(self.limiter, knobs, route, client)
                headers = ticket.headers
                if not ticket.allowed:
                    text = f"Rate limit exceeded, retry in {ticket.reset_s} seconds"
                    raise ApiError(429, text)  # noqa: TRY301  (one place makes the answers)
                gate.require_access(request, path, self.api_key, knobs, client)
                gate.require_route(path, request.method, knobs)
                request["body"] = await gate.parse_body(request)
                request["limit_headers"] = headers
            response = await handler(request)
        except InvalidError as problem:
            response = gate.error_response(400, str(problem), knobs)
        except ApiError as problem:
            response = gate.error_response(problem.status, str(problem), knobs)
        except web.HTTPException as problem:
            response = gate.error_response(problem.status, problem.reason, knobs)
        if not response.prepared:
            response.headers.update(headers)
        return response


def _redirect(location: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location})
