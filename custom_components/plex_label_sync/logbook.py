"""Logbook entries for activities: sentences whose subject is the Plex server."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from homeassistant.components.logbook.const import (
    LOGBOOK_ENTRY_ICON,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.core import Event, HomeAssistant, callback

from .const import DOMAIN, NAME
from .escaping import one_line
from .event import ATTR_ACTIVITY, ATTR_SERVER, EVENT_ACTIVITY
from .status import Activity
from .sync.run import StartedBy
from .texts import COMMON, Texts, cached_texts

# The activity entity's icon; an entry without an icon shows a blank square.
ICON: Final = "mdi:tag-text-outline"

# The counts appended to a sentence if they are not zero.
COUNTED: Final[Mapping[str, Sequence[str]]] = {
    Activity.SYNC_FINISHED: ("added", "removed", "failed", "held", "gaps"),
    Activity.RUN_RELEASED: ("released", "restored", "kept", "kept_off", "failed"),
    Activity.RUN_UNDONE: ("added", "removed", "skipped", "failed"),
    Activity.LABELS_REMOVED: ("removed", "failed"),
}

type _Describe = Callable[[Event[Any]], dict[str, Any]]


@callback
def async_describe_events(
    hass: HomeAssistant, async_describe_event: Callable[[str, str, _Describe], None]
) -> None:
    """Register the description of the integration's events with the logbook."""
    async_describe_event(DOMAIN, EVENT_ACTIVITY, partial(_described, hass))


def _described(hass: HomeAssistant, event: Event[Any]) -> dict[str, Any]:
    """Return an event's entry; without an entity, the server's name begins the sentence."""
    data = event.data
    return {
        LOGBOOK_ENTRY_ICON: ICON,
        LOGBOOK_ENTRY_NAME: one_line(str(data.get(ATTR_SERVER, NAME))),
        LOGBOOK_ENTRY_MESSAGE: _sentence(cached_texts(hass), data),
    }


def _sentence(words: Texts, data: Mapping[str, Any]) -> str:
    """Return the sentence for an activity, even one recorded by another version."""
    texts = words.groups[COMMON]
    key = _key(texts, data)
    try:
        labels = words.counted("labels", data.get("vanished") or data.get("removals") or 0)
        sentence = texts[key].format(**{"labels": labels, **_values(texts, data)})
        if names := COUNTED.get(str(data.get(ATTR_ACTIVITY))):
            counts = _counts(texts, data, names)
            sentence = texts["with_counts"].format(sentence=sentence, counts=counts)
        if who := _who(texts, data):
            sentence = texts["with_who"].format(sentence=sentence, who=who)
    except KeyError:
        return key.replace("_", " ")
    return sentence


def _key(texts: Mapping[str, str], data: Mapping[str, Any]) -> str:
    """Return the key of the matching sentence."""
    activity = str(data.get(ATTR_ACTIVITY, ""))
    match activity:
        case Activity.LABELS_CHANGED if not data.get("people"):
            return f"{activity}_for_nobody"
        case Activity.LABELS_REMOVED if not data.get("people"):
            return f"{activity}_for_everybody"
        case Activity.RUN_HELD if data.get("vanished"):
            return f"{activity}_vanished"
        case Activity.GAP_OPENED | Activity.GAP_CLOSED:
            special = f"{activity}_{data.get('kind')}"
            return special if special in texts else activity
    return activity


def _values(texts: Mapping[str, str], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the placeholders of a sentence; long lists of names end with a count of the rest."""
    values = dict(data)
    if names := data.get("names"):
        left_out = data.get("count", 0) - len(names)
        more = [texts["more"].format(count=left_out)] if left_out > 0 else []
        values["names"] = [*names, *more]
    return {
        name: one_line(_listed(texts, value)) if isinstance(value, Sequence) else value
        for name, value in values.items()
    }


def _counts(texts: Mapping[str, str], data: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return an activity's counts that are not zero, as text."""
    counts = [(name, data.get(name)) for name in names]
    parts = [texts[f"count_{name}"].format(count=count) for name, count in counts if count]
    return ", ".join(parts) or texts["count_none"]


def _who(texts: Mapping[str, str], data: Mapping[str, Any]) -> str:
    """Return what caused an activity: a user's name, or another cause as text."""
    started_by = str(data.get("started_by", ""))
    if started_by in {"", StartedBy.UNKNOWN}:
        return ""
    return one_line(texts.get(f"by_{started_by}", started_by))


def _listed(texts: Mapping[str, str], words: Sequence[str]) -> str:
    """Return words as a list in a sentence: a, b and c."""
    if isinstance(words, str) or not words:
        return str(words or "")
    *others, last = words
    return texts["and"].format(first=", ".join(others), last=last) if others else last
