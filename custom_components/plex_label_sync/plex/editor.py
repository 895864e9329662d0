"""Send label edits to Plex, one at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
import logging
from typing import Final

from ..sync.failures import FAILURES, PASSING
from ..sync.model import Failure, Library, ServiceError
from ..sync.threads import in_thread
from ..transport import Transport
from .edits import EditPart, edit_parts, edit_query
from .listing import TRIES

_LOGGER = logging.getLogger(__name__)

# After a timeout, smaller edits are sent instead of the same one again.
_EDIT_RETRIES: Final = frozenset(one for one in PASSING if not FAILURES[one].halves)
# Status codes of Plex, or of a proxy in front of it, for an edit that is too large.
_FAILED_INSIDE: Final = frozenset(
    {
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
BROKEN_MAX: Final = 2  # items that failed alone since the last write, before an edit is given up


type _Labels = tuple[tuple[str, ...], tuple[str, ...]]  # the labels that an edit adds and removes


@dataclass(slots=True)
class _Failures:
    """Failures in one library since the last successful edit there."""

    broken: dict[str, _Labels] = field(default_factory=dict)  # items that failed alone
    given_up: _Labels | None = None  # an edit that failed regardless of its items


class Editor:
    """The server's only writer; sends one edit at a time."""

    def __init__(
        self,
        http: Transport,
        seconds: Callable[[], float],
        alive: Callable[[], Awaitable[bool]],
    ) -> None:
        """Initialize with the timeout of one edit (`seconds`) and a check for a live server."""
        self._http = http
        self._seconds = seconds
        self._alive = alive
        self._writer = asyncio.Lock()
        self._failures: dict[str, _Failures] = {}  # by library
        self._failed_items: set[str] = set()  # items that failed last time; they are sent alone

    async def edit(self, library: Library, whole: EditPart) -> dict[str, ServiceError]:
        """Send an edit; return the items that Plex refused or failed on, with the error.

        After a timeout or a broken connection, the item may have been edited anyway. Raises
        ServiceError when nothing more can be written to the library, with CANNOT_CONNECT only when
        the server is unavailable, and ValueError without items.
        """
        refused: dict[str, ServiceError] = {}
        failures = self._failures.setdefault(library.key, _Failures())
        labels = whole.add, whole.remove
        path = _path(library)
        async with self._writer:
            parts = await in_thread(self._parts, library, whole, len(path))
            waiting = [(one, TRIES) for one in parts]
            while waiting:
                part, tries = waiting.pop()
                if (err := await self._send(path, library, part, tries, failures)) is None:
                    continue
                if _is_permanent(err, failures, labels):
                    failures.given_up = labels
                    # Plex fails on this edit regardless of its items: the next one may work.
                    refused |= dict.fromkeys(part.rating_keys, err)
                    unsent = ServiceError(
                        err.service, Failure.BUSY, "not tried after others failed"
                    )
                    for left, _ in waiting:
                        refused |= dict.fromkeys(left.rating_keys, unsent)
                    return refused
                if len(part.rating_keys) == 1:
                    (key,) = part.rating_keys
                    refused[key] = err
                    if err.failure is not Failure.REJECTED:
                        self._failed_items.add(key)
                        failures.broken[key] = labels
                    continue
                _LOGGER.debug("Halving an edit of %d items: %s", len(part.rating_keys), err)
                # Passing failures were already retried with the whole edit.
                again = TRIES if FAILURES[err.failure].halves else 1
                waiting += [(half, again) for half in reversed(part.halves())]
        return refused

    async def edit_once(self, library: Library, part: EditPart) -> None:
        """Send one edit once, unchanged. Raises ServiceError, and ValueError without items."""
        query = edit_query(library.type, part)
        async with self._writer:
            await self._http.send(
                "PUT", _path(library), query=query, seconds=self._seconds(), tries=1
            )

    def _parts(self, library: Library, whole: EditPart, path_bytes: int) -> list[EditPart]:
        """Return the requests to send, last one first; items that failed before are sent alone."""
        apart = [key for key in whole.rating_keys if key in self._failed_items]
        rest = tuple(key for key in whole.rating_keys if key not in self._failed_items)
        groups = [rest] if rest or not apart else []
        groups += [(key,) for key in apart]
        parts = [
            part
            for keys in groups
            for part in edit_parts(
                library.type, replace(whole, rating_keys=keys), path_bytes=path_bytes
            )
        ]
        return parts[::-1]

    async def _send(
        self, path: str, library: Library, part: EditPart, tries: int, failures: _Failures
    ) -> ServiceError | None:
        """Send one edit; return the error if smaller edits or other ones may still succeed.

        Parts of a halved edit may have been applied already: adding or removing twice is harmless.
        Raises ServiceError when the server is unavailable or accepts no edit at all.
        """
        try:
            await self._http.send(
                "PUT",
                path,
                query=edit_query(library.type, part),
                seconds=self._seconds(),
                tries=tries,
                retry_on=_EDIT_RETRIES,
            )
        except ServiceError as err:
            if err.failure is Failure.REJECTED:
                return err
            of_a_part = FAILURES[err.failure].unanswered or err.status in _FAILED_INSIDE
            may_be_busy = err.failure is Failure.TIMEOUT and len(part.rating_keys) > 1
            if not of_a_part or not (may_be_busy or await self._alive()):
                raise
            return err
        failures.broken.clear()
        failures.given_up = None
        self._failed_items.difference_update(part.rating_keys)
        return None


def _path(library: Library) -> str:
    return f"/library/sections/{library.key}/all"


def _is_permanent(err: ServiceError, failures: _Failures, labels: _Labels) -> bool:
    """Return whether an edit fails regardless of its items; raise its error if others did before.

    A hanging Plex hangs on every edit: only a few may wait for it.
    """
    if err.failure is Failure.REJECTED:
        return False
    if failures.given_up not in {None, labels} or (
        len(failures.broken) >= BROKEN_MAX
        and any(one != labels for one in failures.broken.values())
    ):
        if err.failure is Failure.CANNOT_CONNECT:  # although the server answers everything else
            raise ServiceError(err.service, Failure.IMPLAUSIBLE, err.detail) from None
        raise err
    return len(failures.broken) >= BROKEN_MAX
