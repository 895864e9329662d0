"""PUT and DELETE routes: requests run one at a time and silently ignore invalid arguments."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from functools import partial
import time
from typing import TYPE_CHECKING

from aiohttp import web

from simulators.plex import events
from simulators.plex.edits import LabelEdit, parse_label_edit
from simulators.plex.gate import RefusedError, query_pairs
from simulators.plex.selection import select

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulators.plex.backend import PlexBackend
    from simulators.plex.items import Item
    from simulators.plex.reading import Reading
    from simulators.plex.users import Viewer


class Writing:
    """The routes that change something; for the owner only."""

    def __init__(self, sim: PlexBackend, reading: Reading) -> None:
        self._sim = sim
        self._reading = reading
        self._writer = asyncio.Lock()  # SQLite has a single writer
        self._unsettled: OrderedDict[asyncio.TimerHandle, Callable[[], None]] = OrderedDict()

    async def section(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Answer `PUT /library/sections/{id}/all`: edit every item that the query selects."""
        library = self._reading.entered(request, viewer)
        listing = self._reading.understood(request)
        edit = self._understood(request)
        if not listing.ids:
            self._sim.violations.append(
                f"PUT on all items of section {library.key}: no id was given"
            )
        title = dict(query_pairs(request)).get("title.value")
        async with self._writer:
            began = time.perf_counter()
            items = select(self._sim.state, [library], listing, None).items
            await self._write(items, edit, began)
            for item in items if title else ():
                self._sim.state.rename(item, title or "")
        return web.Response()

    async def item(self, request: web.Request, _viewer: Viewer) -> web.Response:
        """Answer `PUT /library/metadata/{ids}`: the given labels replace all others."""
        item = self._sim.state.items.get(request.match_info["ids"])
        if item is None:
            raise RefusedError(404)
        edit = self._understood(request)
        replaces = self._sim.knobs.metadata_put == "replace" and edit.touches_labels
        if replaces:
            edit = LabelEdit(add=edit.add, clear=True, lock=edit.lock)
        async with self._writer:
            await self._write(
                [item], edit, time.perf_counter(), add_first=False if replaces else None
            )
        return web.Response()

    async def delete(self, request: web.Request, _viewer: Viewer) -> web.Response:
        """Answer `DELETE /library/metadata/{ids}`: delete the item and its files."""
        key = request.match_info["ids"]
        if key not in self._sim.state.items:
            raise RefusedError(404)
        self._sim.violations.append(f"DELETE of item {key}")
        self._sim.delete_item(key)
        return web.Response()

    def _understood(self, request: web.Request) -> LabelEdit:
        return parse_label_edit(query_pairs(request), decodes=self._sim.knobs.removal_decodes)

    def settle_now(self) -> None:
        """Make all pending edits visible to reads."""
        while self._unsettled:
            timer, settle = self._unsettled.popitem(last=False)
            timer.cancel()
            settle()

    async def _write(
        self,
        items: Sequence[Item],
        edit: LabelEdit,
        began: float,
        *,
        add_first: bool | None = None,
    ) -> None:
        knobs = self._sim.knobs
        first = knobs.edit_order == "add_first" if add_first is None else add_first
        await self._sim.charge(knobs.put_seconds + knobs.put_seconds_per_item * len(items), began)
        if knobs.settle <= 0:
            self._apply(items, edit, add_first=first)
            return
        settle = partial(self._apply, items, edit, add_first=first)

        def settled() -> None:
            del self._unsettled[timer]
            settle()

        timer = asyncio.get_running_loop().call_later(knobs.settle, settled)
        self._unsettled[timer] = settle

    def _apply(self, items: Sequence[Item], edit: LabelEdit, *, add_first: bool) -> None:
        state, knobs = self._sim.state, self._sim.knobs
        there = [item for item in items if item.rating_key in state.items]
        bump = knobs.bump_what if knobs.bump else None
        changed = [
            item for item in there if state.apply(item, edit, add_first=add_first, bump=bump)
        ]
        if knobs.edit_events:
            moment = state.now()
            self._sim.events.timeline(
                events.entry(item, events.PROCESSED, moment) for item in changed
            )
