"""Data types of a probe: its questions, the answers, and its conclusions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..sync.model import MediaType, StoredLabel

REQUESTS_MAX = 25  # of one probe, to both servers together
EDITS_MAX = 6  # of these, all on one movie


class Code(StrEnum):
    """The questions; these names are in reports and never change."""

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


UNKNOWN = "unknown"  # the answer if a question could not be settled


class Why(StrEnum):
    """Why a question could not be settled; each has a text."""

    NEEDS_MOVIE = "needs_movie"
    NOTHING_LABELLED = "nothing_labelled"
    NOT_SEEN = "not_seen"
    FAILED = "failed"
    NO_REQUEST_LEFT = "no_request_left"


# The fields of users and titles in Pulsarr's newest version, as far as they are used.
USER_FIELDS = (
    "alias",
    "can_sync",
    "display_name",
    "is_primary_token",
    "plex_uuid",
    "watchlist_count",
)
TITLE_FIELDS = ("added", "guids", "key", "thumb")

HANDLED = "handled"  # the text for an answer that the integration handles correctly


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the table.

    `says` is the key of the text about what the integration gets wrong with this answer, `told` its
    placeholders.
    """

    code: Code
    answer: str
    says: str = HANDLED
    told: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a probe; `asked` is in epoch seconds, `movie` is True if edits were tried."""

    facts: tuple[Fact, ...]
    version: str
    platform: str
    requests: int
    asked: float
    movie: bool


@dataclass(frozen=True, slots=True)
class Root:
    """The server's description of itself; None where it is not stated."""

    version: str
    platform: str
    plex_pass: bool | None
    sync_feature: bool | None


@dataclass(frozen=True, slots=True)
class Section:
    """A movie or show section; `sync` and `changed` are None if not stated."""

    key: str
    type: MediaType
    sync: bool | None
    changed: str | None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A row of an answer; `labels` and `section` are None if the row does not state them."""

    rating_key: str
    type: str
    labels: tuple[StoredLabel, ...] | None
    section: str | None
    locked: bool  # a lock on the labels
    updated: str


@dataclass(frozen=True, slots=True)
class Rows:
    """An answer about items: its rows, and how many match in all.

    `section` is what the answer as a whole states; `length` the bytes of the URL.
    """

    rows: tuple[ItemRow, ...]
    total: int
    section: str
    length: int = 0


@dataclass(frozen=True, slots=True)
class Users:
    """Pulsarr's users: whether they are counted, what all rows lack, and one with a long list."""

    counts: bool
    missing_fields: frozenset[str]
    rate_limit: int | None
    example: int | None


@dataclass(frozen=True, slots=True)
class Trial:
    """What is about to be added to a movie, saved before anything is sent.

    `before` are the movie's own labels, `locked` is whether their field was locked.
    """

    rating_key: str
    library: str
    texts: tuple[str, ...]
    before: tuple[str, ...]
    locked: bool
