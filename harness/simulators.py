"""The simulated Plex and Pulsarr as a process beside Home Assistant, and their control APIs."""

from __future__ import annotations

from dataclasses import dataclass
import sys
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from harness.checkout import ROOT
from harness.children import LOOPBACK, Child, free_port
from harness.integration import Connections
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

type Json = dict[str, Any]


class ControlError(Exception):
    """A simulator refused a control call; the text is meant for people."""


class SimulatorsError(Exception):
    """The simulators did not start; the text gives the reason in one sentence."""


class Control:
    """The control API of one simulator."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url

    async def get(self, name: str, **query: str) -> Json:
        """Send a GET control call. Raises ControlError, aiohttp.ClientError."""
        async with self._session.get(f"{self.url}/_control/{name}", params=query) as answer:
            return await _content(answer)

    async def post(self, name: str, **body: Any) -> Json:  # noqa: ANN401
        """Send a POST control call. Raises ControlError, aiohttp.ClientError."""
        async with self._session.post(f"{self.url}/_control/{name}", json=body) as answer:
            return await _content(answer)

    async def answers(self) -> bool:
        """Return whether the simulator is running and not in an outage."""
        try:
            await self.get("state")
        except (aiohttp.ClientError, ControlError):
            return False
        return True


async def _content(answer: aiohttp.ClientResponse) -> Json:
    content: Json = await answer.json()
    if not answer.ok:
        raise ControlError(str(content.get("error", answer.status)))
    return content


@dataclass(slots=True)
class Simulators:
    """Both servers over one world, and a plex.tv for them."""

    child: Child
    connections: Connections
    plex: Control
    pulsarr: Control
    plex_tv: Control

    @classmethod
    async def start(
        cls,
        session: aiohttp.ClientSession,
        folder: Path,
        options: Sequence[str],
        *,
        pid: int,
        plex_tv_port: int | None = None,
    ) -> Self:
        """Start both on free ports; they end with the process `pid`.

        Their secrets are stored in `folder`, which must exist. plex.tv may need a port that is
        known in advance. `options` are those of `python -m simulators both`. Raises
        SimulatorsError.
        """
        plex_port, pulsarr_port = free_port(), free_port()
        plex_tv_port = plex_tv_port or free_port()
        token_file, key_file = folder / "plex.token", folder / "pulsarr.key"
        child = Child(
            [
                *(sys.executable, "-m", "simulators", "both", *options),
                *("--plex-port", str(plex_port), "--pulsarr-port", str(pulsarr_port)),
                *("--plex-tv-port", str(plex_tv_port)),
                *("--token-file", str(token_file), "--key-file", str(key_file)),
                *("--parent-pid", str(pid)),
            ],
            output=folder / "simulators.log",
            folder=ROOT,
        )
        plex = Control(session, f"http://{LOOPBACK}:{plex_port}")
        pulsarr = Control(session, f"http://{LOOPBACK}:{pulsarr_port}")

        async def both_answer() -> bool:
            if not child.running:
                raise SimulatorsError(f"the simulators ended: {child.last_words()}")
            return await plex.answers() and await pulsarr.answers()

        await eventually(both_answer, "the simulators answer", within=60)
        connections = Connections(
            plex_url=plex.url,
            plex_token=token_file.read_text(encoding="utf-8").strip(),
            pulsarr_url=pulsarr.url,
            pulsarr_key=key_file.read_text(encoding="utf-8").strip(),
        )
        plex_tv = Control(session, f"http://{LOOPBACK}:{plex_tv_port}")
        return cls(child, connections, plex, pulsarr, plex_tv)

    async def stop(self) -> None:
        """Stop both."""
        await self.child.stop()
