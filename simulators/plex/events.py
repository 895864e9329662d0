"""Plex's event stream: timeline entries over WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from simulators.plex.filters import TYPE_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulators.plex.items import Item, Leaf

type Entry = dict[str, Any]
type Message = dict[str, Any]
type _Queue = asyncio.Queue[Message | None]  # of one listener; None ends it

LIBRARY = "com.plexapp.plugins.library"
CREATED, PROGRESS, MATCHING, DOWNLOADING, PROCESSING, PROCESSED = range(6)
DELETED = 9
UNDERWAY = {
    PROGRESS: "processing",
    MATCHING: "queued",
    DOWNLOADING: "loading",
    PROCESSING: "processing",
}
ENTRIES_PER_MESSAGE = 4
QUEUE_MAX = 10_000  # messages buffered for one slow listener


def entry(item: Item, state: int, updated_at: int, leaf: Leaf | None = None) -> Entry:
    """Return a timeline entry for an item, or for a season or episode of it."""
    row: Entry = {
        "identifier": LIBRARY,
        "sectionID": int(item.section),
        "itemID": int(leaf.rating_key) if leaf else item.number,
        "parentItemID": int(leaf.parent) if leaf else 0,
        "rootItemID": item.number if leaf else 0,
        "type": TYPE_NUMBERS[leaf.kind if leaf else item.type],
        "title": f"{leaf.kind.capitalize()} 1" if leaf else item.title,
        "state": state,
        "updatedAt": updated_at,
    }
    if state == CREATED:
        row["metadataState"] = "created"
    elif state == DELETED:
        row["metadataState"] = "deleted"
    elif state in UNDERWAY:
        row |= {"metadataState": UNDERWAY[state], "queueSize": 1}
    return row


def as_strings(row: Entry) -> Entry:
    """Return the entry with its numbers as text, as in about half of real entries."""
    return {name: str(value) if isinstance(value, int) else value for name, value in row.items()}


class EventHub:
    """Sends messages to the current listeners; nothing is kept for later ones."""

    def __init__(self) -> None:
        self._listeners: set[_Queue] = set()
        self._entries = 0
        self.sent = 0  # messages announced, whether received or not

    @property
    def listeners(self) -> int:
        """Return the number of open connections."""
        return len(self._listeners)

    @property
    def backlog(self) -> int:
        """Return the number of messages not sent yet."""
        return sum(queue.qsize() for queue in self._listeners)

    def timeline(self, entries: Iterable[Entry]) -> None:
        """Announce entries, a few per message, every other one with numbers as strings."""
        rows = []
        for row in entries:
            self._entries += 1
            rows.append(as_strings(row) if self._entries % 2 == 0 else row)
        for start in range(0, len(rows), ENTRIES_PER_MESSAGE):
            chunk = rows[start : start + ENTRIES_PER_MESSAGE]
            self.announce({"type": "timeline", "size": len(chunk), "TimelineEntry": chunk})

    def announce(self, container: Message) -> None:
        """Send one NotificationContainer of any type."""
        self.sent += 1
        for queue in self._listeners:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(container)

    async def drop(self) -> None:
        """Break every connection abruptly; events are lost to listeners until they reconnect."""
        for queue in self._listeners:
            queue.put_nowait(None)
        self._listeners.clear()
        await asyncio.sleep(0)

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one WebSocket until it ends."""
        socket = web.WebSocketResponse(timeout=0.2)
        await socket.prepare(request)
        queue: _Queue = asyncio.Queue(QUEUE_MAX)
        self._listeners.add(queue)
        sender = asyncio.create_task(self._send(request, socket, queue))
        try:
            async for _ in socket:
                pass  # PMS ignores what clients send here
        finally:
            self._listeners.discard(queue)
            sender.cancel()
        return socket

    async def _send(
        self, request: web.Request, socket: web.WebSocketResponse, queue: _Queue
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while (container := await queue.get()) is not None:
                text = json.dumps({"NotificationContainer": container}, ensure_ascii=False)
                # PMS passes on a file's tags even if they are not valid UTF-8.
                await socket.send_frame(text.encode(errors="surrogateescape"), WSMsgType.TEXT)
        if request.transport is not None:
            request.transport.abort()
