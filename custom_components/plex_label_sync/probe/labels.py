"""Spell the throw-away labels of a trial, and distinguish them from all others. Pure."""

from collections.abc import Iterable
from typing import Final

from ..sync.model import fold
from .model import Trial

ROOT: Final = "plex-probe"
BEGINNING: Final = f"{ROOT}-é x"
LONG: Final = 300  # characters of the longest label to try

_UPPER: Final = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_SWAPPED: Final = _UPPER | {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def short_label(suffix: str) -> str:
    """Return a label with a small letter after each kind of break, one of them not ASCII."""
    return f"{BEGINNING}{suffix}"


def long_label(suffix: str) -> str:
    """Return a label longer than any real one; its suffix comes early in case it is cut."""
    return f"{BEGINNING}{suffix}-long".ljust(LONG, "g")


def in_capitals(text: str) -> str:
    """Return a text with A to Z in upper case and other letters unchanged."""
    return text.translate(_UPPER)


def all_in_capitals(text: str) -> str:
    """Return a text with A to Z in upper case and each other letter in its other case."""
    return "".join(one if one.isascii() else one.swapcase() for one in in_capitals(text))


def other_spelling(stored: str, present: Iterable[str]) -> str:
    """Return a spelling that differs from all present ones only in the case of A to Z."""
    taken = set(present)
    swapped = stored.translate(_SWAPPED)
    candidates = (swapped, stored[:1] + swapped[1:], stored[:-2] + swapped[-2:])
    return next(one for one in candidates if one not in taken)


def belongs(text: str, trial: Trial) -> bool:
    """Return whether a label is one of the trial's, in any spelling and wherever it was cut.

    A label that the movie carried before is not one of them.
    """
    if text in trial.before:
        return False
    folded = fold(text)
    return any(
        folded == one or (folded.startswith(ROOT) and one.startswith(folded))
        for one in map(fold, trial.texts)
    )
