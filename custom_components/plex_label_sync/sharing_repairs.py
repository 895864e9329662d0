"""Repair issues about who can see what: they go by themselves when what they tell is mended."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from homeassistant.components.repairs import RepairsFlow
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .escaping import as_code
from .sharing.model import Reason, SharingWarning, WarningKey
from .sharing_texts import SharingTexts, async_sharing_texts, date_of

if TYPE_CHECKING:
    from homeassistant.components.repairs import RepairsFlowResult

    from .coordinator import PlexLabelSyncCoordinator
    from .sharing_check import SharingCheck

SHARING_OPEN: Final = "sharing_open"  # somebody's rule vanished
SHARING: Final = "sharing"  # everything else that counts
SHARING_SIGN_IN: Final = "sharing_sign_in"  # plex.tv refuses the token that it took before
KINDS: Final = (SHARING_OPEN, SHARING, SHARING_SIGN_IN)
LINES_MAX: Final = 10
NOTHING_KNOWN: Final = "?"

type _Placeholders = Mapping[str, str]


@callback
def async_update_sharing_issues(
    hass: HomeAssistant, entry: ConfigEntry[Any], check: "SharingCheck | None"
) -> None:
    """Bring the issues up to date; without a check there are none."""
    if check is None:
        for kind in KINDS:
            ir.async_delete_issue(hass, DOMAIN, f"{kind}_{entry.entry_id}")
        return
    _ = entry.async_create_background_task(
        hass, _async_update(hass, entry, check), f"{DOMAIN} sharing issues"
    )


async def _async_update(
    hass: HomeAssistant, entry: ConfigEntry[Any], check: "SharingCheck"
) -> None:
    texts = await async_sharing_texts(hass)
    opened = [one for one in check.told if one.key is WarningKey.RULE_GONE]
    others = [one for one in check.told if one.key is not WarningKey.RULE_GONE]
    refused = check.checked is not None and check.reason in {Reason.REFUSED, Reason.NOT_OWNER}
    name = {"name": entry.title}
    _set(hass, entry, SHARING_OPEN, opened and {**name, **_opened(check, opened, texts)})
    _set(hass, entry, SHARING, others and {**name, **_lines(check, others, texts)})
    _set(hass, entry, SHARING_SIGN_IN, name if refused else None)


@callback
def _set(
    hass: HomeAssistant,
    entry: ConfigEntry[Any],
    kind: str,
    placeholders: "_Placeholders | Sequence[object] | None",
) -> None:
    """Raise an issue or bring its text up to date; take it back without anything to fill in."""
    issue_id = f"{kind}_{entry.entry_id}"
    if not isinstance(placeholders, Mapping):
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    error = kind == SHARING_OPEN
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        data={"entry_id": entry.entry_id},
        is_fixable=kind != SHARING_SIGN_IN,
        is_persistent=False,
        severity=ir.IssueSeverity.ERROR if error else ir.IssueSeverity.WARNING,
        translation_key=kind,
        translation_placeholders=dict(placeholders),
    )


def _opened(
    check: "SharingCheck", opened: Sequence[SharingWarning], texts: SharingTexts
) -> dict[str, str]:
    """Return what to say of rules that vanished, so that they can be typed again."""
    gone = {one.account_id: check.store.kept.gone[one.account_id] for one in opened}
    seen = check.store.kept.seen
    before = [one.before for one in gone.values()]
    return {
        "people": ", ".join(as_code(one.who) for one in opened),
        "before": NOTHING_KNOWN
        if None in before
        else str(sum(one for one in before if one is not None)),
        "after": str(sum(seen.get(number, 0) for number in gone)),
        "date": date_of(min(one.since for one in gone.values())),
        "rule": "; ".join(dict.fromkeys(texts.gone(one, as_code) for one in gone.values())),
    }


def _lines(
    check: "SharingCheck", found: Sequence[SharingWarning], texts: SharingTexts
) -> dict[str, str]:
    gone = check.store.kept.gone
    told = (texts.warning(one, gone, as_code) for one in found[:LINES_MAX])
    lines = [f"- {text} {fix}" for text, fix in told]
    if more := len(found[LINES_MAX:]):
        lines.append(f"- {texts.page('more', count=more)}")
    return {"count": str(len(found)), "lines": "\n".join(lines)}


class SharingFlow(RepairsFlow):
    """Looks again, or stops telling: what is wrong is mended in Plex and nowhere else."""

    def __init__(self, entry_id: str, kind: str) -> None:
        """Know whose issue it is, and which."""
        self._entry_id = entry_id
        self._kind = kind

    async def async_step_init(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Show what is wrong and the choice."""
        issue = ir.async_get(self.hass).async_get_issue(self.handler, self.issue_id)
        answer = "meant" if self._kind == SHARING_OPEN else "dismiss"
        return self.async_show_menu(
            step_id="init",
            menu_options=["look_again", answer],
            description_placeholders=issue.translation_placeholders if issue else None,
        )

    async def async_step_look_again(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Ask plex.tv again; the issue stays while what it tells is so."""
        if (check := self._check) is None:
            return self.async_abort(reason="not_loaded")
        if not await check.async_look_again():
            return self.async_abort(reason="not_asked")
        if self._about(check):
            # Ending the flow would take the issue away.
            return self.async_abort(reason="still_so")
        return self.async_create_entry(data={})

    async def async_step_meant(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Take it that the rules were taken away on purpose."""
        if (check := self._check) is None:
            return self.async_abort(reason="not_loaded")
        await check.async_accept_gone([one.account_id for one in self._about(check)])
        return self.async_create_entry(data={})

    async def async_step_dismiss(
        self, _user_input: dict[str, str] | None = None
    ) -> "RepairsFlowResult":
        """Do not tell these any more; new ones are."""
        if (check := self._check) is None:
            return self.async_abort(reason="not_loaded")
        await check.async_dismiss([one.id for one in self._about(check)])
        return self.async_create_entry(data={})

    @property
    def _check(self) -> "SharingCheck | None":
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return None
        return cast("PlexLabelSyncCoordinator", entry.runtime_data).sharing

    def _about(self, check: "SharingCheck") -> list[SharingWarning]:
        is_open = self._kind == SHARING_OPEN
        return [one for one in check.told if (one.key is WarningKey.RULE_GONE) is is_open]


def sharing_flow(issue_id: str, entry_id: str) -> SharingFlow | None:
    """Return the flow of an issue of ours, None for another one."""
    for kind in (SHARING_OPEN, SHARING):
        if issue_id == f"{kind}_{entry_id}":
            return SharingFlow(entry_id, kind)
    return None
