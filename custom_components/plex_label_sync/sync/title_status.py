"""The status of wanted titles, and how many titles have each. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import nsmallest
from typing import Final, NamedTuple

from .changes import Row, RowKey
from .gaps import OpenGaps
from .ledger import Ledger
from .model import GapKind, Item, MediaType, Person, Title, fold
from .naming import label_of
from .overview import Overview
from .person_id import PersonId, public_id
from .queue import PendingSync, Queue, Reason
from .run import Outcome
from .wanted import TitleIndex, WantedTitle


class TitleStatus(StrEnum):
    """The status of a title for a person who wants it."""

    LABELLED = "labelled"
    MISSING = "missing"  # not in Plex
    WAITING = "waiting"  # announced but missing, or in Plex but not labelled yet
    KEPT_OFF = "kept_off"  # the label was removed by hand or by undo, or is never written
    OPTED_OUT = "opted_out"
    UNKNOWN = "unknown"  # could not be read


class StatusReason(StrEnum):
    """Why a title has its status, where no reason of the queue applies."""

    LABELLED = "labelled"
    NOT_IN_PLEX = "not_in_plex"
    NOT_MATCHED_YET = "not_matched_yet"
    LIBRARY_EXCLUDED = "library_excluded"
    NO_IDS = "no_ids"
    NOT_LABELLED_YET = "not_labelled_yet"
    WAITS_FOR_DECISION = "waits_for_decision"
    OVERRIDE = "override"  # the label was removed by hand
    UNDONE = "undone"  # the label was removed by an undo
    LABEL_EXCLUDED = "label_excluded"
    OPTED_OUT = "opted_out"
    NOT_LOOKED_FOR = "not_looked_for"
    WATCHLIST_UNREAD = "watchlist_unread"
    LIBRARY_UNREAD = "library_unread"
    LABEL_UNREAD = "label_unread"


class Standing(NamedTuple):
    """The status of a title for one person, and the reason."""

    status: TitleStatus
    reason: StatusReason | Reason
    pending: PendingSync | None = None


_LABELLED: Final = Standing(TitleStatus.LABELLED, StatusReason.LABELLED)
# Of a title with several items, the first of these that one of them has counts.
_ORDER: Final = (
    TitleStatus.LABELLED,
    TitleStatus.WAITING,
    TitleStatus.UNKNOWN,
    TitleStatus.KEPT_OFF,
    TitleStatus.OPTED_OUT,
)
_WHY_MISSING: Final[Mapping[Outcome, StatusReason]] = {
    Outcome.NOT_MATCHED_YET: StatusReason.NOT_MATCHED_YET,
    Outcome.LIBRARY_EXCLUDED: StatusReason.LIBRARY_EXCLUDED,
}
_GAPS: Final[Mapping[StatusReason | Reason, tuple[GapKind, ...]]] = {
    StatusReason.WATCHLIST_UNREAD: (GapKind.PERSON,),
    StatusReason.LIBRARY_UNREAD: (GapKind.LIBRARY,),
    StatusReason.LABEL_UNREAD: (GapKind.LABEL, GapKind.LIBRARY),
}


@dataclass(frozen=True, slots=True)
class PersonFigures:
    """How many titles a person wants, by status; None if unknown."""

    name: str
    label: str
    wanted: int | None = None
    labelled: int | None = None
    missing: int | None = None
    waiting: int | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """How many titles are wanted, how many of them are not in Plex, and by how many people.

    None if unknown. `staying` are people who must not be considered gone; None means that no one
    may be.
    """

    people: Mapping[PersonId, PersonFigures]
    titles: int | None
    missing: int | None
    wanting: int | None
    staying: frozenset[PersonId] | None


@dataclass(frozen=True, slots=True)
class TitleRow:
    """One title, and the people for whom it has a status. `since` is in seconds since the epoch."""

    title: Title
    people: tuple[Person, ...]
    standing: Standing
    labels: tuple[str, ...]  # those of the people that the title carries
    wanted_labels: tuple[str, ...]
    items: tuple[Item, ...]
    since: float | None


class Times(NamedTuple):
    """When things happened: open gaps, labels that an undo removed, items that opted out."""

    gaps: OpenGaps
    undone: Mapping[RowKey, float]
    opted_out: Mapping[str, float]  # when that was first seen, by rating key


class Standings:
    """Determines the status of titles from an overview, the ledger and the queue."""

    def __init__(
        self, overview: Overview, ledger: Ledger, queue: Queue, held: frozenset[RowKey]
    ) -> None:
        """Initialize; `held` are labels that wait for a decision."""
        self.overview = overview
        self._ledger = ledger
        self._queue = queue
        self._waiting = TitleIndex(entry.title for entry in queue)
        self._held = held
        self._never = overview.settings.never_written
        self._labels: dict[tuple[PersonId, MediaType], tuple[str, str]] = {}

    def label(self, person: Person, kind: MediaType) -> tuple[str, str]:
        """Return the label of a person's titles of a type, and its folded form."""
        key = person.id, kind
        if (known := self._labels.get(key)) is None:
            text = label_of(person, kind, self.overview.settings)
            known = self._labels[key] = text, fold(text)
        return known

    def of(self, wanted_title: WantedTitle, person: Person) -> Standing:
        """Return the status of a title for a person, unknown if it could not be read last time."""
        if person.id in self.overview.unread_people:
            return Standing(TitleStatus.UNKNOWN, StatusReason.WATCHLIST_UNREAD)
        items = self.overview.items.get(wanted_title.title)
        if not items and wanted_title.title.type in self.overview.unread_types:
            return Standing(TitleStatus.UNKNOWN, StatusReason.LIBRARY_UNREAD)
        _, folded = self.label(person, wanted_title.title.type)
        unread = self.overview.unread
        if unread and any((item.rating_key, folded) in unread for item in items or ()):
            return Standing(TitleStatus.UNKNOWN, StatusReason.LABEL_UNREAD)
        return self.last_known(wanted_title, person)

    def last_known(self, wanted_title: WantedTitle, person: Person) -> Standing:
        """Return the status of a title for a person as of the last successful read."""
        _, folded = self.label(person, wanted_title.title.type)
        if folded in self._never:
            return Standing(TitleStatus.KEPT_OFF, StatusReason.LABEL_EXCLUDED)
        items = self.overview.items.get(wanted_title.title)
        if not items:
            return self._without_items(wanted_title.title, known=items is not None)
        if len(items) == 1:
            standing = self._on(items[0].rating_key, folded)
        else:
            some = [self._on(item.rating_key, folded) for item in items]
            standing = min(some, key=lambda one: _ORDER.index(one.status))
        if standing.status is TitleStatus.WAITING and (entry := self._pending(wanted_title.title)):
            return Standing(TitleStatus.WAITING, entry.reason, entry)
        return standing

    def since(
        self, title: Title, standing: Standing, people: Iterable[Person], when: Times
    ) -> float | None:
        """Return since when a title has its status, in seconds since the epoch.

        A missing title has it since it was added to a watchlist. What a person changed in Plex
        counts from when that was first seen; None if unknown.
        """
        if standing.pending is not None:
            return standing.pending.created
        if standing.status is TitleStatus.MISSING:
            return title.added
        if standing.status is TitleStatus.UNKNOWN:
            kinds = _GAPS.get(standing.reason, ())
            ids = {person.id for person in people}
            times = [
                one.since
                for one in when.gaps.values()
                if one.gap.kind in kinds
                and (one.gap.kind is not GapKind.PERSON or one.gap.key in ids)
            ]
            return min(times, default=None)
        if standing.status is TitleStatus.LABELLED:
            return min((float(row.written) for row in self._rows(title, people)), default=None)
        if standing.status is TitleStatus.OPTED_OUT:
            items = (item.rating_key for item in self.overview.items.get(title, ()))
            return max(
                (when.opted_out[one] for one in items if one in when.opted_out), default=None
            )
        if standing.reason in {StatusReason.UNDONE, StatusReason.OVERRIDE}:
            return self._kept_off_since(self._keys(title, people), when)
        return None

    def _kept_off_since(self, keys: Sequence[RowKey], when: Times) -> float | None:
        """Return since when labels are kept off; an undo is in the journal for some time."""
        undone = [when.undone[key] for key in keys if key in when.undone]
        rows = [row for key in keys if (row := self._ledger.get(key)) is not None]
        noted = [float(row.unwanted_since) for row in rows if row.removed_by_user]
        return max(undone, default=None) or max(noted, default=None) or None

    def _keys(self, title: Title, people: Iterable[Person]) -> list[RowKey]:
        """Return the ledger's keys for people's labels on a title."""
        labels = {self.label(person, title.type)[1] for person in people}
        return [
            (item.rating_key, one) for item in self.overview.items.get(title, ()) for one in labels
        ]

    def _rows(self, title: Title, people: Iterable[Person]) -> list[Row]:
        """Return the ledger's rows for people's labels on a title."""
        rows = (self._ledger.get(key) for key in self._keys(title, people))
        return [row for row in rows if row is not None and not row.removed_by_user]

    def row(
        self, title: Title, standing: Standing, people: Sequence[Person], since: float | None
    ) -> TitleRow:
        """Return the row of a title; labels are spelled as in Plex."""
        wanted = {folded: text for text, folded in (self.label(one, title.type) for one in people)}
        wanted |= {fold(row.label): row.label for row in self._rows(title, people)}
        labels = tuple(sorted(wanted.values(), key=str.casefold))
        return TitleRow(
            title,
            tuple(people),
            standing,
            labels if standing.status is TitleStatus.LABELLED else (),
            labels,
            self.overview.items.get(title, ()),
            since,
        )

    def _without_items(self, title: Title, *, known: bool) -> Standing:
        if (entry := self._pending(title)) is not None:
            return Standing(TitleStatus.WAITING, entry.reason, entry)
        if not known:
            return Standing(TitleStatus.UNKNOWN, StatusReason.NOT_LOOKED_FOR)
        if title in self.overview.unsure:
            return Standing(TitleStatus.UNKNOWN, StatusReason.LIBRARY_UNREAD)
        why = self.overview.missing.get(title)
        if why is not None and why in _WHY_MISSING:
            return Standing(TitleStatus.MISSING, _WHY_MISSING[why])
        reason = StatusReason.NOT_IN_PLEX if title.ids else StatusReason.NO_IDS
        return Standing(TitleStatus.MISSING, reason)

    def _on(self, rating_key: str, folded: str) -> Standing:
        """Return the status of one item for the person that a label belongs to."""
        key = rating_key, folded
        if key in self.overview.unknown:
            return Standing(TitleStatus.UNKNOWN, StatusReason.LABEL_UNREAD)
        if key not in self.overview.absent:
            return _LABELLED
        if rating_key in self.overview.opted_out:
            return Standing(TitleStatus.OPTED_OUT, StatusReason.OPTED_OUT)
        row = self._ledger.get(key)
        if row is not None and row.removed_by_undo:
            return Standing(TitleStatus.KEPT_OFF, StatusReason.UNDONE)
        if row is not None and row.removed_by_user:
            return Standing(TitleStatus.KEPT_OFF, StatusReason.OVERRIDE)
        if key in self._held:
            return Standing(TitleStatus.WAITING, StatusReason.WAITS_FOR_DECISION)
        return Standing(TitleStatus.WAITING, StatusReason.NOT_LABELLED_YET)

    def _pending(self, title: Title) -> PendingSync | None:
        places = self._waiting.find(title) if self._queue else ()
        return self._queue[places[0]] if places else None


def figures(standings: Standings) -> Figures:
    """Return the number of titles by person and status, as of the last successful reads."""
    overview = standings.overview
    counts = {one: dict.fromkeys(TitleStatus, 0) for one in overview.people}
    titles = missing = 0
    unknown = bool(overview.without_list)
    for wanted_title in overview.wanted_titles:
        if not wanted_title.people:
            continue
        titles += 1
        items = overview.items.get(wanted_title.title)
        missing += items is not None and not items
        for person in wanted_title.people:
            status = standings.last_known(wanted_title, person).status
            if (of_person := counts.get(person.id)) is not None:
                of_person[status] += 1
            unknown = unknown or (status is TitleStatus.UNKNOWN and not items)
    people = {
        one: _of_person(standings, person, counts[one], is_read=one not in overview.without_list)
        for one, person in overview.people.items()
    }
    is_read = not overview.without_list
    return Figures(
        people,
        titles if is_read else None,
        None if unknown else missing,
        sum(any(some.values()) for some in counts.values()) if is_read else None,
        overview.doubted if overview.conclusive else None,
    )


def _of_person(
    standings: Standings, person: Person, counts: Mapping[TitleStatus, int], *, is_read: bool
) -> PersonFigures:
    labels = {folded: text for text, folded in (standings.label(person, one) for one in MediaType)}
    bare = PersonFigures(person.username or public_id(person.id), ", ".join(labels.values()))
    if not is_read:
        return bare
    wanted = sum(counts.values())
    if counts[TitleStatus.UNKNOWN]:
        return PersonFigures(bare.name, bare.label, wanted)
    return PersonFigures(
        bare.name,
        bare.label,
        wanted,
        counts[TitleStatus.LABELLED],
        counts[TitleStatus.MISSING],
        counts[TitleStatus.WAITING],
    )


@dataclass(frozen=True, slots=True)
class TitleQuery:
    """A filter for titles; None matches everything."""

    person: PersonId | None = None
    statuses: frozenset[TitleStatus] | None = None
    type: MediaType | None = None
    limit: int = 200


def find_titles(standings: Standings, query: TitleQuery, when: Times) -> tuple[list[TitleRow], int]:
    """Return the matching titles, most recent first, and how many match.

    People for whom a title has the same status share a row.
    """
    found: list[tuple[float, str, WantedTitle, Standing, list[Person]]] = []
    for wanted_title in standings.overview.wanted_titles:
        if query.type not in {None, wanted_title.title.type}:
            continue
        if query.person is not None and all(one.id != query.person for one in wanted_title.people):
            continue
        groups: dict[Standing, list[Person]] = {}
        for person in wanted_title.people:
            groups.setdefault(standings.of(wanted_title, person), []).append(person)
        for standing, people in groups.items():
            if query.statuses is not None and standing.status not in query.statuses:
                continue
            if query.person is None or any(one.id == query.person for one in people):
                since = standings.since(wanted_title.title, standing, people, when)
                found.append(
                    (
                        since or 0.0,
                        wanted_title.title.name.casefold(),
                        wanted_title,
                        standing,
                        people,
                    )
                )
    # Sorting tens of thousands would block everything else in one long step.
    first = nsmallest(query.limit, found, key=lambda one: (-one[0], one[1]))
    rows = [
        standings.row(wanted_title.title, standing, people, since or None)
        for since, _, wanted_title, standing, people in first
    ]
    return rows, len(found)
