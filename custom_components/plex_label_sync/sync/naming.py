"""What a person's label is called, and which texts can be labels at all."""

from string import Formatter
from typing import Final
import unicodedata

from .model import MediaType, Person
from .person_id import own_id

LABEL_MAX: Final = 60  # characters; Plex documents no limit, its column holds 255
FORMAT_TEXT_MAX: Final = 30  # characters of a format beside its fields: names need the rest

# In Plex's share filters a comma separates labels, an ampersand and a bar separate rules: a label
# with one of them cannot be used there, and an ampersand makes the restricted person's home page
# fail.
_FILTER_BREAKERS: Final = frozenset(",&|")
_JOINER: Final = "\u200d"  # holds an emoji of several parts together; not printable by itself
_EDGES: Final = f" {_JOINER}"

FIELDS: Final = ("username", "alias", "display_name", "user_id", "type")  # as forms list them
_PERSONAL_FIELDS: Final = frozenset(FIELDS) - {"type"}


class InvalidLabelFormatError(ValueError):
    """A label format that cannot name people."""


def check_label_format(label_format: str) -> None:
    """Refuse a format with unknown fields, or one that gives everybody the same label.

    Raises InvalidLabelFormatError.
    """
    try:
        parts = list(Formatter().parse(label_format))
    except ValueError as err:
        raise InvalidLabelFormatError(str(err)) from err
    fields = [name for _, name, _, _ in parts if name is not None]
    if any(spec or conversion for _, _, spec, conversion in parts):
        raise InvalidLabelFormatError("only plain fields")
    if not _FILTER_BREAKERS.isdisjoint(label_format):
        raise InvalidLabelFormatError("no comma, no ampersand and no bar")
    if sum(len(text) for text, *_ in parts) > FORMAT_TEXT_MAX:
        raise InvalidLabelFormatError(f"more than {FORMAT_TEXT_MAX} characters beside the fields")
    if unknown := set(fields).difference(FIELDS):
        raise InvalidLabelFormatError(f"unknown field {min(unknown)}")
    if not _PERSONAL_FIELDS.intersection(fields):
        raise InvalidLabelFormatError("no field that identifies the person")


def clean_label(text: str) -> str:
    """Return the text as it can stand in Plex and in a share filter; empty if nothing is left."""
    kept = "".join(
        char if (char.isprintable() and char not in _FILTER_BREAKERS) or char == _JOINER else " "
        for char in unicodedata.normalize("NFC", text)
    )
    # A joiner at an end joins nothing; a label of nothing else could not be seen.
    return " ".join(kept.split()).lstrip(_EDGES)[:LABEL_MAX].rstrip(_EDGES)


def label_of(person: Person, media_type: MediaType, label_format: str) -> str:
    """Return the label that a person's titles of one type get, by a format that was checked.

    Alias and display name fall back to the username. A name of which nothing usable is left
    becomes `user_<id>`, as Pulsarr does it.
    """
    return clean_label(label_format.format_map(_names(person, media_type)))


def is_changed(person: Person, media_type: MediaType, label_format: str) -> bool:
    """Tell whether a label has a name not as Pulsarr has it: replaced, without signs, or cut."""
    names = _names(person, media_type) | {"username": person.username.strip()}
    for field, name in (("alias", person.alias), ("display_name", person.display_name)):
        if name and clean_label(name):
            names[field] = name.strip()
    text = unicodedata.normalize("NFC", label_format.format_map(names).strip())
    return text != label_of(person, media_type, label_format)


def _names(person: Person, media_type: MediaType) -> dict[str, str]:
    """Return what the fields of a format stand for."""
    username = clean_label(person.username) or f"user_{own_id(person.id)}"
    return {
        "username": username,
        "alias": clean_label(person.alias or "") or username,
        "display_name": clean_label(person.display_name or "") or username,
        "user_id": own_id(person.id),
        "type": media_type.value,
    }
