"""What there is to tell about labels that a run has put on titles. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ..sync.changes import Action, Change
from ..sync.model import MediaType, Watchlists, fold
from ..sync.person_id import id_order
from ..sync.reasons import PersonRef, ReasonCode
from ..sync.wanted import poster_of

TITLES_MAX: Final = 25  # of one full sync; more at once are a first sync, or a change of settings


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """One title that got labels. `people` are those whose labels they are."""

    title: str
    type: MediaType
    people: tuple[PersonRef, ...]
    labels: tuple[str, ...]
    poster: str | None
    rating_key: str
    rating_keys: tuple[str, ...] = ()  # of all its items that got some


def news_about(
    changes: Iterable[Change], watchlists: Watchlists | None, poster: str | None = None
) -> LabelEvent | None:
    """Return what to tell of a title whose items were changed, None when nothing was added.

    `poster` is a picture of the title where one is known already.
    """
    added = [change for change in changes if change.action is Action.ADD]
    if not added or (kind := added[0].type) is None:
        return None
    people = {ref.id: ref for change in added for ref in change.people}
    return LabelEvent(
        added[0].title,
        kind,
        tuple(people[one] for one in sorted(people, key=id_order)),
        tuple(sorted({fold(change.label): change.label for change in added}.values())),
        poster or poster_of(watchlists, kind, added[0].title_id),
        added[0].rating_key,
        tuple(dict.fromkeys(change.rating_key for change in added)),
    )


def label_events_of(changes: Iterable[Change], watchlists: Watchlists) -> tuple[LabelEvent, ...]:
    """Return what to tell of the titles that a full sync found by itself, nothing of too many.

    Another name for the same, and a mark, are no news.
    """
    found: dict[tuple[MediaType | None, str], list[Change]] = {}
    for change in changes:
        if change.reason.code is not ReasonCode.WANTED:
            continue
        found.setdefault((change.type, change.title_id), []).append(change)
        if len(found) > TITLES_MAX:
            return ()
    news = (news_about(some, watchlists) for some in found.values())
    return tuple(one for one in news if one is not None)
