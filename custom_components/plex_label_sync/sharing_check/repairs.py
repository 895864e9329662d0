"""Repair issues about who can see what: they go by themselves when what they tell is mended."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN
from ..entry_issues import async_raise, async_take_back
from ..escaping import as_code
from ..questions import QuestionFlow
from ..sharing.model import Reason, SharingWarning, WarningKey
from .texts import SharingTexts, async_sharing_texts, date_of

if TYPE_CHECKING:
    from homeassistant.components.repairs import RepairsFlowResult

    from .check import SharingCheck

SHARING_OPEN: Final = "sharing_open"  # somebody's rule vanished
SHARING: Final = "sharing"  # everything else that counts
SHARING_SIGN_IN: Final = "sharing_sign_in"  # plex.tv refuses the token that it took before
KINDS: Final = (SHARING_OPEN, SHARING, SHARING_SIGN_IN)
LINES_MAX: Final = 10
NOTHING_KNOWN: Final = "?"


@callback
def async_update_sharing_issues(
    hass: HomeAssistant, entry: ConfigEntry[Any], check: "SharingCheck | None"
) -> None:
    """Bring the issues up to date; without a check there are none."""
    if check is None:
        async_take_back(hass, entry, *KINDS)
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
    if opened:
        told = _opened(check, opened, texts)
        async_raise(hass, entry, SHARING_OPEN, told, data={}, severity=ir.IssueSeverity.ERROR)
    else:
        async_take_back(hass, entry, SHARING_OPEN)
    if others:
        async_raise(hass, entry, SHARING, _lines(check, others, texts), data={})
    else:
        async_take_back(hass, entry, SHARING)
    if refused:
        async_raise(hass, entry, SHARING_SIGN_IN, {})
    else:
        async_take_back(hass, entry, SHARING_SIGN_IN)


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


class SharingFlow(QuestionFlow):
    """Looks again, or stops telling: what is wrong is mended in Plex and nowhere else."""

    def __init__(self, entry_id: str, kind: str) -> None:
        """Know whose issue it is, and which."""
        answer = "meant" if kind == SHARING_OPEN else "dismiss"
        super().__init__(entry_id, ("look_again", answer))
        self._kind = kind

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
        coordinator = self._coordinator
        return None if coordinator is None else coordinator.sharing

    def _about(self, check: "SharingCheck") -> list[SharingWarning]:
        is_open = self._kind == SHARING_OPEN
        return [one for one in check.told if (one.key is WarningKey.RULE_GONE) is is_open]


def sharing_flow(issue_id: str, entry_id: str) -> SharingFlow | None:
    """Return the flow of an issue of ours, None for another one."""
    for kind in (SHARING_OPEN, SHARING):
        if issue_id == f"{kind}_{entry_id}":
            return SharingFlow(entry_id, kind)
    return None
