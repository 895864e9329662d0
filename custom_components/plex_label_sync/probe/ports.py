"""What a probe needs of the servers, of the disk and of time."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from ..sync.model import StoredLabel
from .model import Root, Rows, Section, Trial, Users


class RequestCounter(Protocol):
    """Counts requests before they are sent, and ends a probe that has asked enough."""

    def take(self) -> None:
        """Count a request."""
        ...

    async def take_edit(self) -> None:
        """Count an edit when its time has come."""
        ...

    def edited(self) -> None:
        """Take in that an edit was answered, or was not."""
        ...


class PlexPort(Protocol):
    """A Plex server, asked once for each call. Everything raises ServiceError."""

    async def root(self) -> Root:
        """Return what the server says about itself."""
        ...

    async def is_owner(self) -> bool:
        """Return whether the token is the owner's."""
        ...

    async def sections(self) -> tuple[Section, ...]:
        """Return the movie and show sections."""
        ...

    async def listing(
        self,
        section: Section,
        size: int,
        *,
        label: str | None = None,
        include_labels: bool = False,
    ) -> Rows:
        """Return the first rows of a section, those with a label if one is given."""
        ...

    async def labels(self, section: Section) -> tuple[StoredLabel, ...]:
        """Return the label directory of a section."""
        ...

    async def items(
        self, rating_keys: Sequence[str], *, refresh: bool = False, length: int = 0
    ) -> Rows:
        """Return items by key; `length` is how many bytes the address shall have at least."""
        ...

    def address_length(self, rating_keys: Sequence[str], length: int) -> int:
        """Return the bytes of the address with which `items` asks."""
        ...

    async def edit(
        self, trial: Trial, add: Sequence[str], remove: Sequence[str], *, encoded_once: bool
    ) -> float:
        """Change labels of the one movie of a trial; returns how many seconds that took."""
        ...

    def listen(self, path: int) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Connect to one of the socket's two paths; yields rating keys of processed items."""
        ...


class PulsarrPort(Protocol):
    """A Pulsarr, asked once for each call. Everything raises ServiceError."""

    async def version(self) -> str | None:
        """Return its version, None where it does not tell."""
        ...

    async def users(self, *, counts: bool) -> Users | None:
        """Return what it tells of its users, None where there is no such list."""
        ...

    async def event_types(self) -> frozenset[str] | None:
        """Return the webhooks that it can send, None where it sends none."""
        ...

    async def title_rows_lack(self, person: int) -> frozenset[str] | None:
        """Return what some of a person's titles lack, None where there are no titles."""
        ...


class TrialJournal(Protocol):
    """What is on disk about a trial."""

    async def begin(self, trial: Trial) -> None:
        """Write down what is about to be put on. Raises ServiceError when that fails."""
        ...

    async def end(self) -> None:
        """Write down that nothing of it is left."""
        ...
