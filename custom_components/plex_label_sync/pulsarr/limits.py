"""Limits of requests to a Pulsarr: concurrency, timeouts and retries."""

from dataclasses import dataclass
from typing import Final

from ..transport import USUAL_RETRIES, Retries


@dataclass(frozen=True, slots=True)
class PulsarrLimits:
    """The limits of one client; times are in seconds."""

    requests_max: int = 4  # at a time: Pulsarr's limit of 500 a minute counts per client address
    read_timeout: float = 30.0
    probe_timeout: float = 15.0  # while the user waits at a form
    retries: Retries = USUAL_RETRIES


USUAL: Final = PulsarrLimits()
