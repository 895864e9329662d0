"""Points at which Home Assistant is killed: held server requests or changes of files."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
import contextlib
from dataclasses import dataclass
import json
import os
from pathlib import Path
import signal
import time
from typing import TYPE_CHECKING, Any, Final, Literal

from harness.waiting import eventually

if TYPE_CHECKING:
    from tests.e2e.e2e_env import E2eEnv

LISTINGS: Final = "/library/sections/{id}/all"
LABELS: Final = "/library/sections/{id}/label"
ITEMS: Final = "/library/metadata/{ids}"
HELD_SECONDS: Final = 900.0  # the response comes long after the process has ended
LIBRARIES: Final = 3  # whose label directories a sync reads before it writes
WAIT_SECONDS: Final = 60.0
EMPTY_LEDGER_MAX: Final = 1000  # bytes; all labels of the world take several kilobytes

type Scenario = Literal["sync", "undo", "removal", "live"]
type Condition = Callable[[Path, Path], bool]


@dataclass(frozen=True, slots=True)
class Held:
    """A request that a server does not answer, either before doing the work or after it."""

    server: Literal["plex", "pulsarr"]
    method: str
    route: str
    nth: int = 1
    done: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """A point in a run.

    It is reached when a request is held, or when something appears in the files (journal, ledger).
    `interrupted` is the number of runs that the journal marks as interrupted afterwards (None: too
    short to be certain); the ordinary suite tries the `usual` points.
    """

    name: str
    scenario: Scenario
    at: Held | Condition
    interrupted: int | None = 1
    usual: bool = False


def _put(nth: int, *, done: bool) -> Held:
    return Held("plex", "PUT", LISTINGS, nth, done)


def _runs(journal: Path) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = json.loads(journal.read_text("utf-8"))["data"]["runs"]
    return runs


def _journal_has_begun(journal: Path, _ledger: Path) -> bool:
    return _runs(journal)[-1]["status"] is None


def _ledger_is_written_again(_journal: Path, ledger: Path) -> bool:
    return ledger.stat().st_size > EMPTY_LEDGER_MAX


def _journal_has_ended(journal: Path, _ledger: Path) -> bool:
    last = _runs(journal)[-1]
    return last["kind"] == "full" and last["status"] is not None


POINTS: Final = (
    Point(
        "reading the people",
        "sync",
        Held("pulsarr", "GET", "/v1/users/users/list/with-counts"),
        interrupted=0,
    ),
    Point(
        "reading a watchlist",
        "sync",
        Held("pulsarr", "GET", "/v1/users/{id}/watchlist", 3),
        interrupted=0,
    ),
    Point("reading the sections", "sync", Held("plex", "GET", "/library/sections"), interrupted=0),
    Point("reading the first page", "sync", Held("plex", "GET", LISTINGS, 1), interrupted=0),
    Point(
        "reading the last library", "sync", Held("plex", "GET", LISTINGS, LIBRARIES), interrupted=0
    ),
    Point("reading a label directory", "sync", Held("plex", "GET", LABELS, 2), interrupted=0),
    Point("writing the journal", "sync", _journal_has_begun),
    Point("before the first edit", "sync", _put(1, done=False)),
    Point("after the first edit", "sync", _put(1, done=True)),
    Point("before the third edit", "sync", _put(3, done=False)),
    Point("after the third edit", "sync", _put(3, done=True), usual=True),
    Point("after the sixth edit", "sync", _put(6, done=True)),
    # The items are read before the first edit, and after those of each library.
    Point("reading back", "sync", Held("plex", "GET", ITEMS, 2)),
    Point("reading back the last library", "sync", Held("plex", "GET", ITEMS, 1 + LIBRARIES)),
    Point("writing the ledger", "sync", _ledger_is_written_again, interrupted=None, usual=True),
    Point("writing the end into the journal", "sync", _journal_has_ended, interrupted=0),
    Point("undo, before its first edit", "undo", _put(1, done=False)),
    Point("undo, after its second edit", "undo", _put(2, done=True), usual=True),
    Point("undo, reading back", "undo", Held("plex", "GET", LABELS, LIBRARIES + 1)),
    Point("removal, before its second edit", "removal", _put(2, done=False)),
    Point("removal, after its second edit", "removal", _put(2, done=True)),
    Point("removal, reading back", "removal", Held("plex", "GET", LABELS, LIBRARIES + 1)),
    Point("live, looking for the title", "live", Held("plex", "GET", LISTINGS), interrupted=0),
    Point("live, before its edit", "live", _put(1, done=False), usual=True),
    Point("live, after its edit", "live", _put(1, done=True)),
)


async def kill_at(env: E2eEnv, point: Point, work: Callable[[], Awaitable[object]]) -> None:
    """Start some work, and kill Home Assistant at the given point. Raises WaitedTooLongError."""
    process = env.home.process
    if isinstance(point.at, Held):
        held = point.at
        control = getattr(env.servers, held.server)
        await control.post(
            "faults",
            kind="slow_after_apply" if held.done else "slow_before_apply",
            route=held.route,
            method=held.method,
            nth=held.nth,
            times=None,
            seconds=HELD_SECONDS,
        )
        task = asyncio.ensure_future(work())

        async def reached() -> bool:
            return bool((await control.get("faults/acted"))["acted"])

        try:
            await eventually(reached, point.name, within=WAIT_SECONDS, every=0.01)
            if held.done:  # the server reports the request before it does the work
                await asyncio.sleep(0.2)
        finally:
            await process.kill()
    else:
        storage = process.folder / ".storage"
        name = f"plex_label_sync.{env.entry.entry_id}"
        files = storage / f"{name}.journal", storage / f"{name}.ledger"
        watch = asyncio.create_task(
            asyncio.to_thread(_kill_when, point.at, files, process.child.pid)
        )
        await asyncio.sleep(0.05)
        task = asyncio.ensure_future(work())
        assert await watch, point.name
        await process.kill()
    with contextlib.suppress(Exception):  # the server no longer runs
        await task


def _kill_when(condition: Condition, files: tuple[Path, Path], pid: int) -> bool:
    """Kill a process as soon as the condition on the files holds; return whether it did."""
    times = [file.stat().st_mtime_ns for file in files]
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        new = [file.stat().st_mtime_ns for file in files]
        if new != times:
            times = new
            if condition(*files):
                os.kill(pid, signal.SIGKILL)
                return True
        time.sleep(0.0005)
    return False
