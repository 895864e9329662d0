"""Compare an answer of plex.tv with earlier ones: who is missing, which rules were removed. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from ..sync.model import MediaType
from .model import Access, Account, Answer


@dataclass(frozen=True, slots=True)
class KnownRules:
    """The rules of an account as last reported; all of them were as of `checked` (epoch seconds)."""

    texts: Mapping[MediaType, str]
    checked: float


@dataclass(frozen=True, slots=True)
class LostRules:
    """Rules that an account had until `since` (in epoch seconds) and no longer has.

    `before` is the number of items they let through, None if unknown.
    """

    texts: Mapping[MediaType, str]
    since: int
    before: int | None = None


def with_missing(
    answer: Answer, before: Iterable[Account], missed: Collection[str]
) -> tuple[Answer, frozenset[str]]:
    """Return an answer with the accounts that it lacks, and the ids of those that may be gone.

    `before` are the accounts of the last answer, `missed` those that it lacked itself. An account
    with a share that is not listed any more is kept, without anything known of it, until a second
    answer lacks it as well; as long as rows could not be read, it may be one of these.
    """
    listed = {account.id for account in answer.accounts}
    proven = frozenset[str]() if "" in answer.unlisted else frozenset(missed) - answer.unlisted
    kept = [
        _missing(one)
        for one in before
        if one.id not in listed | proven and one.access is not Access.NONE
    ]
    ids = frozenset(one.id for one in kept)
    may_be_gone = frozenset[str]() if "" in answer.unlisted else ids - answer.unlisted
    full = replace(answer, accounts=(*answer.accounts, *kept), unlisted=answer.unlisted | ids)
    return full, may_be_gone


def _missing(account: Account) -> Account:
    return replace(
        account,
        movies=None,
        shows=None,
        everything="",
        preset=None,
        access=Access.SHARED,
        libraries=None,
        is_missing=True,
    )


def known_rules(
    before: Mapping[str, KnownRules], now: Iterable[Account], checked: float
) -> dict[str, KnownRules]:
    """Return the rules of all accounts: as reported now, else as reported before."""
    result = {}
    for account in now:
        old = before.get(account.id, KnownRules({}, checked))
        # An unknown preset may be what an empty rule stands for.
        texts = {
            kind: text
            for kind in MediaType
            if (text := account.text(kind)) or (text is not None and account.preset is not None)
        }
        is_whole = len(texts) == len(MediaType)
        result[account.id] = KnownRules(
            {**old.texts, **texts}, checked if is_whole else old.checked
        )
    return result


def vanished(
    last: Mapping[str, KnownRules],
    now: Iterable[Account],
    lost: Mapping[str, LostRules],
    seen: Mapping[str, int],
) -> dict[str, LostRules]:
    """Return the rules that are gone and have not come back.

    `last` are the rules as they were known, `lost` those that were gone already, `seen` the number
    of items each account could see then. An account without access sees nothing: that is neither
    the loss of a rule nor its return. A rule that is not reported is neither gone nor back.
    """
    result: dict[str, LostRules] = {}
    for account in now:
        known = lost.get(account.id)
        if account.access is not Access.SHARED:
            if known is not None:
                result[account.id] = known
            continue
        texts = {
            kind: text
            for kind, text in (known.texts if known is not None else {}).items()
            if not account.text(kind)
        }
        before = last.get(account.id)
        new = {} if before is None else _lost(before.texts, account)
        if texts and known is not None and not new:
            result[account.id] = replace(known, texts=texts)
        elif before is not None and (texts or new):
            result[account.id] = LostRules(
                {**texts, **new}, int(before.checked), seen.get(account.id)
            )
    return result


def _lost(before: Mapping[MediaType, str], now: Account) -> dict[MediaType, str]:
    return {
        kind: text
        for kind in MediaType
        if (text := before.get(kind)) and now.text(kind) == "" and now.preset == ""
    }
