"""What held up an event loop, and how much of it was Python's garbage collector. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FULL: Final = 2  # the generation that holds everything


@dataclass(frozen=True, slots=True)
class Collection:
    """One run of the garbage collector, in whatever thread: it holds up all of them. Seconds."""

    began: float
    ended: float
    generation: int

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Stall:
    """How long the loop did not turn, how much of that was collecting (seconds), and where it was."""

    seconds: float
    collecting: float
    where: str = ""

    @property
    def apart(self) -> float:
        """What is left without the collections."""
        return max(0.0, self.seconds - self.collecting)


def collecting(collections: Iterable[Collection], began: float, ended: float) -> float:
    """Return how many of the seconds from `began` to `ended` were spent in collections."""
    return sum(max(0.0, min(one.ended, ended) - max(one.began, began)) for one in collections)


def longest_full(collections: Iterable[Collection]) -> tuple[int, float]:
    """Return how many of the collections were full, and the seconds of the longest of these."""
    full = [one.seconds for one in collections if one.generation == FULL]
    return len(full), max(full, default=0.0)
