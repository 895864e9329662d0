"""Pulsarr's rate limit: fixed windows, one bucket per client, some routes with their own bucket."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Ticket:
    """The decision on one request; `reset_s` is the rest of the window in whole seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: int

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of the response, also of a refusal (which adds Retry-After)."""
        headers = {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": str(self.reset_s),
        }
        if not self.allowed:
            headers["Retry-After"] = str(self.reset_s)
        return headers


class RateLimiter:
    """Counts requests per bucket in windows that start with the first request."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Initialize with a clock that returns seconds from any starting point."""
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}

    def take(self, bucket: str, *, limit: int, window_s: float) -> Ticket:
        """Count one request. A request that exceeds the limit is refused, but counted too."""
        now = self._clock()
        start, count = self._windows.get(bucket, (now, 0))
        if now - start >= window_s:
            start, count = now, 0
        count += 1
        self._windows[bucket] = (start, count)
        return Ticket(
            allowed=count <= limit,
            limit=limit,
            remaining=max(limit - count, 0),
            reset_s=max(math.ceil(start + window_s - now), 0),
        )

    def reset(self) -> None:
        """Reset all counts."""
        self._windows.clear()
