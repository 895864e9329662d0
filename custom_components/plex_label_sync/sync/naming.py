"""Names people's labels, and decides which texts can be labels at all."""

from string import Formatter
from typing import Final
import unicodedata

from .model import MediaType, Person, SyncSettings
from .person_id import own_id

LABEL_MAX: Final = 60  # characters; Plex documents no limit, its database column holds 255
FORMAT_TEXT_MAX: Final = 30  # characters of a format besides its fields: names need the rest

# In Plex's share filters a comma separates labels, an ampersand and a bar separate rules: a label
# that contains one cannot be used there, and an ampersand breaks the restricted person's home page.
_FILTER_BREAKERS: Final = frozenset(",&|")
_JOINER: Final = "\u200d"  # joins the parts of an emoji; not printable on its own
_EDGES: Final = f" {_JOINER}"

FIELDS: Final = ("username", "alias", "display_name", "user_id", "type")  # in the forms' order
_PERSONAL_FIELDS: Final = frozenset(FIELDS) - {"type"}


class InvalidLabelFormatError(ValueError):
    """A label format that cannot name people."""


def check_label_format(label_format: str) -> None:
    """Refuse a format with unknown fields, or one that gives everyone the same label.

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
    """Return the text as usable in Plex and in a share filter; empty if nothing is left."""
    kept = "".join(
        char if (char.isprintable() and char not in _FILTER_BREAKERS) or char == _JOINER else " "
        for char in unicodedata.normalize("NFC", text)
    )
    # A joiner at an end joins nothing, and a label made of joiners would be invisible.
    return " ".join(kept.split()).lstrip(_EDGES)[:LABEL_MAX].rstrip(_EDGES)


def label_of(person: Person, media_type: MediaType, settings: SyncSettings) -> str:
    """Return the label of a person's titles of one type, by settings that were checked.

    Alias and display name fall back to the username. A name without any usable character becomes
    `user_<id>`, as in Pulsarr.
    """
    return clean_label(settings.label_format.format_map(_names(person, media_type)))


def naming_of(settings: SyncSettings) -> str:
    """Return the options that decide how people are named, as text to compare."""
    return settings.label_format


def is_changed(person: Person, media_type: MediaType, settings: SyncSettings) -> bool:
    """Return whether a label differs from Pulsarr's names: replaced, shortened, or cleaned."""
    names = _names(person, media_type) | {"username": person.username.strip()}
    for field, name in (("alias", person.alias), ("display_name", person.display_name)):
        if name and clean_label(name):
            names[field] = name.strip()
    text = unicodedata.normalize("NFC", settings.label_format.format_map(names).strip())
    return text != label_of(person, media_type, settings)


def _names(person: Person, media_type: MediaType) -> dict[str, str]:
    """Return the values of a format's fields."""
    username = clean_label(person.username) or f"user_{own_id(person.id)}"
    return {
        "username": username,
        "alias": clean_label(person.alias or "") or username,
        "display_name": clean_label(person.display_name or "") or username,
        "user_id": own_id(person.id),
        "type": media_type.value,
    }
