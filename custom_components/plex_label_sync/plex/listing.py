"""Read a whole listing in pages while the library may change and rows may be unreadable.

Rows come in a stable order (by the time they were added), so a page that begins with a known row
continues where the last one ended, and every item that exists throughout is read. Without changes
and failures that costs nothing: the known row is requested along with the page. Only if another row
comes instead, or a page repeats one, is something read again, with more overlap; and only a page
that fails permanently is halved until the unreadable rows are isolated. Where rows are short, later
pages are larger; a large page that fails is read in small ones first.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from ..sync.failures import FAILURES
from ..sync.model import Failure, Gap, GapKind, Library, Service, ServiceError
from .limits import PlexLimits
from .page_size import LargePages, PageSize
from .parse import EVERY_ROW, Page, Passed

FAILURES_MAX: Final = 22  # failures before any row is read: enough to isolate the first two rows
TIMEOUT_COST: Final = 8  # requests that one timeout counts as
SKIPS_MAX: Final = 2  # pages skipped before the rest is skipped too
TRIES: Final = 3

type OnGap = Callable[[Gap], object]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A part of a listing to read: its first row, its size, and the rows already read."""

    start: int
    size: int
    passed: Passed = EVERY_ROW
    tries: int = TRIES


type Read[T] = Callable[[PageRequest], Awaitable[Page[T]]]


def cost_of(err: ServiceError) -> int:
    """Return how many requests a failed one counts as."""
    return TIMEOUT_COST if err.failure is Failure.TIMEOUT else 1


class Listing[T]:
    """One complete reading of one listing."""

    def __init__(
        self,
        library: Library,
        read: Read[T],
        *,
        limits: PlexLimits,
        large: LargePages,
        readers: int,
        on_gap: OnGap | None = None,
        alive: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """Initialize the reading.

        `read` reads a part; `alive` returns whether the server answers at all. `large` is what
        earlier listings of the same server showed about large pages.
        """
        self._library = library
        self._read = read
        self._limits = limits
        self._page_size = PageSize(limits, large)
        self._readers = readers
        self._on_gap = on_gap
        self._alive = alive
        self._seen: set[str] = set()  # rating keys of all rows so far
        self._lost = 0  # rows that could not be read
        self._start = 0  # the next row
        self._total: int | None = None
        self._first_total = 0
        self._spent = 0
        self._failures = 0  # weighted by cost
        self._skipped = 0  # pages skipped because all extra requests are spent
        self._bad_until = 0  # an unreadable row is before this one
        self._anchored = True  # the row before the next one was read
        self._overlap = -1  # index of the overlap in use; negative while nothing has changed
        self._begun_again = False
        self._served = (
            2 * limits.page_rows
        )  # rows that the server returns at once, if it limits them
        self._gaps: dict[Gap, None] = {}
        self._reported = 0  # number of gaps already reported
        self._prefetched: deque[tuple[PageRequest, asyncio.Future[Page[T]]]] = deque()

    async def pages(self) -> AsyncGenerator[T]:
        """Yield the contents of all pages. Raises ServiceError."""
        try:
            while not self._is_over():
                page = await self._next()
                if page is not None:
                    yield page.content
        finally:
            await self._cancel_prefetched()

    def _is_over(self) -> bool:
        """Return whether everything was read; changes meanwhile may require another round."""
        if self._total is None or self._start < self._total:
            return False
        missing = self._total - len(self._seen) - self._lost
        # Items added meanwhile may be anywhere in the order: this reading need not include them.
        if missing <= max(self._total - self._first_total, 0):
            if 2 * self._total < self._first_total:
                self._add_lost(0, self._implausible("changed while it was read"))
            return True
        pages = -(-self._total // self._limits.page_rows)
        if self._begun_again or self._spent + pages > self._limits.listing_extra:
            self._add_lost(0, self._implausible("changed while it was read"))
            return True
        self._spent += pages
        self._begin_again()
        return False

    # Single steps

    async def _next(self) -> Page[T] | None:
        """Return the next page, or None when it has to be read in another way."""
        request, reading = (
            self._prefetched.popleft() if self._prefetched else (self._next_request(), None)
        )
        try:
            page = await (reading or self._read(request))
            self._check(request, page)
        except ServiceError as err:
            await self._cancel_prefetched()
            await self._failed(request, err)
            return None
        if not self._continues(request, page):
            await self._cancel_prefetched()
            self._moved()
            return None
        self._accept(request, page)
        if page.size == request.size and self._overlap < 0 and not self._bad_until:
            self._prefetch(page.total)
        else:
            await self._cancel_prefetched()  # the next page does not start where these do
        return page

    def _next_request(self) -> PageRequest:
        """Return the next part to read."""
        size, tries = self._page_size.at(self._start), TRIES
        if self._page_size.is_large(size):
            tries = 1  # a failed one is read in small pages
        if self._bad_until:
            size, tries = max((self._bad_until - self._start) // 2, 1), 1
        changing = self._overlap >= 0
        before = min(
            self._limits.page_overlaps[self._overlap] if changing else 1,
            self._start,
            self._served // 2,
        )
        if not self._anchored:
            before = 0
        passed = Passed(keys=self._seen) if changing else Passed(first=before)
        return PageRequest(self._start - before, size + before, passed, tries)

    def _prefetch(self, total: int) -> None:
        """Start reading the next pages while this one is processed."""
        last = self._prefetched[-1][0] if self._prefetched else None
        begun = last.start + last.size if last else self._start
        while begun < total and len(self._prefetched) < self._readers:
            size = self._page_size.at(begun)
            tries = 1 if self._page_size.is_large(size) else TRIES
            request = PageRequest(begun - 1, size + 1, Passed(first=1), tries)
            self._prefetched.append((request, asyncio.ensure_future(self._read(request))))
            begun += size

    async def _cancel_prefetched(self) -> None:
        """Cancel reads that are no longer needed, and wait until they have ended."""
        tasks = [task for _, task in self._prefetched]
        self._prefetched.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _check(self, request: PageRequest, page: Page[T]) -> None:
        """Raise ServiceError for an answer with another offset, or one that adds no row."""
        if page.offset != request.start:
            raise self._implausible("changed while it was read")
        end = page.offset + page.size
        if end < page.total and end <= self._start:
            raise self._implausible(f"lists {end} of {page.total} items")

    def _continues(self, request: PageRequest, page: Page[T]) -> bool:
        """Return whether a page continues where the last one ended and repeats nothing."""
        known = [key in self._seen for key in page.keys]
        overlap = self._start - request.start
        if self._overlap >= 0:
            return not overlap or any(known)
        if len(known) < overlap or page.repeated:
            return False
        return all(known[:overlap]) and not any(known[overlap:])

    def _accept(self, request: PageRequest, page: Page[T]) -> None:
        """Record what was read and where to continue."""
        end = page.offset + page.size
        is_short = page.size < request.size and end < page.total
        if is_short:
            self._served = min(self._served, page.size)
        self._page_size.answered(page.size, page.bytes_in, page.seconds, is_short=is_short)
        if self._total is None:
            self._first_total = page.total
        self._seen.update(page.keys)
        self._start, self._total, self._anchored = end, page.total, page.size > 0
        self._overlap = min(self._overlap, 0)
        if self._start >= self._bad_until:
            self._bad_until = 0
        for row in page.bad:
            self._add_bad_row(page.offset + row.place, row.key)
        self._report()

    # Failures and changes

    async def _failed(self, request: PageRequest, err: ServiceError) -> None:
        """Search smaller parts for the unreadable rows. Raises ServiceError."""
        end, known = request.start + request.size, FAILURES[err.failure]
        # A large page is tried once; the small ones are retried.
        if self._page_size.is_large(end - self._start) and (known.of_a_part or known.passes):
            self._spent += cost_of(err)
            self._page_size.failed(end)
            return
        if self._on_gap is None or not known.of_a_part:
            raise err
        if not self._failures and self._alive is not None and not await self._alive():
            raise err
        self._failures += cost_of(err)
        self._spent += cost_of(err)
        if self._total is None and self._failures > FAILURES_MAX:
            raise err
        if end - self._start == 1:
            self._leave_out(end, err)
        elif self._spent <= self._limits.listing_extra:
            self._bad_until = end
        else:
            self._skipped += 1
            is_last = self._skipped == SKIPS_MAX and self._total is not None
            self._leave_out(self._total or end if is_last else end, err)

    def _leave_out(self, end: int, err: ServiceError) -> None:
        """Continue after rows that cannot be read."""
        self._add_lost(self._start, err)
        end = min(end, self._total or end)
        self._lost += end - self._start
        self._start, self._bad_until, self._anchored = end, 0, False

    def _moved(self) -> None:
        """Read moved rows again, with more overlap each time, then everything from the start."""
        self._spent += 1
        self._overlap += 1
        if (
            self._overlap < len(self._limits.page_overlaps)
            and self._spent <= self._limits.listing_extra
        ):
            return
        if not self._begun_again and self._spent <= self._limits.listing_extra:
            self._begin_again()
            return
        self._overlap, self._anchored = 0, False
        self._add_lost(self._start, self._implausible("changed while it was read"))

    def _begin_again(self) -> None:
        self._begun_again = True
        self._start, self._overlap, self._bad_until, self._lost = 0, 0, 0, 0

    def _add_lost(self, row: int, err: ServiceError) -> None:
        if self._on_gap is None:
            raise err
        self._add_gap(
            Gap(GapKind.PAGE, f"{self._library.key}:{row}", self._library.name, err.failure)
        )

    def _add_bad_row(self, row: int, key: str) -> None:
        if key:
            self._add_gap(Gap(GapKind.ITEM, key, key, Failure.IMPLAUSIBLE))
        else:
            self._lost += 1
            self._add_lost(row, self._implausible("has a row that cannot be understood"))

    def _add_gap(self, gap: Gap) -> None:
        if self._on_gap is None:
            what = f"cannot be read in full, {gap.kind.value} {gap.key}"
            raise self._implausible(what)
        self._gaps[gap] = None
        if self._total is not None:
            self._report()

    def _report(self) -> None:
        """Report new gaps, once a page was read: until then the whole library may be at fault."""
        new = list(self._gaps)[self._reported :]
        self._reported += len(new)
        for gap in new:
            if self._on_gap is not None:
                self._on_gap(gap)

    def _implausible(self, what: str) -> ServiceError:
        detail = f"library {self._library.name} {what}"
        return ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
