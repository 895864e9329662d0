"""The interfaces that the engine needs from the outside."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence, Set as AbstractSet
from types import MappingProxyType
from typing import Protocol

from .changes import Change, Row, RowKey
from .ledger import Ledger
from .model import Gap, Item, LabelledItem, Library, Person, ServiceError, StoredLabel, Title
from .person_id import PersonId
from .run import Run


class PlexPort(Protocol):
    """A Plex Media Server. Every method raises ServiceError."""

    @property
    def items_per_request(self) -> int:
        """How many items `labelled` reads with one request."""

    @property
    def unreadable(self) -> AbstractSet[str]:
        """The items that could not be read when they were last requested, by rating key."""

    async def libraries(self, on_gap: Callable[[Gap], object] | None = None) -> tuple[Library, ...]:
        """Return the movie and show sections; unreadable rows are reported to `on_gap`."""

    def pages[T](
        self,
        library: Library,
        pick: Callable[[tuple[Item, ...]], T],
        on_gap: Callable[[Gap], object] | None = None,
    ) -> AsyncGenerator[T]:
        """Yield the result of `pick`, called in threads, for each page of a library's items.

        Each item comes once. Unreadable rows are reported to `on_gap`, or raise.
        """

    async def newest(
        self, library: Library, limit: int, on_gap: Callable[[Gap], object] | None = None
    ) -> tuple[tuple[Item, ...], int]:
        """Return the items added last, and the number of items in the library.

        Unreadable rows are reported to `on_gap`, or raise.
        """

    async def has_row(self, library: Library, row: int) -> bool:
        """Return whether a row of a listing, counted from 0 and oldest first, can be read."""

    async def with_plex_id(self, library: Library, plex_id: str) -> tuple[Item, ...]:
        """Return the items with a `plex:<hex>` id."""

    async def labels(
        self, library: Library, on_gap: Callable[[Gap], object] | None = None
    ) -> tuple[StoredLabel, ...]:
        """Return a library's label directory.

        Unreadable rows are reported to `on_gap`, or raise; the key of a gap whose label is unknown
        ends with a slash.
        """

    async def carriers(self, library: Library, label: StoredLabel) -> frozenset[str]:
        """Return the rating keys of all items that carry a label."""

    async def count_without(self, library: Library, label: StoredLabel) -> int:
        """Return the number of items that do not carry a label."""

    async def labelled(
        self,
        rating_keys: Sequence[str],
        on_gap: Callable[[Gap], object] | None = None,
        known: Mapping[str, Item] = MappingProxyType({}),
    ) -> tuple[LabelledItem, ...]:
        """Return those of the movies and shows that exist, with all their labels.

        An item that equals the one in `known`, by rating key, is that object. Unreadable items are
        reported to `on_gap`, or raise.
        """

    async def with_title(self, library: Library, text: str, limit: int) -> tuple[Item, ...]:
        """Return items with a text in their title, regardless of case."""

    async def edit(
        self,
        library: Library,
        rating_keys: Sequence[str],
        add: Sequence[str],
        remove: Sequence[str],
    ) -> Mapping[str, ServiceError]:
        """Add and remove labels; return the items that were refused."""


class PulsarrPort(Protocol):
    """A Pulsarr server. Every method raises ServiceError."""

    async def people(self, *, on_gap: Callable[[Gap], object] | None = None) -> tuple[Person, ...]:
        """Return all users; unreadable rows are reported to `on_gap`."""

    async def watchlist(
        self, person_id: PersonId, *, on_gap: Callable[[Gap], object] | None = None
    ) -> tuple[Title, ...]:
        """Return one user's watchlist; unreadable rows are reported to `on_gap`, or raise."""


class WatchedPulsarrPort(Protocol):
    """A Pulsarr server that is also polled, where a single attempt must do."""

    async def people(
        self, *, tries: int = 3, on_gap: Callable[[Gap], object] | None = None
    ) -> tuple[Person, ...]:
        """Return all users; unreadable rows are reported to `on_gap`."""

    async def watchlist(
        self,
        person_id: PersonId,
        *,
        tries: int = 3,
        on_gap: Callable[[Gap], object] | None = None,
    ) -> tuple[Title, ...]:
        """Return one user's watchlist; unreadable rows are reported to `on_gap`, or raise."""


class Recorder(Protocol):
    """Keeps a record of runs on disk."""

    @property
    def ledger(self) -> Ledger:
        """The labels that the integration wrote."""

    def recently_removed(self) -> Mapping[RowKey, Change]:
        """Return the labels that recent runs removed and that no run has added since."""

    def lost_since(self, when: float) -> int:
        """Return how many labels were lost without a request, since a time in epoch seconds.

        Labels are lost when they are removed, forgotten, or noted as an override.
        """

    async def begin(self, run: Run, changes: Sequence[Change], sent: int) -> None:
        """Write down what is about to be changed, and that the first `sent` may be sent at once.

        Returns when it is safe on disk.
        """

    async def sending(self, run_id: str, count: int) -> None:
        """Write down that the first `count` changes of a run may be sent from now on."""

    async def finish(
        self,
        run: Run,
        rows: Mapping[RowKey, Row | None],
        unsure: Mapping[Change, Row | None],
    ) -> None:
        """Write down what a run confirmed, and the new rows of the ledger.

        `unsure` were sent and could not be read back, with the rows that they were to create: they
        may be in Plex.
        """
