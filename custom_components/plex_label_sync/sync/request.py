"""The request for a run, one class for each kind, and the plan prepared for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, assert_never

from .changes import Change, FailedChange, Plan, RowKey
from .gaps import Gaps
from .label_reader import LabelReader
from .model import (
    Failure,
    GapKind,
    Item,
    Library,
    MediaType,
    Service,
    ServiceError,
    SyncSettings,
    Title,
)
from .plan_view import View
from .protection import Doubts
from .readers import Found
from .run import RunKind, StartedBy
from .safety_check import NO_CONSENT, Consent
from .scope import Scope


class UnknownLibraryError(ValueError):
    """A library name or key that matches no chosen library; its text is the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Common:
    """What every request has. `started_by` is the name of a person, or one of StartedBy."""

    dry_run: bool = False
    started_by: str = field(default=StartedBy.UNKNOWN, compare=False)

    @property
    def whole(self) -> bool:
        """Whether it is a full sync of all people and libraries."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class FullRequest(_Common):
    """Sync everything that some or all people want, in some or all libraries.

    None means all; `people` are ids or names, `libraries` keys or names. `consent` is what the user
    agreed to, `restore` adds labels again that vanished together, `adopt` are labels to add to the
    ledger. `routine` is a scheduled sync: if nothing seems to have changed, a cheap check is enough
    to leave everything as it is.
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
        """Whether it is a full sync of all people and libraries."""
        return self.people is None and self.libraries is None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRequest(_Common):
    """Sync a few titles, if possible without listing libraries.

    `thorough` are those titles that may have been in Plex for long, `seen` items as Plex has just
    returned them. Watchlists must have been read after `newer_than` (monotonic seconds) and, for
    titles that seem unwanted, after `reported_at`, when the last of them was announced.
    """

    kind: ClassVar[RunKind] = RunKind.LIVE

    titles: tuple[Title, ...]
    thorough: frozenset[Title] = frozenset()
    newer_than: float = float("-inf")
    reported_at: float = float("-inf")
    seen: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRequest(_Common):
    """Undo the `changes` of the run with an id."""

    kind: ClassVar[RunKind] = RunKind.UNDO

    run_id: str
    changes: tuple[Change, ...] = field(hash=False)  # there may be tens of thousands


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalRequest(_Common):
    """Remove the labels in the ledger, of some people (ids or names) or of all."""

    kind: ClassVar[RunKind] = RunKind.REMOVAL

    people: tuple[str, ...] | None = None


type SyncRequest = FullRequest | LiveRequest
type Request = SyncRequest | UndoRequest | RemovalRequest


@dataclass(slots=True)
class PreparedPlan:
    """A plan, and what is needed to carry it out."""

    plan: Plan
    labels: LabelReader
    libraries: dict[str, Library]
    people: int = 0
    listed: int = 0
    found: Found = field(default_factory=lambda: Found((), (), {}))
    doubts: Doubts = field(default_factory=Doubts)
    scope: Scope | None = None  # what a sync covered, and what it read there
    view: View | None = None
    failed: tuple[FailedChange, ...] = ()  # changes that failed before and are not due again

    @property
    def gaps(self) -> Gaps:
        """The gaps of the reads."""
        return self.found.gaps

    @property
    def may_be_on_unread_list(self) -> bool:
        """Whether a title that is on no list may be on one that could not be read."""
        roster = None if self.scope is None else self.scope.roster
        return roster is not None and any(
            gap.kind is GapKind.PERSON
            and (gap.key in roster.labelled or gap.key not in roster.people)
            for gap in self.gaps
        )

    @property
    def unread_types(self) -> frozenset[MediaType]:
        """The types of which an item may exist that could not be read."""
        types = set[MediaType]()
        for gap in self.gaps:
            match gap.kind:
                case GapKind.LIBRARY | GapKind.PAGE:
                    library = self.libraries.get(gap.key.partition(":")[0])
                    types |= {library.type} if library else set(MediaType)
                case GapKind.ITEM:
                    types |= set(MediaType)
                case GapKind.PERSON | GapKind.LABEL:
                    pass  # about who wants or carries what, not about what exists
                case _:
                    assert_never(gap.kind)
        return frozenset(types)


def chosen_libraries(
    libraries: Iterable[Library], request: SyncRequest, settings: SyncSettings, *, in_full: bool
) -> list[Library]:
    """Return the libraries that a sync covers: those of the settings, or some of them.

    Unless they were read `in_full`, a library that is not among them may still exist.

    Raises ServiceError when none of the chosen ones exists (a Plex that is starting up lists none),
    when a named one may be among those that could not be read, or when the token may edit none of
    them: then it may not see their full contents either. Raises UnknownLibraryError when a name or
    key matches none that the settings cover.
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
            if not in_full:
                detail = f"library {name} is not listed, and not all of them could be read"
                raise ServiceError(Service.PLEX, Failure.IMPLAUSIBLE, detail)
            raise UnknownLibraryError(name)
    return [library for library in chosen if _is_named(library, names)]


def _is_named(library: Library, names: Sequence[str]) -> bool:
    """Return whether a library is named by its key or its name."""
    folded = {name.strip().casefold() for name in names}
    return library.key in folded or library.name.strip().casefold() in folded
