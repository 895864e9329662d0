"""What a probe asks, what it was answered, and what it concludes, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..sync.model import MediaType, StoredLabel

REQUESTS_MAX = 25  # of one probe, to both servers together
EDITS_MAX = 6  # of these, all on one movie


class Code(StrEnum):
    """What is asked; these names are in reports and never change."""

    # The server
    OWNER = "owner"
    OWNER_SYNC = "owner_sync"
    SUBSCRIPTION = "subscription"
    SYNC_FEATURE = "sync_feature"
    CHANGE_COUNTER = "change_counter"
    SOCKET_PATH = "socket_path"
    # Reading
    INLINE_LABELS = "inline_labels"
    INCLUDE_LABELS = "include_labels"
    LABELS_ON_ITEMS = "labels_on_items"
    SECTION_ON_ROW = "section_on_row"
    READ_REFRESHES = "read_refreshes"
    LABEL_FILTER = "label_filter"
    LABEL_BY = "label_by"
    LABEL_FOLD = "label_fold"
    MULTI_GET_MAX = "multi_get_max"
    URL_LIMIT = "url_limit"
    # Edits
    CAPITALISE = "capitalise"
    REUSE_SPELLING = "reuse_spelling"
    REMOVE_CASE = "remove_case"
    REMOVAL_DECODES = "removal_decodes"
    LABEL_MAX = "label_max"
    BUMP_ITEM = "bump_item"
    BUMP_LIBRARY = "bump_library"
    EDIT_EVENTS = "edit_events"
    PUT_LATENCY = "put_latency"
    SETTLE = "settle"
    LINGER = "linger"
    ITEM_RESTORED = "item_restored"
    # Pulsarr
    PULSARR_VERSION = "pulsarr_version"
    PULSARR_COUNTS = "pulsarr_counts"
    PULSARR_EVENTS = "pulsarr_events"
    PULSARR_RATE_LIMIT = "pulsarr_rate_limit"
    PULSARR_USER_ROWS = "pulsarr_user_rows"
    PULSARR_TITLE_ROWS = "pulsarr_title_rows"


NEEDS_MOVIE = frozenset(
    {
        Code.CAPITALISE,
        Code.REUSE_SPELLING,
        Code.REMOVE_CASE,
        Code.REMOVAL_DECODES,
        Code.LABEL_MAX,
        Code.BUMP_ITEM,
        Code.BUMP_LIBRARY,
        Code.EDIT_EVENTS,
        Code.PUT_LATENCY,
        Code.SETTLE,
        Code.LINGER,
        Code.ITEM_RESTORED,
    }
)


UNKNOWN = "unknown"  # the answer to what could not be settled


class Why(StrEnum):
    """Why something could not be settled; each has a text."""

    NEEDS_MOVIE = "needs_movie"
    NOTHING_LABELLED = "nothing_labelled"
    NOT_SEEN = "not_seen"
    FAILED = "failed"
    NO_REQUEST_LEFT = "no_request_left"


# What Pulsarr's newest version tells of users and titles, as far as it is used.
USER_FIELDS = (
    "alias",
    "can_sync",
    "display_name",
    "is_primary_token",
    "plex_uuid",
    "watchlist_count",
)
TITLE_FIELDS = ("added", "guids", "key", "thumb")

HANDLED = "handled"  # the text for an answer under which nothing goes wrong


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the table.

    `says` names the text about what the integration gets wrong under this answer, `told` is
    what is filled into it.
    """

    code: Code
    answer: str
    says: str = HANDLED
    told: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What a probe came to; `asked` is in seconds since the epoch, `movie` tells of edits."""

    facts: tuple[Fact, ...]
    version: str
    platform: str
    requests: int
    asked: float
    movie: bool


@dataclass(frozen=True, slots=True)
class Root:
    """What the server says about itself; None where it does not say."""

    version: str
    platform: str
    plex_pass: bool | None
    sync_feature: bool | None


@dataclass(frozen=True, slots=True)
class Section:
    """A movie or show section; `sync` and `changed` are None where it does not say."""

    key: str
    type: MediaType
    sync: bool | None
    changed: str | None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A row of an answer; `labels` and `section` are None where the row does not tell any."""

    rating_key: str
    type: str
    labels: tuple[StoredLabel, ...] | None
    section: str | None
    locked: bool  # a lock on the labels
    updated: str


@dataclass(frozen=True, slots=True)
class Rows:
    """An answer about items: its rows, and how many match in all.

    `section` is what the answer as a whole says; `length` the bytes of the address.
    """

    rows: tuple[ItemRow, ...]
    total: int
    section: str
    length: int = 0


@dataclass(frozen=True, slots=True)
class Users:
    """Pulsarr's users: whether they are counted, what all rows lack, and whose list to look at."""

    counts: bool
    lack: frozenset[str]
    rate_limit: int | None
    example: int | None


@dataclass(frozen=True, slots=True)
class Trial:
    """What is about to be put on a movie, written down before anything is sent.

    `before` are the movie's own labels, `locked` whether their field was locked.
    """

    rating_key: str
    library: str
    texts: tuple[str, ...]
    before: tuple[str, ...]
    locked: bool
