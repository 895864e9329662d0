"""Why a plan changes something, and for whom: codes with their parameters, no sentences. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .person_id import PersonId


class ReasonCode(StrEnum):
    """Why a label is added or removed; each has a translated text.

    Codes are stored in the journal and answered by actions: they keep their values.
    """

    WANTED = "wanted"  # the people want the title
    RENAMED_FROM = "renamed_from"  # the people's former label was another
    RENAMED_TO = "renamed_to"  # another label takes the place of this one
    NOT_WANTED = "not_wanted"  # on no watchlist
    PERSON_GONE = "person_gone"  # the person is no longer in Pulsarr
    SYNC_OFF = "sync_off"  # the person's sync is off in Pulsarr
    PERSON_EXCLUDED = "person_excluded"  # an option excludes the person
    REMATCHED = "rematched"  # Plex takes the item for another title now
    MARKED = "marked"  # the label says that nobody wants the title any more
    WANTED_AGAIN = "wanted_again"  # the mark goes
    FOREIGN = "foreign"  # somebody else's label, and the options do not preserve these
    UNDO = "undo"  # an earlier run is undone
    REQUESTED = "requested"  # somebody asked to remove the labels
    UNRECORDED = "unrecorded"  # the journal of an earlier or later version does not tell


@dataclass(frozen=True, slots=True)
class Reason:
    """A code and what its sentence needs beside the people; what a code does not need is empty."""

    code: ReasonCode
    label: str = ""  # of RENAMED_FROM and RENAMED_TO: the other label
    title: str = ""  # of REMATCHED: for what Plex takes the item now
    since: int = 0  # of NOT_WANTED: since when, in seconds since the epoch, 0 if unknown
    run_id: str = ""  # of UNDO: the run that is undone


# One object for all changes with the same reason: a first sync has as many changes as labels, and
# Python's garbage collector walks through whatever is kept.
PLAIN: Final[Mapping[ReasonCode, Reason]] = {code: Reason(code) for code in ReasonCode}


@dataclass(frozen=True, slots=True)
class PersonRef:
    """A person as a change names them: the name is the one at that time. NO_ID is one who is known by name only."""

    id: PersonId
    name: str


def names_of(people: Iterable[PersonRef]) -> tuple[str, ...]:
    """Return the names, each once."""
    return tuple(dict.fromkeys(person.name for person in people))
