"""The domain model as plain data: people, titles, items, labels, gaps and settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, assert_never

from .person_id import PersonId
from .title_ids import same


class MediaType(StrEnum):
    """The kind of a title or a library."""

    MOVIE = "movie"
    SHOW = "show"

    @property
    def plural(self) -> str:
        """The plural key in action responses: `movies`, `shows`."""
        return f"{self.value}s"


class Service(StrEnum):
    """What a run depends on: the two servers, and the integration's own files."""

    PLEX = "plex"
    PULSARR = "pulsarr"
    STORAGE = "storage"


class Failure(StrEnum):
    """Why a request to a server failed; `failures` lists the consequences of each."""

    CANNOT_CONNECT = "cannot_connect"
    TIMEOUT = "timeout"
    SSL_ERROR = "ssl_error"
    INVALID_AUTH = "invalid_auth"
    NOT_OWNER = "not_owner"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    WRONG_SERVICE = "wrong_service"  # the response is not from this service
    BUSY = "busy"
    UNREADABLE = "unreadable"  # the server itself cannot read a row of its database
    RATE_LIMITED = "rate_limited"
    REJECTED = "rejected"  # the request was rejected (400, 409, 414)
    NOT_SAVED = "not_saved"  # the integration's files cannot be written
    IMPLAUSIBLE = "implausible"  # a response that cannot be true, or changed while it was read


class ServiceError(Exception):
    """A server could not be reached, refused a request, or sent an implausible response.

    `detail` is for logs and people: it never contains a credential.
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
        """Initialize; `retry_after` is in seconds."""
        super().__init__(f"{service.value}: {detail}")
        self.service = service
        self.failure = failure
        self.detail = detail
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Person:
    """One user of a source. `id` is the identity; names may change at any time."""

    id: PersonId
    username: str
    alias: str | None = None
    display_name: str | None = None
    can_sync: bool = True
    uuid: str = ""  # of the Plex account; kept when Pulsarr gives the person a new id
    is_primary: bool = field(default=False, compare=False)  # Pulsarr uses this person's Plex token
    # Number of titles on the watchlist, if Pulsarr includes it; it may hide a replaced title.
    wanted: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Title:
    """One movie or show on a watchlist.

    `ids` holds normalized ids: `plex:<24 hex>` (Plex's online metadata key), `tmdb:949`,
    `imdb:tt0113277`, `tvdb:370139`. The numbers of movies and shows overlap, so an id is unique
    only together with `type`.
    """

    type: MediaType
    name: str
    ids: frozenset[str]
    poster: str | None = field(default=None, compare=False)  # URL of a public image
    # When it was added to the watchlist, in seconds since the epoch, if Pulsarr includes it.
    added: float | None = field(default=None, compare=False)

    @property
    def plex_ids(self) -> frozenset[str]:
        """The ids that match an item's primary guid under the new Plex agents."""
        return frozenset(one for one in self.ids if one.startswith("plex:"))

    def same_as(self, other: "Title") -> bool:
        """Whether both are known to be the same movie or show."""
        return self.type is other.type and same(self.ids, other.ids)


ROW: Final = "row:"  # prefix of a gap's key for a person of whom only a row is known


class GapKind(StrEnum):
    """What could not be read."""

    PERSON = "person"  # a watchlist
    LIBRARY = "library"  # a listing or a label directory
    LABEL = "label"  # the carriers of one label
    ITEM = "item"
    PAGE = "page"  # some rows of a listing


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be read: its contents are unknown, never none.

    `key` identifies it within its kind: a person's id, a library's key, `<library>/<label>`, a
    rating key, `<library>:<first row>`. `name` is for display. `rows` counts its unreadable rows if
    the others could be read; 0 means that it could not be read at all.
    """

    kind: GapKind
    key: str
    name: str
    failure: Failure
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Watchlists:
    """Everyone's watchlist in Pulsarr at one moment.

    `titles` maps a person's id to the titles on their watchlist. The lists of people in `unread`
    could not be read, or not in full: `bad_rows` counts the rows missing in `titles`, which then
    include those known before. `read_at` is in seconds since the epoch, as is `lists_read_at` for
    lists that were read at another time.
    """

    people: tuple[Person, ...]
    titles: Mapping[PersonId, tuple[Title, ...]]
    read_at: float
    unread: Mapping[PersonId, Failure] = field(default_factory=dict)
    lists_read_at: Mapping[PersonId, float] = field(default_factory=dict)
    # Unreadable rows of people: a person who is not listed may be in one of them.
    gaps: tuple[Gap, ...] = ()
    bad_rows: Mapping[PersonId, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Library:
    """One movie or show section of the Plex server."""

    key: str
    type: MediaType
    name: str
    editable: bool = True  # false when the token may not change this library
    # Changes with the library's contents; empty if Plex does not include it.
    content_changed: str = field(default="", compare=False)
    uuid: str = field(default="", compare=False)  # unique to this server's library; may be missing


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a library; a title may have several.

    `guid` is Plex's primary guid, unchanged, such as `plex://movie/<hex>`; empty if the response
    did not include it. `added` is when the item was added to the library, in seconds since the
    epoch.
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
    """An item with all its labels, foreign ones included, as Plex stores them."""

    item: Item
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """A label in a library's directory: Plex's tag id and spelling."""

    id: str
    text: str


def fold(label: str) -> str:
    """Return the form in which labels are compared.

    The text is converted to upper case first: Plex capitalizes a new label, and the capital of the
    Turkish dotless i is a plain I, which does not fold back.
    """
    return label.upper().casefold()


class RemovedLabelMode(StrEnum):
    """What to do with a label when it is no longer wanted on the item."""

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
    exclude_people: frozenset[PersonId] = field(default_factory=frozenset)
    sync_disabled_people: bool = False
    removed_label_mode: RemovedLabelMode = RemovedLabelMode.KEEP
    removed_label: str = "removed"
    removal_delay: float = 0.0
    restore_overrides: bool = False
    opt_out_label: str = "no-sync"
    max_removals: float = 0.2

    @property
    def removes(self) -> bool:
        """Whether labels that are no longer wanted are removed."""
        match self.removed_label_mode:
            case RemovedLabelMode.KEEP:
                return False
            case RemovedLabelMode.REMOVE | RemovedLabelMode.MARK:
                return True
            case _:
                assert_never(self.removed_label_mode)

    @property
    def mark(self) -> str | None:
        """The label for titles that are no longer wanted, None if there is none."""
        match self.removed_label_mode:
            case RemovedLabelMode.KEEP | RemovedLabelMode.REMOVE:
                return None
            case RemovedLabelMode.MARK:
                return self.removed_label
            case _:
                assert_never(self.removed_label_mode)

    @property
    def special_labels(self) -> frozenset[str]:
        """The labels, folded, that decide about an item: read on each, whoever wants it."""
        marks = () if self.mark is None else (self.mark,)
        return frozenset(map(fold, (self.opt_out_label, *marks)))

    @property
    def reserved_labels(self) -> frozenset[str]:
        """The labels, folded, that stand for something other than a person."""
        return self.exclude_labels | self.special_labels

    @property
    def never_written(self) -> frozenset[str]:
        """The labels, folded, that are never added, whoever they belong to."""
        return self.exclude_labels | {fold(self.opt_out_label)}

    def covers(self, library: str) -> bool:
        """Return whether the library with a key is one of the chosen ones."""
        return self.libraries is None or library in self.libraries
