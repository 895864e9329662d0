"""Collect what was read of the libraries into the catalogs to which rules are applied. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..sharing.visible import Catalog, bits
from ..sync.model import fold


@dataclass(slots=True)
class LabelCarriers:
    """Which items of one kind of title carry some labels, as far as that could be read.

    Labels are folded. `keys` are the rating keys of the carriers; of the items in
    `doubtful_libraries` and `doubtful_keys` it is unknown.
    """

    keys: dict[str, set[str]] = field(default_factory=dict)
    doubtful_libraries: dict[str, set[str]] = field(default_factory=dict)
    doubtful_keys: dict[str, set[str]] = field(default_factory=dict)

    def add(self, label: str, keys: Iterable[str], doubtful: Iterable[str] = ()) -> None:
        """Add carriers of a label, and items that may be carriers."""
        self.keys.setdefault(label, set()).update(keys)
        self.doubtful_keys.setdefault(label, set()).update(doubtful)

    def doubt(self, labels: Iterable[str], library: str) -> None:
        """Record that the carriers of some labels could not be read in a library."""
        for label in labels:
            self.doubtful_libraries.setdefault(label, set()).add(library)

    def may_have(self, label: str, key: str, library: str) -> bool:
        """Return whether an item carries a label according to what was read, or may."""
        return (
            key in self.keys.get(label, ())
            or key in self.doubtful_keys.get(label, ())
            or library in self.doubtful_libraries.get(label, ())
        )

    def put_into(self, catalog: Catalog, labels: Iterable[str]) -> Catalog:
        """Return a catalog that knows the carriers of some labels, all of which were asked for."""
        carriers, doubtful = dict(catalog.carriers), dict(catalog.doubtful)
        for label in labels:
            carriers[label] = places_of(catalog, self.keys.get(label, ()))
            doubtful[label] = places_of(catalog, self.doubtful_keys.get(label, ()))
            for library in self.doubtful_libraries.get(label, ()):
                doubtful[label] |= catalog.libraries.get(library, 0)
        return replace(catalog, carriers=carriers, doubtful=doubtful)


def places_of(catalog: Catalog, keys: Iterable[str]) -> int:
    """Return the set of the items with some rating keys."""
    positions = catalog.positions
    return bits((positions[key] for key in keys if key in positions), catalog.size)


def keys_in(positions: Mapping[str, int], items: int) -> frozenset[str]:
    """Return the rating keys of a library's items, which are beside each other in a catalog."""
    places = range((items & -items).bit_length() - 1, items.bit_length()) if items else range(0)
    return frozenset(key for key, place in positions.items() if place in places)


@dataclass(slots=True)
class CatalogBuilder:
    """The items of one kind of title while its libraries are read."""

    ratings: list[str | None] = field(default_factory=list)  # of each item; None if unread
    positions: dict[str, int] = field(default_factory=dict)
    libraries: dict[str, int] = field(default_factory=dict)
    nameless: list[int] = field(default_factory=list)
    unidentified: list[int] = field(default_factory=list)
    partial: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    carriers: LabelCarriers = field(default_factory=LabelCarriers)

    @property
    def size(self) -> int:
        """The number of items so far."""
        return len(self.ratings)

    def add(self, keys: Collection[str], ratings: Iterable[str]) -> None:
        """Add items that were read."""
        self.positions.update({key: place for place, key in enumerate(keys, self.size)})
        self.ratings += ratings

    def add_unread(self, keys: Collection[str], nameless: int) -> None:
        """Add items whose rows could not be read, some of them without a known rating key."""
        start = self.size
        self.positions.update({key: place for place, key in enumerate(keys, start)})
        self.ratings += [None] * (len(keys) + nameless)
        self.unidentified += range(start, self.size)
        self.nameless += range(self.size - nameless, self.size)

    def add_unlisted(self, keys: Collection[str], start: int) -> None:
        """Add items that the listing lacks; those without a key since `start` are among them."""
        ordered = sorted(keys)
        nameless = [place for place in self.nameless if place >= start][: len(ordered)]
        self.positions.update(zip(ordered, nameless, strict=False))
        self.nameless = [place for place in self.nameless if place not in set(nameless)]
        self.add_unread(ordered[len(nameless) :], 0)

    def end_library(self, key: str, start: int) -> None:
        """Record that all items from `start` on are in a library."""
        self.libraries[key] = (1 << self.size) - (1 << start)

    def mask(self, keys: Iterable[str]) -> int:
        """Return the set of the items with some rating keys."""
        return bits((self.positions[key] for key in keys if key in self.positions), self.size)

    def finished(self, labels: Iterable[str], marked: Mapping[str, int], unmarked: int) -> Catalog:
        """Return the catalog for the rules; a label that is in no directory has no carriers."""
        ratings: dict[str, list[int]] = {}
        for place, rating in enumerate(self.ratings):
            if rating:
                ratings.setdefault(fold(rating), []).append(place)
        size = self.size
        unrated = (place for place, rating in enumerate(self.ratings) if rating is None)
        catalog = Catalog(
            size=size,
            libraries=dict(self.libraries),
            carriers={},
            ratings={rating: bits(places, size) for rating, places in ratings.items()},
            unrated=bits(unrated, size),
            marked=marked,
            positions=self.positions,
            nameless=bits(self.nameless, size),
            unidentified=bits(self.unidentified, size),
            unmarked=unmarked,
            partial=frozenset(self.partial),
            others=frozenset(self.others),
        )
        return self.carriers.put_into(catalog, labels)
