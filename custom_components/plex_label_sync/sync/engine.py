"""The single path of every run: read, plan, check, edit, confirm, record."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import replace
import logging
from typing import assert_never
import uuid

from .changes import Change, FailedChange, Row, RowKey
from .editing import SETTLE, Editor, EditResult, Pace, edits_of
from .event_candidates import Candidates
from .event_triage import EventTriage
from .explain import Explanation, Question, explain
from .explain_facts import FactReader
from .model import ServiceError, SyncSettings, Title, Watchlists
from .overview import Overview, overview_after, overview_changed
from .person_id import PersonId
from .plan_builder import PlanBuilder
from .ports import PlexPort, Recorder, WatchedPulsarrPort
from .progress import Progress
from .protection import Baseline, ListMemory, OpenQuestion
from .queue import Queue
from .readers import Found
from .request import FullRequest, LiveRequest, PreparedPlan, RemovalRequest, Request, UndoRequest
from .run import HoldReason, Outcome, Run, RunStatus, TitleResult
from .safety_check import DAY, NO_CONSENT, SafetyResult, Situation, check_plan
from .threads import in_thread
from .wanted import TitleIndex
from .watchlist_reader import PollResult, WatchlistReader

_LOGGER = logging.getLogger(__name__)


class Engine:
    """Carries out runs, one at a time; the caller makes sure that they do not overlap."""

    def __init__(
        self,
        plex: PlexPort,
        pulsarr: WatchedPulsarrPort,
        recorder: Recorder,
        *,
        clock: Callable[[], float],
        steady: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        settle: tuple[float, ...] = SETTLE,
        lists: ListMemory | None = None,
    ) -> None:
        """Initialize; `clock` returns seconds since the epoch, `steady` monotonic seconds.

        `settle` are the seconds after which a read that does not show an edit yet is repeated;
        `lists` holds the watchlists that earlier runs believed.
        """
        self._plex = plex
        self._recorder = recorder
        self._clock = clock
        self.found = Found((), (), {})  # the items of the wanted titles, as of the last run
        memory = lists or ListMemory()
        self._plan_builder = PlanBuilder(
            plex, pulsarr, recorder, clock, memory=memory, steady=steady
        )
        self._fact_reader = FactReader(plex, self._plan_builder.finder, clock)
        self._event_triage = EventTriage(plex, self._plan_builder, steady)
        self._watch = WatchlistReader(pulsarr, self._plan_builder.lists, clock, steady)
        self._editor = Editor(plex, sleep, settle)
        self.overview: Overview | None = None  # the state of all titles, as of the last runs

    @property
    def watchlists(self) -> Watchlists | None:
        """The watchlists as they were last read."""
        return self._plan_builder.watchlists

    def stop(self) -> None:
        """Let the active run end after its current edit; later ones write nothing."""
        self._editor.stop()

    async def run(
        self,
        request: Request,
        settings: SyncSettings,
        before: Baseline | None = None,
        progress: Progress | None = None,
        question: OpenQuestion | None = None,
    ) -> Run:
        """Carry out one run; work left undone by a server failure is reported in the result.

        `before` is what the last believed full sync saw, `question` the open question that waits
        for a decision; `progress` receives the progress of the run.

        Raises UnknownPersonError, AmbiguousPersonError or UnknownLibraryError when the request
        names something unknown or ambiguous.
        """
        run = Run(
            id=uuid.uuid4().hex[:12],
            kind=request.kind,
            dry_run=request.dry_run,
            status=RunStatus.DONE,
            started=self._clock(),
            duration=0.0,
            started_by=request.started_by,
        )
        try:
            progress = progress or Progress()
            prepared = await self._plan_builder.prepare(request, settings, progress, before)
        except ServiceError as err:
            run = replace(run, status=RunStatus.FAILED, error=err)
            return replace(run, duration=self._clock() - run.started)
        self.found = prepared.found
        covered = self._take_uncovered(request)
        # Tens of thousands of changes are processed in a thread, here and below.
        safety = await in_thread(self._check_plan, request, prepared, settings, before, question)
        run = await in_thread(_counted, run, request, prepared, safety)
        if request.dry_run:
            run = replace(run, changes=safety.plan.changes, gaps=(*prepared.gaps,))
        else:
            run = await self._apply(run, safety, prepared, progress)
        if prepared.gaps and run.status is RunStatus.DONE:
            run = replace(run, status=RunStatus.PARTIAL)
        self.overview = await in_thread(_seen, self.overview, prepared, run)
        progress.done()
        if run.status is RunStatus.FAILED:
            self._plan_builder.lists.uncovered.add(covered)
        titles = request.titles if isinstance(request, LiveRequest) else ()
        return replace(
            run,
            title_results=_title_results(titles, prepared, run),
            duration=self._clock() - run.started,
        )

    async def explain(
        self,
        question: Question,
        settings: SyncSettings,
        queue: Queue,
        open_question: OpenQuestion | None,
    ) -> tuple[tuple[Explanation, ...], int]:
        """Return the explanations of at most TITLES_MAX titles, and how many titles match.

        Nothing is written. Raises ServiceError.
        """
        watchlists = await self._plan_builder.fresh.read(settings)
        facts, fitting = await self._fact_reader.gather_facts(
            question, watchlists, self._recorder.ledger, queue, open_question, settings
        )
        return await in_thread(explain, facts), fitting

    async def people_named(self, names: Sequence[str]) -> frozenset[PersonId]:
        """Return the ids of people, as the ledger or Pulsarr knows them.

        Raises ServiceError, UnknownPersonError or AmbiguousPersonError.
        """
        return await self._plan_builder.people_named(names)

    async def triage(self, rating_keys: Collection[str], settings: SyncSettings) -> Candidates:
        """Return what needs a live sync among items that Plex has processed.

        Nothing is written. Raises ServiceError.
        """
        return await self._event_triage.processed(rating_keys, self._recorder.ledger, settings)

    async def missed(self, since: float, settings: SyncSettings) -> Candidates:
        """Return what needs a live sync among items added before `since`, in epoch seconds.

        Nothing is written. Raises ServiceError.
        """
        return await self._event_triage.newest(since, self._recorder.ledger, settings)

    async def watch(self, settings: SyncSettings, urgent: Collection[PersonId] = ()) -> PollResult:
        """Check the watchlists for changes; it writes nothing, so it may run beside a run.

        The lists of people in `urgent` are always read. Raises ServiceError.
        """
        return await self._watch.poll(settings, urgent)

    def take_changed(self) -> tuple[Title, ...]:
        """Return the titles added to or removed from a watchlist that no run has covered yet."""
        return self._plan_builder.lists.uncovered.take()

    def is_on_watchlist(self, person_id: PersonId, title: Title, since: float) -> bool | None:
        """Return whether a person's list, read after `since` by the monotonic clock, has a title.

        None if it was not read since then, or one of its rows could not be read.
        """
        lists = self._plan_builder.lists
        if lists.current is None or lists.fresh_at <= since:
            return None
        is_there = any(one.same_as(title) for one in lists.current.titles.get(person_id, ()))
        return is_there or (None if person_id in lists.current.unread else False)

    def _take_uncovered(self, request: Request) -> tuple[Title, ...]:
        """Return the changed titles that a run covers; they no longer count as changed."""
        if request.dry_run:
            return ()
        match request:
            case LiveRequest(titles=titles):
                return self._plan_builder.lists.uncovered.take(titles)
            case FullRequest(whole=True):
                return self._plan_builder.lists.uncovered.take()
            case FullRequest() | UndoRequest() | RemovalRequest():
                return ()
            case _:
                assert_never(request)

    def item_deleted(self, rating_key: str) -> None:
        """Record that an item was deleted in Plex."""
        self._event_triage.item_deleted(rating_key)

    def _check_plan(
        self,
        request: Request,
        prepared: PreparedPlan,
        settings: SyncSettings,
        before: Baseline | None,
        question: OpenQuestion | None,
    ) -> SafetyResult:
        """Return the part of the plan that may run; what the user just requested is not checked."""
        match request:
            case UndoRequest() | RemovalRequest():
                return SafetyResult(prepared.plan)
            case FullRequest():
                consent = request.consent
            case LiveRequest():
                consent = NO_CONSENT
            case _:
                assert_never(request)
        situation = Situation(
            ledger=tuple(self._recorder.ledger),
            lost=self._recorder.lost_since(self._clock() - DAY),
            people=prepared.people,
            before=before,
            doubts=prepared.doubts,
            question=question,
        )
        return check_plan(prepared.plan, settings, situation, consent)

    async def _apply(
        self, run: Run, safety: SafetyResult, prepared: PreparedPlan, progress: Progress
    ) -> Run:
        """Write a plan to Plex and read back the result."""
        plan, result = safety.plan, EditResult()
        read = {*prepared.gaps}
        if plan.changes:
            groups = await in_thread(edits_of, plan.changes)
            # In the order in which they are sent, so that a count shows how far the run has come.
            ordered = [one for _, changes in groups for one in changes]
            pace = Pace(self._recorder, run.id, groups)
            try:
                await self._recorder.begin(run, ordered, pace.first)
            except ServiceError as err:
                failed = tuple(FailedChange(one, err.failure) for one in plan.changes)
                return replace(run, status=RunStatus.FAILED, failed=failed, error=err)
            result = await self._editor.carry_out(pace, groups, prepared, progress)
            self._event_triage.edited(await in_thread(_rating_keys, result.sent))
        run, rows, unsure = await in_thread(_confirmed_result, run, safety, result)
        run = replace(run, gaps=(*prepared.gaps,), failed=run.failed + prepared.failed)
        tried_all = prepared.scope is not None and prepared.scope.whole and not prepared.failed
        if tried_all and run.status is not RunStatus.FAILED:
            left = [gap for gap in prepared.gaps if gap not in read]
            self._plan_builder.change_detector.edited(run.failed, left)
        if plan.changes or rows:
            await self._recorder.finish(run, rows, unsure)
        return run


def _rating_keys(changes: Iterable[Change]) -> frozenset[str]:
    return frozenset(one.rating_key for one in changes)


def _seen(overview: Overview | None, prepared: PreparedPlan, run: Run) -> Overview | None:
    """Return the overview after a run."""
    if prepared.scope is not None and prepared.view is not None:
        held = run.status is RunStatus.HELD
        overview = overview_after(
            overview, prepared.scope, prepared.view, prepared.found, held=held
        )
    if overview is None or run.dry_run:
        return overview
    return overview_changed(overview, run.changes)


def _counted(run: Run, request: Request, prepared: PreparedPlan, safety: SafetyResult) -> Run:
    """Return a run with its counts and with what is held."""
    plan, found = prepared.plan, prepared.found
    reasons = safety.reasons
    vanished = HoldReason.LABELS_VANISHED in reasons
    return replace(
        run,
        listed=prepared.listed,
        people=prepared.people,
        wanting=len(
            {person.id for wanted_title, _ in found.matches for person in wanted_title.people}
        ),
        titles=sum(bool(wanted_title.people) for wanted_title, _ in found.matches),
        items=plan.items,
        unchanged=plan.unchanged,
        overridden=plan.overridden,
        skipped=plan.skipped,
        not_in_plex=sum(
            bool(wanted_title.people) and not items for wanted_title, items in found.matches
        ),
        status=RunStatus.HELD if reasons else run.status,
        held=safety.held,
        held_keys=safety.held_keys,
        hold_reasons=reasons,
        needs_decision=safety.needs_decision,
        vanished=len(plan.vanished) if vanished else 0,
        unknown=plan.unknown if request.whole else (),
        returned=plan.returned if request.whole else (),
        is_complete=not prepared.gaps,
    )


def _confirmed_result(
    run: Run, safety: SafetyResult, result: EditResult
) -> tuple[Run, dict[RowKey, Row | None], dict[Change, Row | None]]:
    """Return a run with its result, the updated rows of the ledger, and the unconfirmed changes."""
    plan = safety.plan
    confirmed = set(result.confirmed)
    if result.error or result.stopped:
        run = replace(run, status=RunStatus.FAILED)
    rows: dict[RowKey, Row | None] = dict(plan.ledger_only_updates)
    changes = tuple(one for one in plan.changes if one in confirmed)
    rows |= {
        one.key: plan.ledger_updates[one.key] for one in changes if one.key in plan.ledger_updates
    }
    run = replace(
        run,
        changes=changes,
        failed=tuple(result.failed),
        error=result.error,
        lost=len(safety.lost & ({one.key for one in changes} | plan.ledger_only_updates.keys())),
    )
    in_plex = confirmed | result.absent
    unsure = {one: plan.ledger_updates.get(one.key) for one in result.sent if one not in in_plex}
    return run, rows, unsure


def _title_results(
    titles: Sequence[Title], prepared: PreparedPlan, run: Run
) -> tuple[TitleResult, ...]:
    """Return the result for each title that the run was requested for."""
    if not titles:
        return ()
    found = prepared.found
    unread, may_be_wanted = prepared.unread_types, prepared.may_be_on_unread_list
    not_written = {failed.change.rating_key for failed in run.failed}
    index = TitleIndex(wanted_title.title for wanted_title in found.wanted_titles)
    by_item: dict[str, list[int]] = {}
    for at, some in enumerate(found.items):
        for item in some:
            by_item.setdefault(item.rating_key, []).append(at)
    title_results = []
    for title in titles:
        named = index.find(title)
        # A person who wants the same item wants the title, whatever ids it is listed by.
        same = {at for one in named for item in found.items[one] for at in by_item[item.rating_key]}
        matching = [(found.wanted_titles[one], found.items[one]) for one in sorted({*named, *same})]
        people = {
            person.id: person for wanted_title, _ in matching for person in wanted_title.people
        }
        keys = frozenset(item.rating_key for _, some in matching for item in some)
        if not title.ids:
            outcome = Outcome.NO_IDS
        elif not people:
            outcome = Outcome.WATCHLIST_UNREAD if may_be_wanted else Outcome.NOT_WANTED
        elif not keys:
            reasons = (found.missing.get(wanted_title.title) for wanted_title, _ in matching)
            outcome = next(filter(None, reasons), Outcome.NOT_IN_PLEX)
            if title.type in unread:
                outcome = Outcome.NOT_READ
        elif not keys.isdisjoint(not_written):
            outcome = Outcome.NOT_WRITTEN
        elif not keys.isdisjoint(prepared.plan.undecided):
            outcome = Outcome.NOT_READ
        else:
            outcome = Outcome.SETTLED
        title_results.append(TitleResult(title, tuple(people.values()), outcome, keys))
    return tuple(title_results)
