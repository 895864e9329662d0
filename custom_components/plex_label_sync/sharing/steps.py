"""Build a person's checklist, which updates itself: labels first, restrictions after. Pure."""

from typing import Final

from ..sync.model import fold
from .model import Access, Group, Kind, Problem, Rule, State, Step, StepKey, Unread
from .survey import Half, Subject

type _Done = tuple[bool | None, Unread | None]

_DONE: Final[_Done] = (True, None)
_TO_DO: Final[_Done] = (False, None)
_NOT_REPORTED: Final[_Done] = (None, Unread.ACCOUNT)


def steps(subject: Subject) -> tuple[Step, ...]:
    """Return the checklist of a person who gets a label, empty for others and for the owner.

    A rule that is set before its labels exist empties the library; the order of the lines prevents
    that. A line is done only if everything that it is about was read.
    """
    label, account = subject.label, subject.account
    if not label or (account is not None and account.kind is Kind.OWNER):
        return ()
    name = subject.name
    wanted = sum(half.wanted for half in subject.halves)
    missing = wanted - sum(half.in_plex + half.perhaps_in_plex for half in subject.halves)
    found = _found(subject)
    rules = {half: _ruled(half) for half in _shared(subject) or subject.halves}
    ruled = _all(found, *rules.values())
    return (
        _step(StepKey.ACCOUNT, found, name=name),
        _step(
            StepKey.LABELLED,
            _labelled(subject),
            name=name,
            label=label,
            labelled=sum(half.labelled for half in subject.halves),
            wanted=wanted,
            missing=missing,
        ),
        _step(StepKey.PRESET, _without_preset(subject), name=name),
        _step(StepKey.PREVIEW, ruled, name=name, label=label),
        *(
            _step(StepKey(half.media_type.plural), done, name=name, label=half.label)
            for half, done in rules.items()
        ),
        _step(StepKey.WISHES, _all(ruled, _sees_wanted(subject)), name=name),
    )


def _step(key: StepKey, done: _Done, **details: str | int) -> Step:
    return Step(key, done[0], details, done[1])


def _all(*parts: _Done) -> _Done:
    """Return whether all parts are done; one that is not counts more than an unknown one."""
    return min(parts, key=lambda one: (one[0] is not False, one[0] is not None))


def _found(subject: Subject) -> _Done:
    account = subject.account
    if account is None:
        return _NOT_REPORTED if subject.state is State.UNKNOWN else _TO_DO
    if account.access is not Access.SHARED:
        return _TO_DO
    if account.libraries is None:
        return _NOT_REPORTED
    if any(half.shared for half in subject.halves):
        return _DONE
    return (None, Unread.ITEMS) if _shared(subject) else _TO_DO


def _labelled(subject: Subject) -> _Done:
    halves = subject.halves
    in_plex = sum(half.in_plex for half in halves)
    perhaps = sum(half.perhaps_labelled for half in halves)
    if in_plex > perhaps + sum(half.labelled for half in halves):
        return _TO_DO
    unread = _unread_titles(subject) or (Unread.LABELS if perhaps else None)
    if unread is not None:
        return None, unread
    return _DONE if in_plex else _TO_DO


def _without_preset(subject: Subject) -> _Done:
    account = subject.account
    if account is None:
        return _NOT_REPORTED if subject.state is State.UNKNOWN else _TO_DO
    return _NOT_REPORTED if account.preset is None else (not account.preset, None)


def _ruled(half: Half) -> _Done:
    """Return whether a rule lets something through because of the person's label."""
    problem = half.rule.problem
    if problem is not None:
        return None, Unread.ACCOUNT if problem is Problem.MISSING else Unread.RULE
    if allows(half.rule, half.label):
        return _DONE
    perhaps = any(allows(Rule("", (one,)), half.label) for one in half.rule.readings)
    return (None, Unread.RULE) if perhaps else _TO_DO


def _sees_wanted(subject: Subject) -> _Done:
    """Return whether no wanted title is hidden that carries the label."""
    if any(half.hidden_labelled for half in subject.halves):
        return _TO_DO
    unread = _unread_titles(subject)
    if unread is None and any(half.undecided for half in subject.halves):
        unread = (
            Unread.LABELS if any(half.perhaps_labelled for half in subject.halves) else Unread.RULE
        )
    return _DONE if unread is None else (None, unread)


def _unread_titles(subject: Subject) -> Unread | None:
    """Return why it is unknown which titles the person wants, or which of them are in Plex."""
    if subject.list_unread:
        return Unread.WATCHLIST
    perhaps = any(half.perhaps_in_plex for half in subject.halves)
    return Unread.ITEMS if perhaps else None


def _shared(subject: Subject) -> list[Half]:
    """Return the kinds of title of which something is shared, or may be."""
    return [half for half in subject.halves if half.shared or half.shared is None]


def allows(rule: Rule, label: str) -> bool:
    """Return whether every reading of a rule lets something through because of a label.

    A label beside a negated condition does not restrict: nearly everything passes anyway.
    """
    folded = fold(label)
    return bool(rule.readings) and all(
        any(
            one.is_label and not one.negated and folded in one.values
            for group in reading
            if not opens(group)
            for one in group
        )
        for reading in rule.readings
    )


def opens(group: Group) -> bool:
    """Return whether a negated condition has an alternative: then nearly everything passes."""
    return len(group) > 1 and any(one.negated for one in group)
