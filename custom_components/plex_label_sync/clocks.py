"""Clocks: one that nobody sets, for waiting and resting, and a watch on the one that people see."""

import time
from typing import Final

STEP: Final = 2.0  # seconds; less is no step but a clock that was put right while it went on


def steady() -> float:
    """Return seconds of a clock that nobody sets; they mean nothing outside this process."""
    return time.monotonic()


class ClockWatch:
    """Notices when the computer's clock was set, so that what waits can move with it."""

    def __init__(self) -> None:
        """Take the clock for right as it is now."""
        self._ahead = time.time() - steady()

    def step(self) -> float:
        """Return by how many seconds the clock was set since this was asked last, 0 if it was not."""
        moved = time.time() - steady() - self._ahead
        if abs(moved) < STEP:
            return 0.0
        self._ahead += moved
        return moved
