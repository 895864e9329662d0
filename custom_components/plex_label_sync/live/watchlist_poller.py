"""Looks at the watchlists by itself: Pulsarr announces few wishes, and removals hours late."""

from collections.abc import Iterable
from dataclasses import dataclass
import logging
from typing import Final, assert_never

from homeassistant.core import callback

from ..clocks import steady
from ..context import EntryContext
from ..faults import FaultLog
from ..pulsarr.payloads import Signal, SignalKind
from ..runner import Runner
from ..servers import Servers
from ..sync.failures import FAILURES
from ..sync.model import Failure, ServiceError, Title
from ..sync.person_id import PersonId
from ..sync.watchlist_changes import BEAT
from ..sync.watchlist_reader import Watched
from ..timer import Timer

_LOGGER = logging.getLogger(__name__)

BEAT_MAX: Final = 900.0  # seconds between two looks while Pulsarr says that it is asked too often
REST: Final = 5.0  # seconds at least from the end of a look to the next
RETRY_AFTER_MAX: Final = 3600.0  # seconds; a longer wait is not believed
FAILURES_BEFORE_ALARM: Final = 2  # one look in vain is nobody's trouble
# Seconds after `user.created`, which comes before the newcomer's list is read.
JOINED_LOOKS: Final = (60.0, 300.0)
# Seconds after an event about a list: a row may go seconds after it, or minutes on a slow Pulsarr.
DOUBT_LOOKS: Final = (10.0, 60.0, 300.0)
DOUBTS_MAX: Final = 500  # that are followed up; a beat finds the others


@dataclass(slots=True)
class _Doubt:
    """What an event said of somebody's list, until the list says so, too."""

    person_id: PersonId
    title: Title | None  # None: a newcomer, whose list may not have been read yet
    wished: bool
    said_at: float  # by the steady clock
    looks: list[float]  # when the list is read again, by the steady clock


class WatchlistPoller:
    """The timer for looks at the watchlists, as long as live mode is on."""

    def __init__(self, context: EntryContext, servers: Servers, runner: Runner) -> None:
        """Nothing happens before `async_start`."""
        self._context = context
        self._servers = servers
        self._runner = runner
        self._timer = Timer(context.hass, self._async_due)
        self._next = 0.0  # by the steady clock
        self._interval = BEAT
        self._looking = False
        self._failures = 0
        self._unreadable: dict[PersonId, int] = {}  # in how many looks in a row, by person
        self._doubts: list[_Doubt] = []
        self._faults = FaultLog(_LOGGER)

    @callback
    def async_start(self) -> None:
        """Look as long as the entry is loaded and live mode is on."""
        self._context.entry.async_on_unload(self._timer.cancel)
        self.async_change_modes()

    @callback
    def async_change_modes(self) -> None:
        """Begin, or end, as live mode is on or off now."""
        self._timer.cancel()
        self._doubts.clear()
        self._next = steady() + self._interval
        self._schedule()

    @callback
    def async_on_signal(self, signal: Signal) -> None:
        """Look again later at what an event said: the list itself may say so only then."""
        if not self._context.settings.live_mode or signal.person_id is None:
            return
        looks: tuple[float, ...]
        match signal.kind:
            case SignalKind.JOINED:
                looks = JOINED_LOOKS
            case SignalKind.WISHED | SignalKind.UNWISHED:
                looks = DOUBT_LOOKS
            case SignalKind.AVAILABLE | SignalKind.TEST | SignalKind.IGNORED:
                return  # about nobody's list
            case _:
                assert_never(signal.kind)
        if len(self._doubts) < DOUBTS_MAX:
            now = steady()
            wished = signal.kind is SignalKind.WISHED
            due = [now + seconds for seconds in looks]
            self._doubts.append(_Doubt(signal.person_id, signal.title, wished, now, due))
            self._schedule()

    @callback
    def _schedule(self) -> None:
        """Set the timer for the next look, whatever it is for."""
        self._timer.cancel()
        if self._looking or not self._context.settings.live_mode:
            return
        when = min([self._next, *(doubt.looks[0] for doubt in self._doubts)])
        self._timer.set(max(0.0, when - steady()))

    @callback
    def _async_due(self) -> None:
        now, urgent = steady(), frozenset[PersonId]()
        with self._faults.survived():
            urgent = self._due(now)
        if urgent or now >= self._next:
            self._looking = True
            self._context.in_background(self._look(urgent), "look at the watchlists")
        else:
            self._schedule()

    def _due(self, now: float) -> frozenset[PersonId]:
        """Return whose lists to read because of what was said, and forget what they say by now."""
        urgent = set[PersonId]()
        going_on: list[_Doubt] = []
        for doubt in self._doubts:
            is_due = doubt.looks[0] <= now
            agrees = False
            with self._faults.survived():
                agrees = is_due and self._agrees(doubt)
            if agrees:
                continue
            if is_due:
                urgent.add(doubt.person_id)
                doubt.looks = [when for when in doubt.looks if when > now]
            if doubt.looks:
                going_on.append(doubt)
        self._doubts = going_on
        return frozenset(urgent)

    def _agrees(self, doubt: _Doubt) -> bool:
        if doubt.title is None:
            return False
        engine = self._runner.engine
        return engine.knows_wish(doubt.person_id, doubt.title, doubt.said_at) is doubt.wished

    async def _look(self, urgent: Iterable[PersonId]) -> None:
        began = steady()
        with self._faults.survived():
            try:
                watched = await self._runner.async_watch(frozenset(urgent))
            except ServiceError as err:
                self._failed(err)
            else:
                self._failures = 0
                self._interval = BEAT
                self._tell_unreadable(watched)
        # A look that is cancelled is the last one: its entry is being unloaded.
        self._looking = False
        # A list that is waited for in vain puts off nobody else's.
        self._next = max(began + self._interval, steady() + REST)
        self._schedule()

    def _tell_unreadable(self, watched: Watched) -> None:
        """Say once whose list cannot be read, unless that passes; everybody else's goes on."""
        for person_id in watched.read:
            self._unreadable.pop(person_id, None)
        for person_id, err in watched.unreadable.items():
            self._unreadable[person_id] = times = self._unreadable.get(person_id, 0) + 1
            if times == FAILURES_BEFORE_ALARM:
                _LOGGER.warning("Titles are neither added nor removed for one person: %s", err)

    @callback
    def _failed(self, err: ServiceError) -> None:
        """Take in that a look did not work; ask less often where that is the trouble."""
        _LOGGER.debug("The check of the watchlists is postponed: %s", err)
        if err.failure is Failure.RATE_LIMITED:
            wait = min(err.retry_after or 0.0, RETRY_AFTER_MAX)
            self._interval = max(wait, min(2 * self._interval, BEAT_MAX))
            return
        self._failures += 1
        if FAILURES[err.failure].reauth or self._failures == FAILURES_BEFORE_ALARM:
            self._servers.failed(err)
