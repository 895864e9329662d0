"""The labels in Plex as they were read: which exist, and which items carry them."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from .changes import Action, Change
from .model import LabelledItem, StoredLabel, fold

ANY_LABEL: Final = ""  # stands for a label that could not be read


@dataclass(slots=True)
class CurrentLabels:
    """The contents of the label directories and the carriers of labels.

    `directory` maps library → folded label → its stored forms: Plex may hold several that differ
    only in case. `carriers` maps folded label → stored spelling → rating keys: there are few labels
    and many items, and every additional object prolongs Python's garbage collection, which blocks
    everything.
    """

    directory: dict[str, dict[str, list[StoredLabel]]] = field(default_factory=dict)
    carriers: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    # Unread parts: whole libraries by key, and pairs of library key and folded label.
    unread: set[str | tuple[str, str]] = field(default_factory=set)
    unread_items: set[str] = field(default_factory=set)  # by rating key, where items were read
    corrected: set[str] = field(default_factory=set)  # items whose own labels were read
    # Pairs of item and folded label where only the label's carriers list the item.
    disputed: set[tuple[str, str]] = field(default_factory=set)

    def add_directory(self, library: str, labels: Iterable[StoredLabel]) -> None:
        """Record one library's label directory, replacing an older one."""
        forms: dict[str, list[StoredLabel]] = {}
        for label in labels:
            forms.setdefault(fold(label.text), []).append(label)
        self.directory[library] = forms

    def add_carriers(self, label: StoredLabel, rating_keys: Iterable[str]) -> None:
        """Record the carriers of one label."""
        self._carriers_of(label.text).update(rating_keys)

    def add_item(self, rating_key: str, labels: Iterable[str]) -> None:
        """Record labels that one item carries."""
        for text in labels:
            self._carriers_of(text).add(rating_key)

    def correct_all(self, items: Iterable[LabelledItem]) -> None:
        """Record all labels of some items, as their own metadata list them."""
        for one in items:
            self.correct(one.item.rating_key, one.labels)

    def correct(self, rating_key: str, labels: Collection[str]) -> None:
        """Record all labels of one item, as its own metadata lists them.

        What only the carriers list is disputed: it may have been removed between the two responses.
        """
        listed = {fold(text) for text in labels}
        for folded, forms in self.carriers.items():
            for keys in forms.values():
                if rating_key in keys:
                    keys.discard(rating_key)
                    if folded not in listed:
                        self.disputed.add((rating_key, folded))
        self.add_item(rating_key, labels)
        self.corrected.add(rating_key)

    def add(self, other: "CurrentLabels") -> None:
        """Record the result of another read beside this one."""
        for forms in other.carriers.values():
            for text, keys in forms.items():
                self._carriers_of(text).update(keys)
        self.directory = {**self.directory, **other.directory}
        self.unread |= other.unread
        self.unread_items |= other.unread_items

    def knows(self, library: str, rating_key: str, label: str) -> bool:
        """Return whether it is known if an item of a library carries a label."""
        if rating_key in self.corrected:
            return (rating_key, fold(label)) not in self.disputed
        if rating_key in self.unread_items:
            return False
        if self.has_unreadable_label(library) and not self.has(library, label):
            return False
        return library not in self.unread and (library, fold(label)) not in self.unread

    def carries_if_known(self, library: str, rating_key: str, label: str) -> bool | None:
        """Return whether an item of a library carries a label, None if unknown."""
        return self.carries(rating_key, label) if self.knows(library, rating_key, label) else None

    def has_unreadable_label(self, library: str) -> bool:
        """Return whether a library's directory has a label whose name could not be read."""
        return (library, ANY_LABEL) in self.unread

    def _carriers_of(self, text: str) -> set[str]:
        return self.carriers.setdefault(fold(text), {}).setdefault(text, set())

    def labels_of(self, rating_key: str) -> dict[str, set[str]]:
        """Return the labels that an item carries, as far as they were read: folded → spellings."""
        found = {folded: self.spellings(rating_key, folded) for folded in self.carriers}
        return {folded: spellings for folded, spellings in found.items() if spellings}

    def spellings(self, rating_key: str, label: str) -> set[str]:
        """Return the spellings in which an item carries a label."""
        forms = self.carriers.get(fold(label), {})
        return {text for text, keys in forms.items() if rating_key in keys}

    def carries(self, rating_key: str, label: str) -> bool:
        """Return whether an item carries a label in any spelling."""
        return any(rating_key in keys for keys in self.carriers.get(fold(label), {}).values())

    def all_with(self, label: str) -> set[str]:
        """Return the items that carry a label in any spelling."""
        return set[str]().union(*self.carriers.get(fold(label), {}).values())

    def labelled(self) -> Iterator[str]:
        """Yield items that carry a label; an item may come more than once."""
        return (key for forms in self.carriers.values() for keys in forms.values() for key in keys)

    def shows(self, change: Change) -> bool:
        """Return whether a change is in Plex; a removal counts for exactly that spelling."""
        if change.action is Action.ADD:
            return self.carries(change.rating_key, change.label)
        return change.label not in self.spellings(change.rating_key, change.label)

    def has(self, library: str, label: str) -> bool:
        """Return whether a library's directory lists a label, so that an item may carry it."""
        return fold(label) in self.directory.get(library, {})

    def spelling(self, library: str, text: str) -> str:
        """Return the text as Plex stores it, or unchanged if Plex does not have it yet.

        A label that the library does not have is spelled as in another one: Plex keeps one list of
        labels for the whole server.
        """
        for forms in (self.directory.get(library, {}), *self.directory.values()):
            if stored := [form.text for form in forms.get(fold(text), [])]:
                return text if text in stored else stored[0]
        return text

    def spelling_on(self, rating_key: str, text: str) -> str:
        """Return the spelling in which an item carries a label, preferably the given one.

        Of several other spellings it is the one that Plex makes of the given one.
        """
        spellings = sorted(self.spellings(rating_key, text))
        if text in spellings or not spellings:
            return text
        capital = text[:1].upper() + text[1:]
        return capital if capital in spellings else spellings[0]
