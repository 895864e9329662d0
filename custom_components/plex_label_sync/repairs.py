"""The flows of Repairs: what only a person can decide or mend."""

from typing import TYPE_CHECKING, override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow
from homeassistant.core import HomeAssistant

from . import held_decisions
from .callers import async_requester_language
from .const import CONF_LIBRARIES
from .errors import StoppedError
from .gap_issues import UNKNOWN
from .held_texts import held_placeholders
from .issues import HELD, LABELS_CONFLICT, LIBRARY_GONE
from .new_libraries import LIBRARY_NEW, async_remember
from .questions import QuestionFlow
from .sharing_check.repairs import sharing_flow
from .sync.run import HoldReason, Run
from .texts import async_texts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from homeassistant.components.repairs import RepairsFlowResult

    from .runner import Runner

    type _Decision = Callable[[Runner, str], Awaitable[Run | None]]


class HeldFlow(QuestionFlow):
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

    async def _decide(self, decision: "_Decision") -> "RepairsFlowResult":
        if (runtime := self._runtime) is None:
            return self.async_abort(reason="not_loaded")
        try:
            run = await decision(runtime.runner, self.answered_by)
        except StoppedError:
            return self.async_abort(reason="not_loaded")
        if run is None or run.error is not None:
            return self.async_abort(reason="failed")
        if _is_asked_again(decision, run):
            return self.async_abort(reason="more_than_shown")
        if runtime.records.held is not None:
            # Ending the flow would take the new question away together with the old one.
            return self.async_abort(reason="more_to_decide")
        return self.async_create_entry(data={})


def _is_asked_again(decision: "_Decision", run: Run) -> bool:
    """Tell whether there was more to decide about than was shown, so that nothing was done."""
    if decision is held_decisions.async_accept:
        return HoldReason.LABELS_VANISHED in run.hold_reasons
    return decision is held_decisions.async_apply and run.asked


class UnknownFlow(QuestionFlow):
    """Lets a person decide about labels that may be ours."""

    def __init__(self, entry_id: str) -> None:
        """Know whose labels they are."""
        super().__init__(entry_id, ("adopt", "leave"))

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

    async def _decide(self, decision: "_Decision") -> "RepairsFlowResult":
        if (runtime := self._runtime) is None:
            return self.async_abort(reason="not_loaded")
        try:
            run = await decision(runtime.runner, self.answered_by)
        except StoppedError:
            return self.async_abort(reason="not_loaded")
        if run is not None and run.error is not None:
            return self.async_abort(reason="failed")
        return self.async_create_entry(data={})


class LabelsConflictFlow(QuestionFlow):
    """Lets a person decide whether a label may mean several people."""

    def __init__(self, entry_id: str, shown: str) -> None:
        """Know whose labels they are, and the conflicts that were shown."""
        super().__init__(entry_id, ("meant", "leave"))
        self._shown = shown

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
        runtime.runner.guard.async_decide(self._shown, meant=meant)
        runtime.runner.schedule.sync_soon()
        return self.async_create_entry(data={})


class LibraryGoneFlow(ConfirmRepairFlow):
    """Takes libraries that are gone off an entry's choice."""

    def __init__(self, entry_id: str, gone: frozenset[str]) -> None:
        """Know whose choice it is, and the keys of the libraries."""
        self._entry_id = entry_id
        self._gone = gone

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Ask, then change the options, which loads the entry again."""
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None:
            return self.async_abort(reason="not_loaded")
        if user_input is not None:
            kept = [key for key in entry.options[CONF_LIBRARIES] if key not in self._gone]
            options = {**entry.options, CONF_LIBRARIES: kept}
            self.hass.config_entries.async_update_entry(entry, options=options)
        return await super().async_step_confirm(user_input)


class LibraryNewFlow(QuestionFlow):
    """Lets a person decide about libraries that are new."""

    def __init__(self, entry_id: str, new: frozenset[str]) -> None:
        """Know whose libraries they are, and their keys."""
        super().__init__(entry_id, ("sync", "leave"))
        self._new = new

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
        async_remember(self.hass, entry, self._new)
        if sync and (chosen := entry.options.get(CONF_LIBRARIES)) is not None:
            options = {**entry.options, CONF_LIBRARIES: [*chosen, *sorted(self._new)]}
            self.hass.config_entries.async_update_entry(entry, options=options)
        return self.async_create_entry(data={})


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that belongs to an issue."""
    if issue_id.startswith(f"{HELD}_") and data is not None:
        return HeldFlow(str(data["entry_id"]), str(data["choices"]).split(","))
    if data is not None and (flow := sharing_flow(issue_id, str(data["entry_id"]))) is not None:
        return flow
    if issue_id.startswith(f"{UNKNOWN}_") and data is not None:
        return UnknownFlow(str(data["entry_id"]))
    if issue_id.startswith(f"{LABELS_CONFLICT}_") and data is not None:
        return LabelsConflictFlow(str(data["entry_id"]), str(data["shown"]))
    if issue_id.startswith(f"{LIBRARY_GONE}_") and data is not None:
        return LibraryGoneFlow(str(data["entry_id"]), frozenset(str(data["gone"]).split(",")))
    if issue_id.startswith(f"{LIBRARY_NEW}_") and data is not None:
        return LibraryNewFlow(str(data["entry_id"]), frozenset(str(data["new"]).split(",")))
    return ConfirmRepairFlow()
