"""Repair issues about who can see what: they go by themselves when what they tell is mended."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN
from ..entry_issues import async_raise, async_take_back
from ..escaping import as_code
from ..sharing.model import Reason, SharingWarning, WarningKey
from .store import SharingStore
from .texts import SharingTexts, async_sharing_texts


class Sharing(Protocol):
    """What the issues are about: what the check found out last."""

    store: SharingStore

    @property
    def told(self) -> Sequence[SharingWarning]:
        """The warnings that count and that nobody has dismissed."""

    @property
    def checked(self) -> float | None:
        """When plex.tv last answered."""

    @property
    def reason(self) -> Reason | None:
        """Why nothing new is known."""


SHARING_OPEN: Final = "sharing_open"  # somebody's rule vanished
SHARING: Final = "sharing"  # everything else that counts
SHARING_SIGN_IN: Final = "sharing_sign_in"  # plex.tv refuses the token that it took before
KINDS: Final = (SHARING_OPEN, SHARING, SHARING_SIGN_IN)
LINES_MAX: Final = 10
NOTHING_KNOWN: Final = "?"


@callback
def async_update_sharing_issues(
    hass: HomeAssistant, entry: ConfigEntry[Any], check: Sharing | None
) -> None:
    """Bring the issues up to date; without a check there are none."""
    if check is None:
        async_take_back(hass, entry, *KINDS)
        return
    _ = entry.async_create_background_task(
        hass, _async_update(hass, entry, check), f"{DOMAIN} sharing issues"
    )


async def _async_update(hass: HomeAssistant, entry: ConfigEntry[Any], check: Sharing) -> None:
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
    check: Sharing, opened: Sequence[SharingWarning], texts: SharingTexts
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
        "date": texts.words.date(min(one.since for one in gone.values())),
        "rule": "; ".join(dict.fromkeys(texts.gone(one, as_code) for one in gone.values())),
    }


def _lines(check: Sharing, found: Sequence[SharingWarning], texts: SharingTexts) -> dict[str, str]:
    gone = check.store.kept.gone
    told = (texts.warning(one, gone, as_code) for one in found[:LINES_MAX])
    lines = [f"- {text} {fix}" for text, fix in told]
    if more := len(found[LINES_MAX:]):
        lines.append(f"- {texts.page('more', count=more)}")
    return {"count": str(len(found)), "lines": "\n".join(lines)}
