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

    def copy(self) -> "Ledger":
        """Return a ledger with the rows as they are now."""
        copied = Ledger()
        copied._rows = dict(self._rows)
        return copied

    def as_dict(self) -> dict[str, Any]:
        """Return the rows as compact plain data.

        `items` holds (library, rating key, title id), `kinds` (label, people, flags); both
        repeat a lot and are kept once. A row is four numbers, flat in `rows`: the positions
        of both, the seconds since the row before was written, and since when nobody wants it.
        """
        items: dict[tuple[str, str, str], int] = {}
        kinds: dict[tuple[str, tuple[int, ...], int], int] = {}
        rows: list[int] = []
        before = 0
        for row in self._rows.values():
            item = (row.library, row.rating_key, row.title_id)
            flags = (
                _OFF * row.off
                + _PINNED * row.pinned
                + _MARK * row.mark
                + _UNCONFIRMED * (not row.confirmed)
            )
            rows += (
                items.setdefault(item, len(items)),
                kinds.setdefault((row.label, row.people, flags), len(kinds)),
                row.written - before,
                row.dropped,
            )
            before = row.written
        return {"items": list(items), "kinds": list(kinds), "rows": rows}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Ledger":
        """Read what `as_dict` wrote.

        Raises LookupError, TypeError, ValueError or AttributeError for anything else.
        """
        items = [
            (str(library), str(key), str(title_id)) for library, key, title_id in data["items"]
        ]
        kinds = [
            (str(label), tuple(int(one) for one in people), int(flags))
            for label, people, flags in data["kinds"]
        ]
        numbers: list[int] = data["rows"]
        columns = [numbers[start::4] for start in range(4)]
        written = 0
        rows = []
        for item, kind, later, dropped in zip(*columns, strict=True):
            if min(item, kind) < 0:
                raise ValueError("a position below zero")
            library, rating_key, title_id = items[item]
            label, people, flags = kinds[kind]
            written += int(later)
            rows.append(
                Row(
                    label=label,
                    library=library,
                    rating_key=rating_key,
                    written=written,
                    people=people,
                    title_id=title_id,
                    dropped=int(dropped),
                    off=bool(flags & _OFF),
                    pinned=bool(flags & _PINNED),
                    mark=bool(flags & _MARK),
                    confirmed=not flags & _UNCONFIRMED,
                )
            )
        return cls(rows)
