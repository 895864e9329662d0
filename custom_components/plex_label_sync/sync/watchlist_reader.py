"""Keeps watchlists fresh between full reads, at the cost of one or two requests."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from .failures import FAILURES
from .jobs import gather_fail_fast
from .list_reader import PULSARR_READERS, Refusals
from .model import Gap, ServiceError, SyncSettings, Title, Watchlists
from .person_id import PersonId
from .ports import WatchedPulsarrPort
from .threads import in_thread
from .wanted import gets_labels
from .watchlist_changes import (
    NEVER,
    Turn,
    UncoveredTitles,
    changed_titles,
    is_doubtful,
    lists_to_read,
    merged,
    moved,
)


class KnownLists:
    """The watchlists as they were last read, and the changes that no run has covered yet.

    Both runs and polls record lists here, so that no change is lost.
    """

    def __init__(self, clock: Callable[[], float], steady: Callable[[], float]) -> None:
        """Initialize; `clock` returns seconds since the epoch, `steady` monotonic seconds."""
        self._clock = clock
        self._steady = steady
        self.current: Watchlists | None = None
        # Start of the last read in monotonic seconds: of all lists, and of any.
        self.read_at = float("-inf")
        self.fresh_at = float("-inf")
        self.uncovered = UncoveredTitles()

    async def replace(
        self, new: Watchlists, *, all_read: bool = True, known: Watchlists | None = None
    ) -> None:
        """Replace the lists with those whose read began at `new.read_at`.

        Without `all_read`, most of them were not read again, because they seem unchanged. With
        `known` nothing happens unless these are still the current lists.
        """
        changed: tuple[Title, ...] = ()
        while (current := self.current) is not None:
            # In a thread, as lists may have tens of thousands of titles.
            changed = await in_thread(changed_titles, current, new)
            if self.current is current:
                break
        if known is not None and current is not known:
            return
        self.uncovered.add(changed)
        self.current = new
        self.fresh_at = self._steady() - max(0.0, self._clock() - new.read_at)
        if all_read:
            self.read_at = self.fresh_at


@dataclass(frozen=True, slots=True)
class PollResult:
    """The result of a poll of the lists.

    `read` are the people whose lists were read, `unreadable` has the errors of the others;
    `needs_full_sync` means that only a full sync can interpret the result.
    """

    people: int = 0
    read: frozenset[PersonId] = frozenset()
    unreadable: dict[PersonId, ServiceError] = field(default_factory=dict)
    needs_full_sync: bool = False


class WatchlistReader:
    """Polls the lengths of all lists and reads some of them; decides nothing about labels."""

    def __init__(
        self,
        pulsarr: WatchedPulsarrPort,
        lists: KnownLists,
        clock: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        """Initialize; `clock` returns seconds since the epoch, `steady` monotonic seconds."""
        self._pulsarr = pulsarr
        self._lists = lists
        self._clock = clock
        self._steady = steady
        self._turns: dict[PersonId, Turn] = {}
        self._contradictions: frozenset[object] = frozenset()  # a full sync was requested for them

    async def poll(self, settings: SyncSettings, urgent: Collection[PersonId] = ()) -> PollResult:
        """Poll once; the lists of people in `urgent` are always read.

        Raises ServiceError for failures that are not about a single list.
        """
        known = self._lists.current
        if known is None:
            return PollResult()  # the first full sync reads everything
        read_at = self._clock()
        people = await self._pulsarr.people(tries=1)
        if is_doubtful(people, known):
            return self._with_contradictions(PollResult(len(people)), {"people": len(people)})
        moved_ids = moved(people, known)
        watched = [
            one
            for one in people
            if one.username and gets_labels(one, settings) and one.id not in moved_ids
        ]
        self._turns = {one.id: self._turn(one.id, known) for one in watched}
        wanted = lists_to_read(watched, known, self._turns, self._steady(), urgent)
        bad_rows: dict[PersonId, int] = {}
        read, unreadable, stopped = await self._read(wanted, bad_rows)
        contradictions: dict[object, object] = dict.fromkeys(moved_ids)
        if self._lists.current is known:  # else a run has read everything meanwhile
            merge = merged(known, people, read, read_at, bad_rows)
            counts = {person.id: person.wanted for person in people}
            contradictions |= {one: counts.get(one) for one in merge.doubted}
            await self._lists.replace(merge.watchlists, all_read=False, known=known)
        if stopped is not None:
            raise stopped
        return self._with_contradictions(
            PollResult(len(people), frozenset(read), unreadable), contradictions
        )

    def _turn(self, person_id: PersonId, known: Watchlists) -> Turn:
        """Return when a list was last requested; a read of all lists counts for each."""
        turn = self._turns.get(person_id, NEVER)
        if turn.requested < self._lists.read_at and person_id in known.titles:
            return Turn(self._lists.read_at)
        return turn

    async def _read(
        self, wanted: Collection[PersonId], bad_rows: dict[PersonId, int]
    ) -> tuple[
        dict[PersonId, tuple[Title, ...]], dict[PersonId, ServiceError], ServiceError | None
    ]:
        """Return the lists that were read, the errors of others, and the error that ended it early.

        `bad_rows` receives the number of unreadable rows by person.
        """
        read: dict[PersonId, tuple[Title, ...]] = {}
        unreadable: dict[PersonId, ServiceError] = {}
        stopped: list[ServiceError] = []
        waiting = iter(wanted)
        refusals = Refusals()

        async def read_some() -> None:
            for person_id in waiting:
                if stopped:
                    return
                failures = self._turns[person_id].failures
                try:
                    bad: list[Gap] = []
                    read[person_id] = await self._pulsarr.watchlist(
                        person_id, tries=1, on_gap=bad.append
                    )
                except ServiceError as err:
                    if not refusals.may_be_the_list(err):
                        stopped.append(err)
                        return
                    unreadable[person_id] = err
                    self._turns[person_id] = Turn(self._steady(), failures + 1)
                else:
                    bad_rows.update((person_id, gap.rows) for gap in bad)
                    refusals.answered()
                    self._turns[person_id] = Turn(self._steady())

        await gather_fail_fast(read_some() for _ in range(min(PULSARR_READERS, len(wanted))))
        # An error of several lists is not about one list: the next request would fail as well.
        refused = [err for err in unreadable.values() if FAILURES[err.failure].ends_run]
        if len(refused) > 1 and not read:
            stopped += refused[:1]
        return read, unreadable, next(iter(stopped), None)

    def _with_contradictions(
        self, watched: PollResult, contradictions: dict[object, object]
    ) -> PollResult:
        """Return the result of a poll; each puzzle requests a full sync only once."""
        now = frozenset(contradictions.items())
        new, self._contradictions = now - self._contradictions, now
        return replace(watched, needs_full_sync=bool(new))
