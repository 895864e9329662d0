"""Routes that read libraries and items."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aiohttp import web

from simulators.plex.filters import TYPE_NAMES, TYPE_NUMBERS, Listing, parse_listing
from simulators.plex.gate import RefusedError, query_pairs, respond
from simulators.plex.meta import section_filters, section_meta, section_sorts
from simulators.plex.render import (
    LIBRARY_IDENTIFIER,
    Answer,
    RowOptions,
    broken_row,
    item_row,
    library_row,
    row_options,
    section_of,
)
from simulators.plex.selection import Found, select

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulators.plex.backend import PlexBackend
    from simulators.plex.facts import Row
    from simulators.plex.items import Item, Leaf, Library
    from simulators.plex.tags import Tag
    from simulators.plex.users import Viewer


class Reading:
    """The GET routes."""

    def __init__(self, sim: PlexBackend) -> None:
        self._sim = sim

    # Sections

    async def sections(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Answer `/library/sections`: the sections that this user may access."""
        may_sync = viewer.owner and self._sim.knobs.owner_sync
        rows = [library_row(library, owner=may_sync) for library in self._libraries(viewer)]
        if not self._sim.knobs.change_counter:
            rows = [
                {name: one for name, one in row.items() if name != "contentChangedAt"}
                for row in rows
            ]
        return respond(
            request, Answer({"allowSync": False, "title1": "Plex Library"}, rows, "Directory")
        )

    async def section(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Answer `/library/sections/{id}`: the ways to list a section."""
        library = self.entered(request, viewer)
        rows: list[Row] = [
            {"key": key, "title": title}
            for key, title in (
                ("all", f"All {library.title}"),
                ("recentlyAdded", "Recently Added"),
                ("label", "By Label"),
            )
        ]
        return respond(request, Answer(self._heading(library), rows, "Directory"))

    async def filters(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Answer `/library/sections/{id}/filters`."""
        library = self.entered(request, viewer)
        rows = section_filters(library, TYPE_NUMBERS.get(library.type, 0))
        return respond(request, Answer(self._heading(library), rows, "Directory"))

    async def sorts(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Answer `/library/sections/{id}/sorts`."""
        library = self.entered(request, viewer)
        return respond(request, Answer(self._heading(library), section_sorts(), "Directory"))

    async def refresh(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Answer `/library/sections/{id}/refresh`: a scan that finds nothing new."""
        library = self.entered(request, viewer)
        library.scanned_at = self._sim.state.now()
        return web.Response()

    async def labels(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Answer `/library/sections/{id}/label`: the labels in use on items of one type."""
        library = self.entered(request, viewer)
        number = request.query.get("type", "")
        kind = TYPE_NAMES.get(int(number)) if number.isdigit() else library.type
        rows: list[Row] = [
            {
                "fastKey": f"/library/sections/{library.key}/all?label={tag.id}",
                "key": str(tag.id),
                "title": tag.text,
                "type": "label",
            }
            for tag in self._sim.state.tags.all()
            if self._is_listed(tag, library.key, kind or "", viewer)
        ]
        return respond(request, Answer(self._heading(library), rows, "Directory"))

    def _is_listed(self, tag: Tag, section: str, kind: str, viewer: Viewer) -> bool:
        state = self._sim.state
        if (section, kind) not in state.tags.places(tag):
            return False
        if self._sim.knobs.linger and viewer.owner:
            return True
        items = (state.items[key] for key in state.tags.carriers(tag))
        return any(
            item.section == section and item.type == kind and viewer.may_see(item) for item in items
        )

    # Listings

    async def listing(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Answer `/library/sections/{id}/all`."""
        library = self.entered(request, viewer)
        return await self._list(
            request, viewer, [library], self.understood(request), self._heading(library)
        )

    async def collections(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Answer `/library/sections/{id}/collections`."""
        library = self.entered(request, viewer)
        listing = self.understood(request, kind="collection")
        return await self._list(request, viewer, [library], listing, self._heading(library))

    async def everything(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Answer `/library/all`: a listing over all sections."""
        listing = self.understood(request)
        return await self._list(request, viewer, self._libraries(viewer), listing, {}, across=True)

    async def _list(
        self,
        request: web.Request,
        viewer: Viewer,
        libraries: Sequence[Library],
        listing: Listing,
        heading: Row,
        *,
        across: bool = False,
    ) -> web.Response:
        began, knobs, state = time.perf_counter(), self._sim.knobs, self._sim.state
        start, size = (0, None) if knobs.ignore_paging else (listing.start, listing.size)
        if knobs.max_page is not None:
            size = min(knobs.max_page, knobs.max_page if size is None else size)
        count = (
            size
            if listing.limit is None
            else min(listing.limit, listing.limit if size is None else size)
        )
        stop = None if count is None else start + count
        found = select(state, libraries, listing, self._sight(viewer), start=start, stop=stop)
        options = row_options(request.query, request.headers, knobs, detailed=False, across=across)
        attributes, headers = _page_marks(
            found, start, total=size is not None or knobs.total_size_when_unpaged
        )
        answer = Answer(
            {**attributes, **heading}, [self._row(item, options) for item in found.items]
        )
        if request.query.get("includeMeta") == "1" and len(libraries) == 1:
            number = listing.type or TYPE_NUMBERS.get(libraries[0].type, 0)
            answer.extra["Meta"] = section_meta(
                libraries[0], number, TYPE_NAMES.get(number, "movie")
            )
        response = respond(request, answer, headers)
        await self._sim.charge(
            knobs.get_seconds + knobs.get_seconds_per_row * len(found.items), began
        )
        return response

    def understood(self, request: web.Request, kind: str | None = None) -> Listing:
        """Return the parsed listing request."""
        pairs = query_pairs(request)
        if self._sim.knobs.label_filter_broken:
            pairs = [pair for pair in pairs if pair[0].rpartition(".")[2].rstrip("!") != "label"]
        if not self._sim.knobs.sorting:
            pairs = [pair for pair in pairs if pair[0] != "sort"]
        if kind is not None:
            pairs.append(("type", str(TYPE_NUMBERS[kind])))
        return parse_listing(
            pairs, request.headers, ranges=self._sim.knobs.range_filters == "honored"
        )

    # Items

    async def metadata(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Answer `/library/metadata/{ids}` with the items that exist; 404 only when none does."""
        began, state, knobs = time.perf_counter(), self._sim.state, self._sim.knobs
        options = row_options(request.query, request.headers, knobs, detailed=True)
        rows: list[Row] = []
        requested = {int(key) for key in request.match_info["ids"].split(",") if key.isdecimal()}
        if knobs.multi_get_max is not None and len(requested) > knobs.multi_get_max:
            raise RefusedError(400)
        for key in sorted(requested):
            item, leaf = state.items.get(str(key)), state.leaves.get(str(key))
            if item is not None and viewer.may_see(item):
                rows.append(self._row(item, options))
            elif (
                leaf is not None
                and leaf.show in state.items
                and viewer.may_see(state.items[leaf.show])
            ):
                rows.append(_leaf_row(leaf, state.items[leaf.show], state.libraries))
        if not rows:
            raise RefusedError(404)
        attributes: Row = {"allowSync": viewer.owner, "identifier": LIBRARY_IDENTIFIER}
        if len({row["librarySectionID"] for row in rows if "librarySectionID" in row}) == 1:
            attributes |= {
                name: rows[0][name] for name in rows[0] if name.startswith("librarySection")
            }
        if not knobs.section_on_row:
            rows = [
                {name: one for name, one in row.items() if not name.startswith("librarySection")}
                for row in rows
            ]
        if knobs.read_refreshes and request.query.get("skipRefresh") != "1":
            self._sim.refresh_items(
                one for row in rows if (one := str(row["ratingKey"])) in state.items
            )
        response = respond(request, Answer(attributes, rows))
        await self._sim.charge(knobs.get_seconds + knobs.get_seconds_per_row * len(rows), began)
        return response

    async def nothing(self, _request: web.Request, _viewer: Viewer) -> web.Response:
        """Answer any other path with 404."""
        raise RefusedError(404)

    # Helpers

    def _row(self, item: Item, options: RowOptions) -> Row:
        """Return an item's row, broken if the item is. Raises RefusedError (500) if unreadable."""
        row = item_row(self._sim.state, item, options)
        how = self._sim.broken_items.get(item.rating_key)
        if how == "busy":
            raise RefusedError(500)
        return row if how is None else broken_row(row, how)

    def entered(self, request: web.Request, viewer: Viewer) -> Library:
        """Return the section in the path. Raises RefusedError with 404 or 403."""
        library = self._sim.state.libraries.get(request.match_info["id"])
        if library is None:
            raise RefusedError(404)
        if not viewer.may_enter(library.key):
            raise RefusedError(403)
        return library

    def _libraries(self, viewer: Viewer) -> list[Library]:
        return [
            library
            for library in self._sim.state.libraries.values()
            if viewer.may_enter(library.key)
        ]

    def _sight(self, viewer: Viewer) -> Callable[[Item], bool] | None:
        return None if viewer.owner else viewer.may_see

    def _heading(self, library: Library) -> Row:
        return {
            "allowSync": True,
            "art": f"/:/resources/{library.type}-fanart.jpg",
            "content": "secondary",
            "identifier": LIBRARY_IDENTIFIER,
            **section_of(library),
            "librarySectionUUID": library.uuid,
            "thumb": f"/:/resources/{library.type}.png",
            "title1": library.title,
            "viewGroup": library.type,
        }


def _page_marks(found: Found, start: int, *, total: bool) -> tuple[Row, dict[str, str]]:
    """Return the container attributes and headers that describe the page."""
    if not total:
        return {}, {}
    marks = {"X-Plex-Container-Start": str(start), "X-Plex-Container-Total-Size": str(found.total)}
    return {"totalSize": found.total, "offset": start}, marks


def _leaf_row(leaf: Leaf, show: Item, libraries: dict[str, Library]) -> Row:
    row: Row = {
        "ratingKey": leaf.rating_key,
        "key": f"/library/metadata/{leaf.rating_key}",
        "guid": f"plex://{leaf.kind}/{leaf.rating_key:0>24}",
        "parentRatingKey": leaf.parent,
        "type": leaf.kind,
        "title": f"{leaf.kind.capitalize()} 1",
        "index": 1,
        **section_of(libraries[show.section]),
    }
    above = "parent" if leaf.kind == "season" else "grandparent"
    return {
        **row,
        f"{above}RatingKey": show.rating_key,
        f"{above}Title": show.title,
        f"{above}Guid": show.guid,
    }
