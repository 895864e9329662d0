"""Delays between repeated attempts."""

from dataclasses import dataclass
from typing import Final

_DOUBLINGS_MAX: Final = 30  # a longer delay is of no use, and of too many no number could be made


@dataclass(slots=True)
class Backoff:
    """The delay before the next attempt, in seconds: doubled with each failure, up to `most`."""

    first: float
    most: float
    failures: int = 0

    @property
    def delay(self) -> float:
        """The delay after one more failure."""
        doubled: float = self.first * 2 ** min(self.failures, _DOUBLINGS_MAX)
        return max(self.first, min(doubled, self.most))

    def failed(self) -> float:
        """Count a failure, and return the delay before the next attempt."""
        delay = self.delay
        self.failures += 1
        return delay

    def reset(self) -> None:
        """Start again, after a success."""
        self.failures = 0
