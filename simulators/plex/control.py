"""Control API of the simulated Plex, for the demo and tests; loopback only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.control import TITLES_SHOWN, ControlError, Fields, Route, SharedControl, find_title

if TYPE_CHECKING:
    from simulators.catalog import CatalogTitle
    from simulators.plex.backend import PlexBackend
    from simulators.plex.items import Item
    from simulators.plex.state import PlexState


def control_routes(sim: PlexBackend) -> list[Route]:
    """Return method, path and handler of every control route."""
    control = _Control(sim)
    return control.routes(
        {
            "state": ("GET", control.summary),
            "labels": ("GET", control.labels),
            "labels/all": ("GET", control.all_labels),
            "missing": ("GET", control.missing),
            "violations": ("GET", control.violations),
            "import": ("POST", control.import_title),
            "label": ("POST", control.label),
            "drop_events": ("POST", control.drop_events),
        }
    )


class _Control(SharedControl):
    def __init__(self, sim: PlexBackend) -> None:
        super().__init__(sim)
        self._sim = sim

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

    async def drop_events(self, _body: Fields) -> Fields:
        dropped = self._sim.events.listeners
        await self._sim.drop_events()
        return {"dropped": dropped}

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
