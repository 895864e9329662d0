"""A run: what started it, and its result."""

from dataclasses import dataclass
from enum import StrEnum

from .changes import Action, Change, FailedChange, Row, RowKey
from .model import Gap, Person, ServiceError, Title


class Outcome(StrEnum):
    """The result of one title's lookup; all but the first two are reasons to retry."""

    SETTLED = "settled"  # every wanted label is present
    NOT_WANTED = "not_wanted"
    WATCHLIST_UNREAD = "watchlist_unread"  # on no list that could be read
    NOT_IN_PLEX = "not_in_plex"
    NOT_MATCHED_YET = "not_matched_yet"  # in Plex by name, but not recognized by Plex
    LIBRARY_EXCLUDED = "library_excluded"  # in a library that is not synced
    NO_IDS = "no_ids"  # announced without any id
    NOT_WRITTEN = "not_written"  # found, but Plex did not accept the labels
    NOT_READ = "not_read"  # the item or its labels could not be read


@dataclass(frozen=True, slots=True)
class TitleResult:
    """One title that a run was requested for: who wants it, and the outcome."""

    title: Title
    people: tuple[Person, ...]
    outcome: Outcome
    rating_keys: frozenset[str] = frozenset()  # its items


class RunKind(StrEnum):
    """The kind of a run."""

    FULL = "full"
    LIVE = "live"
    UNDO = "undo"
    REMOVAL = "removal"


class StartedBy(StrEnum):
    """What started a run, other than a person, who is recorded by name."""

    START_UP = "start_up"
    CLOCK = "clock"
    RETRY = "retry"  # a full sync failed, or a server is available again
    FOLLOW_UP = "follow_up"  # an earlier run left something to check again
    OPTIONS = "options"
    WEBHOOK = "webhook"
    PLEX_EVENT = "plex_event"
    WATCHLIST = "watchlist"  # a change of a watchlist was detected
    PENDING = "pending"  # a pending title was due
    REMOVAL_DELAY = "removal_delay"  # a label's removal delay has ended
    REPAIRS = "repairs"  # an issue was answered, and the user is unknown
    AUTOMATION = "automation"
    UNKNOWN = "unknown"  # written by a version that did not store it


class RunStatus(StrEnum):
    """How a run ended."""

    DONE = "done"
    PARTIAL = "partial"  # something could not be read; the rest was done
    HELD = "held"
    FAILED = "failed"


class HoldReason(StrEnum):
    """Why the safety check held changes."""

    MASS_REMOVAL = "mass_removal"
    NOBODY_LISTED = "nobody_listed"
    WATCHLISTS_SHRUNK = "watchlists_shrunk"
    LABELS_VANISHED = "labels_vanished"
    PEOPLE_RENAMED = "people_renamed"
    LIST_SHRANK = "list_shrank"  # waits for a second read, not for a decision


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a plan. Times are in seconds since the epoch, `duration` is in seconds."""

    id: str
    kind: RunKind
    dry_run: bool
    status: RunStatus
    started: float
    duration: float
    started_by: str = StartedBy.UNKNOWN  # or the name of a person
    listed: int = 0  # people in Pulsarr's response
    people: int = 0  # people who get labels
    wanting: int = 0  # those of them who want at least one title
    titles: int = 0
    items: int = 0
    unchanged: int = 0
    not_in_plex: int = 0
    overridden: int = 0
    skipped: int = 0
    changes: tuple[Change, ...] = ()  # the confirmed ones; in a dry run the planned ones
    failed: tuple[FailedChange, ...] = ()
    title_results: tuple[TitleResult, ...] = ()  # the titles that a live run was requested for
    held: tuple[Change, ...] = ()  # held by the safety check
    hold_reasons: tuple[HoldReason, ...] = ()
    vanished: int = 0  # the integration's labels that are gone, if the run is held for them
    needs_decision: bool = False  # the held changes wait for a decision, not only for a second read
    held_keys: frozenset[RowKey] = frozenset()  # everything that is held, including rows to forget
    lost: int = 0  # labels removed, forgotten or given up without a request
    unknown: tuple[Row, ...] = ()  # labels missing in the ledger that may be the integration's
    returned: tuple[Row, ...] = ()  # labels that recent runs removed, and that are present again
    gaps: tuple[Gap, ...] = ()  # what could not be read or edited
    is_complete: bool = True  # everything that it was to be checked against was read
    error: ServiceError | None = None

    @property
    def added(self) -> int:
        """Number of labels added to items."""
        return sum(change.action is Action.ADD for change in self.changes)

    @property
    def removed(self) -> int:
        """Number of labels removed from items."""
        return len(self.changes) - self.added
