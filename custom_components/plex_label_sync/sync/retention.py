"""Decides about a label in the ledger that is no longer wanted on its item. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from .changes import Row
from .model import Item, MediaType, Person, SyncSettings, Title
from .person_id import NO_ID, PersonId
from .reasons import PLAIN, Reason, ReasonCode
from .wanted import why_no_labels

SHOWS_WITHIN: Final = 300.0  # seconds after an edit; until then an unconfirmed label may appear


@dataclass(frozen=True, slots=True)
class RemovalDecision:
    """The decision about one row: remove the label and why, or keep it with an updated row."""

    row: Row
    reason: Reason | None = None  # None: the label stays
    replaced: bool = False  # only another name takes its place
    person: PersonId = NO_ID  # the person of that name
    chosen: bool = False  # an option requests it


@dataclass(frozen=True, slots=True)
class Roster:
    """The people: all in Pulsarr, and those of them who get labels."""

    people: Mapping[PersonId, Person]
    labelled: frozenset[PersonId]

    def why(self, row: Row, settings: SyncSettings) -> ReasonCode | None:
        """Return why a label ends because of its person, not of its title; None if it does not."""
        if len(row.people) != 1:
            return None
        (person_id,) = row.people
        person = self.people.get(person_id)
        return ReasonCode.PERSON_GONE if person is None else why_no_labels(person, settings)


def removal_decision(
    row: Row,
    item: Item,
    new_names: Mapping[PersonId, str],
    roster: Roster,
    settings: SyncSettings,
    *,
    now: float,
    rematched: bool = False,
) -> RemovalDecision:
    """Decide about the row of a label that is on its item but not wanted there.

    `new_names` are the current labels of people who want the item's title, by person; `rematched`
    means that Plex now matches the item to another title.
    """
    if rematched:
        # The match was corrected: the label was never meant for this title.
        return RemovalDecision(row, Reason(ReasonCode.REMATCHED, title=item.title))
    for person_id in row.people:
        if person_id in new_names:
            reason = Reason(ReasonCode.RENAMED_TO, label=new_names[person_id])
            return RemovalDecision(row, reason, replaced=True, person=person_id)
    if not settings.removes or row.pinned:
        return RemovalDecision(row)
    since = row.unwanted_since or int(now)
    if now - since < settings.removal_delay:
        return RemovalDecision(replace(row, unwanted_since=since))
    code = roster.why(row, settings)
    reason = Reason(ReasonCode.NOT_WANTED, since=since) if code is None else PLAIN[code]
    return RemovalDecision(row, reason, chosen=code is ReasonCode.PERSON_EXCLUDED)


def may_show_yet(row: Row, now: float) -> bool:
    """Return whether a label that was just sent but not confirmed may still appear."""
    return not row.confirmed and now - row.written < SHOWS_WITHIN


def removal_due_at(row: Row, settings: SyncSettings) -> float | None:
    """Return when a label's removal delay ends, in seconds since the epoch; None without one."""
    if not settings.removes or not row.unwanted_since:
        return None
    return (
        None
        if row.removed_by_user or row.pinned or row.is_removed_marker
        else row.unwanted_since + settings.removal_delay
    )


def titles_of(rows: Iterable[Row]) -> tuple[Title, ...]:
    """Return titles that match the items of rows.

    Rows do not distinguish a movie's ids from a show's: both are looked up, and what is true of
    each decides about its labels.
    """
    ids = dict.fromkeys(row.title_id for row in rows if row.title_id)
    return tuple(Title(kind, one, frozenset({one})) for one in ids for kind in MediaType)
