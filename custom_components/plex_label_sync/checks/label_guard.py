"""Prevents labels from coming to mean two things, between Pulsarr's people and the engine."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
import json
from typing import Any

from homeassistant.core import callback

from ..const import CONF_CONFIRMED
from ..context import EntryContext
from ..issues import LABELS_CONFLICT, async_delete, async_raise
from ..sync.label_conflicts import (
    Confirmed,
    Conflict,
    claimants,
    resolve,
    with_left,
    with_meant,
)
from ..sync.list_reader import is_gone
from ..sync.model import Gap, Person, Title, fold
from ..sync.person_id import PersonId
from ..sync.ports import WatchedPulsarrPort


class LabelGuard:
    """A Pulsarr server whose people have the names under which they get labels.

    Confirmed names are stored in the entry's data: those that changed without a conflict, and those
    that the user decided about.
    """

    def __init__(
        self,
        context: EntryContext,
        pulsarr: WatchedPulsarrPort,
    ) -> None:
        """Initialize without any conflict."""
        self._context = context
        self._hass, self._entry = context.hass, context.entry
        self._pulsarr = pulsarr
        self._undecided: tuple[Conflict, ...] = ()
        self._gone: set[PersonId] = set()  # according to Pulsarr, asked by id
        self._readers = 0

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Confirm nothing and raise no issues meanwhile; the next read makes up for it."""
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1

    async def people(
        self, *, tries: int = 3, on_gap: Callable[[Gap], object] | None = None
    ) -> tuple[Person, ...]:
        """Return all users, those in a conflict under their confirmed names.

        Unreadable rows are reported to `on_gap`. Raises ServiceError.
        """
        people = await self._pulsarr.people(tries=tries, on_gap=on_gap)
        before, settings = self._confirmed, self._context.settings.sync
        unlisted = await self._staying(claimants(people, before, settings))
        return self._served(people, unlisted)

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

    @property
    def _confirmed(self) -> Confirmed | None:
        return Confirmed.from_dict(self._entry.data.get(CONF_CONFIRMED))

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

    @callback
    def _served(
        self, people: Collection[Person], unlisted: Collection[Person]
    ) -> tuple[Person, ...]:
        self._gone -= {person.id for person in people}
        before = self._confirmed
        resolution = resolve(people, before, self._context.settings.sync, unlisted=unlisted)
        if self._readers:
            return resolution.people
        if resolution.confirmed != before:
            self._save(resolution.confirmed)
        if resolution.undecided != self._undecided:
            self._undecided = resolution.undecided
            if self._undecided:
                async_raise(self._hass, self._entry, LABELS_CONFLICT, self._undecided)
            else:
                async_delete(self._hass, self._entry, LABELS_CONFLICT)
        return resolution.people

    @callback
    def async_decide(self, shown: str, *, meant: bool) -> None:
        """Record the user's decision about the conflicts that were `shown`, and no others."""
        keys = {label: frozenset(some) for label, some in json.loads(shown).items()}
        confirmed = self._confirmed or Confirmed()
        self._save(with_meant(confirmed, keys) if meant else with_left(confirmed, keys))
        self._undecided = tuple(
            one for one in self._undecided if not one.keys <= keys.get(fold(one.label), frozenset())
        )

    def _save(self, confirmed: Confirmed) -> None:
        data: Mapping[str, Any] = {**self._entry.data, CONF_CONFIRMED: confirmed.as_dict()}
        self._hass.config_entries.async_update_entry(self._entry, data=data)
