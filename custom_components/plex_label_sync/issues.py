"""The table of repair issues, used to create and delete them, by the fix flows and the docs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, assert_never

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOCS, DOMAIN
from .escaping import as_markdown
from .held_texts import held_placeholders
from .issue_texts import (
    Placeholders,
    address_placeholders,
    conflict_placeholders,
    file_placeholders,
    gap_placeholders,
    library_keys,
    library_placeholders,
    no_placeholders,
    part_placeholders,
    row_placeholders,
    shown_conflicts,
    tried_placeholders,
)
from .sharing_check.issue_texts import lost_rule_placeholders, warning_placeholders
from .sync.model import Gap, GapKind
from .sync.run import HoldReason
from .texts import Texts, async_texts, cached_texts

if TYPE_CHECKING:
    from .storage.held import Held
    from .sync.gaps import OpenGap

_ERROR: Final = ir.IssueSeverity.ERROR


class Fix(Enum):
    """The fix flow of an issue, implemented in `repairs`."""

    NONE = auto()  # not fixable: deleted when its cause is resolved
    ACKNOWLEDGE = auto()
    HELD_CHANGES = auto()
    LIBRARIES_GONE = auto()
    LIBRARIES_NEW = auto()
    LABELS_CONFLICT = auto()
    LABELS_UNKNOWN = auto()
    SHARING = auto()


@dataclass(frozen=True, slots=True)
class Repair[**P]:
    """One repair issue; `key` names its text under `issues` in the translations.

    `placeholders` returns the text's placeholders besides the entry, `data` the data of the fix
    flow, both from the arguments of `async_raise`. `choices` are the menu options of the flow. An
    entry has at most one issue per `slot`, which defaults to the key. `page` is the documentation
    page.
    """

    key: str
    page: str
    placeholders: Callable[P, Placeholders]
    fix: Fix = Fix.NONE
    choices: tuple[str, ...] = ()
    data: Callable[P, Placeholders] = no_placeholders
    severity: ir.IssueSeverity = ir.IssueSeverity.WARNING
    persistent: bool = False  # kept across restarts until the user has seen it
    slot: str = ""

    def issue_id(self, entry: ConfigEntry[Any]) -> str:
        """Return the id of an entry's issue."""
        return f"{self.slot or self.key}_{entry.entry_id}"


def _held(reason: HoldReason, *choices: str) -> "Repair[Held, Texts]":
    return Repair(
        reason.value,
        "options.md#when-a-sync-needs-approval",
        held_placeholders,
        Fix.HELD_CHANGES,
        choices,
        slot="held",
    )


LABELS_VANISHED: Final = _held(HoldReason.LABELS_VANISHED, "restore", "accept")
NOBODY_LISTED: Final = _held(HoldReason.NOBODY_LISTED, "apply", "keep")
WATCHLISTS_SHRUNK: Final = _held(HoldReason.WATCHLISTS_SHRUNK, "apply", "keep")
MASS_REMOVAL: Final = _held(HoldReason.MASS_REMOVAL, "apply", "keep")
PEOPLE_RENAMED: Final = _held(HoldReason.PEOPLE_RENAMED, "apply")
LABELS_UNKNOWN: Final = Repair(
    "labels_unknown",
    "safety.md#what-counts-as-proof",
    row_placeholders,
    Fix.LABELS_UNKNOWN,
    ("adopt", "leave"),
)
LABELS_CONFLICT: Final = Repair(
    "labels_conflict",
    "safety.md#promises",
    conflict_placeholders,
    Fix.LABELS_CONFLICT,
    ("meant", "leave"),
    shown_conflicts,
)
GAP_PERSON: Final = Repair("gap_person", "safety.md#reads-that-can-go-wrong", gap_placeholders)
GAP_ROWS: Final = Repair("gap_rows", "safety.md#reads-that-can-go-wrong", gap_placeholders)
GAP_LIBRARY: Final = Repair("gap_library", "safety.md#reads-that-can-go-wrong", gap_placeholders)
GAP_LABEL: Final = Repair("gap_label", "safety.md#reads-that-can-go-wrong", gap_placeholders)
GAP_ITEM: Final = Repair("gap_item", "safety.md#reads-that-can-go-wrong", gap_placeholders)
LIBRARY_GONE: Final = Repair(
    "library_gone",
    "options.md#options",
    library_placeholders,
    Fix.LIBRARIES_GONE,
    data=library_keys,
)
LIBRARIES_GONE: Final = Repair(  # all libraries
    "libraries_gone", "options.md#options", library_placeholders, slot=LIBRARY_GONE.key
)
LIBRARY_NEW: Final = Repair(
    "library_new",
    "options.md#options",
    library_placeholders,
    Fix.LIBRARIES_NEW,
    ("sync", "leave"),
    library_keys,
)
STORE_DAMAGED: Final = Repair(
    "store_damaged",
    "safety.md#promises",
    file_placeholders,
    Fix.ACKNOWLEDGE,
    severity=_ERROR,
    persistent=True,
)
STORE_LEFT_OUT: Final = Repair(
    "store_left_out", "safety.md#promises", part_placeholders, Fix.ACKNOWLEDGE, persistent=True
)
STORE_UNSAVED: Final = Repair(
    "store_unsaved", "safety.md#promises", no_placeholders, severity=_ERROR
)
WEBHOOK_UNREACHABLE: Final = Repair(
    "webhook_unreachable", "updates.md#the-webhook", tried_placeholders
)
WEBHOOK_SILENT: Final = Repair("webhook_silent", "radarr-sonarr.md", address_placeholders)
PULSARR_WITHOUT_WEBHOOKS: Final = Repair(
    "pulsarr_without_webhooks", "radarr-sonarr.md", no_placeholders
)
PULSARR_LABELS: Final = Repair("pulsarr_labels", "pulsarr-label-sync.md", no_placeholders)
SHARING_OPEN: Final = Repair(  # a person's rule is missing
    "sharing_open",
    "sharing.md#what-is-reported",
    lost_rule_placeholders,
    Fix.SHARING,
    ("look_again", "meant"),
    severity=_ERROR,
)
SHARING: Final = Repair(  # any other warning
    "sharing",
    "sharing.md#what-is-reported",
    warning_placeholders,
    Fix.SHARING,
    ("look_again", "dismiss"),
)
SHARING_SIGN_IN: Final = Repair("sharing_sign_in", "troubleshooting.md#symptoms", no_placeholders)

REPAIRS: Final[Mapping[str, Repair[...]]] = {
    one.key: one
    for one in (
        LABELS_VANISHED,
        NOBODY_LISTED,
        WATCHLISTS_SHRUNK,
        MASS_REMOVAL,
        PEOPLE_RENAMED,
        LABELS_UNKNOWN,
        LABELS_CONFLICT,
        GAP_PERSON,
        GAP_ROWS,
        GAP_LIBRARY,
        GAP_LABEL,
        GAP_ITEM,
        LIBRARY_GONE,
        LIBRARIES_GONE,
        LIBRARY_NEW,
        STORE_DAMAGED,
        STORE_LEFT_OUT,
        STORE_UNSAVED,
        WEBHOOK_UNREACHABLE,
        WEBHOOK_SILENT,
        PULSARR_WITHOUT_WEBHOOKS,
        PULSARR_LABELS,
        SHARING_OPEN,
        SHARING,
        SHARING_SIGN_IN,
    )
}
# The first of a run's reasons selects the issue, which covers the others as well. LIST_SHRANK alone
# raises none: the list is read again.
HELD_FOR: Final[Mapping[HoldReason, "Repair[Held, Texts]"]] = {
    HoldReason.LABELS_VANISHED: LABELS_VANISHED,
    HoldReason.NOBODY_LISTED: NOBODY_LISTED,
    HoldReason.WATCHLISTS_SHRUNK: WATCHLISTS_SHRUNK,
    HoldReason.MASS_REMOVAL: MASS_REMOVAL,
    HoldReason.PEOPLE_RENAMED: PEOPLE_RENAMED,
    HoldReason.LIST_SHRANK: MASS_REMOVAL,
}
GAP_ISSUES: Final = (GAP_PERSON, GAP_ROWS, GAP_LIBRARY, GAP_LABEL, GAP_ITEM)


@callback
def async_raise[**P](
    hass: HomeAssistant,
    entry: ConfigEntry[Any],
    repair: Repair[P],
    *args: P.args,
    **kwargs: P.kwargs,
) -> None:
    """Create or update an issue; the entry's title is escaped and filled in."""
    fixable = repair.fix is not Fix.NONE
    ir.async_create_issue(
        hass,
        DOMAIN,
        repair.issue_id(entry),
        data={"entry_id": entry.entry_id, **repair.data(*args, **kwargs)} if fixable else None,
        is_fixable=fixable,
        is_persistent=repair.persistent,
        learn_more_url=f"{DOCS}{repair.page}",
        severity=repair.severity,
        translation_key=repair.key,
        translation_placeholders={
            "name": as_markdown(entry.title),
            **repair.placeholders(*args, **kwargs),
        },
    )


@callback
def async_delete(hass: HomeAssistant, entry: ConfigEntry[Any], *repairs: Repair[...]) -> None:
    """Delete those of the issues that exist."""
    for repair in repairs:
        ir.async_delete_issue(hass, DOMAIN, repair.issue_id(entry))


@callback
def async_delete_all(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Delete every issue of an entry."""
    async_delete(hass, entry, *REPAIRS.values())


async def async_update_held_issue(
    hass: HomeAssistant, entry: ConfigEntry[Any], held: "Held | None"
) -> None:
    """Create or update the issue about held changes, or delete it if there are none."""
    if held is None:
        async_delete(hass, entry, *HELD_FOR.values())
        return
    repair = next((one for reason, one in HELD_FOR.items() if reason in held.reasons), MASS_REMOVAL)
    async_raise(hass, entry, repair, held, await async_texts(hass))


@callback
def async_update_gap_issues(
    hass: HomeAssistant, entry: ConfigEntry[Any], lasting: Sequence["OpenGap"]
) -> None:
    """Report lasting gaps, in one issue for each kind."""
    texts = cached_texts(hass)
    for repair in GAP_ISSUES:
        if found := [one for one in lasting if _gap_issue(one.gap) is repair]:
            async_raise(hass, entry, repair, found, texts)
        else:
            async_delete(hass, entry, repair)


def _gap_issue(gap: Gap) -> "Repair[Sequence[OpenGap], Texts]":
    """Return the issue that reports a gap."""
    match gap.kind:
        case GapKind.PERSON:
            return GAP_ROWS if gap.rows else GAP_PERSON
        case GapKind.LIBRARY | GapKind.PAGE:
            return GAP_LIBRARY
        case GapKind.LABEL:
            return GAP_LABEL
        case GapKind.ITEM:
            return GAP_ITEM
        case _:
            assert_never(gap.kind)
