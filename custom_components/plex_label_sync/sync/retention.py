"""What becomes of a label of ours that nobody wants on its item any more. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from .changes import Row
from .model import Item, MediaType, Person, SyncSettings, Title
from .person_id import NO_ID, PersonId
from .reasons import PLAIN, Reason, ReasonCode
from .wanted import why_no_labels

SHOWS_WITHIN: Final = 300.0  # seconds from an edit in which a label may come that was not read back


@dataclass(frozen=True, slots=True)
class RemovalDecision:
    """The decision about one row: take the label off and why, or leave it with a changed row."""

    row: Row
    reason: Reason | None = None  # None: the label stays
    replaced: bool = False  # it goes only because another name takes its place
    person: PersonId = NO_ID  # whose name that is
    chosen: bool = False  # an option asks for it


@dataclass(frozen=True, slots=True)
class Roster:
    """Who there is: everybody in Pulsarr, and of these who gets labels."""

    people: Mapping[PersonId, Person]
    labelled: frozenset[PersonId]

    def why(self, row: Row, settings: SyncSettings) -> ReasonCode | None:
        """Return the reason for a label's end that lies with its person, not with the title."""
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
    """Decide about the row of a label that is on its item and that nobody wants there.

    `new_names` are the labels that people who want the item's title get now, by person;
    `rematched` says that Plex takes the item for another title than it did.
    """
    if rematched:
        # Plex was told that the item is another title: the label never was meant for it.
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
    """Tell whether a label may come that was sent a moment ago, and could not be read back."""
    return not row.confirmed and now - row.written < SHOWS_WITHIN


def removal_due_at(row: Row, settings: SyncSettings) -> float | None:
    """Return when a label may go whose delay runs, in seconds since the epoch; else None."""
    if not settings.removes or not row.unwanted_since:
        return None
    return (
        None
        if row.removed_by_user or row.pinned or row.is_removed_marker
        else row.unwanted_since + settings.removal_delay
    )


def titles_of(rows: Iterable[Row]) -> tuple[Title, ...]:
    """Return titles that find the items of rows.

    The rows do not tell a movie's number from a show's: both are looked at, and what is true of
    each decides about its labels.
    """
    ids = dict.fromkeys(row.title_id for row in rows if row.title_id)
    return tuple(Title(kind, one, frozenset({one})) for one in ids for kind in MediaType)
