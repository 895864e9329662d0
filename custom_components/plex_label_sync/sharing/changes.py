"""Find rules that were removed since the last check. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..sync.model import MediaType
from .model import Access, Account


@dataclass(frozen=True, slots=True)
class LostRules:
    """Rules that an account had until `since` (in epoch seconds) and no longer has.

    `before` is the number of items they let through, None if unknown.
    """

    texts: Mapping[MediaType, str]
    since: int
    before: int | None = None


def vanished(
    last: Iterable[Account],
    now: Iterable[Account],
    lost: Mapping[str, LostRules],
    last_checked: float,
    seen: Mapping[str, int],
) -> dict[str, LostRules]:
    """Return the rules that are gone and have not come back.

    `lost` are those that were gone already, `last_checked` is when the accounts of `last` were
    read, `seen` the number of items each account could see then. An account without access sees
    nothing: that is not the loss of a rule.
    """
    before = {account.id: account for account in last}
    result: dict[str, LostRules] = {}
    for account in now:
        if account.access is not Access.SHARED:
            continue
        known = lost.get(account.id)
        texts = {
            kind: text
            for kind, text in (known.texts if known is not None else {}).items()
            if account.text(kind) == ""
        }
        new = _lost(before.get(account.id), account)
        if texts and known is not None and not new:
            result[account.id] = replace(known, texts=texts)
        elif texts or new:
            result[account.id] = LostRules(
                {**texts, **new}, int(last_checked), seen.get(account.id)
            )
    return result


def _lost(before: Account | None, now: Account) -> dict[MediaType, str]:
    if before is None:
        return {}
    return {
        kind: text
        for kind in MediaType
        if (text := before.text(kind)) and now.text(kind) == "" and not now.preset
    }
