"""What the routes of the simulated Plex share: its state, its behavior, and its events."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Any

from simulators.http import Faults, Stats
from simulators.listener import Served
from simulators.plex import events
from simulators.plex.arrivals import arrive, episode_arrived
from simulators.plex.events import EventHub
from simulators.plex.items import plex_guids
from simulators.plex.knobs import PlexKnobs
from simulators.plex.tags import LabelRules
from simulators.plex.users import SharedUser

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from simulators.catalog import CatalogTitle
    from simulators.plex.items import Item
    from simulators.plex.render import BrokenHow
    from simulators.plex.state import PlexState

FIRST_USER_ID = 40_001


class PlexBackend(Served):
    """A Plex server without its routes.

    `violations` collects requests that clients must never send; tests assert that it is empty.
    """

    def __init__(
        self,
        state: PlexState,
        *,
        token: str | None = None,
        knobs: PlexKnobs | None = None,
        owner_name: str = "owner",
    ) -> None:
        self.state = state
        self.token = secrets.token_urlsafe(15) if token is None else token
        self.owner_name = owner_name
        self.users: dict[str, SharedUser] = {}  # by token
        self.stats = Stats()
        self.faults = Faults()
        self.events = EventHub()
        self.violations: list[str] = []
        self.broken_items: dict[str, BrokenHow] = {}  # by rating key
        self.knobs = PlexKnobs() if knobs is None else knobs
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def knobs(self) -> PlexKnobs:
        """Return the behavior settings; they may be replaced at any time."""
        return self._knobs

    @knobs.setter
    def knobs(self, knobs: PlexKnobs) -> None:
        self._knobs = knobs
        self.state.rules = LabelRules(
            capitalize=knobs.capitalize,
            reuse_spelling=knobs.reuse_spelling,
            remove_case=knobs.remove_case,
            linger=knobs.linger,
            label_by=knobs.label_by,
            label_fold=knobs.label_fold,
            label_max=knobs.label_max,
        )

    async def charge(self, seconds: float, since: float) -> None:
        """Extend work that began at `since` (`time.perf_counter`) to `seconds` in total.

        The simulator's own computing time counts toward it. Ends early when the server stops.
        """
        await self.listener.pause(seconds - (time.perf_counter() - since))

    def spawn[T](self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run work in the background until the simulator stops."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel_tasks(self) -> None:
        """Cancel scheduled work."""
        for task in self._tasks:
            task.cancel()

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
        """Share sections with a new user who gets a token of their own."""
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
        title: CatalogTitle,
        *,
        section: str | None = None,
        delay: float = 0.0,
        match_after: float | None = 0.0,
        edition: str = "",
    ) -> asyncio.Task[Item]:
        """Find a file of a title after `delay` seconds and match it `match_after` seconds later.

        With `match_after=None` Plex never matches it. The task finishes with the item.
        """
        return self.spawn(
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

    def import_episode(self, show: str | int) -> str:
        """Add an episode to a show; return its rating key."""
        return episode_arrived(self.state, self.events, self.state.items[str(show)])

    def match(self, rating_key: str, title: CatalogTitle) -> Item:
        """Match an item to a title, as Plex or a person's "Fix match" does."""
        guids = plex_guids(title)
        item = self.state.rematch(rating_key, guid=title.plex_guid, guids=guids, title=title.title)
        self.events.timeline([events.entry(item, events.PROCESSED, self.state.now())])
        return item

    def correct_ids(self, rating_key: str, guids: Iterable[str]) -> Item:
        """Change an item's external ids under the same guid, as an online correction does."""
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
        """Refresh the metadata of items, by default of all: a storm of state 5 events."""
        keys = list(self.state.items) if rating_keys is None else list(rating_keys)
        moment = self.state.now()
        self.events.timeline(
            events.entry(self.state.items[key], events.PROCESSED, moment) for key in keys
        )

    async def drop_events(self) -> None:
        """Break every event connection; missed events are not sent again after a reconnect."""
        await self.events.drop()
