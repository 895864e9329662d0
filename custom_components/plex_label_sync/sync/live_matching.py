"""Decides whether an item is wanted, by matching it with all wanted titles. Pure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .ledger import Ledger
from .protection import Evidence
from .readers import Found
from .request import LiveRequest
from .scope import Scope
from .wanted import Matcher, Rank, TitleIndex, WantedTitle
from .wanted_labels import WantedItem, wanted_items, with_item

if TYPE_CHECKING:
    from .model import Item


class WantedMatcher:
    """Matches items with all wanted titles; indexes these only when they have changed."""

    def __init__(self) -> None:
        """Start without wanted titles."""
        self._wanted_titles: tuple[WantedTitle, ...] = ()
        self._matcher = Matcher(())

    def _for(self, wanted_titles: tuple[WantedTitle, ...]) -> Matcher:
        if wanted_titles is not self._wanted_titles:
            self._wanted_titles, self._matcher = wanted_titles, Matcher(wanted_titles)
        return self._matcher

    def further(
        self, wanted_titles: tuple[WantedTitle, ...], found: Found
    ) -> tuple[WantedTitle, ...]:
        """Return further wanted titles that the found items match."""
        known = {wanted_title.title for wanted_title in found.wanted_titles if wanted_title.people}
        items = {item.rating_key: item for some in found.items for item in some}
        matches = self._for(wanted_titles).matches(items.values())
        more = dict.fromkeys(wanted_titles[match.position] for match in matches)
        return tuple(wanted_title for wanted_title in more if wanted_title.title not in known)

    def proven(
        self, scope: Scope, items: Mapping[str, WantedItem], evidence: Evidence
    ) -> dict[str, WantedItem]:
        """Return the items as the evidence shows them, with the labels that they are wanted for."""
        proven = dict(items)
        changed = {
            key: one.item
            for key, one in evidence.items.items()
            if key in items and one.item.ids != items[key].item.ids
        }
        by_title: dict[int, list[Item]] = {}
        keys: set[str] | None = None
        for match in self._for(scope.wanted_titles).matches(changed.values()):
            if match.rank is Rank.OTHER and keys is None:
                keys = {one for entry in items.values() for one in entry.item.ids}
            # An item with another key matches only if no item has the right one.
            right = scope.wanted_titles[match.position].title.plex_ids
            if match.rank is not Rank.OTHER or right.isdisjoint(keys or ()):
                by_title.setdefault(match.position, []).append(match.item)
        fresh = wanted_items(
            ((scope.wanted_titles[at], some) for at, some in by_title.items()),
            scope.settings,
        )
        for key, one in evidence.items.items():
            if key not in items:
                continue
            entry = fresh.get(key, WantedItem(one.item)) if key in changed else items[key]
            proven[key] = with_item(entry, one.item)
        return proven


def unwanted(
    request: LiveRequest, wanted_titles: tuple[WantedTitle, ...], ledger: Ledger
) -> tuple[WantedTitle, ...]:
    """Return entries without people for unwanted titles whose items have labels in the ledger."""
    wanted = TitleIndex(wanted_title.title for wanted_title in wanted_titles)
    seen = {item.rating_key: item.ids for item in request.seen}
    known = set[str]()
    for row in ledger:
        known.add(row.title_id)
        known |= row.ids
        known |= seen.get(row.rating_key, frozenset())
    return tuple(
        WantedTitle(title, ())
        for title in request.titles
        if title not in wanted and not known.isdisjoint(title.ids)
    )
