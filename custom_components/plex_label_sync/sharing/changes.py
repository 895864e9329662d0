"""What became of the rules since they were read before. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..sync.model import MediaType
from .model import Access, Account


@dataclass(frozen=True, slots=True)
class Gone:
    """Rules that somebody had until a moment, in epoch seconds, and has no more.

    `before` is how many items they let through, None where that is not known.
    """

    texts: Mapping[MediaType, str]
    since: int
    before: int | None = None


def vanished(
    last: Iterable[Account],
    now: Iterable[Account],
    gone: Mapping[str, Gone],
    last_checked: float,
    seen: Mapping[str, int],
) -> dict[str, Gone]:
    """Return the rules that are gone and not back.

    `gone` are those that were gone already, `last_checked` when the accounts of `last` were read,
    `seen` how many items each account could see then. Whoever has no access any more sees
    nothing: that is no loss of a rule.
    """
    before = {account.id: account for account in last}
    result: dict[str, Gone] = {}
    for account in now:
        if account.access is not Access.SHARED:
            continue
        known = gone.get(account.id)
        texts = {
            kind: text
            for kind, text in (known.texts if known is not None else {}).items()
            if account.text(kind) == ""
        }
        new = _lost(before.get(account.id), account)
        if texts and known is not None and not new:
            result[account.id] = replace(known, texts=texts)
        elif texts or new:
            result[account.id] = Gone({**texts, **new}, int(last_checked), seen.get(account.id))
    return result


def _lost(before: Account | None, now: Account) -> dict[MediaType, str]:
    if before is None:
        return {}
    return {
        kind: text
        for kind in MediaType
        if (text := before.text(kind)) and now.text(kind) == "" and not now.preset
    }
