"""The users of a server: the owner, or a person with whom libraries are shared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulators.plex.items import Item


@dataclass(frozen=True, slots=True)
class SharedUser:
    """A user with a token of their own for this server and fewer rights than the owner."""

    id: int
    name: str
    token: str = field(repr=False)
    sections: frozenset[str]
    hidden: frozenset[str] = frozenset()  # rating keys
    only_labels: frozenset[str] = frozenset()  # when not empty, only items with one of these
    never_labels: frozenset[str] = frozenset()
    home: bool = False

    def may_see(self, item: Item) -> bool:
        """Return whether the item is visible to this user."""
        if item.section not in self.sections or item.rating_key in self.hidden:
            return False
        labels = {label.casefold() for label in item.labels}
        if self.only_labels and labels.isdisjoint(map(str.casefold, self.only_labels)):
            return False
        return labels.isdisjoint(map(str.casefold, self.never_labels))


@dataclass(frozen=True, slots=True)
class Viewer:
    """The user behind a request."""

    shared: SharedUser | None = None  # None: the owner

    @property
    def owner(self) -> bool:
        """Return whether this is the owner of the server."""
        return self.shared is None

    def may_enter(self, section: str) -> bool:
        """Return whether the section is shared with this user."""
        return self.shared is None or section in self.shared.sections

    def may_see(self, item: Item) -> bool:
        """Return whether the item is visible to this user."""
        return self.shared is None or self.shared.may_see(item)


OWNER = Viewer()
