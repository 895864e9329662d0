"""Groups changes so that one request covers many items. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .changes import Action, Change


@dataclass(frozen=True, slots=True)
class EditGroup:
    """Items of one library that get the same change with one request."""

    library: str
    rating_keys: tuple[str, ...]
    add: tuple[str, ...]
    remove: tuple[str, ...]

    def makes(self, change: Change) -> bool:
        """Return whether the edit makes this change on one of its items."""
        return change.label in (self.add if change.action is Action.ADD else self.remove)


def edit_groups(changes: Iterable[Change]) -> tuple[EditGroup, ...]:
    """Group changes into as few requests as possible.

    Items that get exactly the same change share a request. Where watchlists overlap a lot, nearly
    every item would need its own: additions are then sent label by label, because adding one label
    leaves the others alone. Items that also lose a label keep a request of their own.
    """
    groups: dict[_Effect, list[str]] = {}
    for (library, rating_key), (adds, removes) in _by_item(changes).items():
        effect = (library, tuple(sorted(adds)), tuple(sorted(removes)))
        groups.setdefault(effect, []).append(rating_key)
    split = _label_by_label(groups)
    return tuple(
        EditGroup(library, tuple(keys), add, remove)
        for (library, add, remove), keys in min(groups, split, key=len).items()
    )


type _Effect = tuple[str, tuple[str, ...], tuple[str, ...]]


def _by_item(changes: Iterable[Change]) -> dict[tuple[str, str], tuple[set[str], set[str]]]:
    """Return the labels added to and removed from each item, by library and rating key."""
    by_item: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for change in changes:
        adds, removes = by_item.setdefault((change.library, change.rating_key), (set(), set()))
        (adds if change.action is Action.ADD else removes).add(change.label)
    return by_item


def _label_by_label(groups: Mapping[_Effect, Sequence[str]]) -> dict[_Effect, list[str]]:
    """Return the groups with each added label on its own, where nothing is removed."""
    split: dict[_Effect, list[str]] = {}
    for (library, adds, removes), keys in groups.items():
        for some in [adds] if removes else [(one,) for one in adds]:
            split.setdefault((library, some, removes), []).extend(keys)
    return split
