"""Faults that change a response, or the library just before a request is answered."""

from __future__ import annotations

from functools import partial
import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from simulators.http import spoil_row
from simulators.plex.gate import viewer_of
from simulators.plex.selection import select
from simulators.plex.users import OWNER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from simulators.plex.backend import PlexBackend
    from simulators.plex.filters import Listing

type Box = dict[str, Any]
type Change = Callable[[web.Response], web.Response]

ROWS = ("Metadata", "Directory")


def _in_json(change: Callable[[Box], None]) -> Change:
    """Return a change of the container of a JSON response; XML stays as it is."""

    def changed(response: web.Response) -> web.Response:
        if response.content_type == "application/json" and isinstance(response.body, bytes):
            answer = json.loads(response.body)
            change(answer["MediaContainer"])
            response.body = json.dumps(answer, ensure_ascii=False).encode()
        return response

    return changed


def _rows(box: Box) -> list[Box]:
    return next((box[name] for name in ROWS if name in box), [])


def _empty(box: Box) -> None:
    box |= {"size": 0, "totalSize": 0}
    for name in ROWS:
        box.pop(name, None)


def _headless(box: Box) -> None:
    for name in ("size", "totalSize", "offset", *ROWS):
        box.pop(name, None)


def _repeated_row(box: Box) -> None:
    rows = _rows(box)
    if len(rows) > 1:
        rows[-1] = rows[-2]


def _left_out(box: Box) -> None:
    rows = _rows(box)
    del rows[len(rows) // 2 : len(rows) // 2 + 1]
    for name in ("size", "totalSize"):
        if name in box:
            box[name] = max(int(box[name]) - 1, 0)


def _no_guids(box: Box) -> None:
    for row in _rows(box):
        row.pop("Guid", None)


def _spoil_row(how: str, box: Box) -> None:
    spoil_row(_rows(box), how)


def short_page(response: web.Response) -> web.Response:
    """Return a listing with half of its rows; the size that it states stays."""
    body = bytes(response.body) if isinstance(response.body, (bytes, bytearray)) else b""
    if response.content_type == "application/json":
        answer = json.loads(body)
        for rows in answer["MediaContainer"].values():
            if isinstance(rows, list):
                del rows[(len(rows) + 1) // 2 :]
        response.body = json.dumps(answer, ensure_ascii=False).encode()
    elif body:
        root = ET.fromstring(body)  # noqa: S314  # the simulator's own response
        for child in list(root)[(len(root) + 1) // 2 :]:
            root.remove(child)
        response.body = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return response


AFTER: dict[str, Change] = {
    "short_page": short_page,
    "empty": _in_json(_empty),
    "headless": _in_json(_headless),
    "repeated_row": _in_json(_repeated_row),
    "left_out": _in_json(_left_out),
    "no_guids": _in_json(_no_guids),
    **{
        how: _in_json(partial(_spoil_row, how))
        for how in ("null_row", "keyless_row", "nameless_row")
    },
}


def changes_before(
    sim: PlexBackend, understood: Callable[[web.Request], Listing]
) -> dict[str, Callable[[web.Request], Awaitable[None]]]:
    """Return what happens to the library just before a request is answered, by kind of fault."""

    async def lose_a_row(request: web.Request) -> None:
        """Delete the first item that the request would list, or one of those before its page."""
        if "id" not in request.match_info or viewer_of(sim, request) != OWNER:
            return
        library = sim.state.libraries[request.match_info["id"]]
        for item in select(sim.state, [library], understood(request), None, stop=1).items:
            sim.delete_item(item.rating_key)

    async def swap_a_row(request: web.Request) -> None:
        """Delete an item in the same way and add another: the number of items stays."""
        before = dict(sim.state.items)
        await lose_a_row(request)
        for key in before.keys() - sim.state.items.keys():
            if (title := before[key].origin) is not None:
                sim.state.add_item(title, before[key].section, edition="Another cut")

    return {"vanishing_row": lose_a_row, "swapped_row": swap_a_row}
