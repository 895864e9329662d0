"""Watchlist changes: wishes added, routed and removed, people renamed or left out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Unpack

from .payloads import user_created, watchlist_added, watchlist_removed
from .rules import Routing, import_guid

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from simulators.catalog import CatalogTitle

    from .knobs import PulsarrKnobs
    from .records import EntryFields, PulsarrUser, WatchlistEntry
    from .state import PulsarrState


class WatchlistChanges:
    """Processes changes of watchlists and friends, and sends events by Pulsarr's rules."""

    def __init__(
        self,
        state: PulsarrState,
        knobs: PulsarrKnobs,
        send: Callable[[str, dict[str, Any]], Awaitable[int]],
    ) -> None:
        """Initialize with `send`, which delivers one event."""
        self._state = state
        self._knobs = knobs
        self._send = send

    async def rename(self, user_id: int, name: str) -> PulsarrUser:
        """Rename a friend: in place by the Plex account or, in older versions, as a new user."""
        if self._knobs.renames == "in_place":
            return self._state.rename(user_id, name)
        user = self._state.rename_as_new(user_id, name)
        await self._send("user.created", user_created(user))
        return user

    async def record(
        self, user_id: int, title: CatalogTitle, *, force: bool, **fields: Unpack[EntryFields]
    ) -> WatchlistEntry:
        """Store a new wish, then route and announce it if the rules allow it or with `force`."""
        state = self._state
        entry = state.want(user_id, title, **fields)
        user = state.user(user_id)
        routing = Routing(
            can_sync=user.can_sync,
            requires_approval=user.requires_approval,
            needed_id=import_guid(entry.kind, entry.guids) is not None,
            in_arr=title.key in state.in_arrs,
            announced=(user_id, entry.title) in state.announced,
            thumb=entry.thumb is not None,
        )
        if routing.routed or force:
            state.in_arrs.add(title.key)
        if routing.notified or force:
            state.announced.add((user_id, entry.title))
            await self._send("watchlist.added", watchlist_added(user, entry))
        return entry

    async def reconcile(self, *, left_out: Collection[int] = ()) -> int:
        """Find the titles that were removed from watchlists on Plex; return their number.

        watchlist.removed is sent before the row is deleted, without waiting for it. Friends missing
        from Plex's response are deleted with their watchlists, without an event.
        """
        state = self._state
        for user_id in left_out:
            state.remove_user(user_id)
        found = frozenset(state.left)
        deliveries = [
            asyncio.ensure_future(self._send("watchlist.removed", watchlist_removed(user, entry)))
            for user in state.users()
            for entry in state.watchlist(user.id)
            if (user.id, entry.catalog_key) in found
        ]
        for user_id, key in found:
            state.forget(user_id, key)
        await asyncio.gather(*deliveries)
        return len(deliveries)
