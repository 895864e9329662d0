"""What a probe needs from the servers, the disk and the clock."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from ..sync.model import StoredLabel
from .model import Root, Rows, Section, Trial, Users


class RequestCounter(Protocol):
    """Counts requests before they are sent, and ends a probe at its limit."""

    def take(self) -> None:
        """Count a request."""
        ...

    async def take_edit(self) -> None:
        """Count an edit after the required gap."""
        ...

    def edited(self) -> None:
        """Record that an edit was answered, or failed."""
        ...


class PlexPort(Protocol):
    """A Plex server; each call is one request. All methods raise ServiceError."""

    async def root(self) -> Root:
        """Return the server's description of itself."""
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
        """Return the first rows of a section, only those with a label if one is given."""
        ...

    async def labels(self, section: Section) -> tuple[StoredLabel, ...]:
        """Return the label directory of a section."""
        ...

    async def items(
        self, rating_keys: Sequence[str], *, refresh: bool = False, length: int = 0
    ) -> Rows:
        """Return items by key; `length` is the minimum length of the URL in bytes."""
        ...

    def address_length(self, rating_keys: Sequence[str], length: int) -> int:
        """Return the length in bytes of the URL that `items` requests."""
        ...

    async def edit(
        self, trial: Trial, add: Sequence[str], remove: Sequence[str], *, encoded_once: bool
    ) -> float:
        """Change labels of the trial's one movie; return how many seconds that took."""
        ...

    def listen(self, path: int) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Connect to one of the socket's two paths; yield the rating keys of processed items."""
        ...


class PulsarrPort(Protocol):
    """A Pulsarr; each call is one request. All methods raise ServiceError."""

    async def version(self) -> str | None:
        """Return the version, None if it is not stated."""
        ...

    async def users(self, *, counts: bool) -> Users | None:
        """Return what is known about the users, None if there is no such list."""
        ...

    async def event_types(self) -> frozenset[str] | None:
        """Return the webhook events that it can send, None if it sends none."""
        ...

    async def missing_title_fields(self, person: int) -> frozenset[str] | None:
        """Return the fields that some of a person's titles lack, None without titles."""
        ...


class TrialJournal(Protocol):
    """The record of a trial on disk."""

    async def begin(self, trial: Trial) -> None:
        """Save what is about to be added. Raises ServiceError when that fails."""
        ...

    async def end(self) -> None:
        """Save that nothing of it is left."""
        ...
