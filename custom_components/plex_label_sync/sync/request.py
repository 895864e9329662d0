"""What a run is to do, one class for each kind, and what comes of reading for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from .changes import Change, Plan, RowKey
from .gaps import Gaps
from .label_reader import LabelReader
from .model import Failure, Item, Library, Service, ServiceError, SyncSettings, Title
from .plan_view import View
from .protection import Doubts
from .readers import Found
from .run import RunKind, StartedBy
from .safety_check import NO_CONSENT, Consent
from .scope import Scope


class UnknownLibraryError(ValueError):
    """A library name or key that no chosen library has; its text is the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Common:
    """What every request says. `started_by` is the name of a person, or one of StartedBy."""

    dry_run: bool = False
    started_by: str = field(default=StartedBy.UNKNOWN, compare=False)

    @property
    def whole(self) -> bool:
        """Whether it is a full sync of everybody and everything."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class FullRequest(_Common):
    """Look at everything that some or all people want, in some or all libraries.

    None means all; `people` are ids or names, `libraries` keys or names. `consent` is what
    somebody agreed to, `restore` puts back labels that vanished in bulk, `adopt` are labels to
    take into the ledger. `routine` is a sync by the clock: where nothing seems to have changed, a
    cheap look is enough to leave all as it is.
    """

    kind: ClassVar[RunKind] = RunKind.FULL

    people: tuple[str, ...] | None = None
    libraries: tuple[str, ...] | None = None
    consent: Consent = NO_CONSENT
    restore: bool = False
    adopt: frozenset[RowKey] = frozenset()
    routine: bool = field(default=False, compare=False)

    @property
    def whole(self) -> bool:
        """Whether it is a full sync of everybody and everything."""
        return self.people is None and self.libraries is None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRequest(_Common):
    """Look at a few titles, without listing libraries where that is possible.

    `thorough` are those of the titles that may have been in Plex for long, `seen` items as Plex
    has just described them. Watchlists not read after `newer_than` (seconds of the steady clock)
    are not good enough, nor, for titles that nobody is known to want, those read before
    `heard_at`, when the last of them was announced.
    """

    kind: ClassVar[RunKind] = RunKind.LIVE

    titles: tuple[Title, ...]
    thorough: frozenset[Title] = frozenset()
    newer_than: float = float("-inf")
    heard_at: float = float("-inf")
    seen: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRequest(_Common):
    """Take back the `changes` of the run with an id."""

    kind: ClassVar[RunKind] = RunKind.UNDO

    run_id: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalRequest(_Common):
    """Remove the labels that the ledger holds, of some people (ids or names) or of all."""

    kind: ClassVar[RunKind] = RunKind.REMOVAL

    people: tuple[str, ...] | None = None


type SyncRequest = FullRequest | LiveRequest
type Request = SyncRequest | UndoRequest | RemovalRequest


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
    libraries: Iterable[Library], request: SyncRequest, settings: SyncSettings
) -> list[Library]:
    """Return the libraries that a sync covers: all that the settings do, or some of these.

    Raises ServiceError when none of the chosen ones is there (a Plex that is starting up lists
    none) or when the token may edit none of them: then it may not see everything in them either,
    and UnknownLibraryError when a name or key is none that the settings cover.
    """
    chosen = [library for library in libraries if settings.covers(library.key)]
    if not chosen:
        detail = "none of the chosen libraries is there"
        raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
    if not any(library.editable for library in chosen):
        detail = "the token belongs to somebody who does not own this server"
        raise ServiceError(Service.PLEX, Failure.NOT_OWNER, detail)
    names = request.libraries if isinstance(request, FullRequest) else None
    if names is None:
        return chosen
    for name in names:
        if not any(_is_named(library, (name,)) for library in chosen):
            raise UnknownLibraryError(name)
    return [library for library in chosen if _is_named(library, names)]


def _is_named(library: Library, names: Sequence[str]) -> bool:
    """Tell whether a library is meant by its key or its name."""
    folded = {name.strip().casefold() for name in names}
    return library.key in folded or library.name.strip().casefold() in folded
