"""The last runs with their changes: written before Plex is, so that a crash loses nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from .model import Action, Change, RunKind

RUNS_MAX: Final = 20
CHANGES_MAX: Final = 50_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One run that writes. `status` None means that it did not end: the process died.

    Until the run ends `changes` are the planned ones, afterwards the confirmed ones.
    """

    run_id: str
    kind: RunKind
    started: float
    changes: tuple[Change, ...]
    status: str | None = None


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
        while len(self._entries) > 1 and (
            len(self._entries) > RUNS_MAX
            or sum(len(one.changes) for one in self._entries) > CHANGES_MAX
        ):
            del self._entries[0]

    def finish(self, run_id: str, status: str, changes: Sequence[Change]) -> None:
        """Replace a run's planned changes by what was confirmed, or what may be in Plex."""
        self._entries = [
            replace(entry, status=status, changes=tuple(changes))
            if entry.run_id == run_id
            else entry
            for entry in self._entries
        ]

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
        """Return the entries as plain data."""
        return {
            "runs": [
                {
                    "id": entry.run_id,
                    "kind": entry.kind.value,
                    "started": entry.started,
                    "status": entry.status,
                    "changes": [
                        [
                            change.action.value,
                            change.label,
                            change.library,
                            change.rating_key,
                            change.title,
                            change.reason,
                            change.ours,
                        ]
                        for change in entry.changes
                    ],
                }
                for entry in self._entries
            ]
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Journal":
        """Read what `as_dict` wrote; raises KeyError, TypeError or ValueError."""
        return cls(
            Entry(
                run_id=str(run["id"]),
                kind=RunKind(run["kind"]),
                started=float(run["started"]),
                status=run["status"],
                changes=tuple(
                    Change(Action(action), label, library, rating_key, title, reason, ours)
                    for action, label, library, rating_key, title, reason, ours in run["changes"]
                ),
            )
            for run in data["runs"]
        )
