"""What the control APIs of both simulators share, for the demo and tests; loopback only."""

from __future__ import annotations

import asyncio
from dataclasses import fields
import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiohttp import web

from simulators.http import Fault
from simulators.listener import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping

    from simulators.catalog import CatalogTitle
    from simulators.http import Faults, Stats

CONTROL_PREFIX: Final = "/_control/"  # neither counted nor subject to faults
TITLES_SHOWN: Final = 20
OUTAGE_AFTER_SECONDS: Final = 0.05

type Fields = dict[str, Any]
type Action = Callable[[Fields], Awaitable[Fields]]
type Route = tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]]


class ControlError(Exception):
    """The control request is invalid; the message is for the person who sent it."""


class Simulator(Protocol):
    """What the shared calls need of a simulator."""

    stats: Stats
    faults: Faults

    async def outage(self, seconds: float) -> None:
        """Refuse new connections for `seconds` and cut the existing ones."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> object:
        """Run work in the background until the simulator stops."""


class SharedControl:
    """The calls that both simulators have; each takes a JSON object and returns one."""

    def __init__(self, sim: Simulator) -> None:
        self._simulator = sim

    def routes(self, more: Mapping[str, tuple[str, Action]]) -> list[Route]:
        """Return method, path and handler of every call, `more` included."""
        table: dict[str, tuple[str, Action]] = {
            "stats": ("GET", self.stats),
            "stats/reset": ("POST", self.reset_stats),
            "outage": ("POST", self.outage),
            "faults": ("POST", self.fault),
            "faults/acted": ("GET", self.acted_faults),
            "faults/clear": ("POST", self.clear_faults),
            **more,
        }
        return [
            (method, f"{CONTROL_PREFIX}{name}", _handler(action))
            for name, (method, action) in table.items()
        ]

    async def stats(self, _body: Fields) -> Fields:
        """Return the request statistics so far."""
        return self._simulator.stats.as_json()

    async def reset_stats(self, _body: Fields) -> Fields:
        """Reset the statistics."""
        self._simulator.stats.reset()
        return {}

    async def outage(self, body: Fields) -> Fields:
        """Refuse connections for `seconds`, starting once this is answered."""
        seconds = float(body["seconds"])

        async def begin() -> None:
            await asyncio.sleep(OUTAGE_AFTER_SECONDS)
            await self._simulator.outage(seconds)

        self._simulator.spawn(begin())
        return {"seconds": seconds}

    async def fault(self, body: Fields) -> Fields:
        """Add a fault: `kind`, and optionally `route`, `method`, `nth`, `times`, `seconds`."""
        known = {field.name for field in fields(Fault)}
        if "kind" not in body or not known.issuperset(body):
            raise ControlError(f"needs `kind`, may have {', '.join(sorted(known - {'kind'}))}")
        self._simulator.faults.add(Fault(**body))
        return {"faults": len(self._simulator.faults)}

    async def acted_faults(self, _body: Fields) -> Fields:
        """Return the number of requests affected by a fault since the last clear."""
        return {"acted": self._simulator.faults.acted}

    async def clear_faults(self, _body: Fields) -> Fields:
        """Remove all faults."""
        self._simulator.faults.clear()
        return {"faults": 0}


def _handler(action: Action) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.remote != LOOPBACK:
            return web.json_response({"error": "loopback only"}, status=403)
        try:
            raw = await request.text()
            body = json.loads(raw) if raw.strip() else dict(request.query)
            if not isinstance(body, dict):
                raise ControlError("the body must be a JSON object")  # noqa: TRY301
            return web.json_response(await action(body))
        except KeyError as error:
            return web.json_response({"error": f"missing: {error}"}, status=400)
        except (ControlError, TypeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return handle


def find_title(catalog: Iterable[CatalogTitle], text: str) -> CatalogTitle:
    """Return the title with this key, id, name or unique part of a name. Raises ControlError."""
    wanted = text.strip().casefold()
    titles = tuple(catalog) if wanted else ()
    for title in titles:
        if wanted in (title.key, title.plex_guid, *title.guids):
            return title
    named = [title for title in titles if title.title.casefold() == wanted]
    named = named or [title for title in titles if wanted in title.title.casefold()]
    if not named:
        raise ControlError(f"no title fits {text!r}")
    if len(named) > 1:
        some = "; ".join(f"{title.title} ({title.year})" for title in named[:TITLES_SHOWN])
        raise ControlError(f"several titles fit {text!r}: {some}")
    return named[0]
