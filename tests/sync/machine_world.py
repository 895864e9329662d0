"""The machine under the safety test: servers, a restartable engine, and checks after each run."""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack, nullcontext
from dataclasses import replace
from typing import Any, Final
from unittest import mock

import aiohttp
from hypothesis.stateful import RuleBasedStateMachine

from custom_components.plex_label_sync.pulsarr.client import PulsarrClient
from custom_components.plex_label_sync.sync import protection, safety_check
from custom_components.plex_label_sync.sync.changes import Action, Row, RowKey
from custom_components.plex_label_sync.sync.engine import Engine
from custom_components.plex_label_sync.sync.identity import Relation
from custom_components.plex_label_sync.sync.model import RemovedLabelMode, SyncSettings, fold
from custom_components.plex_label_sync.sync.people import AmbiguousPersonError, UnknownPersonError
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.protection import Baseline, OpenQuestion
from custom_components.plex_label_sync.sync.reasons import ReasonCode
from custom_components.plex_label_sync.sync.request import (
    FullRequest,
    RemovalRequest,
    Request,
    UndoRequest,
)
from custom_components.plex_label_sync.sync.run import Run, RunStatus
from custom_components.plex_label_sync.sync.safety_check import NO_CONSENT
from simulators.catalog import CatalogTitle
from simulators.plex import PlexKnobs, PlexSimulator
from simulators.plex.server import METADATA_ROUTE
from simulators.pulsarr import PulsarrSimulator
from simulators.world import make_world

from ..short_timeouts import short_timeouts
from .engine_env import EVERYTHING, PLEX_TOKEN, PULSARR_KEY, Clock, remembered
from .machine_fixtures import (
    Crash,
    FragilePlex,
    InjectedFaults,
    Records,
    Stored,
    Truth,
    oracle,
)

FREE_REMOVALS: Final = 4  # small worlds have few labels; the brake must act in them, too
SHRUNK_BY: Final = 2  # for the same reason
DAY: Final = 86_400.0
RUNS_TO_SETTLE: Final = 3
CLIENT_TIMEOUT: Final = 0.1  # seconds; an impatient client's timeout


class CheckedMachine(RuleBasedStateMachine):
    """Both servers and an engine between them; every run is checked."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False  # a check failed: later steps would only hide it
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.clock = Clock()
        self.injected = InjectedFaults()
        self.settings = SyncSettings()
        self.before: Baseline | None = None
        self.question: OpenQuestion | None = None
        self.lost: list[tuple[float, int]] = []  # labels lost unasked, as counted here
        self.undoable: tuple[Run, Stored] | None = None
        self.copies: tuple[dict[str, tuple[str, ...]], tuple[dict[str, Any], dict[str, Any]]] | None
        self.copies = None

    def do[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        return self.runner.run(work)

    def open(self, seed: int, knobs: PlexKnobs) -> None:
        """Start both servers over a small world."""
        made = make_world(
            seed,
            movies=12,
            shows=4,
            people=3,
            wanted_in_plex=6,
            wanted_missing=1,
            legacy=0.2,
            unmatched=0.1,
        )
        self.world = made
        self.knobs = knobs
        self.plex = PlexSimulator(made.plex, token=PLEX_TOKEN, knobs=knobs)
        self.pulsarr = PulsarrSimulator(made.pulsarr, api_key=PULSARR_KEY)
        self.records = Records(self.injected)
        self.truth = Truth(self.plex, self.records)
        self.do(self._start())
        self.truth.foreign |= self.truth.stored

    async def _start(self) -> None:
        for module, name, value in (
            (safety_check, "FREE_REMOVALS", FREE_REMOVALS),
            (protection, "SHRUNK_BY", SHRUNK_BY),
        ):
            self.stack.enter_context(mock.patch.object(module, name, value))
        await self.stack.enter_async_context(self.plex)
        await self.stack.enter_async_context(self.pulsarr)
        self.session = await self.stack.enter_async_context(aiohttp.ClientSession())
        self.boot()

    def boot(self) -> None:
        """Create a new engine on what is on disk."""
        self.records.restart()
        session, sleep = self.session, self._sleep
        plex = FragilePlex(
            session,
            self.plex.url,
            PLEX_TOKEN,
            client_id="tests",
            sleep=sleep,
            injected=self.injected,
        )
        self.engine = Engine(
            plex,
            PulsarrClient(session, self.pulsarr.url, PULSARR_KEY, sleep=sleep),
            self.records,
            clock=self.clock,
            steady=self.clock,
            sleep=self._sleep,
            lists=self.records.lists,
        )

    async def _sleep(self, seconds: float) -> None:
        """Let enough time pass for late changes to show in Plex."""
        await self.clock.sleep(seconds)
        self.plex.settle()

    async def _quiet(self) -> None:
        """Wait until the servers have finished all requests."""
        while self.plex.stats.in_flight or self.pulsarr.stats.in_flight:  # noqa: ASYNC110 - counts have no event
            await asyncio.sleep(0.005)
        self.plex.settle()

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
        return self.world.catalog[number % len(self.world.catalog)]

    def person(self, number: int) -> int | None:
        users = self.pulsarr.state.users()
        return users[number % len(users)].id if users else None

    def entry_behind(self, number: int) -> tuple[int, CatalogTitle] | None:
        """Return a wish that is the reason for one of the integration's labels."""
        entries = [
            (entry.user_id, item.origin)
            for row in self.records.ledger
            for entry in self.pulsarr.state.entries()
            if (item := self.plex.state.items.get(row.rating_key)) is not None
            and item.origin is not None
            and pulsarr_id(entry.user_id) in row.people
            and entry.catalog_key == item.origin.key
        ]
        return entries[number % len(entries)] if entries else None

    # Invariants of a run

    def run(self, request: Request, *, short: bool = False, lied_to: bool = False) -> Run | None:
        """Run once; None if the run could not start or the process ended meanwhile.

        With `short` the clients time out soon; the server finishes their requests all the same.
        """
        self.records.planned = ()
        known = {name for user in self.pulsarr.state.users() for name in (user.name, user.alias)}
        asked = request.people if isinstance(request, FullRequest | RemovalRequest) else None
        if asked is not None and not known.issuperset(asked):
            self._calm_down()
            return None
        full = request if isinstance(request, FullRequest) else FullRequest()
        if full.libraries and not set(full.libraries) <= (
            self.settings.libraries or set(full.libraries)
        ):
            self._calm_down()
            return None
        before = self.truth.stored
        rows = {row.key: row for row in self.records.ledger}
        opt_out = fold(self.settings.opt_out_label)
        self.opted_out = {key for key, label in before if fold(label) == opt_out}
        since, edits = len(self.plex.stats.log), self.plex.stats.puts
        touched = set(self.truth.touched)
        self.truth.touched.clear()
        run: Run | None = None
        try:
            with (
                short_timeouts(self.plex, self.pulsarr, timeout=CLIENT_TIMEOUT)
                if short
                else nullcontext()
            ):
                run = self.do(
                    self.engine.run(request, self.settings, self.before, question=self.question)
                )
        except Crash:
            self.boot()
        except (UnknownPersonError, AmbiguousPersonError):
            pass  # Pulsarr returned only some people, or two with the same name
        finally:
            self._calm_down()
        self.truth.forget_missing()
        self._check_edits(self.plex.stats.puts - edits, lied_to=lied_to)
        self._check_foreign(request)
        self._check_overrides(request)
        if not isinstance(request, UndoRequest | RemovalRequest):
            self._check_evidence(rows, since)
            self._check_kept(rows)
            self._check_lost(rows, request)
        if run is not None:
            self._check_reported(run, edits)
            if not request.dry_run and run.error is None:
                last = self.before, self.question
                self.before, self.question = remembered(last, request, run, self.settings)
        if run is not None and run.changes and not run.dry_run:
            self.undoable = (run, before)
        else:
            self.truth.touched |= touched
            self.undoable = self.undoable if run is not None else None
        return run

    def _calm_down(self) -> None:
        self.injected.clear()
        self.records.refuse = False
        self.records.meanwhile = lambda _: None
        self.plex.faults.clear()
        self.plex.broken_items.clear()
        self.pulsarr.faults.clear()
        self.pulsarr.knobs.empty_users = self.pulsarr.knobs.empty_watchlists = False
        self.pulsarr.knobs.odd_rows.clear()
        self.pulsarr.knobs.hidden_users.clear()
        self.do(self._quiet())
        if self.plex.knobs != self.knobs:
            self.plex.knobs = self.knobs

    def take_long_over_edits(self) -> None:
        """Let Plex finish the next run's edits after the client has timed out."""
        self.plex.knobs = replace(self.knobs, put_seconds=2 * CLIENT_TIMEOUT)

    def ignore_filters(self) -> None:
        """Let Plex answer every label query with the whole library in the next run."""
        self.plex.knobs = replace(self.knobs, label_filter_broken=True)

    def check(self, fine: bool, what: object = "") -> None:
        if not fine:
            self.broken = True
        assert fine, what

    def _check_edits(self, edits: int, *, lied_to: bool) -> None:
        planned = self.records.planned
        self.check(not self.plex.violations, self.plex.violations)
        self.check(not edits or bool(planned), "edits without a plan in the journal")
        for change in planned:
            self.check(fold(change.label) not in self.settings.exclude_labels, change)
            # An item deleted before its labels were read cannot opt out.
            is_there = change.rating_key in self.plex.state.items
            # An item that opts out loses nothing, even if a response omits its opt-out label.
            hidden = lied_to and change.action is Action.ADD
            self.check(change.rating_key not in self.opted_out or not is_there or hidden, change)

    def _lost_rows(self, rows: Mapping[RowKey, Row]) -> dict[RowKey, Row]:
        """Return the rows that a run removed from the ledger or marked as removed by the user."""
        now = {row.key: row for row in self.records.ledger}
        return {
            key: row
            for key, row in rows.items()
            if not row.removed_by_user and (key not in now or now[key].removed_by_user)
        }

    def _check_evidence(self, rows: Mapping[RowKey, Row], since: int) -> None:
        """Check that each item was read individually if a label of it was removed or forgotten."""
        read = {
            key
            for request in self.plex.stats.log[since:]
            if request.route == METADATA_ROUTE
            for key in request.path.rpartition("/")[2].split(",")
        }
        lost = {key for key, _ in self._lost_rows(rows)}
        lost |= {one.rating_key for one in self.records.planned if one.action is Action.REMOVE}
        self.check(lost <= read, f"not read: {lost - read}")

    def _check_kept(self, rows: Mapping[RowKey, Row]) -> None:
        """Check that no present label is forgotten, and that kept labels are kept."""
        items, truth = self.plex.state.items, self.truth
        removed = {one.key: one for one in self.records.planned if one.action is Action.REMOVE}
        for key, row in self._lost_rows(rows).items():
            if key not in removed and row.rating_key not in truth.touched and truth.is_about(row):
                self.check(not truth.carries(*key), f"forgotten: {row}")
        keep = self.settings.removed_label_mode is RemovedLabelMode.KEEP
        for key, change in removed.items() if keep else ():
            known = rows.get(key)
            if not change.is_own or known is None or known.is_removed_marker:
                continue
            item = items.get(change.rating_key)
            rematched = item is not None and truth.relation(known, item) is Relation.REMATCHED
            is_rename = change.reason.code is ReasonCode.RENAMED_TO
            self.check(rematched or is_rename or item is None, f"not kept: {change}")

    def _check_lost(self, rows: Mapping[RowKey, Row], request: Request) -> None:
        """Check that no more labels were lost within a day than allowed without approval."""
        consent = request.consent if isinstance(request, FullRequest) else NO_CONSENT
        if consent.everything or request.dry_run:
            return
        asked_for = {
            one.key
            for one in self.records.planned
            if one.reason.code
            in {ReasonCode.RENAMED_TO, ReasonCode.WANTED_AGAIN, ReasonCode.PERSON_EXCLUDED}
        }
        labels = {key for key, row in self._lost_rows(rows).items() if not row.is_removed_marker}
        missing = labels - asked_for
        lost = len(missing)
        day = sum(count for at, count in self.lost if at >= self.clock.now - DAY)
        self.lost.append((self.clock.now, lost))
        most = max(FREE_REMOVALS, self.settings.max_removals * (len(rows) + day))
        self.check(not lost or lost + day <= most, f"{missing} lost, after {day} within a day")

    def _check_foreign(self, request: Request) -> None:
        stored, truth = self.truth.stored, self.truth
        chosen = {
            (change.rating_key, change.label)
            for change in self.records.planned
            if change.action is Action.REMOVE and not change.is_own
        }
        by_choice = request.whole and not self.settings.preserve_existing_labels
        if by_choice:
            wanted = oracle(self.plex, self.pulsarr, self.settings)
            chosen = {one for one in chosen if one[0] in wanted}
        if not by_choice and not isinstance(request, UndoRequest):
            chosen = set()
        lost = truth.foreign - stored
        self.check(lost <= chosen, f"foreign labels were taken off: {lost - chosen}")
        truth.foreign &= stored
        for change in self.records.planned:
            if change.action is Action.ADD and not change.is_own:  # an undo restored it
                truth.foreign |= {one for one in stored if (one[0], fold(one[1])) == change.key}

    def _check_overrides(self, request: Request) -> None:
        truth, ledger = self.truth, self.records.ledger
        undone = isinstance(request, UndoRequest)
        restored = isinstance(request, FullRequest) and request.restore
        if undone or self.settings.restore_overrides or restored:
            truth.taken_off -= {one.key for one in self.records.planned}
        if undone:
            truth.ever_off |= {one.key for one in self.records.planned}
            truth.ever_pinned |= {one.key for one in self.records.planned}
        back = {key for key in truth.taken_off if truth.carries(*key)}
        self.check(not back, f"labels taken off by hand were put on again: {back}")
        truth.taken_off = {key for key in truth.taken_off if key in ledger}
        for row in ledger:
            is_there = row.rating_key in self.plex.state.items  # or deleted while being read
            # A decision outlives the person's name, and thus the label.
            off = {key for key, _ in truth.ever_off}
            known = not row.removed_by_user or row.is_removed_marker or row.rating_key in off
            self.check(known or not is_there, f"invented: {row}")
            self.check(not row.pinned or row.key in truth.ever_pinned, f"invented: {row}")

    def _check_reported(self, run: Run, edits: int) -> None:
        self.check(set(run.held).isdisjoint(run.changes), "held changes were made")
        if run.error is not None and not self.records.planned:
            self.check(self.plex.stats.puts == edits, "edits although a read failed")
        if run.dry_run:
            return
        for change in run.changes:
            if change.rating_key not in self.plex.state.items:
                continue  # it may have been deleted after it was read back
            spelled = self.plex.state.labels_of(change.rating_key)
            if change.action is Action.ADD:
                self.check(fold(change.label) in map(fold, spelled), f"not there: {change}")
            else:
                self.check(change.label not in spelled, f"still there: {change}")

    # Convergence

    def settle(self) -> None:
        """Let everything work for a while; then check that Plex has exactly the expected labels."""
        for _ in range(RUNS_TO_SETTLE):
            run = self.run(FullRequest(consent=EVERYTHING))
            self.check(run is not None and run.status is RunStatus.DONE, run)
            self.clock.now += DAY + 1
        edits = self.plex.stats.puts
        run = self.run(FullRequest(consent=EVERYTHING))
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
        off = {
            row.label
            for row in ledger.by_item().get(key, [])
            if row.removed_by_user and not row.is_removed_marker
        }
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
                self.check(row.pinned or row.is_removed_marker, f"nobody wants {label} on {key}")

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
            if item is not None and not skipped and not row.is_removed_marker:
                there = self.truth.carries(row.rating_key, row.label)
                is_wanted = fold(row.label) in wanted.get(row.rating_key, set())
                self.check(there or (row.removed_by_user and is_wanted), f"stale: {row}")
                self.check(row.confirmed, f"unconfirmed: {row}")
