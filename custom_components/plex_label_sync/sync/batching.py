"""Changes grouped so that one request serves many items. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .changes import Action, Change


@dataclass(frozen=True, slots=True)
class EditGroup:
    """Items of one library that get the same change with one edit."""

    library: str
    rating_keys: tuple[str, ...]
    add: tuple[str, ...]
    remove: tuple[str, ...]

    def makes(self, change: Change) -> bool:
        """Tell whether a change of one of its items is part of this edit."""
        return change.label in (self.add if change.action is Action.ADD else self.remove)


def edit_groups(changes: Iterable[Change]) -> tuple[EditGroup, ...]:
    """Group changes so that few requests serve many items.

    Items that get exactly the same change share a request. Where people's tastes overlap, nearly
    every item would get one of its own: what is only added is then sent label by label, because
    adding a label leaves the others alone. Items from which something is taken off stay whole.
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
    """Return what is added to and taken off each item, by library and rating key."""
    by_item: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for change in changes:
        adds, removes = by_item.setdefault((change.library, change.rating_key), (set(), set()))
        (adds if change.action is Action.ADD else removes).add(change.label)
    return by_item


def _label_by_label(groups: Mapping[_Effect, Sequence[str]]) -> dict[_Effect, list[str]]:
    """Return the groups with each added label by itself, where nothing is taken off."""
    split: dict[_Effect, list[str]] = {}
    for (library, adds, removes), keys in groups.items():
        for some in [adds] if removes else [(one,) for one in adds]:
            split.setdefault((library, some, removes), []).extend(keys)
    return split
