"""Poll the watchlists: Pulsarr reports few additions, and removals hours late."""

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
from ..sync.watchlist_reader import PollResult
from ..timer import Timer

_LOGGER = logging.getLogger(__name__)

POLL_INTERVAL_MAX: Final = 900.0  # seconds between two polls while Pulsarr limits the rate
REST: Final = 5.0  # minimum seconds from the end of a poll to the next
RETRY_AFTER_MAX: Final = 3600.0  # seconds; a longer requested wait is cut
FAILURES_BEFORE_ALARM: Final = 2  # a single failed poll is not worth an alarm
# Seconds after `user.created`, which is sent before Pulsarr reads the new user's watchlist.
READS_AFTER_USER_CREATED: Final = (60.0, 300.0)
# Seconds after an event about a watchlist, which changes seconds or, on a slow Pulsarr, minutes
# later.
READS_AFTER_CHANGE: Final = (10.0, 60.0, 300.0)
FOLLOW_UPS_MAX: Final = 500  # that are followed up; a regular poll finds the others


@dataclass(slots=True)
class _FollowUp:
    """A change to a watchlist that an event reported and the list does not show yet."""

    person_id: PersonId
    title: Title | None  # None: a new user, whose watchlist Pulsarr may not have read yet
    added: bool
    reported_at: float  # monotonic time
    due_at: list[float]  # monotonic times at which the list is read again


class WatchlistPoller:
    """Polls the watchlists while live mode is on."""

    def __init__(self, context: EntryContext, servers: Servers, runner: Runner) -> None:
        """Initialize; nothing happens before `async_start`."""
        self._context = context
        self._servers = servers
        self._runner = runner
        self._timer = Timer(context.hass, self._async_due)
        self._next = 0.0  # monotonic time
        self._usual_interval = context.limits.watchlist_poll
        self._interval = self._usual_interval
        self._polling = False
        self._failures = 0
        self._unreadable: dict[PersonId, int] = {}  # number of consecutive polls, by person
        self._follow_ups: list[_FollowUp] = []
        self._faults = FaultLog(_LOGGER)

    @callback
    def async_start(self) -> None:
        """Start to poll while the entry is loaded and live mode is on."""
        self._context.entry.async_on_unload(self._timer.cancel)
        self.async_change_modes()

    @callback
    def async_change_modes(self) -> None:
        """Start or stop polling according to live mode."""
        self._timer.cancel()
        self._follow_ups.clear()
        self._next = steady() + self._interval
        self._schedule()

    @callback
    def async_on_signal(self, signal: Signal) -> None:
        """Schedule polls after an event, as the watchlist may show the change only later."""
        if not self._context.settings.live_mode or signal.person_id is None:
            return
        due_at: tuple[float, ...]
        match signal.kind:
            case SignalKind.JOINED:
                due_at = READS_AFTER_USER_CREATED
            case SignalKind.WATCHLIST_ADDED | SignalKind.WATCHLIST_REMOVED:
                due_at = READS_AFTER_CHANGE
            case SignalKind.AVAILABLE | SignalKind.TEST | SignalKind.IGNORED:
                return  # not about a watchlist
            case _:
                assert_never(signal.kind)
        if len(self._follow_ups) < FOLLOW_UPS_MAX:
            now = steady()
            added = signal.kind is SignalKind.WATCHLIST_ADDED
            due = [now + seconds for seconds in due_at]
            self._follow_ups.append(_FollowUp(signal.person_id, signal.title, added, now, due))
            self._schedule()

    @callback
    def _schedule(self) -> None:
        """Set the timer for the next poll of either kind."""
        self._timer.cancel()
        if self._polling or not self._context.settings.live_mode:
            return
        when = min([self._next, *(follow_up.due_at[0] for follow_up in self._follow_ups)])
        self._timer.set(max(0.0, when - steady()))

    @callback
    def _async_due(self) -> None:
        now, urgent = steady(), frozenset[PersonId]()
        with self._faults.survived():
            urgent = self._due(now)
        if urgent or now >= self._next:
            self._polling = True
            self._context.in_background(self._poll(urgent), "poll of the watchlists")
        else:
            self._schedule()

    def _due(self, now: float) -> frozenset[PersonId]:
        """Return the people whose lists to read after events, and drop events already confirmed."""
        urgent = set[PersonId]()
        remaining: list[_FollowUp] = []
        for follow_up in self._follow_ups:
            is_due = follow_up.due_at[0] <= now
            confirmed = False
            with self._faults.survived():
                confirmed = is_due and self._is_confirmed(follow_up)
            if confirmed:
                continue
            if is_due:
                urgent.add(follow_up.person_id)
                follow_up.due_at = [when for when in follow_up.due_at if when > now]
            if follow_up.due_at:
                remaining.append(follow_up)
        self._follow_ups = remaining
        return frozenset(urgent)

    def _is_confirmed(self, follow_up: _FollowUp) -> bool:
        if follow_up.title is None:
            return False
        engine = self._runner.engine
        return (
            engine.is_on_watchlist(follow_up.person_id, follow_up.title, follow_up.reported_at)
            is follow_up.added
        )

    async def _poll(self, urgent: Iterable[PersonId]) -> None:
        began = steady()
        with self._faults.survived():
            try:
                watched = await self._runner.async_watch(frozenset(urgent))
            except ServiceError as err:
                self._failed(err)
            else:
                self._failures = 0
                self._interval = self._usual_interval
                self._log_unreadable(watched)
        # Not reached if cancelled: the entry is then being unloaded.
        self._polling = False
        # Counted from the start, so that a slow list does not postpone the others.
        self._next = max(began + self._interval, steady() + REST)
        self._schedule()

    def _log_unreadable(self, watched: PollResult) -> None:
        """Log once if a person's list remains unreadable; the others are not affected."""
        for person_id in watched.read:
            self._unreadable.pop(person_id, None)
        for person_id, err in watched.unreadable.items():
            self._unreadable[person_id] = times = self._unreadable.get(person_id, 0) + 1
            if times == FAILURES_BEFORE_ALARM:
                _LOGGER.warning("Titles are neither added nor removed for one person: %s", err)

    @callback
    def _failed(self, err: ServiceError) -> None:
        """Record a failed poll, and poll less often if the rate is limited."""
        _LOGGER.debug("The check of the watchlists is postponed: %s", err)
        if err.failure is Failure.RATE_LIMITED:
            wait = min(err.retry_after or 0.0, RETRY_AFTER_MAX)
            self._interval = max(wait, min(2 * self._interval, POLL_INTERVAL_MAX))
            return
        self._failures += 1
        if FAILURES[err.failure].reauth or self._failures == FAILURES_BEFORE_ALARM:
            self._servers.failed(err)
