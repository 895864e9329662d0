"""Which labels on which items this integration wrote."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .model import Action, Change, fold


@dataclass(frozen=True, slots=True)
class Row:
    """One label that we wrote on one item. `written` is in seconds since the epoch."""

    label: str
    library: str
    rating_key: str
    written: int


class Ledger:
    """The rows, by item and label. Labels are the same when they fold to the same text."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        """Start with the rows that were stored."""
        self._rows = {(row.rating_key, fold(row.label)): row for row in rows}

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def __contains__(self, key: tuple[str, str]) -> bool:
        """Tell whether we wrote the label on the item: `(rating_key, label) in ledger`."""
        rating_key, label = key
        return (rating_key, fold(label)) in self._rows

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows."""
        return tuple(self._rows.values())

    @property
    def items(self) -> frozenset[str]:
        """The rating keys of all items that have a row."""
        return frozenset(rating_key for rating_key, _ in self._rows)

    @property
    def labels(self) -> frozenset[str]:
        """All labels that have a row, folded."""
        return frozenset(label for _, label in self._rows)

    def record(self, changes: Iterable[Change], now: float) -> None:
        """Take in changes that were made in Plex, or are about to be."""
        for change in changes:
            key = (change.rating_key, fold(change.label))
            if change.action is Action.ADD:
                self._rows.setdefault(
                    key, Row(change.label, change.library, change.rating_key, int(now))
                )
            else:
                self._rows.pop(key, None)

    def as_dict(self) -> dict[str, Any]:
        """Return the rows as compact plain data: label → library → rating key → written."""
        data: dict[str, Any] = {}
        for row in self._rows.values():
            data.setdefault(row.label, {}).setdefault(row.library, {})[row.rating_key] = row.written
        return {"labels": data}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Ledger":
        """Read what `as_dict` wrote; raises KeyError, TypeError, ValueError or AttributeError."""
        return cls(
            Row(label, library, rating_key, int(written))
            for label, by_library in data["labels"].items()
            for library, items in by_library.items()
            for rating_key, written in items.items()
        )
