"""Repair issues: what only a person can decide or mend."""

from typing import TYPE_CHECKING, Any, Final, cast, override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from . import decisions
from .const import CONF_LIBRARIES, DOMAIN
from .errors import StoppedError
from .sharing_repairs import sharing_flow
from .sync.model import HoldReason, Run, RunStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from homeassistant.components.repairs import RepairsFlowResult

    from .coordinator import PlexLabelSyncCoordinator
    from .store import Held

    type _Decision = Callable[[PlexLabelSyncCoordinator], Awaitable[Run]]

HELD: Final = "held"
DAMAGED: Final = "store_damaged"
UNSAVED: Final = "store_unsaved"
LIBRARY_GONE: Final = "library_gone"
LIBRARIES_GONE: Final = "libraries_gone"  # all of them


@callback
def async_update_held_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], held: "Held | None"
) -> None:
    """Ask what to do with held changes, or stop asking."""
    issue_id = f"{HELD}_{entry.entry_id}"
    if held is None:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    vanished = HoldReason.LABELS_VANISHED in held.reasons
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        data={"entry_id": entry.entry_id, "vanished": vanished},
        is_fixable=True,
        is_persistent=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key="labels_vanished" if vanished else _held_key(held),
        translation_placeholders=_placeholders(entry, held),
    )


def _held_key(held: "Held") -> str:
    """Return the issue whose text tells the most striking of the reasons."""
    for reason in (HoldReason.NOBODY_LISTED, HoldReason.WATCHLISTS_SHRUNK):
        if reason in held.reasons:
            return reason.value
    return HoldReason.MASS_REMOVAL.value


def _placeholders(entry: ConfigEntry[Any], held: "Held") -> dict[str, str]:
    return {
        "name": entry.title,
        "removals": str(held.removals),
        "vanished": str(held.vanished),
        "examples": "\n".join(f"- {example}" for example in held.examples) or "-",
    }


@callback
def async_create_damaged_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], damaged: list[str]
) -> None:
    """Tell that files were damaged or missing, until somebody has read it."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{DAMAGED}_{entry.entry_id}",
        data={"entry_id": entry.entry_id},
        is_fixable=True,
        is_persistent=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key=DAMAGED,
        translation_placeholders={"name": entry.title, "files": ", ".join(damaged)},
    )


@callback
def async_update_unsaved_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], *, unsaved: bool
) -> None:
    """Tell that files cannot be written, or that they can again."""
    issue_id = f"{UNSAVED}_{entry.entry_id}"
    if not unsaved:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        is_persistent=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key=UNSAVED,
        translation_placeholders={"name": entry.title},
    )


@callback
def async_update_libraries_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], gone: "Mapping[str, str]"
) -> None:
    """Tell which of the chosen libraries are gone, given by key with their names.

    Where others are left, they can be taken off the choice right there.
    """
    issue_id = f"{LIBRARY_GONE}_{entry.entry_id}"
    if not gone:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    others_left = len(gone) < len(entry.options[CONF_LIBRARIES])
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        data={"entry_id": entry.entry_id, "gone": ",".join(sorted(gone))},
        is_fixable=others_left,
        is_persistent=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=LIBRARY_GONE if others_left else LIBRARIES_GONE,
        translation_placeholders={
            "name": entry.title,
            "libraries": ", ".join(sorted(gone.values())),
        },
    )


@callback
def async_delete_issues(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Take back everything that was asked or told about an entry."""
    for kind in (HELD, DAMAGED, UNSAVED, LIBRARY_GONE):
        ir.async_delete_issue(hass, DOMAIN, f"{kind}_{entry.entry_id}")


class HeldFlow(RepairsFlow):
    """Lets a person decide about held changes."""

    def __init__(self, entry_id: str, *, vanished: bool) -> None:
        """Know whose changes they are and which choice there is."""
        self._entry_id = entry_id
        self._vanished = vanished

    async def async_step_init(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Show the numbers and the choice."""
        issue = ir.async_get(self.hass).async_get_issue(self.handler, self.issue_id)
        return self.async_show_menu(
            step_id="init",
            menu_options=["restore", "accept"] if self._vanished else ["apply", "keep"],
            description_placeholders=issue.translation_placeholders if issue else None,
        )

    async def async_step_apply(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Take the labels off after all."""
        return await self._decide(decisions.async_apply)

    async def async_step_keep(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Leave the labels on for good."""
        return await self._decide(decisions.async_keep)

    async def async_step_restore(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Put the labels back that vanished."""
        return await self._decide(decisions.async_restore)

    async def async_step_accept(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Take it that somebody took the labels off on purpose."""
        return await self._decide(decisions.async_accept)

    async def _decide(self, decision: "_Decision") -> "RepairsFlowResult":
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="not_loaded")
        coordinator = cast("PlexLabelSyncCoordinator", entry.runtime_data)
        try:
            run = await decision(coordinator)
        except StoppedError:
            return self.async_abort(reason="not_loaded")
        if run.error is not None:
            return self.async_abort(reason="failed")
        if _is_asked_again(decision, run):
            return self.async_abort(reason="more_than_shown")
        if coordinator.records.held is not None:
            # Ending the flow would take the new question away together with the old one.
            return self.async_abort(reason="more_to_decide")
        return self.async_create_entry(data={})


def _is_asked_again(decision: "_Decision", run: Run) -> bool:
    """Tell whether there was more to decide about than was shown, so that nothing was done."""
    if decision is decisions.async_accept:
        return HoldReason.LABELS_VANISHED in run.hold_reasons
    return decision is decisions.async_apply and run.status is RunStatus.HELD


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


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that belongs to an issue."""
    if issue_id.startswith(f"{HELD}_") and data is not None:
        return HeldFlow(str(data["entry_id"]), vanished=bool(data["vanished"]))
    if data is not None and (flow := sharing_flow(issue_id, str(data["entry_id"]))) is not None:
        return flow
    if issue_id.startswith(f"{LIBRARY_GONE}_") and data is not None:
        return LibraryGoneFlow(str(data["entry_id"]), frozenset(str(data["gone"]).split(",")))
    return ConfirmRepairFlow()
