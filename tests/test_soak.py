"""A day in a few minutes: faults of all kinds on both servers, and every label comes in its time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
import logging
import os
import random
import tracemalloc
from typing import TYPE_CHECKING, Final

import pytest

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.limits import ReconnectTimes
from custom_components.plex_label_sync.plex.limits import PlexLimits
from custom_components.plex_label_sync.pulsarr.limits import PulsarrLimits
from custom_components.plex_label_sync.transport import Retries
from simulators.http import Fault, FaultKind

from .ha_env import later, set_limits

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory

    from simulators.catalog import CatalogTitle

    from .ha_env import HaEnv

pytestmark = [pytest.mark.usefixtures("clock"), pytest.mark.slow, pytest.mark.timeout(1800)]

HOURS: Final = int(os.environ.get("SOAK_HOURS", "4"))  # a whole day takes minutes
STEP: Final = 30.0  # seconds
FAULTY: Final = 40 * 60.0  # of each hour; the rest of it both servers are well
BOUND: Final = 90.0  # seconds from a wish to its label while they are
CATCH_UP: Final = 15 * 60.0  # seconds in which everything is made up for that faults delayed
# What changes no truth and takes no real time. The others have tests of their own.
KINDS: Final[tuple[FaultKind, ...]] = (
    "busy",
    "unavailable",
    "throttled",
    "drop",
    "truncated",
    "cut_body",
    "short_page",
    "html",
)


@dataclass(slots=True)
class Day:
    """What happens to a ha_env in a day, and what it should come to."""

    ha_env: HaEnv
    clock: TickingDateTimeFactory
    rng: random.Random
    now: float = 0.0
    waiting: dict[tuple[str, str], tuple[CatalogTitle, float, bool]] = field(default_factory=dict)
    slowest: float = 0.0
    wanted: int = 0
    faults: int = 0

    async def step(self, *, faulty: bool) -> None:
        """Let half a minute pass in which something may happen."""
        ha_env, rng = self.ha_env, self.rng
        if faulty and rng.random() < 0.3:
            self._break_something()
        if faulty and rng.random() < 0.02:
            await ha_env.plex.drop_events()
        if rng.random() < 0.05:
            self._want(faulty=faulty)
        await later(ha_env, self.clock, STEP)
        self.now += STEP
        self._check()

    def _break_something(self) -> None:
        self.faults += 1
        faults = self.rng.choice([self.ha_env.plex.faults, self.ha_env.pulsarr.faults])
        kind = self.rng.choice(KINDS)
        seconds = self.rng.choice([0.0, 45.0, 200.0]) if kind in {"busy", "throttled"} else 0.0
        faults.add(Fault(kind, times=self.rng.randint(1, 6), seconds=seconds))

    def _want(self, *, faulty: bool) -> None:
        """Somebody wants a title that is there; Pulsarr tells nobody."""
        users = [one for one in self.ha_env.pulsarr.state.users() if one.can_sync]
        user = self.rng.choice(users)
        wanted = self.ha_env.wanted_by(user.name)
        free = [
            title
            for title in self.ha_env.world.catalog
            if title.key not in wanted and self.ha_env.plex.state.items_of(title)
        ]
        if free:
            title = self.rng.choice(free)
            self.ha_env.pulsarr.state.want(user.id, title)
            self.waiting[title.key, user.name.casefold()] = (title, self.now, faulty)
            self.wanted += 1

    def _check(self) -> None:
        """Take in which labels have come; complain of those that are late."""
        for key, (title, since, faulty) in list(self.waiting.items()):
            if all(key[1] in labels for labels in self.ha_env.labels(title)):
                del self.waiting[key]
                if not faulty:
                    self.slowest = max(self.slowest, self.now - since)

    def late(self, seconds: float) -> list[str]:
        """Return whose labels have not come after so long."""
        return [
            f"{title.title} for {name}, {self.now - since:.0f} s"
            for (_, name), (title, since, _) in self.waiting.items()
            if self.now - since > seconds
        ]

    def own_objects(self) -> int:
        """Return how many tasks of the integration there are."""
        return sum(task.get_name().startswith(DOMAIN) for task in asyncio.all_tasks())

    def timers(self) -> int:
        """Return how many timers wait."""
        scheduled = self.ha_env.hass.loop._scheduled  # type: ignore[attr-defined]
        return sum(not handle.cancelled() for handle in scheduled)


def memory() -> int:
    """Return how many bytes the integration's own code holds, but for what the tests keep as files."""
    snapshot = tracemalloc.take_snapshot().filter_traces(
        [
            tracemalloc.Filter(inclusive=True, filename_pattern=f"*/custom_components/{DOMAIN}/*"),
            tracemalloc.Filter(inclusive=False, filename_pattern="*/files.py"),
        ]
    )
    return sum(stat.size for stat in snapshot.statistics("filename"))


@pytest.mark.parametrize("seed", [1])
async def test_day_of_faults_loses_no_label_and_leaves_nothing_behind(
    ha_env: HaEnv,
    clock: TickingDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    seed: int,
) -> None:
    caplog.set_level(logging.WARNING)
    retries = Retries(back_off=(0.01, 0.02), retry_after_max=0.5)
    set_limits(
        ha_env.hass,
        plex=PlexLimits(retries=retries, heartbeat=None),
        pulsarr=PulsarrLimits(retries=retries),
        reconnect=ReconnectTimes(first=0.01, most=0.02),
        settle=(0.01, 0.02),
    )
    ha_env.hass.loop.set_debug(False)
    await ha_env.set_up()
    await ha_env.connected()
    day = Day(ha_env, clock, random.Random(f"soak-{seed}"))
    tracemalloc.start()
    held: list[tuple[int, int, int]] = []
    for _ in range(HOURS):
        for _ in range(round(FAULTY / STEP)):
            await day.step(faulty=True)
        ha_env.plex.faults.clear()
        ha_env.pulsarr.faults.clear()
        for quiet in range(round((3600 - FAULTY) / STEP)):
            await day.step(faulty=False)
            if quiet * STEP >= CATCH_UP:
                assert day.late(BOUND) == []
        for server in (ha_env.plex, ha_env.pulsarr):
            server.stats.reset()
        held.append((day.own_objects(), day.timers(), memory()))
    tracemalloc.stop()
    caplog.clear()

    assert day.wanted > 3 * HOURS
    assert day.faults > 10 * HOURS
    assert day.slowest <= BOUND + CATCH_UP, "Pulsarr may have said to wait a while"
    assert ha_env.state("problem") == "off"
    tasks, timers, most = (max(one) for one in zip(*held[2:], strict=True))
    assert tasks <= 2
    assert timers <= held[1][1] + 10
    # More titles are wanted and labelled than at first; nothing else is kept.
    assert most <= held[1][2] + 768 * 1024
