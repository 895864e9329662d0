"""The servers of a benchmark in their own process: a simulated Plex and Pulsarr over one world.

Commands are lines of JSON on standard input, each answered by one line on standard output. Plex has
the pace of a small home server: a read costs 5 ms and 0.05 ms per row, an edit
20 ms and 2 ms per item; Pulsarr takes 8 ms per response.
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import Mapping
import hashlib
import json
import random
import sys
from typing import Any, Final

from simulators.catalog import CatalogTitle
from simulators.plex import PlexKnobs, PlexSimulator
from simulators.plex.edits import LabelEdit
from simulators.pulsarr import PulsarrSimulator
from simulators.pulsarr.knobs import PulsarrKnobs
from simulators.world import make_world

from .floor import IDS_PER_EDIT

PLEX_TOKEN: Final = "plex-token-of-the-benchmark"
PULSARR_KEY: Final = "pulsarr-key-of-the-benchmark"
SHOWS: Final = 0.2  # share of the library
WANTED: Final = 0.1  # share of the library that is on a watchlist
FANS: Final = ((1, 0.62), (2, 0.22), (3, 0.11), (4, 0.05))  # how many people want the same title


class Servers:
    """One world, changed by the cases and restored after them."""

    def __init__(self, items: int, people: int, missing: int, seed: int) -> None:
        shows = round((items + missing) * SHOWS)
        # Items that rivals cannot find (legacy agents, unmatched, no Plex key) are left out: all
        # must be
        # able to reach the same labels.
        self._world = make_world(
            seed,
            items + missing - shows,
            shows,
            0,
            wanted_in_plex=0,
            wanted_missing=0,
            missing=missing / (items + missing),
            editions=0.0,
            uhd_library=False,
            legacy=0.0,
            unmatched=0.0,
        )
        self._rng = random.Random(f"benchmark-{seed}")
        missing_keys = {title.key for title in self._world.plex.missing()}
        self._missing = [title for title in self._world.catalog if title.key in missing_keys]
        self._there = [title for title in self._world.catalog if title.key not in missing_keys]
        self._rng.shuffle(self._there)
        self._pulsarr = self._world.pulsarr
        users = [self._pulsarr.add_user(f"Person{number:03d}") for number in range(people)]
        self._people = [user.id for user in users]
        self._name = {user.id: user.name for user in users}
        self._wanted = round(len(self._there) * WANTED)
        for title in (*self._there[: self._wanted], *self._missing):
            fans = self._rng.choices([n for n, _ in FANS], [share for _, share in FANS])[0]
            for user_id in self._rng.sample(self._people, min(fans, people)):
                self._pulsarr.want(user_id, title)
        self._base = {(entry.user_id, entry.catalog_key) for entry in self._pulsarr.entries()}
        self._foreign = {key: item.labels for key, item in self._world.plex.items.items()}
        self._all_entries = set(self._base)
        self._before = dict(self._foreign)
        self._guests: list[int] = []
        self._titles = {title.key: title for title in self._world.catalog}
        knobs = PlexKnobs.realistic()
        self._plex_server = PlexSimulator(self._world.plex, token=PLEX_TOKEN, knobs=knobs)
        # Repeats follow each other faster than Pulsarr's rate limit allows.
        paced = PulsarrKnobs(latency_ms=8.0, rate_limit=10_000_000)
        self._pulsarr_server = PulsarrSimulator(
            self._pulsarr, api_key=PULSARR_KEY, knobs=paced, catalog=self._world.catalog
        )

    async def serve(self) -> None:
        """Answer commands until standard input ends."""
        async with self._plex_server as plex, self._pulsarr_server as pulsarr:
            say({"plex": plex.url, "pulsarr": pulsarr.url})
            while line := await asyncio.to_thread(sys.stdin.readline):
                command = json.loads(line)
                say(getattr(self, f"do_{command.pop('do')}")(**command) or {})

    def do_restore(self) -> None:
        """Restore the original labels and watchlists."""
        plex = self._world.plex
        for key, item in plex.items.items():
            if item.labels != self._foreign[key]:
                plex.apply(item, LabelEdit(clear=True))
                plex.apply(item, LabelEdit(add=self._foreign[key]))
        for guest in self._guests:
            self._pulsarr.remove_user(guest)
        self._guests.clear()
        now = {(entry.user_id, entry.catalog_key) for entry in self._pulsarr.entries()}
        for user_id, key in now - self._base:
            self._pulsarr.unwant(user_id, self._titles[key])
        for user_id, key in self._base - now:
            self._pulsarr.want(user_id, self._titles[key])
        self._all_entries = set(self._base)

    def do_person(self, titles: int) -> None:
        """Add a person who wants some titles that are in Plex."""
        # Two people with one name would share a label, so the second one would get none.
        user = self._pulsarr.add_user(f"Newcomer{len(self._guests) + 1}")
        self._guests.append(user.id)
        self._name[user.id] = user.name
        for title in self._there[-titles:]:
            self._want(user.id, title)

    def do_churn(self, share: float) -> None:
        """Remove a share of the wishes, and add as many others."""
        rng = random.Random("churn")
        going = rng.sample(sorted(self._base), max(1, round(len(self._base) * share)))
        for user_id, key in going:
            self._pulsarr.unwant(user_id, self._titles[key])
        for user_id, title in zip(
            [user_id for user_id, _ in going], self._there[self._wanted :], strict=False
        ):
            self._want(user_id, title)

    def _want(self, user_id: int, title: CatalogTitle) -> None:
        self._pulsarr.want(user_id, title)
        self._all_entries.add((user_id, title.key))

    def do_missing(self) -> dict[str, Any]:
        """Return the wanted titles that are not in Plex."""
        return {
            "titles": [
                {"type": one.type, "title": one.title, "ids": [f"plex:{one.key}", *one.guids]}
                for one in self._missing
            ]
        }

    def do_reset(self) -> None:
        """Reset the counts."""
        self._before = {key: item.labels for key, item in self._world.plex.items.items()}
        self._plex_server.stats.reset()
        self._pulsarr_server.stats.reset()

    def do_stats(self) -> dict[str, Any]:
        """Return the requests since the last reset, and the current labels."""
        plex, pulsarr = self._plex_server.stats, self._pulsarr_server.stats
        by_kind = {f"{method} {route}": number for (method, route), number in plex.requests.items()}
        expected = self._expected()
        changed: Counter[tuple[str, str]] = Counter()
        for key, item in self._world.plex.items.items():
            for label in set(item.labels) - set(self._before[key]):
                changed[item.section, label] += 1
        return {
            "floor_edits": sum(-(-size // IDS_PER_EDIT) for size in changed.values()),
            "touched": len(changed),
            "wanted": sum(labels != self._foreign[key] for key, labels in expected.items()),
            "requests": plex.total,
            "by_kind": by_kind,
            "bytes": plex.bytes_out,
            "pulsarr_requests": pulsarr.total,
            "peak_concurrency": plex.peak_concurrency,
            "labels": _digest({key: item.labels for key, item in self._world.plex.items.items()}),
            "expected": _digest(expected),
        }

    def _expected(self) -> dict[str, tuple[str, ...]]:
        """Return the original labels, plus the names of all who have wanted an item since."""
        labels = dict(self._foreign)
        for user_id, key in self._all_entries:
            for item in self._world.plex.items_of(self._titles[key]):
                labels[item.rating_key] = (*labels[item.rating_key], self._name[user_id])
        return labels


def _digest(labels: Mapping[str, tuple[str, ...]]) -> str:
    folded = {key: sorted(one.casefold() for one in some) for key, some in labels.items()}
    return hashlib.sha256(json.dumps(folded, sort_keys=True).encode()).hexdigest()


def say(answer: Mapping[str, Any]) -> None:
    """Print the answer to one command."""
    sys.stdout.write(f"{json.dumps(answer)}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve one world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, required=True)
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--missing", type=int, default=0, help="wanted titles that Plex lacks")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    asyncio.run(Servers(args.items, args.people, args.missing, args.seed).serve())


if __name__ == "__main__":
    main()
