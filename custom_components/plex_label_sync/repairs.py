"""The flows of Repairs: what only a person can decide or mend."""

from typing import TYPE_CHECKING, assert_never, override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from . import held_decisions
from .callers import async_requester_language
from .const import CONF_LIBRARIES, DOMAIN
from .errors import StoppedError
from .held_texts import held_placeholders
from .issues import REPAIRS, Fix
from .new_libraries import async_remember
from .questions import QuestionFlow
from .sharing_check.repairs import SharingFlow
from .sync.run import HoldReason, Run
from .texts import async_texts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from homeassistant.components.repairs import RepairsFlowResult

    from .runner import Runner
    from .runtime import Runtime

    type _Decision = Callable[[Runner, str], Awaitable[Run | None]]


class _DecisionFlow(QuestionFlow):
    """Lets a person decide by a run."""

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
            # Ending the flow would delete the new question together with the old one.
            return self.async_abort(reason=reason)
        return self.async_create_entry(data={})

    def _open(self, _decision: "_Decision", _run: Run, _runtime: "Runtime") -> str | None:
        """Return why the issue stays although the run went well."""
        return None


class HeldFlow(_DecisionFlow):
    """Lets a person decide about held changes."""

    @override
    async def async_placeholders(self) -> dict[str, str]:
        """Return what the text names, in the language of the person who reads it."""
        told = await super().async_placeholders()
        held = None if self._runtime is None else self._runtime.records.held
        if held is None:
            return told
        language = await async_requester_language(self.hass)
        return {**told, **held_placeholders(held, await async_texts(self.hass, language))}

    async def async_step_apply(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Remove these labels after all."""
        return await self._decide(held_decisions.async_apply)

    async def async_step_keep(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Leave the labels on for good."""
        return await self._decide(held_decisions.async_keep)

    async def async_step_restore(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Put the labels back that vanished."""
        return await self._decide(held_decisions.async_restore)

    async def async_step_accept(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Take it that somebody took the labels off on purpose."""
        return await self._decide(held_decisions.async_accept)

    @override
    def _open(self, decision: "_Decision", run: Run, runtime: "Runtime") -> str | None:
        if _is_asked_again(decision, run):
            return "more_than_shown"
        return None if runtime.records.held is None else "more_to_decide"


def _is_asked_again(decision: "_Decision", run: Run) -> bool:
    """Tell whether there was more to decide about than was shown, so that nothing was done."""
    if decision is held_decisions.async_accept:
        return HoldReason.LABELS_VANISHED in run.hold_reasons
    return decision is held_decisions.async_apply and run.asked


class UnknownFlow(_DecisionFlow):
    """Lets a person decide about labels that may be ours."""

    async def async_step_adopt(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Take the labels into the ledger."""
        return await self._decide(held_decisions.async_adopt)

    async def async_step_leave(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Take the labels for somebody else's."""
        return await self._decide(held_decisions.async_leave)


class LabelsConflictFlow(QuestionFlow):
    """Lets a person decide whether a label may mean several people."""

    async def async_step_meant(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Let the labels mean all of them, and write them with the next sync."""
        return self._decide(meant=True)

    async def async_step_leave(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Let everybody go on with the former label, and do not ask again."""
        return self._decide(meant=False)

    def _decide(self, *, meant: bool) -> "RepairsFlowResult":
        if (runtime := self._runtime) is None:
            return self.async_abort(reason="not_loaded")
        runtime.runner.guard.async_decide(self._data["shown"], meant=meant)
        runtime.runner.schedule.sync_soon()
        return self.async_create_entry(data={})


class LibraryGoneFlow(ConfirmRepairFlow):
    """Takes libraries that are gone off an entry's choice."""

    def __init__(self, data: "Mapping[str, str]") -> None:
        """`data` are those of the issue, from `async_raise`."""
        self._data = data

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Ask, then change the options, which loads the entry again."""
        entry = self.hass.config_entries.async_get_entry(self._data["entry_id"])
        if entry is None:
            return self.async_abort(reason="not_loaded")
        if user_input is not None:
            gone = self._data["libraries"].split(",")
            kept = [key for key in entry.options[CONF_LIBRARIES] if key not in gone]
            options = {**entry.options, CONF_LIBRARIES: kept}
            self.hass.config_entries.async_update_entry(entry, options=options)
        return await super().async_step_confirm(user_input)


class LibraryNewFlow(QuestionFlow):
    """Lets a person decide about libraries that are new."""

    async def async_step_sync(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Add the libraries to the choice, which loads the entry again."""
        return self._decide(sync=True)

    async def async_step_leave(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Leave the libraries alone, and do not ask again."""
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
    """Return the flow that belongs to an issue."""
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
