"""What the engine needs of the world outside."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Final, Protocol

from .changes import Change, Row, RowKey
from .ledger import Ledger
from .model import Gap, Item, LabelledItem, Library, Person, ServiceError, StoredLabel, Title
from .person_id import PersonId
from .run import Run

ITEMS_AT_ONCE: Final = 200  # items whose labels are read with one request


class PlexPort(Protocol):
    """A Plex Media Server. Every method raises ServiceError."""

    async def libraries(self, on_gap: Callable[[Gap], object] | None = None) -> tuple[Library, ...]:
        """Return the movie and show sections; rows that cannot be read are reported to `on_gap`."""

    def pages[T](
        self,
        library: Library,
        pick: Callable[[tuple[Item, ...]], T],
        on_gap: Callable[[Gap], object] | None = None,
    ) -> AsyncGenerator[T]:
        """Yield what `pick`, called in threads, makes of all items of a library, page by page.

        Each item comes once. Rows that cannot be read are reported to `on_gap`, or raise.
        """

    async def newest(self, library: Library, limit: int) -> tuple[tuple[Item, ...], int]:
        """Return the items added last, and how many the library holds."""

    async def with_plex_id(self, library: Library, plex_id: str) -> tuple[Item, ...]:
        """Return the items under one `plex:<hex>` id."""

    async def labels(
        self, library: Library, on_gap: Callable[[Gap], object] | None = None
    ) -> tuple[StoredLabel, ...]:
        """Return a library's label directory.

        Rows that cannot be read are reported to `on_gap`, or raise; the key of one whose label is
        not known ends with a slash.
        """

    async def carriers(self, library: Library, label: StoredLabel) -> frozenset[str]:
        """Return the rating keys of all items that carry a label."""

    async def count_without(self, library: Library, label: StoredLabel) -> int:
        """Return how many items do not carry a label."""

    async def existing(self, rating_keys: Sequence[str]) -> frozenset[str]:
        """Return those of the rating keys that are there."""

    async def labelled(
        self, rating_keys: Sequence[str], on_gap: Callable[[Gap], object] | None = None
    ) -> tuple[LabelledItem, ...]:
        """Return those of the movies and shows that are there, with all their labels.

        Items that cannot be read are reported to `on_gap`, or raise.
        """

    async def with_title(self, library: Library, text: str, limit: int) -> tuple[Item, ...]:
        """Return items with a text in their title, in any case."""

    async def edit(
        self,
        library: Library,
        rating_keys: Sequence[str],
        add: Sequence[str],
        remove: Sequence[str],
    ) -> Mapping[str, ServiceError]:
        """Add and remove labels; return the items that were refused."""


class PulsarrPort(Protocol):
    """A Pulsarr. Every method raises ServiceError."""

    async def people(self, *, on_gap: Callable[[Gap], object] | None = None) -> tuple[Person, ...]:
        """Return all users; rows that cannot be read are reported to `on_gap`."""

    async def watchlist(
        self, person_id: PersonId, *, on_gap: Callable[[Gap], object] | None = None
    ) -> tuple[Title, ...]:
        """Return one user's watchlist; rows that cannot be read are reported to `on_gap`, or raise."""


class WatchedPulsarrPort(Protocol):
    """A Pulsarr that is also looked at by the way, when one try has to do."""

    async def people(
        self, *, tries: int = 3, on_gap: Callable[[Gap], object] | None = None
    ) -> tuple[Person, ...]:
        """Return all users; rows that cannot be read are reported to `on_gap`."""

    async def watchlist(
        self,
        person_id: PersonId,
        *,
        tries: int = 3,
        on_gap: Callable[[Gap], object] | None = None,
    ) -> tuple[Title, ...]:
        """Return one user's watchlist; rows that cannot be read are reported to `on_gap`, or raise."""


class Recorder(Protocol):
    """Keeps what runs did, on disk."""

    @property
    def ledger(self) -> Ledger:
        """What we wrote so far."""

    def removed_lately(self) -> Mapping[RowKey, Change]:
        """Return the labels of ours that recent runs took off, and that no run put on since."""

    def lost_since(self, when: float) -> int:
        """Return how many labels were lost that nobody asked for, since a time in epoch seconds.

        Lost are those that were taken off, forgotten, or noted as an override.
        """

    async def begin(self, run: Run, changes: Sequence[Change]) -> None:
        """Write down what is about to be changed; returns when it is safe on disk."""

    async def sending(self, run_id: str, count: int) -> None:
        """Write down that the first `count` changes of a run may be sent from now on."""

    async def finish(
        self,
        run: Run,
        rows: Mapping[RowKey, Row | None],
        unsure: Mapping[Change, Row | None],
    ) -> None:
        """Write down what a run confirmed, and what becomes of the ledger's rows.

        `unsure` were sent and could not be read back, with the rows that they were to make:
        they may be in Plex.
        """
