"""The last runs with their changes: written before Plex is, so that a crash loses nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from .model import Action, Change, RunKind, StartedBy
from .stored import Faults, flag, listed, number, part, rows, text, whole

RUNS_MAX: Final = 20
CHANGES_MAX: Final = 50_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One run that writes. `status` None means that it did not end: the process died.

    Until the run ends `changes` are the planned ones, afterwards the confirmed ones; `sent` tells
    of how many of the planned ones Plex may know, None where that was not written down.
    `started_by` is the name of a person, or one of StartedBy.
    """

    run_id: str
    kind: RunKind
    started: float
    changes: tuple[Change, ...]
    status: str | None = None
    sent: int | None = None
    started_by: str = StartedBy.UNKNOWN


class Journal:
    """The kept runs, oldest first; old ones go when there are too many."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        """Start with the entries that were stored."""
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

    def finish(self, run_id: str, status: str, changes: Sequence[Change]) -> None:
        """Replace a run's planned changes by what was confirmed, or what may be in Plex.

        A run that changed nothing is not kept: it must not push out one that can be undone.
        """
        ended = [
            replace(entry, status=status, changes=tuple(changes), sent=None)
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
        """Return a kept run that ended, or for None the last one that changed something."""
        for entry in reversed(self._entries):
            if entry.status is not None and entry.changes and run_id in {None, entry.run_id}:
                return entry
        return None

    @property
    def unfinished(self) -> tuple[Entry, ...]:
        """Runs that began and did not end."""
        return tuple(entry for entry in self._entries if entry.status is None)

    def as_dict(self) -> dict[str, Any]:
        """Return the entries as compact plain data.

        A change is a pair of positions, flat in one list per run: in `items` (library, rating
        key, title) and in `edits` (action, label, reason, whether the label is ours). Both
        repeat a lot and are kept once.
        """
        items: dict[tuple[str, str, str], int] = {}
        edits: dict[tuple[str, str, str, bool], int] = {}
        runs = []
        for entry in self._entries:
            changes: list[int] = []
            for one in entry.changes:
                item = (one.library, one.rating_key, one.title)
                edit = (one.action.value, one.label, one.reason, one.ours)
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
                }
            )
        return {"items": list(items), "edits": list(edits), "runs": runs}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], faults: Faults | None = None) -> "Journal":
        """Read what `as_dict` wrote; a run or a change that makes no sense is a fault of its own.

        Raises one of MALFORMED for anything else, and for any fault where nobody collects them.
        """
        # What is wrong keeps its place: the others are found by their positions.
        items = [part("journal", _item, row, faults) for row in listed(data["items"])]
        edits = [part("journal", _edit, row, faults) for row in listed(data["edits"])]

        def change(pair: tuple[object, object]) -> Change:
            item, edit = items[whole(pair[0])], edits[whole(pair[1])]
            if item is None or edit is None:
                raise LookupError("a change about something that makes no sense")
            (library, key, title), (action, label, reason, ours) = item, edit
            return Change(action, label, library, key, title, reason, ours)

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
            )

        return cls(rows("journal", entry, listed(data["runs"]), faults))


def _item(row: Sequence[object]) -> tuple[str, str, str]:
    library, key, title = row
    return text(library), text(key), text(title)


def _edit(row: Sequence[object]) -> tuple[Action, str, str, bool]:
    action, label, reason, ours = row
    return Action(text(action)), text(label), text(reason), flag(ours)
