"""Finds the items for a listing through the indexes of the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from simulators.plex.filters import TYPE_NAMES, Condition, Group, Listing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from simulators.plex.items import Item, ItemType, Library, SortField
    from simulators.plex.state import PlexState

OWN_TYPE = {"movie": 1, "show": 2}
ITEM_TYPES = ("movie", "show", "collection")


@dataclass(frozen=True, slots=True)
class Keys:
    """A set of rating keys, or its complement."""

    keys: frozenset[str]
    negated: bool = False

    def __and__(self, other: Keys) -> Keys:
        """Return the intersection."""
        match self.negated, other.negated:
            case False, False:
                return Keys(self.keys & other.keys)
            case True, True:
                return Keys(self.keys | other.keys, negated=True)
            case True, False:
                return Keys(other.keys - self.keys)
            case _:
                return Keys(self.keys - other.keys)

    def __invert__(self) -> Keys:
        """Return the complement."""
        return Keys(self.keys, not self.negated)

    def __or__(self, other: Keys) -> Keys:
        """Return the union."""
        return ~(~self & ~other)


ALL = Keys(frozenset(), negated=True)
NONE = Keys(frozenset())


@dataclass(frozen=True, slots=True)
class Found:
    """A page of items and the total number of items."""

    items: list[Item]
    total: int


def matching(state: PlexState, group: Group) -> Keys:
    """Return the rating keys that match a group of conditions."""
    result = NONE
    for alternative in group.alternatives:
        fitting = ALL
        for part in alternative:
            fitting &= matching(state, part) if isinstance(part, Group) else _fitting(state, part)
        result |= fitting
    return result


def select(
    state: PlexState,
    libraries: Iterable[Library],
    listing: Listing,
    visible: Callable[[Item], bool] | None,
    *,
    start: int = 0,
    stop: int | None = None,
) -> Found:
    """Return the items of these libraries that a listing selects, from `start` to before `stop`.

    `visible` decides which items the user may see; None means all.
    """
    keys = matching(state, listing.where)
    pairs = [(library.key, kind) for library in libraries for kind in _types(library, listing.type)]
    by: SortField = "addedAt" if listing.sort == "addedAt" else "titleSort"
    if len(pairs) == 1 and keys == ALL and visible is None:
        section, kind = pairs[0]
        total = len(state.section_items(section, kind))
        stop = total if stop is None else min(stop, total)
        if listing.descending:
            backwards = state.page(section, kind, by, total - stop, max(total - start, 0))
            return Found(backwards[::-1], total)
        return Found(state.page(section, kind, by, start, stop), total)
    items: list[Item] = []
    for section, kind in pairs:
        items.extend(_in_section(state, section, kind, by, keys))
    if visible is not None:
        items = [item for item in items if visible(item)]
    if listing.descending:
        items.reverse()
    return Found(items[start:stop], len(items))


def _in_section(
    state: PlexState, section: str, kind: ItemType, by: SortField, keys: Keys
) -> Iterable[Item]:
    if keys.negated:
        ordered = state.ordered(section, kind, by)
        return (
            (item for item in ordered if item.rating_key not in keys.keys) if keys.keys else ordered
        )
    contents = state.section_items(section, kind)
    found = [contents[key] for key in keys.keys if key in contents]
    return sorted(found, key=lambda item: item.sort_key(by))


def _types(library: Library, number: int | None) -> list[ItemType]:
    wanted = TYPE_NAMES.get(OWN_TYPE.get(library.type, 0) if number is None else number)
    fits = wanted in ITEM_TYPES and wanted in (library.type, "collection")
    return [cast("ItemType", wanted)] if fits else []


def _fitting(state: PlexState, condition: Condition) -> Keys:
    if condition.field == "label":
        keys = _labelled(state, condition.values)
    elif condition.field == "guid":
        keys = Keys(frozenset().union(*(state.with_guid(guid) for guid in condition.values)))
    elif condition.field == "id":
        keys = Keys(frozenset(condition.values))
    elif condition.field == "title":
        keys = _titled(state, condition)
    else:
        keys = _added(state, condition)
    return ~keys if condition.operator == "!=" else keys


def _labelled(state: PlexState, values: Iterable[str]) -> Keys:
    tags = [tag for value in values for tag in state.tags.of_value(value)]
    return Keys(frozenset().union(*(state.tags.carriers(tag) for tag in tags)))


def _titled(state: PlexState, condition: Condition) -> Keys:
    text = condition.values[0].casefold()
    if condition.operator == "==":
        return Keys(
            frozenset(key for key, item in state.items.items() if item.title.casefold() == text)
        )
    return Keys(
        frozenset(key for key, item in state.items.items() if text in item.title.casefold())
    )


def _added(state: PlexState, condition: Condition) -> Keys:
    value = condition.values[0]
    moment = int(value) if value.isascii() and value.isdigit() else 0
    later = frozenset(key for key, item in state.items.items() if item.added_at >= moment)
    return Keys(later, negated=condition.operator == "<<=")
