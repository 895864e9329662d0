"""The one path of every run: read, plan, edit, confirm, record."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
import logging
from typing import Final
import uuid

from .model import (
    Action,
    Change,
    FailedChange,
    Failure,
    Library,
    Look,
    Outcome,
    Plan,
    Run,
    RunKind,
    RunStatus,
    Service,
    ServiceError,
    SyncSettings,
    Title,
    Watchlists,
    fold,
)
from .planner import Present, WantedItem, edit_groups, make_plan, wanted_items
from .ports import PlexPort, PulsarrPort, Recorder
from .reading import Found, ItemFinder, LabelReader, read_watchlists
from .wanted import TitleIndex, labelled_people, people_named, wishes_of

_LOGGER = logging.getLogger(__name__)

# A read right after an edit may still show the old labels: read again after these seconds.
SETTLE: Final = (0.5, 1.5)
FRESH: Final = 60.0  # seconds for which watchlists are good enough for a live decision
FRESH_UNKNOWN: Final = 10.0  # the same for a title that nobody was known to want


class UnknownLibraryError(ValueError):
    """A library name or key that no chosen library has; its text is the message."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a run shall look at. None means everything; people are ids or names.

    `titles` are looked at without listing whole libraries where that is possible; `thorough`
    names those that may have been in Plex for long. Watchlists not read after `newer_than`
    (seconds since the epoch) are not good enough.
    """

    kind: RunKind = RunKind.FULL
    titles: tuple[Title, ...] | None = None
    thorough: frozenset[Title] = frozenset()
    newer_than: float = 0.0
    people: tuple[str, ...] | None = None
    libraries: tuple[str, ...] | None = None
    dry_run: bool = False


@dataclass(slots=True)
class _Reads:
    """Everything that a run has read."""

    people: int
    found: Found
    wanted: dict[str, WantedItem]
    present: Present
    labels: LabelReader
    libraries: dict[str, Library]
    # What the run is limited to: pairs of rating key and folded label.
    chosen: frozenset[tuple[str, str]] | None = None


@dataclass(slots=True)
class _Result:
    """What became of a plan."""

    confirmed: list[Change] = field(default_factory=list)
    sent: list[Change] = field(default_factory=list)
    failed: list[FailedChange] = field(default_factory=list)
    error: ServiceError | None = None


class Engine:
    """Carries out runs, one after the other; the caller sees to it that they do not overlap."""

    def __init__(
        self,
        plex: PlexPort,
        pulsarr: PulsarrPort,
        recorder: Recorder,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`clock` gives seconds since the epoch."""
        self._plex = plex
        self._pulsarr = pulsarr
        self._recorder = recorder
        self._clock = clock
        self._sleep = sleep
        self._finder = ItemFinder(plex)
        self.watchlists: Watchlists | None = None

    async def run(self, request: Request, settings: SyncSettings) -> Run:
        """Carry out one run. What a server's failure leaves undone is told in the result.

        Raises UnknownPersonError or UnknownLibraryError when the request names what is not there.
        """
        run = Run(
            id=uuid.uuid4().hex[:12],
            kind=request.kind,
            dry_run=request.dry_run,
            status=RunStatus.DONE,
            started=self._clock(),
            duration=0.0,
        )
        try:
            reads = await self._read(request, settings)
        except ServiceError as err:
            run = replace(run, status=RunStatus.FAILED, error=err)
            return replace(run, duration=self._clock() - run.started)
        plan = await asyncio.to_thread(self._plan, request, reads, settings)
        run = replace(
            run,
            people=reads.people,
            titles=len(reads.found.matches),
            items=plan.items,
            unchanged=plan.unchanged,
            not_in_plex=sum(not items for _, items in reads.found.matches),
        )
        if request.dry_run:
            run = replace(run, changes=plan.changes)
        else:
            run = await self._apply(run, plan, reads)
        return replace(
            run,
            looks=_looks(request.titles or (), reads.found, run),
            duration=self._clock() - run.started,
        )

    async def _read(self, request: Request, settings: SyncSettings) -> _Reads:
        """Read who wants what, what Plex holds, and which labels are there."""
        watchlists = await self._read_watchlists(request)
        people = labelled_people(watchlists, settings)
        chosen: frozenset[int] | None = None
        if request.people is not None:
            chosen = people_named(watchlists.people, request.people)
        wishes = await asyncio.to_thread(wishes_of, watchlists, people)
        libraries = _chosen_libraries(await self._plex.libraries(), request, settings)
        whole = request.titles is None
        if request.titles is None:
            found = await self._finder.find_all(libraries, wishes)
        else:
            asked = TitleIndex(request.titles)
            wishes = tuple(wish for wish in wishes if wish.title in asked)
            old = TitleIndex(request.thorough)
            thorough = frozenset(wish.title for wish in wishes if wish.title in old)
            found = await self._finder.find_some(libraries, wishes, thorough)
        wanted = await asyncio.to_thread(wanted_items, found.matches, settings)
        ledger_rows = self._recorder.ledger.rows if whole else ()
        labels = LabelReader(self._plex, libraries, found.totals)
        present = await labels.read(
            wanted.values(),
            beside=[(row.library, fold(row.label)) for row in ledger_rows],
            everything=whole and not settings.preserve_existing_labels,
        )
        by_key = {library.key: library for library in libraries}
        limited = None if chosen is None else _labels_for(chosen, wanted)
        return _Reads(len(people), found, wanted, present, labels, by_key, limited)

    async def _read_watchlists(self, request: Request) -> Watchlists:
        """Return watchlists that are fresh enough for the request."""
        known = self.watchlists
        if request.titles is not None and known is not None:
            wanted = TitleIndex(title for titles in known.titles.values() for title in titles)
            strangers = any(title not in wanted for title in request.titles)
            age_max = FRESH_UNKNOWN if strangers else FRESH
            if known.read_at > max(request.newer_than, self._clock() - age_max):
                return known
        self.watchlists = await read_watchlists(self._pulsarr, self._clock)
        return self.watchlists

    def _plan(self, request: Request, reads: _Reads, settings: SyncSettings) -> Plan:
        plan = make_plan(
            reads.wanted,
            reads.present,
            self._recorder.ledger,
            settings,
            whole=request.titles is None and reads.chosen is None,
        )
        if reads.chosen is None:
            return plan
        changes = tuple(
            one for one in plan.changes if (one.rating_key, fold(one.label)) in reads.chosen
        )
        return replace(plan, changes=changes)

    async def _apply(self, run: Run, plan: Plan, reads: _Reads) -> Run:
        """Write a plan into Plex and read back what came of it."""
        result = _Result()
        if plan.changes:
            await self._recorder.begin(run.id, run.kind, run.started, plan.changes)
            await self._edit(plan, reads, result)
            await self._confirm(reads, result)
        confirmed = set(result.confirmed)
        run = replace(
            run,
            status=RunStatus.FAILED if result.error else RunStatus.DONE,
            changes=tuple(one for one in plan.changes if one in confirmed),
            failed=tuple(result.failed),
            error=result.error,
            vanished=self._vanished(reads) if run.kind is RunKind.FULL else frozenset(),
        )
        if plan.changes:
            await self._recorder.finish(run, result.sent)
        return run

    async def _edit(self, plan: Plan, reads: _Reads, result: _Result) -> None:
        """Send the edits, one after the other, until all are sent or Plex is gone."""
        by_item: dict[str, list[Change]] = {}
        for change in plan.changes:
            by_item.setdefault(change.rating_key, []).append(change)
        for group in edit_groups(plan.changes):
            changes = [change for key in group.rating_keys for change in by_item[key]]
            if result.error is not None:
                result.failed += [FailedChange(one, result.error.failure) for one in changes]
                continue
            try:
                refused = await self._plex.edit(
                    reads.libraries[group.library], group.rating_keys, group.add, group.remove
                )
            except ServiceError as err:
                _LOGGER.debug("Edits stopped: %s", err)
                result.error = err
                refused = {}
            # What failed half-way may be in Plex all the same: it is read back like the rest.
            result.sent += [one for one in changes if one.rating_key not in refused]
            result.failed += [
                FailedChange(one, refused[one.rating_key].failure)
                for one in changes
                if one.rating_key in refused
            ]

    async def _confirm(self, reads: _Reads, result: _Result) -> None:
        """Sort what was sent into confirmed and failed by reading it back."""
        waiting = list(result.sent)
        for wait in (0.0, *SETTLE):
            if not waiting:
                return
            if wait:
                await self._sleep(wait)
            try:
                now = await reads.labels.reread((one.library, fold(one.label)) for one in waiting)
            except ServiceError as err:
                result.error = result.error or err
                result.failed += [FailedChange(one, err.failure) for one in waiting]
                return
            self._note(reads.present, now, waiting)
            result.confirmed += [one for one in waiting if _is_done(one, now)]
            waiting = [one for one in waiting if not _is_done(one, now)]
        result.sent = list(result.confirmed)
        result.failed += [FailedChange(one, "not_confirmed") for one in waiting]

    @staticmethod
    def _note(present: Present, now: Present, changes: Iterable[Change]) -> None:
        """Bring the picture of the labels up to date with what was read back."""
        for change in changes:
            folded = fold(change.label)
            carried = present.carried.setdefault(change.rating_key, {})
            if spellings := now.carried.get(change.rating_key, {}).get(folded):
                carried[folded] = spellings
            else:
                carried.pop(folded, None)

    def _vanished(self, reads: _Reads) -> frozenset[tuple[str, str]]:
        """Return the rows of the ledger whose label is not in Plex any more."""
        return frozenset(
            (row.rating_key, fold(row.label))
            for row in self._recorder.ledger.rows
            if row.library in reads.libraries
            and not reads.present.carries(row.rating_key, row.label)
        )


def _is_done(change: Change, present: Present) -> bool:
    """Tell whether a change is in Plex."""
    return present.carries(change.rating_key, change.label) is (change.action is Action.ADD)


def _chosen_libraries(
    libraries: Iterable[Library], request: Request, settings: SyncSettings
) -> list[Library]:
    """Return the libraries that a run covers.

    Raises ServiceError when none of the chosen ones is there (a Plex that is starting up lists
    none), UnknownLibraryError when the request names one that the settings do not cover.
    """
    chosen = [
        library
        for library in libraries
        if settings.libraries is None or library.key in settings.libraries
    ]
    if not chosen:
        detail = "none of the chosen libraries is there"
        raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
    if request.libraries is None:
        return chosen
    for name in request.libraries:
        if not any(_is_named(library, (name,)) for library in chosen):
            raise UnknownLibraryError(name)
    return [library for library in chosen if _is_named(library, request.libraries)]


def _labels_for(
    people: frozenset[int], wanted: Mapping[str, WantedItem]
) -> frozenset[tuple[str, str]]:
    """Return what some people's titles get: pairs of rating key and folded label."""
    return frozenset(
        (rating_key, folded)
        for rating_key, entry in wanted.items()
        for folded, label in entry.labels.items()
        if not people.isdisjoint(person.id for person in label.people)
    )


def _is_named(library: Library, names: Sequence[str]) -> bool:
    """Tell whether a library is meant by its key or its name."""
    folded = {name.strip().casefold() for name in names}
    return library.key in folded or library.name.casefold() in folded


def _looks(titles: Sequence[Title], found: Found, run: Run) -> tuple[Look, ...]:
    """Return what became of each title that the run was asked for."""
    not_written = {failed.change.rating_key for failed in run.failed}
    index = TitleIndex(wish.title for wish, _ in found.matches)
    looks = []
    for title in titles:
        mine = [found.matches[position] for position in index.find(title)]
        people = {person.id: person for wish, _ in mine for person in wish.people}
        keys = frozenset(item.rating_key for _, some in mine for item in some)
        if not title.ids:
            outcome = Outcome.NO_IDS
        elif not mine:
            outcome = Outcome.NOT_WANTED
        elif not keys:
            outcome = Outcome.NOT_IN_PLEX
        elif not keys.isdisjoint(not_written):
            outcome = Outcome.NOT_WRITTEN
        else:
            outcome = Outcome.SETTLED
        looks.append(Look(title, tuple(people.values()), outcome, keys))
    return tuple(looks)
