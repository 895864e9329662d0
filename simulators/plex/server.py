"""The simulated Plex Media Server: listens on 127.0.0.1 and is controlled from Python by tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from simulators.front import FrontDesk, middleware_of
from simulators.listener import LocalServer
from simulators.plex.about import About
from simulators.plex.backend import PlexBackend
from simulators.plex.control import control_routes
from simulators.plex.gate import RefusedError, guarded, line_limit
from simulators.plex.pictures import Pictures
from simulators.plex.reading import Reading
from simulators.plex.spoil import AFTER, changes_before
from simulators.plex.writing import Writing

if TYPE_CHECKING:
    from simulators.plex.knobs import PlexKnobs
    from simulators.plex.state import PlexState
    from simulators.plex.users import Viewer

LISTING_ROUTE = "/library/sections/{id}/all"
METADATA_ROUTE = "/library/metadata/{ids}"
WEBSOCKET_ROUTES = ("/:/websockets/notifications", "/:/websocket/notifications")


class PlexSimulator(PlexBackend):
    """One Plex server over a state that tests may change at any time."""

    def __init__(
        self,
        state: PlexState,
        *,
        token: str | None = None,
        knobs: PlexKnobs | None = None,
        owner_name: str = "owner",
    ) -> None:
        super().__init__(state, token=token, knobs=knobs, owner_name=owner_name)
        self._reading = Reading(self)
        self._writing = Writing(self, self._reading)

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 picks a free one. Raises OSError when the port is in use."""
        self.state.sort_everything()
        app = web.Application()
        server = LocalServer(app)
        desk = FrontDesk(
            server=server,
            stats=self.stats,
            faults=self.faults,
            streams=frozenset(WEBSOCKET_ROUTES),
            open_routes=frozenset({"/identity"}),
            before=changes_before(self, self._reading.understood),
            after=AFTER,
        )
        app.middlewares.extend((middleware_of(desk), line_limit(self)))
        self._add_routes(app)
        self._server = server
        await server.start(port)

    async def stop(self) -> None:
        """Cut every connection, release the port and cancel scheduled work."""
        self.cancel_tasks()
        self._writing.settle_now()
        await self.events.drop()
        await super().stop()

    def settle(self) -> None:
        """Make all pending edits visible to reads immediately, whatever the knob `settle` says."""
        self._writing.settle_now()

    def _add_routes(self, app: web.Application) -> None:
        about, read, write = About(self), self._reading, self._writing
        add, pictures = app.router.add_route, Pictures(self)
        for method in ("GET", "HEAD"):
            add(method, "/identity", about.identity)
        for path, status, handler in (
            ("/", None, about.root),
            ("/activities", 403, about.activities),
            ("/:/prefs", 403, about.prefs),
            ("/accounts", 403, about.accounts),
            ("/clients", 403, about.none_of("Server")),
            ("/status/sessions", 403, about.none_of("Metadata")),
            ("/updater/status", 403, about.updater),
            ("/library", 401, about.library),
            ("/library/all", None, read.everything),
            ("/library/tags", 403, about.tags),
            ("/library/sections", None, read.sections),
            ("/library/sections/", None, read.sections),
            ("/library/sections/all", None, read.sections),
            ("/library/sections/{id}", None, read.section),
            (LISTING_ROUTE, None, read.listing),
            ("/library/sections/{id}/collections", None, read.collections),
            ("/library/sections/{id}/label", None, read.labels),
            ("/library/sections/{id}/filters", None, read.filters),
            ("/library/sections/{id}/sorts", None, read.sorts),
            ("/library/sections/{id}/refresh", 403, read.refresh),
            (METADATA_ROUTE, None, read.metadata),
            ("/library/metadata/{key}/thumb", None, pictures.poster),
            ("/library/metadata/{key}/thumb/{at}", None, pictures.poster),
        ):
            for method in ("GET", "HEAD"):
                add(method, path, guarded(self, handler, others=status))
        add("PUT", "/updater/check", guarded(self, about.updater, others=403))
        add("PUT", LISTING_ROUTE, guarded(self, write.section, others=403))
        add("PUT", METADATA_ROUTE, guarded(self, write.item, others=403))
        add("DELETE", METADATA_ROUTE, guarded(self, write.delete, others=403))
        for path in WEBSOCKET_ROUTES:
            add("GET", path, guarded(self, self._websocket))
        for method, path, plain in control_routes(self):
            add(method, path, plain)
        add("*", "/{anything:.*}", guarded(self, read.nothing))

    async def _websocket(self, request: web.Request, _viewer: Viewer) -> web.StreamResponse:
        served = self.knobs.socket_path
        if not self.knobs.notifications or served not in ("both", request.path.split("/")[2]):
            raise RefusedError(404)
        return await self.events.websocket(request)
