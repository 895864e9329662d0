"""Read the items added last, so that an unreadable row does not affect the others."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from ..sync.failures import FAILURES
from ..sync.model import Gap, GapKind, Item, Library, ServiceError
from .listing import FAILURES_MAX, TRIES, OnGap, cost_of
from .parse import Page

# Reads so many rows, from one on, newest first, with a number of tries.
type ReadRows = Callable[[int, int, int], Awaitable[Page[tuple[Item, ...]]]]


async def newest_rows(
    library: Library,
    limit: int,
    read: ReadRows,
    on_gap: OnGap | None,
    *,
    alive: Callable[[], Awaitable[bool]],
    unreadable: dict[str, list[int]],
) -> tuple[tuple[Item, ...], int]:
    """Return about `limit` items, newest first, and the number of all items.

    Rows that fail are halved until the unreadable ones are isolated. These are reported to
    `on_gap`; without it, or if no row can be read, the error is raised. `unreadable` has the rows
    that could not be read the last time, by library, and is updated: they are read by themselves.
    """
    items: list[Item] = []
    failed: list[tuple[int, ServiceError]] = []
    total: int | None = None
    spent = 0
    known = unreadable.pop(library.key, []) if on_gap is not None else []
    parts = deque(_around(known, limit))
    while parts:
        start, size = parts.popleft()
        try:
            page = await read(start, size, TRIES if size == limit else 1)
        except ServiceError as err:
            is_part = on_gap is not None and FAILURES[err.failure].of_a_part
            if not is_part or (not spent and not await alive()):
                raise
            spent += cost_of(err)
            if size == 1 or spent > FAILURES_MAX:
                failed.append((start, err))
                if size == 1:
                    unreadable.setdefault(library.key, []).append(start)
            else:
                half = size // 2
                parts.extendleft([(start + half, size - half), (start, half)])
        else:
            items += page.content
            total = page.total
    if total is None:
        raise failed[0][1]
    for start, why in failed:
        # As in a whole listing, where the oldest row is the first.
        if on_gap is not None and start < total:
            key = f"{library.key}:{total - 1 - start}"
            on_gap(Gap(GapKind.PAGE, key, library.name, why.failure))
    return tuple(items), total


def _around(rows: Iterable[int], limit: int) -> list[tuple[int, int]]:
    """Return the parts of a listing, by first row and size, so that some rows are by themselves."""
    parts: list[tuple[int, int]] = []
    begun = 0
    for row in sorted(row for row in rows if row < limit):
        parts += [(begun, row - begun), (row, 1)]
        begun = row + 1
    parts.append((begun, limit - begun))
    return [(start, size) for start, size in parts if size or not limit]
