"""What a run changes: labels on items, rows of the ledger, and the plan that holds both."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    """Add or remove one label on one item: the planner's decision, with people and reason.

    `title` is the item's in Plex, `title_id` an id that the item shares with the wanted or formerly
    wanted title. `is_own` is false for a foreign label. Fields that an earlier version did not store
    are empty.
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
    is_own: bool = True

    @property
    def key(self) -> "RowKey":
        """The key of the label's row in the ledger."""
        return self.rating_key, fold(self.label)


@dataclass(frozen=True, slots=True)
class FailedChange:
    """A change that did not reach Plex, with the reason."""

    change: Change
    failure: str


type RowKey = tuple[str, str]  # rating key and folded label


@dataclass(frozen=True, slots=True)
class Row:
    """One label that the integration wrote on one item. Times are whole seconds since the epoch.

    The last fields identify that item: the library's uuid, the type, and the item's primary guid,
    external ids and time of addition. Empty means unknown.
    """

    label: str
    library: str
    rating_key: str
    written: int
    people: tuple[PersonId, ...] = ()  # for whom; empty if unknown
    title_id: str = ""  # an id that matched the item; shows when Plex matches it to another title
    unwanted_since: int = 0  # since when it is unwanted or kept off, 0 if it is neither or unknown
    removed_by_user: bool = False  # an override: wanted, but kept off by a person's decision
    removed_by_undo: bool = False  # by an undo, or to count as one once it is off
    pinned: bool = False  # kept although unwanted, by a person's decision
    is_removed_marker: bool = False  # it marks a title that is no longer wanted
    confirmed: bool = True  # read back from Plex
    uuid: str = ""
    type: str = ""
    guid: str = ""
    ids: frozenset[str] = frozenset()
    added: int = 0

    @property
    def key(self) -> RowKey:
        """The row's key in the ledger."""
        return self.rating_key, fold(self.label)

    def put_back(self) -> "Row":
        """Return the row once its label is no longer kept off."""
        since = 0 if self.removed_by_user else self.unwanted_since
        return replace(self, removed_by_user=False, removed_by_undo=False, unwanted_since=since)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would change, and how much it leaves alone.

    `ledger_updates` are the new rows once their changes are confirmed (None deletes the row),
    `ledger_only_updates` those without any change in Plex. `forgotten` are the rows among the
    latter that are deleted although no decision is known to have removed their labels.
    """

    changes: tuple[Change, ...]
    unchanged: int  # wanted labels that are already present
    items: int  # items that match a wanted title
    overridden: int = 0  # wanted labels that were removed by hand
    ledger_updates: Mapping[RowKey, Row | None] = field(default_factory=dict)
    ledger_only_updates: Mapping[RowKey, Row | None] = field(default_factory=dict)
    vanished: tuple[Row, ...] = ()  # the integration's labels that are gone since the last check
    decided: frozenset[RowKey] = frozenset()  # new names that stay off, as what vanished did
    replaced: frozenset[RowKey] = frozenset()  # removals that only make room for a new name
    skipped: int = 0  # changes of the run to undo that no longer are as it left them
    unproven: frozenset[str] = frozenset()  # rating keys to read before anything changes there
    undecided: frozenset[str] = (
        frozenset()
    )  # rating keys: whether a wanted label is there is unknown
    forgotten: frozenset[RowKey] = frozenset()
    shrunk: frozenset[RowKey] = frozenset()  # removals that rest on a list that shrank much at once
    chosen: frozenset[RowKey] = frozenset()  # removals that an option requested
    renamed: Mapping[RowKey, PersonId] = field(
        default_factory=dict
    )  # changes for a new name: whose
    unknown: tuple[Row, ...] = ()  # would-be rows of wanted labels present without a row
    returned: tuple[Row, ...] = ()  # the same for labels that recent runs removed

    def is_idle(self, unread: frozenset[str] = frozenset()) -> bool:
        """Return whether it changes nothing, not even the ledger.

        Items in `unread` need not be proven: they cannot be read now.
        """
        unproven = self.unproven - unread
        return not (self.changes or self.ledger_only_updates or self.vanished or unproven)
