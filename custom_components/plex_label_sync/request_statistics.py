"""Statistics of the requests to one server, for diagnostics."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
import re
import time
from typing import Final

from .sync.model import Failure, ServiceError

FAILURES_KEPT: Final = 10  # per server

_NUMBERS: Final = re.compile(r"(?<=/)[0-9][0-9,]*(?=/|$)")  # ids in a path


@dataclass(slots=True)
class KindStatistics:
    """Counts and times of one kind of request; in seconds, without waiting for a free slot."""

    requests: int = 0
    failed: int = 0
    bytes_in: int = 0
    seconds: float = 0.0  # total
    slowest: float = 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the time a block takes, whether or not it succeeds."""
        began = time.monotonic()
        try:
            yield
        finally:
            elapsed = time.monotonic() - began
            self.seconds += elapsed
            self.slowest = max(self.slowest, elapsed)


@dataclass(frozen=True, slots=True)
class LastFailure:
    """One failed request: its time in seconds since the epoch, and the reason."""

    at: float
    failure: Failure
    detail: str


@dataclass(slots=True)
class Statistics:
    """Counts of requests and their results, by kind.

    A kind is a method and a path without ids.
    """

    requests: int = 0
    retries: int = 0
    bytes_in: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, KindStatistics] = field(default_factory=dict)
    last_failures: deque[LastFailure] = field(default_factory=lambda: deque(maxlen=FAILURES_KEPT))

    def began(self, method: str, path: str) -> KindStatistics:
        """Count a request and return the statistics of its kind."""
        self.requests += 1
        kind = self.kinds.setdefault(f"{method} {_NUMBERS.sub('{id}', path)}", KindStatistics())
        kind.requests += 1
        return kind

    def failed(self, err: ServiceError) -> None:
        """Count a failure and keep it as the last one."""
        self.failures[err.failure] = self.failures.get(err.failure, 0) + 1
        self.last_failures.append(LastFailure(time.time(), err.failure, err.detail))
