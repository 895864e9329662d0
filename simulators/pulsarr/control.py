"""Control API of the simulated Pulsarr, for the demo and tests; loopback only."""

from __future__ import annotations

import asyncio
from dataclasses import fields
import hmac
import json
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from simulators.http import Fault
from simulators.listener import LOOPBACK

from .payloads import endpoint_json
from .records import UnknownUserError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from simulators.catalog import CatalogTitle

    from .backend import PulsarrBackend
    from .records import PulsarrUser

CONTROL_PREFIX: Final = "/_control/"
CONTROL_HEADER: Final = "X-Control-Token"
ANNOUNCE_AFTER_S: Final = 1.0
"""Pulsarr receives an import about a second after the arr app has finished it."""
TITLES_SHOWN: Final = 20


class ControlError(Exception):
    """The control request is invalid; the message is for the person who sent it."""


def find_title(catalog: tuple[CatalogTitle, ...], text: str) -> CatalogTitle:
    """Return the title with this key, id, name or unique part of a name. Raises ControlError."""
    wanted = text.strip().casefold()
    for title in catalog:
        if wanted in (title.key, title.plex_guid, *title.guids):
            return title
    named = [title for title in catalog if title.title.casefold() == wanted]
    if not named:
        named = [title for title in catalog if wanted and wanted in title.title.casefold()]
    if not named:
        raise ControlError(f"no title fits {text!r}")
    if len(named) > 1:
        some = "; ".join(f"{title.title} ({title.year})" for title in named[:TITLES_SHOWN])
        raise ControlError(f"several titles fit {text!r}: {some}")
    return named[0]


def control_routes(
    sim: PulsarrBackend,
) -> list[tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]]]:
    """Return method, path and handler of every control route."""
    control = _Control(sim)
    table: dict[str, tuple[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]]] = {
        "summary": ("GET", control.summary),
        "state": ("GET", control.summary),
        "stats": ("GET", control.stats),
        "stats/reset": ("POST", control.reset_stats),
        "endpoints": ("GET", control.endpoints),
        "deliveries": ("GET", control.deliveries),
        "missing": ("GET", control.titles),
        "wish": ("POST", control.want),
        "unwish": ("POST", control.unwant),
        "reconcile": ("POST", control.reconcile),
        "user": ("POST", control.user),
        "announce": ("POST", control.announce),
        "import": ("POST", control.arr_import),
        "deliver": ("POST", control.deliver),
        "outage": ("POST", control.outage),
        "faults": ("POST", control.faults),
        "faults/acted": ("GET", control.acted_faults),
        "faults/clear": ("POST", control.clear_faults),
        "knobs": ("POST", control.knobs),
        "reset": ("POST", control.reset),
    }
    return [
        (method, f"{CONTROL_PREFIX}{name}", _handler(sim, work))
        for name, (method, work) in table.items()
    ]


def _handler(
    sim: PulsarrBackend,
    work: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        offered = request.headers.get(CONTROL_HEADER, "")
        if request.remote != LOOPBACK:
            return _refusal(403, "loopback only")
        if sim.control_token and not hmac.compare_digest(
            offered.encode(), sim.control_token.encode()
        ):
            return _refusal(403, f"{CONTROL_HEADER} is missing or wrong")
        try:
            raw = await request.text()
            given = json.loads(raw) if raw.strip() else dict(request.query)
            if not isinstance(given, dict):
                return _refusal(400, "the body must be a JSON object")
            return web.json_response(await work(given))
        except UnknownUserError as problem:
            return _refusal(404, f"no person fits {problem.args[0]!r}")
        except (ControlError, KeyError, TypeError, ValueError) as problem:
            text = f"missing: {problem}" if isinstance(problem, KeyError) else str(problem)
            return _refusal(400, text)

    return handle


def _refusal(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)


class _Control:
    """The control calls; each takes a JSON object and returns one."""

    def __init__(self, sim: PulsarrBackend) -> None:
        self._sim = sim

    def _title(self, given: dict[str, Any]) -> CatalogTitle:
        return find_title(self._sim.catalog, str(given["title"]))

    def _person(self, given: dict[str, Any]) -> PulsarrUser:
        return self._sim.state.find_user(given["person"])

    async def summary(self, _given: dict[str, Any]) -> dict[str, Any]:
        """Return the users and how many titles they want."""
        state = self._sim.state
        return {
            "version": self._sim.knobs.version,
            "titles": len(self._sim.catalog),
            "wishes": sum(1 for _ in state.entries()),
            "wanted_titles": len({entry.catalog_key for entry in state.entries()}),
            "endpoints": len(state.endpoints),
            "parked": self._sim.parked,
            "people": [
                {
                    "id": user.id,
                    "name": user.name,
                    "alias": user.alias,
                    "display_name": user.display_name,
                    "can_sync": user.can_sync,
                    "has_channel": user.has_channel,
                    "watchlist_count": state.watchlist_count(user.id),
                }
                for user in state.users()
            ],
        }

    async def titles(self, _given: dict[str, Any]) -> dict[str, Any]:
        """Return the wanted titles whose import Pulsarr has not seen, most wanted first."""
        wanted: dict[str, list[str]] = {}
        for entry in self._sim.state.entries():
            if entry.status in {"pending", "requested"}:
                name = self._sim.state.user(entry.user_id).name
                wanted.setdefault(entry.catalog_key, []).append(name)
        known = {title.key: title for title in self._sim.catalog}
        rows = [
            {"title": known[key].title, "type": known[key].type, "people": people}
            for key, people in sorted(wanted.items(), key=lambda row: -len(row[1]))
            if key in known
        ]
        return {"missing": rows[:TITLES_SHOWN]}

    async def want(self, given: dict[str, Any]) -> dict[str, Any]:
        """Put `title` on `person`'s watchlist; optional `guids`, `key`; `force` announces it."""
        person, title = self._person(given), self._title(given)
        more = {name: given[name] for name in ("guids", "key", "force") if name in given}
        await self._sim.want(person.id, title, **more)
        return {"person": person.name, "title": title.title}

    async def unwant(self, given: dict[str, Any]) -> dict[str, Any]:
        """Remove `title` from the watchlist of `person`; `later` leaves it to reconciliation."""
        person, title = self._person(given), self._title(given)
        if given.get("later"):
            self._sim.leave(person.id, title)
            return {"person": person.name, "title": title.title, "removed": False}
        removed = await self._sim.unwant(person.id, title)
        return {"person": person.name, "title": title.title, "removed": removed is not None}

    async def reconcile(self, given: dict[str, Any]) -> dict[str, Any]:
        """Run the full reconciliation; `left_out` are friends whom Plex omits (names or ids)."""
        people = [self._sim.state.find_user(who).id for who in given.get("left_out", ())]
        return {"removed": await self._sim.reconcile(left_out=people)}

    async def user(self, given: dict[str, Any]) -> dict[str, Any]:
        """Change `name`, `alias`, `can_sync`… of `person`; `add` a new one; or `remove: true`."""
        state = self._sim.state
        if "add" in given:
            user = await self._sim.add_user(str(given["add"]), alias=given.get("alias"))
            return {"id": user.id, "name": user.name}
        person = self._person(given)
        if given.get("remove"):
            state.remove_user(person.id)
            return {"removed": person.id}
        if "name" in given:
            person = await self._sim.rename(person.id, str(given["name"]))
        changes = {
            name: given[name]
            for name in ("alias", "display_name", "can_sync", "notify_plex_mobile")
            if name in given
        }
        user = state.change_user(person.id, **changes)
        return {"id": user.id, "name": user.name, "alias": user.alias}

    async def announce(self, given: dict[str, Any]) -> dict[str, Any]:
        """Deliver an arr import of `title` (`season`, `episode`); `force` skips the rules."""
        title = self._title(given)
        sent = await self._sim.announce(
            title,
            season=_number(given, "season"),
            episode=_number(given, "episode"),
            force=bool(given.get("force", False)),
        )
        return {"title": title.title, "deliveries": sent}

    async def arr_import(self, given: dict[str, Any]) -> dict[str, Any]:
        """Import `title` as an arr: Pulsarr announces it shortly after, Plex finds it later.

        Fields: `announce_after` (seconds), `season`, `episode`; the simulator's `arr_import` gets
        the others.
        """
        title = self._title(given)
        season, episode = _number(given, "season"), _number(given, "episode")

        async def announce() -> None:
            await asyncio.sleep(float(given.get("announce_after", ANNOUNCE_AFTER_S)))
            await self._sim.announce(title, season=season, episode=episode)

        self._sim.spawn(announce())
        if self._sim.arr_import is not None:
            self._sim.spawn(self._sim.arr_import(title, given))
        state = self._sim.state
        wanted = [
            state.user(entry.user_id).name
            for entry in state.entries()
            if entry.catalog_key == title.key
        ]
        return {
            "title": title.title,
            "type": title.type,
            "year": title.year,
            "wanted_by": wanted,
            "plex": self._sim.arr_import is not None,
        }

    async def deliver(self, given: dict[str, Any]) -> dict[str, Any]:
        """Send any `event` with any `data`."""
        results = await self._sim.deliver(str(given["event"]), dict(given.get("data", {})))
        return {"deliveries": [result.as_json() for result in results]}

    async def outage(self, given: dict[str, Any]) -> dict[str, Any]:
        """Refuse connections for `seconds`, starting once this is answered."""
        seconds = float(given["seconds"])

        async def begin() -> None:
            await asyncio.sleep(0.05)
            await self._sim.listener.begin_outage(seconds)

        self._sim.spawn(begin())
        return {"seconds": seconds}

    async def faults(self, given: dict[str, Any]) -> dict[str, Any]:
        """Add a fault: `kind`, and optionally `route`, `method`, `nth`, `times`, `seconds`."""
        known = {field.name for field in fields(Fault)}
        if "kind" not in given or not known.issuperset(given):
            raise ControlError(f"needs `kind`, may have {', '.join(sorted(known - {'kind'}))}")
        self._sim.faults.add(Fault(**given))
        return {"faults": len(self._sim.faults)}

    async def acted_faults(self, _given: dict[str, Any]) -> dict[str, Any]:
        """Return the number of requests affected by a fault since the last clear."""
        return {"acted": self._sim.faults.acted}

    async def clear_faults(self, _given: dict[str, Any]) -> dict[str, Any]:
        """Remove all faults."""
        self._sim.faults.clear()
        return {"faults": 0}

    async def knobs(self, given: dict[str, Any]) -> dict[str, Any]:
        """Change knobs by name."""
        names = {field.name for field in fields(self._sim.knobs)} - {"base_path"}
        for name, value in given.items():
            if name not in names:
                raise ControlError(f"no knob is called {name!r}")
            setattr(self._sim.knobs, name, value)
        return {"changed": sorted(given)}

    async def stats(self, _given: dict[str, Any]) -> dict[str, Any]:
        """Return the request statistics so far."""
        return self._sim.stats.as_json()

    async def reset_stats(self, _given: dict[str, Any]) -> dict[str, Any]:
        """Reset the statistics only."""
        self._sim.stats.reset()
        return {}

    async def reset(self, _given: dict[str, Any]) -> dict[str, Any]:
        """Reset statistics, faults and rate limits; the state stays."""
        self._sim.stats.reset()
        self._sim.faults.clear()
        self._sim.limiter.reset()
        return {}

    async def endpoints(self, _given: dict[str, Any]) -> dict[str, Any]:
        """Return the registered endpoints, without the header's value."""
        listed = []
        for endpoint in self._sim.endpoints:
            row = endpoint_json(endpoint)
            row["authHeaderValue"] = None if row["authHeaderValue"] is None else "***"
            listed.append(row)
        return {"endpoints": listed}

    async def deliveries(self, _given: dict[str, Any]) -> dict[str, Any]:
        """Return the attempted deliveries."""
        return {"deliveries": [delivery.as_json() for delivery in self._sim.deliveries]}


def _number(given: dict[str, Any], name: str) -> int | None:
    return None if given.get(name) is None else int(given[name])
