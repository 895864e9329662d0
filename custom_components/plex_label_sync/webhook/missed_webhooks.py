"""Detect that Pulsarr's events are getting lost. Pure."""

from dataclasses import dataclass, replace
from typing import Final, Self

FINDS_MIN: Final = 3  # a single find may be a new edition of an old title, which causes no event
SILENCE_MIN: Final = 86_400.0  # seconds
LATE: Final = 3600.0  # seconds; anything found sooner belongs to the last event


@dataclass(frozen=True, slots=True)
class Silence:
    """Count syncs that found unannounced titles since the last event.

    Without new titles there are no finds, so a quiet period is never suspicious. Times are Unix
    times.
    """

    since: float
    finds: int = 0

    def with_find(self, now: float) -> Self:
        """Return a copy that counts one more sync with unannounced titles."""
        return replace(self, finds=self.finds + 1) if now - self.since >= LATE else self

    def is_suspicious(self, now: float) -> bool:
        """Return whether events must have been lost."""
        return self.finds >= FINDS_MIN and now - self.since >= SILENCE_MIN
