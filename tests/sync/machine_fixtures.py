"""Parts of the safety machine: records that survive crashes, a fragile Plex, label ownership."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
import re
from typing import Any, Final, Literal, get_args

from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.sync.changes import Change, Row, RowKey
from custom_components.plex_label_sync.sync.identity import Relation, relation
from custom_components.plex_label_sync.sync.journal import Entry, Journal
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import (
    Failure,
    Gap,
    Item,
    Library,
    MediaType,
    Person,
    Service,
    ServiceError,
    StoredLabel,
    SyncSettings,
    fold,
)
from custom_components.plex_label_sync.sync.naming import label_of
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.protection import ListMemory
from custom_components.plex_label_sync.sync.returned import recently_removed
from custom_components.plex_label_sync.sync.run import Run, RunKind
from custom_components.plex_label_sync.sync.title_ids import same
from simulators.plex import PlexSimulator
from simulators.plex.items import Item as PlexItem
from simulators.pulsarr import PulsarrSimulator

type CrashPoint = Literal[
    "before journal",
    "after journal",
    "after sending",
    "before edit",
    "after edit",
    "half edit",
    "carriers",
    "directory",
    "before ledger",
    "between ledger and journal",
    "after journal end",
]
CRASH_POINTS: Final[tuple[CrashPoint, ...]] = get_args(CrashPoint.__value__)
type Stored = frozenset[tuple[str, str]]
"""Rating keys and labels, spelled as Plex stores them."""


class Crash(BaseException):
    """The process ends here."""


class InjectedFaults:
    """What will happen during the next run: the process ends, or an edit's response is lost."""

    def __init__(self) -> None:
        self.crash: CrashPoint | None = None
        self.lost: Literal["whole", "half"] | None = None
        self.countdown = 0

    def clear(self) -> None:
        """Cancel all trouble."""
        self.crash = self.lost = None

    def reach(self, point: CrashPoint) -> bool:
        """Return whether the process ends at this point."""
        if self.crash != point:
            return False
        self.countdown -= 1
        return self.countdown < 0

    def pass_by(self, point: CrashPoint) -> None:
        """End the process here if planned."""
        if self.reach(point):
            raise Crash(point)


class Records:
    """Ledger and journal in memory, and their contents on disk, as in the real files."""

    def __init__(self, injected: InjectedFaults) -> None:
        self.ledger = Ledger()
        self.journal = Journal()
        self.planned: tuple[Change, ...] = ()  # by the last run that began
        self.refuse = False  # the disk is full
        self.meanwhile: Callable[[Sequence[Change]], object] = lambda _: None
        self.lists = ListMemory()
        self.losses: list[tuple[float, int]] = []
        self._injected = injected
        self._disk_ledger = self.ledger.as_dict()
        self._disk_journal = self.journal.as_dict()

    def recently_removed(self) -> dict[RowKey, Change]:
        """Return the integration's labels that runs removed and no run has added again since."""
        return recently_removed(
            entry.changes for entry in self.journal.entries if entry.status is not None
        )

    def lost_since(self, when: float) -> int:
        """Return how many labels were lost without a request since a time."""
        return sum(count for at, count in self.losses if at >= when)

    async def sending(self, run_id: str, count: int) -> None:
        """Record how far the edits of a run may have come."""
        self.journal.sending(run_id, count)
        self._disk_journal = self.journal.as_dict()
        self._injected.pass_by("after sending")

    async def begin(self, run: Run, changes: Sequence[Change], sent: int) -> None:
        """Record a plan before the first edit."""
        self._injected.pass_by("before journal")
        self.journal.begin(Entry(run.id, run.kind, run.started, tuple(changes), sent=sent))
        if self.refuse:
            self.journal.finish(run.id, "failed", ())
            raise ServiceError(Service.STORAGE, Failure.NOT_SAVED, "the disk is full")
        self._disk_journal = self.journal.as_dict()
        self.planned = tuple(changes)
        self.meanwhile(changes)
        self._injected.pass_by("after journal")

    async def finish(
        self,
        run: Run,
        rows: Mapping[RowKey, Row | None],
        unsure: Mapping[Change, Row | None],
    ) -> None:
        """Record the result of a run, the ledger first."""
        self._injected.pass_by("before ledger")
        self.ledger.apply(rows)
        planned = {change.key: row for change, row in unsure.items()}
        self.ledger.adopt(unsure, run.started, undo=run.kind is RunKind.UNDO, rows=planned)
        self.losses.append((run.started, run.lost))
        self.journal.finish(run.id, run.status.value, [*run.changes, *unsure])
        self.save_ledger()
        self._injected.pass_by("between ledger and journal")
        self._disk_journal = self.journal.as_dict()
        self._injected.pass_by("after journal end")

    def save_ledger(self) -> None:
        """Save the ledger to disk."""
        self._disk_ledger = self.ledger.as_dict()

    def restart(self) -> None:
        """Load what is on disk, and take over after a run that did not finish."""
        self.ledger = Ledger.from_dict(self._disk_ledger)
        self.journal = Journal.from_dict(self._disk_journal)
        for entry in self.journal.unfinished:
            sent = entry.changes[: entry.sent]
            self.ledger.adopt(sent, entry.started, undo=entry.kind is RunKind.UNDO)
            self.journal.finish(entry.run_id, "interrupted", sent)
        self.lists = ListMemory(self.lists.counts, self.lists.doubted)
        self.save_ledger()
        self._disk_journal = self.journal.as_dict()

    def backup(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what is on disk."""
        return self._disk_ledger, self._disk_journal

    def come_back(self, backup: tuple[dict[str, Any], dict[str, Any]]) -> None:
        """Restore a backup to disk."""
        self._disk_ledger, self._disk_journal = backup


class FragilePlex(PlexClient):
    """A client in whose calls the process can end and responses to edits can get lost."""

    def __init__(self, *args: Any, injected: InjectedFaults, **more: Any) -> None:
        super().__init__(*args, **more)
        self._injected = injected

    async def labels(
        self, library: Library, on_gap: Callable[[Gap], object] | None = None
    ) -> tuple[StoredLabel, ...]:
        """Pass the call on, unless the process ends."""
        self._injected.pass_by("directory")
        return await super().labels(library, on_gap)

    async def carriers(
        self,
        library: Library,
        label: StoredLabel,
        on_gap: Callable[[Gap], object] | None = None,
    ) -> frozenset[str]:
        """Pass the call on, unless the process ends."""
        self._injected.pass_by("carriers")
        return await super().carriers(library, label, on_gap)

    async def edit(
        self,
        library: Library,
        rating_keys: Sequence[str],
        add: Sequence[str],
        remove: Sequence[str],
    ) -> dict[str, ServiceError]:
        """Pass the call on; the process may end at any point, and the response may get lost."""
        self._injected.pass_by("before edit")
        halfway = self._injected.reach("half edit")
        if halfway or self._injected.lost == "half":
            rating_keys = rating_keys[: (len(rating_keys) + 1) // 2]
        refused = await super().edit(library, rating_keys, add, remove)
        if halfway:
            raise Crash
        self._injected.pass_by("after edit")
        if self._injected.lost is not None:
            raise ServiceError(Service.PLEX, Failure.TIMEOUT, "the answer is lost")
        return refused


@dataclass(slots=True)
class Truth:
    """Who added which labels, as known to an observer of everything."""

    plex: PlexSimulator
    records: Records
    foreign: set[tuple[str, str]] = field(default_factory=set)  # as Plex stores them
    taken_off: set[RowKey] = field(default_factory=set)  # own labels absent by hand
    ever_off: set[RowKey] = field(default_factory=set)
    ever_pinned: set[RowKey] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)  # items that others edited since the last run

    @property
    def stored(self) -> Stored:
        """Return every label on every item."""
        items = self.plex.state.items.items()
        return frozenset((key, label) for key, item in items for label in item.labels)

    def carries(self, rating_key: str, label: str) -> bool:
        """Return whether an item carries a label in any spelling."""
        item = self.plex.state.items.get(rating_key)
        return item is not None and fold(label) in map(fold, item.labels)

    def put_on(self, rating_key: str, label: str, *, planned: Iterable[RowKey] = ()) -> None:
        """Add a label to an item, as anyone but the integration.

        It is a foreign label unless that is impossible to know: while the integration believes its
        own label to be there (removed since the last check) or is about to write it.
        """
        if rating_key not in self.plex.state.items or self.carries(rating_key, label):
            return
        key = (rating_key, fold(label))
        row = self.records.ledger.get(key)
        before = self.stored
        self.plex.state.add_label(rating_key, label)
        self.touched.add(rating_key)
        self.taken_off.discard(key)
        if (row is None or row.removed_by_user or not self.is_about(row)) and key not in planned:
            self.foreign |= self.stored - before

    def take_off(self, rating_key: str, label: str) -> None:
        """Remove a label from an item, as anyone but the integration."""
        if not self.carries(rating_key, label):
            return
        key = (rating_key, fold(label))
        row = self.records.ledger.get(key)
        self.plex.state.remove_label(rating_key, label)
        self.touched.add(rating_key)
        self.foreign &= self.stored
        if row is not None and self.is_about(row):
            self.ever_off.add(key)
            if row.confirmed and not row.is_removed_marker and not row.removed_by_user:
                self.taken_off.add(key)

    def is_about(self, row: Row) -> bool:
        """Return whether a row is about the item with its rating key."""
        item = self.plex.state.items.get(row.rating_key)
        return item is not None and self.relation(row, item) is not Relation.UNRELATED

    def relation(self, row: Row, item: PlexItem) -> Relation:
        """Return the relation of a row to an item."""
        return relation(row, as_item(item), self.plex.state.libraries[item.section].uuid)

    def came_back(self, before: Stored) -> None:
        """Account for labels in Plex, or the integration's records, restored from a copy.

        Labels without a row about their item are foreign, and those with one are the integration's,
        whatever they were before; rows without a label look as if it was removed by hand.
        """
        stored, ledger = self.stored, self.records.ledger
        rows = {row.key: row for row in ledger}
        self.foreign &= stored
        for key, label in stored:
            row = rows.get((key, fold(label)))
            if row is None or row.removed_by_user or not self.is_about(row):
                self.foreign.add((key, label))
            else:
                self.foreign.discard((key, label))
        self.ever_off |= {key for key in rows if not self.carries(*key)}
        self.taken_off = {key for key in self.taken_off if not self.carries(*key)}
        self.touched |= {key for key, _ in before ^ stored}

    def delete(self, rating_key: str) -> None:
        """Delete an item."""
        if rating_key in self.plex.state.items:
            self.plex.delete_item(rating_key)
            self.forget_missing()
            self.touched.add(rating_key)

    def forget(self, rating_keys: Iterable[str]) -> None:
        """Forget the labels of items that were deleted, even if their keys were reused."""
        keys = set(rating_keys)
        self.foreign = {one for one in self.foreign if one[0] not in keys}
        self.taken_off = {one for one in self.taken_off if one[0] not in keys}
        self.touched |= keys

    def forget_missing(self) -> None:
        """Forget the labels of items that no longer exist."""
        items = self.plex.state.items
        self.foreign = {one for one in self.foreign if one[0] in items}
        self.taken_off = {one for one in self.taken_off if one[0] in items}


def as_item(item: PlexItem) -> Item:
    """Return an item as an honest response describes it."""
    key = _plex_key(item)
    ids = external_ids(item) | ({f"plex:{key}"} if key else frozenset())
    return Item(
        item.rating_key,
        item.section,
        MediaType(item.type),
        item.title,
        ids,
        item.guid,
        item.added_at,
    )


# The labels expected in Plex


@dataclass(frozen=True, slots=True)
class _Group:
    """Wishes for the same title."""

    kind: str
    key: str | None
    ids: frozenset[str]
    people: tuple[Person, ...]


def oracle(
    plex: PlexSimulator, pulsarr: PulsarrSimulator, settings: SyncSettings
) -> dict[str, set[str]]:
    """Return the folded labels that items should have, by rating key; those without left out."""
    wanted: dict[str, set[str]] = {}
    in_reach = [
        item
        for item in plex.state.items.values()
        if settings.libraries is None or item.section in settings.libraries
    ]
    for group in _groups(pulsarr, settings):
        same_type = [item for item in in_reach if item.type == group.kind]
        own = [item for item in same_type if group.key and _plex_key(item) == group.key]
        keyless = [item for item in same_type if not _plex_key(item)]
        others = [item for item in same_type if _plex_key(item) and not own]
        ids = group.ids | ({f"plex:{group.key}"} if group.key else frozenset())
        for item in own + [one for one in keyless + others if same(as_item(one).ids, ids)]:
            for person in group.people:
                label = fold(label_of(person, MediaType(item.type), settings))
                if label not in settings.exclude_labels | {fold(settings.opt_out_label)}:
                    wanted.setdefault(item.rating_key, set()).add(label)
    return wanted


def _groups(pulsarr: PulsarrSimulator, settings: SyncSettings) -> list[_Group]:
    people = {
        user.id: Person(
            pulsarr_id(user.id), user.name, user.alias, user.display_name, user.can_sync
        )
        for user in pulsarr.state.users()
        if pulsarr_id(user.id) not in settings.exclude_people
        and (user.can_sync or settings.sync_disabled_people)
    }
    by_title: dict[str, list[tuple[str | None, frozenset[str], str, Person]]] = {}
    for listed in pulsarr.state.entries():
        if listed.user_id in people:
            entry = (listed.key, frozenset(listed.guids), listed.kind, people[listed.user_id])
            by_title.setdefault(listed.catalog_key, []).append(entry)
    groups = []
    for entries in by_title.values():
        keyed = [one for one in entries if one[0]]
        keyless = [one for one in entries if not one[0]]
        if keyed and any(one[1] for one in keyed):  # then both have the same external ids
            keyed, keyless = entries, []
        for some in (keyed, keyless):
            if some:
                ids = frozenset[str]().union(*(one[1] for one in some))
                key = next((one[0] for one in some if one[0]), None)
                # Wishes without any id cannot be found.
                who = tuple(one[3] for one in some if one[0] or one[1])
                groups.append(_Group(some[0][2], key, ids, who))
    return groups


def _plex_key(item: PlexItem) -> str:
    return item.guid.rpartition("/")[2] if item.guid.startswith("plex://") else ""


def external_ids(item: PlexItem) -> frozenset[str]:
    """Return the ids of an item other than Plex's own."""
    if item.guids:
        return frozenset(guid.replace("://", ":") for guid in item.guids)
    legacy = re.match(r"com\.plexapp\.agents\.(?:hama://(?=tvdb))?(\w+)(?:://|-)([^?]+)", item.guid)
    if legacy is None:
        return frozenset()
    names = {"imdb": "imdb", "themoviedb": "tmdb", "thetvdb": "tvdb", "tvdb": "tvdb"}
    return frozenset({f"{names[legacy[1]]}:{legacy[2]}"} if legacy[1] in names else ())
