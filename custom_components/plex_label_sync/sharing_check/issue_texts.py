"""Placeholders for the texts of the repair issues about sharing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ..escaping import as_code

if TYPE_CHECKING:
    from ..sharing.model import SharingWarning
    from .store import Kept
    from .texts import SharingTexts

LINES_MAX: Final = 10
NOTHING_KNOWN: Final = "?"


def lost_rule_placeholders(
    found: Sequence["SharingWarning"], kept: "Kept", texts: "SharingTexts"
) -> Mapping[str, str]:
    """Return the rules that are missing now, so that they can be entered again."""
    lost = {one.account_id: kept.lost[one.account_id] for one in found}
    return {
        "people": ", ".join(as_code(one.who) for one in found),
        "before": _sum(one.before for one in lost.values()),
        "after": _sum(kept.seen.get(number) for number in lost),
        "date": texts.words.date(min(one.since for one in lost.values())),
        "rule": "; ".join(dict.fromkeys(texts.lost(one, as_code) for one in lost.values())),
    }


def _sum(numbers: Iterable[int | None]) -> str:
    """Return the sum of some numbers, unknown if one of them is."""
    found = list(numbers)
    known = [one for one in found if one is not None]
    return str(sum(known)) if len(known) == len(found) else NOTHING_KNOWN


def warning_placeholders(
    found: Sequence["SharingWarning"], kept: "Kept", texts: "SharingTexts"
) -> Mapping[str, str]:
    """Return a line for each warning, with what to do about it."""
    shown = (texts.warning(one, kept.lost, as_code) for one in found[:LINES_MAX])
    lines = [f"- {text} {fix}" for text, fix in shown]
    if more := len(found[LINES_MAX:]):
        lines.append(f"- {texts.page('more', count=more)}")
    return {"count": str(len(found)), "lines": "\n".join(lines)}
