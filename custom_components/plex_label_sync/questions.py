"""Base of the fix flows that ask the user to decide."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from homeassistant.components.repairs import RepairsFlow
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.helpers import issue_registry as ir

from .callers import requester_name
from .issues import Repair
from .sync.run import StartedBy

if TYPE_CHECKING:
    from homeassistant.components.repairs import RepairsFlowResult

    from .runtime import Runtime


class QuestionFlow(RepairsFlow):
    """Shows an issue's text and a menu, with one step for each choice."""

    def __init__(self, repair: Repair[...], data: Mapping[str, str]) -> None:
        """Initialize with the issue's data from `async_raise`."""
        self._repair = repair
        self._data = data

    async def async_step_init(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Show the issue and its choices."""
        return self.async_show_menu(
            step_id="init",
            menu_options=[*self._repair.choices],
            description_placeholders=await self.async_placeholders(),
        )

    async def async_placeholders(self) -> dict[str, str]:
        """Return the placeholders of the text."""
        issue = ir.async_get(self.hass).async_get_issue(self.handler, self.issue_id)
        return dict((issue.translation_placeholders if issue else None) or {})

    @property
    def answered_by(self) -> str:
        """The name of the user who answers, if it is known."""
        return requester_name() or StartedBy.REPAIRS

    @property
    def _entry(self) -> ConfigEntry[Any] | None:
        return self.hass.config_entries.async_get_entry(self._data["entry_id"])

    @property
    def _runtime(self) -> "Runtime | None":
        """The parts of the entry, None while it is not loaded."""
        entry = self._entry
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return None
        return cast("Runtime", entry.runtime_data)
