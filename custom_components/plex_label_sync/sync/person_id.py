"""What identifies a person: the source that knows them and its own id, `pulsarr:12`.

So people of two sources never meet under one id. To people and automations Pulsarr's ids are shown
bare, `12`, and what they enter may be either.
"""

import re
from typing import Final, NewType

PersonId = NewType("PersonId", str)

PULSARR: Final = "pulsarr"
NO_ID: Final = PersonId("")  # of a person of whom nothing but the name is known

_PERSON_ID: Final = re.compile(r"[a-z][a-z0-9_]*:[0-9A-Za-z][0-9A-Za-z_.-]*")
_NUMBER: Final = re.compile(r"[0-9]+")


def pulsarr_id(number: int) -> PersonId:
    """Return the id of one of Pulsarr's users."""
    return PersonId(f"{PULSARR}:{number}")


def source_of(person_id: PersonId) -> str:
    """Return the source that knows a person: `pulsarr` of `pulsarr:12`."""
    return person_id.partition(":")[0]


def own_id(person_id: PersonId) -> str:
    """Return the id by which the source itself knows a person: `12` of `pulsarr:12`."""
    return person_id.partition(":")[2]


def public_id(person_id: PersonId) -> str:
    """Return an id as options, entities and texts have it: `12` for one of Pulsarr's users."""
    source, _, own = person_id.partition(":")
    return own if source == PULSARR else person_id


def answered_id(person_id: PersonId) -> int | str:
    """Return an id as actions answer it: a number for one of Pulsarr's users, 0 for nobody's."""
    shown = public_id(person_id)
    return int(shown or 0) if shown.isdecimal() or not shown else shown


def named_id(text: str) -> PersonId | None:
    """Return the id that somebody enters, `12` or `pulsarr:12`; None for what is none."""
    own = text.strip()
    if _NUMBER.fullmatch(own):
        return pulsarr_id(int(own))
    return PersonId(own) if is_person_id(own) else None


def is_person_id(text: str) -> bool:
    """Tell whether a text has the form of a person's id."""
    return _PERSON_ID.fullmatch(text) is not None


def id_order(person_id: PersonId) -> tuple[int, str]:
    """Return by what ids are sorted: numbers of one source by what they amount to."""
    return len(person_id), person_id
