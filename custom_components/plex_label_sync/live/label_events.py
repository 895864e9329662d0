"""Derive the events about titles that a run has labelled. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ..sync.changes import Action, Change
from ..sync.model import MediaType, Watchlists, fold
from ..sync.person_id import id_order
from ..sync.reasons import PersonRef, ReasonCode
from ..sync.wanted import posters_of

TITLES_MAX: Final = 25  # of one full sync; more suggest a first sync or a change of settings


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """A title that got labels; `people` are those whose labels were added."""

    title: str
    type: MediaType
    people: tuple[PersonRef, ...]
    labels: tuple[str, ...]
    poster: str | None
    rating_key: str
    rating_keys: tuple[str, ...] = ()  # of all its newly labelled items


def label_event_of(
    changes: Iterable[Change], watchlists: Watchlists | None, poster: str | None
) -> LabelEvent | None:
    """Return the event for a title whose items were changed, None if nothing was added.

    Without a `poster`, the one from any watchlist is used.
    """
    added = [change for change in changes if change.action is Action.ADD]
    if not added or (kind := added[0].type) is None:
        return None
    title = kind, added[0].title_id
    return _event(added, kind, poster or posters_of(watchlists, [title]).get(title))


def _event(added: Sequence[Change], kind: MediaType, poster: str | None) -> LabelEvent:
    people = {ref.id: ref for change in added for ref in change.people}
    return LabelEvent(
        added[0].title,
        kind,
        tuple(people[one] for one in sorted(people, key=id_order)),
        tuple(sorted({fold(change.label): change.label for change in added}.values())),
        poster,
        added[0].rating_key,
        tuple(dict.fromkeys(change.rating_key for change in added)),
    )


def label_events_of(changes: Iterable[Change], watchlists: Watchlists) -> tuple[LabelEvent, ...]:
    """Return the events for titles that a full sync has labelled, none if there are too many.

    Renamed labels and removed markers cause no event.
    """
    found: dict[tuple[MediaType, str], list[Change]] = {}
    for change in changes:
        is_new = change.reason.code is ReasonCode.WANTED and change.action is Action.ADD
        if not is_new or change.type is None:
            continue
        found.setdefault((change.type, change.title_id), []).append(change)
        if len(found) > TITLES_MAX:
            return ()
    posters = posters_of(watchlists, found) if found else {}
    return tuple(_event(added, title[0], posters.get(title)) for title, added in found.items())
