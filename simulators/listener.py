"""A local listener that can be cut off and that tracks the requests it delays."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
import socket
import time
from typing import TYPE_CHECKING, Self

from aiohttp import web

from simulators.http import CURRENT_REQUEST, is_disconnected

if TYPE_CHECKING:
    from types import TracebackType

LOOPBACK = "127.0.0.1"
LINE_BYTES_MAX = 1 << 20  # aiohttp's own limit on request lines and headers must never apply first
LOOK_S = 0.005  # interval for checking whether the client of a delayed request has disconnected


@dataclass(frozen=True, slots=True, eq=False)
class Pause:
    """A delayed request, and for how many seconds."""

    request: web.Request
    seconds: float
    continues: bool  # also when the client disconnects


class LocalServer:
    """An aiohttp application on 127.0.0.1 that can be cut off and return on the same port."""

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(
            app,
            access_log=None,  # query strings carry tokens
            shutdown_timeout=0.2,
            handler_cancellation=False,
            max_line_size=LINE_BYTES_MAX,
            max_field_size=LINE_BYTES_MAX,
        )
        self._site: web.SockSite | None = None
        self._reserved: socket.socket | None = None
        self._stopping = asyncio.Event()
        self._outage: asyncio.Task[None] | None = None
        self._pauses_over = asyncio.Event()
        self.pauses: list[Pause] = []  # those in progress
        self.port = 0

    @property
    def url(self) -> str:
        """Return the base URL, as in `http://127.0.0.1:32400`."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def down(self) -> bool:
        """Return whether connections are refused on purpose."""
        return self._reserved is not None

    @property
    def stopping(self) -> bool:
        """Return whether `stop` was called."""
        return self._stopping.is_set()

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 picks a free one. Raises OSError when the port is in use."""
        await self._runner.setup()
        listener = _bound_socket(port)
        self.port = listener.getsockname()[1]
        await self._listen(listener)

    async def stop(self) -> None:
        """Cut every connection and release the port."""
        self._stopping.set()
        self.end_pauses()
        if self._outage is not None:
            self._outage.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._outage
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None
        self.cut_connections()
        await self._runner.cleanup()

    async def pause(self, seconds: float, *, continues: bool = True) -> None:
        """Delay the current request by `seconds`, or until the server stops or `end_pauses` is called.

        Unless it `continues`, the delay ends as soon as the client disconnects.
        """
        if seconds <= 0 or self.stopping:
            return
        request, end_pauses = CURRENT_REQUEST.get(), self._pauses_over
        if request is None:
            await _set_within(end_pauses, seconds)
            return
        pause = Pause(request, seconds, continues)
        self.pauses.append(pause)
        try:
            if continues:
                await _set_within(end_pauses, seconds)
                return
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0 and not is_disconnected(request):
                if await _set_within(end_pauses, min(left, LOOK_S)):
                    return
        finally:
            self.pauses.remove(pause)

    def end_pauses(self) -> None:
        """End all delays immediately."""
        self._pauses_over.set()
        self._pauses_over = asyncio.Event()

    async def begin_outage(self, seconds: float) -> None:
        """Refuse new connections for `seconds` and cut the existing ones."""
        if self._outage is not None:
            self._outage.cancel()
        await self._refuse()
        self._outage = asyncio.create_task(self._end_outage_after(seconds))

    async def end_outage(self) -> None:
        """End an outage early and accept connections again."""
        if self._outage is not None:
            self._outage.cancel()
        await self._accept_again()

    def cut_connections(self) -> None:
        """Drop every open connection without a response."""
        server = self._runner.server
        for connection in server.connections if server is not None else ():
            if connection.transport is not None:
                connection.transport.abort()

    async def _listen(self, listener: socket.socket) -> None:
        self._site = web.SockSite(self._runner, listener)
        await self._site.start()

    async def _refuse(self) -> None:
        if self._site is not None:
            await self._site.stop()
            self._site = None
            # A bound socket that does not listen keeps the port while every connection is refused.
            self._reserved = _bound_socket(self.port)
        self.cut_connections()

    async def _end_outage_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._accept_again()

    async def _accept_again(self) -> None:
        if self._reserved is not None:
            listener, self._reserved = self._reserved, None
            await self._listen(listener)


class Served:
    """A simulated server; it listens from `start` to `stop`, or as an async context."""

    _server: LocalServer | None = None

    @property
    def listener(self) -> LocalServer:
        """Return the running listener. Raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the simulator is not running")
        return self._server

    @property
    def url(self) -> str:
        """Return the base URL. Raises RuntimeError before `start`."""
        return self.listener.url

    @property
    def port(self) -> int:
        """Return the port of `url`."""
        return self.listener.port

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 picks a free one. Raises OSError when the port is in use."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Cut every connection and release the port."""
        if self._server is not None:
            await self._server.stop()
            self._server = None

    async def outage(self, seconds: float) -> None:
        """Refuse new connections for `seconds` and cut the existing ones."""
        await self.listener.begin_outage(seconds)

    async def __aenter__(self) -> Self:
        """Start on a free port, unless it is already running."""
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


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait up to `seconds` for an event; return whether it was set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


def _bound_socket(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.settimeout(0)
    try:
        listener.bind((LOOPBACK, port))
    except OSError:
        listener.close()
        raise
    return listener
