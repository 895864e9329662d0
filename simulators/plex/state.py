"""The data of a Plex server: libraries, items and their labels, with indexes for speed."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
import time
from typing import TYPE_CHECKING, Literal

from simulators.plex.edits import LabelEdit
from simulators.plex.items import SEED_TIME, Item, plex_guids
from simulators.plex.tags import LabelRules, TagStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from simulators.catalog import CatalogTitle
    from simulators.plex.items import ItemType, Leaf, Library, SortField


@dataclass(slots=True)
class _SectionItems:
    """The items of one type in one section, in both orders."""

    items: dict[str, Item] = field(default_factory=dict)
    orders: dict[SortField, list[tuple[tuple[int, str, int], Item]]] = field(default_factory=dict)

    def order(self, by: SortField) -> list[tuple[tuple[int, str, int], Item]]:
        if by not in self.orders:
            pairs = [(item.sort_key(by), item) for item in self.items.values()]
            self.orders[by] = sorted(pairs, key=_first)
        return self.orders[by]

    def put(self, item: Item) -> None:
        self.items[item.rating_key] = item
        for by, order in self.orders.items():
            insort(order, (item.sort_key(by), item), key=_first)

    def take(self, item: Item) -> None:
        del self.items[item.rating_key]
        for by, order in self.orders.items():
            del order[bisect_left(order, item.sort_key(by), key=_first)]


def _first(pair: tuple[tuple[int, str, int], Item]) -> tuple[int, str, int]:
    return pair[0]


class PlexState:
    """The database of a simulated Plex server. Changes made here cause no events."""

    def __init__(self, *, name: str = "Simulated Plex", machine_identifier: str = "0" * 40) -> None:
        self.name = name
        self.machine_identifier = machine_identifier
        self.version = "1.43.5.11029-3f1b2c8d7"
        self.catalog: tuple[CatalogTitle, ...] = ()
        self.libraries: dict[str, Library] = {}
        self.items: dict[str, Item] = {}
        self.leaves: dict[str, Leaf] = {}
        self.matching: set[str] = set()  # keys of items that are being matched
        self.tags = TagStore()
        self._by_section: dict[tuple[str, ItemType], _SectionItems] = {}
        self._by_guid: dict[str, set[str]] = {}
        self._by_title: dict[str, set[str]] = {}  # catalog key -> rating keys
        self._next_key = 1
        self._changes = 1_000_000  # of the whole server
        self._last_time = SEED_TIME

    # Reading

    def labels_of(self, rating_key: str | int) -> tuple[str, ...]:
        """Return an item's labels in stored spelling. Raises KeyError for an unknown item."""
        return self.items[str(rating_key)].labels

    def items_of(self, title: CatalogTitle, *, identified: bool = True) -> list[Item]:
        """Return a title's items by rating key; `identified=False` includes unidentified ones."""
        found = (self.items[key] for key in self._by_title.get(title.key, ()))
        return sorted((item for item in found if item.identified or not identified), key=_number)

    def carriers(self, label: str) -> list[Item]:
        """Return the items that carry a label, ignoring case, by rating key."""
        keys = {key for tag in self.tags.find(label) for key in self.tags.carriers(tag)}
        return sorted((self.items[key] for key in keys), key=_number)

    def with_guid(self, guid: str) -> set[str]:
        """Return the rating keys of items with this primary guid."""
        return self._by_guid.get(guid, set())

    def section_items(self, section: str, kind: ItemType) -> dict[str, Item]:
        """Return the items of one type in one section by rating key; not to be modified."""
        return self._section(section, kind).items

    def ordered(self, section: str, kind: ItemType, by: SortField) -> Iterator[Item]:
        """Yield the items of one type in one section, ascending."""
        return (item for _, item in self._section(section, kind).order(by))

    def page(
        self, section: str, kind: ItemType, by: SortField, start: int, stop: int
    ) -> list[Item]:
        """Return a slice of `ordered`."""
        return [item for _, item in self._section(section, kind).order(by)[start:stop]]

    def sort_everything(self) -> None:
        """Sort now what would otherwise be sorted on first use."""
        for section_items in self._by_section.values():
            section_items.order("titleSort")
            section_items.order("addedAt")

    def missing(self) -> list[CatalogTitle]:
        """Return the catalog's titles that are in no library."""
        return [title for title in self.catalog if title.key not in self._by_title]

    # Items

    def now(self) -> int:
        """Return the server's clock: never earlier than a previous timestamp."""
        self._last_time = max(self._last_time + 1, int(time.time()))
        return self._last_time

    def reserve_keys(self, count: int = 1) -> str:
        """Return the first of `count` new rating keys, which are never reused."""
        first = self._next_key
        self._next_key += count
        return str(first)

    def add_library(self, library: Library) -> Library:
        """Add a section."""
        self.libraries[library.key] = library
        return library

    def add_item(
        self,
        title: CatalogTitle,
        section: str | None = None,
        *,
        guid: str | None = None,
        guids: Iterable[str] | None = None,
        edition: str = "",
        added_at: int | None = None,
        seasons: int = 1,
        episodes: int = 1,
        rating_key: str | None = None,
    ) -> Item:
        """Put a title into a library, by default the first of its type; `guid` replaces Plex's own.

        `rating_key` reuses a key, which Plex never does. Raises ValueError for one that is in use.
        """
        moment = self.now() if added_at is None else added_at
        if rating_key in self.items:
            raise ValueError(f"there is an item {rating_key}")
        count = 1 + (seasons + episodes if title.type == "show" else 0)
        item = Item(
            rating_key=self.reserve_keys(count) if rating_key is None else rating_key,
            section=section or self.library_for(title).key,
            type=title.type,
            guid=title.plex_guid if guid is None else guid,
            guids=tuple(guids) if guids is not None else plex_guids(title) if guid is None else (),
            title=title.title,
            year=title.year,
            added_at=moment,
            updated_at=moment,
            edition=edition,
            origin=title,
            seasons=seasons if title.type == "show" else 0,
            episodes=episodes if title.type == "show" else 0,
        )
        self._insert(item)
        return item

    def add_collection(self, section: str, title: str, size: int = 0) -> Item:
        """Put a collection into a library."""
        key, moment = self.reserve_keys(), self.now()
        item = Item(key, section, "collection", f"collection://{key}", (), title, 0, moment, moment)
        item.episodes = size
        self._insert(item)
        return item

    def library_for(self, title: CatalogTitle) -> Library:
        """Return the first library of a title's type."""
        return next(library for library in self.libraries.values() if library.type == title.type)

    def rematch(self, rating_key: str, *, guid: str, guids: tuple[str, ...], title: str) -> Item:
        """Change what an item is matched to; it keeps its rating key and labels."""
        item = self.items[rating_key]
        section_items = self._section(item.section, item.type)
        section_items.take(item)
        self._drop(self._by_guid, item.guid, rating_key)
        item.guid, item.guids, item.title, item.updated_at = guid, guids, title, self.now()
        section_items.put(item)
        self._by_guid.setdefault(guid, set()).add(rating_key)
        self._touch(item.section)
        return item

    def rename(self, item: Item, title: str) -> Item:
        """Give an item another title by hand."""
        return self.rematch(item.rating_key, guid=item.guid, guids=item.guids, title=title)

    def delete_item(self, rating_key: str | int) -> Item:
        """Remove an item; its rating key is never reused. Raises KeyError for an unknown item."""
        item = self.items.pop(str(rating_key))
        for tag in item.tags:
            self.tags.detach(tag, item.rating_key)
        self._section(item.section, item.type).take(item)
        self._drop(self._by_guid, item.guid, item.rating_key)
        if item.origin is not None:
            self._drop(self._by_title, item.origin.key, item.rating_key)
        self._touch(item.section)
        return item

    def rebuild_library(self, key: str, *, same_keys: bool = False) -> Library:
        """Delete and recreate a library under its number: another uuid, same titles, no labels.

        The items get new keys, or with `same_keys` their old ones, as after a reinstallation.
        """
        library = self.libraries[key]
        library.uuid = (
            f"{int(library.uuid.replace('-', '')[:8] or '0', 16) + 1:08x}{library.uuid[8:]}"
        )
        for old in [item for item in self.items.values() if item.section == key]:
            self.delete_item(old.rating_key)
            if old.origin is not None:
                again = old.rating_key if same_keys else None
                item = self.add_item(old.origin, key, edition=old.edition, rating_key=again)
                self.rematch(item.rating_key, guid=old.guid, guids=old.guids, title=old.title)
        return library

    def snapshot(self) -> dict[str, tuple[str, ...]]:
        """Return a copy of all labels, as in a backup of the database."""
        return {key: item.labels for key, item in self.items.items()}

    def restore(self, copy: dict[str, tuple[str, ...]]) -> None:
        """Restore the labels of items that still exist from a copy."""
        for key, item in self.items.items():
            self.apply(item, LabelEdit(add=copy.get(key, ()), clear=True))

    def _insert(self, item: Item) -> None:
        self.items[item.rating_key] = item
        self._section(item.section, item.type).put(item)
        self._by_guid.setdefault(item.guid, set()).add(item.rating_key)
        if item.origin is not None:
            self._by_title.setdefault(item.origin.key, set()).add(item.rating_key)
        self._touch(item.section)

    # Labels

    @property
    def rules(self) -> LabelRules:
        """Return how labels are stored and compared."""
        return self.tags.rules

    @rules.setter
    def rules(self, rules: LabelRules) -> None:
        self.tags.rules = rules

    def add_label(self, rating_key: str | int, label: str) -> None:
        """Add a label by hand."""
        self.apply(self.items[str(rating_key)], LabelEdit(add=(label,)))

    def remove_label(self, rating_key: str | int, label: str) -> None:
        """Remove a label by hand, ignoring case."""
        item = self.items[str(rating_key)]
        spelled = tuple(text for text in item.labels if text.casefold() == label.casefold())
        self.apply(item, LabelEdit(remove=spelled))

    def apply(
        self,
        item: Item,
        edit: LabelEdit,
        *,
        add_first: bool = False,
        bump: Literal["both", "item", "library"] | None = None,
    ) -> bool:
        """Apply an edit to one item; return whether anything changed."""
        before = (item.tags, item.label_locked)
        steps: list[Callable[[Item, LabelEdit], None]] = [self._take_off, self._put_on]
        for step in reversed(steps) if add_first else steps:
            step(item, edit)
        if edit.lock is not None:
            item.label_locked = edit.lock
        changed = before != (item.tags, item.label_locked)
        if changed and bump in ("both", "item"):
            item.updated_at = self.now()
        if changed and bump in ("both", "library"):
            self._touch(item.section)
        return changed

    def _put_on(self, item: Item, edit: LabelEdit) -> None:
        for text in edit.add:
            tag = self.tags.obtain(text)
            if tag not in item.tags:
                item.tags = (*item.tags, tag)
            self.tags.attach(tag, item.rating_key, (item.section, item.type))

    def _take_off(self, item: Item, edit: LabelEdit) -> None:
        for tag in item.tags:
            if edit.clear or any(self.tags.is_meant(tag, text) for text in edit.remove):
                item.tags = tuple(kept for kept in item.tags if kept is not tag)
                self.tags.detach(tag, item.rating_key)

    # Internals

    def _section(self, section: str, kind: ItemType) -> _SectionItems:
        return self._by_section.setdefault((section, kind), _SectionItems())

    def _touch(self, section: str) -> None:
        self._changes += 1
        if section in self.libraries:
            self.libraries[section].content_changed_at = self._changes

    @staticmethod
    def _drop(index: dict[str, set[str]], name: str, rating_key: str) -> None:
        index[name].discard(rating_key)
        if not index[name]:
            del index[name]


def _number(item: Item) -> int:
    return item.number
