"""Long computations run in threads, with garbage collection paused."""

import asyncio
from collections.abc import Iterator
import gc
import threading

import pytest

from custom_components.plex_label_sync.sync.threads import in_thread


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """Leave garbage collection on."""
    yield
    gc.enable()


async def test_work_is_done_in_a_thread_without_collections() -> None:
    def work(one: int, *, other: int) -> tuple[int, int, bool]:
        return one + other, threading.get_ident(), gc.isenabled()

    total, thread, enabled = await in_thread(work, 1, other=2)
    assert (total, enabled) == (3, False)
    assert thread != threading.get_ident()
    assert gc.isenabled()


async def test_collection_stays_off_where_it_was_off() -> None:
    gc.disable()
    await in_thread(int)
    assert not gc.isenabled()


async def test_error_is_raised_and_collection_goes_on() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await in_thread(int, "x")
    assert gc.isenabled()


async def test_collection_is_paused_until_the_last_of_several_threads_is_done() -> None:
    both, first_is_done = threading.Barrier(2, timeout=10), threading.Event()

    def short() -> None:
        both.wait()

    def long() -> bool:
        both.wait()
        assert first_is_done.wait(10)
        return gc.isenabled()

    last = asyncio.create_task(in_thread(long))
    await in_thread(short)
    first_is_done.set()
    assert not await last
    assert gc.isenabled()


async def test_cancelled_caller_waits_until_the_work_is_done() -> None:
    begun, done = threading.Event(), threading.Event()
    finished: list[bool] = []

    def work() -> None:
        begun.set()
        assert done.wait(10)
        finished.append(True)
        raise ValueError("nobody hears of this")

    caller = asyncio.create_task(in_thread(work))
    assert await asyncio.to_thread(begun.wait, 10)
    caller.cancel()
    await asyncio.sleep(0)
    assert not caller.done()
    done.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert finished == [True]
    assert gc.isenabled()
