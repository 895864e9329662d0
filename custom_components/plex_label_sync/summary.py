"""The results of runs that entities show, stored so that they survive a restart. Pure."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from .sync.changes import Action
from .sync.ledger import Ledger
from .sync.person_id import PersonId
from .sync.protection import Baseline
from .sync.request import FullRequest
from .sync.run import Run, RunStatus
from .sync.stored import Faults, listed, part, person_id, record, rows
from .sync.title_status import Figures, PersonFigures


@dataclass(frozen=True, slots=True)
class LastLabelled:
    """The item labelled last; `at` is in seconds since the epoch."""

    title: str
    rating_key: str
    library: str
    at: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The results of runs; None means not known yet.

    `last_sync` is the end of the last full sync in seconds since the epoch, `duration` its length
    in seconds; `incomplete` means that it left changes undone. `added` and `removed` are the counts
    of the last run that changed something. `people` holds people's figures by id, None before the
    first full sync.
    """

    last_sync: float | None = None
    duration: float | None = None
    incomplete: bool = False
    titles: int | None = None
    missing: int | None = None
    wanting: int | None = None
    added: int | None = None
    removed: int | None = None
    added_total: int = 0
    removed_total: int = 0
    people: Mapping[PersonId, PersonFigures] | None = None
    last_labelled: LastLabelled | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as plain data."""
        people = (
            None if self.people is None else [[one, asdict(f)] for one, f in self.people.items()]
        )
        last = None if self.last_labelled is None else asdict(self.last_labelled)
        return {**asdict(replace(self, people=None)), "people": people, "last_labelled": last}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], faults: Faults | None) -> "Summary":
        """Restore a summary from `as_dict`; each person and the last item may fail separately.

        Raises one of MALFORMED if `faults` is None.
        """
        parts = {"people", "last_labelled"}
        own = {name: value for name, value in data.items() if name not in parts}
        found = part("summary", partial(record, cls), own, faults) or cls()
        people, last = data.get("people"), data.get("last_labelled")
        return replace(
            found,
            people=None if people is None else part("summary", _people(faults), people, faults),
            last_labelled=None
            if last is None
            else part("summary", partial(record, LastLabelled), last, faults),
        )


def _people(faults: Faults | None) -> Callable[[object], dict[PersonId, PersonFigures]]:
    def person(row: Sequence[Any]) -> tuple[PersonId, PersonFigures]:
        known_as, figures = row
        return person_id(known_as), record(PersonFigures, figures)

    return lambda value: dict(rows("summary", person, listed(value), faults))


def of_earlier_version(data: Mapping[str, Any]) -> tuple[Summary, Baseline]:
    """Convert an older file without people's figures; it describes only the last full sync.

    Raises one of MALFORMED.
    """
    last = record(_LastSync, data)
    summary = Summary(
        last_sync=last.finished,
        duration=last.duration,
        titles=last.titles,
        missing=last.missing,
        wanting=last.wanting,
        added=last.added,
        removed=last.removed,
    )
    return summary, Baseline(last.people, last.titles)


@dataclass(frozen=True, slots=True)
class _LastSync:
    """The data that earlier versions stored about the last full sync without held changes."""

    finished: float
    titles: int
    missing: int
    added: int
    removed: int
    people: int = 0
    wanting: int = 0
    duration: float = 0.0


def after_changes(summary: Summary, run: Run, ledger: Ledger) -> Summary:
    """Return a summary updated with a run's changes; unchanged if there were none."""
    if not run.changes:
        return summary
    added = run.added
    removed = len(run.changes) - added
    last = summary.last_labelled
    for one in reversed(run.changes):
        # A removed marker is not a label for a person.
        is_marker = (row := ledger.get(one.key)) is not None and row.is_removed_marker
        if one.action is Action.ADD and not is_marker:
            last = LastLabelled(one.title, one.rating_key, one.library, run.started + run.duration)
            break
    return replace(
        summary,
        added=added,
        removed=removed,
        added_total=summary.added_total + added,
        removed_total=summary.removed_total + removed,
        last_labelled=last,
    )


def after_sync(summary: Summary, request: FullRequest, run: Run) -> Summary:
    """Return a summary updated with the result of a full sync that was not a dry run."""
    incomplete = run.status is RunStatus.FAILED or bool(run.failed)
    summary = replace(summary, incomplete=incomplete)
    if not request.whole or run.error is not None:
        return summary
    return replace(summary, last_sync=run.started + run.duration, duration=run.duration)


def with_figures(summary: Summary, figures: Figures) -> Summary:
    """Return a summary updated with the known figures of titles and people.

    Unknown figures keep their previous value, as do people who may not have left.
    """
    before = summary.people or {}
    stay: Container[PersonId] = before if figures.staying is None else figures.staying
    people = {one: some for one, some in before.items() if one in stay}
    for one, now in figures.people.items():
        people[one] = _known(now, before.get(one))
    return replace(
        summary,
        titles=summary.titles if figures.titles is None else figures.titles,
        missing=summary.missing if figures.missing is None else figures.missing,
        wanting=summary.wanting if figures.wanting is None else figures.wanting,
        people=people,
    )


def _known(now: PersonFigures, before: PersonFigures | None) -> PersonFigures:
    if before is None or now.labelled is not None:
        return now
    wanted = before.wanted if now.wanted is None else now.wanted
    return replace(before, name=now.name, label=now.label, wanted=wanted)
