"""Runs that were asked for: equal ones are carried out once, and nobody crowds out the others."""

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
    """Tell whom a run lets go first."""
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
    """A run that has not begun to read. What the clock asked for may read less than a person's."""

    key: _Key
    user_id: str | None  # whose dry run it is
    task: asyncio.Task[Run] | None = None


class Runs:
    """Starts runs as tasks of the entry, so that who asked may go away."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        carry_out: Callable[[Request, Begins], Coroutine[None, None, Run]],
    ) -> None:
        """`carry_out` waits for its turn, calls what it is given, and only then begins to read."""
        self._hass = hass
        self._entry = entry
        self._carry_out = carry_out
        self._tasks: set[asyncio.Task[Run]] = set()
        self._waiting: dict[_Key, _Ticket] = {}

    async def run(self, request: Request, user_id: str | None) -> Run:
        """Carry out a run, or share an equal one that has not begun to read.

        One that has begun may have missed what the caller just did. Of one user's dry runs one
        waits at a time; those of automations, which are nobody's, all do.

        Cancelling the caller does not stop the run. Raises WaitingError for one dry run too many,
        StoppedError when the run was cancelled, and what the run raises.
        """
        task = self._shared(request) or self._start(request, user_id)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if task.cancelled() and not (me is not None and me.cancelling()):
                raise StoppedError from None  # the run was cancelled, not who waits for it
            raise

    async def wait(self, seconds: float) -> None:
        """Wait for all runs to end, but not for ever."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)

    def _shared(self, request: Request) -> asyncio.Task[Run] | None:
        """Return an equal run that waits; one by the clock is none for a person."""
        ticket = self._waiting.get((request, False))
        if ticket is None and _is_routine(request):
            ticket = self._waiting.get((request, True))
        return ticket.task if ticket is not None else None

    def _start(self, request: Request, user_id: str | None) -> asyncio.Task[Run]:
        mine = user_id if request.dry_run else None
        if mine is not None and any(one.user_id == mine for one in self._waiting.values()):
            raise WaitingError
        ticket = _Ticket((request, _is_routine(request)), mine)
        self._waiting[ticket.key] = ticket

        def begins() -> None:
            if self._waiting.get(ticket.key) is ticket:
                del self._waiting[ticket.key]

        def ended(task: asyncio.Task[Run]) -> None:
            self._tasks.discard(task)
            begins()
            if not task.cancelled():
                task.exception()  # who waited for it may be gone

        task = ticket.task = self._entry.async_create_background_task(
            self._hass, self._carry_out(request, begins), f"{DOMAIN} {request.kind} run"
        )
        self._tasks.add(task)
        task.add_done_callback(ended)
        return task
