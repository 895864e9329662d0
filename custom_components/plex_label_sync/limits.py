"""The limits and waiting times with which the parts of a loaded entry are made."""

from dataclasses import dataclass, field

from .plex.limits import PlexLimits
from .pulsarr.limits import PulsarrLimits


@dataclass(frozen=True, slots=True)
class Limits:
    """One set of limits for each part that has some."""

    plex: PlexLimits = field(default_factory=PlexLimits)
    pulsarr: PulsarrLimits = field(default_factory=PulsarrLimits)


USUAL = Limits()


def current_limits() -> Limits:
    """Return the limits of everything that is made from now on."""
    return USUAL
