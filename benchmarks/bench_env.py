"""Measures event loop stalls and memory of the integration in a real Home Assistant process."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
import shutil
from typing import Any, Final

import aiohttp

from harness import integration
from harness.children import free_port
from harness.home_assistant import HomeAssistant
from harness.integration import Connections, Integration
from harness.onboarding import Owner, onboard
from harness.waiting import eventually

from .processes import Child
from .servers import PLEX_TOKEN, PULSARR_KEY

METER: Final = Path(__file__).with_name("loop_meter")
type Change = Callable[[], Awaitable[object]]

IDLE: Final = 10.0  # seconds
SYNC_TIMEOUT: Final = 600.0  # seconds for one sync
HOURS: Final = 4  # scheduled syncs
A_WORD: Final = "The"  # in the names of many titles
# Summed over several syncs; of all others the maximum is reported.
SUMS: Final = ("over_50", "full", "requests", "wall", "cpu")


async def measure_home_assistant(
    servers: Child, folder: Path, cases: Mapping[str, Change]
) -> dict[str, dict[str, Any]]:
    """Set up the integration in its own Home Assistant; return the loop figures of each case.

    `cases` change the world before a manual sync: nothing, a new person, and so on.
    """
    home = _with_meter(folder)
    figures: dict[str, dict[str, Any]] = {}
    async with aiohttp.ClientSession() as session:
        await home.start(session)
        try:
            client = await onboard(session, home, Owner("Bench", "bench", "password-of-the-bench"))

            async def noted() -> dict[str, Any]:
                stats = await servers.request("stats")
                figures_of_run = {**await client.get(METER.name), "requests": stats["requests"]}
                await servers.request("reset")
                return figures_of_run

            async def note(case: str) -> None:
                figures[case] = await noted()

            async def weigh(case: str) -> None:
                await asyncio.sleep(IDLE)
                figures[case] = await client.get(f"{METER.name}?collect=1")

            await weigh("heap_before")
            await servers.request("reset")
            await asyncio.sleep(IDLE)
            await note("idle")
            connections = Connections(
                servers.hello["plex"], PLEX_TOKEN, servers.hello["pulsarr"], PULSARR_KEY
            )
            entry = Integration(client, await integration.set_up(client, connections))
            await entry.until_synced(within=SYNC_TIMEOUT)
            await note("first")
            await asyncio.sleep(IDLE)
            await client.get(METER.name)
            await servers.request("reset")
            for case, change in cases.items():
                await change()
                await entry.call("sync_all")
                await note(case)
            hours = []
            for _ in range(HOURS):
                await _by_the_clock(entry, partial(client.get, METER.name))
                hours.append(await noted())
            figures["clock"] = together(hours)
            await weigh("heap_after")
            await client.get(METER.name)
            await servers.request("reset")
            await entry.call("explain", title=A_WORD)
            await note("explain")
            await entry.call("undo")  # of the last run that changed something
            await note("undo")
            await client.close()
        finally:
            await home.stop()
    return figures


def _with_meter(folder: Path) -> HomeAssistant:
    """Return a new Home Assistant that measures its event loop."""
    home = HomeAssistant(folder, free_port())
    home.prepare()
    shutil.copytree(METER, folder / "custom_components" / METER.name)
    with (folder / "configuration.yaml").open("a", encoding="utf-8") as configuration:
        configuration.write(f"{METER.name}:\n")
    return home


def together(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures of several syncs as one: sums, or maxima of what cannot be summed."""
    figures_of_run: dict[str, Any] = {
        key: (sum if key in SUMS else max)(run[key] for run in runs)
        for key in runs[0]
        if key != "stalls"
    }
    stalls = sorted((stall for run in runs for stall in run["stalls"]), reverse=True)
    return {**figures_of_run, "stalls": stalls, "syncs": len(runs)}


async def _by_the_clock(entry: Integration, forget: Change) -> None:
    """Run a sync as it happens every hour: it starts when full syncs are enabled."""
    await asyncio.sleep(1.1)  # the sensor has a resolution of one second
    before = await entry.state("last_sync")
    switch = await entry.entity_id("batch_mode")
    await forget()
    await entry.client.call("switch", "turn_off", entity_id=switch)
    await entry.client.call("switch", "turn_on", entity_id=switch)

    async def synced() -> bool:
        return await entry.state("last_sync") != before

    await eventually(synced, "a sync by the clock has ended", within=SYNC_TIMEOUT)
