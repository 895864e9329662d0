"""The limits and waiting times with which the parts of a loaded entry are made."""

from dataclasses import dataclass, field

from .plex.limits import PlexLimits
from .pulsarr.limits import PulsarrLimits


@dataclass(frozen=True, slots=True)
class ReconnectTimes:
    """When to listen to Plex again after the connection was lost; in seconds."""

    first: float = 1.0  # doubled each time
    most: float = 30.0
    refused: float = 300.0  # while Plex refuses the token


@dataclass(frozen=True, slots=True)
class SharingTimes:
    """When plex.tv is asked who can see what, and how long for; in seconds."""

    first_check: tuple[float, float] = (60.0, 300.0)  # after the first full sync, by chance
    cool_down: float = 10.0  # between two questions that somebody asks by hand
    answer_timeout: float = 44.0  # requests' own timeouts begin anew with every byte


@dataclass(frozen=True, slots=True)
class Limits:
    """One set of limits for each part that has some."""

    plex: PlexLimits = field(default_factory=PlexLimits)
    pulsarr: PulsarrLimits = field(default_factory=PulsarrLimits)
    reconnect: ReconnectTimes = field(default_factory=ReconnectTimes)
    sharing: SharingTimes = field(default_factory=SharingTimes)


USUAL = Limits()


def current_limits() -> Limits:
    """Return the limits of everything that is made from now on."""
    return USUAL
