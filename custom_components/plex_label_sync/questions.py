"""What the questions in Repairs have in common."""

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
    """Shows the text of an issue and what can be chosen; each choice is a step of its own."""

    def __init__(self, repair: Repair[...], data: Mapping[str, str]) -> None:
        """`data` are those of the issue, from `async_raise`."""
        self._repair = repair
        self._data = data

    async def async_step_init(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Show the issue and the choice."""
        return self.async_show_menu(
            step_id="init",
            menu_options=[*self._repair.choices],
            description_placeholders=await self.async_placeholders(),
        )

    async def async_placeholders(self) -> dict[str, str]:
        """Return what the text names."""
        issue = ir.async_get(self.hass).async_get_issue(self.handler, self.issue_id)
        return dict((issue.translation_placeholders if issue else None) or {})

    @property
    def answered_by(self) -> str:
        """The name of the person who answers, as far as it is known."""
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
