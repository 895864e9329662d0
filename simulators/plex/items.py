"""Data of a Plex server: libraries, their items, and the seasons and episodes of shows."""

from __future__ import annotations

from dataclasses import dataclass
import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from simulators.catalog import CatalogTitle
    from simulators.plex.tags import Tag

type ItemType = Literal["movie", "show", "collection"]
type LibraryType = Literal["movie", "show", "artist"]
type SortField = Literal["titleSort", "addedAt"]

SEED_TIME = 1_790_000_000  # the newest seeded item was added before this moment (2026-09-21)
ARTICLES = re.compile(r"^(the|a|an|der|le|«)\s*", re.IGNORECASE)


@dataclass(slots=True)
class Library:
    """One section of the server."""

    key: str
    type: LibraryType
    title: str
    agent: str
    scanner: str
    uuid: str
    location: str
    created_at: int = SEED_TIME - 160_000_000
    scanned_at: int = SEED_TIME
    content_changed_at: int = 1_000_000  # the server-wide counter at the last change; may be 0
    refreshing: bool = False


@dataclass(slots=True, eq=False)
class Item:
    """One entry of a library."""

    rating_key: str
    section: str
    type: ItemType
    guid: str
    guids: tuple[str, ...]  # `tmdb://949` …, only of items that Plex's own agents matched
    title: str
    year: int
    added_at: int
    updated_at: int
    edition: str = ""
    origin: CatalogTitle | None = None  # the true title, which the server itself may not know
    tags: tuple[Tag, ...] = ()
    label_locked: bool = False
    episodes: int = 0
    seasons: int = 0

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels as stored, in the order in which they were added."""
        return tuple(tag.text for tag in self.tags)

    @property
    def number(self) -> int:
        """Return the rating key as a number."""
        return int(self.rating_key)

    @property
    def identified(self) -> bool:
        """Return whether the item's guids identify its title."""
        return (
            self.origin is not None
            and not self.guid.startswith(
                ("local://", "com.plexapp.agents.none://", "com.plexapp.agents.hama://anidb")
            )
            and not (self.guid.startswith("tv.plex.agents.custom.") and not self.guids)
        )

    def sort_key(self, by: SortField) -> tuple[int, str, int]:
        """Return the item's position in a listing; newest first is the reverse of `addedAt`."""
        if by == "addedAt":
            return (self.added_at, "", self.number)
        return (0, ARTICLES.sub("", self.title).casefold(), self.number)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A season or an episode of a show; only those that arrived while the server ran are stored."""

    rating_key: str
    kind: Literal["season", "episode"]
    parent: str
    show: str


def plex_guids(title: CatalogTitle) -> tuple[str, ...]:
    """Return the `Guid` children of an item that Plex's own agent matched."""
    return tuple(guid.replace(":", "://", 1) for guid in title.guids)
