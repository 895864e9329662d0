"""Which labels on which items this integration wrote."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from .model import Action, Change, Row, RowKey, fold

# Bits of a stored row's flags
_OFF: Final = 1
_PINNED: Final = 2
_MARK: Final = 4
_UNCONFIRMED: Final = 8


class Ledger:
    """The rows, by item and label. Labels are the same when they fold to the same text."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        """Start with the rows that were stored."""
        self._rows = {row.key: row for row in rows}

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        """Go through the rows as they are now."""
        return iter(tuple(self._rows.values()))

    def __contains__(self, key: RowKey) -> bool:
        """Tell whether there is a row for a rating key and a label."""
        rating_key, label = key
        return (rating_key, fold(label)) in self._rows

    def get(self, key: RowKey) -> Row | None:
        """Return the row for a rating key and a folded label."""
        return self._rows.get(key)

    def by_item(self) -> dict[str, list[Row]]:
        """Return the rows of each item, by rating key."""
        items: dict[str, list[Row]] = {}
        for row in self._rows.values():
            items.setdefault(row.rating_key, []).append(row)
        return items

    def apply(self, rows: Mapping[RowKey, Row | None]) -> None:
        """Replace rows; None takes one out."""
        for key, row in rows.items():
            if row is None:
                self._rows.pop(key, None)
            else:
                self._rows[key] = row

    def adopt(self, changes: Iterable[Change], now: float, *, undo: bool = False) -> None:
        """Take in changes that may or may not have reached Plex, as not confirmed.

        Then a label that is not there was not taken off by hand. What an undo takes off is to
        stay off: there it may look like that.
        """
        for change in changes:
            row = self._rows.get(change.key)
            if not change.ours:
                continue
            if change.action is Action.ADD:
                if row is None:
                    row = Row(change.label, change.library, change.rating_key, int(now))
                elif not row.off:
                    continue
            elif row is None or row.off or undo:
                continue
            self._rows[change.key] = replace(row, off=False, confirmed=False)

    def pin(self, keys: Iterable[RowKey]) -> None:
        """Let labels stay although nobody wants them."""
        for key in keys:
            if (row := self._rows.get(key)) is not None:
                self._rows[key] = replace(row, pinned=True)

    def clear_overrides(self, keys: Iterable[RowKey]) -> int:
        """Forget that labels were taken off by hand; return how many that were.

        Then nothing there is ours: the label is put on again, unless somebody did so already.
        The row of a mark stays, not confirmed, because it tells that the item was marked.
        """
        cleared = [row for key in keys if (row := self._rows.get(key)) is not None and row.off]
        for row in cleared:
            if row.mark:
                self._rows[row.key] = replace(row, off=False, confirmed=False)
            else:
                del self._rows[row.key]
        return len(cleared)

    def as_dict(self) -> dict[str, Any]:
        """Return the rows as compact plain data: label → library → rating key → the rest."""
        data: dict[str, Any] = {}
        for row in self._rows.values():
            flags = (
                _OFF * row.off
                + _PINNED * row.pinned
                + _MARK * row.mark
                + _UNCONFIRMED * (not row.confirmed)
            )
            data.setdefault(row.label, {}).setdefault(row.library, {})[row.rating_key] = [
                row.written,
                list(row.people),
                row.title_id,
                row.dropped,
                flags,
            ]
        return {"labels": data}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Ledger":
        """Read what `as_dict` wrote; raises KeyError, TypeError, ValueError or AttributeError."""
        return cls(
            Row(
                label=label,
                library=library,
                rating_key=rating_key,
                written=int(written),
                people=tuple(int(one) for one in people),
                title_id=str(title_id),
                dropped=int(dropped),
                off=bool(flags & _OFF),
                pinned=bool(flags & _PINNED),
                mark=bool(flags & _MARK),
                confirmed=not flags & _UNCONFIRMED,
            )
            for label, by_library in data["labels"].items()
            for library, items in by_library.items()
            for rating_key, (written, people, title_id, dropped, flags) in items.items()
        )
