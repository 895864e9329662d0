"""Find what is probably unintended: one warning per mistake and person concerned. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
import re
from typing import Final

from ..sync.model import MediaType, fold
from .changes import LostRules
from .model import Access, Group, Kind, MatchedBy, Rule, SharingWarning, State, WarningKey
from .rules import label_conditions
from .steps import allows, opens
from .survey import Facts, Half, Subject

# The first version that hides titles with an excluded label on every page.
EXCLUDES_SINCE: Final = (1, 43, 2, 10687)
SPELLING_MAX: Final = 2  # letters by which a misspelled label may differ
NAMES_MAX: Final = 3  # examples in a text


def warnings(
    subjects: Iterable[Subject], facts: Facts, lost: Mapping[str, LostRules]
) -> tuple[SharingWarning, ...]:
    """Return the warnings by person, the most serious first."""
    found: list[SharingWarning] = []
    for subject in subjects:
        found += sorted(_about(subject, facts, lost), key=_by_severity)
    return tuple(found)


def _by_severity(one: SharingWarning) -> int:
    return list(WarningKey).index(one.key)


def _about(
    subject: Subject, facts: Facts, lost: Mapping[str, LostRules]
) -> Iterator[SharingWarning]:
    account = subject.account
    if account is None:
        if subject.state is not State.UNKNOWN:
            yield _warning(subject, WarningKey.NO_ACCOUNT, details=_candidates(subject))
        return
    if account.kind is Kind.OWNER:
        return
    if (
        account.access is Access.INVITED
        or account.access is Access.NONE
        or account.libraries == frozenset()
    ):
        if subject.label:
            invited = account.access is Access.INVITED
            key = WarningKey.INVITED if invited else WarningKey.NOT_SHARED
            yield _warning(subject, key, labels=(subject.label,))
        return
    before = lost.get(account.id)
    if before is not None:
        yield _warning(
            subject, WarningKey.RULE_GONE, tuple(before.texts), details={"since": before.since}
        )
    if account.preset and subject.label:
        yield _warning(
            subject,
            WarningKey.PRESET_BLOCKS,
            labels=(subject.label,),
            details={"preset": account.preset},
        )
        return
    found = [one for half in subject.halves for one in _about_rule(subject, half, facts)]
    yield from _joined(found)
    yield from _consequences(subject, found)
    if before is None:
        yield from _one_type_only(subject)
    yield from _too_old(subject, facts)


def _about_rule(subject: Subject, half: Half, facts: Facts) -> Iterator[SharingWarning]:
    """Yield what is wrong with one rule on its own."""
    rule, kind = half.rule, (half.media_type,)
    if half.shared == 0:
        return
    if rule.problem is not None and subject.state is State.UNKNOWN:
        return  # nothing is wrong: it was not reported
    if rule.problem is not None:
        why = {"problem": rule.problem.value, "rule": rule.text}
        yield _warning(subject, WarningKey.NOT_UNDERSTOOD, kind, details=why)
        return
    if any(map(opens, _groups(rule))):
        labels = _labels_of(group for group in _groups(rule) if opens(group))
        yield _warning(subject, WarningKey.OPENS_EVERYTHING, kind, labels=labels)
    if half.label and _excludes(rule, half.label):
        yield _warning(subject, WarningKey.OWN_LABEL_EXCLUDED, kind, labels=(half.label,))
    yield from _missing_labels(subject, half, facts)
    if any(map(_rating_or_label, _groups(rule))):
        labels = _labels_of(group for group in _groups(rule) if _rating_or_label(group))
        yield _warning(subject, WarningKey.RATING_OR_LABEL, kind, labels=labels)


def _missing_labels(subject: Subject, half: Half, facts: Facts) -> Iterator[SharingWarning]:
    """Yield the labels that a rule allows and no item carries, with the one probably meant."""
    if facts.directory is None:
        return
    missing: dict[str, str] = {}
    for condition in label_conditions(half.rule, negated=False):
        for text in condition.texts:
            if fold(text) not in facts.directory and fold(text) in condition.values:
                missing.setdefault(fold(text), text)
    for folded, text in missing.items():
        meant = None if folded in facts.written else meant_by(text, facts.written.values())
        if meant is None:
            yield _warning(subject, WarningKey.LABEL_MISSING, (half.media_type,), labels=(text,))
        else:
            yield _warning(
                subject,
                WarningKey.LABEL_MISSPELT,
                (half.media_type,),
                labels=(text,),
                details={"meant": meant},
            )


_EXPLAIN: Final = frozenset(
    {
        WarningKey.NOT_UNDERSTOOD,
        WarningKey.OPENS_EVERYTHING,
        WarningKey.OWN_LABEL_EXCLUDED,
        WarningKey.LABEL_MISSING,
        WarningKey.LABEL_MISSPELT,
    }
)


def _consequences(subject: Subject, causes: Sequence[SharingWarning]) -> Iterator[SharingWarning]:
    """Yield what a person does not see, unless another warning explains it."""
    explained = {kind for one in causes if one.key in _EXPLAIN for kind in one.types}
    nothing: list[SharingWarning] = []
    hidden: list[SharingWarning] = []
    for half in subject.halves:
        if half.media_type in explained or half.rule.is_open or not half.shared:
            continue
        if half.sees_nothing:
            labels = _labels_of(_groups(half.rule))
            nothing.append(
                _warning(subject, WarningKey.SEES_NOTHING, (half.media_type,), labels=labels)
            )
        elif half.hidden_labelled:
            details = _examples(half)
            if allows(half.rule, half.label):
                details["allowed"] = 1  # another part of the rule hides them
            hidden.append(
                _warning(
                    subject,
                    WarningKey.WISHES_HIDDEN,
                    (half.media_type,),
                    labels=(half.label,),
                    details=details,
                )
            )
    yield from _joined(nothing)
    yield from hidden


def _examples(half: Half) -> dict[str, str | int]:
    names = half.hidden_labelled[:NAMES_MAX]
    return {"count": len(half.hidden_labelled), "titles": ", ".join(names)}


def _one_type_only(subject: Subject) -> Iterator[SharingWarning]:
    shared = [half for half in subject.halves if half.shared]
    closed = [half for half in shared if not half.rule.is_open and half.rule.problem is None]
    free = [half for half in shared if half.rule.is_open]
    if len(shared) == len(MediaType) and len(closed) == 1 and len(free) == 1:
        yield _warning(subject, WarningKey.ONE_TYPE_ONLY, (free[0].media_type,))


def _too_old(subject: Subject, facts: Facts) -> Iterator[SharingWarning]:
    numbers = tuple(int(one) for one in re.findall(r"\d+", facts.server_version)[:4])
    excludes = any(
        half.shared and any(label_conditions(half.rule, negated=True)) for half in subject.halves
    )
    if excludes and len(numbers) == len(EXCLUDES_SINCE) and numbers < EXCLUDES_SINCE:
        yield _warning(
            subject, WarningKey.SERVER_TOO_OLD, details={"version": facts.server_version}
        )


def _joined(found: Iterable[SharingWarning]) -> Iterator[SharingWarning]:
    """Yield warnings that are the same for both kinds of title only once."""
    once: dict[tuple[str, str], SharingWarning] = {}
    for one in found:
        key = one.id, str(sorted(one.details.items()))
        if (same := once.get(key)) is not None:
            once[key] = replace(same, types=(*same.types, *one.types))
        else:
            once[key] = one
    yield from once.values()


def _warning(
    subject: Subject,
    key: WarningKey,
    types: tuple[MediaType, ...] = (),
    *,
    labels: tuple[str, ...] = (),
    details: Mapping[str, str | int] | None = None,
) -> SharingWarning:
    person = subject.person
    return SharingWarning(
        key,
        subject.id,
        subject.name,
        None if person is None else person.id,
        types,
        labels,
        details or {},
    )


def _candidates(subject: Subject) -> dict[str, str | int]:
    if subject.match.by is not MatchedBy.AMBIGUOUS:
        return {}
    names = (f"{one.name} ({one.id})" for one in subject.match.candidates)
    return {"candidates": ", ".join(names)}


def _groups(rule: Rule) -> list[Group]:
    return [group for reading in rule.readings for group in reading]


def _excludes(rule: Rule, label: str) -> bool:
    folded = fold(label)
    return any(
        len(group) == 1 and one.is_label and one.negated and folded in one.values
        for group in _groups(rule)
        for one in group
    )


def _rating_or_label(group: Group) -> bool:
    positive = [one for one in group if not one.negated]
    return (
        len(positive) == len(group)
        and any(one.is_label for one in positive)
        and any(one.is_rating for one in positive)
    )


def _labels_of(groups: Iterable[Group]) -> tuple[str, ...]:
    texts = (text for group in groups for one in group if one.is_label for text in one.texts)
    return tuple({fold(text): text for text in texts}.values())


def meant_by(text: str, labels: Iterable[str]) -> str | None:
    """Return the integration's label that a misspelled one most probably means.

    It differs by blanks, by a prefix, or by two letters at most and not by more than half of it.
    """
    best: tuple[int, str] | None = None
    one = _bare(text)
    for label in sorted(labels):
        other = _bare(label)
        if not one or not other:
            continue
        if one == other or _is_prefixed(text, label) or _is_prefixed(label, text):
            return label
        if abs(len(one) - len(other)) > SPELLING_MAX:
            continue
        edits = distance(one, other)
        if edits <= min(SPELLING_MAX, len(other) // 2) and (best is None or edits < best[0]):
            best = edits, label
    return None if best is None else best[1]


def _bare(text: str) -> str:
    return "".join(fold(text).split())


def _is_prefixed(longer: str, shorter: str) -> bool:
    """Return whether one ends with the other after a sign: `pulsarr:rosa` and `rosa`."""
    before, end = fold(longer), fold(shorter)
    if not before.endswith(end) or len(before) <= len(end):
        return False
    return not before[: -len(end)][-1].isalnum()


def distance(one: str, other: str) -> int:
    """Return how many letters have to be added, removed or replaced."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        diagonal, row[0] = row[0], number
        for place, its in enumerate(other, 1):
            least = min(row[place] + 1, row[place - 1] + 1, diagonal + (letter != its))
            diagonal, row[place] = row[place], least
    return row[-1]
