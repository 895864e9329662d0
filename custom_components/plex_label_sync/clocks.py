"""A monotonic clock for waiting times, and detection of changes to the wall clock."""

import time
from typing import Final

STEP: Final = 2.0  # seconds; a smaller difference is gradual drift correction, not a change


def steady() -> float:
    """Return the monotonic clock in seconds; the value means nothing outside this process."""
    return time.monotonic()


class ClockWatch:
    """Detects changes to the system clock, so that waiting times can be adjusted."""

    def __init__(self) -> None:
        """Initialize with the current time as the reference."""
        self._ahead = time.time() - steady()

    def step(self) -> float:
        """Return by how many seconds the clock was changed since the last call, 0 if it was not."""
        moved = time.time() - steady() - self._ahead
        if abs(moved) < STEP:
            return 0.0
        self._ahead += moved
        return moved
