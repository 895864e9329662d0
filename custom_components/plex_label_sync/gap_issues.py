"""What Repairs tells of things that cannot be read, and of labels that the records lack."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from .entry_issues import async_raise, async_take_back
from .escaping import as_markdown
from .sync.changes import Row
from .sync.gaps import OpenGap
from .sync.model import Gap, GapKind
from .texts import cached_texts

UNKNOWN: Final = "labels_unknown"
GAPS_NAMED: Final = 10
GAP_ISSUES: Final = ("gap_person", "gap_rows", "gap_library", "gap_label", "gap_item")


def _issue_of(gap: Gap) -> str:
    """Return by which message a gap is told."""
    match gap.kind:
        case GapKind.PERSON:
            return "gap_rows" if gap.rows else "gap_person"
        case GapKind.LIBRARY | GapKind.PAGE:
            return "gap_library"
        case GapKind.LABEL:
            return "gap_label"
        case GapKind.ITEM:
            return "gap_item"


def _shown(gap: Gap) -> str:
    return as_markdown(gap.name) + (f" ({gap.rows})" if gap.rows else "")


@callback
def async_update_gap_issues(
    hass: HomeAssistant, entry: ConfigEntry[Any], lasting: Sequence[OpenGap]
) -> None:
    """Tell what cannot be read for long, one message for each kind."""
    texts = cached_texts(hass)
    for kind in GAP_ISSUES:
        some = [one for one in lasting if _issue_of(one.gap) == kind]
        if not some:
            async_take_back(hass, entry, kind)
            continue
        names = list(dict.fromkeys(_shown(one.gap) for one in some))
        more = f" … (+{len(names) - GAPS_NAMED})" if len(names) > GAPS_NAMED else ""
        since = texts.moment(min(one.since for one in some))
        shown = ", ".join(names[:GAPS_NAMED]) + more
        async_raise(hass, entry, kind, {"names": shown, "since": since})


@callback
def async_update_unknown_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], rows: Sequence[Row]
) -> None:
    """Offer to take labels into the ledger that it may have lost, or offer it no more."""
    if not rows:
        async_take_back(hass, entry, UNKNOWN)
        return
    counts = Counter(row.label for row in rows)
    lines = (f"- {as_markdown(label)}: {count}" for label, count in counts.most_common())
    placeholders = {"count": str(len(rows)), "labels": "\n".join(lines)}
    async_raise(hass, entry, UNKNOWN, placeholders, data={})
