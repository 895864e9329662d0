"""From a request to a plan: what is read for it, and which rules make the plan of it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from .leaving import Company
from .ledger import Ledger
from .model import (
    Action,
    Change,
    Failure,
    Item,
    Library,
    Person,
    Plan,
    RunKind,
    Service,
    ServiceError,
    SyncSettings,
    Title,
    Watchlists,
    fold,
)
from .planner import View, WantedItem
from .ports import PlexPort, PulsarrPort, Recorder
from .present import Present
from .progress import Phase, Progress
from .reading import Found, ItemFinder, LabelReader, read_watchlists
from .recheck import Glance, Listing, Recheck
from .sight import Sight, items_and_labels, labels_needed, plan_of
from .undo import removal_plan, undo_plan
from .wanted import Merger, TitleIndex, Wish, labelled_people, people_named

FRESH: Final = 60.0  # seconds for which watchlists are good enough for a live decision
FRESH_UNKNOWN: Final = 10.0  # the same for a title that nobody was known to want


class UnknownLibraryError(ValueError):
    """A library name or key that no chosen library has; its text is the message."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a run shall look at. None means everything; people are ids or names.

    `titles` are looked at without listing whole libraries where that is possible; `seen` are
    items that Plex has just told of, `thorough` names titles that may have been in Plex for long. Watchlists not read after `newer_than`
    (seconds since the epoch) are not good enough. `undo` is the id of a run and `changes` what
    it had changed. `mass_removal` lets the brake pass everything,
    or if `removals_max` is set so many removals: no more than somebody was shown; `restore` puts back what vanished in bulk,
    `accept` takes it for decisions made by hand, if it is no more than `vanished_max`. `routine` is a full sync by the clock: where nothing
    seems to have changed, a cheap look is enough to leave all as it is.
    """

    kind: RunKind = RunKind.FULL
    titles: tuple[Title, ...] | None = None
    thorough: frozenset[Title] = frozenset()
    newer_than: float = 0.0
    seen: tuple[Item, ...] = ()
    people: tuple[str, ...] | None = None
    libraries: tuple[str, ...] | None = None
    dry_run: bool = False
    mass_removal: bool = False
    removals_max: int | None = None
    restore: bool = False
    accept: bool = False
    vanished_max: int | None = None
    routine: bool = field(default=False, compare=False)
    undo: str = ""
    changes: tuple[Change, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it is a full sync of everybody and everything."""
        return self.kind is RunKind.FULL and self.people is None and self.libraries is None


@dataclass(slots=True)
class Prepared:
    """A plan, and what it takes to carry it out."""

    plan: Plan
    labels: LabelReader
    libraries: dict[str, Library]
    people: int = 0
    found: Found = field(default_factory=lambda: Found((), (), {}))


class Preparer:
    """Reads what a request needs and makes its plan."""

    def __init__(
        self,
        plex: PlexPort,
        pulsarr: PulsarrPort,
        recorder: Recorder,
        clock: Callable[[], float],
    ) -> None:
        """`clock` gives seconds since the epoch."""
        self._plex = plex
        self._pulsarr = pulsarr
        self._recorder = recorder
        self._clock = clock
        self.finder = ItemFinder(plex)
        self._recheck = Recheck(plex, clock)
        self._merger = Merger()
        self.watchlists: Watchlists | None = None
        self.listed_from = 0.0  # when the last listing of everything began, in epoch seconds

    async def prepare(
        self, request: Request, settings: SyncSettings, progress: Progress
    ) -> Prepared:
        """Read and plan.

        Raises ServiceError, UnknownPersonError or UnknownLibraryError.
        """
        if request.kind is RunKind.UNDO:
            return await self._prepare_undo(request, settings)
        if request.kind is RunKind.REMOVAL:
            return await self._prepare_removal(request, settings)
        return await self._prepare_sync(request, settings, progress)

    async def _prepare_sync(
        self, request: Request, settings: SyncSettings, progress: Progress
    ) -> Prepared:
        progress.reached(Phase.WATCHLISTS, 0)
        watchlists, glance = await self._watchlists_and_glance(request, settings)
        progress.reached(Phase.WATCHLISTS)
        people = labelled_people(watchlists, settings)
        chosen: frozenset[int] | None = None
        if request.people is not None:
            chosen = people_named(watchlists.people, request.people)
        wishes = await asyncio.to_thread(self._merger.wishes, watchlists, people)
        there = await self._plex.libraries() if glance is None else glance.libraries
        libraries = _chosen_libraries(there, request, settings)
        company = Company(
            {person.id: person for person in watchlists.people},
            frozenset(person.id for person in people),
        )
        sight = Sight(
            settings,
            libraries,
            self._recorder.ledger,
            company,
            complete=request.titles is None,
            whole=request.whole,
            restore=request.restore,
            chosen=chosen,
        )
        if glance is not None and glance.listing and glance.listing.wishes == wishes:
            prepared = await self._prepare_idle(sight, glance.listing, glance)
            if prepared is not None:
                progress.reached(Phase.LABELS)
                return prepared
        found = await self._find(request, libraries, wishes, progress)
        if request.titles is not None:
            others = [library for library in there if library not in libraries]
            await self.finder.explain_missing(found, others)
        progress.reached(Phase.LISTING)
        items, needed = await asyncio.to_thread(items_and_labels, sight, found, self._recheck.items)
        if request.whole:
            last = Listing(
                watchlists.people,
                wishes,
                tuple(libraries),
                settings,
                found,
                items,
                read_at=self._clock(),
            )
            self._recheck.remember(last)
        labels = LabelReader(self._plex, libraries, found.totals)
        present = await labels.read(needed, everything=sight.everything)
        progress.reached(Phase.LABELS)
        return await self._planned(sight, found, items, present, labels)

    async def _watchlists_and_glance(
        self, request: Request, settings: SyncSettings
    ) -> tuple[Watchlists, Glance | None]:
        """Return the watchlists, by the clock with what a cheap look at Plex shows meanwhile.

        Raises ServiceError.
        """
        if not (request.routine and request.whole):
            return await self.watchlists_for(request), None
        looks: list[asyncio.Task[Glance]] = []

        def look(people: tuple[Person, ...]) -> None:
            job = self._recheck.look(people, settings, self._recorder.ledger)
            looks.append(asyncio.ensure_future(job))

        try:
            self.watchlists = await read_watchlists(self._pulsarr, self._clock, look)
            return self.watchlists, await looks[0]
        finally:
            for one in looks:
                one.cancel()
            await asyncio.gather(*looks, return_exceptions=True)

    async def _prepare_idle(
        self, sight: Sight, listing: Listing, glance: Glance
    ) -> Prepared | None:
        """Return a plan without any change when a cheap look shows that there is nothing to do.

        None says that it takes a listing to know. Raises ServiceError.
        """
        items, present = glance.items, glance.present
        labels = LabelReader(self._plex, sight.libraries, listing.found.totals)
        if items is None or present is None:
            items = listing.items
            needed = await asyncio.to_thread(labels_needed, items, sight.ledger, sight.settings)
            present = await labels.read(needed, everything=sight.everything)
        prepared = await self._planned(sight, listing.found, items, present, labels)
        return prepared if prepared.plan.is_idle else None

    async def _planned(
        self,
        sight: Sight,
        found: Found,
        items: Mapping[str, WantedItem],
        present: Present,
        labels: LabelReader,
    ) -> Prepared:
        view = View(
            items=items,
            present=present,
            ledger=sight.ledger,
            company=sight.company,
            settings=sight.settings,
            now=self._clock(),
            whole=sight.whole,
            restore=sight.restore,
        )
        plan = await asyncio.to_thread(plan_of, sight, view)
        by_key = {library.key: library for library in sight.libraries}
        return Prepared(plan, labels, by_key, len(sight.company.labelled), found)

    async def _find(
        self,
        request: Request,
        libraries: Sequence[Library],
        wishes: tuple[Wish, ...],
        progress: Progress,
    ) -> Found:
        """Find the items of what is wanted, as far as the request looks at it."""
        ledger = self._recorder.ledger
        if request.titles is None:
            rows = await asyncio.to_thread(ledger.by_item)
            began = self._clock()
            found = await self.finder.find_all(libraries, wishes, rows, progress)
            if request.libraries is None:
                self.listed_from = began
            return found
        asked = TitleIndex(request.titles)
        wishes = tuple(wish for wish in wishes if wish.title in asked)
        wishes += _unwanted(request, wishes, ledger)
        old = TitleIndex(request.thorough)
        thorough = frozenset(wish.title for wish in wishes if wish.title in old)
        return await self.finder.find_some(libraries, wishes, thorough, request.seen)

    async def watchlists_for(self, request: Request) -> Watchlists:
        """Return watchlists that are fresh enough for the request. Raises ServiceError."""
        known = self.watchlists
        if request.titles is not None and known is not None:
            strangers = await asyncio.to_thread(_strangers, request.titles, known)
            age_max = FRESH_UNKNOWN if strangers else FRESH
            if known.read_at > max(request.newer_than, self._clock() - age_max):
                return known
        self.watchlists = await read_watchlists(self._pulsarr, self._clock)
        return self.watchlists

    async def _prepare_undo(self, request: Request, settings: SyncSettings) -> Prepared:
        libraries = {one.key: one for one in await self._plex.libraries()}
        changes = [one for one in request.changes if one.library in libraries]
        labels = LabelReader(self._plex, libraries.values(), {})
        present = await labels.read(
            _with_opt_out(((one.library, fold(one.label)) for one in changes), settings)
        )
        plan = undo_plan(
            changes, request.undo, present, self._recorder.ledger, settings, self._clock()
        )
        plan = await self._without_missing_items(plan)
        skipped = plan.skipped + len(request.changes) - len(changes)
        return Prepared(replace(plan, skipped=skipped), labels, libraries)

    async def _without_missing_items(self, plan: Plan) -> Plan:
        """Leave out what would be put back on items that are not there any more."""
        back = {one.rating_key for one in plan.changes if one.action is Action.ADD}
        there = await self._plex.existing(sorted(back)) if back else frozenset()
        changes = tuple(
            one for one in plan.changes if one.action is Action.REMOVE or one.rating_key in there
        )
        skipped = plan.skipped + len(plan.changes) - len(changes)
        return replace(plan, changes=changes, skipped=skipped)

    async def _prepare_removal(self, request: Request, settings: SyncSettings) -> Prepared:
        libraries = {one.key: one for one in await self._plex.libraries()}
        rows = [row for row in self._recorder.ledger if row.library in libraries]
        people: frozenset[int] | None = None
        if request.people is not None:
            watchlists = await self.watchlists_for(request)
            people = people_named(watchlists.people, request.people)
            rows = [row for row in rows if row.people and people.issuperset(row.people)]
        labels = LabelReader(self._plex, libraries.values(), {})
        present = await labels.read(
            _with_opt_out(((row.library, fold(row.label)) for row in rows), settings)
        )
        return Prepared(removal_plan(rows, present, settings), labels, libraries)


def _strangers(titles: Iterable[Title], watchlists: Watchlists) -> bool:
    """Tell whether one of the titles is on nobody's watchlist."""
    wanted = TitleIndex(title for some in watchlists.titles.values() for title in some)
    return any(title not in wanted for title in titles)


def _with_opt_out(
    labels: Iterable[tuple[str, str]], settings: SyncSettings
) -> list[tuple[str, str]]:
    """Return pairs of library key and folded label, and what makes items opt out beside them."""
    needed = list(labels)
    return needed + [
        (library, fold(settings.opt_out_label)) for library in {one for one, _ in needed}
    ]


def _unwanted(request: Request, wishes: Sequence[Wish], ledger: Ledger) -> tuple[Wish, ...]:
    """Return wishes of nobody for titles that nobody wants and whose items have labels of ours."""
    wanted = TitleIndex(wish.title for wish in wishes)
    seen = {item.rating_key: item.ids for item in request.seen}
    known = set[str]()
    for row in ledger:
        known.add(row.title_id)
        known |= seen.get(row.rating_key, frozenset())
    return tuple(
        Wish(title, ())
        for title in request.titles or ()
        if title not in wanted and not known.isdisjoint(title.ids)
    )


def _chosen_libraries(
    libraries: Iterable[Library], request: Request, settings: SyncSettings
) -> list[Library]:
    """Return the libraries that a run covers.

    Raises ServiceError when none of the chosen ones is there (a Plex that is starting up lists
    none) or when the token may edit none of them: then it may not see everything in them either,
    and UnknownLibraryError when the request names one that the settings do not cover.
    """
    chosen = [library for library in libraries if settings.covers(library.key)]
    if not chosen:
        detail = "none of the chosen libraries is there"
        raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
    if not any(library.editable for library in chosen):
        detail = "the token belongs to somebody who does not own this server"
        raise ServiceError(Service.PLEX, Failure.NOT_OWNER, detail)
    if request.libraries is None:
        return chosen
    for name in request.libraries:
        if not any(_is_named(library, (name,)) for library in chosen):
            raise UnknownLibraryError(name)
    return [library for library in chosen if _is_named(library, request.libraries)]


def _is_named(library: Library, names: Sequence[str]) -> bool:
    """Tell whether a library is meant by its key or its name."""
    folded = {name.strip().casefold() for name in names}
    return library.key in folded or library.name.strip().casefold() in folded
