"""Pulsarr's people under the names by which they get labels, for whatever reads through the port."""

from collections.abc import Callable, Collection
from typing import Final

from .label_conflicts import Confirmed, Resolution, claimants, resolve
from .list_reader import is_gone
from .model import Gap, Person, SyncSettings, Title
from .person_id import PersonId
from .ports import WatchedPulsarrPort


class ResolvedPulsarr:
    """A Pulsarr server whose people were checked for labels that would mean two things."""

    def __init__(
        self,
        pulsarr: WatchedPulsarrPort,
        *,
        confirmed: Callable[[], Confirmed | None],
        settings: Callable[[], SyncSettings],
        resolved: Callable[[Confirmed | None, Resolution], object],
    ) -> None:
        """Initialize; `confirmed` and `settings` return what is in force.

        `resolved` is called after each read, with what was confirmed before it.
        """
        self._pulsarr: Final = pulsarr
        self._confirmed: Final = confirmed
        self._settings: Final = settings
        self._resolved: Final = resolved
        self._gone: set[PersonId] = set()  # according to Pulsarr, asked by id

    async def people(
        self, *, tries: int = 3, on_gap: Callable[[Gap], object] | None = None
    ) -> tuple[Person, ...]:
        """Return all users, those in a conflict under their confirmed names.

        Unreadable rows are reported to `on_gap`. Raises ServiceError.
        """
        people = await self._pulsarr.people(tries=tries, on_gap=on_gap)
        unlisted = await self._staying(claimants(people, self._confirmed(), self._settings()))
        self._gone -= {person.id for person in people}
        before = self._confirmed()
        resolution = resolve(people, before, self._settings(), unlisted=unlisted)
        self._resolved(before, resolution)
        return resolution.people

    async def _staying(self, people: Collection[Person]) -> list[Person]:
        """Return those of some unlisted people who are not known to be gone.

        A list without them is no proof: each is asked for by id, until Pulsarr says so once.
        """
        staying: list[Person] = []
        for person in people:
            if person.id in self._gone:
                continue
            if not await is_gone(self._pulsarr, person):
                staying.append(person)
            else:
                self._gone.add(person.id)
        return staying

    async def watchlist(
        self,
        person_id: PersonId,
        *,
        tries: int = 3,
        on_gap: Callable[[Gap], object] | None = None,
    ) -> tuple[Title, ...]:
        """Return one user's watchlist; unreadable rows are reported to `on_gap`.

        Raises ServiceError.
        """
        return await self._pulsarr.watchlist(person_id, tries=tries, on_gap=on_gap)
