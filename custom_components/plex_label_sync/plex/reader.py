"""Read a Plex server's items, labels and ratings, in parts that may fail independently."""

from collections import Counter
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Mapping,
    Sequence,
    Set as AbstractSet,
)
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Final

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
from ..transport import SMALL_MAX, Answer, Transport
from . import item_answers, parse
from .edits import TYPE_NUMBERS
from .limits import USUAL, PlexLimits
from .listing import TRIES, Listing, OnGap, PageRequest, Read
from .lookups import Lookup
from .newest import newest_rows
from .page_size import LargePages
from .queries import LEAN, is_unambiguous, oldest_first, part
from .ratings import RatedItem, rated_items, rated_items_with_labels

READERS: Final = 2  # requests at a time: the server has one database writer and slow reads


class PlexReader:
    """Reads items and labels with one token. A failed part does not mean a failed server."""

    def __init__(self, http: Transport, limits: PlexLimits = USUAL) -> None:
        """Initialize with `http`, which sends the token and identifies the client."""
        self._http = http
        self._large_pages = LargePages()
        self.limits = limits
        self.libraries_seen: tuple[Library, ...] = ()  # as of the last request
        self._labels_by_text = False  # the server does not know tag ids
        self._spelled_twice: set[tuple[str, str]] = set()  # library keys and folded labels
        self._unreadable: dict[str, Failure] = {}
        self._unreadable_rows: dict[str, list[int]] = {}  # among the newest, by library
        self._library_by_item: dict[str, str] | None = (
            None  # libraries by rating key, if rows lack them
        )

    @property
    def items_per_request(self) -> int:
        """How many items `labelled` reads with one request."""
        return self.limits.items_per_request

    @property
    def unreadable(self) -> AbstractSet[str]:
        """The items that could not be read when they were last requested, by rating key."""
        return self._unreadable.keys()

    async def identity(self) -> str:
        """Return the machine identifier, which needs no token. Raises ServiceError."""
        return await self._http.read(
            "/identity",
            parse.machine_id,
            seconds=self.limits.probe_timeout,
            tries=1,
            bytes_max=SMALL_MAX,
        )

    @asynccontextmanager
    async def _about_a_part(self) -> AsyncIterator[None]:
        """Distinguish a request that breaks its connection each time from an unavailable server."""
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

        `pick` runs outside the event loop, for several pages at a time; items that it does not keep
        are freed at once.

        Unreadable rows are reported to `on_gap`, and so is a library that changes so much that rows
        may have been missed. Without `on_gap` that raises, because a list that is cut short must
        never look like deletions. Raises ServiceError when nothing can be read.
        """

        def placed(items: tuple[Item, ...]) -> T:
            if self._library_by_item is not None:
                self._library_by_item.update((item.rating_key, library.key) for item in items)
            return pick(items)

        def read(request: PageRequest) -> Coroutine[None, None, parse.Page[T]]:
            return self._page(
                library,
                lambda answer: parse.items(answer, library, placed, request.passed),
                oldest_first(request),
                tries=request.tries,
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
            limits=self.limits,
            large=self._large_pages,
            readers=READERS,
            on_gap=on_gap,
            alive=self._is_alive,
        )
        return listing.pages()

    async def _is_alive(self) -> bool:
        """Return whether the server answers at all: if not, no part of a request is at fault."""
        try:
            await self.identity()
        except ServiceError:
            return False
        return True

    async def newest(
        self, library: Library, limit: int, on_gap: OnGap | None = None
    ) -> tuple[tuple[Item, ...], int]:
        """Return about `limit` items, newest first, and the number of all; see `newest_rows`."""

        def read(start: int, size: int, tries: int) -> Awaitable[parse.Page[tuple[Item, ...]]]:
            return self._items(library, size, start, tries, sort="addedAt:desc")

        bad = self._unreadable_rows
        return await newest_rows(library, limit, read, on_gap, alive=self._is_alive, unreadable=bad)

    async def has_row(self, library: Library, row: int) -> bool:
        """Return whether a row of a listing, oldest first, can be read. Raises ServiceError."""
        page = await self._items(library, 1, row, sort="addedAt")
        return not page.bad

    async def with_plex_id(self, library: Library, plex_id: str) -> tuple[Item, ...]:
        """Return the items whose primary guid is `plex:<hex>`. Raises ServiceError.

        Plex ignores unknown filters and returns everything, so rows of other titles are dropped
        here.
        """
        guid = f"plex://{library.type}/{plex_id.removeprefix('plex:')}"
        page = await self._items(library, self.limits.page_rows, guid=guid)
        return tuple(item for item in page.content if plex_id in item.ids)

    async def _items(
        self, library: Library, size: int, start: int = 0, tries: int = TRIES, **query: str
    ) -> parse.Page[tuple[Item, ...]]:
        """Return some rows of a listing without the unreadable ones."""
        async with self._about_a_part():
            return await self._list(
                library,
                lambda answer: parse.items(answer, library, tuple),
                {**LEAN, **part(start, size), "includeGuids": 1, **query},
                tries,
            )

    async def _list[T](
        self,
        library: Library,
        understand: Callable[[object], T],
        query: Mapping[str, str | int],
        tries: int = TRIES,
        note: Callable[[Answer], object] | None = None,
    ) -> T:
        return await self._http.read(
            f"/library/sections/{library.key}/all",
            understand,
            query={"type": TYPE_NUMBERS[library.type], **query},
            seconds=self.limits.read_timeout,
            tries=tries,
            note=note,
        )

    async def _page[T](
        self,
        library: Library,
        understand: Callable[[object], parse.Page[T]],
        query: Mapping[str, str | int],
        tries: int,
    ) -> parse.Page[T]:
        """Return a page with the size and duration of its answer."""
        bytes_in, seconds = 0, 0.0

        def note(answer: Answer) -> None:
            nonlocal bytes_in, seconds
            bytes_in, seconds = len(answer.body), answer.seconds

        page = await self._list(library, understand, query, tries, note)
        return replace(page, bytes_in=bytes_in, seconds=seconds)

    async def labels(
        self, library: Library, on_gap: OnGap | None = None
    ) -> tuple[StoredLabel, ...]:
        """Return the labels that items of a library carry.

        Unreadable rows are reported to `on_gap`, or raise without it; the gap's key ends with a
        slash if the label is unknown. Raises ServiceError.
        """
        async with self._about_a_part():
            answer = await self._http.read(
                f"/library/sections/{library.key}/label",
                parse.stored_labels,
                query={"type": TYPE_NUMBERS[library.type]},
                seconds=self.limits.read_timeout,
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

    async def carriers(
        self, library: Library, label: StoredLabel, on_gap: OnGap | None = None
    ) -> frozenset[str]:
        """Return the rating keys of all items of a library that carry a label.

        The query uses the tag id, because a comma in a label's text would mean "or". A listed label
        has carriers: if there are none, the server may know labels by text only. All come in one
        answer; the rest is requested only if the server returns fewer. Unreadable rows are reported
        to `on_gap`, or raise ServiceError without it.
        """
        if not self._labels_by_text:
            carriers = await self._keys(library, "label", label.id, on_gap)
            is_one_of_two = (library.key, fold(label.text)) in self._spelled_twice
            if carriers or is_one_of_two or not is_unambiguous(label):
                return carriers  # its text would match other labels
            carriers = await self._keys(library, "label", label.text, on_gap)
            # One empty answer does not prove that ids mean nothing here.
            if carriers and (again := await self._keys(library, "label", label.id, on_gap)):
                return again
            self._labels_by_text = bool(carriers)
            return carriers
        if not is_unambiguous(label):
            detail = f"library {library.name} cannot be asked for a label"
            raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
        return await self._keys(library, "label", label.text, on_gap)

    async def without(self, library: Library, label: StoredLabel, on_gap: OnGap) -> frozenset[str]:
        """Return the rating keys of all items of a library that do not carry a label.

        Works like `carriers`, and raises like it.
        """
        value = label.text if self._labels_by_text else label.id
        return await self._keys(library, "label!", value, on_gap)

    async def _keys(
        self, library: Library, field: str, value: str, on_gap: OnGap | None
    ) -> frozenset[str]:
        query = {**LEAN, field: value}

        def read(request: PageRequest) -> Coroutine[None, None, parse.Page[tuple[str, ...]]]:
            return self._page(
                library,
                lambda answer: parse.rating_keys(answer, request.passed),
                {**query, **(part(request.start, request.size) if request.start else {})},
                tries=request.tries,
            )

        async with self._about_a_part():
            listing = self._listing(library, read, on_gap)
            return frozenset([key async for keys in listing for key in keys])

    async def count_without(self, library: Library, label: StoredLabel) -> int:
        """Return how many items of a library do not carry a label. Raises ServiceError."""
        value = label.text if self._labels_by_text else label.id
        async with self._about_a_part():
            return await self._list(library, parse.total, {"label!": value, **part(0, 0)})

    async def with_title(self, library: Library, text: str, limit: int) -> tuple[Item, ...]:
        """Return at most `limit` items with a text in their title, ignoring case.

        Plex ignores unknown filters, so other titles are dropped here. Raises ServiceError.
        """
        page = await self._items(library, limit, title=text)
        return tuple(item for item in page.content if text.casefold() in item.title.casefold())

    async def labelled(
        self,
        rating_keys: Sequence[str],
        on_gap: OnGap | None = None,
        known: Mapping[str, Item] = item_answers.NOTHING_KNOWN,
    ) -> tuple[LabelledItem, ...]:
        """Return the existing movies and shows with all their labels.

        An item that equals the one in `known`, by rating key, is that object. One that is neither
        returned nor reported to `on_gap` does not exist. Without `on_gap`, one unreadable item
        raises ServiceError.
        """
        return await self._look_up(
            rating_keys, partial(item_answers.labelled_items, known=known), on_gap
        )

    async def rated(
        self, rating_keys: Sequence[str], on_gap: OnGap | None = None
    ) -> tuple[RatedItem, ...]:
        """Return the existing movies and shows with labels and content ratings.

        Unreadable items are reported to `on_gap`, or raise ServiceError without it.
        """
        return await self._look_up(rating_keys, rated_items_with_labels, on_gap)

    async def _look_up[T: LabelledItem](
        self,
        rating_keys: Sequence[str],
        understand: Callable[[object], item_answers.Labelled[T]],
        on_gap: OnGap | None,
    ) -> tuple[T, ...]:
        def request(keys: Sequence[str], tries: int) -> Awaitable[item_answers.Labelled[T]]:
            return self._metadata(keys, understand, tries)

        lookup = Lookup(
            request,
            on_gap,
            alive=self._is_alive,
            library_of=self._library_of,
            tries=TRIES,
            limits=self.limits,
            unreadable=self._unreadable,
        )
        async with self._about_a_part():
            return await lookup.read(rating_keys)

    def _library_of(self, item: Item) -> str:
        """Return the library of an item whose row lacks it; from now on, listings record it."""
        if self._library_by_item is None:
            self._library_by_item = {}
        same = [library.key for library in self.libraries_seen if library.type is item.type]
        return same[0] if len(same) == 1 else self._library_by_item.get(item.rating_key, "")

    async def rated_pages[T](
        self,
        library: Library,
        pick: Callable[[tuple[RatedItem, ...]], T],
        on_gap: OnGap | None = None,
    ) -> AsyncGenerator[T]:
        """Yield what `pick` makes of all items of a library and their content ratings.

        Works like `pages`, and raises like it.
        """

        def read(request: PageRequest) -> Coroutine[None, None, parse.Page[T]]:
            return self._page(
                library,
                lambda answer: rated_items(answer, library, pick, request.passed),
                oldest_first(request),
                tries=request.tries,
            )

        async with self._about_a_part():
            async for picked in self._listing(library, read, on_gap):
                yield picked

    async def _metadata[T](
        self, rating_keys: Sequence[str], understand: Callable[[object], T], tries: int = TRIES
    ) -> T:
        """Return what Plex knows about a batch of items.

        Plex silently omits missing items, and returns 404 when all are missing. It must not check
        the files first: that is slow and is announced like a change.
        """
        return await self._http.read(
            f"/library/metadata/{','.join(rating_keys)}",
            understand,
            query={**LEAN, "includeGuids": 1, "skipRefresh": 1},
            seconds=self.limits.read_timeout,
            tries=tries,
        )
