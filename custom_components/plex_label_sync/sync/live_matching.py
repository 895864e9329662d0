"""Decides whether an item is wanted, by matching it with all wishes. Pure."""

from collections.abc import Mapping

from .ledger import Ledger
from .protection import Evidence
from .readers import Found
from .request import LiveRequest
from .scope import Scope
from .wanted import Matcher, Rank, TitleIndex, Wish
from .wanted_labels import WantedItem, wanted_items


class WishMatcher:
    """Matches items with all wishes; indexes these only when they have changed."""

    def __init__(self) -> None:
        """Start without wishes."""
        self._wishes: tuple[Wish, ...] = ()
        self._matcher = Matcher(())

    def _for(self, wishes: tuple[Wish, ...]) -> Matcher:
        if wishes is not self._wishes:
            self._wishes, self._matcher = wishes, Matcher(wishes)
        return self._matcher

    def further(self, wishes: tuple[Wish, ...], found: Found) -> tuple[Wish, ...]:
        """Return further wishes that the found items match."""
        known = {wish.title for wish in found.wishes if wish.people}
        items = {item.rating_key: item for some in found.items for item in some}
        matches = self._for(wishes).matches(items.values())
        more = dict.fromkeys(wishes[match.position] for match in matches)
        return tuple(wish for wish in more if wish.title not in known)

    def proven(
        self, scope: Scope, items: Mapping[str, WantedItem], evidence: Evidence
    ) -> dict[str, WantedItem]:
        """Return the items as the evidence shows them, with the labels that they are wanted for."""
        proven = dict(items)
        changed = [
            one.item
            for key, one in evidence.items.items()
            if key in items and one.item.ids != items[key].item.ids
        ]
        by_wish: dict[int, list[int]] = {}
        keys: set[str] | None = None
        for match in self._for(scope.wishes).matches(changed):
            if match.rank is Rank.OTHER and keys is None:
                keys = {one for entry in items.values() for one in entry.item.ids}
            # An item with another key matches only if no item has the right one.
            right = scope.wishes[match.position].title.plex_ids
            if match.rank is not Rank.OTHER or right.isdisjoint(keys or ()):
                by_wish.setdefault(match.position, []).append(changed.index(match.item))
        fresh = wanted_items(
            ((scope.wishes[at], [changed[one] for one in some]) for at, some in by_wish.items()),
            scope.settings,
        )
        for key, one in evidence.items.items():
            if key not in items:
                continue
            entry = fresh.get(key, WantedItem(one.item)) if one.item in changed else items[key]
            proven[key] = WantedItem(one.item, entry.labels, entry.title_id)
        return proven


def unwanted(request: LiveRequest, wishes: tuple[Wish, ...], ledger: Ledger) -> tuple[Wish, ...]:
    """Return wishes without people for unwanted titles whose items have labels in the ledger."""
    wanted = TitleIndex(wish.title for wish in wishes)
    seen = {item.rating_key: item.ids for item in request.seen}
    known = set[str]()
    for row in ledger:
        known.add(row.title_id)
        known |= row.ids
        known |= seen.get(row.rating_key, frozenset())
    return tuple(
        Wish(title, ())
        for title in request.titles
        if title not in wanted and not known.isdisjoint(title.ids)
    )
