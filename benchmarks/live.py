"""Measures how long a label takes live, in a real Home Assistant, and with Pulsarr's polling.

Both get the same titles at the same moments, each with a simulated Plex of its own at the pace of a
small home server. A title is announced about a second after its import; Plex has processed it some
time later. The time is measured from then until its label can be read.

Pulsarr does not announce a wish for a title that is already in Plex: its time is measured from the
moment when Pulsarr has stored it. Such wishes arrive at random moments.

python -m benchmarks.live [--titles 200] [--wishes 100] [--output FILE]
"""

import argparse
import asyncio
from collections.abc import Callable
from functools import partial
import json
from pathlib import Path
import random
import statistics
import tempfile
import time
from typing import Any, Final

import aiohttp

from harness import integration
from harness.children import free_port
from harness.home_assistant import HomeAssistant
from harness.integration import Connections, Integration
from harness.onboarding import Owner, onboard
from simulators.catalog import CatalogTitle
from simulators.plex import PlexKnobs, PlexSimulator
from simulators.pulsarr import PulsarrSimulator
from simulators.pulsarr.knobs import PulsarrKnobs
from simulators.world import World, make_world

from .rivals.common import Servers
from .rivals.pulsarr_way import PulsarrWay
from .servers import PLEX_TOKEN, PULSARR_KEY

MOVIES: Final = 2000
SHOWS: Final = 400
PEOPLE: Final = 20
ARRIVAL: Final = 0.8  # seconds between two imports
ANNOUNCED_AFTER: Final = 1.0  # seconds
PLEX_AFTER: Final = (2.0, 45.0)  # seconds from the import until Plex has processed the file
POLL: Final = 30.0  # seconds between two of Pulsarr's searches for a title
WANTED_EVERY: Final = 2.4  # seconds on average
LABEL_TIMEOUT: Final = 180.0  # seconds for one label
LOOK: Final = 0.005  # seconds between two checks of the simulator's own state


class Stopwatch:
    """Seconds from an event to its label, for one competitor."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.lost = 0

    async def until(self, true: Callable[[], bool], since: float) -> None:
        """Wait for a label and record how long it took."""
        while not true():
            if time.monotonic() - since > LABEL_TIMEOUT:
                self.lost += 1
                return
            await asyncio.sleep(LOOK)
        self.seconds.append(time.monotonic() - since)

    def figures(self) -> dict[str, float]:
        """Return the median and 95th percentile in seconds, and how many labels never appeared."""
        cuts = statistics.quantiles(self.seconds, n=20, method="inclusive")
        return {"p50": cuts[9], "p95": cuts[18], "lost": self.lost}


class Course:
    """One world and a competitor that labels it."""

    def __init__(self, seed: int, titles: int) -> None:
        share = titles / (MOVIES + SHOWS)
        self.world: World = make_world(
            seed,
            MOVIES,
            SHOWS,
            0,
            wanted_in_plex=0,
            wanted_missing=0,
            missing=share,
            editions=0.0,
            uhd_library=False,
            legacy=0.0,
            unmatched=0.0,
        )
        self.people = [self.world.pulsarr.add_user(f"Person{n:03d}") for n in range(PEOPLE)]
        missing_keys = {title.key for title in self.world.plex.missing()}
        self.missing = [title for title in self.world.catalog if title.key in missing_keys][:titles]
        self.there = [title for title in self.world.catalog if title.key not in missing_keys]
        rng = random.Random(f"live-{seed}")
        rng.shuffle(self.missing)
        rng.shuffle(self.there)
        for number, title in enumerate((*self.missing, *self.there[200:400])):
            self.world.pulsarr.want(self.people[number % PEOPLE].id, title)
        self.delays = [rng.uniform(*PLEX_AFTER) for _ in self.missing]
        self.plex = PlexSimulator(self.world.plex, token=PLEX_TOKEN, knobs=PlexKnobs.realistic())
        self.pulsarr = PulsarrSimulator(
            self.world.pulsarr,
            api_key=PULSARR_KEY,
            knobs=PulsarrKnobs(latency_ms=8.0, rate_limit=10_000_000),
            catalog=self.world.catalog,
        )

    def label_of(self, number: int) -> str:
        """Return the label of the person who wants the missing title with this number."""
        return self.people[number % PEOPLE].name

    async def imports(self, announce: Callable[[CatalogTitle], Any], watch: Stopwatch) -> None:
        """Import all missing titles, one after the other, each with its own delay."""

        async def one(number: int, title: CatalogTitle) -> None:
            await asyncio.sleep(ANNOUNCED_AFTER)
            await announce(title)
            await asyncio.sleep(max(0.0, self.delays[number] - ANNOUNCED_AFTER))
            await self.plex.import_title(title)
            since = time.monotonic()
            await watch.until(partial(self._labelled, title, self.label_of(number)), since)

        async with asyncio.TaskGroup() as group:
            for number, title in enumerate(self.missing):
                group.create_task(one(number, title))
                await asyncio.sleep(ARRIVAL)

    async def wishes(self, number: int, watch: Stopwatch) -> None:
        """Add wishes for titles that are already in Plex, at random moments."""
        rng = random.Random("wishes")

        async def one(position: int, title: CatalogTitle) -> None:
            await asyncio.sleep(rng.uniform(0.0, number * WANTED_EVERY))
            person = self.people[position % PEOPLE]
            since = time.monotonic()
            await self.pulsarr.want(person.id, title)
            await watch.until(partial(self._labelled, title, person.name), since)

        sent = len(self.pulsarr.deliveries)
        async with asyncio.TaskGroup() as group:
            for position, title in enumerate(self.there[:number]):
                group.create_task(one(position, title))
        if len(self.pulsarr.deliveries) != sent:
            raise RuntimeError("Pulsarr has told of wishes that it has nothing to do for")

    def _labelled(self, title: CatalogTitle, name: str) -> bool:
        """Return whether all items of a title carry a person's label."""
        label = name.casefold()
        items = self.world.plex.items_of(title)
        return bool(items) and all(label in map(str.casefold, one.labels) for one in items)


async def ours(titles: int, wishes: int, seed: int, folder: Path) -> dict[str, Any]:
    """Measure this integration in a real Home Assistant."""
    course = Course(seed, titles)
    home = HomeAssistant(folder / "config", free_port())
    home.prepare()
    imports, wanted = Stopwatch(), Stopwatch()
    async with course.plex, course.pulsarr, aiohttp.ClientSession() as session:
        await home.start(session)
        try:
            client = await onboard(session, home, Owner("Bench", "bench", "password-of-the-bench"))
            connections = Connections(course.plex.url, PLEX_TOKEN, course.pulsarr.url, PULSARR_KEY)
            entry = Integration(client, await integration.set_up(client, connections))
            await entry.until_synced(within=120)
            await entry.until_state("live_updates", "on")
            await course.imports(course.pulsarr.announce, imports)
            requests = course.plex.stats.total
            asked, began = course.pulsarr.stats.total, time.monotonic()
            await course.wishes(wishes, wanted)
            minutes = (time.monotonic() - began) / 60
            per_minute = (course.pulsarr.stats.total - asked) / minutes
            await client.close()
        finally:
            await home.stop()
    return {
        "imports": imports.figures(),
        "wishes": wanted.figures(),
        "requests": requests,
        "requests to Pulsarr a minute": round(per_minute, 1),
    }


async def pulsarrs_way(titles: int, seed: int, folder: Path) -> dict[str, Any]:
    """Measure Pulsarr's label sync: a search on announcement, then one every 30 seconds."""
    course = Course(seed, titles)
    imports = Stopwatch()
    async with course.plex, course.pulsarr, asyncio.TaskGroup() as group:
        way = PulsarrWay(
            Servers(course.plex.url, PLEX_TOKEN, course.pulsarr.url, PULSARR_KEY, str(folder))
        )
        await way.start()
        numbers = {title.key: number for number, title in enumerate(course.missing)}

        async def label(title: CatalogTitle) -> None:
            for _ in range(20):
                if await way.label(title.plex_guid, {course.label_of(numbers[title.key])}):
                    return
                await asyncio.sleep(POLL)

        async def announce(title: CatalogTitle) -> None:
            group.create_task(label(title))

        await course.imports(announce, imports)
        requests = course.plex.stats.total
        await way.stop()
    return {"imports": imports.figures(), "requests": requests}


async def run(titles: int, wishes: int, seed: int) -> dict[str, Any]:
    """Measure both at the same time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own, rival = await asyncio.gather(
            ours(titles, wishes, seed, folder), pulsarrs_way(titles, seed, folder)
        )
    return {"titles": titles, "wishes": wishes, "ours": own, "Pulsarr's way": rival}


def table(figures: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    rows = [
        (f"ours, {figures['titles']} imports", figures["ours"]["imports"]),
        (f"Pulsarr's way, {figures['titles']} imports", figures["Pulsarr's way"]["imports"]),
        (
            f"ours, {figures['wishes']} wishes for titles that are there, which nobody announces",
            figures["ours"]["wishes"],
        ),
    ]
    lines = ["| seconds until the label is there | half below | 95 % below | never |"]
    lines += ["|---|---|---|---|"]
    lines += [
        f"| {name} | {one['p50']:.2f} | {one['p95']:.2f} | {one['lost']} |" for name, one in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=200)
    parser.add_argument("--wishes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, help="a JSON file for the figures")
    args = parser.parse_args()
    figures = asyncio.run(run(args.titles, args.wishes, args.seed))
    print(table(figures))
    if args.output:
        args.output.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
