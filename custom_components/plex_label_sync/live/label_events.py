"""What there is to tell about labels that a run has put on titles. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from ..sync.ledger import Ledger
from ..sync.model import Action, Change, Library, MediaType, Title, Watchlists, fold
from ..sync.wanted import poster_of

TITLES_MAX: Final = 25  # of one full sync; more at once are a first sync, or a change of settings


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """One title that got labels. `people` are those whose labels they are."""

    title: str
    type: MediaType
    people: tuple[str, ...]
    labels: tuple[str, ...]
    poster: str | None
    rating_key: str
    rating_keys: tuple[str, ...] = ()  # of all its items that got some


def news_about(
    title: Title, changes: Iterable[Change], ledger: Ledger, watchlists: Watchlists | None
) -> LabelEvent | None:
    """Return what to tell of a title whose items were changed, None when nothing was added."""
    added = [change for change in changes if change.action is Action.ADD]
    if not added:
        return None
    return LabelEvent(
        title.name,
        title.type,
        _for_whom(added, ledger, watchlists),
        tuple(sorted({fold(change.label): change.label for change in added}.values())),
        poster_of(watchlists, title),
        added[0].rating_key,
        tuple(dict.fromkeys(change.rating_key for change in added)),
    )


def label_events_of(
    changes: Collection[Change],
    ledger: Ledger,
    watchlists: Watchlists,
    libraries: Iterable[Library],
) -> tuple[LabelEvent, ...]:
    """Return what to tell of the titles that a full sync found by itself, nothing of too many.

    An item that lost a label as well got another name for the same, which is no news.
    """
    types = {library.key: library.type for library in libraries}
    renamed = {change.rating_key for change in changes if change.action is Action.REMOVE}
    found: dict[tuple[MediaType, str], list[Change]] = {}
    for change in changes:
        row = ledger.get(change.key)
        if row is None or change.rating_key in renamed or change.library not in types:
            continue
        found.setdefault((types[change.library], row.title_id), []).append(change)
        if len(found) > TITLES_MAX:
            return ()
    titles = _titles(found, watchlists)
    news = (
        news_about(titles[key], some, ledger, watchlists)
        for key, some in found.items()
        if key in titles
    )
    return tuple(one for one in news if one is not None)


def _titles(
    wanted: Collection[tuple[MediaType, str]], watchlists: Watchlists
) -> dict[tuple[MediaType, str], Title]:
    """Return the titles with some ids, as they stand on watchlists."""
    return {
        (title.type, one): title
        for titles in watchlists.titles.values()
        for title in titles
        for one in title.ids
        if (title.type, one) in wanted
    }


def _for_whom(
    changes: Iterable[Change], ledger: Ledger, watchlists: Watchlists | None
) -> tuple[str, ...]:
    """Return the names of those whose labels were added."""
    ids: set[int] = set()
    for change in changes:
        if (row := ledger.get(change.key)) is not None:
            ids.update(row.people)
    people = () if watchlists is None else watchlists.people
    return tuple(person.username for person in people if person.id in ids)
