"""Why a title is not among the items of the chosen libraries, as far as known. Pure."""

from bisect import bisect_left
from collections.abc import Iterable

from .model import Item, MediaType, Title


class Unmatched:
    """The names of items that Plex has not recognized yet.

    Plex names those after their files: `The Matrix`, `The.Matrix.1999.1080p`. Such a name explains
    why a title is missing, but never leads to a label.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        """Keep the names of the items without ids."""
        names: dict[MediaType, set[str]] = {kind: set() for kind in MediaType}
        for item in items:
            if not item.ids:
                names[item.type].add(_letters(item.title))
        self._names = {kind: sorted(some) for kind, some in names.items()}

    def may_hold(self, title: Title) -> bool:
        """Return whether an item is named like a title, followed by nothing or a year."""
        wanted = _letters(title.name)
        names = self._names[title.type]
        if not wanted:
            return False
        for name in names[bisect_left(names, wanted) :]:
            if not name.startswith(wanted):
                return False
            rest = name[len(wanted) :]
            if not rest or rest[0].isdigit():
                return True
        return False


def _letters(text: str) -> str:
    return "".join(one for one in text.casefold() if one.isalnum())
