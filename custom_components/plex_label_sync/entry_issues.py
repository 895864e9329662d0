"""How an entry's issues are raised, brought up to date and taken back."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .escaping import as_markdown


def issue_id_of(entry: ConfigEntry[Any], kind: str) -> str:
    """Return the id of an entry's issue of some kind."""
    return f"{kind}_{entry.entry_id}"


@callback
def async_raise(
    hass: HomeAssistant,
    entry: ConfigEntry[Any],
    kind: str,
    placeholders: Mapping[str, str],
    *,
    text: str | None = None,
    data: Mapping[str, str] | None = None,
    severity: ir.IssueSeverity = ir.IssueSeverity.WARNING,
    is_persistent: bool = False,
) -> None:
    """Raise an issue, or bring it up to date.

    `text` is its translation key where that is not the kind. With `data`, be it empty, there is
    something that somebody can do about it. The entry's name is filled in as text.
    """
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id_of(entry, kind),
        data=None if data is None else {"entry_id": entry.entry_id, **data},
        is_fixable=data is not None,
        is_persistent=is_persistent,
        severity=severity,
        translation_key=text or kind,
        translation_placeholders={"name": as_markdown(entry.title), **placeholders},
    )


@callback
def async_take_back(hass: HomeAssistant, entry: ConfigEntry[Any], *kinds: str) -> None:
    """Delete issues, those that there are."""
    for kind in kinds:
        ir.async_delete_issue(hass, DOMAIN, issue_id_of(entry, kind))
