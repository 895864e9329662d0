"""The simulated Plex Media Server: listens on 127.0.0.1 and is driven from Python by tests."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Self

from aiohttp import web

from simulators.front import FrontDesk, middleware_of
from simulators.http import Faults, LocalServer, Stats
from simulators.plex import events
from simulators.plex.about import About
from simulators.plex.arrivals import arrive, episode_arrived
from simulators.plex.control import control_routes
from simulators.plex.events import EventHub
from simulators.plex.gate import RefusedError, guarded, line_limit
from simulators.plex.knobs import PlexKnobs
from simulators.plex.reading import Reading
from simulators.plex.spoil import AFTER, changes_before
from simulators.plex.state import plex_guids
from simulators.plex.tags import LabelRules
from simulators.plex.users import SharedUser, Viewer
from simulators.plex.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from simulators.catalogue import CatalogueTitle
    from simulators.plex.render import BrokenHow
    from simulators.plex.state import Item, PlexState

LISTING_ROUTE = "/library/sections/{id}/all"
METADATA_ROUTE = "/library/metadata/{ids}"
WEBSOCKET_ROUTES = ("/:/websockets/notifications", "/:/websocket/notifications")
EVENT_SOURCE_ROUTES = ("/:/eventsource/notifications",)
FIRST_USER_ID = 40_001
OUTAGE_AFTER_SECONDS = 0.05


class PlexSimulator:
    """One Plex server over a state that tests may change at any time.

    `violations` collects requests that no client may ever send; tests assert that it is empty.
    """

    def __init__(
        self,
        state: PlexState,
        *,
        token: str | None = None,
        knobs: PlexKnobs | None = None,
        owner_name: str = "owner",
        control_token: str | None = None,
    ) -> None:
        self.state = state
        self.token = secrets.token_urlsafe(15) if token is None else token
        self.owner_name = owner_name
        self.control_token = control_token
        self.users: dict[str, SharedUser] = {}  # by token
        self.stats = Stats()
        self.faults = Faults()
        self.events = EventHub()
        self.violations: list[str] = []
        self.broken_items: dict[str, BrokenHow] = {}  # by rating key
        self.knobs = PlexKnobs() if knobs is None else knobs
        self._reading = Reading(self)
        self._writing = Writing(self, self._reading)
        self._server: LocalServer | None = None
        self._tasks: set[asyncio.Task[Item]] = set()
        self._chores: set[asyncio.Task[None]] = set()

    # Life

    @property
    def knobs(self) -> PlexKnobs:
        """How the server behaves; may be replaced at any time."""
        return self._knobs

    @knobs.setter
    def knobs(self, knobs: PlexKnobs) -> None:
        self._knobs = knobs
        self.events.done_state = knobs.done_state
        self.state.rules = LabelRules(
            capitalise=knobs.capitalise,
            reuse_spelling=knobs.reuse_spelling,
            remove_case=knobs.remove_case,
            linger=knobs.linger,
            label_by=knobs.label_by,
            label_fold=knobs.label_fold,
            label_max=knobs.label_max,
        )

    @property
    def url(self) -> str:
        """Where the server listens; raises RuntimeError before `start`."""
        return self._running().url

    @property
    def port(self) -> int:
        """The port of `url`."""
        return self._running().port

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one. Raises OSError when the port is taken."""
        self.state.sort_everything()
        app = web.Application()
        server = LocalServer(app)
        desk = FrontDesk(
            server=server,
            stats=self.stats,
            faults=self.faults,
            streams=frozenset((*WEBSOCKET_ROUTES, *EVENT_SOURCE_ROUTES)),
            open_routes=frozenset({"/identity"}),
            before=changes_before(self, self._reading.understood),
            after=AFTER,
        )
        app.middlewares.extend((middleware_of(desk), line_limit(self)))
        self._add_routes(app)
        self._server = server
        await server.start(port)

    async def stop(self) -> None:
        """Cut every connection and free the port; what was scheduled does not happen any more."""
        for task in (*self._tasks, *self._chores):
            task.cancel()
        self._writing.settle_now()
        await self.events.drop()
        if self._server is not None:
            await self._server.stop()
            self._server = None

    async def __aenter__(self) -> Self:
        """Start on a free port."""
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

    async def charge(self, seconds: float, since: float) -> None:
        """Let work that began at `since` (`time.perf_counter`) take `seconds` in all.

        What the simulator computed meanwhile is part of it. Ends early when the server stops.
        """
        await self._running().pause(seconds - (time.perf_counter() - since))

    async def outage(self, seconds: float) -> None:
        """Refuse connections from now on and for `seconds`; what is connected is cut."""
        await self._running().begin_outage(seconds)

    def settle(self) -> None:
        """Let every edit show that reads do not see yet, whatever the knob `settle` says."""
        self._writing.settle_now()

    def outage_soon(self, seconds: float) -> None:
        """Begin an outage once the request that asks for it has been answered."""
        server = self._running()
        task = asyncio.create_task(_later(server, seconds))
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    # The world

    def add_user(
        self,
        name: str,
        *,
        sections: Iterable[str],
        hidden: Iterable[str] = (),
        only_labels: Iterable[str] = (),
        never_labels: Iterable[str] = (),
        home: bool = False,
        token: str | None = None,
    ) -> SharedUser:
        """Share sections with somebody who gets a token of their own."""
        user = SharedUser(
            id=FIRST_USER_ID + len(self.users),
            name=name,
            token=secrets.token_urlsafe(15) if token is None else token,
            sections=frozenset(sections),
            hidden=frozenset(hidden),
            only_labels=frozenset(only_labels),
            never_labels=frozenset(never_labels),
            home=home,
        )
        self.users[user.token] = user
        return user

    def import_title(
        self,
        title: CatalogueTitle,
        *,
        section: str | None = None,
        delay: float = 0.0,
        match_after: float | None = 0.0,
        edition: str = "",
    ) -> asyncio.Task[Item]:
        """Let a file of a title be found after `delay` seconds and recognised `match_after` seconds later.

        With `match_after=None` Plex never recognises it. The task ends, with the item, when all is done.
        """
        task = asyncio.create_task(
            arrive(
                self.state,
                self.events,
                title,
                section=section,
                delay=delay,
                match_after=match_after,
                edition=edition,
            )
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def import_episode(self, show: str | int) -> str:
        """Let a further episode of a show arrive; returns its rating key."""
        return episode_arrived(self.state, self.events, self.state.items[str(show)])

    def match(self, rating_key: str, title: CatalogueTitle) -> Item:
        """Let an item be taken for a title, by Plex in the end or by somebody's "Fix match"."""
        guids = plex_guids(title)
        item = self.state.rematch(rating_key, guid=title.plex_guid, guids=guids, title=title.title)
        self.events.timeline([events.entry(item, events.PROCESSED, self.state.now())])
        return item

    def correct_ids(self, rating_key: str, guids: Iterable[str]) -> Item:
        """Let an item get other external ids under its own guid, as when a mistake is mended online."""
        item = self.state.items[rating_key]
        self.state.rematch(rating_key, guid=item.guid, guids=tuple(guids), title=item.title)
        self.events.timeline([events.entry(item, events.PROCESSED, self.state.now())])
        return item

    def delete_item(self, rating_key: str | int) -> Item:
        """Delete an item and announce it. Raises KeyError for an unknown item."""
        item = self.state.delete_item(rating_key)
        self.events.timeline([events.entry(item, events.DELETED, self.state.now())])
        return item

    def refresh_items(self, rating_keys: Iterable[str] | None = None) -> None:
        """Refresh metadata of old items, by default of all: a storm of state 5."""
        keys = list(self.state.items) if rating_keys is None else list(rating_keys)
        moment = self.state.now()
        self.events.timeline(
            events.entry(self.state.items[key], events.PROCESSED, moment) for key in keys
        )

    async def drop_events(self) -> None:
        """Break every event connection; nothing is sent again after they reconnect."""
        await self.events.drop()

    # Inside

    def _running(self) -> LocalServer:
        if self._server is None:
            raise RuntimeError("the simulator is not running")
        return self._server

    def _add_routes(self, app: web.Application) -> None:
        about, read, write = About(self), self._reading, self._writing
        add = app.router.add_route
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
        ):
            for method in ("GET", "HEAD"):
                add(method, path, guarded(self, handler, others=status))
        add("PUT", "/updater/check", guarded(self, about.updater, others=403))
        add("PUT", LISTING_ROUTE, guarded(self, write.section, others=403))
        add("PUT", METADATA_ROUTE, guarded(self, write.item, others=403))
        add("DELETE", METADATA_ROUTE, guarded(self, write.delete, others=403))
        for path in WEBSOCKET_ROUTES:
            add("GET", path, guarded(self, self._websocket))
        for path in EVENT_SOURCE_ROUTES:
            add("GET", path, guarded(self, self._event_source))
        for method, path, plain in control_routes(self):
            add(method, path, plain)
        add("*", "/{anything:.*}", guarded(self, read.nothing))

    async def _websocket(self, request: web.Request, _viewer: Viewer) -> web.StreamResponse:
        served = self.knobs.socket_path
        if not self.knobs.notifications or served not in ("both", request.path.split("/")[2]):
            raise RefusedError(404)
        return await self.events.websocket(request)

    async def _event_source(self, request: web.Request, _viewer: Viewer) -> web.StreamResponse:
        if not self.knobs.notifications:
            raise RefusedError(404)
        return await self.events.server_sent(request, self.knobs.ping_seconds, self._running())


async def _later(server: LocalServer, seconds: float) -> None:
    await asyncio.sleep(OUTAGE_AFTER_SECONDS)
    await server.begin_outage(seconds)
