"""Fix flows of the repair issues that need the user's decision."""

from typing import TYPE_CHECKING, assert_never, override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from . import held_decisions
from .callers import async_requester_texts
from .const import CONF_LIBRARIES, DOMAIN
from .errors import StoppedError
from .held_texts import held_placeholders
from .issues import REPAIRS, Fix
from .new_libraries import async_remember
from .questions import QuestionFlow
from .sharing_check.repairs import SharingFlow
from .sync.run import HoldReason, Run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from homeassistant.components.repairs import RepairsFlowResult

    from .runner import Runner
    from .runtime import Runtime

    type _Decision = Callable[[Runner, str], Awaitable[Run | None]]


class _DecisionFlow(QuestionFlow):
    """A fix flow whose choices start a run."""

    async def _decide(self, decision: "_Decision") -> "RepairsFlowResult":
        if (runtime := self._runtime) is None:
            return self.async_abort(reason="not_loaded")
        try:
            run = await decision(runtime.runner, self.answered_by)
        except StoppedError:
            return self.async_abort(reason="not_loaded")
        if run is not None and run.error is not None:
            return self.async_abort(reason="failed")
        if run is not None and (reason := self._open(decision, run, runtime)) is not None:
            # Finishing the flow would delete the new issue along with the old one.
            return self.async_abort(reason=reason)
        return self.async_create_entry(data={})

    def _open(self, _decision: "_Decision", _run: Run, _runtime: "Runtime") -> str | None:
        """Return why the issue remains although the run succeeded, None if it is resolved."""
        return None


class HeldFlow(_DecisionFlow):
    """Asks the user to decide about held changes."""

    @override
    async def async_placeholders(self) -> dict[str, str]:
        """Return the placeholders of the text in the language of its reader."""
        placeholders = await super().async_placeholders()
        held = None if self._runtime is None else self._runtime.records.held
        if held is None:
            return placeholders
        return {**placeholders, **held_placeholders(held, await async_requester_texts(self.hass))}

    async def async_step_apply(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Apply the held removals."""
        return await self._decide(held_decisions.async_apply)

    async def async_step_keep(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Keep the labels permanently."""
        return await self._decide(held_decisions.async_keep)

    async def async_step_restore(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Restore the labels that disappeared."""
        return await self._decide(held_decisions.async_restore)

    async def async_step_accept(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Treat the labels as removed on purpose."""
        return await self._decide(held_decisions.async_accept)

    @override
    def _open(self, decision: "_Decision", run: Run, runtime: "Runtime") -> str | None:
        if _needs_decision_again(decision, run):
            return "more_than_shown"
        return None if runtime.records.held is None else "more_to_decide"


def _needs_decision_again(decision: "_Decision", run: Run) -> bool:
    """Return whether there was more to decide than was shown, so that nothing was done."""
    if decision is held_decisions.async_accept:
        return HoldReason.LABELS_VANISHED in run.hold_reasons
    return decision is held_decisions.async_apply and run.needs_decision


class UnknownFlow(_DecisionFlow):
    """Asks the user to decide about labels that the ledger may have lost."""

    async def async_step_adopt(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Add the labels to the ledger."""
        return await self._decide(held_decisions.async_adopt)

    async def async_step_leave(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Treat the labels as foreign."""
        return await self._decide(held_decisions.async_leave)


class LabelsConflictFlow(QuestionFlow):
    """Asks the user whether a label may stand for several people."""

    async def async_step_meant(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Accept the shared labels, which the next sync writes."""
        return self._decide(meant=True)

    async def async_step_leave(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Keep everyone's former label, and do not ask again."""
        return self._decide(meant=False)

    def _decide(self, *, meant: bool) -> "RepairsFlowResult":
        if (runtime := self._runtime) is None:
            return self.async_abort(reason="not_loaded")
        runtime.runner.guard.async_decide(self._data["shown"], meant=meant)
        runtime.runner.schedule.sync_soon()
        return self.async_create_entry(data={})


class LibraryGoneFlow(ConfirmRepairFlow):
    """Removes deleted libraries from an entry's choice."""

    def __init__(self, data: "Mapping[str, str]") -> None:
        """Initialize with the issue's data from `async_raise`."""
        self._data = data

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Ask for confirmation, then change the options, which reloads the entry."""
        entry = self.hass.config_entries.async_get_entry(self._data["entry_id"])
        if entry is None:
            return self.async_abort(reason="not_loaded")
        if user_input is not None:
            removed = self._data["libraries"].split(",")
            kept = [key for key in entry.options[CONF_LIBRARIES] if key not in removed]
            options = {**entry.options, CONF_LIBRARIES: kept}
            self.hass.config_entries.async_update_entry(entry, options=options)
        return await super().async_step_confirm(user_input)


class LibraryNewFlow(QuestionFlow):
    """Asks the user to decide about new libraries."""

    async def async_step_sync(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Add the libraries to the choice, which reloads the entry."""
        return self._decide(sync=True)

    async def async_step_leave(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Leave the libraries unchosen, and do not ask again."""
        return self._decide(sync=False)

    def _decide(self, *, sync: bool) -> "RepairsFlowResult":
        if (entry := self._entry) is None:
            return self.async_abort(reason="not_loaded")
        new = self._data["libraries"].split(",")
        async_remember(self.hass, entry, new)
        if sync and (chosen := entry.options.get(CONF_LIBRARIES)) is not None:
            options = {**entry.options, CONF_LIBRARIES: [*chosen, *new]}
            self.hass.config_entries.async_update_entry(entry, options=options)
        return self.async_create_entry(data={})


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the fix flow of an issue."""
    issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    repair = REPAIRS.get((issue and issue.translation_key) or "")
    known = {name: str(value) for name, value in (data or {}).items()}
    if repair is None:
        return ConfirmRepairFlow()
    match repair.fix:
        case Fix.NONE | Fix.ACKNOWLEDGE:
            return ConfirmRepairFlow()
        case Fix.HELD_CHANGES:
            return HeldFlow(repair, known)
        case Fix.LIBRARIES_GONE:
            return LibraryGoneFlow(known)
        case Fix.LIBRARIES_NEW:
            return LibraryNewFlow(repair, known)
        case Fix.LABELS_CONFLICT:
            return LabelsConflictFlow(repair, known)
        case Fix.LABELS_UNKNOWN:
            return UnknownFlow(repair, known)
        case Fix.SHARING:
            return SharingFlow(repair, known)
        case _:
            assert_never(repair.fix)
