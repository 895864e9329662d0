"""The requests of a probe in order: reading first, then the trial on one movie, Pulsarr last."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
import logging
from typing import Final

from ..sync.model import Failure, MediaType, ServiceError, StoredLabel
from . import facts
from .facts import TOO_LONG, Filtered, Tried
from .labels import all_in_capitals, in_capitals
from .model import NEEDS_MOVIE, UNKNOWN, Code, Fact, ItemRow, Root, Rows, Section, Why
from .pacing import NoRequestLeftError, Pace, ends_everything
from .ports import PlexPort, PulsarrPort

_LOGGER = logging.getLogger(__name__)

MANY: Final = 200  # items in one request, as the integration requests them
FEWER: Final = (100, 50)
ROWS: Final = 20  # rows of a listing that are searched for labels
SECTIONS_MAX: Final = 3  # label directories that are searched for a label
NONSENSE: Final = "plex-probe-nobody-has-this-label"


class NoMovieError(Exception):
    """Raised when there is no movie with the rating key."""


@dataclass(slots=True)
class Findings:
    """The facts so far, and why the others are missing."""

    facts: dict[Code, Fact] = field(default_factory=dict)

    def add(self, *found: Fact) -> None:
        """Add facts; a known one, or the reason for a missing one, is not made unknown again."""
        for one in found:
            if one.code not in self.facts or one.answer != UNKNOWN:
                self.facts[one.code] = one

    @contextmanager
    def about(self, *codes: Code) -> Iterator[None]:
        """Record why some facts are missing. Raises ServiceError when the probe cannot continue."""
        try:
            yield
        except NoRequestLeftError:
            self.add(*(facts.unknown(one, Why.NO_REQUEST_LEFT) for one in codes))
        except ServiceError as err:
            _LOGGER.debug("A request of the probe failed: %s", err)
            self.fail(codes, err)
            if ends_everything(err):
                raise

    def fail(self, codes: Iterable[Code], err: ServiceError) -> None:
        """Record that a request failed on which some facts depend."""
        self.add(*(facts.unknown(one, Why.FAILED, failure=err.failure.value) for one in codes))

    def all(self, *, movie: bool) -> tuple[Fact, ...]:
        """Return one fact for each code, in order."""
        missing = {
            one: Why.NEEDS_MOVIE if one in NEEDS_MOVIE and not movie else Why.NOT_SEEN
            for one in Code
        }
        return tuple(self.facts.get(one) or facts.unknown(one, missing[one]) for one in Code)


class EventListener:
    """Records which items a server announces as processed."""

    def __init__(self, pace: Pace) -> None:
        self.connected = False
        self._pace = pace
        self._events: list[tuple[float, str]] = []

    async def listen(self, messages: AsyncIterator[str]) -> None:
        """Record messages until the connection ends."""
        async for rating_key in messages:
            self._events.append((self._pace.now(), rating_key))
        self.connected = False

    async def wait_for(self, rating_key: str, since: float) -> bool | None:
        """Wait until an item is announced or would have been; None without a connection.

        Raises StoppedError.
        """
        while not (announced := any(at >= since and key == rating_key for at, key in self._events)):
            rest = since + self._pace.times.event - self._pace.now()
            if rest <= 0 or not self.connected:
                break
            await self._pace.wait(min(rest, 0.1))
        return announced or (False if self.connected else None)


@asynccontextmanager
async def listening(plex: PlexPort, pace: Pace, found: Findings) -> AsyncIterator[EventListener]:
    """Listen to the server's notifications, on whichever path they are available."""
    listener = EventListener(pace)
    async with AsyncExitStack() as stack:
        if (messages := await _connected(stack, plex, found)) is not None:
            listener.connected = True
            stack.push_async_callback(_end, asyncio.create_task(listener.listen(messages)))
        yield listener


async def _connected(
    stack: AsyncExitStack, plex: PlexPort, found: Findings
) -> AsyncIterator[str] | None:
    """Connect, until the stack is closed; None if no path works."""
    for number, path in enumerate(("websockets", "websocket")):
        try:
            messages = await stack.enter_async_context(plex.listen(number))
        except NoRequestLeftError:
            break
        except ServiceError as err:
            if err.failure is not Failure.WRONG_SERVICE:
                found.fail([Code.SOCKET_PATH], err)
                return None
        else:
            found.add(Fact(Code.SOCKET_PATH, path))
            return messages
    found.add(Fact(Code.SOCKET_PATH, "none", "socket_path_none"))
    return None


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@dataclass(slots=True)
class Place:
    """Where to read: a section, its first items, and a label about which something is known."""

    section: Section
    rows: tuple[ItemRow, ...] = ()
    total: int = 0
    label: StoredLabel | None = None
    carriers: int | None = None  # how many carry it, if known
    first: str = ""  # the item that is read on its own
    # For items that carry a label, whether a listing showed any.
    inline: dict[str, bool] = field(default_factory=dict)
    included: dict[str, bool] = field(default_factory=dict)  # with includeLabels=1
    labelled: set[str] = field(default_factory=set)  # items known to carry a label


class Reading:
    """The requests that change nothing."""

    def __init__(self, plex: PlexPort, pace: Pace, found: Findings) -> None:
        self._plex = plex
        self._pace = pace
        self._found = found

    async def server(self) -> tuple[Root, tuple[Section, ...]]:
        """Return the server's description and its sections. Raises ServiceError."""
        root = await self._plex.root()
        owner = await self._plex.is_owner()
        self._found.add(*facts.about_server(root, owner))
        sections = await self._plex.sections()
        self._found.add(*facts.about_sections(sections))
        return root, sections

    async def movie(self, rating_key: str, sections: Iterable[Section]) -> tuple[ItemRow, Section]:
        """Return the movie with a rating key. Raises NoMovieError or ServiceError."""
        try:
            answer = await self._plex.items([rating_key])
        except ServiceError as err:
            if err.failure is Failure.NOT_FOUND:
                raise NoMovieError from err
            raise
        row = next((one for one in answer.rows if one.rating_key == rating_key), None)
        if row is None or row.type != MediaType.MOVIE:
            raise NoMovieError
        where = row.section or answer.section
        section = next((one for one in sections if one.key == where), None)
        if section is None or section.type is not MediaType.MOVIE:
            raise NoMovieError
        return row, section

    async def some_place(self, sections: Iterable[Section]) -> Place | None:
        """Return a section with a labelled item, or else the first one."""
        ordered = sorted(sections, key=lambda one: one.type is not MediaType.MOVIE)
        first: Place | None = None
        for section in ordered[:SECTIONS_MAX]:
            place = Place(section)
            first = first or place
            with self._found.about(Code.LABEL_BY, Code.LABEL_FOLD, Code.LABEL_FILTER):
                place.label = _example(await self._plex.labels(section))
            if place.label is not None:
                return place
        return first

    async def first_items(self, place: Place) -> None:
        """Read the first items of the place."""
        with self._found.about(Code.MULTI_GET_MAX, Code.URL_LIMIT):
            answer = await self._plex.listing(place.section, MANY)
            place.rows, place.total = answer.rows, answer.total
            place.first = place.first or next((one.rating_key for one in answer.rows), "")

    async def by_label(self, place: Place, nonsense: int | None = None) -> Filtered:
        """Query the carriers of the place's label in every way; return the result.

        `nonsense` is how many items are found for a label that does not exist, if requested.
        """
        seen = Filtered(place.total, place.carriers, nonsense=nonsense)
        label = place.label
        if label is None:
            self._found.add(
                *(
                    facts.unknown(one, Why.NOTHING_LABELLED)
                    for one in (Code.LABEL_BY, Code.LABEL_FOLD)
                )
            )
            return seen
        by_id = await self._plex.listing(place.section, ROWS, label=label.id)
        other = all_in_capitals(label.text)
        beyond = other != in_capitals(label.text)
        by_other = by_text = await self._asked_in(place, other if beyond else label.text)
        if beyond and not by_other.rows:
            by_text = await self._asked_in(place, label.text)
        by_ascii = None
        if not beyond or (by_text.rows and not by_other.rows and place.carriers is None):
            by_ascii = await self._asked_in(place, in_capitals(label.text))
        seen = replace(
            seen,
            by_id=by_id.total,
            by_text=by_text.total,
            by_ascii_case=None if by_ascii is None else by_ascii.total,
            by_other_case=by_other.total if beyond else None,
            beyond_ascii=beyond,
        )
        if not seen.broken:
            place.inline |= {one.rating_key: one.labels is not None for one in by_id.rows}
            place.included |= {one.rating_key: one.labels is not None for one in by_text.rows}
            place.labelled |= place.inline.keys() | place.included.keys()
            if place.carriers is None:
                place.first = next(iter(sorted(place.labelled)), place.first)
        return seen

    async def _asked_in(self, place: Place, text: str) -> Rows:
        """Query by text, and request labels in the rows."""
        return await self._plex.listing(place.section, ROWS, label=text, include_labels=True)

    def listed(self, place: Place, shown: Mapping[str, ItemRow]) -> None:
        """Record for the listed items that carry labels whether the listing showed any."""
        for row in place.rows:
            there = shown.get(row.rating_key)
            if row.labels is not None or (there is not None and there.labels is not None):
                place.inline.setdefault(row.rating_key, row.labels is not None)

    async def nonsense(self, place: Place) -> int:
        """Return how many items are found for a label that does not exist."""
        answer = await self._plex.listing(place.section, 0, label=NONSENSE)
        return answer.total

    async def refreshes(self, place: Place, listener: EventListener) -> ItemRow | None:
        """Read an item without preventing a refresh; return its row."""
        row: ItemRow | None = None
        with self._found.about(Code.READ_REFRESHES):
            since = self._pace.now()
            answer = await self._plex.items([place.first], refresh=True)
            row = next(iter(answer.rows), None)
            announced = await listener.wait_for(place.first, since)
            self._found.add(facts.yes_or_no(Code.READ_REFRESHES, announced))
        return row

    async def many(self, place: Place) -> dict[str, ItemRow]:
        """Request many items at once; return their rows by key.

        The first request has the longest URL that the integration ever sends. If it is refused,
        fewer items are requested, and then shorter URLs are sent.
        """
        keys = list(dict.fromkeys((place.first, *(one.rating_key for one in place.rows))))[:MANY]
        keys = [one for one in keys if one]
        shown: dict[str, ItemRow] = {}
        if not keys:
            return shown
        counts = [len(keys), *(one for one in FEWER if one < len(keys))]
        tries: list[Tried] = []
        with self._found.about(Code.MULTI_GET_MAX, Code.URL_LIMIT):
            for length in (facts.URL_NEEDED, 0):
                for count in (*counts, *(() if length else (1,))):
                    tries.append(await self._tried(keys[:count], length, shown))
                    if tries[-1].whole or (length and tries[-1].refused == TOO_LONG):
                        break
                if tries[-1].whole:
                    break
            tries += await self._doubtful(keys, tries, shown)
        self._found.add(*facts.limits(tries))
        return shown

    async def _doubtful(
        self, keys: list[str], tries: Sequence[Tried], shown: dict[str, ItemRow]
    ) -> list[Tried]:
        """Request as many items as were accepted, with a URL as long as one refused with more."""
        last, before = tries[-1], tries[-2:-1]
        if not last.whole or not before or before[0].refused in {None, TOO_LONG}:
            return []
        if not last.length < before[0].length < facts.URL_NEEDED:
            return []
        return [await self._tried(keys[: last.requested], before[0].length, shown)]

    async def _tried(self, keys: list[str], length: int, shown: dict[str, ItemRow]) -> Tried:
        """Request items with a URL of a minimum length.

        Raises ServiceError for any failure but a refusal.
        """
        try:
            answer = await self._plex.items(keys, length=length)
        except ServiceError as err:
            if err.failure is not Failure.REJECTED:
                raise
            length = self._plex.address_length(keys, length)
            return Tried(len(keys), length, refused=err.status or 400)
        shown |= {one.rating_key: one for one in answer.rows}
        self._found.add(facts.section_on_row(answer))
        return Tried(len(keys), answer.length, received=len(answer.rows))


def _example(labels: Iterable[StoredLabel]) -> StoredLabel | None:
    """Return the most informative label: with letters, preferably one that is not ASCII."""
    usable = [
        one
        for one in labels
        if "," not in one.text and in_capitals(one.text) != one.text and not one.text.isdecimal()
    ]
    usable.sort(key=lambda one: all_in_capitals(one.text) == in_capitals(one.text))
    return usable[0] if usable else None


async def probe_pulsarr(pulsarr: PulsarrPort, found: Findings) -> None:
    """Query what Pulsarr is and what its rows lack. Raises ServiceError if it is unavailable."""
    users = None
    with found.about(Code.PULSARR_COUNTS, Code.PULSARR_RATE_LIMIT, Code.PULSARR_USER_ROWS):
        users = await pulsarr.users(counts=True)
        if users is None:
            users = await pulsarr.users(counts=False)
        if users is not None:
            found.add(*facts.about_users(users))
    with found.about(Code.PULSARR_EVENTS):
        found.add(facts.events(await pulsarr.event_types()))
    with found.about(Code.PULSARR_VERSION):
        version = await pulsarr.version()
        found.add(Fact(Code.PULSARR_VERSION, version or "not_told"))
    with found.about(Code.PULSARR_TITLE_ROWS):
        if users is not None and users.example is not None:
            missing = await pulsarr.missing_title_fields(users.example)
            if missing is not None:
                found.add(facts.missing_fields(Code.PULSARR_TITLE_ROWS, missing))
