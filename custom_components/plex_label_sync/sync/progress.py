"""How far a run has come, in percent. Pure."""

from collections.abc import Callable
from enum import Enum
from typing import Final


class Phase(Enum):
    """The parts of a run, each with the percentage at which it begins and ends."""

    WATCHLISTS = (0, 15)
    LISTING = (15, 55)
    LABELS = (55, 65)
    EDITS = (65, 90)
    CONFIRMING = (90, 100)


STEP: Final = 5  # percent; smaller advances are not reported, but for the last one
COMPLETE: Final = 100  # percent


class Progress:
    """Tells a listener how far a run has come: never backwards, and not too often."""

    def __init__(self, tell: Callable[[int], object] = lambda _: None) -> None:
        """`tell` gets whole percents, from 0 to 100."""
        self._tell = tell
        self._told = -STEP

    def done(self) -> None:
        """Take in that the run is over, whatever it did not have to do."""
        self.reached(Phase.CONFIRMING)

    def reached(self, phase: Phase, done: int = 1, of: int = 1) -> None:
        """Take in that `done` of the `of` parts of a phase are over."""
        begin, end = phase.value
        percent = begin + (end - begin) * min(done, of) // max(of, 1)
        if percent >= self._told + STEP or self._told < percent == COMPLETE:
            self._told = percent
            self._tell(percent)
