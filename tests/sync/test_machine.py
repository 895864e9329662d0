"""The engine under random wishes, hands, faults and crashes: what must never happen does not."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
import os
from typing import Any, Final
from unittest import mock

import aiohttp
from hypothesis import HealthCheck, settings as hypothesis_settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.pulsarr.client import PulsarrClient
from custom_components.plex_label_sync.sync import brake
from custom_components.plex_label_sync.sync.brake import Before
from custom_components.plex_label_sync.sync.engine import Engine
from custom_components.plex_label_sync.sync.model import (
    Action,
    Change,
    RemovedLabelMode,
    Run,
    RunKind,
    RunStatus,
    SyncSettings,
    fold,
)
from custom_components.plex_label_sync.sync.preparing import Request
from custom_components.plex_label_sync.sync.wanted import UnknownPersonError
from simulators.http import Fault, FaultKind
from simulators.plex import PlexKnobs, PlexSimulator
from simulators.plex.server import LISTING_ROUTE
from simulators.plex.state import plex_guids
from simulators.pulsarr import PulsarrSimulator
from simulators.world import make_world

from .home import LABEL_ROUTE, PLEX_TOKEN, PULSARR_KEY, SECTIONS_ROUTE, Clock, title_of
from .machine_kit import (
    CRASH_POINTS,
    Crash,
    FragilePlex,
    Records,
    Stored,
    Trouble,
    Truth,
    oracle,
    requests_before_first_edit,
)

THOROUGH: Final = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
FREE_REMOVALS: Final = 4  # small worlds have few labels; the brake shall act in them, too
DAY: Final = 86_400.0
RUNS_TO_SETTLE: Final = 3

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
# Two tell no lies that could be seen: a list of half of the people is a smaller household, and an
# item that is really gone is gone.
BELIEVABLE: Final = frozenset({"short_page", "vanishing_row"})
plex_faults = st.builds(
    Fault,
    st.sampled_from(KINDS),
    route=st.sampled_from((None, SECTIONS_ROUTE, LISTING_ROUTE, LABEL_ROUTE)),
    method=st.sampled_from(("GET", "PUT")),
    nth=st.integers(1, 12),
    times=st.sampled_from((1, 2, None)),
)
pulsarr_faults = st.builds(
    Fault,
    st.sampled_from(KINDS[:-1]),
    nth=st.integers(1, 4),
    times=st.sampled_from((1, 2, None)),
)
meddling = st.lists(
    st.tuples(st.sampled_from(("add", "take off", "put on", "delete")), numbers, texts),
    min_size=1,
    max_size=3,
)
requests = st.one_of(
    st.builds(Request),
    st.builds(Request, mass_removal=st.booleans(), restore=st.booleans()),
    st.builds(Request, people=st.tuples(names)),
    st.builds(Request, libraries=st.tuples(st.sampled_from(("1", "2", "3")))),
)


class Household(RuleBasedStateMachine):
    """Both servers, an engine between them, and everything that can happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False  # a check failed: what follows would only hide it
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.clock = Clock()
        self.trouble = Trouble()
        self.settings = SyncSettings()
        self.before: Before | None = None
        self.undoable: tuple[Run, Stored] | None = None

    def do[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Run something to its end."""
        return self.runner.run(work)

    @initialize(
        seed=st.integers(0, 30),
        reuse_spelling=st.booleans(),
        foreign=st.lists(st.tuples(numbers, texts), max_size=6),
        mode=st.sampled_from(RemovedLabelMode),
        preserve=st.sampled_from((True, True, False)),
    )
    def move_in(
        self,
        seed: int,
        reuse_spelling: bool,
        foreign: Sequence[tuple[int, str]],
        mode: RemovedLabelMode,
        preserve: bool,
    ) -> None:
        self.settings = SyncSettings(removed_label_mode=mode, preserve_existing_labels=preserve)
        made = make_world(
            seed,
            movies=12,
            shows=4,
            people=3,
            wishes=6,
            wishes_missing=1,
            legacy=0.2,
            unmatched=0.1,
        )
        self.world = made
        knobs = PlexKnobs(reuse_spelling=reuse_spelling)
        self.plex = PlexSimulator(made.plex, token=PLEX_TOKEN, knobs=knobs)
        self.pulsarr = PulsarrSimulator(made.pulsarr, api_key=PULSARR_KEY)
        self.records = Records(self.trouble)
        self.truth = Truth(self.plex, self.records)
        self.do(self._start())
        self.truth.foreign |= self.truth.stored
        for number, text in foreign:
            self.truth.put_on(self.item(number), text)

    async def _start(self) -> None:
        patch = mock.patch.object(brake, "FREE_REMOVALS", FREE_REMOVALS)
        self.stack.enter_context(patch)
        await self.stack.enter_async_context(self.plex)
        await self.stack.enter_async_context(self.pulsarr)
        self.session = await self.stack.enter_async_context(aiohttp.ClientSession())
        self.boot()

    def boot(self) -> None:
        """Make a new engine on what is on disk."""
        self.records.restart()
        client = PlexClient(
            self.session, self.plex.url, PLEX_TOKEN, client_id="tests", sleep=self.clock.sleep
        )
        self.engine = Engine(
            FragilePlex(client, self.trouble),
            PulsarrClient(self.session, self.pulsarr.url, PULSARR_KEY, sleep=self.clock.sleep),
            self.records,
            clock=self.clock,
            sleep=self.clock.sleep,
        )

    def teardown(self) -> None:
        try:
            if not self.broken and hasattr(self, "engine"):
                self.settle()
        finally:
            self.do(self.stack.aclose())
            self.runner.close()

    # Choosing

    def item(self, number: int) -> str:
        keys = list(self.plex.state.items)
        return keys[number % len(keys)] if keys else "0"

    def title(self, number: int) -> Any:
        return self.world.catalogue[number % len(self.world.catalogue)]

    def person(self, number: int) -> int | None:
        users = self.pulsarr.state.users()
        return users[number % len(users)].id if users else None

    # What people do in Pulsarr

    @rule(who=numbers, what=numbers, known=st.sampled_from(("all", "all", "key", "ids")))
    def wish(self, who: int, what: int, known: str) -> None:
        if (person := self.person(who)) is not None:
            title = self.title(what)
            variants: dict[str, dict[str, Any]] = {"key": {"guids": ()}, "ids": {"key": None}}
            fields = variants.get(known, {})
            self.pulsarr.state.wish(person, title, **fields)

    @rule(who=numbers, which=numbers)
    def unwish(self, who: int, which: int) -> None:
        person = self.person(who)
        if person is not None and (wishes := self.pulsarr.state.watchlist(person)):
            key = wishes[which % len(wishes)].catalogue_key
            title = next(one for one in self.world.catalogue if one.key == key)
            self.pulsarr.state.unwish(person, title)

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

    @rule(name=names, wishes=st.lists(numbers, max_size=4))
    def join(self, name: str, wishes: Sequence[int]) -> None:
        users = self.pulsarr.state.users()
        if len(users) < len(NAMES) and all(user.name != name for user in users):
            user = self.pulsarr.state.add_user(name)
            for number in wishes:
                self.pulsarr.state.wish(user.id, self.title(number))

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
        same_type = [one for one in self.world.catalogue if one.type == item.type]
        title = same_type[into % len(same_type)]
        guid, guids = title.plex_guid, plex_guids(title)
        if how == "nothing":
            guid, guids = f"local://{item.rating_key}", ()
        elif how == "new key":
            guid = f"plex://{item.type}/{int(item.rating_key):024x}"
        self.plex.state.rematch(item.rating_key, guid=guid, guids=guids, title=title.title)

    @rule(which=numbers)
    def take_off_one_of_ours(self, which: int) -> None:
        if rows := list(self.records.ledger):
            row = rows[which % len(rows)]
            self.truth.take_off(row.rating_key, row.label)

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
                "exclude_people": st.frozensets(st.integers(1, 4), max_size=1),
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
    def leave_an_item_of_ours_alone(self, which: int) -> None:
        if rows := list(self.records.ledger):
            row = rows[which % len(rows)]
            self.truth.put_on(row.rating_key, self.settings.opt_out_label)

    @rule(which=numbers)
    def exclude_a_label_of_ours(self, which: int) -> None:
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
        cleared = {key for key in keys if (row := self.records.ledger.get(key)) and row.off}
        self.records.ledger.clear_overrides(keys)
        self.records.save_ledger()
        self.truth.taken_off -= cleared

    @rule()
    def keep_what_is_held(self) -> None:
        run = self.run(Request(dry_run=True))
        if run is not None and run.held:
            keys = [change.key for change in run.held]
            self.truth.ever_pinned.update(keys)
            self.records.ledger.pin(keys)
            self.records.save_ledger()
            self.run(Request())

    # Runs

    @rule(request=requests)
    def sync(self, request: Request) -> None:
        self.run(request)

    @rule(request=requests, fault=plex_faults)
    def sync_while_plex_is_in_trouble(self, request: Request, fault: Fault) -> None:
        self.plex.faults.add(fault)
        self.run(request, fault)

    @rule(request=requests, fault=pulsarr_faults)
    def sync_while_pulsarr_is_in_trouble(self, request: Request, fault: Fault) -> None:
        self.pulsarr.faults.add(fault)
        self.run(request)

    @rule(
        request=requests,
        lost=st.sampled_from(("whole", "half")),
        fault=st.none() | plex_faults.map(lambda fault: replace(fault, method="GET")),
    )
    def sync_while_answers_get_lost(self, request: Request, lost: Any, fault: Fault | None) -> None:
        self.trouble.lost = lost
        if fault is not None:
            self.plex.faults.add(fault)
        self.run(request, fault)

    @rule(request=requests, point=st.sampled_from(CRASH_POINTS), nth=st.integers(0, 3))
    def sync_until_the_process_ends(self, request: Request, point: Any, nth: int) -> None:
        self.trouble.crash = point
        self.trouble.countdown = nth
        self.run(request)

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
            request = self.look_request(what, thorough=True, newer_than=0.0)
        stored, ledger = self.truth.stored, self.records.ledger.as_dict()
        edits = self.plex.stats.puts
        tried = self.run(replace(request, dry_run=True))
        self.check(self.truth.stored == stored)
        self.check(self.records.ledger.as_dict() == ledger)
        self.check((self.plex.stats.puts, self.records.planned) == (edits, ()))
        done = self.run(request)
        if tried is not None and done is not None:
            self.check(tried.changes == done.changes)
            self.check((tried.held, tried.status) == (done.held, done.status))

    @rule(
        what=st.lists(numbers, min_size=1, max_size=3),
        thorough=st.booleans(),
        fresh=st.booleans(),
    )
    def look(self, what: Sequence[int], thorough: bool, fresh: bool) -> None:
        newer_than = self.clock.now - 1 if fresh else 0.0
        self.run(self.look_request(what, thorough=thorough, newer_than=newer_than))

    def look_request(self, what: Sequence[int], *, thorough: bool, newer_than: float) -> Request:
        titles = tuple({title_of(self.title(number)): None for number in what})
        return Request(
            kind=RunKind.LIVE,
            titles=titles,
            thorough=frozenset(titles) if thorough else frozenset(),
            newer_than=newer_than,
        )

    @rule(people=st.none() | st.tuples(names))
    def remove_labels(self, people: tuple[str, ...] | None) -> None:
        self.run(Request(kind=RunKind.REMOVAL, people=people))

    @rule(crash=st.none() | st.sampled_from(CRASH_POINTS))
    def undo(self, crash: Any) -> None:
        entry = self.records.journal.get(None)
        if entry is None:
            return
        self.trouble.crash, self.trouble.countdown = crash, 0
        undoable = self.undoable
        items = set(self.plex.state.items)
        excluded = self.settings.exclude_labels | {fold(self.settings.opt_out_label)}
        request = Request(kind=RunKind.UNDO, undo=entry.run_id, changes=entry.changes)
        touched = set(self.truth.touched)
        run = self.run(request)
        if (
            run is not None
            and run.status is RunStatus.DONE
            and not run.failed
            and undoable is not None
            and undoable[0].id == entry.run_id
        ):
            for key in items - touched - self.opted_out:
                had = {fold(text) for at, text in undoable[1] if at == key} - excluded
                has = set(map(fold, self.plex.state.labels_of(key))) - excluded
                self.check(has == had, f"undo of {key}: {had} became {has}")

    # What a run must never do

    def run(self, request: Request, fault: Fault | None = None) -> Run | None:
        """Run once; None when it could not be asked for or the process ended meanwhile."""
        self.records.planned = ()
        known = {name for user in self.pulsarr.state.users() for name in (user.name, user.alias)}
        if request.people is not None and not known.issuperset(request.people):
            self._calm_down()
            return None
        if request.libraries and not set(request.libraries) <= (
            self.settings.libraries or set(request.libraries)
        ):
            self._calm_down()
            return None
        before = self.truth.stored
        opt_out = fold(self.settings.opt_out_label)
        self.opted_out = {key for key, label in before if fold(label) == opt_out}
        since, edits = len(self.plex.stats.log), self.plex.stats.puts
        touched = set(self.truth.touched)
        self.truth.touched.clear()
        run: Run | None = None
        try:
            run = self.do(self.engine.run(request, self.settings, self.before))
        except Crash:
            self.boot()
        except UnknownPersonError:
            pass  # Pulsarr told of some people only
        finally:
            self._calm_down()
        self.truth.forget_missing()
        self._check_edits(self.plex.stats.puts - edits, since, fault)
        self._check_foreign(request)
        self._check_overrides(request)
        if run is not None:
            self._check_told(run, edits)
            finished = run.error is None and run.status is not RunStatus.HELD
            if request.whole and not request.dry_run and finished:
                self.before = Before(run.people, run.titles)
        if run is not None and run.changes and not run.dry_run:
            self.undoable = (run, before)
        else:
            self.truth.touched |= touched
            self.undoable = self.undoable if run is not None else None
        return run

    def _calm_down(self) -> None:
        self.trouble.clear()
        self.records.refuse = False
        self.records.meanwhile = lambda _: None
        self.plex.faults.clear()
        self.pulsarr.faults.clear()

    def check(self, fine: bool, what: object = "") -> None:
        if not fine:
            self.broken = True
        assert fine, what

    def _check_edits(self, edits: int, since: int, fault: Fault | None) -> None:
        planned = self.records.planned
        self.check(not self.plex.violations, self.plex.violations)
        self.check(not edits or bool(planned), "edits without a plan in the journal")
        for change in planned:
            self.check(fold(change.label) not in self.settings.exclude_labels, change)
            self.check(change.rating_key not in self.opted_out, change)
        if fault is not None and fault.method == "GET" and fault.times is None:
            seen = requests_before_first_edit(self.plex, since)
            if seen is not None and fault.kind not in BELIEVABLE:
                hits = sum(seen[key] for key in seen if fault.route in {None, key[1]})
                self.check(hits < fault.nth, f"edits after {fault}")

    def _check_foreign(self, request: Request) -> None:
        stored, truth = self.truth.stored, self.truth
        chosen = {
            (change.rating_key, change.label)
            for change in self.records.planned
            if change.action is Action.REMOVE and not change.ours
        }
        by_choice = request.whole and not self.settings.preserve_existing_labels
        if by_choice:
            wanted = oracle(self.plex, self.pulsarr, self.settings)
            chosen = {one for one in chosen if one[0] in wanted}
        if not by_choice and request.kind is not RunKind.UNDO:
            chosen = set()
        lost = truth.foreign - stored
        self.check(lost <= chosen, f"foreign labels were taken off: {lost - chosen}")
        truth.foreign &= stored
        for change in self.records.planned:
            if change.action is Action.ADD and not change.ours:  # an undo gave it back
                truth.foreign |= {one for one in stored if (one[0], fold(one[1])) == change.key}

    def _check_overrides(self, request: Request) -> None:
        truth, ledger = self.truth, self.records.ledger
        if request.kind is RunKind.UNDO or self.settings.restore_overrides or request.restore:
            truth.taken_off -= {one.key for one in self.records.planned}
        if request.kind is RunKind.UNDO:
            truth.ever_off |= {one.key for one in self.records.planned}
            truth.ever_pinned |= {one.key for one in self.records.planned}
        back = {key for key in truth.taken_off if truth.carries(*key)}
        self.check(not back, f"labels taken off by hand were put on again: {back}")
        truth.taken_off = {key for key in truth.taken_off if key in ledger}
        for row in ledger:
            self.check(not row.off or row.mark or row.key in truth.ever_off, f"invented: {row}")
            self.check(not row.pinned or row.key in truth.ever_pinned, f"invented: {row}")

    def _check_told(self, run: Run, edits: int) -> None:
        self.check(set(run.held).isdisjoint(run.changes), "held changes were made")
        if run.error is not None and not self.records.planned:
            self.check(self.plex.stats.puts == edits, "edits although a read failed")
        if run.dry_run:
            return
        for change in run.changes:
            labels = self.plex.state.items.get(change.rating_key)
            spelled = labels.labels if labels is not None else ()
            if change.action is Action.ADD:
                self.check(fold(change.label) in map(fold, spelled), f"not there: {change}")
            else:
                self.check(change.label not in spelled, f"still there: {change}")

    # Where it all leads

    def settle(self) -> None:
        """Let everything be well for a while: then Plex holds what everybody wants."""
        for _ in range(RUNS_TO_SETTLE):
            run = self.run(Request(mass_removal=True))
            self.check(run is not None and run.status is RunStatus.DONE, run)
            self.clock.now += DAY + 1
        edits = self.plex.stats.puts
        run = self.run(Request(mass_removal=True))
        self.check(run is not None and run.changes == (), run)
        self.check(self.plex.stats.puts == edits)
        wanted = oracle(self.plex, self.pulsarr, self.settings)
        for item in self.plex.state.items.values():
            in_reach = self.settings.libraries is None or item.section in self.settings.libraries
            if item.rating_key not in self.opted_out and in_reach:
                self._check_item(item.rating_key, wanted.get(item.rating_key, set()))
        self._check_rows(wanted)

    def _check_item(self, key: str, wanted: set[str]) -> None:
        truth, settings, ledger = self.truth, self.settings, self.records.ledger
        has = set(map(fold, self.plex.state.labels_of(key)))
        foreign = {fold(text) for at, text in truth.foreign if at == key}
        off = {row.label for row in ledger.by_item().get(key, []) if row.off and not row.mark}
        off = {fold(text) for text in off} | {text for at, text in truth.taken_off if at == key}
        if settings.restore_overrides:
            self.check(off.isdisjoint(wanted), f"{key}: {off & wanted} stay off")
        self.check(has >= wanted - off, f"{key} lacks {wanted - off - has}")
        if wanted and not settings.preserve_existing_labels:
            left = foreign - wanted - settings.exclude_labels
            self.check(not left, f"foreign labels {left} stay on {key}")
        for label in has - wanted - foreign:
            row = ledger.get((key, label))
            if label in settings.exclude_labels:
                continue
            self.check(row is not None, f"{label} on {key} was ours and is nobody's")
            if row is not None and settings.removed_label_mode is not RemovedLabelMode.KEEP:
                self.check(row.pinned or row.mark, f"nobody wants {label} on {key}")

    def _check_rows(self, wanted: dict[str, set[str]]) -> None:
        for row in self.records.ledger:
            item = self.plex.state.items.get(row.rating_key)
            listed = self.settings.libraries is None or row.library in self.settings.libraries
            skipped = (
                not listed
                or row.rating_key in self.opted_out
                or fold(row.label) in self.settings.exclude_labels
            )
            self.check(item is not None or not listed, f"stale: {row}")
            if item is not None and not skipped and not row.mark:
                there = self.truth.carries(row.rating_key, row.label)
                is_wanted = fold(row.label) in wanted.get(row.rating_key, set())
                self.check(there or (row.off and is_wanted), f"stale: {row}")
                self.check(row.confirmed, f"unconfirmed: {row}")


def test_nothing_that_can_happen_costs_a_foreign_label_or_a_decision_made_by_hand() -> None:
    run_state_machine_as_test(
        Household,
        settings=hypothesis_settings(
            max_examples=400 if THOROUGH else 25,
            stateful_step_count=60 if THOROUGH else 25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
