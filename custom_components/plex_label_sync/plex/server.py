"""Requests to one Plex Media Server: what it holds, who carries a label, label edits.

Everything here is JSON over Home Assistant's aiohttp session; python-plexapi builds an object
per item, which is an order of magnitude slower on the same listing.
"""

import asyncio
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    Mapping,
    MutableSequence,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from functools import partial
import logging
import re
from typing import Any, Final

import aiohttp

from ..sync.model import (
    UNREACHABLE,
    Failure,
    Item,
    LabelledItem,
    Library,
    Service,
    ServiceError,
    StoredLabel,
)
from ..transport import Sleep, Statistics, Transport, normalise_url
from . import parse
from .edits import TYPE_NUMBERS, EditPart, edit_parts, edit_query
from .events import Message, listen
from .parse import ServerInfo

_LOGGER = logging.getLogger(__name__)

PAGE_SIZE: Final = 1000  # rows; about 0.3 MB when Plex follows the wishes below
MULTI_GET_MAX: Final = 200  # items; 240 in one address were seen to work
PRODUCT: Final = "Plex Label Sync"  # what Plex calls us in its lists of devices
PROBE_TIMEOUT: Final = 15.0  # seconds, while somebody waits at a form
READ_TIMEOUT: Final = 45.0  # seconds
EDIT_TIMEOUT: Final = 60.0  # seconds
READERS: Final = 2  # requests at a time: the server has one database writer and slow reads

# Wishes, not guarantees: Plex leaves these out of listing rows where it can.
_LEAN: Final[Mapping[str, str | int]] = {
    "excludeElements": "Media,Genre,Country,Director,Writer,Role,Producer,Rating,Image,"
    "Collection,UltraBlurColors",
    "excludeFields": "summary,tagline,thumb,art,theme",
}
# A timeout is met with smaller edits rather than with the same one again.
_EDIT_REFUSALS: Final = frozenset({Failure.REJECTED, Failure.TIMEOUT})
_EDIT_RETRIES: Final = UNREACHABLE - _EDIT_REFUSALS


def _all_of_them(items: tuple[Item, ...]) -> tuple[Item, ...]:
    return items


async def _given_up(tasks: MutableSequence[asyncio.Task[Any]]) -> None:
    """End tasks whose results nobody wants any more, and see that they are over."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    tasks.clear()


def _part(start: int, size: int) -> dict[str, int]:
    """Return the query for a part of a listing."""
    return {"X-Plex-Container-Start": start, "X-Plex-Container-Size": size}


def normalise_plex_url(url: str) -> str:
    """Return a server's base URL from what people paste, such as the address of its web app."""
    base = normalise_url(url)
    return re.split(r"/web(?:/|$)", base, maxsplit=1)[0].rstrip("/")


class PlexClient:
    """One Plex Media Server, seen with one token."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        token: str,
        *,
        client_id: str,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`client_id` names this installation to Plex and must stay the same."""
        headers = {
            "Accept": "application/json",
            # What no header can carry is no token either: Plex shall say so.
            "X-Plex-Token": token if token.isprintable() else "",
            "X-Plex-Client-Identifier": client_id,
            "X-Plex-Product": PRODUCT,
        }
        self._http = Transport(session, Service.PLEX, url, headers, limit=READERS, sleep=sleep)
        self._listen = partial(listen, session, url, headers)
        self._writer = asyncio.Lock()
        self.libraries_seen: tuple[Library, ...] = ()  # when they were last asked for

    @property
    def statistics(self) -> Statistics:
        """Request counts for diagnostics."""
        return self._http.statistics

    def listen(self) -> AbstractAsyncContextManager[AsyncIterator[Message]]:
        """Connect to what the server tells its listeners. Raises ServiceError when that fails."""
        return self._listen()

    async def check(self) -> tuple[ServerInfo, tuple[Library, ...]]:
        """Return who the server is and its libraries, when the token may edit labels.

        Raises ServiceError with WRONG_SERVICE, INVALID_AUTH, NOT_OWNER or why it did not answer.
        """
        try:
            await self.identity()
        except ServiceError as err:
            if err.unreachable or err.failure is Failure.SSL_ERROR:
                raise
            raise ServiceError(Service.PLEX, Failure.WRONG_SERVICE, err.detail) from err
        info = await self.info()
        libraries = await self.libraries()
        if not await self._may_edit(libraries):
            detail = "the token belongs to somebody who does not own this server"
            raise ServiceError(Service.PLEX, Failure.NOT_OWNER, detail)
        return info, libraries

    async def identity(self) -> str:
        """Return the machine identifier, which is told without a token. Raises ServiceError."""
        return await self._http.read("/identity", parse.machine_id, seconds=PROBE_TIMEOUT, tries=1)

    async def info(self) -> ServerInfo:
        """Return the server's identity and version. Raises ServiceError."""
        return await self._http.read("/", parse.server_info, seconds=PROBE_TIMEOUT, tries=1)

    async def _may_edit(self, libraries: Sequence[Library]) -> bool:
        """Tell whether the token is the owner's.

        Others' tokens are refused at the library root, and their sections deny syncing.
        """
        if libraries and not any(library.editable for library in libraries):
            return False
        try:
            await self._http.read("/library", parse.container, seconds=PROBE_TIMEOUT, tries=1)
        except ServiceError as err:
            # Only a refusal says something about the token.
            return err.failure not in {Failure.INVALID_AUTH, Failure.FORBIDDEN}
        return True

    async def libraries(self) -> tuple[Library, ...]:
        """Return the movie and show sections.

        Raises ServiceError, with IMPLAUSIBLE when they are another server's under the same keys.
        """
        found = await self._http.read(
            "/library/sections", parse.libraries, seconds=PROBE_TIMEOUT, tries=2
        )
        known = {library.key: library.uuid for library in self.libraries_seen}
        if any(one.uuid and known.get(one.key, "") not in {"", one.uuid} for one in found):
            detail = "the libraries are those of another server, or were made anew"
            raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
        self.libraries_seen = found
        return found

    async def pages[T](
        self, library: Library, pick: Callable[[tuple[Item, ...]], T]
    ) -> AsyncGenerator[T]:
        """Yield what `pick` makes of all items of a library, page by page.

        It is called beside the event loop, for several pages at a time, and the items that it
        does not keep are gone before anything else has to walk through them.

        Raises ServiceError, with IMPLAUSIBLE when rows are missing or the library changed
        between two pages: a list that is cut short must never look like deletions.
        """
        async for picked in self._all(
            library, lambda start: self._items(library, PAGE_SIZE, pick, start)
        ):
            yield picked

    async def _all[T](
        self, library: Library, read: Callable[[int], Coroutine[None, None, parse.Page[T]]]
    ) -> AsyncGenerator[T]:
        """Yield the contents of all pages; `read` reads the page that starts at a row.

        While pages come as long as they were asked for, the next ones are on their way already.
        """
        start = 0
        total: int | None = None
        coming: deque[asyncio.Task[parse.Page[T]]] = deque()
        try:
            while total is None or start < total:
                if not coming:
                    coming.append(asyncio.ensure_future(read(start)))
                page = await coming.popleft()
                if page.offset != start or total not in {None, page.total}:
                    raise self._implausible(library, "changed while it was read")
                total = page.total
                if not page.size and start < total:
                    raise self._implausible(library, f"lists {start} of {total} items")
                start += page.size
                if page.size == PAGE_SIZE:
                    begun = start + len(coming) * PAGE_SIZE
                    for one in range(begun, total, PAGE_SIZE)[: READERS - len(coming)]:
                        coming.append(asyncio.ensure_future(read(one)))
                else:
                    await _given_up(coming)  # the next page does not start where these do
                yield page.content
        finally:
            await _given_up(coming)

    async def newest(self, library: Library, limit: int) -> tuple[tuple[Item, ...], int]:
        """Return about `limit` items, those added last first, and how many there are in all.

        Raises ServiceError.
        """
        page = await self._items(library, limit, _all_of_them, sort="addedAt:desc")
        return page.content, page.total

    async def with_plex_id(self, library: Library, plex_id: str) -> tuple[Item, ...]:
        """Return the items whose primary guid is `plex:<hex>`. Raises ServiceError.

        Plex ignores filters that it does not understand and answers everything: rows of other
        titles are dropped here.
        """
        guid = f"plex://{library.type}/{plex_id.removeprefix('plex:')}"
        page = await self._items(library, PAGE_SIZE, _all_of_them, guid=guid)
        return tuple(item for item in page.content if plex_id in item.ids)

    async def _items[T](
        self,
        library: Library,
        size: int,
        pick: Callable[[tuple[Item, ...]], T],
        start: int = 0,
        **query: str,
    ) -> parse.Page[T]:
        return await self._list(
            library,
            lambda answer: parse.items(answer, library, pick),
            {**_LEAN, **_part(start, size), "includeGuids": 1, **query},
        )

    async def _list[T](
        self, library: Library, understand: Callable[[object], T], query: Mapping[str, str | int]
    ) -> T:
        return await self._http.read(
            f"/library/sections/{library.key}/all",
            understand,
            query={"type": TYPE_NUMBERS[library.type], **query},
            seconds=READ_TIMEOUT,
        )

    async def labels(self, library: Library) -> tuple[StoredLabel, ...]:
        """Return the labels that items of a library carry. Raises ServiceError."""
        return await self._http.read(
            f"/library/sections/{library.key}/label",
            parse.stored_labels,
            query={"type": TYPE_NUMBERS[library.type]},
            seconds=READ_TIMEOUT,
        )

    async def carriers(self, library: Library, label: StoredLabel) -> frozenset[str]:
        """Return the rating keys of all items of a library that carry a label.

        Asked by tag id, because a comma in a label's text would mean "or". All come in one
        answer; only where a server gives less is it asked for the rest. Raises ServiceError.
        """
        query = {**_LEAN, "label": label.id}

        async def read(start: int) -> parse.Page[tuple[str, ...]]:
            part = _part(start, PAGE_SIZE) if start else {}
            return await self._list(library, parse.rating_keys, {**query, **part})

        return frozenset([key async for keys in self._all(library, read) for key in keys])

    async def count_without(self, library: Library, label: StoredLabel) -> int:
        """Return how many items of a library do not carry a label. Raises ServiceError."""
        return await self._list(library, parse.total, {"label!": label.id, **_part(0, 0)})

    async def with_title(self, library: Library, text: str, limit: int) -> tuple[Item, ...]:
        """Return at most `limit` items with a text in their title, in any case.

        Plex ignores filters that it does not understand: other titles are dropped here.
        Raises ServiceError.
        """
        page = await self._items(library, limit, _all_of_them, title=text)
        return tuple(item for item in page.content if text.casefold() in item.title.casefold())

    async def existing(self, rating_keys: Sequence[str]) -> frozenset[str]:
        """Return those of the rating keys under which there is an item. Raises ServiceError."""
        there = await self._metadata(rating_keys, parse.item_keys)
        return frozenset(key for some in there for key in some)

    async def labelled(self, rating_keys: Sequence[str]) -> tuple[LabelledItem, ...]:
        """Return those of the movies and shows that are there, with all their labels.

        Raises ServiceError.
        """
        found = await self._metadata(rating_keys, parse.labelled_items)
        return tuple(one for some in found for one in some)

    async def rated_pages[T](
        self, library: Library, pick: Callable[[tuple[parse.RatedItem, ...]], T]
    ) -> AsyncGenerator[T]:
        """Yield what `pick` makes of all items of a library and their content ratings.

        As `pages` does, and raises as it does.
        """

        async def read(start: int) -> parse.Page[T]:
            query = {**_LEAN, **_part(start, PAGE_SIZE), "includeGuids": 1}
            return await self._list(
                library, lambda answer: parse.rated_items(answer, library, pick), query
            )

        async for picked in self._all(library, read):
            yield picked

    async def rated(self, rating_keys: Sequence[str]) -> tuple[parse.RatedItem, ...]:
        """Return those of the movies and shows that are there, with labels and content ratings.

        Raises ServiceError.
        """
        found = await self._metadata(rating_keys, parse.rated_items_with_labels)
        return tuple(one for some in found for one in some)

    async def _metadata[T](
        self, rating_keys: Sequence[str], understand: Callable[[object], T]
    ) -> list[T]:
        """Return what Plex knows of some items, MULTI_GET_MAX of them with each request.

        Plex leaves out silently what is not there, and answers 404 when nothing is.
        """
        answers: list[T] = []
        for start in range(0, len(rating_keys), MULTI_GET_MAX):
            some = ",".join(rating_keys[start : start + MULTI_GET_MAX])
            try:
                answers.append(
                    await self._http.read(
                        f"/library/metadata/{some}",
                        understand,
                        query={**_LEAN, "includeGuids": 1},
                        seconds=READ_TIMEOUT,
                    )
                )
            except ServiceError as err:
                if err.failure is not Failure.NOT_FOUND:
                    raise
        return answers

    async def edit(
        self,
        library: Library,
        rating_keys: Sequence[str],
        add: Sequence[str],
        remove: Sequence[str],
    ) -> dict[str, ServiceError]:
        """Add and remove labels on items of one library, in as few requests as will go.

        Returns the items that Plex refused, with why. That an item is not in there means only
        that Plex said yes: it says so to edits that it ignores.

        Raises ServiceError when Plex cannot be asked any more, ValueError without items.
        """
        refused: dict[str, ServiceError] = {}
        path = f"/library/sections/{library.key}/all"
        async with self._writer:
            whole = EditPart(tuple(rating_keys), tuple(add), tuple(remove))
            for part in edit_parts(library.type, whole, path_bytes=len(path)):
                await self._edit_some(path, library, part, refused)
        return refused

    async def _edit_some(
        self, path: str, library: Library, part: EditPart, refused: dict[str, ServiceError]
    ) -> None:
        """Send one edit; halve it while Plex finds it too long or takes too long over it.

        A halved edit may have been applied already: adding and removing twice does no harm.
        Plex hangs when it takes too long over a single item: then no more edits are sent.
        """
        query = edit_query(library.type, part)
        try:
            await self._http.send(
                "PUT", path, query=query, seconds=EDIT_TIMEOUT, retry_on=_EDIT_RETRIES
            )
        except ServiceError as err:
            if err.failure not in _EDIT_REFUSALS:
                raise
            if len(part.rating_keys) == 1:
                if err.failure is Failure.TIMEOUT:
                    raise
                refused[part.rating_keys[0]] = err
                return
            _LOGGER.debug("Halving an edit of %d items: %s", len(part.rating_keys), err)
            for half in part.halves():
                await self._edit_some(path, library, half, refused)

    def _implausible(self, library: Library, what: str) -> ServiceError:
        return ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, f"library {library.name} {what}")
