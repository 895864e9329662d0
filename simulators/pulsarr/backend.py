"""What the routes of the simulated Pulsarr share: its state, its settings, and its actions."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Any, Unpack

from simulators.http import Faults, Stats
from simulators.listener import Served

from .api import Api
from .delivery import Courier, Delivery
from .imports import ImportDesk
from .knobs import PulsarrKnobs
from .label_sync import LabelSync, PlexLink
from .payloads import user_created
from .ratelimit import RateLimiter
from .state import PulsarrState, timestamp
from .watchlists import WatchlistChanges

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    from simulators.catalog import CatalogTitle

    from .records import Endpoint, EntryFields, PulsarrUser, UserOptions, WatchlistEntry

    type ArrImport = Callable[[CatalogTitle, Mapping[str, Any]], Awaitable[None]]


class PulsarrBackend(Served):
    """A Pulsarr without its routes.

    `catalog` is only needed by the control API, which finds titles by their text. `arr_import` is
    what the control API's import does besides announcing the title, e.g. letting Plex find the
    file: it receives the title and the fields of the control call.
    """

    def __init__(
        self,
        state: PulsarrState | None = None,
        *,
        api_key: str | None = None,
        knobs: PulsarrKnobs | None = None,
        catalog: Sequence[CatalogTitle] = (),
    ) -> None:
        self.state = PulsarrState() if state is None else state
        self.knobs = PulsarrKnobs() if knobs is None else knobs
        self.catalog = tuple(catalog)
        self.api_key = secrets.token_urlsafe(24) if api_key is None else api_key
        self.stats = Stats()
        self.faults = Faults()
        self.limiter = RateLimiter(time.monotonic)
        self.arr_import: ArrImport | None = None
        self._courier = Courier(self.knobs)
        self._api = Api(self.state, self.knobs, self._courier)
        self._desk = ImportDesk(self.state, self.knobs, self._count_deliveries)
        self._watchlists = WatchlistChanges(self.state, self.knobs, self._count_deliveries)
        self._base = self.knobs.base_path.rstrip("/")
        self._tasks: set[asyncio.Task[Any]] = set()

    def connect_plex(self, url: str, token: str) -> None:
        """Let Pulsarr's own label sync write to this server; without one its jobs only count."""
        self._api.label_sync = LabelSync(self.state, PlexLink(url, token))

    @property
    def root_url(self) -> str:
        """Return the server's address without the base path, where the control API is."""
        return self.listener.url

    @property
    def url(self) -> str:
        """Return the address that a user would enter for Pulsarr, base path included."""
        return f"{self.root_url}{self._base}"

    def spawn(self, work: Awaitable[Any]) -> None:
        """Run work in the background until the simulator stops."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def cancel_tasks(self) -> None:
        """Cancel parked imports and background work."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._desk.stop()

    # --- events in Pulsarr ---

    @property
    def endpoints(self) -> list[Endpoint]:
        """Return the registered webhook endpoints, oldest first."""
        return list(self.state.endpoints.values())

    @property
    def deliveries(self) -> list[Delivery]:
        """Return the attempted deliveries, oldest first."""
        return list(self._courier.deliveries)

    @property
    def parked(self) -> int:
        """Return the number of imports of titles that are on no watchlist yet."""
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
        """Add a new Plex friend (fields as in PulsarrState.add_user) and send user.created."""
        user = self.state.add_user(name, **fields)
        await self.deliver("user.created", user_created(user))
        return user

    async def rename(self, user_id: int, name: str) -> PulsarrUser:
        """Rename a friend: in place or, depending on `renames`, as a new user with user.created."""
        return await self._watchlists.rename(user_id, name)

    async def want(
        self,
        user_id: int,
        title: CatalogTitle,
        *,
        force: bool = False,
        **fields: Unpack[EntryFields],
    ) -> WatchlistEntry:
        """Add a entry (fields as in PulsarrState.want) and route it by Pulsarr's rules.

        watchlist.added is sent only for what an arr app accepts now: a entry for a title that it
        already has is silent. `force` skips the rules.
        """
        return await self._watchlists.record(user_id, title, force=force, **fields)

    def leave(self, user_id: int, title: CatalogTitle) -> None:
        """Remove a title from a Plex watchlist; Pulsarr notices at the next full reconciliation."""
        if any(entry.catalog_key == title.key for entry in self.state.watchlist(user_id)):
            self.state.left.add((user_id, title.key))

    async def reconcile(self, *, left_out: Collection[int] = ()) -> int:
        """Run the full reconciliation, which a real Pulsarr does every two hours."""
        return await self._watchlists.reconcile(left_out=left_out)

    async def unwant(self, user_id: int, title: CatalogTitle) -> WatchlistEntry | None:
        """Remove a title from a watchlist and run the full reconciliation at once."""
        there = [one for one in self.state.watchlist(user_id) if one.catalog_key == title.key]
        self.leave(user_id, title)
        await self.reconcile()
        return next(iter(there), None)

    async def announce(
        self,
        title: CatalogTitle,
        *,
        season: int | None = None,
        episode: int | None = None,
        watchers: Collection[int] | None = None,
        force: bool = False,
    ) -> int:
        """Deliver an arr import to Pulsarr; return how often media.available was sent at once.

        By Pulsarr's rules this is often 0: no one wants the title (it is parked), no watcher has a
        channel, or all were notified before. `watchers` (user ids) limits which users are
        considered. `force` skips the rules and lists `watchers`, or everyone who wants the title. A
        show without `season` is its season 1; without `episode` it is a bulk release.
        """
        self.state.in_arrs.add(title.key)
        if force:
            return await self._desk.announce_anyway(
                title, season=season, episode=episode, listed=watchers
            )
        return await self._desk.arrived(title, season=season, episode=episode, only=watchers)

    async def post_arr(self, url: str, payload: object) -> int:
        """Post a payload of simulators.pulsarr.arr to any address; return the status.

        Raises aiohttp.ClientError or TimeoutError if there is no response.
        """
        return await self._courier.post_plain(url, payload)

    async def _count_deliveries(self, event: str, data: dict[str, Any]) -> int:
        return len(await self.deliver(event, data))
