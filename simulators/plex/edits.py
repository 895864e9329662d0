"""Parses the label edit in the arguments of a PUT request."""

from __future__ import annotations

from dataclasses import dataclass
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

ADD = re.compile(r"label\[\d*\]\.tag\.tag")
REMOVE = re.compile(r"label\[\d*\]\.tag\.tag-")
CLEAR = re.compile(r"label\[\d*\]\.tag")
LOCK = "label.locked"


@dataclass(frozen=True, slots=True)
class LabelEdit:
    """The label changes that one request makes to each of its items."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    clear: bool = False  # all labels are removed first
    lock: bool | None = None  # None leaves the lock as it is
    touches_labels: bool = False  # there was a label argument, even an empty one


def parse_label_edit(pairs: Iterable[tuple[str, str]], *, decodes: bool = True) -> LabelEdit:
    """Return the edit in decoded query pairs; invalid arguments are ignored, as PMS does.

    Added labels are taken literally. A removal holds a comma-separated list whose parts are
    percent-decoded once more if the server `decodes` them.
    """
    add: dict[str, None] = {}
    remove: dict[str, None] = {}
    clear, touches, lock = False, False, None
    for name, value in pairs:
        if ADD.fullmatch(name):
            touches = True
            if value.strip():
                add[value] = None
        elif REMOVE.fullmatch(name):
            touches = True
            remove.update((text, None) for text in removal_texts(value, decodes=decodes))
        elif CLEAR.fullmatch(name):
            touches = clear = True
        elif name == LOCK and value in ("0", "1"):
            lock = value == "1"
    return LabelEdit(tuple(add), tuple(remove), clear, lock, touches)


def removal_texts(value: str, *, decodes: bool = True) -> tuple[str, ...]:
    """Return the labels in a query-decoded removal value: split at commas, then decoded again."""
    parts = value.split(",")
    return tuple(
        text for part in parts if (text := unquote_plus(part) if decodes else part).strip()
    )
