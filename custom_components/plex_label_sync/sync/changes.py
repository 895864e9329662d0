"""What a run changes: labels on items, rows of the ledger, and the plan that holds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .model import MediaType, fold
from .person_id import PersonId
from .reasons import PersonRef, Reason


class Action(StrEnum):
    """What a change does to an item."""

    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Change:
    """Add or remove one label on one item, for whom and why, as the planner decided it.

    `title` is the item's in Plex, `title_id` an id that the item has in common with what the
    people want or wanted. `ours` is false for a label that somebody else wrote. What an earlier
    version did not write down is empty.
    """

    action: Action
    label: str
    library: str
    rating_key: str
    title: str
    reason: Reason
    people: tuple[PersonRef, ...] = ()
    type: MediaType | None = None
    title_id: str = ""
    library_name: str = ""
    ours: bool = True

    @property
    def key(self) -> "RowKey":
        """Under which the ledger knows the label on the item."""
        return self.rating_key, fold(self.label)


@dataclass(frozen=True, slots=True)
class FailedChange:
    """A change that is not in Plex, and why."""

    change: Change
    failure: str


type RowKey = tuple[str, str]  # rating key and folded label


@dataclass(frozen=True, slots=True)
class Row:
    """One label that we wrote on one item. Times are in whole seconds since the epoch.

    The last fields tell which item that was: the library's uuid, the type, and the primary guid,
    the ids and the arrival that the item had. What is empty is not known.
    """

    label: str
    library: str
    rating_key: str
    written: int
    people: tuple[PersonId, ...] = ()  # for whom; empty when that is not known
    title_id: str = ""  # by which the item was found; tells when it became another title
    unwanted_since: int = 0  # since when nobody wants it, 0 while somebody does
    removed_by_user: bool = False  # an override: wanted, and kept off by a decision
    removed_by_undo: bool = False  # the decision was an undo, or will be when it is seen to be off
    pinned: bool = False  # stays although nobody wants it: somebody said so
    is_removed_marker: bool = False  # it says that nobody wants the title any more
    confirmed: bool = True  # read back from Plex
    uuid: str = ""
    type: str = ""
    guid: str = ""
    ids: frozenset[str] = frozenset()
    added: int = 0

    @property
    def key(self) -> RowKey:
        """Under which the ledger knows it."""
        return self.rating_key, fold(self.label)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would change, and how much it may leave alone.

    `ledger_updates` says what the ledger's row becomes when a change is confirmed (None: it goes), `ledger_only_updates`
    what becomes of rows without any change in Plex. `forgotten` are those of the notes that let
    the row of a label go that is not known to be off by anybody's decision.
    """

    changes: tuple[Change, ...]
    unchanged: int  # wanted labels that are there already
    items: int  # items that match a wanted title
    overridden: int = 0  # wanted labels that somebody took off by hand
    ledger_updates: Mapping[RowKey, Row | None] = field(default_factory=dict)
    ledger_only_updates: Mapping[RowKey, Row | None] = field(default_factory=dict)
    vanished: tuple[Row, ...] = ()  # labels of ours that are off since the last look
    decided: frozenset[RowKey] = frozenset()  # new names under which what vanished stays off
    replaced: frozenset[RowKey] = frozenset()  # removals that only make room for a new name
    skipped: int = 0  # changes of an undone run that do not stand any more as it left them
    unproven: frozenset[str] = frozenset()  # rating keys: what would go here takes evidence first
    forgotten: frozenset[RowKey] = frozenset()
    shrunk: frozenset[RowKey] = frozenset()  # removals that rest on a list that lost much at once
    chosen: frozenset[RowKey] = frozenset()  # removals that an option asked for
    renamed: Mapping[RowKey, PersonId] = field(
        default_factory=dict
    )  # changes for a new name: whose
    unknown: tuple[Row, ...] = ()  # rows that labels would have that are wanted and on the item
    returned: tuple[Row, ...] = ()  # the same for labels that recent runs took off

    @property
    def is_idle(self) -> bool:
        """Whether it leaves everything as it is, the ledger as well."""
        return not (self.changes or self.ledger_only_updates or self.vanished or self.unproven)
