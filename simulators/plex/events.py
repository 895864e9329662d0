"""Plex's event streams: timeline entries over WebSocket and server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
import json
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from simulators.plex.filters import TYPE_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from simulators.listener import LocalServer
    from simulators.plex.items import Item, Leaf

type Entry = dict[str, Any]
type Message = dict[str, Any]

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


@dataclass(slots=True, eq=False)
class _Listener:
    wanted: frozenset[str]
    unwanted: frozenset[str]
    queue: asyncio.Queue[Message | None] = field(default_factory=lambda: asyncio.Queue(QUEUE_MAX))

    def takes(self, kind: str) -> bool:
        return kind not in self.unwanted and (not self.wanted or kind in self.wanted)


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
        self._listeners: set[_Listener] = set()
        self._entries = 0
        self.sent = 0  # messages announced, whether received or not
        self.done_state = ""  # the `metadataState` of processed items

    @property
    def listeners(self) -> int:
        """Return the number of open connections."""
        return len(self._listeners)

    @property
    def backlog(self) -> int:
        """Return the number of messages not sent yet."""
        return sum(listener.queue.qsize() for listener in self._listeners)

    def timeline(self, entries: Iterable[Entry]) -> None:
        """Announce entries, a few per message, every other one with numbers as strings."""
        rows = []
        for row in entries:
            self._entries += 1
            if self.done_state and row["state"] == PROCESSED:
                row["metadataState"] = self.done_state
            rows.append(as_strings(row) if self._entries % 2 == 0 else row)
        for start in range(0, len(rows), ENTRIES_PER_MESSAGE):
            chunk = rows[start : start + ENTRIES_PER_MESSAGE]
            self.announce({"type": "timeline", "size": len(chunk), "TimelineEntry": chunk})

    def announce(self, container: Message) -> None:
        """Send one NotificationContainer of any type."""
        self.sent += 1
        for listener in self._listeners:
            if listener.takes(str(container["type"])):
                with contextlib.suppress(asyncio.QueueFull):
                    listener.queue.put_nowait(container)

    async def drop(self) -> None:
        """Break every connection abruptly; events are lost to listeners until they reconnect."""
        for listener in list(self._listeners):
            listener.queue.put_nowait(None)
        self._listeners.clear()
        await asyncio.sleep(0)

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one WebSocket until it ends."""
        socket = web.WebSocketResponse(timeout=0.2)
        await socket.prepare(request)
        listener = self._listen(request)
        sender = asyncio.create_task(self._send(request, socket, listener))
        try:
            async for _ in socket:
                pass  # PMS ignores what clients send here
        finally:
            self._listeners.discard(listener)
            sender.cancel()
        return socket

    async def _send(
        self, request: web.Request, socket: web.WebSocketResponse, listener: _Listener
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while (container := await listener.queue.get()) is not None:
                text = json.dumps({"NotificationContainer": container}, ensure_ascii=False)
                # PMS passes on a file's tags even if they are not valid UTF-8.
                await socket.send_frame(text.encode(errors="surrogateescape"), WSMsgType.TEXT)
        if request.transport is not None:
            request.transport.abort()

    async def server_sent(
        self, request: web.Request, ping_seconds: float, server: LocalServer
    ) -> web.StreamResponse:
        """Serve one stream of server-sent events until it ends, with one entry per event."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        listener = self._listen(request)
        try:
            while not server.stopping:
                container = await _next(listener.queue, ping_seconds)
                if container is None:
                    break
                for name, data in sse_events(container):
                    await response.write(f"event: {name}\ndata: {data}\n\n".encode())
        except ConnectionError:
            pass
        finally:
            self._listeners.discard(listener)
        if request.transport is not None:
            request.transport.abort()
        return response

    def _listen(self, request: web.Request) -> _Listener:
        words = request.query.get("filters", "").split(",")
        listener = _Listener(
            wanted=frozenset(word for word in words if word and not word.startswith("-")),
            unwanted=frozenset(word[1:] for word in words if word.startswith("-")),
        )
        self._listeners.add(listener)
        return listener


async def _next(queue: asyncio.Queue[Message | None], seconds: float) -> Message | None:
    try:
        return await asyncio.wait_for(queue.get(), seconds)
    except TimeoutError:
        return {"type": "ping"}


def sse_events(container: Message) -> Sequence[tuple[str, str]]:
    """Return the name and data of the events for one container, one per timeline entry."""
    kind = str(container["type"])
    if kind != "timeline":
        return [
            (
                kind,
                json.dumps(
                    {
                        name: value
                        for name, value in container.items()
                        if name not in ("type", "size")
                    }
                ),
            )
        ]
    return [
        (kind, json.dumps({"TimelineEntry": row}, ensure_ascii=False))
        for row in container["TimelineEntry"]
    ]
