"""What a run shall look at, and what comes of reading for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .changes import Change, Plan, RowKey
from .gaps import Gaps
from .label_reader import LabelReader
from .model import Failure, Item, Library, Service, ServiceError, SyncSettings, Title
from .plan_view import View
from .protection import Doubts
from .readers import Found
from .run import RunKind, StartedBy
from .safety_check import Consent
from .scope import Scope


class UnknownLibraryError(ValueError):
    """A library name or key that no chosen library has; its text is the message."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a run shall look at. None means everything; people are ids or names.

    `titles` are looked at without listing whole libraries where that is possible; `seen` are
    items that Plex has just told of, `thorough` names titles that may have been in Plex for long. Watchlists not read after `newer_than`
    (seconds of the steady clock) are not good enough, nor, for titles that nobody is known to want, those read
    before `heard_at`, when the last of them was announced. `undo` is the id of a run and `changes` what
    it had changed. `mass_removal` lets the brake pass everything, `approved` the removals of just
    these labels: what somebody was shown. `restore` puts back what vanished in bulk, `accept`
    takes the labels for decisions made by hand. `adopt` are labels to take into the ledger.
    `routine` is a full sync by the clock: where nothing
    seems to have changed, a cheap look is enough to leave all as it is. `started_by` is the
    name of a person, or one of StartedBy.
    """

    kind: RunKind = RunKind.FULL
    titles: tuple[Title, ...] | None = None
    thorough: frozenset[Title] = frozenset()
    newer_than: float = float("-inf")
    heard_at: float = float("-inf")
    seen: tuple[Item, ...] = ()
    people: tuple[str, ...] | None = None
    libraries: tuple[str, ...] | None = None
    dry_run: bool = False
    mass_removal: bool = False
    approved: frozenset[RowKey] | None = None
    restore: bool = False
    accept: frozenset[RowKey] | None = None
    adopt: frozenset[RowKey] = frozenset()
    routine: bool = field(default=False, compare=False)
    started_by: str = field(default=StartedBy.UNKNOWN, compare=False)
    undo: str = ""
    changes: tuple[Change, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it is a full sync of everybody and everything."""
        return self.kind is RunKind.FULL and self.people is None and self.libraries is None

    @property
    def consent(self) -> Consent:
        """What somebody has agreed to."""
        return Consent(self.mass_removal, self.approved, self.accept)


@dataclass(slots=True)
class PreparedPlan:
    """A plan, and what it takes to carry it out."""

    plan: Plan
    labels: LabelReader
    libraries: dict[str, Library]
    people: int = 0
    listed: int = 0
    found: Found = field(default_factory=lambda: Found((), (), {}))
    doubts: Doubts = field(default_factory=Doubts)
    scope: Scope | None = None  # what a sync looked at, and what it saw there
    view: View | None = None

    @property
    def gaps(self) -> Gaps:
        """What could not be read."""
        return self.found.gaps


def chosen_libraries(
    libraries: Iterable[Library], request: Request, settings: SyncSettings
) -> list[Library]:
    """Return the libraries that a run covers.

    Raises ServiceError when none of the chosen ones is there (a Plex that is starting up lists
    none) or when the token may edit none of them: then it may not see everything in them either,
    and UnknownLibraryError when the request names one that the settings do not cover.
    """
    chosen = [library for library in libraries if settings.covers(library.key)]
    if not chosen:
        detail = "none of the chosen libraries is there"
        raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
    if not any(library.editable for library in chosen):
        detail = "the token belongs to somebody who does not own this server"
        raise ServiceError(Service.PLEX, Failure.NOT_OWNER, detail)
    if request.libraries is None:
        return chosen
    for name in request.libraries:
        if not any(_is_named(library, (name,)) for library in chosen):
            raise UnknownLibraryError(name)
    return [library for library in chosen if _is_named(library, request.libraries)]


def _is_named(library: Library, names: Sequence[str]) -> bool:
    """Tell whether a library is meant by its key or its name."""
    folded = {name.strip().casefold() for name in names}
    return library.key in folded or library.name.strip().casefold() in folded
