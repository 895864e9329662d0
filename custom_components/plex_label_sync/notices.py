"""Repair issues that only tell something: they go away by themselves when it is over."""

from enum import StrEnum
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .escaping import as_markdown


class Notice(StrEnum):
    """What is told; each has a text of the same name."""

    WEBHOOK_UNREACHABLE = "webhook_unreachable"
    WEBHOOK_SILENT = "webhook_silent"
    PULSARR_WITHOUT_WEBHOOKS = "pulsarr_without_webhooks"
    PULSARR_LABELS = "pulsarr_labels"


@callback
def async_tell(
    hass: HomeAssistant, entry: ConfigEntry[Any], notice: Notice, **placeholders: str
) -> None:
    """Raise an issue, or bring its text up to date."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(entry, notice),
        is_fixable=False,
        is_persistent=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=notice.value,
        translation_placeholders={"name": as_markdown(entry.title), **placeholders},
    )


@callback
def async_take_back(hass: HomeAssistant, entry: ConfigEntry[Any], *notices: Notice) -> None:
    """Remove issues, all of them when none is named."""
    for notice in notices or tuple(Notice):
        ir.async_delete_issue(hass, DOMAIN, _issue_id(entry, notice))


def _issue_id(entry: ConfigEntry[Any], notice: Notice) -> str:
    return f"{notice.value}_{entry.entry_id}"
