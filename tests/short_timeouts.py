"""Clients that time out when the server delays a request too long, independent of real time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

from custom_components.plex_label_sync.transport import Transport
from simulators.http import is_disconnected
from simulators.listener import Pause
from simulators.plex import PlexSimulator
from simulators.pulsarr import PulsarrSimulator

TOO_LONG: Final = 600.0  # seconds of a simulated server's delay that make a client give up
_CHECK_INTERVAL: Final = 0.002  # seconds between two checks of the servers' delays


@contextmanager
def short_timeouts(
    *servers: PlexSimulator | PulsarrSimulator, timeout: float = 60.0
) -> Iterator[None]:
    """Let clients time out at once if a server delays a request by more than `timeout` seconds.

    Nothing else times out, however slow the machine is. The server has noticed that its client has
    left before the client continues.
    """
    exchange = Transport._exchange

    def pauses(target: str) -> list[Pause]:
        return [
            pause
            for server in servers
            for pause in server.listener.pauses
            if pause.request.raw_path == target and pause.seconds > timeout
        ]

    async def hasty(transport: Transport, request: Any) -> Any:
        target = request.url(transport.url).raw_path_qs
        work = asyncio.create_task(exchange(transport, request))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=_CHECK_INTERVAL)
                if any(not is_disconnected(pause.request) for pause in pauses(target)):
                    work.cancel()
                    await asyncio.wait({work})
                    while any(not _left(pause) for pause in pauses(target)):  # noqa: ASYNC110 - pauses have no event
                        await asyncio.sleep(_CHECK_INTERVAL)
                    raise TimeoutError
            return work.result()
        finally:
            work.cancel()

    with mock.patch.object(Transport, "_exchange", hasty):
        yield


def _left(pause: Pause) -> bool:
    return pause.continues and is_disconnected(pause.request)
