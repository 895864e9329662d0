"""The label tags of a Plex server: ids, spellings, and the items that carry them."""

from __future__ import annotations

from dataclasses import dataclass
import re
from typing import Literal

FIRST_TAG_ID = 20_481  # far above small numbers, which may be label texts


@dataclass(frozen=True, slots=True)
class Tag:
    """One label as Plex stores it."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class LabelRules:
    """How label texts are stored and compared; see the knobs of the same names."""

    capitalize: Literal["first", "words", "none"] = "first"
    reuse_spelling: bool = True
    remove_case: Literal["exact", "fold"] = "exact"
    linger: bool = False
    label_by: Literal["both", "id", "text"] = "both"
    label_fold: Literal["unicode", "ascii"] = "unicode"
    label_max: int | None = None

    def fold(self, text: str) -> str:
        """Return the form in which texts are compared; SQLite's NOCASE only folds A to Z."""
        return text.casefold() if self.label_fold == "unicode" else text.translate(_ASCII_FOLD)


_ASCII_FOLD = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def capitalized(text: str, mode: Literal["first", "words", "none"]) -> str:
    """Return a new label's spelling: `.hidden` gives `.Hidden`; with `words` `a-b` gives `A-B`."""
    if mode == "none":
        return text
    return re.sub(
        r"(?<![\w'])([^\W_])",
        lambda match: _upper(match[1]),
        text,
        count=1 if mode == "first" else 0,
    )


def _upper(letter: str) -> str:
    upper = letter.upper()
    return upper if len(upper) == 1 else letter  # ß has no single uppercase letter


class TagStore:
    """All label tags of a server with the rating keys that carry them."""

    def __init__(self) -> None:
        self.rules = LabelRules()
        self._next_id = FIRST_TAG_ID
        self._tags: dict[int, Tag] = {}
        self._by_fold: dict[str, list[Tag]] = {}
        self._carriers: dict[int, set[str]] = {}
        self._places: dict[int, set[tuple[str, str]]] = {}  # its (section, type) pairs

    def all(self) -> list[Tag]:
        """Return every tag, sorted by text."""
        return sorted(self._tags.values(), key=lambda tag: (tag.text.casefold(), tag.id))

    def carriers(self, tag: Tag) -> set[str]:
        """Return the rating keys that carry a tag; not to be modified."""
        return self._carriers[tag.id]

    def places(self, tag: Tag) -> set[tuple[str, str]]:
        """Return the (section, type) pairs in which the tag was ever used."""
        return self._places[tag.id]

    def find(self, value: str) -> list[Tag]:
        """Return the tags with this id or, ignoring case, this text."""
        return self._found(value, "both")

    def of_value(self, value: str) -> list[Tag]:
        """Return the tags that the `label` filter matches."""
        return self._found(value, self.rules.label_by)

    def _found(self, value: str, by: Literal["both", "id", "text"]) -> list[Tag]:
        if by != "text" and value.isascii() and value.isdigit() and int(value) in self._tags:
            return [self._tags[int(value)]]
        return self._same(value) if by != "id" else []

    def _same(self, text: str) -> list[Tag]:
        """Return the tags of which a text is a spelling."""
        alike = self._by_fold.get(text.casefold(), ())
        return [tag for tag in alike if self.rules.fold(tag.text) == self.rules.fold(text)]

    def obtain(self, text: str) -> Tag:
        """Return the tag for a label that is being added, created if necessary."""
        text = text[: self.rules.label_max]
        same = self._same(text)
        stored = capitalized(text, self.rules.capitalize)
        for tag in same:
            if self.rules.reuse_spelling or tag.text == stored:
                return tag
        tag = Tag(self._next_id, stored)
        self._next_id += 1
        self._tags[tag.id] = tag
        self._by_fold.setdefault(stored.casefold(), []).append(tag)
        self._carriers[tag.id] = set()
        self._places[tag.id] = set()
        return tag

    def is_meant(self, tag: Tag, text: str) -> bool:
        """Return whether a removal of `text` removes this tag."""
        if self.rules.remove_case == "fold":
            return self.rules.fold(tag.text) == self.rules.fold(text)
        return tag.text == text

    def attach(self, tag: Tag, rating_key: str, place: tuple[str, str]) -> None:
        """Record that an item of a (section, type) carries the tag."""
        self._carriers[tag.id].add(rating_key)
        self._places[tag.id].add(place)

    def detach(self, tag: Tag, rating_key: str) -> None:
        """Record that an item no longer carries the tag; a tag without items is deleted."""
        carriers = self._carriers[tag.id]
        carriers.discard(rating_key)
        if not carriers and not self.rules.linger:
            self._by_fold[tag.text.casefold()].remove(tag)
            del self._tags[tag.id], self._carriers[tag.id], self._places[tag.id]
