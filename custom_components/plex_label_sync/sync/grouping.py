"""Changes grouped by identical effect, so that one request serves many items. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from .model import Action, Change


@dataclass(frozen=True, slots=True)
class EditGroup:
    """Items of one library that get exactly the same change."""

    library: str
    rating_keys: tuple[str, ...]
    add: tuple[str, ...]
    remove: tuple[str, ...]


def edit_groups(changes: Iterable[Change]) -> tuple[EditGroup, ...]:
    """Group changes by identical effect, so that one request serves many items."""
    by_item: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for change in changes:
        adds, removes = by_item.setdefault((change.library, change.rating_key), (set(), set()))
        (adds if change.action is Action.ADD else removes).add(change.label)
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (library, rating_key), (adds, removes) in by_item.items():
        effect = (library, tuple(sorted(adds)), tuple(sorted(removes)))
        groups.setdefault(effect, []).append(rating_key)
    return tuple(
        EditGroup(library, tuple(keys), add, remove)
        for (library, add, remove), keys in groups.items()
    )
