"""Measures a sync's load on the garbage collector: tracked objects, full collections, the longest.

A new person wants half of the library. The engine runs without Home Assistant, so a full collection
is shorter here than there, where it traverses all of Home Assistant's objects.

python -m benchmarks.garbage [--items 20000]
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
import gc
from pathlib import Path
import tempfile
import time

from .integration_runner import IntegrationRunner
from .loop_meter.stalls import Collection, longest_full
from .processes import child
from .rivals.common import Servers
from .servers import PLEX_TOKEN, PULSARR_KEY


@contextmanager
def collections() -> Iterator[list[Collection]]:
    """Record the garbage collections within the context."""
    seen: list[Collection] = []
    began = 0.0

    def on_collection(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.perf_counter()
        else:
            seen.append(Collection(began, time.perf_counter(), info["generation"]))

    gc.callbacks.append(on_collection)
    yield seen
    gc.callbacks.remove(on_collection)


def tracked() -> Counter[str]:
    """Return the number of tracked objects by type, after a collection."""
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects())


async def measure(items: int, folder: Path) -> None:
    """Let a person want half of a library, and print the result."""
    async with child("benchmarks.servers", "--items", str(items), "--people", "20") as servers:
        plex, pulsarr = servers.hello["plex"], servers.hello["pulsarr"]
        integration = IntegrationRunner(
            Servers(plex, PLEX_TOKEN, pulsarr, PULSARR_KEY, str(folder))
        )
        await integration.start()
        await integration.sync()
        before = tracked()
        await servers.request("person", titles=items // 2)
        with collections() as seen:
            await integration.sync()
        after = tracked()
        await integration.stop()
    full, longest = longest_full(seen)
    more = after - before
    print(f"{items // 2} more titles wanted: {after.total() - before.total()} more objects tracked")
    print(f"full collections: {full}, the longest {longest * 1000:.0f} ms")
    for name, number in more.most_common(12):
        print(f"{number:10,} {name}")


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=20_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / ".storage").mkdir()
        asyncio.run(measure(args.items, Path(name)))


if __name__ == "__main__":
    main()
