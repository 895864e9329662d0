"""Repair issues: what only a person can decide or mend."""

import json
from typing import TYPE_CHECKING, Any, Final, cast, override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from . import decisions
from .const import CONF_LIBRARIES, DOMAIN
from .errors import StoppedError
from .escaping import as_code, as_markdown
from .gap_issues import GAP_ISSUES, UNKNOWN
from .new_libraries import LIBRARY_NEW, LibraryNewFlow
from .sharing_repairs import sharing_flow
from .sync.model import HoldReason, Run, fold

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from homeassistant.components.repairs import RepairsFlowResult

    from .coordinator import PlexLabelSyncCoordinator
    from .store import Held
    from .sync.label_conflicts import Conflict

    type _Decision = Callable[[PlexLabelSyncCoordinator], Awaitable[Run | None]]

HELD: Final = "held"
DAMAGED: Final = "store_damaged"
LEFT_OUT: Final = "store_left_out"
UNSAVED: Final = "store_unsaved"
LABELS_CONFLICT: Final = "labels_conflict"
LIBRARY_GONE: Final = "library_gone"
CONFLICTS_MAX: Final = 20  # shown; a question has to be read
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
        data={"entry_id": entry.entry_id, "choices": ",".join(_choices(held))},
        is_fixable=True,
        is_persistent=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key="labels_vanished" if vanished else _held_key(held),
        translation_placeholders=_placeholders(entry, held),
    )


def _choices(held: "Held") -> tuple[str, ...]:
    """Return what somebody can decide. Names that Pulsarr gives can only be taken over or mended."""
    if HoldReason.LABELS_VANISHED in held.reasons:
        return "restore", "accept"
    return ("apply",) if _held_key(held) == HoldReason.PEOPLE_RENAMED else ("apply", "keep")


def _held_key(held: "Held") -> str:
    """Return the issue whose text tells the most striking of the reasons."""
    for reason in (
        HoldReason.NOBODY_LISTED,
        HoldReason.WATCHLISTS_SHRUNK,
        HoldReason.MASS_REMOVAL,
        HoldReason.PEOPLE_RENAMED,
    ):
        if reason in held.reasons:
            return reason.value
    return HoldReason.MASS_REMOVAL.value


def _placeholders(entry: ConfigEntry[Any], held: "Held") -> dict[str, str]:
    return {
        "name": as_markdown(entry.title),
        "removals": str(held.removals),
        "vanished": str(held.vanished),
        "examples": "\n".join(f"- {as_markdown(example)}" for example in held.examples) or "-",
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
        translation_placeholders={
            "name": as_markdown(entry.title),
            "files": ", ".join(damaged),
        },
    )


@callback
def async_create_left_out_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], left_out: "Mapping[str, int]"
) -> None:
    """Tell that parts of files made no sense, and how many, until somebody has read it."""
    parts = ", ".join(f"{part}: {count}" for part, count in left_out.items())
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{LEFT_OUT}_{entry.entry_id}",
        data={"entry_id": entry.entry_id},
        is_fixable=True,
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=LEFT_OUT,
        translation_placeholders={"name": as_markdown(entry.title), "parts": as_markdown(parts)},
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
        translation_placeholders={"name": as_markdown(entry.title)},
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
            "name": as_markdown(entry.title),
            "libraries": ", ".join(map(as_markdown, sorted(gone.values()))),
        },
    )


@callback
def async_update_conflict_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], conflicts: "Sequence[Conflict]"
) -> None:
    """Ask about labels that would come to mean two things, or stop asking."""
    issue_id = f"{LABELS_CONFLICT}_{entry.entry_id}"
    if not conflicts:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    # An issue's data hold no lists; a label may have several conflicts, one after the other.
    shown: dict[str, list[str]] = {}
    for one in conflicts:
        shown[fold(one.label)] = sorted({*shown.get(fold(one.label), ()), *one.keys})
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        data={"entry_id": entry.entry_id, "shown": json.dumps(shown)},
        is_fixable=True,
        is_persistent=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=LABELS_CONFLICT,
        translation_placeholders={
            "name": as_markdown(entry.title),
            "labels": "\n".join(map(_conflict_line, conflicts[:CONFLICTS_MAX])),
        },
    )


def _conflict_line(conflict: "Conflict") -> str:
    """Return who would get a label, and who or what has it, in any language."""
    newcomers = ", ".join(as_code(person.username) for person in conflict.newcomers)
    others = [as_code(person.username) for person in conflict.others]
    meanings = ", ".join([*others, "⚙️"] if conflict.reserved else others)
    return f"- {as_code(conflict.label)}: {newcomers} ⚡ {meanings or newcomers}"


@callback
def async_delete_issues(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Take back everything that was asked or told about an entry."""
    kinds = (HELD, DAMAGED, LABELS_CONFLICT, LEFT_OUT, UNSAVED, LIBRARY_GONE, LIBRARY_NEW)
    for kind in (*kinds, UNKNOWN, *GAP_ISSUES):
        ir.async_delete_issue(hass, DOMAIN, f"{kind}_{entry.entry_id}")


class HeldFlow(RepairsFlow):
    """Lets a person decide about held changes."""

    def __init__(self, entry_id: str, choices: list[str]) -> None:
        """Know whose changes they are and which choice there is."""
        self._entry_id = entry_id
        self._choices = choices

    async def async_step_init(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Show the numbers and the choice."""
        issue = ir.async_get(self.hass).async_get_issue(self.handler, self.issue_id)
        return self.async_show_menu(
            step_id="init",
            menu_options=self._choices,
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
        if run is None or run.error is not None:
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
    return decision is decisions.async_apply and run.asked


class UnknownFlow(RepairsFlow):
    """Lets a person decide about labels that may be ours."""

    def __init__(self, entry_id: str) -> None:
        """Know whose labels they are."""
        self._entry_id = entry_id

    async def async_step_init(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Show the numbers and the choice."""
        issue = ir.async_get(self.hass).async_get_issue(self.handler, self.issue_id)
        return self.async_show_menu(
            step_id="init",
            menu_options=["adopt", "leave"],
            description_placeholders=issue.translation_placeholders if issue else None,
        )

    async def async_step_adopt(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Take the labels into the ledger."""
        return await self._decide(decisions.async_adopt)

    async def async_step_leave(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Take the labels for somebody else's."""
        return await self._decide(decisions.async_leave)

    async def _decide(self, decision: "_Decision") -> "RepairsFlowResult":
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="not_loaded")
        try:
            run = await decision(cast("PlexLabelSyncCoordinator", entry.runtime_data))
        except StoppedError:
            return self.async_abort(reason="not_loaded")
        if run is not None and run.error is not None:
            return self.async_abort(reason="failed")
        return self.async_create_entry(data={})


class LabelsConflictFlow(RepairsFlow):
    """Lets a person decide whether a label may mean several people."""

    def __init__(self, entry_id: str, shown: str) -> None:
        """Know whose labels they are, and the conflicts that were shown."""
        self._entry_id = entry_id
        self._shown = shown

    async def async_step_init(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Show the labels and the choice."""
        issue = ir.async_get(self.hass).async_get_issue(self.handler, self.issue_id)
        return self.async_show_menu(
            step_id="init",
            menu_options=["meant", "leave"],
            description_placeholders=issue.translation_placeholders if issue else None,
        )

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
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="not_loaded")
        coordinator = cast("PlexLabelSyncCoordinator", entry.runtime_data)
        coordinator.guard.async_decide(self._shown, meant=meant)
        coordinator.async_sync_soon()
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
