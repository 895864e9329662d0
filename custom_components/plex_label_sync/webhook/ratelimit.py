"""A token bucket for rate limiting."""

from dataclasses import dataclass, field
import math


@dataclass(slots=True)
class TokenBucket:
    """Allows `burst` requests at once and `per_second` in the long run."""

    burst: int
    per_second: float
    _tokens: float = field(init=False)
    _filled: float = field(init=False, default=-math.inf)

    def __post_init__(self) -> None:
        """Fill the bucket."""
        self._tokens = float(self.burst)

    def take(self, now: float) -> int:
        """Take a token at `now` (seconds of a monotonic clock) and return 0.

        If there is none, return the whole seconds until a retry.
        """
        refill = max(0.0, now - self._filled) * self.per_second
        self._tokens = min(float(self.burst), self._tokens + refill)
        self._filled = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        return max(1, math.ceil((1 - self._tokens) / self.per_second))
