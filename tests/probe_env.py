"""The time of a probe in tests: it passes only while the probe waits, whatever the machine does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from custom_components.plex_label_sync.probe.pacing import ProbeTimes

from .ha_env import set_limits

if TYPE_CHECKING:
    from simulators.plex import PlexKnobs

    from .ha_env import HaEnv

NEVER: Final = 1e9  # seconds, in which no test ends
PASSES_MAX: Final = 20  # of the event loop in one wait, in which what was sent arrives


class ProbeClock:
    """A clock that a probe waits by; Plex shows edits when its knob says so, by the same clock."""

    def __init__(self, ha_env: HaEnv, **times: Any) -> None:
        """Give all later probes this clock, and the usual times except for these."""
        self._plex = ha_env.plex
        self._now = 0.0
        self._settle = 0.0  # seconds from an edit until it shows
        self._puts = 0
        self._edited = 0.0  # when the last edit came
        probe = ProbeTimes(clock=self.now, sleep=self.sleep, **times)
        set_limits(ha_env.hass, probe=probe)

    def turn(self, knobs: PlexKnobs) -> None:
        """Turn Plex's knobs."""
        self._settle = knobs.settle
        self._plex.knobs = replace(knobs, settle=NEVER if knobs.settle else 0.0)

    def now(self) -> float:
        """Return the time, later each time."""
        self._now += 1e-6
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Let time pass, once Plex is over with the edits that it was sent."""
        for _ in range(min(PASSES_MAX, max(1, round(10 * seconds)))):
            await asyncio.sleep(0.001)
        while self._plex.stats.in_flight:  # noqa: ASYNC110 - counts have no event
            await asyncio.sleep(0.001)
        if self._puts != self._plex.stats.puts:
            self._puts, self._edited = self._plex.stats.puts, self._now
        self._now += seconds
        if self._now >= self._edited + self._settle:
            self._plex.settle()
