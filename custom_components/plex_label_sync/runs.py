"""Manages requested runs: equal ones are shared, and dry runs are limited for each user."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, assert_never

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .const import DOMAIN
from .errors import StoppedError, WaitingError
from .sync.request import FullRequest, LiveRequest, RemovalRequest, Request, UndoRequest
from .sync.run import Run
from .turns import Urgency

type Begins = Callable[[], None]
type _Key = tuple[Request, bool]


def urgency(request: Request) -> Urgency:
    """Return the urgency of a run."""
    if request.dry_run:
        return Urgency.READ_ONLY
    match request:
        case LiveRequest():
            return Urgency.LIVE
        case FullRequest() | UndoRequest() | RemovalRequest():
            return Urgency.SYNC
        case _:
            assert_never(request)


def _is_routine(request: Request) -> bool:
    return isinstance(request, FullRequest) and request.routine


@dataclass(slots=True, eq=False)
class _Ticket:
    """A run that has not started reading. Scheduled runs may read less than requested ones."""

    key: _Key
    user_id: str | None  # of a dry run's user
    task: asyncio.Task[Run] | None = None


class Runs:
    """Starts runs as background tasks of the entry, independent of their callers."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        carry_out: Callable[[Request, Begins], Coroutine[None, None, Run]],
    ) -> None:
        """Initialize; `carry_out` awaits its turn and calls its argument before reading."""
        self._hass = hass
        self._entry = entry
        self._carry_out = carry_out
        self._tasks: set[asyncio.Task[Run]] = set()
        self._waiting: dict[_Key, _Ticket] = {}

    async def run(self, request: Request, user_id: str | None) -> Run:
        """Carry out a run, or share an equal one that has not started reading.

        A run that has started may have missed the caller's latest change. Each user may have one
        dry run waiting; dry runs of automations, which have no user, are not limited.

        Cancelling the caller does not stop the run. Raises WaitingError for another waiting dry
        run, StoppedError when the run was cancelled, and any error of the run.
        """
        task = self._shared(request) or self._start(request, user_id)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if task.cancelled() and not (me is not None and me.cancelling()):
                raise StoppedError from None  # the run was cancelled, not the caller
            raise

    async def wait(self, seconds: float) -> None:
        """Wait for all runs to end, at most for the given seconds."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)

    def _shared(self, request: Request) -> asyncio.Task[Run] | None:
        """Return an equal waiting run; a scheduled run is never shared with a request by a user."""
        ticket = self._waiting.get((request, False))
        if ticket is None and _is_routine(request):
            ticket = self._waiting.get((request, True))
        return ticket.task if ticket is not None else None

    def _start(self, request: Request, user_id: str | None) -> asyncio.Task[Run]:
        owner = user_id if request.dry_run else None
        if owner is not None and any(one.user_id == owner for one in self._waiting.values()):
            raise WaitingError
        ticket = _Ticket((request, _is_routine(request)), owner)
        self._waiting[ticket.key] = ticket

        def begins() -> None:
            if self._waiting.get(ticket.key) is ticket:
                del self._waiting[ticket.key]

        def ended(task: asyncio.Task[Run]) -> None:
            self._tasks.discard(task)
            begins()
            if not task.cancelled():
                task.exception()  # mark as retrieved: the caller may no longer await it

        task = ticket.task = self._entry.async_create_background_task(
            self._hass, self._carry_out(request, begins), f"{DOMAIN} {request.kind} run"
        )
        self._tasks.add(task)
        task.add_done_callback(ended)
        return task
