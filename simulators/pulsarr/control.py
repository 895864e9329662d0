"""Control API of the simulated Pulsarr, for the demo and tests; loopback only."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from simulators.control import TITLES_SHOWN, ControlError, Route, SharedControl, find_title

from .payloads import endpoint_json
from .records import UnknownUserError

if TYPE_CHECKING:
    from simulators.catalog import CatalogTitle

    from .backend import PulsarrBackend
    from .records import PulsarrUser

ANNOUNCE_AFTER_S: Final = 1.0
"""Pulsarr receives an import about a second after the arr app has finished it."""


def control_routes(sim: PulsarrBackend) -> list[Route]:
    """Return method, path and handler of every control call."""
    control = _Control(sim)
    return control.routes(
        {
            "state": ("GET", control.summary),
            "endpoints": ("GET", control.endpoints),
            "deliveries": ("GET", control.deliveries),
            "missing": ("GET", control.titles),
            "wish": ("POST", control.want),
            "unwish": ("POST", control.unwant),
            "user": ("POST", control.user),
            "announce": ("POST", control.announce),
            "import": ("POST", control.arr_import),
        }
    )


class _Control(SharedControl):
    """The control calls; each takes a JSON object and returns one."""

    def __init__(self, sim: PulsarrBackend) -> None:
        super().__init__(sim)
        self._sim = sim

    def _title(self, given: dict[str, Any]) -> CatalogTitle:
        return find_title(self._sim.catalog, str(given["title"]))

    def _person(self, given: dict[str, Any]) -> PulsarrUser:
        try:
            return self._sim.state.find_user(given["person"])
        except UnknownUserError as problem:
            raise ControlError(f"no person fits {problem.args[0]!r}") from None

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
