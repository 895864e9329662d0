"""One competitor in its own process, measured from inside.

Commands are lines of JSON on standard input (`sync`, `by_hand`, `pending`), each answered by one
line: seconds of wall and CPU time, peak memory above idle in MiB, the longest time in ms for which
the process computed while the event loop was blocked (time taken by other processes does not
count), file sizes.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
import gc
import json
from pathlib import Path
import re
import sys
import time
from typing import Any, Final

from .integration_runner import IntegrationRunner
from .rivals.common import Competitor, Servers
from .rivals.labelarr_way import LabelarrWay
from .rivals.per_title import PerTitle
from .rivals.plexapi_way import PlexapiWay
from .rivals.pulsarr_way import PulsarrWay
from .servers import PLEX_TOKEN, PULSARR_KEY, say

COMPETITORS: Final[dict[str, Callable[[Servers], Competitor]]] = {
    "ours": IntegrationRunner,
    "per title": PerTitle,
    "Pulsarr's way": PulsarrWay,
    "Labelarr's way": LabelarrWay,
    "python-plexapi": PlexapiWay,
}
TICK: Final = 0.001  # seconds


def memory(kind: str) -> float:
    """Return this process's MiB: `VmRSS` now, `VmHWM` at the peak; zero if unavailable."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = re.search(rf"{kind}:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def forget_peak() -> None:
    """Reset the memory peak to the current use (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def size_of(folder: Path) -> int:
    """Return the total size in bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.glob(".storage/*"))


async def measure(work: Callable[[], Awaitable[None]]) -> dict[str, float]:
    """Run work and return its cost."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            before, computed = time.perf_counter(), time.process_time()
            await asyncio.sleep(TICK)
            late = time.perf_counter() - before - TICK
            longest = max(longest, min(late, time.process_time() - computed))

    gc.collect()
    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.05)
    longest = 0.0
    idle = memory("VmRSS")
    forget_peak()
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ticking.cancel()
    return {
        "wall": wall,
        "cpu": cpu,
        "peak": max(0.0, memory("VmHWM") - idle),
        "stall": longest * 1000,
    }


async def serve(competitor: Competitor, folder: Path) -> None:
    """Answer commands until standard input ends."""
    await competitor.start()
    say({"ready": True})
    while line := await asyncio.to_thread(sys.stdin.readline):
        command: dict[str, Any] = json.loads(line)
        written = getattr(competitor, "files_written", 0)
        if command["do"] == "sync":
            figures = await measure(competitor.sync)
        elif command["do"] == "by_hand":
            figures = await measure(getattr(competitor, "by_hand", competitor.sync))
        else:
            titles = command["titles"]
            figures = await measure(partial(competitor.pending, titles))
        say(
            {
                **figures,
                "files_written": getattr(competitor, "files_written", 0) - written,
                "file_bytes": size_of(folder),
            }
        )
    await competitor.stop()


def main() -> None:
    """Run one competitor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("competitor", choices=COMPETITORS)
    parser.add_argument("plex")
    parser.add_argument("pulsarr")
    parser.add_argument("folder")
    args = parser.parse_args()
    servers = Servers(args.plex, PLEX_TOKEN, args.pulsarr, PULSARR_KEY, args.folder)
    asyncio.run(serve(COMPETITORS[args.competitor](servers), Path(args.folder)))


if __name__ == "__main__":
    main()
