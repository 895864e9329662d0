"""Sends edits of labels, one after the other."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
import logging
from typing import Final

from ..sync.model import UNREACHABLE, Failure, Library, ServiceError
from ..transport import Transport
from .edits import EditPart, edit_parts, edit_query
from .listing import TRIES

_LOGGER = logging.getLogger(__name__)

# A timeout is met with smaller edits rather than with the same one again.
_EDIT_REFUSALS: Final = frozenset({Failure.REJECTED, Failure.TIMEOUT})
_EDIT_RETRIES: Final = UNREACHABLE - _EDIT_REFUSALS
BROKEN_MAX: Final = 3  # items that cannot be written and no other that can: then nothing can


class Editor:
    """The one writer of a server."""

    def __init__(self, http: Transport, seconds: Callable[[], float]) -> None:
        """`seconds` tells how long one edit may take."""
        self._http = http
        self._seconds = seconds
        self._writer = asyncio.Lock()
        self._broken: set[str] = set()  # items that Plex failed on since it did anything else

    async def edit(
        self, library: Library, whole: EditPart, tries: int = TRIES
    ) -> dict[str, ServiceError]:
        """Return the items that Plex refused, with why. Raises ServiceError and ValueError."""
        refused: dict[str, ServiceError] = {}
        path = f"/library/sections/{library.key}/all"
        async with self._writer:
            for part in edit_parts(library.type, whole, path_bytes=len(path)):
                await self._edit_some(path, library, part, refused, tries)
        return refused

    async def _edit_some(
        self,
        path: str,
        library: Library,
        part: EditPart,
        refused: dict[str, ServiceError],
        tries: int,
    ) -> None:
        """Send one edit; halve it while Plex finds it too long, takes too long or fails over it.

        A halved edit may have been applied already: adding and removing twice does no harm.
        Plex hangs when it takes too long over a single item: then no more edits are sent.
        """
        query = edit_query(library.type, part)
        try:
            await self._http.send(
                "PUT",
                path,
                query=query,
                seconds=self._seconds(),
                tries=tries,
                retry_on=_EDIT_RETRIES,
            )
        except ServiceError as err:
            failed_inside = err.status == HTTPStatus.INTERNAL_SERVER_ERROR
            if err.failure not in _EDIT_REFUSALS and not failed_inside:
                raise
            if len(part.rating_keys) == 1:
                self._refuse(part.rating_keys[0], err)
                refused[part.rating_keys[0]] = err
                return
            _LOGGER.debug("Halving an edit of %d items: %s", len(part.rating_keys), err)
            for half in part.halves():
                # That it passes was waited for with the whole.
                await self._edit_some(path, library, half, refused, 1 if failed_inside else tries)
        else:
            self._broken.clear()

    def _refuse(self, rating_key: str, err: ServiceError) -> None:
        """Take in that an item cannot be written; raise it when that is about more than the item."""
        if err.failure is Failure.TIMEOUT:
            raise err
        if err.failure is not Failure.REJECTED:
            self._broken.add(rating_key)
            if len(self._broken) >= BROKEN_MAX:
                raise err
