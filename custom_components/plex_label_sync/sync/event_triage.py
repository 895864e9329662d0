"""Reads the items in Plex's events and decides which titles need a live sync."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from .event_candidates import REQUESTED_MAX, Candidates, Cooldown, candidates_of, items_to_request
from .gaps import Gaps
from .ledger import Ledger
from .model import GapKind, Item, LabelledItem, Library, Service, ServiceError, SyncSettings, Title
from .plan_builder import PlanBuilder
from .ports import PlexPort
from .readers import NEWEST
from .request import LiveRequest
from .threads import in_thread

if TYPE_CHECKING:
    from .changes import Row


class EventTriage:
    """Separates new items from refreshed ones and from echoes of its own edits; writes nothing."""

    def __init__(
        self, plex: PlexPort, plan_builder: PlanBuilder, clock: Callable[[], float]
    ) -> None:
        """Initialize; `clock` returns monotonic seconds."""
        self._plex = plex
        self._plan_builder = plan_builder
        self._known = plan_builder.finder.known
        self._clock = clock
        self._cooldown = Cooldown()
        self._unreadable = Cooldown()  # items that Plex could not return
        self._failed: frozenset[str] = frozenset()  # the last ones that were requested for nothing

    def edited(self, rating_keys: Iterable[str]) -> None:
        """Record that the integration edited items: Plex may send events about them now."""
        self._cooldown.add(rating_keys, self._clock())

    def item_deleted(self, rating_key: str) -> None:
        """Record that an item was deleted."""
        self._known.item_deleted(rating_key)
        self._cooldown.item_deleted(rating_key)
        self._unreadable.item_deleted(rating_key)

    async def processed(
        self, rating_keys: Collection[str], ledger: Ledger, settings: SyncSettings
    ) -> Candidates:
        """Check items that Plex has processed. Raises ServiceError.

        Items on cooldown are checked when it ends: a match may have been corrected meanwhile. Those
        that could not be read are tried again, less and less often.
        """
        now = self._clock()
        due = (*self._cooldown.due(now), *self._unreadable.due(now))
        distinct = dict.fromkeys((*rating_keys, *due))
        keys = tuple(key for key in distinct if not self._unreadable.has(key, now))
        new, refreshed = items_to_request(keys, self._known, self._cooldown, now)
        if len(new) > REQUESTED_MAX:
            return Candidates(too_many=True)
        if not new and not refreshed:
            return self._again(now)
        labelled = await self._labelled([*new, *refreshed])
        items = [one.item for one in labelled if settings.covers(one.item.library)]
        candidates = await self._triage(items, ledger, settings)
        self._cooldown.add((one.rating_key for one in items if one.ids), now)
        self._cooldown.add_unmatched((one.rating_key for one in items if not one.ids), now)
        return candidates + self._again(now)

    def _again(self, now: float) -> Candidates:
        """Return when items are due, without any that are."""
        waiting = (self._cooldown, self._unreadable)
        return Candidates(again=min(filter(None, (one.again(now) for one in waiting)), default=0.0))

    async def _labelled(self, rating_keys: Sequence[str]) -> tuple[LabelledItem, ...]:
        """Read items; those that Plex cannot return are left out and skipped for a while.

        Raises ServiceError when it returns none for the first time: that may be about the server.
        """
        gaps = Gaps()
        found = await self._plex.labelled(rating_keys, gaps.add)
        unread = frozenset(gap.key for gap in gaps)
        failed, self._failed = self._failed, unread if unread == {*rating_keys} else frozenset()
        if self._failed - failed:
            failure = next(iter(gaps)).failure
            raise ServiceError(Service.PLEX, failure, "no item that was named can be read")
        self._unreadable.forget(one.item.rating_key for one in found)
        self._unreadable.add_unreadable(unread, self._clock())
        return found

    async def newest(self, since: float, ledger: Ledger, settings: SyncSettings) -> Candidates:
        """Check items added before `since`, while nothing was listening. Raises ServiceError.

        Everything that was listed later is known. A library or row that cannot be read is left to
        a full sync.
        """
        if self._plan_builder.listed_from > since:
            return Candidates()
        items: list[Item] = []
        gaps = Gaps()
        for library in await self._plex.libraries():
            if settings.covers(library.key):
                if not self._known.knows_library(library):
                    return Candidates(too_many=True)
                try:
                    items += await self._newest_of(library, gaps)
                except ServiceError as err:
                    gaps.add_failure(err, GapKind.LIBRARY, library.key, library.name)
        if len(items) > REQUESTED_MAX:
            return Candidates(too_many=True)
        candidates = await self._triage(items, ledger, settings)
        return candidates + Candidates(too_many=bool(gaps))

    async def _newest_of(self, library: Library, gaps: Gaps) -> list[Item]:
        """Return the latest items that are not known yet, or were not recognized."""
        rows, _ = await self._plex.newest(library, NEWEST, gaps.add)
        return [item for item in rows if self._is_new(item)]

    def _is_new(self, item: Item) -> bool:
        key = item.rating_key
        return key not in self._known or bool(item.ids and not self._known.recognized(key))

    async def _triage(
        self, items: Sequence[Item], ledger: Ledger, settings: SyncSettings
    ) -> Candidates:
        """Return which of the items need a live sync; from then on they are known."""
        if not items:
            return Candidates()
        # A newly recognized item may be on a watchlist that was not read since.
        new = tuple(
            Title(item.type, item.title, item.ids)
            for item in items
            if item.ids and not self._known.recognized(item.rating_key)
        )
        watchlists = await self._plan_builder.fresh.for_titles(
            LiveRequest(titles=new, reported_at=self._clock()), settings
        )
        keys = {item.rating_key for item in items}
        rows: dict[str, list[Row]] = {}
        for row in ledger:
            if row.rating_key in keys:
                rows.setdefault(row.rating_key, []).append(row)
        candidates = await in_thread(candidates_of, items, watchlists, rows)
        self._known.seen(items)
        return candidates
