"""Reads what explaining a few titles takes, if possible without listing whole libraries."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from .current_labels import CurrentLabels
from .explain import TITLES_MAX, Facts, Question, matching_titles
from .ledger import Ledger
from .model import (
    Gap,
    Item,
    LabelledItem,
    Library,
    Service,
    ServiceError,
    SyncSettings,
    Title,
    Watchlists,
)
from .plan_view import View
from .planner import make_plan
from .ports import PlexPort
from .protection import Evidence, OpenQuestion, unread_lists
from .queue import Queue
from .readers import Found, ItemFinder
from .retention import Roster
from .safety_check import held_by_question
from .threads import in_thread
from .wanted import TitleIndex, WantedTitle, labelled_people, wanted_titles_of
from .wanted_labels import WantedItem, wanted_items

ROWS_MAX: Final = 50  # items of one library searched for a text in their titles


class FactReader:
    """Reads the facts about titles; writes nothing."""

    def __init__(self, plex: PlexPort, finder: ItemFinder, clock: Callable[[], float]) -> None:
        """Initialize; `clock` returns seconds since the epoch."""
        self._plex = plex
        self._finder = finder
        self._clock = clock

    async def gather_facts(  # noqa: PLR0917 - the question, and everything that is already known
        self,
        question: Question,
        watchlists: Watchlists,
        ledger: Ledger,
        queue: Queue,
        open_question: OpenQuestion | None,
        settings: SyncSettings,
    ) -> tuple[Facts, int]:
        """Return the facts about at most TITLES_MAX titles, and how many match the question.

        A title with an unreadable item is left out, unless that leaves none. Raises ServiceError.
        """
        libraries = {one.key: one for one in await self._plex.libraries()}
        chosen = [one for one in libraries.values() if settings.covers(one.key)]
        known = await self._matching_items(question, chosen)
        fitting = await in_thread(matching_titles, question, watchlists, queue, known)
        titles = fitting[:TITLES_MAX]
        people = labelled_people(watchlists, settings)
        wanted_titles = await in_thread(wanted_titles_of, watchlists, people)
        found = await self._find(await in_thread(_wanted_among, titles, wanted_titles), chosen)
        items = wanted_items(found.matches, settings)
        chosen_keys = {one.key for one in chosen}
        for item in known:
            if item.library in chosen_keys:
                items.setdefault(item.rating_key, WantedItem(item))
        by_title = [(title, _items_of(title, found, known)) for title in titles]
        keys = sorted({item.rating_key for _, some in by_title for item in some})
        gaps: list[Gap] = []
        labelled = await self._plex.labelled(keys, gaps.append) if keys else ()
        by_title = _readable(by_title, gaps)
        present = _present(labelled)
        # Items deleted meanwhile are not explained.
        there = {one.item.rating_key for one in labelled}
        by_title = [
            (title, [one for one in some if one.rating_key in there]) for title, some in by_title
        ]
        for key in {one.item.library for one in labelled} & chosen_keys:
            # The directory has the spellings of labels; the items list which ones they carry.
            directory = await self._plex.labels(libraries[key], lambda _: None)
            present.add_directory(key, directory)
        view = View(
            items={key: one for key, one in items.items() if key in there},
            present=present,
            ledger=ledger,
            roster=Roster(
                {person.id: person for person in watchlists.people},
                frozenset(person.id for person in people),
            ),
            settings=settings,
            now=self._clock(),
            whole=True,
            libraries=libraries,
            evidence=Evidence({one.item.rating_key: one for one in labelled}),
            doubts=await in_thread(unread_lists, watchlists, people, settings, ledger),
        )
        plan = await in_thread(make_plan, view)
        held = held_by_question(plan, open_question)
        facts = Facts(by_title, watchlists, libraries, view, plan, queue, held)
        return facts, len(fitting)

    async def _matching_items(
        self, question: Question, libraries: Iterable[Library]
    ) -> tuple[Item, ...]:
        """Return the items that match a question, wanted or not.

        Raises ServiceError when none of the libraries can be read.
        """
        if question.rating_key is not None:
            return tuple(one.item for one in await self._plex.labelled([question.rating_key]))
        found: list[tuple[Item, ...]] = []
        failures: list[ServiceError] = []
        for library in libraries:
            try:
                found.append(await self._named_in(library, question))
            except ServiceError as err:
                failures.append(err)
        if failures and not found:
            raise failures[0]
        return tuple(item for items in found for item in items)

    async def _named_in(self, library: Library, question: Question) -> tuple[Item, ...]:
        if question.text is not None:
            return await self._plex.with_title(library, question.text, ROWS_MAX)
        if question.id is not None and question.id.startswith("plex:"):
            return await self._plex.with_plex_id(library, question.id)
        return ()

    async def _find(self, wanted_titles: Sequence[WantedTitle], libraries: list[Library]) -> Found:
        """Find the items of some titles."""
        if not wanted_titles:
            return Found((), (), {})
        thorough = frozenset(wanted_title.title for wanted_title in wanted_titles)
        return await self._finder.find_some(libraries, wanted_titles, thorough)


def _wanted_among(
    titles: Sequence[Title], wanted_titles: Iterable[WantedTitle]
) -> tuple[WantedTitle, ...]:
    """Return the wanted titles that mean one of these, and the others without people."""
    asked = TitleIndex(titles)
    some = tuple(wanted_title for wanted_title in wanted_titles if wanted_title.title in asked)
    wanted = TitleIndex(wanted_title.title for wanted_title in some)
    return some + tuple(WantedTitle(title, ()) for title in titles if title not in wanted)


def _items_of(title: Title, found: Found, known: Iterable[Item]) -> list[Item]:
    """Return a title's items, and those among the question's that share an id with it."""
    items = {
        item.rating_key: item
        for wanted_title, some in found.matches
        if wanted_title.title == title or wanted_title.title.same_as(title)
        for item in some
    }
    for item in known:
        other = Title(item.type, item.title, item.ids)
        if other == title or other.same_as(title):
            items.setdefault(item.rating_key, item)
    return sorted(items.values(), key=lambda item: (item.library, item.rating_key))


def _readable(
    by_title: list[tuple[Title, list[Item]]], gaps: Sequence[Gap]
) -> list[tuple[Title, list[Item]]]:
    """Return the titles without an unreadable item. Raises ServiceError if there are none."""
    unread = {gap.key for gap in gaps}
    left = [
        (title, some)
        for title, some in by_title
        if unread.isdisjoint(item.rating_key for item in some)
    ]
    if gaps and not left:
        raise ServiceError(Service.PLEX, gaps[0].failure, "an item could not be read")
    return left


def _present(labelled: Iterable[LabelledItem]) -> CurrentLabels:
    """Return the labels of whole items."""
    present = CurrentLabels()
    for one in labelled:
        present.add_item(one.item.rating_key, one.labels)
    return present
