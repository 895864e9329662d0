"""Which labels items should have, and for whom. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .model import Item, MediaType, Person, SyncSettings, fold
from .naming import label_of
from .wanted import WantedTitle


@dataclass(frozen=True, slots=True)
class WantedLabel:
    """One label that an item should have, and for whom."""

    text: str
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class WantedItem:
    """An item with all labels that it should have, by folded text; empty if it is unwanted."""

    item: Item
    labels: Mapping[str, WantedLabel] = field(default_factory=dict)
    title_id: str = ""  # an id that the item shares with a wanted title


def with_item(entry: WantedItem, item: Item) -> WantedItem:
    """Return an entry with its item as it was just read; without a difference the same object."""
    return entry if entry.item is item else replace(entry, item=item)


def wanted_items(
    matches: Iterable[tuple[WantedTitle, Sequence[Item]]],
    settings: SyncSettings,
    known: Mapping[str, WantedItem] | None = None,
) -> dict[str, WantedItem]:
    """Return every item of the wanted titles, by rating key, with its wanted labels.

    Equal labels have the same spelling on all items. No person gets the label that makes an item
    opt out. An item equal to one in `known` is the same object.
    """
    known = known or {}
    labels = _Labels(settings)
    items: dict[str, WantedItem] = {}
    people: dict[str, tuple[Person, ...]] = {}
    for wanted_title, found in matches:
        for item in found:
            key = item.rating_key
            # The Plex key sorts between imdb and tmdb; any id will do as long as it is always the
            # same.
            title_id = min(item.ids & wanted_title.title.ids, default="")
            if (other := items.get(key)) is None:
                people[key] = wanted_title.people
            else:
                others = {person.id: person for person in (*people[key], *wanted_title.people)}
                people[key] = tuple(others.values())
                title_id = min(filter(None, (other.title_id, title_id)), default="")
            items[key] = WantedItem(item, labels.of(people[key], item.type), title_id)
            if (before := known.get(key)) == items[key] and before is not None:
                items[key] = before
    return items


class _Labels:
    """The labels of groups of people; most items are wanted by the same few groups."""

    def __init__(self, settings: SyncSettings) -> None:
        self._settings = settings
        self._never = settings.never_written
        self._spellings: dict[str, str] = {}
        self._known: dict[tuple[tuple[Person, ...], MediaType], dict[str, WantedLabel]] = {}

    def of(self, people: tuple[Person, ...], media_type: MediaType) -> Mapping[str, WantedLabel]:
        """Return the labels of items of a type that some people want, by folded text."""
        group = people, media_type
        if group not in self._known:
            self._known[group] = self._new(people, media_type)
        return self._known[group]

    def _new(self, people: Sequence[Person], media_type: MediaType) -> dict[str, WantedLabel]:
        labels: dict[str, WantedLabel] = {}
        for person in people:
            text = label_of(person, media_type, self._settings)
            folded = fold(text)
            if folded not in self._never:
                others = labels[folded].people if folded in labels else ()
                text = self._spellings.setdefault(folded, text)
                labels[folded] = WantedLabel(text, (*others, person))
        return labels
