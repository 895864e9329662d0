"""Control API of the simulated Plex, for the demo and tests; loopback only."""

from __future__ import annotations

from dataclasses import fields
import hmac
import json
from typing import TYPE_CHECKING, Any, get_args

from aiohttp import web

from simulators.http import Fault
from simulators.listener import LOOPBACK
from simulators.plex.render import BrokenHow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from simulators.catalog import CatalogTitle
    from simulators.plex.backend import PlexBackend
    from simulators.plex.items import Item
    from simulators.plex.state import PlexState

type Fields = dict[str, Any]
type Action = Callable[[Fields], Awaitable[Fields]]

CONTROL_HEADER = "X-Control-Token"
TITLES_SHOWN = 20


class ControlError(Exception):
    """The control request is invalid; the message is for the person who sent it."""


def control_routes(
    sim: PlexBackend,
) -> list[tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]]]:
    """Return method, path and handler of every control route."""
    control = _Control(sim)
    table: dict[str, tuple[str, Action]] = {
        "state": ("GET", control.summary),
        "labels": ("GET", control.labels),
        "labels/all": ("GET", control.all_labels),
        "missing": ("GET", control.missing),
        "stats": ("GET", control.stats),
        "violations": ("GET", control.violations),
        "stats/reset": ("POST", control.reset),
        "import": ("POST", control.import_title),
        "label": ("POST", control.label),
        "delete": ("POST", control.delete),
        "refresh": ("POST", control.refresh),
        "outage": ("POST", control.outage),
        "faults": ("POST", control.fault),
        "faults/acted": ("GET", control.acted_faults),
        "faults/clear": ("POST", control.clear_faults),
        "drop_events": ("POST", control.drop_events),
        "broken": ("POST", control.broken),
        "correct_ids": ("POST", control.correct_ids),
        "rebuild": ("POST", control.rebuild),
        "snapshot": ("POST", control.snapshot),
        "restore": ("POST", control.restore),
    }
    return [
        (method, f"/_control/{name}", _handler(sim, action))
        for name, (method, action) in table.items()
    ]


def _handler(
    sim: PlexBackend, action: Action
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        given = request.headers.get(CONTROL_HEADER, "")
        if request.remote != LOOPBACK:
            return web.json_response({"error": "loopback only"}, status=403)
        if sim.control_token and not hmac.compare_digest(
            given.encode(), sim.control_token.encode()
        ):
            return web.json_response({"error": f"{CONTROL_HEADER} is missing or wrong"}, status=403)
        try:
            body = await request.json() if request.can_read_body else dict(request.query)
            if not isinstance(body, dict):
                raise ControlError("the body must be a JSON object")  # noqa: TRY301
            return web.json_response(await action(body))
        except (ControlError, json.JSONDecodeError, TypeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return handle


class _Control:
    def __init__(self, sim: PlexBackend) -> None:
        self._sim = sim
        self._copy: dict[str, tuple[str, ...]] | None = None

    async def summary(self, _body: Fields) -> Fields:
        state = self._sim.state
        return {
            "name": state.name,
            "machine_identifier": state.machine_identifier,
            "items": len(state.items),
            "missing": len(state.missing()),
            "listeners": self._sim.events.listeners,
            "libraries": [
                {
                    "key": library.key,
                    "title": library.title,
                    "type": library.type,
                    "items": sum(item.section == library.key for item in state.items.values()),
                }
                for library in state.libraries.values()
            ],
            "labels": {tag.text: len(state.tags.carriers(tag)) for tag in state.tags.all()},
        }

    async def labels(self, body: Fields) -> Fields:
        items = self._items(body)
        return {"items": [_item_json(self._sim.state, item) for item in items]}

    async def all_labels(self, _body: Fields) -> Fields:
        """Return the items of every title in the catalog, by the title's key."""
        state = self._sim.state
        return {
            "titles": {
                title.key: [
                    _item_json(state, item) for item in state.items_of(title, identified=False)
                ]
                for title in state.catalog
            }
        }

    async def missing(self, _body: Fields) -> Fields:
        titles = self._sim.state.missing()
        return {
            "total": len(titles),
            "titles": [_title_json(title) for title in titles[:TITLES_SHOWN]],
        }

    async def import_title(self, body: Fields) -> Fields:
        text = str(body.get("title", ""))
        title = find_title(self._sim.state.catalog, text) if text else self._first_missing()
        section = body.get("section")
        if section is not None and str(section) not in self._sim.state.libraries:
            raise ControlError(f"no library has the key {section!r}")
        after = body.get("match_after", 0.0)
        _ = self._sim.import_title(  # runs in the background
            title,
            section=None if section is None else str(section),
            delay=float(body.get("delay", 0.0)),
            match_after=None if after is None else float(after),
            edition=str(body.get("edition", "")),
        )
        return {"title": _title_json(title)}

    async def label(self, body: Fields) -> Fields:
        label, action = str(body.get("label", "")), str(body.get("action", "add"))
        if not label.strip() or action not in ("add", "remove"):
            raise ControlError("needs `label` and an `action`, add or remove")
        items = self._items(body)
        for item in items:
            change = self._sim.state.add_label if action == "add" else self._sim.state.remove_label
            change(item.rating_key, label)
        return {"items": [_item_json(self._sim.state, item) for item in items]}

    async def delete(self, body: Fields) -> Fields:
        items = self._items(body)
        for item in items:
            self._sim.delete_item(item.rating_key)
        return {"deleted": [item.rating_key for item in items]}

    async def refresh(self, body: Fields) -> Fields:
        keys = list(self._sim.state.items)[: int(body.get("count", len(self._sim.state.items)))]
        self._sim.refresh_items(keys)
        return {"refreshed": len(keys)}

    async def outage(self, body: Fields) -> Fields:
        seconds = float(body.get("seconds", 10.0))
        self._sim.outage_soon(seconds)
        return {"seconds": seconds}

    async def fault(self, body: Fields) -> Fields:
        known = {field.name for field in fields(Fault)}
        if "kind" not in body or not known.issuperset(body):
            raise ControlError(f"needs `kind`, may have {', '.join(sorted(known - {'kind'}))}")
        self._sim.faults.add(Fault(**body))
        return {"faults": len(self._sim.faults)}

    async def clear_faults(self, _body: Fields) -> Fields:
        self._sim.faults.clear()
        return {"faults": 0}

    async def acted_faults(self, _body: Fields) -> Fields:
        return {"acted": self._sim.faults.acted}

    async def broken(self, body: Fields) -> Fields:
        """Break items in one way, or repair them with `how` null."""
        how, items = body.get("how"), self._items(body)
        if how is not None and how not in get_args(BrokenHow.__value__):
            raise ControlError(f"`how` is one of {', '.join(get_args(BrokenHow.__value__))}")
        for item in items:
            self._sim.broken_items.pop(item.rating_key, None)
            if how is not None:
                self._sim.broken_items[item.rating_key] = how
        return {"broken": self._sim.broken_items}

    async def correct_ids(self, body: Fields) -> Fields:
        guids = [str(guid) for guid in body.get("guids", ())]
        items = [self._sim.correct_ids(item.rating_key, guids) for item in self._items(body)]
        return {"items": [_item_json(self._sim.state, item) for item in items]}

    async def rebuild(self, body: Fields) -> Fields:
        section = str(body.get("section", ""))
        if section not in self._sim.state.libraries:
            raise ControlError(f"no library has the key {section!r}")
        same_keys = bool(body.get("same_keys"))
        return {"uuid": self._sim.state.rebuild_library(section, same_keys=same_keys).uuid}

    async def snapshot(self, _body: Fields) -> Fields:
        self._copy = self._sim.state.snapshot()
        return {"items": len(self._copy)}

    async def restore(self, _body: Fields) -> Fields:
        if self._copy is None:
            raise ControlError("there is no snapshot")
        self._sim.state.restore(self._copy)
        return {"items": len(self._copy)}

    async def drop_events(self, _body: Fields) -> Fields:
        dropped = self._sim.events.listeners
        await self._sim.drop_events()
        return {"dropped": dropped}

    async def stats(self, _body: Fields) -> Fields:
        return self._sim.stats.as_json()

    async def reset(self, _body: Fields) -> Fields:
        self._sim.stats.reset()
        return {}

    async def violations(self, _body: Fields) -> Fields:
        return {"violations": self._sim.violations}

    def _first_missing(self) -> CatalogTitle:
        titles = self._sim.state.missing()
        if not titles:
            raise ControlError("every title of the catalog is in Plex")
        return titles[0]

    def _items(self, body: Fields) -> list[Item]:
        """Return the requested items: one by `rating_key`, or all of a `title`."""
        state = self._sim.state
        if "rating_key" in body:
            key = str(body["rating_key"])
            if key not in state.items:
                raise ControlError(f"no item has the rating key {key!r}")
            return [state.items[key]]
        return state.items_of(
            find_title(state.catalog, str(body.get("title", ""))), identified=False
        )


def find_title(catalog: tuple[CatalogTitle, ...], text: str) -> CatalogTitle:
    """Return the title with this key, guid, name or unique part of a name. Raises ControlError."""
    wanted = text.strip().casefold()
    if not wanted:
        raise ControlError("needs `title`")
    for title in catalog:
        if wanted in (title.key, title.plex_guid, title.title.casefold(), *title.guids):
            return title
    named = [title for title in catalog if wanted in title.title.casefold()]
    if not named:
        raise ControlError(f"no title fits {text!r}")
    if len(named) > 1:
        some = "; ".join(f"{title.title} ({title.year})" for title in named[:TITLES_SHOWN])
        raise ControlError(f"several titles fit {text!r}: {some}")
    return named[0]


def _title_json(title: CatalogTitle) -> Fields:
    return {
        "type": title.type,
        "title": title.title,
        "year": title.year,
        "key": title.key,
        "guids": list(title.guids),
    }


def _item_json(state: PlexState, item: Item) -> Fields:
    return {
        "rating_key": item.rating_key,
        "section": item.section,
        "library": state.libraries[item.section].title,
        "title": item.title,
        "guid": item.guid,
        "edition": item.edition,
        "labels": list(item.labels),
    }
