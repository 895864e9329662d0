"""Build a person's checklist, which updates itself: labels first, restrictions after. Pure."""

from ..sync.model import fold
from .model import Access, Group, Kind, Rule, Step, StepKey
from .survey import Half, Subject


def steps(subject: Subject) -> tuple[Step, ...]:
    """Return the checklist of a person who gets a label, empty for others and for the owner.

    A rule that is set before its labels exist empties the library; the order of the lines prevents
    that.
    """
    label, account = subject.label, subject.account
    if not label or (account is not None and account.kind is Kind.OWNER):
        return ()
    name = subject.name
    found = account is not None and account.access is Access.SHARED and bool(_shared(subject))
    wanted = sum(half.wanted for half in subject.halves)
    in_plex = sum(half.in_plex for half in subject.halves)
    labelled = sum(half.labelled for half in subject.halves)
    rules = [
        Step(
            StepKey(half.media_type.plural),
            allows(half.rule, half.label),
            {"name": name, "label": half.label},
        )
        for half in _shared(subject) or subject.halves
    ]
    hidden = sum(len(half.hidden_labelled) for half in subject.halves)
    ruled = found and all(step.done for step in rules)
    return (
        Step(StepKey.ACCOUNT, found, {"name": name}),
        Step(
            StepKey.LABELLED,
            labelled == in_plex > 0,
            {
                "name": name,
                "label": label,
                "labelled": labelled,
                "wanted": wanted,
                "missing": wanted - in_plex,
            },
        ),
        Step(StepKey.PRESET, account is not None and account.preset == "", {"name": name}),
        Step(StepKey.PREVIEW, ruled, {"name": name, "label": label}),
        *rules,
        Step(StepKey.WISHES, ruled and hidden == 0, {"name": name}),
    )


def _shared(subject: Subject) -> list[Half]:
    return [half for half in subject.halves if half.shared]


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
