"""Migrates files in which people were identified by numbers, those of Pulsarr's users. Pure.

Malformed values are kept unchanged: the readers leave them out individually.
"""

from collections.abc import Callable, Mapping
import re
from typing import Any, Final

from ..sync.model import GapKind
from ..sync.person_id import NO_ID, pulsarr_id

type Data = dict[str, Any]

_NUMBER: Final = re.compile(r"[0-9]+")
_REPORTED: Final = re.compile(r"([0-9]+)(\|.*)", re.DOTALL)


def ledger_with_sources(data: Data) -> Data:
    """Return a ledger whose people are identified by source and id."""
    return _each(
        data, {"kinds": _at(1, _list_of(_id)), "people": _at(0, _id), "former": _at(0, _id)}
    )


def journal_with_sources(data: Data) -> Data:
    """Return a journal, and its other records, with people identified by source and id."""
    data = _each(data, {"people": _at(0, _ref_id)})
    held, summary, knowledge = data.get("held"), data.get("summary"), data.get("knowledge")
    if isinstance(held, Mapping):
        data["held"] = _each(held, {"groups": _at(1, _list_of(_at(0, _ref_id)))})
    if isinstance(summary, Mapping):
        data["summary"] = _each(summary, {"people": _at(0, _id)})
    if isinstance(knowledge, Mapping):
        of_id = _at(0, _id)
        data["knowledge"] = _each(knowledge, {"counts": of_id, "doubted": of_id, "gaps": _gap})
    return data


def sharing_with_sources(data: Data) -> Data:
    """Return the records of the shares with people identified by source and id."""
    return _each(data, {"told": _reported})


def confirmed_with_sources(data: object) -> object:
    """Return an entry's confirmed names with people identified by source and id.

    People identified by their Plex account stay so.
    """
    if not isinstance(data, Mapping):
        return data
    people = data.get("people")
    rows = people if isinstance(people, list) else []
    accounts = {str(row[1]) for row in rows if isinstance(row, list) and len(row) > 1}

    def key(value: object) -> object:
        if not isinstance(value, str) or value in accounts or not _NUMBER.fullmatch(value):
            return value
        return pulsarr_id(int(value))

    def keys(labels: object) -> object:
        if not isinstance(labels, Mapping):
            return labels
        return {label: _list_of(key)(some) for label, some in labels.items()}

    return {
        **_each(data, {"people": _at(0, _id)}),
        **{name: keys(data[name]) for name in ("meant", "left") if name in data},
    }


type _Change = Callable[[Any], Any]


def _id(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return pulsarr_id(value)


def _ref_id(value: object) -> object:
    """Return the id of a person in a change; 0 was a person known by name only."""
    return NO_ID if value == 0 and not isinstance(value, bool) else _id(value)


def _gap(row: object) -> object:
    """Return a gap; that of a person's list has the person's id as its key."""
    match row:
        case [GapKind.PERSON.value, str(key), *rest] if _NUMBER.fullmatch(key):
            return [GapKind.PERSON.value, pulsarr_id(int(key)), *rest]
        case _:
            return row


def _reported(value: object) -> object:
    found = _REPORTED.fullmatch(value) if isinstance(value, str) else None
    return value if found is None else f"{pulsarr_id(int(found[1]))}{found[2]}"


def _list_of(change: _Change) -> _Change:
    return lambda value: [change(one) for one in value] if isinstance(value, list) else value


def _at(position: int, change: _Change) -> _Change:
    """Return a function that changes one element of a row."""

    def changed(row: object) -> object:
        if not isinstance(row, list) or len(row) <= position:
            return row
        return [*row[:position], change(row[position]), *row[position + 1 :]]

    return changed


def _each(data: Mapping[str, Any], changes: Mapping[str, _Change]) -> Data:
    """Return data with each row of some of its lists changed."""
    return {
        **data,
        **{name: _list_of(change)(data[name]) for name, change in changes.items() if name in data},
    }
