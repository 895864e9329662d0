"""The labels in Plex as they were read: which there are, and who carries them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from .model import Action, Change, StoredLabel, fold


@dataclass(slots=True)
class Present:
    """What the label directories and the carriers said.

    `directory` maps library → folded label → its stored forms: Plex may hold several that
    differ only in case. `carriers` maps folded label → stored spelling → rating keys: there are
    few labels and many items, and each object more makes Python's garbage collection, which
    holds up everything, take longer.
    """

    directory: dict[str, dict[str, list[StoredLabel]]] = field(default_factory=dict)
    carriers: dict[str, dict[str, set[str]]] = field(default_factory=dict)

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

    def shows(self, change: Change) -> bool:
        """Tell whether a change is in Plex. What is taken off is gone in just that spelling."""
        if change.action is Action.ADD:
            return self.carries(change.rating_key, change.label)
        return change.label not in self.spellings(change.rating_key, change.label)

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
