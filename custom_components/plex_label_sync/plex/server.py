"""Requests to one Plex Media Server: identity, libraries, events, label edits.

Everything is JSON over Home Assistant's aiohttp session; python-plexapi builds an object per item,
which is an order of magnitude slower for the same listing.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Iterable,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from typing import Final

import aiohttp

from ..probe.ports import RequestCounter
from ..request_statistics import Statistics
from ..server_urls import normalize_url, without_page
from ..sync.failures import FAILURES
from ..sync.model import (
    Failure,
    Gap,
    GapKind,
    Library,
    Service,
    ServiceError,
)
from ..transport import SMALL_MAX, Sleep, Transport
from . import parse
from .editor import Editor
from .edits import EditPart
from .events import Message, listen
from .limits import USUAL, PlexLimits
from .listing import OnGap
from .parse import ServerInfo
from .pictures import Pictures
from .prober import PlexProber
from .queries import LEAN
from .reader import READERS, PlexReader

PRODUCT: Final = "Plex Label Sync"  # the integration's name in Plex's lists of devices


def _editable(libraries: Iterable[Library], *, yes: bool) -> tuple[Library, ...]:
    return tuple(replace(library, editable=yes) for library in libraries)


def normalize_plex_url(url: str) -> str:
    """Return a server's base URL from a pasted address, such as that of its web app."""
    return without_page(normalize_url(url), "web")


class PlexClient(PlexReader):
    """One Plex Media Server, accessed with one token."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        token: str,
        *,
        client_id: str,
        sleep: Sleep = asyncio.sleep,
        limits: PlexLimits = USUAL,
    ) -> None:
        """Initialize with `client_id`, this installation's id at Plex, which must not change."""
        headers = {
            "Accept": "application/json",
            # A value that no header can carry is not a token: Plex is left to refuse it.
            "X-Plex-Token": token if token.isprintable() else "",
            "X-Plex-Client-Identifier": client_id,
            "X-Plex-Product": PRODUCT,
        }
        http = Transport(
            session,
            Service.PLEX,
            url,
            headers,
            limit=READERS,
            sleep=sleep,
            retries=limits.retries,
        )
        super().__init__(http, limits)
        self._listen = partial(listen, session, url, headers, heartbeat=limits.heartbeat)
        self._editor = Editor(self._http, lambda: self.limits.edit_timeout, self._is_alive)
        self.pictures = Pictures(self._http)
        self._machine_id = ""  # as last reported
        self.all_libraries_seen = True  # no row of them was unreadable

    @property
    def statistics(self) -> Statistics:
        """Request counts for diagnostics."""
        return self._http.statistics

    def prober(self, counter: RequestCounter) -> PlexProber:
        """Return a prober for the same server that counts each request."""
        return PlexProber(
            self._http, self._editor, lambda path: self._listen(paths=(path,)), LEAN, counter
        )

    def listen(self) -> AbstractAsyncContextManager[AsyncIterator[Message]]:
        """Connect to the server's notifications. Raises ServiceError when that fails."""
        return self._listen()

    async def check(self) -> tuple[ServerInfo, tuple[Library, ...]]:
        """Return the server's identity and its libraries, if the token may edit labels.

        Raises ServiceError with WRONG_SERVICE, INVALID_AUTH, NOT_OWNER or the reason for no answer.
        """
        try:
            await self.identity()
        except ServiceError as err:
            if FAILURES[err.failure].no_answer:
                raise
            raise ServiceError(Service.PLEX, Failure.WRONG_SERVICE, err.detail) from err
        info = await self.info()
        libraries = await self._libraries()
        if not await self._is_owner():
            detail = "the token belongs to somebody who does not own this server"
            raise ServiceError(Service.PLEX, Failure.NOT_OWNER, detail)
        return info, _editable(libraries, yes=True)

    async def info(self) -> ServerInfo:
        """Return the server's identity and version. Raises ServiceError."""
        info = await self._http.read(
            "/", parse.server_info, seconds=self.limits.probe_timeout, tries=1, bytes_max=SMALL_MAX
        )
        self._machine_id = info.machine_id
        return info

    async def _is_owner(self) -> bool:
        """Return whether the token is the owner's; others are refused at the library root."""
        try:
            await self._http.read(
                "/library", parse.container, seconds=self.limits.probe_timeout, tries=1
            )
        except ServiceError as err:
            # Only a refusal says something about the token.
            return not FAILURES[err.failure].reauth
        return True

    async def libraries(self, on_gap: OnGap | None = None) -> tuple[Library, ...]:
        """Return the movie and show sections.

        Unreadable rows are left out and reported to `on_gap`.

        Whether the token is the owner's is checked only when the sections look like another
        owner's: none may be synced (true of some owners too), or they are not the ones seen before.

        Raises ServiceError, with IMPLAUSIBLE when they are another server's under the same keys.
        """
        before = self.libraries_seen
        found = await self._libraries(on_gap)
        doubtful = not any(library.editable for library in found) or {
            library.key for library in found
        } != {library.key for library in before or found}
        return _editable(found, yes=not doubtful or await self._is_owner())

    async def _libraries(self, on_gap: OnGap | None = None) -> tuple[Library, ...]:
        answer = await self._http.read(
            "/library/sections", parse.libraries, seconds=self.limits.probe_timeout, tries=2
        )
        found = answer.content
        for place, name in enumerate(answer.bad):
            if on_gap is not None:
                key = f"row:{name or place}"
                on_gap(Gap(GapKind.LIBRARY, key, name or "?", Failure.IMPLAUSIBLE))
        known = {library.key: library.uuid for library in self.libraries_seen}
        changed = any(one.uuid and known.get(one.key, "") not in {"", one.uuid} for one in found)
        # The same server may have created a library under the number of a deleted one.
        if changed and self._machine_id != await self.identity():
            detail = "the libraries are those of another server"
            raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
        self.libraries_seen, self.all_libraries_seen = found, not answer.bad
        return found

    async def edit(
        self,
        library: Library,
        rating_keys: Sequence[str],
        add: Sequence[str],
        remove: Sequence[str],
    ) -> dict[str, ServiceError]:
        """Add and remove labels on items of one library, in as few requests as possible.

        Returns the items that Plex refused or failed on, with the error; after a timeout or a
        broken connection they may have been edited anyway. For all other items Plex only reported
        success, which it also does for edits that it ignores.

        Raises ServiceError when nothing more can be written, ValueError without items.
        """
        whole = EditPart(tuple(rating_keys), tuple(add), tuple(remove))
        return await self._editor.edit(library, whole)
