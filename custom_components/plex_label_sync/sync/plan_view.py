"""The input of a plan, and its draft. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .changes import Change, Plan, Row, RowKey
from .current_labels import CurrentLabels
from .ledger import Ledger
from .model import Library, SyncSettings
from .people import PeopleRefs
from .protection import Doubts, Evidence
from .retention import Roster
from .wanted_labels import WantedItem

if TYPE_CHECKING:
    from .person_id import PersonId


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a plan is based on, as just read.

    `items` are the wanted ones, and those of the ledger that the run covers. `whole` means that all
    people and all labels were read: only then may foreign labels be removed. `now` is in seconds
    since the epoch. Nothing is removed from an item without `evidence`.
    """

    items: Mapping[str, WantedItem]
    present: CurrentLabels
    ledger: Ledger
    roster: Roster
    settings: SyncSettings
    now: float
    whole: bool
    restore: bool = False  # vanished labels are added again
    libraries: Mapping[str, Library] = field(default_factory=dict)  # by key
    evidence: Evidence = field(default_factory=Evidence)
    doubts: Doubts = field(default_factory=Doubts)
    adopt: frozenset[RowKey] = frozenset()  # labels to adopt that the ledger lacks
    # Foreign labels on items at the last check that affect the integration's own labels.
    others: Collection[RowKey] = frozenset()

    def uuid_of(self, library: str) -> str:
        """Return the uuid of the library with a key, empty if unknown."""
        known = self.libraries.get(library)
        return "" if known is None else known.uuid


class PlanDraft:
    """A plan while it is being made."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.changes: list[Change] = []
        self.unchanged = 0
        self.overridden = 0
        self.ledger_updates: dict[RowKey, Row | None] = {}
        self.ledger_only_updates: dict[RowKey, Row | None] = {}
        self.vanished: list[Row] = []
        self.decided: set[RowKey] = set()
        self.replaced: set[RowKey] = set()
        self.unproven: set[str] = set()
        self.forgotten: set[RowKey] = set()
        self.shrunk: set[RowKey] = set()
        self.chosen: set[RowKey] = set()
        self.renamed: dict[RowKey, PersonId] = {}
        self.unknown: list[Row] = []
        self.people = PeopleRefs({**view.ledger.people, **view.roster.people})

    def plan(self, *, items: int) -> Plan:
        """Return the finished plan; `items` counts those that match a wanted title."""
        self.changes.sort(
            key=lambda one: (one.library, one.title, one.rating_key, one.action, one.label)
        )
        return Plan(
            changes=tuple(self.changes),
            unchanged=self.unchanged,
            items=items,
            overridden=self.overridden,
            ledger_updates=self.ledger_updates,
            ledger_only_updates=self.ledger_only_updates,
            vanished=tuple(dict.fromkeys(self.vanished)),
            decided=frozenset(self.decided),
            replaced=frozenset(self.replaced),
            unproven=frozenset(self.unproven),
            forgotten=frozenset(self.forgotten),
            shrunk=frozenset(self.shrunk),
            chosen=frozenset(self.chosen),
            renamed=self.renamed,
            unknown=tuple(self.unknown),
        )
