"""What the logbook says about activities, as sentences whose subject is the Plex server."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from homeassistant.components.logbook.const import (
    LOGBOOK_ENTRY_ICON,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations

from .const import DOMAIN, NAME
from .escaping import one_line
from .event import ATTR_ACTIVITY, ATTR_SERVER, EVENT_ACTIVITY
from .status import Activity

# The activity's own; without one a line has a blank square.
ICON: Final = "mdi:tag-text-outline"

type _Describe = Callable[[Event[Any]], dict[str, Any]]


@callback
def async_describe_events(
    hass: HomeAssistant, async_describe_event: Callable[[str, str, _Describe], None]
) -> None:
    """Tell the logbook how to read our events."""
    async_describe_event(DOMAIN, EVENT_ACTIVITY, partial(_described, hass))


def _described(hass: HomeAssistant, event: Event[Any]) -> dict[str, Any]:
    """Return an event's line. Without an entity in it the server's name begins the sentence."""
    told = event.data
    return {
        LOGBOOK_ENTRY_ICON: ICON,
        LOGBOOK_ENTRY_NAME: one_line(str(told.get(ATTR_SERVER, NAME))),
        LOGBOOK_ENTRY_MESSAGE: _sentence(_texts(hass), told),
    }


def _texts(hass: HomeAssistant) -> dict[str, str]:
    """Return the sentences in the language of the house."""
    texts = async_get_cached_translations(hass, hass.config.language, "common", DOMAIN)
    return {key.rpartition(".")[2]: text for key, text in texts.items()}


def _sentence(texts: Mapping[str, str], told: Mapping[str, Any]) -> str:
    """Return what an activity says; what a newer or older version told still makes a line."""
    key = _key(told)
    try:
        return texts[key].format(
            **{
                name: one_line(_listed(texts, value)) if isinstance(value, Sequence) else value
                for name, value in told.items()
            }
        )
    except KeyError:
        return key.replace("_", " ")


def _key(told: Mapping[str, Any]) -> str:
    """Return which of the sentences fits."""
    activity = str(told.get(ATTR_ACTIVITY, ""))
    match activity:
        case Activity.LABELS_CHANGED if not told.get("people"):
            return f"{activity}_for_nobody"
        case Activity.SYNC_FINISHED if told.get("failed"):
            return f"{activity}_partly"
        case Activity.SYNC_FINISHED if not (told.get("added") or told.get("removed")):
            return f"{activity}_unchanged"
        case Activity.RUN_HELD if told.get("vanished"):
            return f"{activity}_vanished"
    return activity


def _listed(texts: Mapping[str, str], words: Sequence[str]) -> str:
    """Return words as they stand in a sentence: a, b and c."""
    if isinstance(words, str) or not words:
        return str(words or "")
    *others, last = words
    return texts["and"].format(first=", ".join(others), last=last) if others else last
