"""Measures counting and listing everyone's titles, and how long the event loop waits.

`python -m benchmarks.titles --titles 60000 --people 50`
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from typing import TYPE_CHECKING, Any

from custom_components.plex_label_sync.sync.changes import Row
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import (
    Item,
    MediaType,
    Person,
    SyncSettings,
    Title,
)
from custom_components.plex_label_sync.sync.overview import Overview
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.queue import QueueSettings, announce
from custom_components.plex_label_sync.sync.title_status import (
    Standings,
    Times,
    TitleQuery,
    TitleStatus,
    figures,
    find_titles,
)
from custom_components.plex_label_sync.sync.wanted import WantedTitle

if TYPE_CHECKING:
    from collections.abc import Callable

WAITING = 300  # pending titles
NEVER = Times({}, {}, {})
TICK = 0.001  # seconds between two ticks of the event loop


def make_standings(titles: int, people: int, seed: int = 1) -> Standings:
    """Return standings: a fifth of the titles is missing, each is wanted by up to three people."""
    chance = random.Random(seed)
    all_people = [Person(pulsarr_id(number), f"person{number}") for number in range(people)]
    wanted_titles, items, rows = [], {}, []
    for number in range(titles):
        ids = frozenset({f"plex:{number:024x}", f"tmdb:{number + 1}", f"imdb:tt{number}"})
        title = Title(MediaType.MOVIE, f"Title {number}", ids, added=1.7e9 + number)
        who = tuple(chance.sample(all_people, min(people, chance.choice((1, 1, 1, 2, 3)))))
        wanted_titles.append(WantedTitle(title, who))
        item = Item(str(number), "1", title.type, title.name, ids)
        items[title] = () if number % 5 == 0 else (item,)
        if items[title]:
            rows += [Row(one.username, "1", str(number), number, (one.id,)) for one in who]
    overview = Overview(
        SyncSettings(),
        {one.id: one for one in all_people},
        tuple(wanted_titles),
        items,
        conclusive=True,
    )
    missing = [title for title, some in items.items() if not some][:WAITING]
    queue = announce((), missing, 1.0, QueueSettings(30, 1800))
    return Standings(overview, Ledger(rows), queue, frozenset())


async def measure(work: Callable[[], object]) -> tuple[float, float]:
    """Run work in a thread; return its CPU seconds and the longest wait of the event loop."""
    longest, done = 0.0, False

    async def watch() -> None:
        nonlocal longest
        while not done:
            before = time.monotonic()
            await asyncio.sleep(TICK)
            longest = max(longest, time.monotonic() - before - TICK)

    watching = asyncio.create_task(watch())
    began = time.process_time()
    await asyncio.to_thread(work)
    took = time.process_time() - began
    done = True
    await watching
    return took, longest


async def run(titles: int, people: int) -> None:
    """Measure and print the figures as Markdown."""
    standings = make_standings(titles, people)
    missing = frozenset({TitleStatus.MISSING})
    cases: dict[str, Callable[[], Any]] = {
        "count for all sensors": lambda: figures(standings),
        "list 200 of all titles": lambda: find_titles(standings, TitleQuery(), NEVER),
        "list what one person misses": lambda: find_titles(
            standings, TitleQuery(pulsarr_id(1), missing), NEVER
        ),
    }
    print(f"{titles} titles, {people} people\n")
    print("| what | CPU, ms | longest wait of the loop, ms |\n|---|---|---|")
    for name, work in cases.items():
        took, longest = await measure(work)
        print(f"| {name} | {took * 1000:.0f} | {longest * 1000:.0f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=60_000)
    parser.add_argument("--people", type=int, default=50)
    given = parser.parse_args()
    asyncio.run(run(given.titles, given.people))
