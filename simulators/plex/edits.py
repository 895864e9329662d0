"""Reads the label edit out of the arguments of a PUT request."""

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
    """What one request wants done to the labels of each item it names."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    clear: bool = False  # all labels go first
    lock: bool | None = None  # None leaves the lock alone
    touches_labels: bool = False  # any label argument was there, even an empty one


def parse_label_edit(pairs: Iterable[tuple[str, str]], *, decodes: bool = True) -> LabelEdit:
    """The edit in decoded query pairs; arguments that make no sense are ignored, as PMS does.

    Added labels count as they are. A removal holds a comma list whose parts
    are percent-decoded once more if the server `decodes` them.
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
    """The labels that a query-decoded removal value names: split at commas, each part decoded again."""
    parts = value.split(",")
    return tuple(
        text for part in parts if (text := unquote_plus(part) if decodes else part).strip()
    )
