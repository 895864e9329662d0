"""How much is asked of a Pulsarr at once, and how long for."""

from dataclasses import dataclass
from typing import Final

from ..transport import USUAL_RETRIES, Retries


@dataclass(frozen=True, slots=True)
class PulsarrLimits:
    """The limits of one client; times are in seconds."""

    requests_max: int = 4  # at a time: Pulsarr's limit of 500 a minute counts per client address
    read_timeout: float = 30.0
    probe_timeout: float = 15.0  # while somebody waits at a form
    retries: Retries = USUAL_RETRIES


USUAL: Final = PulsarrLimits()
