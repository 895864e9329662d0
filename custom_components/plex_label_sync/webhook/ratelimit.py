"""A token bucket: so many at once, and so many a second after that."""

from dataclasses import dataclass, field
import math


@dataclass(slots=True)
class TokenBucket:
    """Lets `burst` requests through at once and `per_second` in the long run."""

    burst: int
    per_second: float
    _tokens: float = field(init=False)
    _filled: float = field(init=False, default=-math.inf)

    def __post_init__(self) -> None:
        """Start full."""
        self._tokens = float(self.burst)

    def take(self, now: float) -> int:
        """Let one request through at `now` (seconds of any steady clock) and return 0.

        Where it may not pass, return after how many whole seconds it may be tried again.
        """
        refill = max(0.0, now - self._filled) * self.per_second
        self._tokens = min(float(self.burst), self._tokens + refill)
        self._filled = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        return max(1, math.ceil((1 - self._tokens) / self.per_second))
