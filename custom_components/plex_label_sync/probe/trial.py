"""The trial on one movie: throw-away labels are added, checked and removed."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..sync.model import Failure, ServiceError, StoredLabel
from . import facts
from .cleaning import row_of, section_of
from .facts import Filtered
from .labels import (
    all_in_capitals,
    belongs,
    in_capitals,
    long_label,
    other_spelling,
    short_label,
)
from .model import UNKNOWN, Code, Fact, ItemRow, Section, Trial
from .pacing import RESERVE_LATE, Pace
from .ports import PlexPort
from .steps import EventListener, Findings, Place, Reading


def trial_of(movie: ItemRow, section: Section, suffix: str) -> Trial:
    """Return the trial to run on a movie."""
    short = short_label(suffix)
    return Trial(
        rating_key=movie.rating_key,
        library=section.key,
        texts=(short, in_capitals(short), all_in_capitals(short), long_label(suffix)),
        before=tuple(one.text for one in movie.labels or ()),
        locked=movie.locked,
    )


@dataclass(frozen=True, slots=True)
class Stamps:
    """What shows changes: of the movie, and of its library if that counts them."""

    item: str
    library: str | None


class MovieTrial:
    """Adds labels to one movie and removes them, in at most six edits."""

    def __init__(
        self, plex: PlexPort, pace: Pace, found: Findings, trial: Trial, reading: Reading
    ) -> None:
        """Initialize; nothing is sent before `run`."""
        self.certain = True  # each edit was answered, and the labels it added were seen
        self._plex = plex
        self._pace = pace
        self._found = found
        self._trial = trial
        self._reading = reading
        self._items_show_labels = True  # answers about items show labels
        self._settles = 0.0  # seconds before an edit shows
        self._row: ItemRow | None = None  # the movie, as last read

    async def run(self, place: Place, listener: EventListener, before: Stamps) -> bool:
        """Run the trial; return whether the movie was last seen without throw-away labels.

        Raises ServiceError, NoRequestLeftError or StoppedError when it has to end early.
        """
        began = self._pace.now()
        await self._edit([self._trial.texts[0]], ())
        first = await self._first_label(place)
        if first is None:
            self.certain = False  # it may still show
            return False
        await self._compare(before)
        place.label = first
        seen = await self._reading.by_label(place)
        self._found.add(*facts.label_filter(seen))
        announced = await listener.wait_for(self._trial.rating_key, began)
        self._found.add(facts.yes_or_no(Code.EDIT_EVENTS, announced))
        present = await self._more_labels(place, first.text, seen)
        left = await self._removals(first.text, present)
        if left:
            return False
        self._pace.reserve = 0
        await self._linger()
        self._restored()
        return True

    async def _edit(
        self, add: Sequence[str], remove: Sequence[str], *, encoded_once: bool = False
    ) -> float:
        """Send an edit and return how many seconds it took.

        An edit that is not answered may still be carried out.
        """
        certain, self.certain = self.certain, False
        try:
            latency = await self._plex.edit(self._trial, add, remove, encoded_once=encoded_once)
        except ServiceError as err:
            self.certain = certain and err.failure is Failure.REJECTED
            raise
        self.certain = certain
        return latency

    async def _first_label(self, place: Place) -> StoredLabel | None:
        """Check how the first label is stored, how soon it shows, and whether items state it."""
        shown = await self._reading.many(place)
        self._row = shown.pop(self._trial.rating_key, None)
        self._reading.listed(place, shown)
        now = self._own_labels() if self._row is not None else await self._read_labels()
        waited = 0.0
        if (
            not now
            and (listed := await self._in_directory())
            and not (now := await self._read_labels())
        ):
            self._items_show_labels = False
            now = listed
        for seconds in self._pace.times.shows:
            if now:
                break
            await self._pace.wait(seconds)
            waited += seconds
            now = await self._read_labels()
        self._found.add(facts.settle(waited if now else None))
        if not now:
            return None
        self._settles = waited
        self._found.add(facts.labels_on_items({self._trial.rating_key: self._items_show_labels}))
        self._found.add(facts.capitalize(self._trial.texts[0], now[0].text))
        return now[0]

    async def _compare(self, before: Stamps) -> None:
        """Check whether the edit moved what shows changes."""
        item = self._row.updated if self._row is not None else ""
        moved = item != before.item if item and before.item else None
        refreshed = self._found.facts.get(Code.READ_REFRESHES)
        if moved and refreshed is not None and refreshed.answer == "yes":
            moved = None  # that may have been the refresh
        self._found.add(facts.yes_or_no(Code.BUMP_ITEM, moved))
        with self._found.about(Code.BUMP_LIBRARY):
            if before.library is None:
                self._found.add(Fact(Code.BUMP_LIBRARY, "absent"))
                return
            sections = await self._plex.sections()
            now = next((one.changed for one in sections if one.key == self._trial.library), None)
            self._found.add(facts.yes_or_no(Code.BUMP_LIBRARY, now != before.library, wrong=True))

    async def _more_labels(self, place: Place, first: str, seen: Filtered) -> set[str]:
        """Add the same label in capitals, and a long one; return the spellings that are there."""
        capitals = [in_capitals(first), all_in_capitals(first)]
        text = self._trial.texts[-1]
        refused = False
        try:
            latency = await self._edit([*capitals, text], ())
        except ServiceError as err:
            if err.failure is not Failure.REJECTED:
                raise
            refused = True
            latency = await self._edit(capitals, ())
        self._found.add(facts.put_latency(latency))
        present = {one.text for one in await self._read_labels()}
        long = max((one for one in present if len(one) > len(first)), key=len, default=first)
        self._found.add(facts.label_max(text, None if refused else long))
        reused, how = facts.spellings(first, present)
        self._found.add(reused)
        if self._found.facts[Code.LABEL_FOLD].answer == UNKNOWN and not seen.broken:
            if how != "ascii" and seen.by_text:
                with self._found.about(Code.LABEL_FOLD):
                    other = other_spelling(first, present)
                    answer = await self._plex.listing(place.section, 0, label=other)
                    how = "ascii" if answer.total else "exact"
            if how:
                self._found.add(facts.label_fold(how))
        return present

    async def _removals(self, first: str, present: set[str]) -> tuple[str, ...]:
        """Remove all labels, at first in a deliberately wrong way; return what is left."""
        self._pace.reserve = RESERVE_LATE  # the other requests were reserved for what follows
        other = other_spelling(first, present)
        await self._edit((), [other])
        left = [one.text for one in await self._read_labels()]
        case = "exact" if first in left else "fold"
        if left:
            await self._edit((), left)
            left = [one.text for one in await self._read_labels()]
            self._found.add(facts.yes_or_no(Code.REMOVAL_DECODES, not left, wrong=False))
        if left:
            await self._edit(
                (), [other if one == first else one for one in left], encoded_once=True
            )
            left = [one.text for one in await self._read_labels()]
            case = "exact" if first in left else "fold"
        if left:
            await self._edit((), left, encoded_once=True)
            left = [one.text for one in await self._read_labels()]
        self._found.add(Fact(Code.REMOVE_CASE, case))
        return tuple(left)

    async def _linger(self) -> None:
        """Check whether the directory still lists labels without carriers."""
        with self._found.about(Code.LINGER):
            if not await self._in_directory():
                self._found.add(Fact(Code.LINGER, "no"))
                return
            await self._pace.wait(self._pace.times.linger)
            answer = "yes" if await self._in_directory() else "a_while"
            self._found.add(Fact(Code.LINGER, answer))

    def _restored(self) -> None:
        """Compare the movie with its original state."""
        if not self._items_show_labels or self._row is None:
            return
        labels = {one.text for one in self._row.labels or ()}
        same = labels == set(self._trial.before) and self._row.locked == self._trial.locked
        self._found.add(facts.yes_or_no(Code.ITEM_RESTORED, same, wrong=False))

    async def _read_labels(self) -> list[StoredLabel]:
        """Return the throw-away labels that are on the movie."""
        await self._pace.wait(self._settles)
        if not self._items_show_labels:
            return await self._in_directory()
        answer = await self._plex.items([self._trial.rating_key])
        self._row = row_of(answer, self._trial)
        return self._own_labels()

    def _own_labels(self) -> list[StoredLabel]:
        labels = self._row.labels if self._row is not None else None
        return [one for one in labels or () if belongs(one.text, self._trial)]

    async def _in_directory(self) -> list[StoredLabel]:
        """Return the throw-away labels that the library's directory lists."""
        listed = await self._plex.labels(section_of(self._trial))
        return [one for one in listed if belongs(one.text, self._trial)]
