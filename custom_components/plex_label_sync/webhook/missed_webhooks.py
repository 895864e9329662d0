"""Decides when it is suspicious that Pulsarr announces nothing. Pure."""

from dataclasses import dataclass, replace
from typing import Final, Self

FINDS_MIN: Final = 3  # one find may be a new edition of an old title, which nobody announces
SILENCE_MIN: Final = 86_400.0  # seconds
LATE: Final = 3600.0  # seconds; what is found sooner belongs to the last announcement


@dataclass(frozen=True, slots=True)
class Silence:
    """What was found without having been announced since something was announced last.

    A quiet house finds nothing, so it never becomes suspicious. Times are Unix times.
    """

    since: float
    finds: int = 0

    def with_find(self, now: float) -> Self:
        """Return the silence after one more sync that had to add labels by itself."""
        return replace(self, finds=self.finds + 1) if now - self.since >= LATE else self

    def is_suspicious(self, now: float) -> bool:
        """Tell whether announcements must have been lost."""
        return self.finds >= FINDS_MIN and now - self.since >= SILENCE_MIN
