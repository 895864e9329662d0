"""Table of what happens to a label, by option, cause and protection.

It is the source of the tests (`test_removal_table.py`) and of the table in `docs/safety.md`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DAYS: Final = 3  # the delay where there is one


@dataclass(frozen=True, slots=True)
class Mode:
    """A setting of `removed_label_mode`, with or without a delay."""

    heading: str
    mode: str
    days: int = 0


KEEP = Mode("*keep*", "keep")
REMOVE = Mode("*remove*", "remove")
REMOVE_LATER = Mode("*remove*, with a delay", "remove", DAYS)
MARK = Mode("*mark*", "mark")
MARK_LATER = Mode("*mark*, with a delay", "mark", DAYS)
MODES: Final = (KEEP, REMOVE, REMOVE_LATER, MARK, MARK_LATER)
KEEP_WITH_DELAY: Final = Mode(KEEP.heading, "keep", DAYS)  # the delay has no effect there


class Cause(StrEnum):
    """What happened since the label was written."""

    NOTHING = "nothing: the title is still wanted"
    DROPPED_BY_ONE = "the person dropped the title, somebody else wants it"
    DROPPED_BY_ALL = "the person dropped the title, nobody wants it"
    EXCLUDED = "the person was excluded in the options"
    GONE = "the person left Pulsarr"
    SYNC_OFF = "the person's sync was switched off"
    RENAMED = "the person was renamed"
    FORMAT = "the label format was changed"
    REMATCHED = "Plex matched the item to another title"
    DELETED = "the item was deleted"
    MOVED = "the item was moved to another library"
    NOT_CHOSEN = "the library is no longer chosen"


class Guard(StrEnum):
    """Other facts about the label, the item or the options."""

    NONE = "Nothing special"
    OPT_OUT = "The item carries the opt-out label (`no-sync`)"
    EXCLUDED_LABEL = "The label is among *Labels to leave unchanged*"
    NOT_PRESERVED = "*Keep labels added by others* is off"
    FOREIGN = "The label was on the item before"
    FOREIGN_NOT_PRESERVED = (
        "The label was on the item before, and *Keep labels added by others* is off"
    )
    OVERRIDE = "You removed the label in Plex"
    RESTORED = "You removed the label in Plex, and *Restore labels removed by hand* is on"
    PINNED = "You selected *Keep these labels* in Repairs, or undid its removal"


class Fate(StrEnum):
    """What happens to the label at the next sync, and at one after the delay."""

    STAYS = "stays"
    GOES = "is removed"
    GOES_LATER = "is removed after the delay"
    MARKED = "is replaced by the mark"
    MARKED_LATER = "is replaced by the mark after the delay"
    REPLACED = "is replaced by the new name"
    JOINED = "stays, the new name is added"
    STAYS_OFF = "stays removed"
    COMES_BACK = "is restored"
    NEW_NAME = "is restored under the new name"
    FOLLOWS = "is on the new item"
    NOT_THERE = "is not added to the new item"
    WITH_ITEM = "is deleted with the item"


type Fates = tuple[Fate, ...]
"""One for each of `MODES`."""


def _always(fate: Fate) -> Fates:
    return (fate,) * len(MODES)


_LEAVING: Final[Fates] = (
    Fate.STAYS,
    Fate.GOES,
    Fate.GOES_LATER,
    Fate.MARKED,
    Fate.MARKED_LATER,
)
_LEAVING_ALONE: Final[Fates] = (
    Fate.STAYS,
    Fate.GOES,
    Fate.GOES_LATER,
    Fate.GOES,
    Fate.GOES_LATER,
)
_REMATCHED: Final[Fates] = (Fate.GOES, Fate.GOES, Fate.GOES, Fate.MARKED, Fate.MARKED)


def _all_but(usual: Fates, **others: Fates) -> dict[Cause, Fates]:
    """Return one row per cause: `usual`, or from `others` by the cause's name."""
    return {cause: others.get(cause.name, usual) for cause in Cause}


_PLAIN: Final = _all_but(
    _LEAVING,
    NOTHING=_always(Fate.STAYS),
    DROPPED_BY_ONE=_LEAVING_ALONE,
    RENAMED=_always(Fate.REPLACED),
    FORMAT=_always(Fate.REPLACED),
    REMATCHED=_REMATCHED,
    DELETED=_always(Fate.WITH_ITEM),
    MOVED=_always(Fate.FOLLOWS),
    NOT_CHOSEN=_always(Fate.STAYS),
)

TABLE: Final[Mapping[Guard, Mapping[Cause, Fates]]] = {
    Guard.NONE: _PLAIN,
    Guard.OPT_OUT: _all_but(
        _always(Fate.STAYS),
        DELETED=_always(Fate.WITH_ITEM),
        MOVED=_always(Fate.FOLLOWS),
    ),
    Guard.EXCLUDED_LABEL: _all_but(
        _always(Fate.STAYS),
        RENAMED=_always(Fate.JOINED),
        FORMAT=_always(Fate.JOINED),
        DELETED=_always(Fate.WITH_ITEM),
        MOVED=_always(Fate.NOT_THERE),
    ),
    Guard.NOT_PRESERVED: _PLAIN,
    Guard.FOREIGN: _all_but(
        _always(Fate.STAYS),
        RENAMED=_always(Fate.JOINED),
        FORMAT=_always(Fate.JOINED),
        DELETED=_always(Fate.WITH_ITEM),
        MOVED=_always(Fate.FOLLOWS),
    ),
    Guard.FOREIGN_NOT_PRESERVED: _all_but(
        _always(Fate.STAYS),
        DROPPED_BY_ONE=_always(Fate.GOES),
        RENAMED=_always(Fate.REPLACED),
        FORMAT=_always(Fate.REPLACED),
        DELETED=_always(Fate.WITH_ITEM),
        MOVED=_always(Fate.FOLLOWS),
    ),
    Guard.OVERRIDE: _all_but(
        _always(Fate.STAYS_OFF),
        DELETED=_always(Fate.WITH_ITEM),
        MOVED=_always(Fate.FOLLOWS),
    ),
    Guard.RESTORED: _all_but(
        _always(Fate.STAYS_OFF),
        NOTHING=_always(Fate.COMES_BACK),
        RENAMED=_always(Fate.NEW_NAME),
        FORMAT=_always(Fate.NEW_NAME),
        DELETED=_always(Fate.WITH_ITEM),
        MOVED=_always(Fate.FOLLOWS),
    ),
    Guard.PINNED: _all_but(
        _always(Fate.STAYS),
        RENAMED=_always(Fate.REPLACED),
        FORMAT=_always(Fate.REPLACED),
        REMATCHED=_REMATCHED,
        DELETED=_always(Fate.WITH_ITEM),
        MOVED=_always(Fate.FOLLOWS),
    ),
}


def as_markdown() -> str:
    """Return the table as in the docs: causes with the same fates share a line.

    The first part names all causes; in the others the line for most of them comes last, without
    names.
    """
    parts = []
    for guard, rows in TABLE.items():
        same = next((other for other in TABLE if TABLE[other] is rows), guard)
        if same is not guard:
            parts.append(f"**{guard}:** as with *{same.lower()}*.")
            continue
        by_fates: dict[Fates, list[Cause]] = {}
        for cause, fates in rows.items():
            by_fates.setdefault(fates, []).append(cause)
        lines = [
            _line(["what happened", *(mode.heading for mode in MODES)]),
            _line(["---"] * (1 + len(MODES))),
        ]
        rest = by_fates.pop(max(by_fates, key=lambda fates: len(by_fates[fates])))
        lines += [_line([_joined(causes), *fates]) for fates, causes in by_fates.items()]
        what = _joined(rest) if guard is Guard.NONE else "whatever else happens, or nothing"
        lines.append(_line([what, *rows[rest[0]]]))
        parts.append(f"**{guard}:**\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _joined(causes: Sequence[Cause]) -> str:
    return "<br>".join(causes)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
