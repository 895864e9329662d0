"""A simulated Pulsarr server that reproduces the real one's quirks."""

from simulators.http import Fault

from .delivery import Delivery
from .knobs import EVENT_TYPES, EVENT_TYPES_FIRST, PulsarrKnobs
from .records import AS_IN_CATALOG, Endpoint, PulsarrUser, UnknownUserError, WatchlistEntry
from .server import PulsarrSimulator
from .state import PulsarrState

__all__ = [
    "AS_IN_CATALOG",
    "EVENT_TYPES",
    "EVENT_TYPES_FIRST",
    "Delivery",
    "Endpoint",
    "Fault",
    "PulsarrKnobs",
    "PulsarrSimulator",
    "PulsarrState",
    "PulsarrUser",
    "UnknownUserError",
    "WatchlistEntry",
]
