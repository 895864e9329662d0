"""The engine under random wishes, hands, faults and crashes: what must never happen does not."""

from collections.abc import Sequence
from dataclasses import replace
import os
from typing import Any, Final

from hypothesis import HealthCheck, settings as hypothesis_settings, strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test
import pytest

from custom_components.plex_label_sync.sync.changes import Change
from custom_components.plex_label_sync.sync.model import RemovedLabelMode, SyncSettings, fold
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.reasons import ReasonCode
from custom_components.plex_label_sync.sync.request import (
    FullRequest,
    LiveRequest,
    RemovalRequest,
    Request,
    UndoRequest,
)
from custom_components.plex_label_sync.sync.run import RunKind, RunStatus
from custom_components.plex_label_sync.sync.safety_check import Consent
from simulators.catalog import CatalogTitle
from simulators.http import Fault, FaultKind
from simulators.plex import PlexKnobs
from simulators.plex.items import plex_guids
from simulators.plex.server import LISTING_ROUTE

from ..short_timeouts import TOO_LONG
from .engine_env import LABEL_ROUTE, SECTIONS_ROUTE, title_of
from .machine_fixtures import CRASH_POINTS
from .machine_world import DAY, CheckedMachine

THOROUGH: Final = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"

NAMES: Final = ("rosa", "tim", "Jürgen", "nina", "Kim, Lou & Max", "ROSA")
TEXTS: Final = (*NAMES, "Kids", "Family, old", "no-sync", "removed", "gone")

numbers = st.integers(min_value=0, max_value=40)
names = st.sampled_from(NAMES)
texts = st.sampled_from(TEXTS)

KINDS: Final[tuple[FaultKind, ...]] = (
    "unauthorized",
    "busy",
    "unavailable",
    "throttled",
    "drop",
    "truncated",
    "cut_body",
    "short_page",
    "html",
    "vanishing_row",
)
# What is wrong and cannot be seen: an answer that says less, or says something twice.
LIES: Final[tuple[FaultKind, ...]] = ("empty", "headless", "left_out", "repeated_row", "no_guids")
lies = st.builds(
    Fault,
    st.sampled_from((*LIES, "swapped_row")),
    route=st.sampled_from((LISTING_ROUTE, LISTING_ROUTE, LABEL_ROUTE, SECTIONS_ROUTE)),
    method=st.just("GET"),
    nth=st.integers(1, 9),
    times=st.sampled_from((1, 2, None)),
)
reading_faults = st.builds(
    Fault,
    st.sampled_from(KINDS),
    # The listings of the carriers come after those of the libraries.
    route=st.sampled_from((LISTING_ROUTE, LABEL_ROUTE, SECTIONS_ROUTE, None)),
    method=st.just("GET"),
    nth=st.integers(1, 9),
    times=st.sampled_from((None, 1, 2, None)),
)
writing_faults = st.builds(
    Fault,
    st.sampled_from(KINDS),
    method=st.just("PUT"),
    nth=st.integers(1, 3),
    times=st.sampled_from((1, 2, None)),
)
pulsarr_faults = st.builds(
    Fault,
    st.sampled_from(KINDS[:-1]),
    nth=st.integers(1, 4),
    times=st.sampled_from((1, 2, None)),
)
# A server that does the work and answers too late, and one that does nothing any more.
SLOW_KINDS: Final[tuple[FaultKind, ...]] = ("slow_after_apply", "slow_before_apply")
slow_faults = st.builds(
    Fault,
    st.sampled_from(SLOW_KINDS),
    method=st.sampled_from(("PUT", "GET")),
    nth=st.integers(1, 9),
    times=st.sampled_from((1, 2, None)),
    seconds=st.just(TOO_LONG),
)
LATE: Final = 3600.0  # seconds; the machine lets what is late show when a client has slept
knobs = st.builds(
    PlexKnobs,
    total_size_when_unpaged=st.booleans(),
    max_page=st.sampled_from((None, None, 2, 7)),
    inline_labels=st.sampled_from(("never", "always", "some")),
    labels_on_items=st.sampled_from((True, True, False)),
    bump=st.booleans(),
    linger=st.booleans(),
    edit_order=st.sampled_from(("remove_first", "add_first")),
    capitalize=st.sampled_from(("first", "words", "none")),
    reuse_spelling=st.booleans(),
    remove_case=st.sampled_from(("exact", "fold")),
    settle=st.sampled_from((0.0, LATE)),
    url_limit=st.sampled_from((8192, 8192, 450)),
    url_status=st.sampled_from((414, 400)),
)
meddling = st.lists(
    st.tuples(st.sampled_from(("add", "take off", "put on", "delete")), numbers, texts),
    min_size=1,
    max_size=3,
)
kinds = st.sampled_from((RunKind.FULL, RunKind.FULL, *RunKind))
requests = st.one_of(
    st.builds(FullRequest, routine=st.booleans()),
    st.builds(FullRequest, consent=st.builds(Consent, st.booleans()), restore=st.booleans()),
    st.builds(FullRequest, people=st.tuples(names)),
    st.builds(FullRequest, libraries=st.tuples(st.sampled_from(("1", "2", "3")))),
)


def timeless(changes: Sequence[Change]) -> list[Change]:
    """Return changes with reasons that do not state a time."""
    return [replace(one, reason=replace(one.reason, since=0)) for one in changes]


class HaEnv(CheckedMachine):
    """Everything that can happen to the servers, and to the engine between them."""

    @initialize(
        seed=st.integers(0, 30),
        knobs=knobs,
        foreign=st.lists(st.tuples(numbers, texts), max_size=6),
        mode=st.sampled_from(RemovedLabelMode),
        preserve=st.sampled_from((True, True, False)),
    )
    def move_in(
        self,
        seed: int,
        knobs: PlexKnobs,
        foreign: Sequence[tuple[int, str]],
        mode: RemovedLabelMode,
        preserve: bool,
    ) -> None:
        self.settings = SyncSettings(removed_label_mode=mode, preserve_existing_labels=preserve)
        self.open(seed, knobs)
        for number, text in foreign:
            self.truth.put_on(self.item(number), text)

    # What people do in Pulsarr

    @rule(who=numbers, what=numbers, known=st.sampled_from(("all", "all", "key", "ids")))
    def want(self, who: int, what: int, known: str) -> None:
        if (person := self.person(who)) is not None:
            title = self.title(what)
            variants: dict[str, dict[str, Any]] = {"key": {"guids": ()}, "ids": {"key": None}}
            fields = variants.get(known, {})
            self.pulsarr.state.want(person, title, **fields)

    @rule(who=numbers, which=numbers)
    def unwant(self, who: int, which: int) -> None:
        person = self.person(who)
        if person is not None and (entries := self.pulsarr.state.watchlist(person)):
            key = entries[which % len(entries)].catalog_key
            title = next(one for one in self.world.catalog if one.key == key)
            self.pulsarr.state.unwant(person, title)

    @rule(which=numbers)
    def unwant_what_has_an_own_label(self, which: int) -> None:
        self._unwant(which)

    @rule(who=numbers, name=names, what=st.sampled_from(("name", "alias", "no alias")))
    def rename(self, who: int, name: str, what: str) -> None:
        if (person := self.person(who)) is not None:
            if what == "name":
                self.pulsarr.state.rename(person, name)
            else:
                self.pulsarr.state.set_alias(person, name if what == "alias" else None)

    @rule(who=numbers, syncs=st.booleans())
    def switch_sync(self, who: int, syncs: bool) -> None:
        if (person := self.person(who)) is not None:
            self.pulsarr.state.change_user(person, can_sync=syncs)

    @rule(who=numbers)
    def leave(self, who: int) -> None:
        if (person := self.person(who)) is not None:
            self.pulsarr.state.remove_user(person)

    @rule(name=names, entries=st.lists(numbers, max_size=4))
    def join(self, name: str, entries: Sequence[int]) -> None:
        users = self.pulsarr.state.users()
        if len(users) < len(NAMES) and all(user.name != name for user in users):
            user = self.pulsarr.state.add_user(name)
            for number in entries:
                self.pulsarr.state.want(user.id, self.title(number))

    # What people do in Plex

    @rule(what=numbers)
    def import_title(self, what: int) -> None:
        self.plex.state.add_item(self.title(what))

    @rule(which=numbers)
    def delete_item(self, which: int) -> None:
        self.truth.delete(self.item(which))

    @rule(which=numbers, into=numbers, how=st.sampled_from(("another", "nothing", "new key")))
    def rematch(self, which: int, into: int, how: str) -> None:
        item = self.plex.state.items[self.item(which)]
        same_type = [one for one in self.world.catalog if one.type == item.type]
        title = same_type[into % len(same_type)]
        guid, guids = title.plex_guid, plex_guids(title)
        if how == "nothing":
            guid, guids = f"local://{item.rating_key}", ()
        elif how == "new key":
            guid = f"plex://{item.type}/{int(item.rating_key):024x}"
        self.plex.state.rematch(item.rating_key, guid=guid, guids=guids, title=title.title)

    @rule(which=numbers, provider=st.sampled_from(("imdb", "tmdb", "tvdb")), number=numbers)
    def correct_an_id(self, which: int, provider: str, number: int) -> None:
        item = self.plex.state.items.get(self.item(which))
        if item is not None and item.guids:
            others = [one for one in item.guids if not one.startswith(provider)]
            new = f"{provider}://{'tt' if provider == 'imdb' else ''}{900_000 + number}"
            self.plex.correct_ids(item.rating_key, [*others, new])

    @rule(which=numbers, what=numbers, text=st.none() | texts)
    def use_a_key_again(self, which: int, what: int, text: str | None) -> None:
        item = self.plex.state.items.get(self.item(which))
        title = self.title(what)
        if item is None or (item.origin is not None and item.origin.key == title.key):
            return
        self.truth.delete(item.rating_key)
        self.plex.state.add_item(title, rating_key=item.rating_key, added_at=item.added_at + 9)
        if text is not None:
            self.truth.put_on(item.rating_key, text)

    @rule(
        library=st.sampled_from("123"),
        same_keys=st.booleans(),
        hand=st.lists(st.tuples(numbers, texts), max_size=3),
    )
    def recreate_a_library_and_restart(
        self, library: str, same_keys: bool, hand: Sequence[tuple[int, str]]
    ) -> None:
        old = [one for one, item in self.plex.state.items.items() if item.section == library]
        self.plex.state.rebuild_library(library, same_keys=same_keys)
        self.truth.forget(old)
        self.boot()
        for number, text in hand:
            self.truth.put_on(self.item(number), text)

    @rule()
    def copy_everything(self) -> None:
        self.copies = self.plex.state.snapshot(), self.records.backup()

    @rule(then=st.booleans())
    def bring_the_database_back(self, then: bool) -> None:
        if self.copies is not None:
            before = self.truth.stored
            self.plex.state.restore(self.copies[0])
            self.undoable = None
            self.truth.came_back(before)
            if then:
                self.run(FullRequest())

    @rule()
    def bring_the_storage_back(self) -> None:
        if self.copies is not None:
            before = self.truth.stored
            self.records.come_back(self.copies[1])
            self.undoable = None
            self.boot()
            self.truth.came_back(before)

    @rule()
    def record_possible_own_labels(self) -> None:
        run = self.run(FullRequest(dry_run=True))
        if run is not None and run.unknown:
            keys = frozenset(row.key for row in run.unknown)
            self.run(FullRequest(adopt=keys))
            # A label that is kept off and present again is a person's: a row says nothing of it.
            own = {row.key for row in self.records.ledger if not row.removed_by_user}
            self.truth.foreign = {
                (key, text) for key, text in self.truth.foreign if (key, fold(text)) not in own
            }

    @rule(which=numbers, then=st.sampled_from(("nothing", "sync", "sync and put back")))
    def remove_an_own_label(self, which: int, then: str) -> None:
        if rows := list(self.records.ledger):
            row = rows[which % len(rows)]
            self.truth.take_off(row.rating_key, row.label)
            if then != "nothing":
                self.run(FullRequest())
            if then == "sync and put back":
                self.truth.put_on(row.rating_key, row.label)

    @rule(which=numbers)
    def put_back_what_was_taken_off(self, which: int) -> None:
        if pairs := sorted(self.truth.ever_off):
            self.truth.put_on(*pairs[which % len(pairs)])

    @rule(which=numbers, text=texts)
    def put_on(self, which: int, text: str) -> None:
        self.truth.put_on(self.item(which), text)

    @rule(which=numbers)
    def take_off(self, which: int) -> None:
        if stored := sorted(self.truth.stored):
            self.truth.take_off(*stored[which % len(stored)])

    # What people do in Home Assistant

    @rule(
        options=st.fixed_dictionaries(
            {},
            optional={
                "label_format": st.sampled_from(("{username}", "{alias}", "{username} {type}")),
                "exclude_labels": st.frozensets(texts.map(fold), max_size=2),
                "preserve_existing_labels": st.booleans(),
                "libraries": st.sampled_from((None, frozenset({"1", "2"}))),
                "exclude_people": st.frozensets(st.integers(1, 4).map(pulsarr_id), max_size=1),
                "sync_disabled_people": st.booleans(),
                "removed_label_mode": st.sampled_from(RemovedLabelMode),
                "removed_label": st.sampled_from(("removed", "gone")),
                "removal_delay": st.sampled_from((0.0, DAY)),
                "restore_overrides": st.booleans(),
                "opt_out_label": st.sampled_from(("no-sync", "Kids")),
                "max_removals": st.sampled_from((0.0, 0.2, 1.0)),
            },
        )
    )
    def change_options(self, options: dict[str, Any]) -> None:
        self.settings = replace(self.settings, **options)

    @rule(which=numbers)
    def opt_out_an_own_item(self, which: int) -> None:
        if rows := list(self.records.ledger):
            row = rows[which % len(rows)]
            self.truth.put_on(row.rating_key, self.settings.opt_out_label)

    @rule(which=numbers)
    def exclude_an_own_label(self, which: int) -> None:
        if rows := list(self.records.ledger):
            label = fold(rows[which % len(rows)].label)
            self.settings = replace(self.settings, exclude_labels=frozenset({label}))

    @rule(seconds=st.sampled_from((5.0, 30.0, 3600.0, DAY)))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(which=st.none() | numbers)
    def clear_overrides(self, which: int | None) -> None:
        keys = [row.key for row in self.records.ledger]
        if which is not None and keys:
            keys = [keys[which % len(keys)]]
        cleared = {
            key for key in keys if (row := self.records.ledger.get(key)) and row.removed_by_user
        }
        self.records.ledger.clear_overrides(keys)
        self.records.save_ledger()
        self.truth.taken_off -= cleared

    @rule()
    def keep_what_is_held(self) -> None:
        run = self.run(FullRequest(dry_run=True))
        if run is not None and run.held:
            keys = [change.key for change in run.held if change.key in self.records.ledger]
            self.truth.ever_pinned.update(keys)
            self.records.ledger.pin(keys)
            self.records.save_ledger()
            self.run(FullRequest())

    # Runs

    @rule(request=requests)
    def sync(self, request: Request) -> None:
        self.run(request)

    @rule(request=requests, fault=reading_faults, new=st.tuples(numbers, numbers))
    def sync_while_plex_cannot_be_read(
        self, request: Request, fault: Fault, new: tuple[int, int]
    ) -> None:
        self.want(*new, known="all")
        self.plex.faults.add(fault)
        self.run(request)

    @rule(request=requests, fault=writing_faults, new=st.tuples(numbers, numbers))
    def sync_while_plex_cannot_be_edited(
        self, request: Request, fault: Fault, new: tuple[int, int]
    ) -> None:
        self.want(*new, known="all")
        self.plex.faults.add(fault)
        self.run(request)

    @rule(request=requests, lie=lies, which=st.none() | numbers)
    def sync_while_plex_returns_less(self, request: Request, lie: Fault, which: int | None) -> None:
        entry = self._unwant(which)
        # Where items do not tell their labels, two answers that lie alike are all there is.
        self.plex.faults.add(lie if self.knobs.labels_on_items else replace(lie, times=1))
        self.run(request, lied_to=True)
        self._want_again(entry)

    @rule(request=requests, which=st.lists(numbers, min_size=1, max_size=3), unwant=numbers)
    def sync_while_items_cannot_be_read(
        self, request: Request, which: Sequence[int], unwant: int
    ) -> None:
        entry = self._unwant(unwant)
        self.plex.broken_items |= {self.item(number): "busy" for number in which}
        self.run(request)
        self._want_again(entry)

    @rule(request=requests, what=st.sampled_from(("people", "titles")), live=st.none() | numbers)
    def sync_while_pulsarr_returns_no_people(
        self, request: Request, what: str, live: int | None
    ) -> None:
        self.pulsarr.knobs.empty_users = what == "people"
        self.pulsarr.knobs.empty_watchlists = what == "titles"
        if live is not None:
            request = self.live_request([live], thorough=True, newer_than=self.clock.now)
        self.run(request)

    @rule(who=numbers, times=st.integers(1, 2), seconds=st.sampled_from((5.0, 301.0)))
    def sync_while_one_list_is_empty(self, who: int, times: int, seconds: float) -> None:
        person = self.person(who)
        if person is None:
            return
        state = self.pulsarr.state
        titles = {title.key: title for title in self.world.catalog}
        entries = state.watchlist(person)
        for entry in entries:
            state.unwant(person, titles[entry.catalog_key])
        for _ in range(times):
            self.run(FullRequest())
            self.clock.now += seconds
        for entry in entries:
            state.want(person, titles[entry.catalog_key])

    @rule(
        who=numbers,
        rows=st.lists(st.none() | st.just({"type": "movie", "title": "?", "key": 7}), max_size=3),
        seconds=st.sampled_from((5.0, 301.0, DAY)),
    )
    def sync_while_a_person_cannot_be_read_in_full(
        self, who: int, rows: Sequence[object], seconds: float
    ) -> None:
        person, knobs = self.person(who), self.pulsarr.knobs
        if person is None or pulsarr_id(person) not in self.records.lists.counts:
            return
        state = self.pulsarr.state
        titles = {title.key: title for title in self.world.catalog}
        entries = state.watchlist(person)[: len(rows)]
        for entry in entries:
            state.unwant(person, titles[entry.catalog_key])
        for _ in range(2):
            if rows:
                knobs.odd_rows[person] = [*rows]
            else:
                knobs.hidden_users.add(person)
            run = self.run(FullRequest())
            for change in () if run is None else run.changes:
                left = change.reason.code in {ReasonCode.NOT_WANTED, ReasonCode.PERSON_GONE}
                is_persons = pulsarr_id(person) in {one.id for one in change.people}
                self.check(not (left and is_persons), change)
            self.clock.now += seconds
        for entry in entries:
            state.want(person, titles[entry.catalog_key])

    @rule(request=requests, fault=pulsarr_faults)
    def sync_while_pulsarr_is_in_trouble(self, request: Request, fault: Fault) -> None:
        self.pulsarr.faults.add(fault)
        self.run(request)

    @rule(
        request=requests,
        lost=st.sampled_from(("whole", "half")),
        fault=st.none() | reading_faults,
        which=st.none() | numbers,
    )
    def sync_while_answers_get_lost(
        self, request: Request, lost: Any, fault: Fault | None, which: int | None
    ) -> None:
        entry = self._unwant(which)
        self.injected.lost = lost
        if fault is not None:
            self.plex.faults.add(fault)
        self.run(request)
        self._want_again(entry)

    @rule(what=kinds, request=requests, fault=st.none() | slow_faults, which=st.none() | numbers)
    def run_while_plex_is_slow(
        self, what: RunKind, request: Request, fault: Fault | None, which: int | None
    ) -> None:
        entry = self._unwant(which)
        request = self.request_of(what, request, which)
        if fault is None:
            self.take_long_over_edits()
        else:
            self.plex.faults.add(fault)
        self.run(request, short=True)
        self._want_again(entry)

    @rule(request=requests, fault=slow_faults)
    def sync_while_pulsarr_is_slow(self, request: Request, fault: Fault) -> None:
        self.pulsarr.faults.add(replace(fault, method="GET"))
        self.run(request, short=True)

    @rule(what=kinds, request=requests, midway=st.booleans(), which=st.none() | numbers)
    def run_while_plex_ignores_filters(
        self, what: RunKind, request: Request, midway: bool, which: int | None
    ) -> None:
        entry = self._unwant(which)
        request = self.request_of(what, request, which)
        if midway:
            self.records.meanwhile = lambda _: self.ignore_filters()
        else:
            self.ignore_filters()
        self.run(request)
        self._want_again(entry)

    def request_of(self, what: RunKind, request: Request, which: int | None) -> Request:
        """Return a request of some kind; a full one where there is nothing to undo."""
        if what is RunKind.LIVE:
            return self.live_request([which or 0], thorough=True, newer_than=self.clock.now - 1)
        if what is RunKind.UNDO and (entry := self.records.journal.get(None)) is not None:
            return UndoRequest(run_id=entry.run_id, changes=entry.changes)
        return RemovalRequest() if what is RunKind.REMOVAL else request

    @rule(
        request=requests,
        point=st.sampled_from(CRASH_POINTS),
        nth=st.sampled_from((0, 0, 1, 2, 5)),
        which=st.none() | numbers,
    )
    def sync_until_the_process_ends(
        self, request: Request, point: Any, nth: int, which: int | None
    ) -> None:
        entry = self._unwant(which)
        self.injected.crash = point
        self.injected.countdown = nth
        self.run(request)
        self._want_again(entry)

    def _unwant(self, which: int | None) -> tuple[int, CatalogTitle] | None:
        entry = None if which is None else self.entry_behind(which)
        if entry is not None:
            self.pulsarr.state.unwant(*entry)
        return entry

    def _want_again(self, entry: tuple[int, CatalogTitle] | None) -> None:
        if entry is not None:
            self.pulsarr.state.want(*entry)

    @rule(request=requests)
    def sync_while_the_disk_is_full(self, request: Request) -> None:
        self.records.refuse = True
        self.run(request)

    @rule(request=requests, edits=meddling)
    def sync_while_others_edit(
        self, request: Request, edits: Sequence[tuple[str, int, str]]
    ) -> None:
        def meddle(changes: Sequence[Change]) -> None:
            planned = [change.key for change in changes]
            for what, number, text in edits:
                change = changes[number % len(changes)]
                if what == "delete":
                    self.truth.delete(change.rating_key)
                elif what == "take off":
                    self.truth.take_off(change.rating_key, change.label)
                else:
                    label = text if what == "put on" else change.label
                    self.truth.put_on(change.rating_key, label, planned=planned)

        self.records.meanwhile = meddle
        self.run(request)

    @rule(request=requests, live=st.booleans(), what=st.lists(numbers, min_size=1, max_size=2))
    def try_and_then_do(self, request: Request, live: bool, what: Sequence[int]) -> None:
        if live:
            request = self.live_request(what, thorough=True, newer_than=0.0)
        stored, rows = self.truth.stored, list(self.records.ledger)
        edits = self.plex.stats.puts
        tried = self.run(replace(request, dry_run=True))
        self.check(self.truth.stored == stored)
        self.check(list(self.records.ledger) == rows)
        self.check((self.plex.stats.puts, self.records.planned) == (edits, ()))
        done = self.run(request)
        if tried is not None and done is not None:
            # A removal delay begins with the sync, not with the dry run before it.
            self.check(timeless(tried.changes) == timeless(done.changes))
            self.check(timeless(tried.held) == timeless(done.held))
            self.check(tried.status == done.status)

    @rule(
        what=st.lists(numbers, min_size=1, max_size=3),
        thorough=st.booleans(),
        fresh=st.booleans(),
    )
    def look(self, what: Sequence[int], thorough: bool, fresh: bool) -> None:
        newer_than = self.clock.now - 1 if fresh else 0.0
        self.run(self.live_request(what, thorough=thorough, newer_than=newer_than))

    def live_request(self, what: Sequence[int], *, thorough: bool, newer_than: float) -> Request:
        titles = tuple({title_of(self.title(number)): None for number in what})
        return LiveRequest(
            titles=titles,
            thorough=frozenset(titles) if thorough else frozenset(),
            newer_than=newer_than,
        )

    @rule(people=st.none() | st.tuples(names))
    def remove_labels(self, people: tuple[str, ...] | None) -> None:
        self.run(RemovalRequest(people=people))

    @rule(crash=st.none() | st.sampled_from(CRASH_POINTS))
    def undo(self, crash: Any) -> None:
        entry = self.records.journal.get(None)
        if entry is None:
            return
        self.injected.crash, self.injected.countdown = crash, 0
        undoable = self.undoable
        items = set(self.plex.state.items)
        # By its title such an item may be another one: nothing comes back there.
        retitled = {
            one.rating_key
            for one in entry.changes
            if one.rating_key in items and self.plex.state.items[one.rating_key].title != one.title
        }
        excluded = self.settings.exclude_labels | {fold(self.settings.opt_out_label)}
        request = UndoRequest(run_id=entry.run_id, changes=entry.changes)
        touched = set(self.truth.touched)
        run = self.run(request)
        if (
            run is not None
            and run.status is RunStatus.DONE
            and not run.failed
            and undoable is not None
            and undoable[0].id == entry.run_id
        ):
            for key in items - touched - self.opted_out - retitled:
                had = {fold(text) for at, text in undoable[1] if at == key} - excluded
                has = set(map(fold, self.plex.state.labels_of(key))) - excluded
                self.check(has == had, f"undo of {key}: {had} became {has}")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_that_can_happen_costs_a_foreign_label_or_a_decision_made_by_hand() -> None:
    run_state_machine_as_test(
        HaEnv,
        settings=hypothesis_settings(
            max_examples=400 if THOROUGH else 50,
            stateful_step_count=60 if THOROUGH else 30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
