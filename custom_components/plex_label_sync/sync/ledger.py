"""Which labels the integration wrote on which items."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import batched, chain
from typing import Any, Final

from .changes import Action, Change, Row, RowKey
from .model import Person, fold
from .person_id import PersonId, id_order, is_person_id, source_of
from .stored import Faults, listed, part, person_id, rows, text, whole

# Flag bits of a stored row.
_OFF: Final = 1
_PINNED: Final = 2
_MARK: Final = 4
_UNCONFIRMED: Final = 8
_UNDONE: Final = 16


class Ledger:
    """The rows, by item and label. Labels are the same if they fold to the same text.

    `people` are all people ever seen in Pulsarr, by id, so that one who left, or got a new id
    through the Plex account, is still known by name. `former` maps ids that people had before to
    their Plex accounts.
    """

    def __init__(
        self,
        rows: Iterable[Row] = (),
        people: Iterable[Person] = (),
        former: Mapping[PersonId, str] | None = None,
    ) -> None:
        """Initialize with the stored data."""
        # Replaced as a whole and never changed: threads read it while runs write.
        self._rows: Mapping[RowKey, Row] = {row.key: row for row in rows}
        self.people = {person.id: person for person in people}
        self.former = dict(former or {})

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        """Iterate over the rows as they are now."""
        return iter(self._rows.values())

    def __contains__(self, key: RowKey) -> bool:
        """Return whether there is a row for a rating key and a label."""
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

    @property
    def owners(self) -> frozenset[PersonId]:
        """The people for whom there are labels."""
        return frozenset(chain.from_iterable({row.people for row in self._rows.values()}))

    def labels_of_one(self) -> set[tuple[str, PersonId]]:
        """Return the labels that were written for a single person, with that person's id."""
        return {(row.label, row.people[0]) for row in self._rows.values() if len(row.people) == 1}

    def moved(self, people: Iterable[Person]) -> dict[PersonId, PersonId]:
        """Return the new ids of people whom the ledger knows under an id that no longer exists.

        An account that another source also knows has its own id there.
        """
        now = {person.id: person for person in people}
        by_account = {
            (source_of(person.id), person.uuid): person.id for person in now.values() if person.uuid
        }
        return {
            old.id: by_account[account]
            for old in self.people.values()
            if old.uuid
            and old.id not in now
            and (account := (source_of(old.id), old.uuid)) in by_account
        }

    def follow(self, people: Iterable[Person]) -> bool:
        """Record the current people; return whether anything changed.

        A Plex account under a new id, because an older Pulsarr made a new row when the person was
        renamed, is the same person: the labels follow.
        """
        now = {person.id: person for person in people}
        moved = self.moved(now.values())
        if moved:
            rows = dict(self._rows)
            for key, row in self._rows.items():
                if not moved.keys().isdisjoint(row.people):
                    ids = sorted({moved.get(one, one) for one in row.people}, key=id_order)
                    rows[key] = replace(row, people=tuple(ids))
            self._rows = rows
        before = dict(self.people)
        for old in moved:
            self.former[old] = self.people.pop(old).uuid
        self.people |= {
            one.id: replace(one, wanted=None) if one.wanted is not None else one
            for one in now.values()
            if one.username  # a single response without the name does not rename anyone
        }
        return bool(moved) or before != self.people

    def ids_now(self, ids: Iterable[PersonId], people: Iterable[Person]) -> frozenset[PersonId]:
        """Return ids together with the current ids of the same Plex accounts."""
        some = frozenset(ids)
        uuids = {one.uuid for one in self.people.values() if one.id in some and one.uuid}
        uuids |= {uuid for number, uuid in self.former.items() if number in some}
        return some | {person.id for person in people if person.uuid in uuids and person.uuid}

    def apply(self, rows: Mapping[RowKey, Row | None]) -> None:
        """Replace rows; None deletes a row."""
        applied = dict(self._rows)
        for key, row in rows.items():
            if row is None:
                applied.pop(key, None)
            else:
                applied[key] = row
        self._rows = applied

    def adopt(
        self,
        changes: Iterable[Change],
        now: float,
        *,
        undo: bool = False,
        rows: Mapping[RowKey, Row | None] | None = None,
    ) -> None:
        """Record changes that may or may not have reached Plex, as not confirmed.

        A label that is then absent does not count as removed by hand. A removal by an undo is
        final, so there it may. `rows` are the rows that the changes were to create.
        """
        planned = rows or {}
        adopted = dict(self._rows)
        for change in changes:
            row = adopted.get(change.key)
            if not change.is_own:
                continue
            if change.action is Action.ADD:
                if row is None:
                    row = planned.get(change.key) or Row(
                        change.label, change.library, change.rating_key, int(now)
                    )
                elif not row.removed_by_user:
                    continue
            elif row is None or row.removed_by_user:
                continue
            elif undo:
                adopted[change.key] = replace(row, removed_by_undo=True)
                continue
            adopted[change.key] = replace(row.put_back(), confirmed=False)
        self._rows = adopted

    def pin(self, keys: Iterable[RowKey]) -> None:
        """Keep labels although they are no longer wanted."""
        rows = (row for key in keys if (row := self._rows.get(key)) is not None)
        self._rows = {**self._rows, **{row.key: replace(row, pinned=True) for row in rows}}

    def clear_overrides(self, keys: Iterable[RowKey]) -> int:
        """Forget that labels were removed by hand or by an undo; return the number of these.

        From then on they are not the integration's: each is added again, unless a person already
        did so. The row of a mark stays, as not confirmed, because it shows that the item was
        marked.
        """
        cleared = [
            row for key in keys if (row := self._rows.get(key)) is not None and row.removed_by_user
        ]
        self.apply(
            {
                row.key: replace(row.put_back(), confirmed=False) if row.is_removed_marker else None
                for row in cleared
            }
        )
        return len(cleared)

    def note_undone(self, changes: Iterable[Change]) -> None:
        """Record that an undo removed the labels that are kept off."""
        rows = dict(self._rows)
        for change in changes:
            row = rows.get(change.key)
            if change.action is Action.REMOVE and row is not None and row.removed_by_user:
                rows[change.key] = replace(row, removed_by_undo=True)
        self._rows = rows

    def copy(self) -> "Ledger":
        """Return a ledger with the current rows."""
        copied = Ledger()
        copied._rows = self._rows
        copied.people = dict(self.people)
        copied.former = dict(self.former)
        return copied

    def as_dict(self) -> dict[str, Any]:
        """Return the rows as compact plain data.

        `items` holds (library, rating key, title id) and `identities`, of the same length,
        (library's uuid, type, primary guid, time of addition, external ids); `kinds` (label,
        people, flags). Repeated values are stored once. A row is four numbers in the flat list
        `rows`: the positions of item and kind, the seconds since the previous row was written, and
        since when it is unwanted or kept off. `people` are (id, username, alias, display name, account),
        `former` (id, account).
        """
        items: dict[tuple[tuple[str, str, str], _Identity], int] = {}
        kinds: dict[tuple[str, tuple[PersonId, ...], int], int] = {}
        rows: list[int] = []
        before = 0
        for row in self._rows.values():
            item = (
                (row.library, row.rating_key, row.title_id),
                (row.uuid, row.type, row.guid, row.added, row.ids),
            )
            flags = (
                _OFF * row.removed_by_user
                + _PINNED * row.pinned
                + _MARK * row.is_removed_marker
                + _UNCONFIRMED * (not row.confirmed)
                + _UNDONE * row.removed_by_undo
            )
            rows += (
                items.setdefault(item, len(items)),
                kinds.setdefault((row.label, row.people, flags), len(kinds)),
                row.written - before,
                row.unwanted_since,
            )
            before = row.written
        return {
            "items": [item for item, _ in items],
            "identities": [
                (uuid, type_, guid, added, sorted(ids))
                for _, (uuid, type_, guid, added, ids) in items
            ],
            "kinds": list(kinds),
            "rows": rows,
            "people": [
                (one.id, one.username, one.alias, one.display_name, one.uuid)
                for one in self.people.values()
            ],
            **({"former": [[*one] for one in self.former.items()]} if self.former else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], faults: Faults | None = None) -> "Ledger":
        """Read the output of `as_dict`; each malformed row is a fault.

        Raises one of MALFORMED for anything else, and for any fault if `faults` is None.
        """
        # Malformed rows keep their place, because rows refer to items and kinds by position.
        items = [part("ledger", _item, row, faults) for row in listed(data["items"])]
        kinds = [part("ledger", _kind, row, faults) for row in listed(data["kinds"])]
        identities = _identities(data.get("identities"), len(items))
        numbers = listed(data["rows"])
        written = 0

        def row_of(some: Sequence[object]) -> Row:
            nonlocal written
            at, kind_at, later, dropped = some
            written += _step(later)
            item, kind = items[whole(at)], kinds[whole(kind_at)]
            if item is None or kind is None:
                raise LookupError("a row of an invalid item or label")
            (library, rating_key, title_id), (label, people, flags) = item, kind
            uuid, type_, guid, added, ids = identities[whole(at)]
            return Row(
                label=label,
                library=library,
                rating_key=rating_key,
                written=written,
                people=people,
                title_id=title_id,
                unwanted_since=whole(dropped),
                removed_by_user=bool(flags & _OFF),
                pinned=bool(flags & _PINNED),
                is_removed_marker=bool(flags & _MARK),
                confirmed=not flags & _UNCONFIRMED,
                removed_by_undo=bool(flags & _UNDONE),
                uuid=uuid,
                type=type_,
                guid=guid,
                ids=ids,
                added=added,
            )

        found = rows("ledger", row_of, batched(numbers, 4, strict=False), faults)
        return cls(found, _people(data.get("people")), _former(data.get("former")))


def _item(row: Sequence[object]) -> tuple[str, str, str]:
    library, key, title_id = row
    if not text(key).isdecimal():
        raise ValueError("a rating key is not a number")
    return text(library), text(key), text(title_id)


def _kind(row: Sequence[object]) -> tuple[str, tuple[PersonId, ...], int]:
    label, people, flags = row
    return text(label), tuple(map(person_id, listed(people))), whole(flags)


def _step(value: object) -> int:
    """Return the seconds between two rows, which may be negative. Raises TypeError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("not a whole number")
    return value


type _Identity = tuple[str, str, str, int, frozenset[str]]

_NOTHING_KNOWN: Final[_Identity] = ("", "", "", 0, frozenset())


def _identities(rows: object, count: int) -> list[_Identity]:
    """Return what is known of each item; nothing for a malformed row.

    Without an identity a label is still the integration's, and only its rating key identifies the
    item.
    """
    some = rows if isinstance(rows, list) else []
    known = [_identity(row) for row in some[:count]]
    return known + [_NOTHING_KNOWN] * (count - len(known))


def _identity(row: object) -> _Identity:
    match row:
        case [str(uuid), str(type_), str(guid), int(added), [*ids]]:
            return uuid, type_, guid, added, frozenset(one for one in ids if isinstance(one, str))
        case _:
            return _NOTHING_KNOWN


def _people(rows: object) -> list[Person]:
    """Return the people in the ledger, without malformed rows."""
    people = []
    for row in rows if isinstance(rows, list) else []:
        match row:
            case [str(number), str(name), alias, display_name, str(uuid)] if is_person_id(number):
                people.append(
                    Person(
                        PersonId(number),
                        name,
                        alias if isinstance(alias, str) else None,
                        display_name if isinstance(display_name, str) else None,
                        uuid=uuid,
                    )
                )
    return people


def _former(rows: object) -> dict[PersonId, str]:
    """Return the accounts of former ids, without malformed rows."""
    former = {}
    for row in rows if isinstance(rows, list) else []:
        match row:
            case [str(number), str(uuid)] if is_person_id(number):
                former[PersonId(number)] = uuid
    return former
