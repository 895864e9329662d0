"""Decides which of the items in Plex's events need a live sync. Nothing is written here."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .changes import Row
from .identity import is_another_title
from .model import Item, Library, Title, Watchlists
from .wanted import TitleIndex

REQUESTED_MAX: Final = 300  # new items requested one by one; beyond that a full sync costs less
REFRESHED_MAX: Final = 100  # known items requested beside them: as many as fit in one request
COOLDOWN: Final = 60.0  # seconds for which a known item is not requested again
UNREADABLE_MAX: Final = 3600.0  # seconds for which an unreadable item is not requested again
UNMATCHED: Final = 2.0  # seconds at first for an unrecognized item, doubled each time


@dataclass(frozen=True, slots=True)
class Candidates:
    """What needs a live sync: titles, and the items by which they were found.

    `too_many` means that a full sync is the better choice. `again` is the number of seconds until
    skipped items are due again, 0 if there are none.
    """

    titles: tuple[Title, ...] = ()
    items: tuple[Item, ...] = ()
    too_many: bool = False
    again: float = 0.0

    def __add__(self, other: "Candidates") -> "Candidates":
        """Return both together."""
        return Candidates(
            self.titles + other.titles,
            self.items + other.items,
            self.too_many or other.too_many,
            min(self.again, other.again) or self.again or other.again,
        )


class SeenItems:
    """The items seen so far, by library: an event about one of them is a refresh."""

    def __init__(self) -> None:
        """Start empty: nothing was listed yet."""
        self.keys: dict[str, set[int]] = {}
        self.unmatched: set[int] = set()

    def replace(self, library: Library, keys: set[int], unmatched: Iterable[Item]) -> None:
        """Replace what is known of a library after a complete listing.

        `keys` are the rating keys of all its items, `unmatched` those that Plex has not recognized.
        """
        self.unmatched -= self.keys.get(library.key, set())
        self.unmatched |= {int(item.rating_key) for item in unmatched}
        self.keys[library.key] = keys

    def seen(self, items: Iterable[Item]) -> None:
        """Add items; those without ids are not recognized by Plex yet."""
        for item in items:
            key = int(item.rating_key)
            self.keys.setdefault(item.library, set()).add(key)
            if item.ids:
                self.unmatched.discard(key)
            else:
                self.unmatched.add(key)

    def item_deleted(self, rating_key: str) -> None:
        """Forget a deleted item."""
        for keys in (*self.keys.values(), self.unmatched):
            keys.discard(int(rating_key))

    def recognized(self, rating_key: str) -> bool:
        """Return whether an item was seen with ids."""
        return rating_key in self and int(rating_key) not in self.unmatched

    def knows_library(self, library: Library) -> bool:
        """Return whether anything is known of a library."""
        return library.key in self.keys

    def __contains__(self, rating_key: str) -> bool:
        """Return whether an item was seen."""
        return any(int(rating_key) in keys for keys in self.keys.values())


class Cooldown:
    """Items to skip for a while: just checked, or just labelled by the integration.

    Events about them meanwhile are not lost: the items are due when their cooldown ends.
    """

    def __init__(self) -> None:
        """Start without any items."""
        self._until: dict[str, float] = {}
        # Seconds of the last cooldown of items that are not recognized, or cannot be read
        self._backoff: dict[str, float] = {}
        self._pending: set[str] = set()  # items with an event during their cooldown

    def add(self, rating_keys: Iterable[str], now: float) -> None:
        """Skip items for a while from `now`, in monotonic seconds."""
        self._forget(now)
        until = dict.fromkeys(rating_keys, now + COOLDOWN)
        self._until |= until
        self._backoff = {key: rest for key, rest in self._backoff.items() if key not in until}

    def add_unmatched(self, rating_keys: Iterable[str], now: float) -> None:
        """Skip items that Plex has not recognized, briefly at first: it may be about to."""
        self._forget(now)
        for key in rating_keys:
            self._backoff[key] = min(2 * self._backoff.get(key, UNMATCHED / 2), COOLDOWN)
            self._until[key] = now + self._backoff[key]

    def add_unreadable(self, rating_keys: Iterable[str], now: float) -> None:
        """Skip items that cannot be read, longer each time; then they are due, event or not."""
        self._forget(now)
        for key in rating_keys:
            self._backoff[key] = min(2 * self._backoff.get(key, COOLDOWN / 2), UNREADABLE_MAX)
            self._until[key] = now + self._backoff[key]
            self._pending.add(key)

    def forget(self, rating_keys: Iterable[str]) -> None:
        """Forget items that need not be skipped any more."""
        for key in rating_keys:
            self._until.pop(key, None)
            self.item_deleted(key)

    def has(self, rating_key: str, now: float) -> bool:
        """Return whether an item is on cooldown; if so, note that there was an event about it."""
        on_cooldown = self._until.get(rating_key, 0.0) > now
        if on_cooldown:
            self._pending.add(rating_key)
        return on_cooldown

    def due(self, now: float) -> list[str]:
        """Return the items with an event during their cooldown, once it is over."""
        due = [key for key in self._pending if self._until.get(key, 0.0) <= now]
        self._pending.difference_update(due)
        return due

    def again(self, now: float) -> float:
        """Return in how many seconds the next item is due, 0 if none is."""
        waits = [self._until[key] - now for key in self._pending if key in self._until]
        return max(min(waits), 0.1) if waits else 0.0

    def item_deleted(self, rating_key: str) -> None:
        """Forget a deleted item."""
        self._pending.discard(rating_key)
        self._backoff.pop(rating_key, None)

    def _forget(self, now: float) -> None:
        """Forget cooldowns that ended long ago, unless their items are still to be checked."""
        self._until = {
            key: until
            for key, until in self._until.items()
            if until + COOLDOWN > now or key in self._pending
        }
        self._backoff = {key: rest for key, rest in self._backoff.items() if key in self._until}


def items_to_request(
    rating_keys: Collection[str], known: SeenItems, cooldown: Cooldown, now: float
) -> tuple[list[str], list[str]]:
    """Return which of the processed items to request from Plex: new ones, and refreshed ones.

    A refresh matters only where a match was corrected. In the refresh of a whole library none was,
    and requesting every item would cost what the event stream is meant to save.
    """
    new = [key for key in rating_keys if key not in known]
    refreshed = [key for key in rating_keys if key in known and not cooldown.has(key, now)]
    return new, refreshed if len(refreshed) <= REFRESHED_MAX else []


def candidates_of(
    items: Sequence[Item], watchlists: Watchlists, rows: Mapping[str, Sequence[Row]]
) -> Candidates:
    """Return what is wanted and not labelled yet, or labelled as another title.

    `rows` are the ledger's rows by rating key.
    """
    wanted = TitleIndex(title for titles in watchlists.titles.values() for title in titles)
    titles: list[Title] = []
    found: list[Item] = []
    for item in items:
        if not item.ids:
            continue
        item_rows = rows.get(item.rating_key, ())
        title = Title(item.type, item.title, item.ids)
        other = any(is_another_title(row, item) for row in item_rows)
        if other or (title in wanted and not item_rows):
            titles.append(title)
            found.append(item)
    return Candidates(tuple(titles), tuple(found))
