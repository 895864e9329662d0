"""Which of the two servers can be used at present; says so once when that changes."""

from collections.abc import Iterable
import logging

from .status import State
from .sync.model import Service, ServiceError

_LOGGER = logging.getLogger(__name__)


class Reachability:
    """The servers that are in trouble, and why; one log line when it begins and one when it ends."""

    def __init__(self, name: str) -> None:
        """`name` is how the log calls the entry."""
        self._name = name
        self._trouble: dict[Service, ServiceError] = {}

    def failed(self, err: ServiceError) -> None:
        """Take in that a server, or the disk, cannot be used."""
        if err.service not in self._trouble:
            _LOGGER.info("%s cannot be used: %s", self._name, err)
        self._trouble[err.service] = err

    def answered(self, services: Iterable[Service]) -> bool:
        """Take in that servers have answered; tell whether one of them was in trouble before."""
        back = [service for service in services if self._trouble.pop(service, None)]
        for service in back:
            _LOGGER.info("%s: %s answers again", self._name, service.value)
        return bool(back)

    def is_usable(self, service: Service) -> bool:
        """Tell whether a server answered when it was last asked."""
        return service not in self._trouble

    @property
    def away(self) -> frozenset[Service]:
        """What may come back without anybody doing anything."""
        return frozenset(service for service, err in self._trouble.items() if err.unreachable)

    @property
    def failures(self) -> dict[str, str]:
        """What is wrong at present, by service, for diagnostics."""
        return {service.value: err.failure.value for service, err in self._trouble.items()}

    def state(self, *, held: bool) -> State:
        """Return what the status is while no run is on."""
        if not self._trouble:
            return State.HELD if held else State.IDLE
        if len(self.away) < len(self._trouble):
            return State.ERROR
        return (
            State.WAITING_FOR_PLEX if Service.PLEX in self._trouble else State.WAITING_FOR_PULSARR
        )
