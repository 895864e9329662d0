"""Limits and waiting times of everything that is made for an entry or a form."""

from dataclasses import dataclass, field
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .plex.limits import PlexLimits
from .plex.sharing import REQUEST_TIMEOUT, REQUESTS_WITHIN
from .probe.pacing import ProbeTimes
from .pulsarr.limits import PulsarrLimits
from .sync.editing import SETTLE
from .sync.queue import QUEUE_MAX
from .sync.watchlist_changes import POLL_INTERVAL


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
    request_timeout: float = REQUEST_TIMEOUT
    requests_within: float = REQUESTS_WITHIN
    answer_timeout: float = 44.0  # the timeouts of requests restart with every byte


@dataclass(frozen=True, slots=True)
class SignInTimes:
    """Times of a sign-in at plex.tv, in seconds."""

    poll: float = 3.0  # between two checks; a returning browser triggers one at once
    answer_timeout: float = 30.0  # the timeouts of requests restart with every byte
    most: float = 900.0  # for the whole of it; at plex.tv a sign-in expires after half an hour


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits, by part; times are in seconds."""

    plex: PlexLimits = field(default_factory=PlexLimits)
    pulsarr: PulsarrLimits = field(default_factory=PulsarrLimits)
    reconnect: ReconnectTimes = field(default_factory=ReconnectTimes)
    sharing: SharingTimes = field(default_factory=SharingTimes)
    sign_in: SignInTimes = field(default_factory=SignInTimes)
    probe: ProbeTimes = field(default_factory=ProbeTimes)
    plex_port: int = 32400  # tried where an address has none
    names_timeout: float = 8.0  # that a form waits for names
    page_timeout: float = 4.0  # that a page about the integration's health waits for a server
    stop_timeout: float = 8.0  # Home Assistant waits ten for an entry's tasks
    watchlist_poll: float = POLL_INTERVAL  # between two polls of the lengths of all lists
    settle: tuple[float, ...] = SETTLE
    queue_max: int = QUEUE_MAX


LIMITS: Final[HassKey[Limits]] = HassKey(f"{DOMAIN}_limits")  # where others than the usual ones are
USUAL: Final = Limits()


@callback
def current_limits(hass: HomeAssistant) -> Limits:
    """Return the limits for what is made from now on."""
    return hass.data.get(LIMITS, USUAL)
