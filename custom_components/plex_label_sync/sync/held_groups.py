"""Held removals grouped by person and reason, for display. Pure."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Final, assert_never

from .changes import Action, Change, Row
from .people import PeopleRefs
from .person_id import id_order
from .reasons import PersonRef, Reason, ReasonCode

TITLES_MAX: Final = 5  # named per group


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """Labels that are held for the same reason. `titles` are the first of the titles concerned.

    Without a reason the labels are no longer in Plex, and their titles are unknown.
    """

    reason: Reason | None
    people: tuple[PersonRef, ...]
    labels: int
    titles: tuple[str, ...] = ()


def held_groups(
    changes: Iterable[Change], missing: Iterable[Row], people: PeopleRefs
) -> tuple[HeldGroup, ...]:
    """Return held removals and rows without a label in Plex by person and reason, largest first."""
    removals: dict[Hashable, list[Change]] = {}
    for change in changes:
        if change.action is Action.REMOVE:
            reason, is_shared = _common(change.reason)
            who = None if is_shared else change.people
            removals.setdefault((reason, who), []).append(change)
    groups = [_group(some) for some in removals.values()]
    rows: dict[tuple[PersonRef, ...], int] = {}
    for row in missing:
        who = people.of_row(row)
        rows[who] = rows.get(who, 0) + 1
    groups += [HeldGroup(None, who, count) for who, count in rows.items()]
    return tuple(sorted(groups, key=lambda one: (-one.labels, [ref.name for ref in one.people])))


def _group(changes: list[Change]) -> HeldGroup:
    reason, _ = _common(changes[0].reason)
    people = {ref: None for change in changes for ref in change.people}
    titles = dict.fromkeys(change.title for change in changes if change.title)
    return HeldGroup(
        reason,
        tuple(sorted(people, key=lambda ref: (ref.name, id_order(ref.id)))),
        len({change.key for change in changes}),
        tuple(titles)[:TITLES_MAX],
    )


def _common(reason: Reason) -> tuple[Reason, bool]:
    """Return the part of a reason that a group shares, and whether the group spans all people."""
    match reason.code:
        case ReasonCode.PERSON_GONE | ReasonCode.SYNC_OFF | ReasonCode.PERSON_EXCLUDED:
            return reason, True
        case ReasonCode.NOT_WANTED:
            return replace(reason, since=0), False
        case ReasonCode.REMATCHED:
            return replace(reason, title=""), False
        case (
            ReasonCode.WANTED
            | ReasonCode.RENAMED_FROM
            | ReasonCode.RENAMED_TO
            | ReasonCode.MARKED
            | ReasonCode.WANTED_AGAIN
            | ReasonCode.FOREIGN
            | ReasonCode.UNDO
            | ReasonCode.REQUESTED
            | ReasonCode.UNRECORDED
        ):
            return reason, False
        case _:
            assert_never(reason.code)
