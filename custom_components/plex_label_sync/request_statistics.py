"""What became of the requests to one server, for diagnostics."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
import re
import time
from typing import Final

from .sync.model import Failure, ServiceError

FAILURES_KEPT: Final = 10  # of each server

_NUMBERS: Final = re.compile(r"(?<=/)[0-9][0-9,]*(?=/|$)")  # what a path names one thing by


@dataclass(slots=True)
class KindStatistics:
    """What came of the requests of one kind; times are in seconds, waiting for a turn left out."""

    requests: int = 0
    failed: int = 0
    bytes_in: int = 0
    seconds: float = 0.0  # of all together
    slowest: float = 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add how long something takes, whether or not it works."""
        began = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - began
            self.seconds += took
            self.slowest = max(self.slowest, took)


@dataclass(frozen=True, slots=True)
class LastFailure:
    """One request that failed: when in seconds since the epoch, and why."""

    at: float
    failure: Failure
    detail: str


@dataclass(slots=True)
class Statistics:
    """How many requests went out and what came of them, for diagnostics.

    A kind is a method and a path without the numbers in it.
    """

    requests: int = 0
    retries: int = 0
    bytes_in: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, KindStatistics] = field(default_factory=dict)
    last_failures: deque[LastFailure] = field(default_factory=lambda: deque(maxlen=FAILURES_KEPT))

    def began(self, method: str, path: str) -> KindStatistics:
        """Count a request; return where what comes of it is noted."""
        self.requests += 1
        kind = self.kinds.setdefault(f"{method} {_NUMBERS.sub('{id}', path)}", KindStatistics())
        kind.requests += 1
        return kind

    def failed(self, err: ServiceError) -> None:
        """Count a failure and keep it as the last one."""
        self.failures[err.failure] = self.failures.get(err.failure, 0) + 1
        self.last_failures.append(LastFailure(time.time(), err.failure, err.detail))
