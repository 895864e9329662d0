"""What starts a run, and what it came to."""

from dataclasses import dataclass
from enum import StrEnum

from .changes import Action, Change, FailedChange, Row, RowKey
from .model import Gap, Person, ServiceError, Title


class Outcome(StrEnum):
    """What a look for one title came to; all but the first two are reasons to look again."""

    SETTLED = "settled"  # everything that is wanted is there
    NOT_WANTED = "not_wanted"
    NOT_IN_PLEX = "not_in_plex"
    NOT_MATCHED_YET = "not_matched_yet"  # in Plex by its name, but Plex has not recognised it
    LIBRARY_EXCLUDED = "library_excluded"  # in a library that is not synced
    NO_IDS = "no_ids"  # announced without any id to find it by
    NOT_WRITTEN = "not_written"  # found, but Plex did not take the labels


@dataclass(frozen=True, slots=True)
class TitleResult:
    """One title that a run was asked to look at: who wants it and what came of it."""

    title: Title
    people: tuple[Person, ...]
    outcome: Outcome
    rating_keys: frozenset[str] = frozenset()  # its items


class RunKind(StrEnum):
    """What started a run's changes."""

    FULL = "full"
    LIVE = "live"
    UNDO = "undo"
    REMOVAL = "removal"


class StartedBy(StrEnum):
    """What started a run, where it was not a person, who is known by name."""

    START_UP = "start_up"
    CLOCK = "clock"
    RETRY = "retry"  # a full sync failed, or a server is back
    FOLLOW_UP = "follow_up"  # an earlier run left something to look at again
    OPTIONS = "options"
    WEBHOOK = "webhook"
    PLEX_EVENT = "plex_event"
    WATCHLIST = "watchlist"  # a watchlist was seen to have changed
    PENDING = "pending"  # a title that waits was due
    REMOVAL_DELAY = "removal_delay"  # the delay of a label was over
    REPAIRS = "repairs"  # a question was answered, and it is not known by whom
    AUTOMATION = "automation"
    UNKNOWN = "unknown"  # written by a version that did not store it


class RunStatus(StrEnum):
    """How a run ended."""

    DONE = "done"
    PARTIAL = "partial"  # something could not be read; the rest was done
    HELD = "held"
    FAILED = "failed"


class HoldReason(StrEnum):
    """Why the brake kept changes back."""

    MASS_REMOVAL = "mass_removal"
    NOBODY_LISTED = "nobody_listed"
    WATCHLISTS_SHRUNK = "watchlists_shrunk"
    LABELS_VANISHED = "labels_vanished"
    PEOPLE_RENAMED = "people_renamed"
    LIST_SHRANK = "list_shrank"  # waits for a second read, asks nobody


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a plan. Times are seconds since the epoch, `duration` is in seconds."""

    id: str
    kind: RunKind
    dry_run: bool
    status: RunStatus
    started: float
    duration: float
    started_by: str = StartedBy.UNKNOWN  # or the name of a person
    listed: int = 0  # people that Pulsarr told of
    people: int = 0  # who get labels
    wanting: int = 0  # of these, who want at least one title
    titles: int = 0
    items: int = 0
    unchanged: int = 0
    not_in_plex: int = 0
    overridden: int = 0
    skipped: int = 0
    changes: tuple[Change, ...] = ()  # confirmed ones; in a dry run the planned ones
    failed: tuple[FailedChange, ...] = ()
    looks: tuple[TitleResult, ...] = ()  # of the titles that a live run was asked for
    held: tuple[Change, ...] = ()  # what the brake kept back
    hold_reasons: tuple[HoldReason, ...] = ()
    vanished: int = 0  # labels of ours that are off, when that is why the run is held
    asked: bool = False  # what is held waits for a decision, not only for a second read
    held_keys: frozenset[RowKey] = frozenset()  # all that is held, rows to forget included
    lost: int = 0  # labels taken off, forgotten or given up that nobody asked for
    unknown: tuple[Row, ...] = ()  # labels that may be ours although the ledger lacks them
    returned: tuple[Row, ...] = ()  # labels that recent runs took off, and that are there again
    gaps: tuple[Gap, ...] = ()  # what could not be read, or not be edited
    is_complete: bool = True  # everything was read that it was to be judged by
    error: ServiceError | None = None

    @property
    def added(self) -> int:
        """Number of labels put on items."""
        return sum(change.action is Action.ADD for change in self.changes)

    @property
    def removed(self) -> int:
        """Number of labels taken off items."""
        return len(self.changes) - self.added
