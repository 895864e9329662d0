"""The words of the project as plain data: people, titles, items, labels, changes, runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, assert_never

from .person_id import PersonId
from .title_ids import same


class MediaType(StrEnum):
    """What a title or a library holds."""

    MOVIE = "movie"
    SHOW = "show"

    @property
    def plural(self) -> str:
        """The key of several in answers: `movies`, `shows`."""
        return f"{self.value}s"


class Service(StrEnum):
    """What a run depends on: the two servers, and our own files."""

    PLEX = "plex"
    PULSARR = "pulsarr"
    STORAGE = "storage"


class Failure(StrEnum):
    """Why a server could not do what was asked; `failures` says what follows from each."""

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


@dataclass(frozen=True, slots=True)
class Person:
    """One user of a source. `id` is the identity; names may change at any time."""

    id: PersonId
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


ROW: Final = "row:"  # begins the key of a gap of somebody of whom nothing but a row is known


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
    rating key, `<library>:<first row>`. `name` is for people to read. `rows` counts the rows of it
    that could not be read where the others could; 0 says that it could not be read at all.
    """

    kind: GapKind
    key: str
    name: str
    failure: Failure
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Watchlists:
    """Everybody's watchlist as Pulsarr told it at one moment.

    `titles` maps a person's id to the titles on that person's watchlist; those in `unread`
    have one that could not be read, or not in full: `bad_rows` counts the rows that are missing in
    `titles`, beside what was known before. `read_at` is in seconds since the epoch, and so is
    `lists_read_at` for the lists that were read at another time.
    """

    people: tuple[Person, ...]
    titles: Mapping[PersonId, tuple[Title, ...]]
    read_at: float
    unread: Mapping[PersonId, Failure] = field(default_factory=dict)
    lists_read_at: Mapping[PersonId, float] = field(default_factory=dict)
    # Rows of people that could not be read: who is not among the others may be one of them.
    gaps: tuple[Gap, ...] = ()
    bad_rows: Mapping[PersonId, int] = field(default_factory=dict)


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
        """Whether a label is removed that nobody wants any more."""
        match self.removed_label_mode:
            case RemovedLabelMode.KEEP:
                return False
            case RemovedLabelMode.REMOVE | RemovedLabelMode.MARK:
                return True
            case _:
                assert_never(self.removed_label_mode)

    @property
    def mark(self) -> str | None:
        """The label that says that nobody wants a title any more, None for no such label."""
        match self.removed_label_mode:
            case RemovedLabelMode.KEEP | RemovedLabelMode.REMOVE:
                return None
            case RemovedLabelMode.MARK:
                return self.removed_label
            case _:
                assert_never(self.removed_label_mode)

    @property
    def special_labels(self) -> frozenset[str]:
        """The labels, folded, that mean something else than a person."""
        marks = () if self.mark is None else (self.mark,)
        return frozenset(map(fold, (self.opt_out_label, *marks)))

    def covers(self, library: str) -> bool:
        """Tell whether the library with a key is one of the chosen ones."""
        return self.libraries is None or library in self.libraries
