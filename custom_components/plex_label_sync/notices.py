"""Repair issues that only tell something: they go away by themselves when it is over."""

from enum import StrEnum
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from . import entry_issues


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
    entry_issues.async_raise(hass, entry, notice.value, placeholders)


@callback
def async_take_back(hass: HomeAssistant, entry: ConfigEntry[Any], *notices: Notice) -> None:
    """Remove issues, all of them when none is named."""
    entry_issues.async_take_back(hass, entry, *(notices or tuple(Notice)))
