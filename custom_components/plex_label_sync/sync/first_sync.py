"""What a first sync would do, person by person, for the review before it. From a dry run. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from .changes import Action
from .model import Item, Library, Person, SyncSettings, Watchlists, fold
from .naming import label_of
from .preview import NamedPerson, label_preview
from .run import Run
from .wanted import WantedTitle, gets_labels

if TYPE_CHECKING:
    from .person_id import PersonId


class WhyNone(StrEnum):
    """Why a person gets no labels at all."""

    SYNC_OFF = "sync_off"  # in Pulsarr
    NOTHING_WANTED = "nothing_wanted"
    NOT_READ = "not_read"  # the watchlist


@dataclass(frozen=True, slots=True)
class LibraryShare:
    """What a person gets in one library: labels to add, and the titles that they are on.

    `there` counts the titles in the library that get none: they have the label, or may not get it.
    """

    library: str  # its name
    labels: int
    titles: tuple[str, ...]
    there: int


@dataclass(frozen=True, slots=True)
class PersonShare:
    """What a person gets: labels by library, and the titles that are in none of the libraries."""

    named: NamedPerson
    libraries: tuple[LibraryShare, ...]
    missing: tuple[str, ...]

    @property
    def labels(self) -> int:
        """How many labels are added for the person."""
        return sum(one.labels for one in self.libraries)


@dataclass(frozen=True, slots=True)
class FirstSync:
    """What a first sync would do; `missing` are wanted titles that are in none of the libraries."""

    run: Run
    people: tuple[PersonShare, ...]  # shared and unusable labels first, then by number of labels
    without: tuple[tuple[Person, WhyNone], ...]
    titles: int  # that get at least one label
    missing: tuple[str, ...]


def first_sync(
    run: Run,
    matches: Iterable[tuple[WantedTitle, Sequence[Item]]],
    watchlists: Watchlists,
    libraries: Iterable[Library],
    settings: SyncSettings,
) -> FirstSync:
    """Return the result of a dry run by person; `matches` are its wanted titles with their items."""
    adds = {change.key for change in run.changes if change.action is Action.ADD}
    names = {library.key: library.name for library in libraries}
    shares: dict[PersonId, _Share] = defaultdict(_Share)
    titles, missing = 0, []
    for wanted_title, items in matches:
        if not wanted_title.people:
            continue
        if not items:
            missing.append(wanted_title.title.name)
        gains = [
            shares[one.id].add(one, wanted_title, items, adds, settings)
            for one in wanted_title.people
        ]
        titles += any(gains)
    named = [one for one in label_preview(watchlists.people, settings) if one.person.id in shares]
    people = [
        PersonShare(one, shares[one.person.id].libraries(names), shares[one.person.id].missing)
        for one in named
    ]
    people.sort(key=lambda one: (not one.named.problems, -one.labels))
    without = tuple(
        (person, _why_none(person, watchlists, settings))
        for person in watchlists.people
        if person.id not in shares
    )
    return FirstSync(run, tuple(people), without, titles, tuple(missing))


def _why_none(person: Person, watchlists: Watchlists, settings: SyncSettings) -> WhyNone:
    if not gets_labels(person, settings):
        return WhyNone.SYNC_OFF
    return WhyNone.NOT_READ if person.id in watchlists.unread else WhyNone.NOTHING_WANTED


class _Share:
    """One person's share while it is counted."""

    def __init__(self) -> None:
        self._labels: dict[str, int] = defaultdict(int)
        self._gain: dict[str, list[str]] = defaultdict(list)
        self._there: dict[str, int] = defaultdict(int)
        self._missing: list[str] = []

    @property
    def missing(self) -> tuple[str, ...]:
        """The titles that are in none of the libraries."""
        return tuple(self._missing)

    def add(
        self,
        person: Person,
        wanted_title: WantedTitle,
        items: Sequence[Item],
        adds: set[tuple[str, str]],
        settings: SyncSettings,
    ) -> bool:
        """Count a title; return whether the person's label is added to one of its items."""
        if not items:
            self._missing.append(wanted_title.title.name)
        gains: dict[str, int] = {}
        for item in items:
            label = fold(label_of(person, item.type, settings))
            gains[item.library] = gains.get(item.library, 0) + ((item.rating_key, label) in adds)
        for library, labels in gains.items():
            self._labels[library] += labels
            if labels:
                self._gain[library].append(wanted_title.title.name)
            else:
                self._there[library] += 1
        return any(gains.values())

    def libraries(self, names: dict[str, str]) -> tuple[LibraryShare, ...]:
        """Return the person's share of each library."""
        return tuple(
            LibraryShare(
                names.get(key, key), self._labels[key], tuple(self._gain[key]), self._there[key]
            )
            for key in sorted(self._labels, key=lambda key: (len(key), key))
        )
