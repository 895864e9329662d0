"""Identifies a person by the source that knows them and its own id: `pulsarr:12`.

People of two sources therefore never share an id. Users and automations see Pulsarr's ids bare,
`12`, and may enter either form.
"""

import re
from typing import Final, NewType

PersonId = NewType("PersonId", str)

PULSARR: Final = "pulsarr"
NO_ID: Final = PersonId("")  # of a person known by name only

_PERSON_ID: Final = re.compile(r"[a-z][a-z0-9_]*:[0-9A-Za-z][0-9A-Za-z_.-]*")
_NUMBER: Final = re.compile(r"[0-9]+")


def pulsarr_id(number: int) -> PersonId:
    """Return the id of a Pulsarr user."""
    return PersonId(f"{PULSARR}:{number}")


def source_of(person_id: PersonId) -> str:
    """Return the source that knows a person: `pulsarr` of `pulsarr:12`."""
    return person_id.partition(":")[0]


def own_id(person_id: PersonId) -> str:
    """Return the id within the source: `12` of `pulsarr:12`."""
    return person_id.partition(":")[2]


def public_id(person_id: PersonId) -> str:
    """Return an id as used in options, entities and texts: `12` for a Pulsarr user."""
    source, _, own = person_id.partition(":")
    return own if source == PULSARR else person_id


def answered_id(person_id: PersonId) -> int | str:
    """Return an id as used in action responses: a number for a Pulsarr user, 0 for NO_ID."""
    shown = public_id(person_id)
    return int(shown or 0) if shown.isdecimal() or not shown else shown


def named_id(text: str) -> PersonId | None:
    """Return the id that a text stands for, `12` or `pulsarr:12`; None if it is not one."""
    own = text.strip()
    if _NUMBER.fullmatch(own):
        return pulsarr_id(int(own))
    return PersonId(own) if is_person_id(own) else None


def is_person_id(text: str) -> bool:
    """Return whether a text has the form of a person's id."""
    return _PERSON_ID.fullmatch(text) is not None


def id_order(person_id: PersonId) -> tuple[int, str]:
    """Return the sort key of ids: within a source, numeric ids by value."""
    return len(person_id), person_id
