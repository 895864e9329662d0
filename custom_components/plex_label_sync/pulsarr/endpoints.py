"""Data about the webhook endpoints registered in Pulsarr."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """What Pulsarr calls, for which events, and with which header.

    The header is sent only when both its name and its value are set.
    """

    name: str  # 1 to 100 characters
    url: str
    header: str | None
    secret: str | None = field(repr=False)
    events: frozenset[str]
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One registered endpoint. Neither names nor addresses are unique in Pulsarr."""

    id: int
    settings: EndpointSettings


@dataclass(frozen=True, slots=True)
class TestResult:
    """The result of Pulsarr calling an address; `duration` is in seconds."""

    success: bool
    status: int | None  # None: no answer
    error: str | None
    duration: float | None
