"""Routes about the server itself: its identity, its users, its activities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.plex.gate import respond
from simulators.plex.render import LIBRARY_IDENTIFIER, Answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from simulators.plex.backend import PlexBackend
    from simulators.plex.facts import Row
    from simulators.plex.users import Viewer

LABEL_TAG_TYPE = 11
MAINTENANCE_HOURS = {"ButlerStartHour": 2, "ButlerEndHour": 5}


class About:
    """The GET routes that do not concern a library."""

    def __init__(self, sim: PlexBackend) -> None:
        self._sim = sim

    async def identity(self, request: web.Request) -> web.Response:
        """Answer `/identity`, the only route that needs no token."""
        state = self._sim.state
        answer = Answer(
            {
                "claimed": True,
                "machineIdentifier": state.machine_identifier,
                "version": state.version,
            }
        )
        return respond(request, answer)

    async def root(self, request: web.Request, viewer: Viewer) -> web.Response:
        """Answer `/`: the server's attributes."""
        state = self._sim.state
        attributes: Row = {
            "allowSharing": True,
            "allowSync": viewer.owner,
            "claimed": True,
            "eventStream": True,
            "friendlyName": state.name,
            "machineIdentifier": state.machine_identifier,
            "multiuser": True,
            "myPlex": True,
            "myPlexMappingState": "mapped",
            "myPlexSigninState": "ok",
            "myPlexSubscription": True,
            "platform": "Linux",
            "platformVersion": "6.1 (simulated)",
            "version": state.version,
            "updatedAt": max(library.scanned_at for library in state.libraries.values()),
        }
        if viewer.owner:
            attributes |= {
                "myPlexUsername": self._sim.owner_name,
                "ownerFeatures": "label,collections,webhooks",
            }
        rows: list[Row] = [
            {"count": 1, "key": key, "title": key} for key in ("activities", "library", "prefs")
        ]
        return respond(request, Answer(attributes, rows, "Directory"))

    async def library(self, request: web.Request, _viewer: Viewer) -> web.Response:
        """Answer `/library`; for the owner only."""
        rows: list[Row] = [{"key": "sections", "title": "Library Sections"}]
        attributes = {
            "allowSync": False,
            "identifier": LIBRARY_IDENTIFIER,
            "title1": "Plex Library",
        }
        return respond(request, Answer(attributes, rows, "Directory"))

    async def prefs(self, request: web.Request, _viewer: Viewer) -> web.Response:
        """Answer `/:/prefs`: a few server settings."""
        settings = {"FriendlyName": self._sim.state.name, **MAINTENANCE_HOURS}
        rows: list[Row] = [
            {
                "id": name,
                "label": name,
                "summary": "",
                "type": "int" if isinstance(value, int) else "text",
                "default": value,
                "value": value,
                "hidden": False,
                "advanced": False,
                "group": "general",
            }
            for name, value in settings.items()
        ]
        return respond(request, Answer({}, rows, "Setting"))

    async def accounts(self, request: web.Request, _viewer: Viewer) -> web.Response:
        """Answer `/accounts`: the users of the server, the owner first."""
        names = [
            (1, self._sim.owner_name),
            *((one.id, one.name) for one in self._sim.users.values()),
        ]
        rows: list[Row] = [
            {"id": number, "key": f"/accounts/{number}", "name": name} for number, name in names
        ]
        return respond(
            request, Answer({"identifier": "com.plexapp.system.accounts"}, rows, "Account")
        )

    async def updater(self, request: web.Request, _viewer: Viewer) -> web.Response:
        """Answer `/updater/status`: no newer version."""
        return respond(
            request, Answer({"canInstall": False, "status": 0, "checkedAt": 0}, [], "Release")
        )

    def none_of(self, kind: str) -> Callable[[web.Request, Viewer], Awaitable[web.Response]]:
        """Return a handler that lists nothing, for the routes about sessions and players."""

        async def nothing(request: web.Request, _viewer: Viewer) -> web.Response:
            return respond(request, Answer({}, [], kind))

        return nothing

    async def activities(self, request: web.Request, _viewer: Viewer) -> web.Response:
        """Answer `/activities`: library scans and item matching in progress."""
        rows: list[Row] = [
            {
                "uuid": library.uuid,
                "type": "library.update.section",
                "title": f"Scanning {library.title}",
                "progress": 0,
            }
            for library in self._sim.state.libraries.values()
            if library.refreshing
        ]
        rows += [
            {
                "uuid": f"matching-{key}",
                "type": "library.update.item.metadata",
                "title": "Matching",
                "progress": 50,
            }
            for key in sorted(self._sim.state.matching)
        ]
        return respond(request, Answer({}, rows, "Activity"))

    async def tags(self, request: web.Request, _viewer: Viewer) -> web.Response:
        """Answer `/library/tags?type=11`: every label of the server."""
        state = self._sim.state
        wanted = request.query.get("type") in (None, str(LABEL_TAG_TYPE))
        rows: list[Row] = [
            {
                "id": tag.id,
                "tag": tag.text,
                "tagType": LABEL_TAG_TYPE,
                "count": len(state.tags.carriers(tag)),
            }
            for tag in (state.tags.all() if wanted else ())
        ]
        return respond(request, Answer({}, rows, "Directory"))
