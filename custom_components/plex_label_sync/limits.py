"""Limits and waiting times of the parts of a loaded entry."""

from dataclasses import dataclass, field

from .plex.limits import PlexLimits
from .pulsarr.limits import PulsarrLimits


@dataclass(frozen=True, slots=True)
class ReconnectTimes:
    """Delays before reconnecting to Plex's notifications, in seconds."""

    first: float = 1.0  # doubled after each failure
    most: float = 30.0
    refused: float = 300.0  # while Plex refuses the token


@dataclass(frozen=True, slots=True)
class SharingTimes:
    """Times of the sharing check at plex.tv, in seconds."""

    first_check: tuple[float, float] = (60.0, 300.0)  # after the first full sync; chosen at random
    cool_down: float = 10.0  # between two checks requested by hand
    answer_timeout: float = 44.0  # the timeouts of requests restart with every byte


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits, by part."""

    plex: PlexLimits = field(default_factory=PlexLimits)
    pulsarr: PulsarrLimits = field(default_factory=PulsarrLimits)
    reconnect: ReconnectTimes = field(default_factory=ReconnectTimes)
    sharing: SharingTimes = field(default_factory=SharingTimes)


USUAL = Limits()


def current_limits() -> Limits:
    """Return the limits for newly created parts."""
    return USUAL
