"""The last runs with their changes, written before Plex is, so that a crash loses nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypedDict

from .changes import Action, Change, RowKey
from .model import MediaType
from .reasons import PersonRef, Reason
from .run import RunKind, StartedBy
from .stored import Faults, flag, listed, number, part, rows, text, whole
from .stored_reasons import person_ref, reason_as_dict, reason_of

if TYPE_CHECKING:
    from .person_id import PersonId

RUNS_MAX: Final = 200
CHANGES_MAX: Final = 50_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One run that writes. `status` None means that it did not end: the process died.

    Until the run ends, `changes` are the planned ones, afterwards the confirmed ones. `sent` counts
    the planned changes that may have reached Plex, None where that was not stored. `started_by` is
    the name of a person, or one of StartedBy.
    """

    run_id: str
    kind: RunKind
    started: float
    changes: tuple[Change, ...]
    status: str | None = None
    sent: int | None = None
    started_by: str = StartedBy.UNKNOWN
    confirmed: bool = True  # something was read back, or may have been


class Journal:
    """The kept runs, oldest first; the oldest are dropped when there are too many."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        """Initialize with the stored entries."""
        self._entries = list(entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All kept runs, oldest first."""
        return tuple(self._entries)

    def begin(self, entry: Entry) -> None:
        """Add a run that is about to write."""
        self._entries.append(entry)

    def sending(self, run_id: str, count: int) -> None:
        """Note that the first `count` changes of a run may be sent from now on."""
        self._entries = [
            replace(entry, sent=count) if entry.run_id == run_id else entry
            for entry in self._entries
        ]

    def finish(
        self, run_id: str, status: str, changes: Sequence[Change], *, confirmed: bool = True
    ) -> None:
        """Replace a run's planned changes with the confirmed ones and those that may be in Plex.

        A run that changed nothing is not kept: it must not displace one that can be undone. Nor
        must one that tried the same as an earlier one, both with nothing `confirmed`: that is
        replaced.
        """
        if not confirmed:
            self._entries = [
                entry
                for entry in self._entries
                if entry.status is None or entry.confirmed or entry.changes != tuple(changes)
            ]
        ended = [
            replace(entry, status=status, changes=tuple(changes), sent=None, confirmed=confirmed)
            if entry.run_id == run_id
            else entry
            for entry in self._entries
        ]
        self._entries = [entry for entry in ended if entry.changes or entry.status is None]
        while len(self._entries) > 1 and (
            len(self._entries) > RUNS_MAX
            or sum(len(one.changes) for one in self._entries) > CHANGES_MAX
        ):
            del self._entries[0]

    def get(self, run_id: str | None) -> Entry | None:
        """Return a finished run by id, or for None the last one that changed something."""
        for entry in reversed(self._entries):
            if entry.status is not None and entry.changes and run_id in {None, entry.run_id}:
                return entry
        return None

    @property
    def unfinished(self) -> tuple[Entry, ...]:
        """The runs that began and did not end."""
        return tuple(entry for entry in self._entries if entry.status is None)

    def as_dict(self) -> dict[str, Any]:
        """Return the entries as compact plain data.

        A change is a pair of positions, in one flat list per run: in `items` (library's position,
        rating key, title, type, title id) and in `edits` (action, label, whether the integration
        wrote the label, reason, people's positions). Repeated values are stored once, as are
        `libraries` (key, name) and `people` (id, name).
        """
        libraries: dict[tuple[str, str], int] = {}
        people: dict[tuple[PersonId, str], int] = {}
        items: dict[tuple[int, str, str, str, str], int] = {}
        edits: dict[tuple[str, str, bool, Reason, tuple[int, ...]], int] = {}
        runs = []
        for entry in self._entries:
            changes: list[int] = []
            for one in entry.changes:
                library = (one.library, one.library_name)
                at = libraries.setdefault(library, len(libraries))
                kind = "" if one.type is None else one.type.value
                item = (at, one.rating_key, one.title, kind, one.title_id)
                who = tuple(
                    people.setdefault((ref.id, ref.name), len(people)) for ref in one.people
                )
                edit = (one.action.value, one.label, one.is_own, one.reason, who)
                changes.append(items.setdefault(item, len(items)))
                changes.append(edits.setdefault(edit, len(edits)))
            runs.append(
                {
                    "id": entry.run_id,
                    "kind": entry.kind.value,
                    "started": entry.started,
                    "by": entry.started_by,
                    "status": entry.status,
                    "changes": changes,
                    **({} if entry.sent is None else {"sent": entry.sent}),
                    **({} if entry.confirmed else {"confirmed": False}),
                }
            )
        return {
            "libraries": list(libraries),
            "people": list(people),
            "items": list(items),
            "edits": [(*edit, reason_as_dict(reason), who) for *edit, reason, who in edits],
            "runs": runs,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], faults: Faults | None = None) -> "Journal":
        """Read the output of `as_dict`; each malformed run or change is a fault.

        Raises one of MALFORMED for anything else, and for any fault if `faults` is None.
        """

        # Malformed rows keep their place, because the others are found by position.
        def table[T](name: str, read: Callable[[Sequence[Any]], T]) -> list[T | None]:
            return [part("journal", read, row, faults) for row in listed(data[name])]

        libraries = table("libraries", _library)
        people = table("people", person_ref)
        items = table("items", partial(_item, libraries))
        edits = table("edits", partial(_edit, people))

        def change(pair: tuple[object, object]) -> Change:
            item, edit = items[whole(pair[0])], edits[whole(pair[1])]
            if item is None or edit is None:
                raise LookupError("a change of an invalid item or label")
            return Change(**item, **edit)

        def entry(run: Mapping[str, Any]) -> Entry:
            changes = listed(run["changes"])
            pairs = zip(changes[::2], changes[1::2], strict=True)
            return Entry(
                run_id=text(run["id"]),
                kind=RunKind(run["kind"]),
                started=number(run["started"]),
                status=None if run["status"] is None else text(run["status"]),
                started_by=text(run.get("by", StartedBy.UNKNOWN.value)),
                sent=None if (sent := run.get("sent")) is None else whole(sent),
                changes=tuple(rows("journal", change, pairs, faults)),
                confirmed=flag(run.get("confirmed", True)),
            )

        return cls(rows("journal", entry, listed(data["runs"]), faults))


class _ItemFields(TypedDict):
    library: str
    library_name: str
    rating_key: str
    title: str
    type: MediaType | None
    title_id: str


class _EditFields(TypedDict):
    action: Action
    label: str
    is_own: bool
    reason: Reason
    people: tuple[PersonRef, ...]


def _library(row: Sequence[object]) -> tuple[str, str]:
    key, name = row
    return text(key), text(name)


def _item(libraries: Sequence[tuple[str, str] | None], row: Sequence[object]) -> _ItemFields:
    at, rating_key, title, kind, title_id = row
    if (library := libraries[whole(at)]) is None:
        raise LookupError("an item of an invalid library")
    return {
        "library": library[0],
        "library_name": library[1],
        "rating_key": text(rating_key),
        "title": text(title),
        "type": MediaType(text(kind)) if text(kind) else None,
        "title_id": text(title_id),
    }


def _edit(people: Sequence[PersonRef | None], row: Sequence[object]) -> _EditFields:
    action, label, is_own, reason, who = row
    some = [people[whole(at)] for at in listed(who)]
    return {
        "action": Action(text(action)),
        "label": text(label),
        "is_own": flag(is_own),
        "reason": reason_of(reason),
        # Without the name the change still shows what was done.
        "people": tuple(filter(None, some)),
    }


def removed_by_undo(entries: Iterable[Entry]) -> dict[RowKey, float]:
    """Return when an undo last removed which labels, in seconds since the epoch."""
    return {
        change.key: entry.started
        for entry in entries
        if entry.kind is RunKind.UNDO
        for change in entry.changes
        if change.action is Action.REMOVE
    }
