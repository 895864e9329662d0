"""Measures what many people cost Home Assistant: share of its event loop, and entities.

A real Home Assistant with its recorder, history and logbook; a simulated Plex and Pulsarr in
another process. Only the processor time of the event loop's thread counts (as Linux reports it for
the first thread of the process), so other work on the machine hardly matters.

`python -m benchmarks.people --people 50 --items 10000`
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
import tempfile
import time
from typing import TYPE_CHECKING, Final

import aiohttp

from harness import integration
from harness.children import free_port
from harness.home_assistant import HomeAssistant
from harness.integration import Connections, Integration
from harness.onboarding import Owner, onboard

from .processes import Child, child
from .servers import PLEX_TOKEN, PULSARR_KEY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HOUR: Final = 3600.0  # seconds between two syncs
SYNC_TIMEOUT: Final = 900.0  # seconds for the first sync
SETTLE: Final = 40.0  # seconds until start and setup have finished
REST: Final = 180.0  # seconds without a sync: three watchlist checks
SYNC: Final = 30.0  # seconds within which a sync always ends
SYNCS: Final = 3
CHURN: Final = 0.01  # share of the wishes that change within an hour


@dataclass(frozen=True, slots=True)
class Share:
    """Seconds of the loop's processor time: per second without and with the entry, and per sync."""

    before: float
    between: float
    unchanged: float
    changed: float

    def of_hour(self, sync: float) -> float:
        """Return the total share of the loop within an hour with one sync of `sync` seconds."""
        return sync / HOUR + max(0.0, self.between - self.before)


class Loop:
    """Reads the processor time of a Home Assistant's event loop."""

    def __init__(self, home: HomeAssistant) -> None:
        self._file = Path(f"/proc/{home.child.pid}/schedstat")  # of the first thread

    def seconds(self) -> float:
        """Return the processor time of the loop's thread since it started."""
        return int(self._file.read_text(encoding="ascii").split()[0]) / 1e9

    async def during(self, seconds: float, work: Callable[[], Awaitable[object]]) -> float:
        """Start some work, and return the processor time of the following seconds."""
        began, before = time.monotonic(), self.seconds()
        await work()
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
        return self.seconds() - before


async def measure(servers: Child, folder: Path) -> tuple[Share, int]:
    """Return the processor time of the loop, and the number of entities."""
    home = HomeAssistant(folder, free_port())
    home.prepare()

    async def nothing() -> None:
        pass

    async with aiohttp.ClientSession() as session:
        await home.start(session)
        try:
            client = await onboard(session, home, Owner("Bench", "bench", "password-of-the-bench"))
            loop = Loop(home)
            await asyncio.sleep(SETTLE)
            before = await loop.during(REST, nothing) / REST
            connections = Connections(
                servers.hello["plex"], PLEX_TOKEN, servers.hello["pulsarr"], PULSARR_KEY
            )
            entry = Integration(client, await integration.set_up(client, connections))
            await entry.until_synced(within=SYNC_TIMEOUT)
            await asyncio.sleep(SETTLE)
            between = await loop.during(REST, nothing) / REST
            unchanged = [await _sync(loop, entry, nothing) for _ in range(SYNCS)]
            changed = await _sync(loop, entry, lambda: servers.request("churn", share=CHURN))
            entities = len(await integration.entity_ids(client, entry.entry_id))
            await client.close()
        finally:
            await home.stop()
    rest = between * SYNC  # the expected time without a sync
    return Share(
        before, between, max(0.0, fmean(unchanged) - rest), max(0.0, changed - rest)
    ), entities


async def _sync(loop: Loop, entry: Integration, change: Callable[[], Awaitable[object]]) -> float:
    """Run a sync as it happens every hour; return the loop's processor time meanwhile.

    It starts when full syncs are enabled. Raises RuntimeError if it did not end in time.
    """
    switch = await entry.entity_id("batch_mode")
    before = await entry.state("last_sync")
    await change()

    async def begin() -> None:
        await entry.client.call("switch", "turn_off", entity_id=switch)
        await entry.client.call("switch", "turn_on", entity_id=switch)

    took = await loop.during(SYNC, begin)
    if await entry.state("last_sync") == before:
        raise RuntimeError(f"a sync takes more than {SYNC:.0f} s")
    return took


async def run(items: int, people: int) -> None:
    """Measure and print the figures as Markdown."""
    flags = ("--items", str(items), "--people", str(people), "--missing", "200", "--seed", "1")
    async with child("benchmarks.servers", *flags) as servers:
        with tempfile.TemporaryDirectory() as folder:
            share, entities = await measure(servers, Path(folder) / "config")
    print(f"{items} items, {people} people, {entities} entities\n")
    print("| the event loop's processor time | |\n|---|--:|")
    print(f"| without the integration | {share.before:.2%} |")
    print(f"| with it, between two syncs | {share.between:.2%} |")
    print(f"| an hourly sync that finds nothing to do | {share.unchanged:.2f} s |")
    print(f"| an hourly sync with {CHURN:.0%} of the wishes changed | {share.changed:.2f} s |")
    for name, sync in (("nothing to do", share.unchanged), ("changes", share.changed)):
        print(f"| **all of it in an hour, {name}** | **{share.of_hour(sync):.2%}** |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=50)
    given = parser.parse_args()
    asyncio.run(run(given.items, given.people))
