"""The words of the project as plain data: people, titles, items, labels, changes, runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .reasons import PersonRef, Reason
from .title_ids import same


class MediaType(StrEnum):
    """What a title or a library holds."""

    MOVIE = "movie"
    SHOW = "show"


class Service(StrEnum):
    """What a run depends on: the two servers, and our own files."""

    PLEX = "plex"
    PULSARR = "pulsarr"
    STORAGE = "storage"


class Failure(StrEnum):
    """Why a server could not do what was asked; each has a translated text."""

    CANNOT_CONNECT = "cannot_connect"
    TIMEOUT = "timeout"
    SSL_ERROR = "ssl_error"
    INVALID_AUTH = "invalid_auth"
    NOT_OWNER = "not_owner"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    WRONG_SERVICE = "wrong_service"  # something answers there, but it is not this service
    BUSY = "busy"
    UNREADABLE = "unreadable"  # a row of its database that the server itself cannot read
    RATE_LIMITED = "rate_limited"
    REJECTED = "rejected"  # the request itself was refused (400, 409, 414)
    NOT_SAVED = "not_saved"  # our own files cannot be written
    IMPLAUSIBLE = "implausible"  # an answer that cannot be true, or that changed while it was read


UNREACHABLE = frozenset(
    {Failure.CANNOT_CONNECT, Failure.TIMEOUT, Failure.BUSY, Failure.RATE_LIMITED}
)


class ServiceError(Exception):
    """A server could not be asked, refused, or answered what cannot be true.

    `detail` is for logs and people: it never holds a credential.
    """

    def __init__(
        self,
        service: Service,
        failure: Failure,
        detail: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        """Keep what happened; `retry_after` is in seconds."""
        super().__init__(f"{service.value}: {detail}")
        self.service = service
        self.failure = failure
        self.detail = detail
        self.status = status
        self.retry_after = retry_after

    @property
    def unreachable(self) -> bool:
        """Whether the same request may work later without anybody doing anything."""
        return self.failure in UNREACHABLE


@dataclass(frozen=True, slots=True)
class Person:
    """One Pulsarr user. `id` is the identity; names may change at any time."""

    id: int
    username: str
    alias: str | None = None
    display_name: str | None = None
    can_sync: bool = True
    uuid: str = ""  # of the Plex account; stays when Pulsarr gives the person a new id
    is_primary: bool = field(default=False, compare=False)  # with whose token Pulsarr asks Plex
    # How many titles are on the watchlist, where Pulsarr tells: one may have gone for another.
    wanted: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Title:
    """One movie or show that somebody wants.

    `ids` holds normalised ids: `plex:<24 hex>` (Plex's online metadata key), `tmdb:949`,
    `imdb:tt0113277`, `tvdb:370139`. Number spaces of movies and shows overlap, so an id means
    something only together with `type`.
    """

    type: MediaType
    name: str
    ids: frozenset[str]
    poster: str | None = field(default=None, compare=False)  # a picture that anybody may see
    # When it came onto the watchlist, in seconds since the epoch, where Pulsarr tells.
    added: float | None = field(default=None, compare=False)

    @property
    def plex_ids(self) -> frozenset[str]:
        """The ids that match an item's primary guid under the new Plex agents."""
        return frozenset(one for one in self.ids if one.startswith("plex:"))

    def same_as(self, other: "Title") -> bool:
        """Whether both are known to mean the same movie or show."""
        return self.type is other.type and same(self.ids, other.ids)


class GapKind(StrEnum):
    """What could not be read."""

    PERSON = "person"  # a watchlist
    LIBRARY = "library"  # a listing or a label directory
    LABEL = "label"  # the carriers of one label
    ITEM = "item"
    PAGE = "page"  # some rows of a listing


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be read: what it should have told is unknown, never none.

    `key` identifies it within its kind: a person's id, a library's key, `<library>/<label>`, a
    rating key, `<library>:<first row>`. `name` is for people to read.
    """

    kind: GapKind
    key: str
    name: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Watchlists:
    """Everybody's watchlist as Pulsarr told it at one moment.

    `titles` maps a person's id to the titles on that person's watchlist; those in `unread`
    have one that could not be read. `read_at` is in seconds since the epoch, and so is
    `lists_read_at` for the lists that were read at another time.
    """

    people: tuple[Person, ...]
    titles: Mapping[int, tuple[Title, ...]]
    read_at: float
    unread: Mapping[int, Failure] = field(default_factory=dict)
    lists_read_at: Mapping[int, float] = field(default_factory=dict)
    # Rows of people that could not be read: who is not among the others may be one of them.
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Library:
    """One movie or show section of the Plex server."""

    key: str
    type: MediaType
    name: str
    editable: bool = True  # false when the token may not change this library
    # Moves when items come, go or change; empty where Plex does not tell.
    content_changed: str = field(default="", compare=False)
    uuid: str = field(default="", compare=False)  # of this server's library alone; may be missing


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a library; one title may have several.

    `guid` is Plex's primary guid as it stands, such as `plex://movie/<hex>`; empty when the
    answer did not tell. `added` is when it came into the library, in seconds since the epoch.
    """

    rating_key: str
    library: str
    type: MediaType
    title: str
    ids: frozenset[str]
    guid: str = ""
    added: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class LabelledItem:
    """An item with all its labels, whoever wrote them, as Plex stores them."""

    item: Item
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """A label as one library's directory lists it: Plex's tag id and spelling."""

    id: str
    text: str


def fold(label: str) -> str:
    """Return the form in which labels are compared.

    Upper case comes first: Plex writes a new label with a capital, and the capital of the
    Turkish i without a dot is a plain I, which does not fold back.
    """
    return label.upper().casefold()


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
    people: tuple[int, ...] = ()  # for whom; empty when that is not known
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
    renamed: Mapping[RowKey, int] = field(default_factory=dict)  # changes for a new name: whose
    unknown: tuple[Row, ...] = ()  # rows that labels would have that are wanted and on the item
    returned: tuple[Row, ...] = ()  # the same for labels that recent runs took off

    @property
    def is_idle(self) -> bool:
        """Whether it leaves everything as it is, the ledger as well."""
        return not (self.changes or self.ledger_only_updates or self.vanished or self.unproven)


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


class RemovedLabelMode(StrEnum):
    """What becomes of a label when nobody wants it on the item any more."""

    KEEP = "keep"
    REMOVE = "remove"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """The options that decide what is wanted and where.

    `libraries` None means every movie and show section; `exclude_labels` holds folded texts;
    `removal_delay` is in seconds; `max_removals` is a share of the ledger, 0 to 1.
    """

    label_format: str = "{username}"
    exclude_labels: frozenset[str] = frozenset()
    preserve_existing_labels: bool = True
    libraries: frozenset[str] | None = None
    exclude_people: frozenset[int] = field(default_factory=frozenset)
    sync_disabled_people: bool = False
    removed_label_mode: RemovedLabelMode = RemovedLabelMode.KEEP
    removed_label: str = "removed"
    removal_delay: float = 0.0
    restore_overrides: bool = False
    opt_out_label: str = "no-sync"
    max_removals: float = 0.2

    def covers(self, library: str) -> bool:
        """Tell whether the library with a key is one of the chosen ones."""
        return self.libraries is None or library in self.libraries
