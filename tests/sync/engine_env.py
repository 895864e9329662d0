"""Both simulated servers, an engine between them, and the labels expected in Plex."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from custom_components.plex_label_sync.plex.edits import PUT_IDS_MAX
from custom_components.plex_label_sync.plex.limits import PlexLimits
from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.pulsarr.client import PulsarrClient
from custom_components.plex_label_sync.pulsarr.limits import PulsarrLimits
from custom_components.plex_label_sync.sync.changes import Change, Row, RowKey
from custom_components.plex_label_sync.sync.engine import Engine
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import (
    MediaType,
    Person,
    SyncSettings,
    Title,
    fold,
)
from custom_components.plex_label_sync.sync.naming import label_of
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.protection import (
    Baseline,
    ListMemory,
    OpenQuestion,
    counted_people,
)
from custom_components.plex_label_sync.sync.request import (
    FullRequest,
    LiveRequest,
    RemovalRequest,
    Request,
    UndoRequest,
)
from custom_components.plex_label_sync.sync.returned import recently_removed
from custom_components.plex_label_sync.sync.run import HoldReason, Run, RunKind
from custom_components.plex_label_sync.sync.safety_check import Consent
from simulators.catalog import CatalogTitle
from simulators.plex import PlexKnobs, PlexSimulator
from simulators.plex.server import LISTING_ROUTE
from simulators.pulsarr import PulsarrSimulator
from simulators.pulsarr.records import WatchlistEntry
from simulators.world import World, make_world

PLEX_TOKEN = "plex-token-of-the-open_env"
PULSARR_KEY = "pulsarr-key-of-the-open_env"
LABEL_ROUTE = "/library/sections/{id}/label"
SECTIONS_ROUTE = "/library/sections"

type Labels = dict[str, set[str]]
"""Folded labels by rating key, items without labels left out."""


class Memory:
    """Keeps the results of runs in memory, as the real storage does in files."""

    def __init__(self, plex: PlexSimulator) -> None:
        self.ledger = Ledger()
        self.lists = ListMemory()
        self.begun: list[tuple[str, tuple[Change, ...]]] = []
        self.sent: list[tuple[str, int]] = []
        self.finished: list[tuple[Run, tuple[Change, ...]]] = []
        self.meanwhile: Callable[[], object] = lambda: None  # between reads and edits
        self._plex = plex
        self._puts = 0

    async def begin(self, run: Run, changes: Sequence[Change], sent: int) -> None:
        """Record a plan, before the first edit."""
        assert changes
        assert run.started > 0
        self.begun.append((run.id, tuple(changes)))
        self.sent.append((run.id, sent))
        self._puts = self._plex.stats.puts
        self.meanwhile()

    def recently_removed(self) -> dict[RowKey, Change]:
        """Return the integration's labels that runs removed and no run has added again since."""
        return recently_removed(run.changes for run, _ in self.finished)

    def lost_since(self, when: float) -> int:
        """Return how many labels were lost without a request since a time."""
        return sum(run.lost for run, _ in self.finished if run.started >= when)

    async def sending(self, run_id: str, count: int) -> None:
        """Record how many changes may be sent from now on."""
        assert run_id == self.begun[-1][0] == self.sent[-1][0]
        assert self.sent[-1][1] < count <= len(self.begun[-1][1])
        self.sent.append((run_id, count))

    async def finish(
        self,
        run: Run,
        rows: Mapping[RowKey, Row | None],
        unsure: Mapping[Change, Row | None],
    ) -> None:
        """Record the result of a run."""
        assert not run.changes or run.id == self.begun[-1][0]
        self.ledger.apply(rows)
        planned = {change.key: row for change, row in unsure.items()}
        self.ledger.adopt(unsure, run.started, rows=planned)
        self.finished.append((run, tuple(unsure)))

    @property
    def puts_at_begin(self) -> int:
        """Return the number of Plex's edits when the last plan was recorded."""
        return self._puts


EVERYTHING = Consent(everything=True)

type Remembered = tuple[Baseline | None, OpenQuestion | None]


def remembered(known: Remembered, request: Request, run: Run, settings: SyncSettings) -> Remembered:
    """Return the state after a run: the last trusted lists, and the open question."""
    before, question = known
    held = OpenQuestion(run.held_keys, run.hold_reasons) if run.needs_decision else None
    if not request.whole:
        return before, question or held
    if held is None and HoldReason.LIST_SHRANK not in run.hold_reasons and run.is_complete:
        before = Baseline(run.listed, run.titles, counted_people(settings), settings.label_format)
    return before, held


class Clock:
    """A clock that tests advance, in seconds since the epoch; sleeping advances it too."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@dataclass(slots=True)
class EngineEnv:
    """The environment of an engine test."""

    world: World
    plex: PlexSimulator
    pulsarr: PulsarrSimulator
    recorder: Memory
    engine: Engine
    clock: Clock
    plex_client: PlexClient
    make_engine: Callable[[], tuple[Engine, PlexClient]]
    settings: SyncSettings = field(default_factory=SyncSettings)
    remembers: bool = False  # keep lists and questions of runs, to judge later ones
    before: Baseline | None = None
    question: OpenQuestion | None = None

    async def sync(self, **request: Any) -> Run:
        """Carry out a full sync with the environment's settings."""
        return await self.run(FullRequest(**request))

    async def run(self, asked: Request) -> Run:
        """Run once with the environment's settings."""
        run = await self.engine.run(asked, self.settings, self.before, question=self.question)
        if self.remembers and not asked.dry_run and run.error is None:
            known = self.before, self.question
            self.before, self.question = remembered(known, asked, run, self.settings)
        return run

    def restart(self) -> None:
        """Restart with only what is on disk."""
        self.engine, self.plex_client = self.make_engine()

    def limit_plex(self, **limits: Any) -> None:
        """Give the Plex client the usual limits except for these."""
        self.plex_client.limits = PlexLimits(**limits)

    async def live_sync(self, *titles: CatalogTitle, thorough: bool = True, **request: Any) -> Run:
        """Run once for a few titles."""
        some = tuple(title_of(title) for title in titles)
        return await self.run(
            LiveRequest(
                titles=some, thorough=frozenset(some) if thorough else frozenset(), **request
            )
        )

    async def take_back(self, run: Run, kind: RunKind = RunKind.UNDO) -> Run:
        """Undo a run, or remove all labels."""
        if kind is RunKind.UNDO:
            return await self.run(UndoRequest(run_id=run.id, changes=run.changes))
        return await self.run(RemovalRequest())

    @property
    def labels(self) -> Labels:
        """Return the current labels of every item."""
        return {
            key: {fold(label) for label in item.labels}
            for key, item in self.plex.state.items.items()
            if item.labels
        }

    @property
    def people(self) -> dict[int, Person]:
        """Return all people in Pulsarr."""
        return {
            user.id: Person(
                pulsarr_id(user.id), user.name, user.alias, user.display_name, user.can_sync
            )
            for user in self.pulsarr.state.users()
        }

    def wanted(self, only: Iterable[int] | None = None) -> Labels:
        """Return the labels that items should have by the settings, for some people or all."""
        wanted: Labels = {}
        chosen = set(self.people if only is None else only)
        catalog = {title.key: title for title in self.world.catalog}
        for entry in self.pulsarr.state.entries():
            person = self.people[entry.user_id]
            if (
                entry.user_id in chosen
                and person.id not in self.settings.exclude_people
                and (person.can_sync or self.settings.sync_disabled_people)
            ):
                title = catalog[entry.catalog_key]
                label = fold(label_of(person, MediaType(title.type), self.settings))
                for key in self.items_of(title, entry):
                    wanted.setdefault(key, set()).add(label)
        return {
            key: labels - self.settings.exclude_labels
            for key, labels in wanted.items()
            if labels - self.settings.exclude_labels
        }

    def items_of(self, title: CatalogTitle, entry: WatchlistEntry) -> list[str]:
        """Return the items of a title that a wish matches by its ids."""
        return [
            item.rating_key
            for item in self.plex.state.items_of(title)
            if (entry.guids or item.guid == title.plex_guid)
            and (self.settings.libraries is None or item.section in self.settings.libraries)
        ]

    def edits_needed(self, before: Labels, after: Labels) -> int:
        """Return the edits needed for the additions: one per distinct change, or one per label."""
        whole: Counter[tuple[str, frozenset[str]]] = Counter()
        single: Counter[tuple[str, str]] = Counter()
        for key, labels in after.items():
            section = self.plex.state.items[key].section
            if added := frozenset(labels - before.get(key, set())):
                whole[section, added] += 1
                single.update((section, label) for label in added)
        sizes = min((list(whole.values()), list(single.values())), key=len)
        return sum(-(-size // PUT_IDS_MAX) for size in sizes)

    def reads_needed(self) -> int:
        """Return the reads of a full sync that finds nothing to do: by label or by item."""
        by_item = 1 + len(self.plex.state.libraries) + -(-len(self.wanted()) // 200)
        return min(by_item, self.reads_by_label())

    def reads_by_label(self) -> int:
        """Return the reads of sections, pages, label lists, and the carriers of each label."""
        libraries = self.plex.state.libraries
        labels: dict[str, set[str]] = {}
        for key, some in self.wanted().items():
            labels.setdefault(self.plex.state.items[key].section, set()).update(some)
        for row in self.recorder.ledger:
            labels.setdefault(row.library, set()).add(fold(row.label))
        return 1 + len(libraries) + len(labels) + sum(map(len, labels.values()))

    def person(self, name: str) -> int:
        """Return a person's id."""
        return self.pulsarr.state.find_user(name).id

    def want(self, name: str, title: CatalogTitle, **fields: Any) -> None:
        """Put a title on a person's watchlist."""
        self.pulsarr.state.want(self.person(name), title, **fields)

    def spare(self, kind: str = "movie", *, in_plex: bool = True) -> CatalogTitle:
        """Return a title that no one wants, with at most one plain item."""
        taken = {entry.catalog_key for entry in self.pulsarr.state.entries()}
        for title in self.world.catalog:
            items = self.plex.state.items_of(title, identified=False)
            plain = [item for item in items if item.guid == title.plex_guid]
            suits = title.type == kind and title.key not in taken
            if suits and len(items) == len(plain) == int(in_plex):
                return title
        raise AssertionError("the world is too small")


def title_of(title: CatalogTitle) -> Title:
    """Return a title as in a webhook."""
    ids = frozenset({f"plex:{title.key}", *title.guids})
    return Title(MediaType(title.type), title.title, ids)


@asynccontextmanager
async def open_env(
    *,
    knobs: PlexKnobs | None = None,
    settings: SyncSettings | None = None,
    real_sleep: bool = False,
    remembers: bool = False,
    plex_limits: PlexLimits | None = None,
    pulsarr_limits: PulsarrLimits | None = None,
    plex_client: type[PlexClient] = PlexClient,
    **world: Any,
) -> AsyncIterator[EngineEnv]:
    """Run both servers over a small world, by default 60 movies, 20 shows and six people.

    A patient engine really sleeps; otherwise only its clock advances. With `remembers`, each run is
    judged by those before it.
    """
    made = make_world(
        **{"seed": 5, "movies": 60, "shows": 20, "people": 6, "wanted_in_plex": 20, **world}
    )
    clock = Clock()
    plex = PlexSimulator(made.plex, token=PLEX_TOKEN, knobs=knobs)
    async with (
        plex,
        PulsarrSimulator(made.pulsarr, api_key=PULSARR_KEY) as pulsarr,
        aiohttp.ClientSession() as session,
    ):
        recorder = Memory(plex)

        def make_engine() -> tuple[Engine, PlexClient]:
            client = plex_client(
                session,
                plex.url,
                PLEX_TOKEN,
                client_id="tests",
                sleep=clock.sleep,
                limits=plex_limits or PlexLimits(),
            )
            engine = Engine(
                client,
                PulsarrClient(
                    session,
                    pulsarr.url,
                    PULSARR_KEY,
                    sleep=clock.sleep,
                    limits=pulsarr_limits or PulsarrLimits(),
                ),
                recorder,
                clock=clock,
                steady=clock,
                sleep=asyncio.sleep if real_sleep else clock.sleep,
                lists=recorder.lists,
            )
            return engine, client

        engine, client = make_engine()
        env = EngineEnv(made, plex, pulsarr, recorder, engine, clock, client, make_engine)
        env.settings, env.remembers = settings or SyncSettings(), remembers
        yield env
        assert plex.violations == []
        assert plex.stats.peak_concurrency <= 2


def merged(before: Mapping[str, set[str]], more: Mapping[str, set[str]]) -> Labels:
    """Return the union of labels."""
    return {key: before.get(key, set()) | more.get(key, set()) for key in {*before, *more}}


__all__ = [
    "LABEL_ROUTE",
    "LISTING_ROUTE",
    "PLEX_TOKEN",
    "PULSARR_KEY",
    "SECTIONS_ROUTE",
    "Clock",
    "EngineEnv",
    "Labels",
    "Memory",
    "merged",
    "open_env",
    "title_of",
]
