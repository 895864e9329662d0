"""Data types of the sharing side: accounts, rules, verdicts, warnings, steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, assert_never

from ..sync.model import MediaType
from ..sync.person_id import PersonId


class Kind(StrEnum):
    """How an account at plex.tv relates to the owner of the server."""

    OWNER = "owner"
    FRIEND = "friend"
    HOME = "home"  # a member of the Plex Home with an account of their own
    MANAGED = "managed"  # a member of the Plex Home without one, such as a child


class Access(StrEnum):
    """Whether an account has access to the libraries of this server."""

    SHARED = "shared"
    INVITED = "invited"  # has not accepted yet
    NONE = "none"


class State(StrEnum):
    """The state of an account in one word."""

    OWNER = "owner"
    EVERYTHING = "everything"
    RESTRICTED = "restricted"
    NOTHING = "nothing"
    PRESET = "preset"
    NOT_SHARED = "not_shared"
    INVITED = "invited"
    NOT_UNDERSTOOD = "not_understood"
    NO_ACCOUNT = "no_account"
    UNKNOWN = "unknown"  # plex.tv did not report enough


class MatchedBy(StrEnum):
    """How a Pulsarr user was matched to an account at plex.tv."""

    UUID = "uuid"
    USERNAME = "username"
    OPTION = "option"
    AMBIGUOUS = "ambiguous"
    NONE = "none"


class Verdict(StrEnum):
    """The three answers to "can this person see it?"; unknown never becomes one of the others."""

    VISIBLE = "visible"
    HIDDEN = "hidden"
    UNKNOWN = "unknown"


class Problem(StrEnum):
    """Why a rule cannot be read."""

    AMPERSAND = "ampersand"  # a plain & inside a label, which Plex itself trips over
    EMPTY_VALUE = "empty_value"
    NO_VALUE = "no_value"
    NO_OPERATOR = "no_operator"
    OPERATOR_IN_VALUE = "operator_in_value"
    EMPTY_PART = "empty_part"  # nothing between two operators, or at an end
    ENCODING = "encoding"
    MISSING = "missing"  # plex.tv did not return the rule


LABEL: Final = "label"
RATING: Final = "contentRating"


@dataclass(frozen=True, slots=True)
class Condition:
    """A field that has, or does not have, one of some values.

    `values` are folded for comparison; `texts` are the same values as entered. A field that is
    neither the label nor the rating cannot be evaluated here.
    """

    name: str
    negated: bool
    values: frozenset[str]
    texts: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_label(self) -> bool:
        """Whether it is about labels."""
        return self.name == LABEL

    @property
    def is_rating(self) -> bool:
        """Whether it is about the content rating."""
        return self.name == RATING


type Group = tuple[Condition, ...]  # one of them is enough
type Reading = tuple[Group, ...]  # all of them must hold


@dataclass(frozen=True, slots=True)
class Rule:
    """What an account may see of one kind of title.

    A text that can be read in several ways has several readings, and a result is known only where
    all of them agree. With a `problem` there are none, so nothing is known.
    """

    text: str
    readings: tuple[Reading, ...] = ()
    problem: Problem | None = None

    @property
    def is_open(self) -> bool:
        """Whether it restricts nothing."""
        return self.problem is None and not any(self.readings)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition of every reading."""
        return tuple(one for reading in self.readings for group in reading for one in group)


OPEN: Final = Rule("", ((),))


@dataclass(frozen=True, slots=True)
class Account:
    """One account at plex.tv, without any credentials.

    `movies` and `shows` are the rules as plex.tv stores them, None if it did not return them.
    `preset` is the name of an age preset, empty for none, None if unknown. `libraries` are the keys
    of the shared sections, None if unknown. `is_missing` is True for one that plex.tv listed last
    time and did not this time, so that nothing is known of it.
    """

    id: str
    kind: Kind
    title: str
    username: str = ""
    uuid: str = ""
    movies: str | None = ""
    shows: str | None = ""
    everything: str = ""  # a rule for all kinds of title, whose effect is unknown
    preset: str | None = ""
    access: Access = Access.SHARED
    libraries: frozenset[str] | None = frozenset()
    is_missing: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether everything is known that decides what the account can see."""
        if self.access is not Access.SHARED or self.kind is Kind.OWNER:
            return True
        return None not in {self.movies, self.shows, self.preset, self.libraries}

    @property
    def name(self) -> str:
        """The display name."""
        return self.title or self.username or self.id

    def text(self, media_type: MediaType) -> str | None:
        """Return the rule for one kind of title as plex.tv stores it."""
        match media_type:
            case MediaType.MOVIE:
                return self.movies
            case MediaType.SHOW:
                return self.shows
            case _:
                assert_never(media_type)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of plex.tv; `checked` is its time in seconds since the epoch.

    `unlisted` are the ids of accounts that its list lacks, empty for one whose id is unknown.
    """

    checked: float
    owner: Account
    accounts: tuple[Account, ...]
    plex_pass: bool | None = None
    unlisted: frozenset[str] = frozenset()

    @property
    def all_listed(self) -> bool:
        """Whether no account is missing in the list."""
        return not self.unlisted

    @property
    def complete(self) -> bool:
        """Whether nothing is missing in it."""
        return self.all_listed and all(one.is_complete for one in self.accounts)

    @property
    def all_accounts(self) -> tuple[Account, ...]:
        """The owner and all accounts with which the server may be shared."""
        return self.owner, *self.accounts


@dataclass(frozen=True, slots=True)
class Match:
    """The account of a Pulsarr user; `candidates` are set if there are several possible ones."""

    account: Account | None
    by: MatchedBy
    candidates: tuple[Account, ...] = ()


class Reason(StrEnum):
    """Why plex.tv returned nothing new."""

    OFF = "off"
    REFUSED = "refused"
    NOT_OWNER = "not_owner"
    RATE_LIMITED = "rate_limited"
    CANNOT_CONNECT = "cannot_connect"
    TIMEOUT = "timeout"
    GONE = "gone"
    NOT_UNDERSTOOD = "not_understood"


class SharingError(Exception):
    """Raised when plex.tv could not be read; names a reason and quotes nothing of the answer."""

    def __init__(self, reason: Reason, *, retry_after: float | None = None) -> None:
        """Initialize with a reason; `retry_after` is in seconds."""
        super().__init__(reason.value)
        self.reason = reason
        self.retry_after = retry_after


class Severity(StrEnum):
    """The severity of a warning."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class WarningKey(StrEnum):
    """What may be wrong with how a server is shared."""

    RULE_GONE = "rule_gone"
    OPENS_EVERYTHING = "opens_everything"
    OWN_LABEL_EXCLUDED = "own_label_excluded"
    SEES_NOTHING = "sees_nothing"
    WISHES_HIDDEN = "wishes_hidden"
    ONE_TYPE_ONLY = "one_type_only"
    LABEL_MISSING = "label_missing"
    LABEL_MISSPELT = "label_misspelt"
    PRESET_BLOCKS = "preset_blocks"
    NOT_UNDERSTOOD = "not_understood"
    NOT_SHARED = "not_shared"
    INVITED = "invited"
    NO_ACCOUNT = "no_account"
    RATING_OR_LABEL = "rating_or_label"
    SERVER_TOO_OLD = "server_too_old"


_ERRORS: Final = frozenset({WarningKey.RULE_GONE, WarningKey.OPENS_EVERYTHING})
_HINTS: Final = frozenset(
    {
        WarningKey.NOT_SHARED,
        WarningKey.INVITED,
        WarningKey.NO_ACCOUNT,
        WarningKey.RATING_OR_LABEL,
        WarningKey.SERVER_TOO_OLD,
    }
)


@dataclass(frozen=True, slots=True)
class SharingWarning:
    """A setting that is probably unintended, and whom it concerns.

    `types` are the kinds of title whose rule it is about; `details` are the placeholders of its
    texts.
    """

    key: WarningKey
    account_id: str  # or the Pulsarr user if there is no account: `pulsarr:<id>`
    who: str
    person_id: PersonId | None = None
    types: tuple[MediaType, ...] = ()
    labels: tuple[str, ...] = ()
    details: Mapping[str, str | int] = field(default_factory=dict, compare=False)

    @property
    def severity(self) -> Severity:
        """The severity, which depends on the key."""
        if self.key in _ERRORS:
            return Severity.ERROR
        return Severity.INFO if self.key in _HINTS else Severity.WARNING

    @property
    def id(self) -> str:
        """Identifier for dismissing the warning: includes its labels, but not its numbers."""
        return "|".join((self.key.value, self.account_id, *sorted(self.labels)))


class StepKey(StrEnum):
    """The lines of a person's checklist, in order: labels first, restrictions after."""

    ACCOUNT = "account"
    LABELLED = "labelled"
    PRESET = "preset"
    PREVIEW = "preview"
    MOVIES = "movies"
    SHOWS = "shows"
    WISHES = "wishes"


class Unread(StrEnum):
    """What could not be read, so that it is unknown whether a step is done."""

    ACCOUNT = "account"  # plex.tv did not return everything about the account
    RULE = "rule"  # what the rule lets through cannot be determined
    WATCHLIST = "watchlist"
    ITEMS = "items"  # of some item it is unknown which title it is
    LABELS = "labels"  # of some wanted items


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a person's checklist; `done` is None while that is unknown, because of `unread`."""

    key: StepKey
    done: bool | None
    details: Mapping[str, str | int] = field(default_factory=dict, compare=False)
    unread: Unread | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of some items or titles an account can see."""

    visible: int = 0
    hidden: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """The number of all of them."""
        return self.visible + self.hidden + self.unknown


NO_COUNTS: Final = Counts()
