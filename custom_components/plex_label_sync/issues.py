"""What Repairs tells and asks: messages that come and go by themselves, and questions."""

from collections.abc import Mapping, Sequence
import json
from typing import TYPE_CHECKING, Any, Final, assert_never

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import CONF_LIBRARIES
from .entry_issues import async_raise, async_take_back
from .escaping import as_code, as_markdown
from .gap_issues import GAP_ISSUES, UNKNOWN
from .held_texts import held_placeholders
from .new_libraries import LIBRARY_NEW
from .sync.label_conflicts import Conflict
from .sync.model import fold
from .sync.run import HoldReason
from .texts import async_texts

if TYPE_CHECKING:
    from .storage.held import Held

HELD: Final = "held"
DAMAGED: Final = "store_damaged"
LEFT_OUT: Final = "store_left_out"
UNSAVED: Final = "store_unsaved"
LABELS_CONFLICT: Final = "labels_conflict"
LIBRARY_GONE: Final = "library_gone"
CONFLICTS_MAX: Final = 20  # shown; a question has to be read
LIBRARIES_GONE: Final = "libraries_gone"  # all of them


async def async_update_held_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], held: "Held | None"
) -> None:
    """Ask what to do with held changes, or stop asking."""
    if held is None:
        async_take_back(hass, entry, HELD)
        return
    reason = _most_striking(held)
    async_raise(
        hass,
        entry,
        HELD,
        held_placeholders(held, await async_texts(hass)),
        text=reason.value,
        data={"choices": ",".join(_choices(reason))},
    )


def _most_striking(held: "Held") -> HoldReason:
    """Return the reason whose text asks about all the others as well."""
    for reason in (
        HoldReason.LABELS_VANISHED,
        HoldReason.NOBODY_LISTED,
        HoldReason.WATCHLISTS_SHRUNK,
        HoldReason.MASS_REMOVAL,
        HoldReason.PEOPLE_RENAMED,
    ):
        if reason in held.reasons:
            return reason
    return HoldReason.MASS_REMOVAL


def _choices(reason: HoldReason) -> tuple[str, ...]:
    """Return what somebody can decide. Names that Pulsarr gives can only be taken over or mended."""
    match reason:
        case HoldReason.LABELS_VANISHED:
            return "restore", "accept"
        case HoldReason.PEOPLE_RENAMED:
            return ("apply",)
        case (
            HoldReason.NOBODY_LISTED
            | HoldReason.WATCHLISTS_SHRUNK
            | HoldReason.MASS_REMOVAL
            | HoldReason.LIST_SHRANK  # beside one of the others: alone it asks nobody
        ):
            return "apply", "keep"
        case _:
            assert_never(reason)


@callback
def async_create_damaged_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], damaged: list[str]
) -> None:
    """Tell that files were damaged or missing, until somebody has read it."""
    async_raise(
        hass,
        entry,
        DAMAGED,
        {"files": ", ".join(damaged)},
        data={},
        severity=ir.IssueSeverity.ERROR,
        is_persistent=True,
    )


@callback
def async_create_left_out_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], left_out: Mapping[str, int]
) -> None:
    """Tell that parts of files made no sense, and how many, until somebody has read it."""
    parts = ", ".join(f"{part}: {count}" for part, count in left_out.items())
    async_raise(hass, entry, LEFT_OUT, {"parts": as_markdown(parts)}, data={}, is_persistent=True)


@callback
def async_update_unsaved_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], *, unsaved: bool
) -> None:
    """Tell that files cannot be written, or that they can again."""
    if unsaved:
        async_raise(hass, entry, UNSAVED, {}, severity=ir.IssueSeverity.ERROR)
    else:
        async_take_back(hass, entry, UNSAVED)


@callback
def async_update_libraries_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], gone: Mapping[str, str]
) -> None:
    """Tell which of the chosen libraries are gone, given by key with their names.

    Where others are left, they can be taken off the choice right there.
    """
    if not gone:
        async_take_back(hass, entry, LIBRARY_GONE)
        return
    others_left = len(gone) < len(entry.options[CONF_LIBRARIES])
    async_raise(
        hass,
        entry,
        LIBRARY_GONE,
        {"libraries": ", ".join(map(as_markdown, sorted(gone.values())))},
        text=LIBRARY_GONE if others_left else LIBRARIES_GONE,
        data={"gone": ",".join(sorted(gone))} if others_left else None,
    )


@callback
def async_update_conflict_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], conflicts: Sequence[Conflict]
) -> None:
    """Ask about labels that would come to mean two things, or stop asking."""
    if not conflicts:
        async_take_back(hass, entry, LABELS_CONFLICT)
        return
    # An issue's data hold no lists; a label may have several conflicts, one after the other.
    shown: dict[str, list[str]] = {}
    for one in conflicts:
        shown[fold(one.label)] = sorted({*shown.get(fold(one.label), ()), *one.keys})
    async_raise(
        hass,
        entry,
        LABELS_CONFLICT,
        {"labels": "\n".join(map(_conflict_line, conflicts[:CONFLICTS_MAX]))},
        data={"shown": json.dumps(shown)},
    )


def _conflict_line(conflict: Conflict) -> str:
    """Return who would get a label, and who or what has it, in any language."""
    newcomers = ", ".join(as_code(person.username) for person in conflict.newcomers)
    others = [as_code(person.username) for person in conflict.others]
    meanings = ", ".join([*others, "⚙️"] if conflict.reserved else others)
    return f"- {as_code(conflict.label)}: {newcomers} ⚡ {meanings or newcomers}"


@callback
def async_delete_issues(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Take back everything that was asked or told about an entry."""
    kinds = (HELD, DAMAGED, LABELS_CONFLICT, LEFT_OUT, UNSAVED, LIBRARY_GONE, LIBRARY_NEW)
    async_take_back(hass, entry, *kinds, UNKNOWN, *GAP_ISSUES)
