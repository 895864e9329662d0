"""Turns a request into a plan: what is read for it, and which rules apply."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from .change_detection import ChangeDetector, LibrarySnapshot, QuickCheck
from .changes import Plan, RowKey
from .current_labels import CurrentLabels
from .evidence import EvidenceReader
from .first_read import labels_from_items, pairs_to_confirm
from .fresh_lists import FreshLists
from .gaps import Gaps
from .label_reader import LabelReader
from .ledger import Ledger
from .live_matching import WantedMatcher, unwanted
from .model import Gap, Library, Person, ServiceError, SyncSettings, Watchlists, fold
from .people import UnknownPersonError
from .person_id import PersonId
from .plan_notes import (
    following,
    items_with_own_labels,
    note_contradictions,
    note_failed,
    note_unread,
    pairs_of,
)
from .plan_view import View
from .ports import PlexPort, PulsarrPort, Recorder
from .progress import Phase, Progress
from .protection import Baseline, ListMemory, doubted_lists, labels_of, unread_lists
from .readers import Found, ItemFinder
from .request import (
    FullRequest,
    LiveRequest,
    PreparedPlan,
    RemovalRequest,
    Request,
    SyncRequest,
    UndoRequest,
    chosen_libraries,
)
from .retention import Roster
from .returned import labels_to_read, with_returned
from .scope import Scope, items_and_labels, labels_needed, plan_of
from .threads import in_thread
from .undo_builder import UndoBuilder, people_known
from .wanted import Merger, TitleIndex, WantedTitle, labelled_people
from .wanted_labels import WantedItem
from .watchlist_reader import KnownLists


class PlanBuilder:
    """Reads what a request needs and makes its plan."""

    def __init__(
        self,
        plex: PlexPort,
        pulsarr: PulsarrPort,
        recorder: Recorder,
        clock: Callable[[], float],
        *,
        memory: ListMemory,
        steady: Callable[[], float],
    ) -> None:
        """Initialize; `clock` returns seconds since the epoch, `steady` monotonic seconds."""
        self._plex = plex
        self._pulsarr = pulsarr
        self._recorder = recorder
        self._clock = clock
        self._memory = memory
        self._steady = steady
        self.lists = KnownLists(clock, steady)
        self.fresh = FreshLists(
            pulsarr, recorder, self.lists, memory=memory, clock=clock, steady=steady
        )
        self._wrote_at = float("-inf")  # when the last plan with changes was made, in epoch seconds
        self.finder = ItemFinder(plex, steady)
        self.change_detector = ChangeDetector(plex, clock)
        self._merger = Merger()
        self._matcher = WantedMatcher()
        self._evidence = EvidenceReader(plex)
        self._undo_builder = UndoBuilder(plex, recorder, self._evidence, clock)
        self._others = set[RowKey]()  # foreign labels on items at the last check
        self.listed_from = float("-inf")  # start of the last full listing, in monotonic seconds

    @property
    def watchlists(self) -> Watchlists | None:
        """The watchlists as they were last read."""
        return self.lists.current

    async def prepare(
        self,
        request: Request,
        settings: SyncSettings,
        progress: Progress,
        before: Baseline | None = None,
    ) -> PreparedPlan:
        """Read and plan.

        Raises ServiceError, UnknownPersonError, AmbiguousPersonError or UnknownLibraryError.
        """
        match request:
            case FullRequest() | LiveRequest():
                return await self._prepare_sync(request, settings, progress, before)
            case UndoRequest():
                return await self._undo_builder.prepare_undo(request, settings)
            case RemovalRequest(people=people):
                chosen = None if people is None else await self.people_named(people)
                return await self._undo_builder.prepare_removal(settings, chosen)
            case _:
                assert_never(request)

    async def people_named(self, names: Sequence[str]) -> frozenset[PersonId]:
        """Return the ids of people as the ledger knows them, else as Pulsarr does.

        Raises ServiceError, UnknownPersonError or AmbiguousPersonError.
        """
        ledger = self._recorder.ledger
        try:
            return people_known((), ledger, names)
        except UnknownPersonError:
            return people_known(await self._pulsarr.people(), ledger, names)

    async def _prepare_sync(
        self,
        request: SyncRequest,
        options: SyncSettings,
        progress: Progress,
        before: Baseline | None,
    ) -> PreparedPlan:
        progress.reached(Phase.WATCHLISTS, 0)
        watchlists, quick = await self._watchlists_and_quick_check(request, options)
        progress.reached(Phase.WATCHLISTS)
        ledger, memory = self._recorder.ledger, self._memory
        if request.dry_run:  # a dry run must not change what the next run saves
            ledger, memory = ledger.copy(), memory.copy()
        settings = following(options, watchlists.people, ledger, memory)
        gaps = [*quick.unlisted] if quick else list[Gap]()
        there = quick.libraries if quick else await self._plex.libraries(gaps.append)
        libraries = chosen_libraries(there, request, settings, in_full=not gaps)
        scope = await self._scope(
            request, settings, watchlists, libraries, ledger=ledger, memory=memory
        )
        titles = None if scope.doubts.unread else len(scope.wanted_titles)
        # Compared by the options as chosen: an excluded person's new id is not a choice.
        listed = len(watchlists.people) + len(watchlists.gaps)
        lists = doubted_lists(before, listed, titles, options)
        scope = replace(scope, doubts=replace(scope.doubts, lists=lists))
        wanted = scope.wanted_titles
        if quick is not None and quick.listing and quick.listing.wanted_titles == wanted:
            prepared = await self._prepare_idle(scope, quick.listing, quick)
            if prepared is not None:
                progress.reached(Phase.LABELS)
                note_unread(prepared, watchlists)
                return prepared
        found = await self._find(request, libraries, wanted, progress)
        for gap in gaps:
            found.gaps.add(gap)
        if isinstance(request, LiveRequest):
            others = [library for library in there if library not in libraries]
            await self.finder.explain_missing(found, others)
        progress.reached(Phase.LISTING)
        items, needed = await in_thread(items_and_labels, scope, found, self.change_detector.items)
        if request.whole:
            now = self._clock()
            last = LibrarySnapshot.of(scope, watchlists.people, found, items, read_at=now)
            self.change_detector.remember(last)
        labels = LabelReader(self._plex, libraries, found.totals, found.gaps)
        if request.whole:
            removed = await in_thread(self._recorder.recently_removed)
            needed += await in_thread(labels_to_read, removed.values(), items)
        shown = await labels_from_items(self._plex, scope, items, found.gaps)
        present = shown or await labels.read(needed, everything=scope.everything)
        progress.reached(Phase.LABELS)
        prepared = await self._planned(scope, found, items, present, labels, first_read=bool(shown))
        note_unread(prepared, watchlists)
        return prepared

    async def _scope(
        self,
        request: SyncRequest,
        settings: SyncSettings,
        watchlists: Watchlists,
        libraries: Sequence[Library],
        *,
        ledger: Ledger,
        memory: ListMemory,
    ) -> Scope:
        """Return what the run covers, and by which rules."""
        people = labelled_people(watchlists, settings)
        wanted = await in_thread(self._merger.wanted_titles, watchlists, people)
        roster = Roster(
            {person.id: person for person in watchlists.people},
            frozenset(person.id for person in people),
        )
        # In threads, as there may be tens of thousands of titles.
        doubts = await in_thread(unread_lists, watchlists, people, settings, ledger)
        lost_most = await in_thread(memory.lost_most, watchlists)
        owners = await in_thread(lambda: ledger.owners)
        full = request if isinstance(request, FullRequest) else None
        believe = full is not None and full.consent.everything and not full.dry_run
        shrunk = memory.find_shrunk(
            watchlists, roster.labelled, lost_most, owners=owners, believe=believe
        )
        known = ledger.people  # including people who are no longer in Pulsarr
        shrunk_people = [known[one] for one in shrunk if one in known]
        doubts = replace(doubts, shrunk=shrunk, shrunk_labels=labels_of(shrunk_people, settings))
        scope = Scope(settings, libraries, ledger, roster, wanted, doubts=doubts)
        if full is None:
            return scope
        names = full.people
        return replace(
            scope,
            complete=True,
            whole=full.whole,
            restore=full.restore,
            chosen=None if names is None else people_known(watchlists.people, ledger, names),
            adopt=full.adopt,
        )

    async def _watchlists_and_quick_check(
        self, request: SyncRequest, settings: SyncSettings
    ) -> tuple[Watchlists, QuickCheck | None]:
        """Return the watchlists and, for a scheduled run, the result of a concurrent cheap check.

        What the check cannot read is left to the listing. Raises ServiceError.
        """
        if isinstance(request, LiveRequest):
            return await self.fresh.for_titles(request, settings), None
        if not (request.routine and request.whole):
            return await self.fresh.read(settings), None
        checks: list[asyncio.Task[QuickCheck]] = []

        def check(people: tuple[Person, ...]) -> None:
            job = self.change_detector.check(people, settings, self._recorder.ledger)
            checks.append(asyncio.ensure_future(job))

        try:
            watchlists = await self.fresh.read(settings, check)
            try:
                return watchlists, await checks[0]
            except ServiceError:
                return watchlists, None
        finally:
            for one in checks:
                one.cancel()
            await asyncio.gather(*checks, return_exceptions=True)

    async def _prepare_idle(
        self, scope: Scope, listing: LibrarySnapshot, quick_check: QuickCheck
    ) -> PreparedPlan | None:
        """Return a plan without changes if a cheap check shows that there is nothing to do.

        None means that only a listing can tell. Raises ServiceError.
        """
        items, present = quick_check.items, quick_check.present
        found = replace(listing.found, gaps=Gaps(quick_check.gaps))
        labels = LabelReader(self._plex, scope.libraries, found.totals, found.gaps)
        if items is None or present is None:
            items = listing.items
            needed = await in_thread(labels_needed, items, scope.ledger, scope.settings)
            present = await labels.read(needed, everything=scope.everything)
        view = self._view(scope, items, present)
        plan = await in_thread(plan_of, scope, view, found.totals)
        known = found.gaps.within(listing.found.gaps, but_for=quick_check.gaps)
        if not known or not plan.is_idle(quick_check.left_alone):
            return None
        self._remember_others(view, plan)
        prepared = self._prepared(scope, found, plan, labels, view)
        note_failed(prepared, quick_check)
        return prepared

    def _now(self) -> float:
        """Return the time of a plan, in a later second than the last plan with changes.

        All rows with the same time were therefore written by one run.
        """
        return max(self._clock(), self._wrote_at + 1.0)

    def _view(self, scope: Scope, items: Mapping[str, WantedItem], present: CurrentLabels) -> View:
        return View(
            items=items,
            present=present,
            ledger=scope.ledger,
            roster=scope.roster,
            settings=scope.settings,
            now=self._now(),
            whole=scope.whole,
            restore=scope.restore,
            libraries={library.key: library for library in scope.libraries},
            doubts=scope.doubts,
            adopt=scope.adopt,
            others=self._others,
        )

    def _remember_others(self, view: View, plan: Plan) -> None:
        """Record the foreign labels on items, including those that a response left out."""
        opt_out = fold(view.settings.opt_out_label)
        there = {row.key for row in plan.unknown}
        there |= {(key, opt_out) for key in view.present.all_with(opt_out) if key in view.items}
        read = view.evidence.items
        self._others = {one for one in self._others if one[0] not in read} | there

    async def _planned(
        self,
        scope: Scope,
        found: Found,
        items: Mapping[str, WantedItem],
        present: CurrentLabels,
        labels: LabelReader,
        *,
        first_read: bool,
    ) -> PreparedPlan:
        """Plan, read the items that would be changed, then plan again.

        After a first read from the items, the carriers of their labels are read as well.
        """
        view = self._view(scope, items, present)
        plan = await in_thread(plan_of, scope, view, found.totals)
        if plan.unproven:
            keys = plan.unproven
            pairs = await in_thread(pairs_of, keys, items, scope)
            if first_read:
                both = await in_thread(pairs_to_confirm, scope, items, keys)
                present.add(await labels.read(both, everything=scope.everything))
            known = await in_thread(lambda: {one: items[one].item for one in keys & items.keys()})
            evidence = await self._evidence.read(keys, pairs, present, labels, known)
            proven = await in_thread(self._matcher.proven, scope, items, evidence)
            view = replace(view, items=proven, evidence=evidence)
            plan = await in_thread(plan_of, scope, view, found.totals)
            await in_thread(note_contradictions, scope, items, evidence, found)
        self._remember_others(view, plan)
        if scope.whole:
            removed = await in_thread(self._recorder.recently_removed)
            plan = await in_thread(with_returned, plan, view, removed)
        return self._prepared(scope, found, plan, labels, view)

    def _prepared(
        self, scope: Scope, found: Found, plan: Plan, labels: LabelReader, view: View
    ) -> PreparedPlan:
        if plan.changes:
            self._wrote_at = self._now()
        return PreparedPlan(
            plan,
            labels,
            {library.key: library for library in scope.libraries},
            people=len(scope.roster.labelled),
            listed=len(scope.roster.people),
            found=found,
            doubts=scope.doubts,
            scope=scope,
            view=view,
        )

    async def _find(
        self,
        request: SyncRequest,
        libraries: Sequence[Library],
        wanted: tuple[WantedTitle, ...],
        progress: Progress,
    ) -> Found:
        """Find the items of the wanted titles, as far as the request covers them."""
        match request:
            case LiveRequest():
                return await self._find_some(request, libraries, wanted)
            case FullRequest():
                rows = await in_thread(items_with_own_labels, self._recorder)
                began = self._steady()
                found = await self.finder.find_all(libraries, wanted, rows, progress)
                if request.libraries is None:
                    self.listed_from = began
                return found
            case _:
                assert_never(request)

    async def _find_some(
        self, request: LiveRequest, libraries: Sequence[Library], wanted: tuple[WantedTitle, ...]
    ) -> Found:
        """Find the items of a few titles, and everyone who wants the same items."""
        asked = TitleIndex(request.titles)
        some = await in_thread(lambda: tuple(one for one in wanted if one.title in asked))
        some += await in_thread(unwanted, request, some, self._recorder.ledger)
        old = TitleIndex(request.thorough)
        thorough = frozenset(one.title for one in some if one.title in old)
        found = await self.finder.find_some(libraries, some, thorough, request.seen)
        # All wanted titles decide whether an item is wanted, whatever name the event gave it.
        more = await in_thread(self._matcher.further, wanted, found)
        if not more:
            return found
        items = [item for some_items in found.items for item in some_items]
        return await self.finder.find_some(
            libraries,
            (*some, *more),
            thorough | {one.title for one in more if one.title.plex_ids},
            (*request.seen, *items),
        )
