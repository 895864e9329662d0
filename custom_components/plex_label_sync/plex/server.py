"""Requests to one Plex Media Server: what it holds, who carries a label, label edits.

Everything here is JSON over Home Assistant's aiohttp session; python-plexapi builds an object
per item, which is an order of magnitude slower on the same listing.
"""

import asyncio
from collections import Counter
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Final

import aiohttp

from ..probe.ports import RequestCounter
from ..server_urls import normalise_url, without_page
from ..sync.model import (
    Failure,
    Gap,
    GapKind,
    Item,
    LabelledItem,
    Library,
    Service,
    ServiceError,
    StoredLabel,
    fold,
)
from ..transport import SMALL_MAX, Sleep, Statistics, Transport
from . import parse
from .editor import Editor
from .edits import TYPE_NUMBERS, EditPart
from .events import Message, listen
from .listing import TRIES, Ask, Listing, OnGap, Read
from .lookups import Lookup
from .parse import ServerInfo
from .pictures import Pictures
from .prober import PlexProber
from .ratings import RatedItem, rated_items, rated_items_with_labels

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


def _all_of_them(items: tuple[Item, ...]) -> tuple[Item, ...]:
    return items


def _is_unambiguous(label: StoredLabel) -> bool:
    """Tell whether a label can be asked for by its text: no "or", and no other label's id."""
    return "," not in label.text and not label.text.isdecimal()


def _batches(rating_keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut keys into as many at a time as one request takes."""
    for start in range(0, len(rating_keys), MULTI_GET_MAX):
        yield rating_keys[start : start + MULTI_GET_MAX]


def _editable(libraries: Iterable[Library], *, yes: bool) -> tuple[Library, ...]:
    return tuple(replace(library, editable=yes) for library in libraries)


def _part(start: int, size: int) -> dict[str, int]:
    """Return the query for a part of a listing."""
    return {"X-Plex-Container-Start": start, "X-Plex-Container-Size": size}


def normalise_plex_url(url: str) -> str:
    """Return a server's base URL from what people paste, such as the address of its web app."""
    return without_page(normalise_url(url), "web")


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
        self._editor = Editor(self._http, lambda: EDIT_TIMEOUT, self._is_alive)
        self.pictures = Pictures(self._http)
        self._machine_id = ""  # as the server said last
        self.libraries_seen: tuple[Library, ...] = ()  # when they were last asked for
        self.all_libraries_seen = True  # no row of them was unreadable then
        self._labels_by_text = False  # the server knows no tag ids
        self._spelled_twice: set[tuple[str, str]] = set()  # library keys and folded labels
        self._places: dict[str, str] | None = None  # libraries by rating key, where rows lack them

    @property
    def statistics(self) -> Statistics:
        """Request counts for diagnostics."""
        return self._http.statistics

    def prober(self, counter: RequestCounter) -> PlexProber:
        """Return the same server as a probe asks it, each request counted."""
        return PlexProber(
            self._http, self._editor, lambda path: self._listen(paths=(path,)), _LEAN, counter
        )

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
        libraries = await self._libraries()
        if not await self._is_owner():
            detail = "the token belongs to somebody who does not own this server"
            raise ServiceError(Service.PLEX, Failure.NOT_OWNER, detail)
        return info, _editable(libraries, yes=True)

    async def identity(self) -> str:
        """Return the machine identifier, which is told without a token. Raises ServiceError."""
        return await self._http.read(
            "/identity", parse.machine_id, seconds=PROBE_TIMEOUT, tries=1, bytes_max=SMALL_MAX
        )

    async def info(self) -> ServerInfo:
        """Return the server's identity and version. Raises ServiceError."""
        info = await self._http.read(
            "/", parse.server_info, seconds=PROBE_TIMEOUT, tries=1, bytes_max=SMALL_MAX
        )
        self._machine_id = info.machine_id
        return info

    async def _is_owner(self) -> bool:
        """Tell whether the token is the owner's: others' are refused at the library root."""
        try:
            await self._http.read("/library", parse.container, seconds=PROBE_TIMEOUT, tries=1)
        except ServiceError as err:
            # Only a refusal says something about the token.
            return err.failure not in {Failure.INVALID_AUTH, Failure.FORBIDDEN}
        return True

    async def libraries(self, on_gap: OnGap | None = None) -> tuple[Library, ...]:
        """Return the movie and show sections.

        Rows that cannot be read are left out, and reported to `on_gap`.

        Whether the token is the owner's is asked where the sections look like somebody else's:
        they may not be synced, which some owners' may not be either, or are not those of before.

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
            "/library/sections", parse.libraries, seconds=PROBE_TIMEOUT, tries=2
        )
        found = answer.content
        for place, name in enumerate(answer.bad):
            if on_gap is not None:
                key = f"row:{name or place}"
                on_gap(Gap(GapKind.LIBRARY, key, name or "?", Failure.IMPLAUSIBLE))
        known = {library.key: library.uuid for library in self.libraries_seen}
        changed = any(one.uuid and known.get(one.key, "") not in {"", one.uuid} for one in found)
        # The same server may have made one anew under the number of another.
        if changed and self._machine_id != await self.identity():
            detail = "the libraries are those of another server"
            raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
        self.libraries_seen, self.all_libraries_seen = found, not answer.bad
        return found

    @asynccontextmanager
    async def _about_a_part(self) -> AsyncIterator[None]:
        """Tell a question that breaks its connection each time from a server that is away."""
        try:
            yield
        except ServiceError as err:
            if err.failure is not Failure.CANNOT_CONNECT or not await self._is_alive():
                raise
            raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, err.detail) from None

    async def pages[T](
        self,
        library: Library,
        pick: Callable[[tuple[Item, ...]], T],
        on_gap: OnGap | None = None,
    ) -> AsyncGenerator[T]:
        """Yield what `pick` makes of all items of a library, page by page, each item once.

        It is called beside the event loop, for several pages at a time, and the items that it
        does not keep are gone before anything else has to walk through them.

        Rows that cannot be read are reported to `on_gap`, and so is a library that changes so
        much that rows may have been missed; without it that raises, for a list that is cut
        short must never look like deletions. Raises ServiceError when nothing can be read.
        """

        def placed(items: tuple[Item, ...]) -> T:
            if self._places is not None:
                self._places.update((item.rating_key, library.key) for item in items)
            return pick(items)

        def read(ask: Ask) -> Coroutine[None, None, parse.Page[T]]:
            # The oldest come first, so that what arrives meanwhile moves nothing.
            return self._list(
                library,
                lambda answer: parse.items(answer, library, placed, ask.passed),
                {**_LEAN, **_part(ask.start, ask.size), "includeGuids": 1, "sort": "addedAt"},
                tries=ask.tries,
            )

        async with self._about_a_part():
            async for picked in self._listing(library, read, on_gap):
                yield picked

    def _listing[T](
        self, library: Library, read: Read[T], on_gap: OnGap | None = None
    ) -> AsyncGenerator[T]:
        listing = Listing(
            library,
            read,
            page_size=PAGE_SIZE,
            readers=READERS,
            on_gap=on_gap,
            alive=self._is_alive,
        )
        return listing.pages()

    async def _is_alive(self) -> bool:
        """Tell whether the server answers anything: if not, no part of a question is to blame."""
        try:
            await self.identity()
        except ServiceError:
            return False
        return True

    async def newest(self, library: Library, limit: int) -> tuple[tuple[Item, ...], int]:
        """Return about `limit` items, those added last first, and how many there are in all.

        Raises ServiceError.
        """
        page = await self._items(library, limit, sort="addedAt:desc")
        return page.content, page.total

    async def with_plex_id(self, library: Library, plex_id: str) -> tuple[Item, ...]:
        """Return the items whose primary guid is `plex:<hex>`. Raises ServiceError.

        Plex ignores filters that it does not understand and answers everything: rows of other
        titles are dropped here.
        """
        guid = f"plex://{library.type}/{plex_id.removeprefix('plex:')}"
        page = await self._items(library, PAGE_SIZE, guid=guid)
        return tuple(item for item in page.content if plex_id in item.ids)

    async def _items(
        self, library: Library, size: int, **query: str
    ) -> parse.Page[tuple[Item, ...]]:
        """Return the first rows of a listing, without those that cannot be understood."""
        async with self._about_a_part():
            return await self._list(
                library,
                lambda answer: parse.items(answer, library, _all_of_them),
                {**_LEAN, **_part(0, size), "includeGuids": 1, **query},
            )

    async def _list[T](
        self,
        library: Library,
        understand: Callable[[object], T],
        query: Mapping[str, str | int],
        tries: int = TRIES,
    ) -> T:
        return await self._http.read(
            f"/library/sections/{library.key}/all",
            understand,
            query={"type": TYPE_NUMBERS[library.type], **query},
            seconds=READ_TIMEOUT,
            tries=tries,
        )

    async def labels(
        self, library: Library, on_gap: OnGap | None = None
    ) -> tuple[StoredLabel, ...]:
        """Return the labels that items of a library carry.

        Rows that cannot be read are reported to `on_gap`, or raise; the key of one whose label
        is not known ends with a slash. Raises ServiceError.
        """
        async with self._about_a_part():
            answer = await self._http.read(
                f"/library/sections/{library.key}/label",
                parse.stored_labels,
                query={"type": TYPE_NUMBERS[library.type]},
                seconds=READ_TIMEOUT,
            )
        labels = answer.content
        for text in answer.bad:
            if on_gap is None:
                detail = f"library {library.name} has a label that cannot be read"
                raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
            name = text or library.name
            on_gap(Gap(GapKind.LABEL, f"{library.key}/{text}", name, Failure.IMPLAUSIBLE))
        spellings = Counter((library.key, fold(one.text)) for one in labels)
        self._spelled_twice |= {one for one, count in spellings.items() if count > 1}
        return labels

    async def carriers(self, library: Library, label: StoredLabel) -> frozenset[str]:
        """Return the rating keys of all items of a library that carry a label.

        Asked by tag id, because a comma in a label's text would mean "or". A label that is
        listed has carriers: where there are none, the server may know labels by text alone.
        All come in one answer; only where a server gives less is it asked for the rest.
        Raises ServiceError.
        """
        if not self._labels_by_text:
            carriers = await self._carriers(library, label.id)
            is_one_of_two = (library.key, fold(label.text)) in self._spelled_twice
            if carriers or is_one_of_two or not _is_unambiguous(label):
                return carriers  # its text would tell of other labels
            carriers = await self._carriers(library, label.text)
            # One answer that told of nobody does not say that ids mean nothing here.
            if carriers and (again := await self._carriers(library, label.id)):
                return again
            self._labels_by_text = bool(carriers)
            return carriers
        if not _is_unambiguous(label):
            detail = f"library {library.name} cannot be asked for a label"
            raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
        return await self._carriers(library, label.text)

    async def _carriers(self, library: Library, label: str) -> frozenset[str]:
        query = {**_LEAN, "label": label}

        def read(ask: Ask) -> Coroutine[None, None, parse.Page[tuple[str, ...]]]:
            return self._list(
                library,
                lambda answer: parse.rating_keys(answer, ask.passed),
                {**query, **(_part(ask.start, ask.size) if ask.start else {})},
            )

        async with self._about_a_part():
            return frozenset([key async for keys in self._listing(library, read) for key in keys])

    async def count_without(self, library: Library, label: StoredLabel) -> int:
        """Return how many items of a library do not carry a label. Raises ServiceError."""
        value = label.text if self._labels_by_text else label.id
        async with self._about_a_part():
            return await self._list(library, parse.total, {"label!": value, **_part(0, 0)})

    async def with_title(self, library: Library, text: str, limit: int) -> tuple[Item, ...]:
        """Return at most `limit` items with a text in their title, in any case.

        Plex ignores filters that it does not understand: other titles are dropped here.
        Raises ServiceError.
        """
        page = await self._items(library, limit, title=text)
        return tuple(item for item in page.content if text.casefold() in item.title.casefold())

    async def existing(self, rating_keys: Sequence[str]) -> frozenset[str]:
        """Return those of the rating keys under which there is an item. Raises ServiceError."""
        there: set[str] = set()
        for batch in _batches(rating_keys):
            try:
                there |= await self._metadata(batch, parse.item_keys)
            except ServiceError as err:
                if err.failure is not Failure.NOT_FOUND:  # said only when none of them is there
                    raise
        return frozenset(there)

    async def labelled(
        self, rating_keys: Sequence[str], on_gap: OnGap | None = None
    ) -> tuple[LabelledItem, ...]:
        """Return those of the movies and shows that are there, with all their labels.

        What is neither returned nor reported to `on_gap` is not there. Without `on_gap` one item
        that cannot be read is enough to raise ServiceError.
        """

        def ask(keys: Sequence[str], tries: int) -> Awaitable[parse.Labelled]:
            return self._metadata(keys, parse.labelled_items, tries)

        lookup = Lookup(ask, on_gap, alive=self._is_alive, place=self._place_of, tries=TRIES)
        async with self._about_a_part():
            return await lookup.read(_batches(tuple(dict.fromkeys(rating_keys))))

    def _place_of(self, item: Item) -> str:
        """Return the library of an item whose row does not tell; listings tell it from now on."""
        if self._places is None:
            self._places = {}
        same = [library.key for library in self.libraries_seen if library.type is item.type]
        return same[0] if len(same) == 1 else self._places.get(item.rating_key, "")

    async def rated_pages[T](
        self, library: Library, pick: Callable[[tuple[RatedItem, ...]], T]
    ) -> AsyncGenerator[T]:
        """Yield what `pick` makes of all items of a library and their content ratings.

        As `pages` does, and raises as it does.
        """

        def read(ask: Ask) -> Coroutine[None, None, parse.Page[T]]:
            return self._list(
                library,
                lambda answer: rated_items(answer, library, pick, ask.passed),
                {**_LEAN, **_part(ask.start, ask.size), "includeGuids": 1, "sort": "addedAt"},
                tries=ask.tries,
            )

        async for picked in self._listing(library, read):
            yield picked

    async def rated(self, rating_keys: Sequence[str]) -> tuple[RatedItem, ...]:
        """Return those of the movies and shows that are there, with labels and content ratings.

        Raises ServiceError.
        """
        found: list[RatedItem] = []
        for batch in _batches(tuple(dict.fromkeys(rating_keys))):
            try:
                found += await self._metadata(batch, rated_items_with_labels)
            except ServiceError as err:
                if err.failure is not Failure.NOT_FOUND:  # said only when none of them is there
                    raise
        return tuple(found)

    async def _metadata[T](
        self, rating_keys: Sequence[str], understand: Callable[[object], T], tries: int = TRIES
    ) -> T:
        """Return what Plex knows of at most MULTI_GET_MAX items.

        Plex leaves out silently what is not there, and answers 404 when nothing is. It shall
        not look at the files first: that takes long, and is announced like a change.
        """
        return await self._http.read(
            f"/library/metadata/{','.join(rating_keys)}",
            understand,
            query={**_LEAN, "includeGuids": 1, "skipRefresh": 1},
            seconds=READ_TIMEOUT,
            tries=tries,
        )

    async def edit(
        self,
        library: Library,
        rating_keys: Sequence[str],
        add: Sequence[str],
        remove: Sequence[str],
    ) -> dict[str, ServiceError]:
        """Add and remove labels on items of one library, in as few requests as will go.

        Returns the items that Plex refused or failed on, with why; after a timeout or a broken
        connection they may be edited all the same. That an item is not in there means only
        that Plex said yes: it says so to edits that it ignores.

        Raises ServiceError when Plex cannot be asked any more, ValueError without items.
        """
        whole = EditPart(tuple(rating_keys), tuple(add), tuple(remove))
        return await self._editor.edit(library, whole)
