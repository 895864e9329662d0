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
from .sync.model import GapKind
from .texts import cached_texts

UNKNOWN: Final = "labels_unknown"
GAPS_NAMED: Final = 10
GAP_ISSUES: Final = {
    "gap_person": {GapKind.PERSON},
    "gap_library": {GapKind.LIBRARY, GapKind.PAGE},
    "gap_label": {GapKind.LABEL},
    "gap_item": {GapKind.ITEM},
}


@callback
def async_update_gap_issues(
    hass: HomeAssistant, entry: ConfigEntry[Any], lasting: Sequence[OpenGap]
) -> None:
    """Tell what cannot be read for long, one message for each kind."""
    texts = cached_texts(hass)
    for kind, kinds in GAP_ISSUES.items():
        some = [one for one in lasting if one.gap.kind in kinds]
        if not some:
            async_take_back(hass, entry, kind)
            continue
        names = list(dict.fromkeys(one.gap.name for one in some))
        more = f" … (+{len(names) - GAPS_NAMED})" if len(names) > GAPS_NAMED else ""
        since = texts.moment(min(one.since for one in some))
        shown = ", ".join(map(as_markdown, names[:GAPS_NAMED])) + more
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
