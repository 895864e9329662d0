"""Look up items by rating key, so that an unreadable item does not affect the others.

An item that could not be read is remembered and requested by itself from then on.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from itertools import batched, islice

from ..sync.failures import FAILURES
from ..sync.model import Failure, Gap, GapKind, Item, LabelledItem, Service, ServiceError
from .item_answers import Labelled
from .limits import PlexLimits
from .listing import FAILURES_MAX, OnGap, cost_of

type RequestItems[T: LabelledItem] = Callable[[Sequence[str], int], Awaitable[Labelled[T]]]


class Lookup[T: LabelledItem]:
    """One lookup of any number of items."""

    def __init__(
        self,
        request_items: RequestItems[T],
        on_gap: OnGap | None,
        *,
        alive: Callable[[], Awaitable[bool]],
        library_of: Callable[[Item], str],
        tries: int,
        limits: PlexLimits,
        unreadable: dict[str, Failure],
    ) -> None:
        """Initialize the lookup.

        `request_items` requests items by key, with a number of tries; `alive` returns whether the server
        answers. `library_of` returns the library of an item whose row does not state it, empty if
        unknown. `unreadable` are the items that could not be read when they were last requested; it
        is updated.
        """
        self._request_items = request_items
        self._library_of = library_of
        self._on_gap = on_gap
        self._alive = alive
        self._tries = tries
        self._limits = limits
        self._unreadable = unreadable
        self._spent = 0
        self._failed = False
        self._answered = False
        self._given_up: ServiceError | None = None  # set once no request at all was answered

    async def read(self, rating_keys: Iterable[str]) -> tuple[T, ...]:
        """Return the items that exist. Raises ServiceError.

        A batch that fails permanently is halved until the failing items are isolated. Each of these
        is reported to `on_gap`; without it, the error is raised.
        """
        keys = dict.fromkeys(rating_keys)
        again = [] if self._on_gap is None else [one for one in self._unreadable if one in keys]
        for one in again:
            del keys[one]
        found: list[T] = []
        for batch in batched(keys, self._limits.items_per_request, strict=False):
            found += await self._read(batch, self._tries)
        return *found, *await self._read_again(again)

    async def _read_again(self, rating_keys: Iterable[str]) -> list[T]:
        """Return the items that can be read now, of those that could not be read before.

        They are requested one by one, as long as not too many fail, and more of them at a time as
        soon as they can be read.
        """
        found: list[T] = []
        waiting, size, before = iter(rating_keys), 1, self._spent
        while self._spent - before < self._limits.lookup_again and (
            part := tuple(islice(waiting, size))
        ):
            spent = self._spent
            found += await self._read(part, tries=1)
            size = 2 * size if self._spent == spent else 1
        for key in waiting:
            self._report_one(key, self._unreadable[key])
        return found

    async def _read(self, batch: Sequence[str], tries: int) -> list[T]:
        """Return the items of a batch that exist; parts of it are tried once."""
        found: list[T] = []
        parts = deque([batch])
        while parts:
            part = parts.popleft()
            if self._given_up is not None:
                self._report(part, self._given_up)
                continue
            try:
                answer = await self._request_items(part, tries if part is batch else 1)
            except ServiceError as err:
                parts.extendleft(reversed(await self._halves(part, err)))
            else:
                self._remember(part, None)
                known = [self._placed(one) for one in self._known(part, answer)]
                found += [one for one in known if one.item.library]
                lost = [one.item.rating_key for one in known if not one.item.library]
                parts.extendleft(reversed(self._apart(part, lost)))
        return found

    def _remember(self, part: Iterable[str], failure: Failure | None) -> None:
        """Remember that items could not be read, as the last ones, or that they could."""
        self._answered = self._answered or failure is None
        for key in part:
            self._unreadable.pop(key, None)
            if failure is not None:
                self._unreadable[key] = failure

    async def _halves(self, part: Sequence[str], err: ServiceError) -> list[Sequence[str]]:
        """Return what to request instead of a failed part; nothing for items that are given up."""
        if err.failure is Failure.NOT_FOUND:  # returned only when none of them exists
            self._remember(part, None)
            return []
        if self._on_gap is None or not FAILURES[err.failure].of_a_part:
            raise err
        if not self._failed and not await self._alive():
            raise err
        self._failed = True
        self._spent += cost_of(err)
        if not self._answered and self._spent > FAILURES_MAX:
            self._given_up = err
        if len(part) == 1:
            self._remember(part, err.failure)
        if len(part) == 1 or self._given_up is not None or self._spent > self._limits.lookup_extra:
            self._report(part, err)
            return []
        middle = len(part) // 2
        return [part[:middle], part[middle:]]

    def _placed(self, one: T) -> T:
        """Return an item with its library, if that is known."""
        if one.item.library:
            return one
        return replace(one, item=replace(one.item, library=self._library_of(one.item)))

    def _apart(self, part: Sequence[str], lost: Sequence[str]) -> list[Sequence[str]]:
        """Return the requests to repeat for items whose library is unknown.

        An answer states the library once all items in it are of the same one.
        """
        if not lost:
            return []
        self._spent += 1
        if len(part) == 1 or self._spent > self._limits.lookup_extra:
            detail = "the library of an item is unknown"
            err = ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
            if self._on_gap is None:
                raise err
            self._report(lost, err)
            return []
        if len(lost) < len(part):
            return [lost]
        middle = len(lost) // 2
        return [lost[:middle], lost[middle:]]

    def _known(self, part: Sequence[str], answer: Labelled[T]) -> list[T]:
        """Return the requested items; report the unreadable rows."""
        requested = set(part)
        if answer.bad:
            bad = {row.key for row in answer.bad}
            # A row without a key may be any of the missing items.
            missing = requested - answer.keys if "" in bad else set()
            detail = "an item could not be read"
            err = ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
            if self._on_gap is None:
                raise err
            self._report([key for key in part if key in bad or key in missing], err)
        return [one for one in answer.items if one.item.rating_key in requested]

    def _report(self, keys: Iterable[str], err: ServiceError) -> None:
        for key in keys:
            self._report_one(key, err.failure)

    def _report_one(self, key: str, failure: Failure) -> None:
        if self._on_gap is not None:
            self._on_gap(Gap(GapKind.ITEM, key, key, failure))
