"""Long computations: outside the event loop, and without garbage collections in between."""

import asyncio
from collections.abc import Callable
import gc
from threading import Lock


class _Pause:
    """Pauses garbage collection while at least one thread computes."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._was_on = False

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._was_on = gc.isenabled()
                gc.disable()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._was_on:
                gc.enable()


_PAUSE = _Pause()


def uncollected[T](work: Callable[[], T]) -> T:
    """Do a piece of work with garbage collection paused. Raises what `work` raises.

    Matching a large library makes hundreds of thousands of objects that live for a moment. A
    collection in the meantime promotes them to the oldest generation, and enough of them trigger a
    full collection, which blocks the event loop for a tenth of a second or more.
    """
    with _PAUSE:
        return work()


async def in_thread[**P, T](work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do a piece of work in a thread, like `asyncio.to_thread`, with garbage collection paused.

    If the caller is cancelled, the work is done first: it may change what others change next.
    Raises what `work` raises.
    """
    thread = asyncio.ensure_future(
        asyncio.to_thread(  # noqa: TID251 - this is the one place
            uncollected, lambda: work(*args, **kwargs)
        )
    )
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait([thread])
        if not thread.cancelled():
            thread.exception()  # it is nobody's any more
        raise
