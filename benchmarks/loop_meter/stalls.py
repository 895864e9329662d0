"""Event loop stalls, and how much of them was garbage collection. Pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FULL: Final = 2  # the generation with all objects


@dataclass(frozen=True, slots=True)
class Collection:
    """One garbage collection, in any thread, as it blocks all of them. Seconds."""

    began: float
    ended: float
    generation: int

    @property
    def seconds(self) -> float:
        """Return the duration."""
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Stall:
    """Duration of a stall, how much of it was garbage collection (seconds), and where it was."""

    seconds: float
    collecting: float
    where: str = ""

    @property
    def apart(self) -> float:
        """Return the duration without the collections."""
        return max(0.0, self.seconds - self.collecting)


def collecting(collections: Iterable[Collection], began: float, ended: float) -> float:
    """Return how many of the seconds from `began` to `ended` were spent in collections."""
    return sum(max(0.0, min(one.ended, ended) - max(one.began, began)) for one in collections)


def longest_full(collections: Iterable[Collection]) -> tuple[int, float]:
    """Return the number of full collections, and the seconds of the longest one."""
    full = [one.seconds for one in collections if one.generation == FULL]
    return len(full), max(full, default=0.0)
