"""What a Plex server holds: its items, their labels and ratings, read in parts that may fail by themselves."""

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
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import batched
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
from .listing import TRIES, Ask, Listing, OnGap, Read
from .lookups import Lookup
from .page_size import LargePages
from .ratings import RatedItem, rated_items, rated_items_with_labels

READERS: Final = 2  # requests at a time: the server has one database writer and slow reads

# Wishes, not guarantees: Plex leaves these out of listing rows where it can.
LEAN: Final[Mapping[str, str | int]] = {
    "excludeElements": "Media,Genre,Country,Director,Writer,Role,Producer,Rating,Image,"
    "Collection,UltraBlurColors",
    "excludeFields": "summary,tagline,thumb,art,theme",
}


def _all_of_them(items: tuple[Item, ...]) -> tuple[Item, ...]:
    return items


def _is_unambiguous(label: StoredLabel) -> bool:
    """Tell whether a label can be asked for by its text: no "or", and no other label's id."""
    return "," not in label.text and not label.text.isdecimal()


def _part(start: int, size: int) -> dict[str, int]:
    """Return the query for a part of a listing."""
    return {"X-Plex-Container-Start": start, "X-Plex-Container-Size": size}


class PlexReader:
    """Reads items and labels with one token. What fails for one part is no failure of the server."""

    def __init__(self, http: Transport, limits: PlexLimits = USUAL) -> None:
        """Ask over `http`, which names the token and the client."""
        self._http = http
        self._large_pages = LargePages()
        self.limits = limits
        self.libraries_seen: tuple[Library, ...] = ()  # when they were last asked for
        self._labels_by_text = False  # the server knows no tag ids
        self._spelled_twice: set[tuple[str, str]] = set()  # library keys and folded labels
        self._places: dict[str, str] | None = None  # libraries by rating key, where rows lack them

    async def identity(self) -> str:
        """Return the machine identifier, which is told without a token. Raises ServiceError."""
        return await self._http.read(
            "/identity",
            parse.machine_id,
            seconds=self.limits.probe_timeout,
            tries=1,
            bytes_max=SMALL_MAX,
        )

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
            return self._page(
                library,
                lambda answer: parse.items(answer, library, placed, ask.passed),
                {**LEAN, **_part(ask.start, ask.size), "includeGuids": 1, "sort": "addedAt"},
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
            limits=self.limits,
            large=self._large_pages,
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
        page = await self._items(library, self.limits.page_rows, guid=guid)
        return tuple(item for item in page.content if plex_id in item.ids)

    async def _items(
        self, library: Library, size: int, **query: str
    ) -> parse.Page[tuple[Item, ...]]:
        """Return the first rows of a listing, without those that cannot be understood."""
        async with self._about_a_part():
            return await self._list(
                library,
                lambda answer: parse.items(answer, library, _all_of_them),
                {**LEAN, **_part(0, size), "includeGuids": 1, **query},
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
        """Return a page with what its answer took."""
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

        Rows that cannot be read are reported to `on_gap`, or raise; the key of one whose label
        is not known ends with a slash. Raises ServiceError.
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
        query = {**LEAN, "label": label}

        def read(ask: Ask) -> Coroutine[None, None, parse.Page[tuple[str, ...]]]:
            return self._page(
                library,
                lambda answer: parse.rating_keys(answer, ask.passed),
                {**query, **(_part(ask.start, ask.size) if ask.start else {})},
                tries=ask.tries,
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
        for batch in self._batches(rating_keys):
            try:
                there |= await self._metadata(batch, item_answers.item_keys)
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

        def ask(keys: Sequence[str], tries: int) -> Awaitable[item_answers.Labelled]:
            return self._metadata(keys, item_answers.labelled_items, tries)

        lookup = Lookup(
            ask,
            on_gap,
            alive=self._is_alive,
            place=self._place_of,
            tries=TRIES,
            extra_max=self.limits.lookup_extra,
        )
        async with self._about_a_part():
            return await lookup.read(self._batches(rating_keys))

    def _batches(self, rating_keys: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """Cut keys into as many at a time as one request takes, each of them once."""
        size = self.limits.items_per_request
        return batched(dict.fromkeys(rating_keys), size, strict=False)

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
            return self._page(
                library,
                lambda answer: rated_items(answer, library, pick, ask.passed),
                {**LEAN, **_part(ask.start, ask.size), "includeGuids": 1, "sort": "addedAt"},
                tries=ask.tries,
            )

        async for picked in self._listing(library, read):
            yield picked

    async def rated(self, rating_keys: Sequence[str]) -> tuple[RatedItem, ...]:
        """Return those of the movies and shows that are there, with labels and content ratings.

        Raises ServiceError.
        """
        found: list[RatedItem] = []
        for batch in self._batches(rating_keys):
            try:
                found += await self._metadata(batch, rated_items_with_labels)
            except ServiceError as err:
                if err.failure is not Failure.NOT_FOUND:  # said only when none of them is there
                    raise
        return tuple(found)

    async def _metadata[T](
        self, rating_keys: Sequence[str], understand: Callable[[object], T], tries: int = TRIES
    ) -> T:
        """Return what Plex knows of a batch of items.

        Plex leaves out silently what is not there, and answers 404 when nothing is. It shall
        not look at the files first: that takes long, and is announced like a change.
        """
        return await self._http.read(
            f"/library/metadata/{','.join(rating_keys)}",
            understand,
            query={**LEAN, "includeGuids": 1, "skipRefresh": 1},
            seconds=self.limits.read_timeout,
            tries=tries,
        )
