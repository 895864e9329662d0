"""A cheap check whether anything has changed since the last full listing.

Its only possible effect is that a run ends early because there is nothing to do. In every other
case all libraries are listed and read again before a change is planned.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from .changes import FailedChange
from .current_labels import CurrentLabels
from .gap_reader import UNREAD_MAX, GapReader, item_batches
from .gaps import Gaps
from .jobs import gather_fail_fast
from .ledger import Ledger
from .model import Failure, Gap, GapKind, Item, Library, Person, SyncSettings
from .ports import PlexPort
from .readers import READERS, Found
from .scope import Scope, labels_needed
from .threads import in_thread
from .wanted import WantedTitle
from .wanted_labels import WantedItem, with_item

RETRY_AFTER: Final = 3600.0  # seconds between the first attempts at a change that fails
LISTING_AGE_MAX: Final = 6 * 3600.0  # seconds; after that everything is listed, changed or not


@dataclass(frozen=True, slots=True)
class LibrarySnapshot:
    """What the last full listing found, and the input that it was made for.

    `people` are all people in Pulsarr's response, `items` those that the plan covered; `read_at` is
    in seconds since the epoch. `gaps` are those of the listing, `found` comes to have all of the run.
    """

    people: tuple[Person, ...]
    wanted_titles: tuple[WantedTitle, ...]
    libraries: tuple[Library, ...]
    settings: SyncSettings
    found: Found
    items: Mapping[str, WantedItem]
    read_at: float
    gaps: tuple[Gap, ...] = ()

    @classmethod
    def of(
        cls,
        scope: Scope,
        people: tuple[Person, ...],
        found: Found,
        items: Mapping[str, WantedItem],
        *,
        read_at: float,
    ) -> Self:
        """Return what a listing found for what a run covers, before anything is edited."""
        return cls(
            people,
            scope.wanted_titles,
            tuple(scope.libraries),
            scope.settings,
            found,
            items,
            read_at,
            (*found.gaps,),
        )


@dataclass(frozen=True, slots=True)
class QuickCheck:
    """The result of a cheap check of Plex.

    `listing` is the last one, if nothing seems to have changed since. `items` are its items as they
    are now, with their labels in `present`, where both were read together.
    """

    libraries: tuple[Library, ...]
    unlisted: tuple[Gap, ...] = ()  # libraries whose rows could not be read
    listing: LibrarySnapshot | None = None
    items: Mapping[str, WantedItem] | None = None
    present: CurrentLabels | None = None
    gaps: tuple[Gap, ...] = ()
    failed: tuple[FailedChange, ...] = ()  # that are not due again
    failed_gaps: tuple[Gap, ...] = ()  # because of them

    @property
    def left_alone(self) -> frozenset[str]:
        """The items that cannot be read, listed or edited now, by rating key."""
        unread = {gap.key for gap in self.gaps if gap.kind is GapKind.ITEM}
        unlisted = self.listing.found.left_out.keys() if self.listing else set[str]()
        return frozenset(unread | unlisted | {one.change.rating_key for one in self.failed})


class _Check:
    """What a check finds while its requests are made."""

    def __init__(self, last: LibrarySnapshot, gaps: Iterable[Gap]) -> None:
        self.last = last
        self.changed = False
        self.items: dict[str, WantedItem] = {}
        self.present = CurrentLabels()
        self.gaps = Gaps(gaps)

    def add_unread(self, gap: Gap) -> None:
        """Record an item that cannot be read: it stays as the last listing found it."""
        entry = self.last.items.get(gap.key)
        if entry is not None:
            gap = replace(gap, name=entry.item.title or gap.key)
            self.items[gap.key] = entry
        self.present.unread_items.add(gap.key)
        self.gaps.add(gap)


class ChangeDetector:
    """Remembers the last full listing and checks whether it is still valid."""

    def __init__(self, plex: PlexPort, clock: Callable[[], float]) -> None:
        """Start without a listing; `clock` returns seconds since the epoch."""
        self._plex = plex
        self._clock = clock
        self._last: LibrarySnapshot | None = None
        self._items_show_labels = True
        self._gap_reader = GapReader(plex)
        self._totals: dict[str, int] = {}  # numbers of items, with those that cannot be read
        self._failed: tuple[FailedChange, ...] = ()  # of the last run that tried everything
        self._failed_gaps: tuple[Gap, ...] = ()  # because of them
        self._failed_at = 0.0
        self._failures = 0  # runs in a row that failed at nothing else

    def remember(self, listing: LibrarySnapshot) -> None:
        """Record the result of a full listing; the libraries were read before it."""
        self._last = listing
        self._gap_reader.remember(listing.gaps)
        with_gaps = {gap.key.partition(":")[0] for gap in listing.gaps if gap.kind is GapKind.PAGE}
        if any(gap.kind is GapKind.ITEM for gap in listing.gaps):
            with_gaps |= listing.found.totals.keys()
        # Where rows are missing, the first check after the listing counts them.
        self._totals = {
            key: total for key, total in listing.found.totals.items() if key not in with_gaps
        }

    def edited(self, failed: tuple[FailedChange, ...], gaps: Iterable[Gap]) -> None:
        """Record which changes failed in a run that tried everything, and the gaps they left.

        Changes that fail again and again are tried less often.
        """
        known = {one.change.key for one in self._failed}
        is_new = not {one.change.key for one in failed} <= known
        self._failures = 0 if not failed else 1 if is_new else self._failures + 1
        self._failed, self._failed_gaps, self._failed_at = failed, (*gaps,), self._clock()

    def _with_failed(self, check: QuickCheck) -> QuickCheck:
        """Return a result with the changes that failed, unless they are due again."""
        if not 0 <= self._clock() - self._failed_at < _retry_after(self._failures):
            return check
        return replace(check, failed=self._failed, failed_gaps=self._failed_gaps)

    @property
    def items(self) -> Mapping[str, WantedItem]:
        """The items of the last listing."""
        return {} if self._last is None else self._last.items

    async def check(
        self, people: tuple[Person, ...], settings: SyncSettings, ledger: Ledger
    ) -> QuickCheck:
        """Check the contents of the libraries while watchlists are still being read.

        Plex counts changes of a library's contents. The number of items is requested as well, and
        no listing is trusted for long. Where `people` already show a change, the requests are
        saved. Raises ServiceError.
        """
        gaps = Gaps()
        there = await self._plex.libraries(gaps.add)
        libraries = {library.key: library for library in there if settings.covers(library.key)}
        last = self._last
        if (
            last is None
            or not gaps.within(last.found.gaps)
            or not self._may_hold(last, people, [*libraries.values()], settings)
        ):
            return QuickCheck(there, (*gaps,))
        check = _Check(last, (*gaps, *last.gaps, *last.found.left_out.values()))
        jobs = [self._count(library, check) for library in libraries.values()]
        jobs += [self._check_unmatched(check), self._check_gaps(libraries, check)]
        needed = await in_thread(labels_needed, last.items, ledger, settings)
        label_by_label = len(set(needed)) + len({library for library, _ in needed})
        size = self._plex.items_per_request
        at_once = self._items_show_labels and len(last.items) <= size * label_by_label
        if at_once:
            waiting = iter(item_batches(self._plex, last.items))
            jobs += [self._read_items(waiting, check) for _ in range(READERS)]
        jobs.append(self._read_unread(check, but_for=last.items if at_once else ()))
        await gather_fail_fast(jobs)
        if at_once and len(check.items.keys() & check.present.unread_items) > UNREAD_MAX:
            at_once = False
        if check.changed or (at_once and check.items.keys() != last.items.keys()):
            return QuickCheck(there, (*gaps,))
        if at_once and len(ledger) and not check.present.carriers:
            # Responses about single items should include their labels, but this one has none of all
            # those that were written: from now on this server is read label by label.
            self._items_show_labels = at_once = False
        found = self._with_failed(QuickCheck(there, (*gaps,), last, gaps=(*check.gaps,)))
        return replace(found, items=check.items, present=check.present) if at_once else found

    def _may_hold(
        self,
        last: LibrarySnapshot,
        people: Iterable[Person],
        libraries: Sequence[Library],
        settings: SyncSettings,
    ) -> bool:
        """Return whether a listing may still be valid, as far as known without requests."""
        return (
            0 <= self._clock() - last.read_at < LISTING_AGE_MAX
            and last.settings == settings
            and _counts(last.people) == _counts(people)
            and _stamps(last.libraries) == _stamps(libraries)
            and all(library.content_changed for library in libraries)
        )

    async def _count(self, library: Library, check: _Check) -> None:
        if library.key in check.last.found.totals:
            _, total = await self._plex.newest(library, 0)
            listed = self._totals.setdefault(library.key, total)
            left_out = [gap.key for gap in check.last.found.left_out.values()].count(library.key)
            check.changed |= total not in {listed, listed + left_out}

    async def _check_gaps(self, libraries: Mapping[str, Library], check: _Check) -> None:
        """Note whether a part of the listing can be read that could not."""
        check.changed |= await self._gap_reader.any_readable(libraries)

    async def _check_unmatched(self, check: _Check) -> None:
        """Note whether Plex has recognized an item since, while a wanted title is missing.

        It may do so without counting a change. Of many such items (home videos stay unrecognized)
        only the latest are requested. One that cannot be read is not recognized, as far as known.
        """
        found = check.last.found
        if all(items for wanted_title, items in found.matches if wanted_title.people):
            return
        keys = sorted((item.rating_key for item in found.unmatched), key=int)
        keys = keys[-self._plex.items_per_request :]
        if keys:
            read = await self._plex.labelled(keys, lambda _: None)
            check.changed |= any(one.item.ids for one in read)

    async def _read_items(self, waiting: Iterator[tuple[str, ...]], check: _Check) -> None:
        """Read items with their labels; keep those that still match the listing.

        One that was not found by its key when everything was listed is unread while that lasts.
        """
        for keys in waiting:
            before = {key: check.last.items[key].item for key in keys}
            found = await self._plex.labelled(keys, check.add_unread, before)
            for one in found:
                key = one.item.rating_key
                check.present.add_item(key, one.labels)
                entry = check.last.items.get(key)
                if entry is not None and _is_same(entry, one.item):
                    check.items[key] = with_item(entry, one.item)
            known = check.last.found.gaps
            for key in {*keys} - {one.item.rating_key for one in found} - check.items.keys():
                if known.has(GapKind.ITEM, key):
                    check.add_unread(Gap(GapKind.ITEM, key, key, Failure.IMPLAUSIBLE))

    async def _read_unread(self, check: _Check, but_for: Container[str]) -> None:
        """Read items again that the last run could not read, after it had listed everything."""
        last = check.last
        listed = {gap.key for gap in last.gaps if gap.kind is GapKind.ITEM}
        keys = [
            gap.key
            for gap in last.found.gaps
            if gap.kind is GapKind.ITEM and gap.key not in listed and gap.key not in but_for
        ]
        if keys:
            found = await self._plex.labelled(keys, check.add_unread)
            for key in {*keys} & last.items.keys() - {one.item.rating_key for one in found}:
                check.add_unread(Gap(GapKind.ITEM, key, key, Failure.IMPLAUSIBLE))


def _retry_after(failures: int) -> float:
    """Return after how many seconds changes are due that failed so often in a row.

    A first failure may be a single incident. Where syncs are hourly, changes that fail again are due
    with the next one, then with every second.
    """
    return (min(failures - 1, 2) - 0.5) * RETRY_AFTER if failures > 1 else 0.0


def _is_same(entry: WantedItem, item: Item) -> bool:
    """Return whether an item is still in its library and still the wanted title."""
    return entry.item.library == item.library and (not entry.title_id or entry.title_id in item.ids)


def _counts(people: Iterable[Person]) -> list[tuple[Person, int | None]]:
    return [(person, person.wanted) for person in people]


def _stamps(libraries: Sequence[Library]) -> Mapping[str, str]:
    return {library.key: library.content_changed for library in libraries}
