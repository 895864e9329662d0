"""The labels in Plex as they were read: which there are, and who carries them."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from .changes import Action, Change
from .model import StoredLabel, fold

ANY_LABEL: Final = ""  # in place of a label that could not be read


@dataclass(slots=True)
class CurrentLabels:
    """What the label directories and the carriers said.

    `directory` maps library → folded label → its stored forms: Plex may hold several that
    differ only in case. `carriers` maps folded label → stored spelling → rating keys: there are
    few labels and many items, and each object more makes Python's garbage collection, which
    holds up everything, take longer.
    """

    directory: dict[str, dict[str, list[StoredLabel]]] = field(default_factory=dict)
    carriers: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    # What could not be read: whole libraries by key, and pairs of library key and folded label.
    unread: set[str | tuple[str, str]] = field(default_factory=set)
    corrected: set[str] = field(default_factory=set)  # items whose own labels were read
    # Items with a folded label of which the item tells less than the label's carriers do.
    disputed: set[tuple[str, str]] = field(default_factory=set)

    def add_directory(self, library: str, labels: Iterable[StoredLabel]) -> None:
        """Take in one library's label directory, in place of an older one."""
        forms: dict[str, list[StoredLabel]] = {}
        for label in labels:
            forms.setdefault(fold(label.text), []).append(label)
        self.directory[library] = forms

    def add_carriers(self, label: StoredLabel, rating_keys: Iterable[str]) -> None:
        """Take in who carries one label."""
        self._carriers_of(label.text).update(rating_keys)

    def add_item(self, rating_key: str, labels: Iterable[str]) -> None:
        """Take in which labels one item carries."""
        for text in labels:
            self._carriers_of(text).add(rating_key)

    def correct(self, rating_key: str, labels: Collection[str]) -> None:
        """Take in all labels of one item, as the item itself tells them.

        What only the carriers tell is disputed: it may have gone between the two answers.
        """
        told = {fold(text) for text in labels}
        for folded, forms in self.carriers.items():
            for keys in forms.values():
                if rating_key in keys:
                    keys.discard(rating_key)
                    if folded not in told:
                        self.disputed.add((rating_key, folded))
        self.add_item(rating_key, labels)
        self.corrected.add(rating_key)

    def add(self, other: "CurrentLabels") -> None:
        """Take in what another read showed beside this one."""
        for forms in other.carriers.values():
            for text, keys in forms.items():
                self._carriers_of(text).update(keys)
        self.directory = {**self.directory, **other.directory}
        self.unread |= other.unread

    def knows(self, library: str, rating_key: str, label: str) -> bool:
        """Tell whether it is known if an item of a library carries a label."""
        if rating_key in self.corrected:
            return (rating_key, fold(label)) not in self.disputed
        if self.is_vague(library) and not self.has(library, label):
            return False
        return library not in self.unread and (library, fold(label)) not in self.unread

    def tells(self, library: str, rating_key: str, label: str) -> bool | None:
        """Return whether an item of a library carries a label, None where it is not known."""
        return self.carries(rating_key, label) if self.knows(library, rating_key, label) else None

    def is_vague(self, library: str) -> bool:
        """Tell whether a library's directory has a label of which nobody knows what it is."""
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
        """Tell whether an item carries a label in any spelling."""
        return any(rating_key in keys for keys in self.carriers.get(fold(label), {}).values())

    def all_with(self, label: str) -> set[str]:
        """Return the items that carry a label in any spelling."""
        return set[str]().union(*self.carriers.get(fold(label), {}).values())

    def labelled(self) -> Iterator[str]:
        """Yield items that carry a label; one may come more than once."""
        return (key for forms in self.carriers.values() for keys in forms.values() for key in keys)

    def shows(self, change: Change) -> bool:
        """Tell whether a change is in Plex. What is taken off is gone in just that spelling."""
        if change.action is Action.ADD:
            return self.carries(change.rating_key, change.label)
        return change.label not in self.spellings(change.rating_key, change.label)

    def has(self, library: str, label: str) -> bool:
        """Tell whether a library's directory lists a label: something in it may carry it."""
        return fold(label) in self.directory.get(library, {})

    def spelling(self, library: str, text: str) -> str:
        """Return the text as Plex stores it, or as it is when Plex does not have it yet.

        What the library does not have is spelled as in another one: Plex keeps one list of
        labels for the whole server.
        """
        for forms in (self.directory.get(library, {}), *self.directory.values()):
            if stored := [form.text for form in forms.get(fold(text), [])]:
                return text if text in stored else stored[0]
        return text

    def spelling_on(self, rating_key: str, text: str) -> str:
        """Return the spelling in which an item carries a label, the given one if it is there.

        Of several other spellings it is the one that Plex makes of the given one.
        """
        spellings = sorted(self.spellings(rating_key, text))
        if text in spellings or not spellings:
            return text
        capital = text[:1].upper() + text[1:]
        return capital if capital in spellings else spellings[0]
