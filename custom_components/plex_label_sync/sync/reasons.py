"""Why a plan changes something, and for whom: codes with parameters, not sentences. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .person_id import PersonId


class ReasonCode(StrEnum):
    """Why a label is added or removed; each has a translated text.

    Codes are stored in the journal and returned by actions: their values must not change.
    """

    WANTED = "wanted"  # the people want the title
    RENAMED_FROM = "renamed_from"  # the people had another label before
    RENAMED_TO = "renamed_to"  # another label replaces this one
    NOT_WANTED = "not_wanted"  # on no watchlist
    PERSON_GONE = "person_gone"  # the person is no longer in Pulsarr
    SYNC_OFF = "sync_off"  # the person's sync is off in Pulsarr
    PERSON_EXCLUDED = "person_excluded"  # an option excludes the person
    REMATCHED = "rematched"  # Plex now matches the item to another title
    MARKED = "marked"  # the label marks a title that is no longer wanted
    WANTED_AGAIN = "wanted_again"  # the mark is removed
    FOREIGN = "foreign"  # a foreign label, which the options do not preserve
    UNDO = "undo"  # an earlier run is undone
    REQUESTED = "requested"  # the removal was requested
    UNRECORDED = "unrecorded"  # the journal of an earlier or later version does not include it


@dataclass(frozen=True, slots=True)
class Reason:
    """A code and its parameters besides the people; those that a code does not need are empty."""

    code: ReasonCode
    label: str = ""  # of RENAMED_FROM and RENAMED_TO: the other label
    title: str = ""  # of REMATCHED: the title that Plex now matches
    since: int = 0  # of NOT_WANTED: since when, in seconds since the epoch, 0 if unknown
    run_id: str = ""  # of UNDO: the run that is undone


# One object for all changes with the same reason: a first sync has as many changes as labels, and
# Python's garbage collector traverses every object that is kept.
PLAIN: Final[Mapping[ReasonCode, Reason]] = {code: Reason(code) for code in ReasonCode}


@dataclass(frozen=True, slots=True)
class PersonRef:
    """A person as named in changes, with the name at the time; NO_ID if only the name is known."""

    id: PersonId
    name: str


def names_of(people: Iterable[PersonRef]) -> tuple[str, ...]:
    """Return the names, without duplicates."""
    return tuple(dict.fromkeys(person.name for person in people))
