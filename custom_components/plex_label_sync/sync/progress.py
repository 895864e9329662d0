"""The progress of a run, in percent. Pure."""

from collections.abc import Callable
from enum import Enum
from typing import Final


class Phase(Enum):
    """The phases of a run, each with the percentage at which it begins and ends."""

    WATCHLISTS = (0, 15)
    LISTING = (15, 55)
    LABELS = (55, 65)
    EDITS = (65, 90)
    CONFIRMING = (90, 100)


STEP: Final = 5  # percent; smaller advances are not reported, except the last one
COMPLETE: Final = 100  # percent


class Progress:
    """Reports the progress of a run to a listener: never backwards, and not too often."""

    def __init__(self, report: Callable[[int], object] = lambda _: None) -> None:
        """Initialize with `report`, which receives whole percentages from 0 to 100."""
        self._report = report
        self._reported = -STEP

    def done(self) -> None:
        """Report that the run is over, including any part it did not need."""
        self.reached(Phase.CONFIRMING)

    def reached(self, phase: Phase, done: int = 1, of: int = 1) -> None:
        """Report that `done` of the `of` parts of a phase are complete."""
        begin, end = phase.value
        percent = begin + (end - begin) * min(done, of) // max(of, 1)
        if percent >= self._reported + STEP or self._reported < percent == COMPLETE:
            self._reported = percent
            self._report(percent)
