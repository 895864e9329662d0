"""Find the warnings of an earlier check of which it is unknown whether they still apply. Pure."""

from collections.abc import Iterable, Sequence

from .model import Problem, SharingWarning, WarningKey
from .survey import Facts, Half, Subject


def undecided(
    earlier: Iterable[SharingWarning],
    now: Iterable[SharingWarning],
    subjects: Iterable[Subject],
    facts: Facts,
) -> tuple[SharingWarning, ...]:
    """Return the earlier warnings that are missing only because something could not be read."""
    found = {one.id for one in now}
    by_id = {subject.id: subject for subject in subjects}
    return tuple(
        one
        for one in earlier
        if one.id not in found and _is_open(one, by_id.get(one.account_id), facts)
    )


def _is_open(one: SharingWarning, subject: Subject | None, facts: Facts) -> bool:
    if one.key is WarningKey.RULE_GONE:
        return False  # kept until the rule is back
    if subject is None or subject.account is None:
        return not facts.accounts_listed
    halves: Sequence[Half] = [
        half for half in subject.halves if not one.types or half.media_type in one.types
    ]
    if any(half.rule.problem is Problem.MISSING or half.shared is None for half in halves):
        return True
    match one.key:
        case WarningKey.SEES_NOTHING:
            return any(half.seen.unknown or half.is_partial for half in halves)
        case WarningKey.WISHES_HIDDEN:
            return subject.list_unread or any(
                half.undecided or half.perhaps_in_plex for half in halves
            )
        case WarningKey.LABEL_MISSING | WarningKey.LABEL_MISSPELT:
            return facts.directory is None
        case WarningKey.PRESET_BLOCKS:
            return subject.account.preset is None
        case _:
            return False
