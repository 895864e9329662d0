"""Pulsarr's stream of progress messages (Server-Sent Events)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable

COMMENT_EVERY_S: Final = 30.0
"""How often new versions send a comment line to keep the connection open."""


class ProgressBus:
    """Hands progress messages to everybody who is connected; without a listener nothing is produced."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[dict[str, Any] | None]] = set()
        self._last: dict[str, dict[str, Any]] = {}

    def publish(self, operation: str, kind: str, phase: str, progress: int, message: str) -> None:
        """Tell all listeners where an operation stands (`progress` in percent)."""
        event = {
            "operationId": operation,
            "type": kind,
            "phase": phase,
            "progress": progress,
            "message": message,
        }
        if phase in {"complete", "error"}:
            self._last.pop(operation, None)
        else:
            self._last[operation] = event
        for listener in self._listeners:
            listener.put_nowait(event)

    def close(self) -> None:
        """End all streams."""
        for listener in self._listeners:
            listener.put_nowait(None)

    async def stream(
        self, request: web.Request, *, snapshot: bool, headers: dict[str, str]
    ) -> web.StreamResponse:
        """Answer one listener until it leaves or the server stops."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache", **headers}
        )
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        await response.prepare(request)
        for event in self._last.values() if snapshot else ():
            queue.put_nowait(event)
        self._listeners.add(queue)
        try:
            with contextlib.suppress(ConnectionError):
                await _write_all(queue, response.write, comments=snapshot)
        finally:
            self._listeners.discard(queue)
        return response


async def _write_all(
    queue: asyncio.Queue[dict[str, Any] | None],
    write: Callable[[bytes], Any],
    *,
    comments: bool,
) -> None:
    while True:
        try:
            event = await asyncio.wait_for(queue.get(), COMMENT_EVERY_S)
        except TimeoutError:
            if comments:
                await write(b": keep-alive\n\n")
            continue
        if event is None:
            return
        text = json.dumps(event, ensure_ascii=False)
        await write(f"id: {event['operationId']}\ndata: {text}\n\n".encode())
