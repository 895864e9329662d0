"""Checks a plan, and holds excessive changes and those that rest on a doubtful response. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from .changes import Action, Change, Plan, Row, RowKey
from .model import SyncSettings
from .naming import naming_of
from .person_id import PersonId
from .protection import Baseline, Doubts, OpenQuestion
from .run import HoldReason

FREE_REMOVALS: Final = 25  # labels; fewer never need a decision
DAY: Final = 24 * 3600.0  # seconds for which lost labels are counted
TOGETHER: Final = 5  # labels; as many that vanish together were not removed by hand
TOGETHER_SHARE: Final = 0.75  # of those written at one moment, or since: some may be present again
RENAMED: Final = 3  # people; fewer may be renamed without a decision
RENAMED_SHARE: Final = 0.25  # of the people


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person has agreed to.

    `everything` allows all; `removals` and `vanished` allow only these labels, and only if there is
    nothing else to decide about. None means that there is no answer.
    """

    everything: bool = False
    removals: frozenset[RowKey] | None = None
    vanished: frozenset[RowKey] | None = None


NO_CONSENT: Final = Consent()


@dataclass(frozen=True, slots=True)
class Situation:
    """What a plan is checked against.

    `lost` counts the labels that were lost in the last 24 hours without a request; `people` counts
    those who get labels.
    """

    ledger: tuple[Row, ...] = ()
    lost: int = 0
    people: int = 0
    before: Baseline | None = None
    doubts: Doubts = field(default_factory=Doubts)
    question: OpenQuestion | None = None


@dataclass(frozen=True, slots=True)
class SafetyResult:
    """The part of a plan that may run, what is held, and why.

    `needs_decision` means that the held part waits for a decision, not only for a second read. `lost` are the
    labels that the allowed part would lose without a request.
    """

    plan: Plan
    held: tuple[Change, ...] = ()
    held_keys: frozenset[RowKey] = frozenset()
    reasons: tuple[HoldReason, ...] = ()
    needs_decision: bool = False
    lost: frozenset[RowKey] = frozenset()


def check_plan(
    plan: Plan, settings: SyncSettings, now: Situation, consent: Consent
) -> SafetyResult:
    """Return the part of a plan that may run.

    Additions are always safe: the wanted title and its item were read just now. So are changes that
    only make room for a new name, unless Pulsarr renames many people at once.
    """
    if consent.vanished is not None:
        vanished = {row.key for row in plan.vanished}
        if vanished <= consent.vanished:
            plan = replace(plan, vanished=(), forgotten=plan.forgotten - vanished)
    losses = _losses(plan)
    if consent.everything:
        return SafetyResult(plan)
    reasons = _reasons(plan, losses, settings, now)
    if reasons and consent.removals is not None and not plan.vanished:
        in_question = losses | (
            plan.renamed.keys() if HoldReason.PEOPLE_RENAMED in reasons else set()
        )
        if in_question <= consent.removals:
            return SafetyResult(plan)
    return _held(plan, losses, _in_question(plan, losses, now), reasons, consent)


def held_by_question(plan: Plan, question: OpenQuestion | None) -> frozenset[RowKey]:
    """Return the labels in a plan that an open question protects.

    They are those that it is about and, if it is about lost labels in general, all others that
    would be lost: then there is more to decide about, not less.
    """
    if question is None:
        return frozenset()
    return question.keys | (_losses(plan) if _hold_losses(question.reasons) else frozenset())


def _hold_losses(reasons: Iterable[HoldReason]) -> bool:
    """Return whether one of the reasons holds everything that would be lost, whosever it is."""
    return any(one not in {HoldReason.PEOPLE_RENAMED, HoldReason.LIST_SHRANK} for one in reasons)


def _losses(plan: Plan) -> frozenset[RowKey]:
    """Return the labels that would be lost without a request."""
    removed = {
        change.key
        for change in plan.changes
        if change.action is Action.REMOVE and change.key not in plan.replaced
    }
    lost = removed | plan.forgotten | {row.key for row in plan.vanished}
    return frozenset(lost - plan.chosen)


def _reasons(
    plan: Plan, losses: frozenset[RowKey], settings: SyncSettings, now: Situation
) -> tuple[HoldReason, ...]:
    vanished = {row.key for row in plan.vanished}
    reasons = dict.fromkeys(sorted(now.doubts.lists))
    rows = len(now.ledger) + now.lost
    count = len(losses) + now.lost
    if losses and count > FREE_REMOVALS and count > settings.max_removals * rows:
        if losses - vanished:
            reasons[HoldReason.MASS_REMOVAL] = None
        if vanished:
            reasons[HoldReason.LABELS_VANISHED] = None
    if _vanished_together(plan.vanished, now.ledger):
        reasons[HoldReason.LABELS_VANISHED] = None
    if _renames_many(plan.renamed, settings, now):
        reasons[HoldReason.PEOPLE_RENAMED] = None
    if now.question is not None and _in_question(plan, losses, now):
        reasons |= dict.fromkeys(_reasons_again(plan, losses, now.question))
    if plan.shrunk:
        reasons[HoldReason.LIST_SHRANK] = None
    return tuple(reasons)


def _in_question(plan: Plan, losses: frozenset[RowKey], now: Situation) -> frozenset[RowKey]:
    """Return the part of a plan that an open question is about: protected until it is answered."""
    if now.question is None:
        return frozenset()
    renamed = plan.renamed.keys() if HoldReason.PEOPLE_RENAMED in now.question.reasons else set()
    return now.question.keys & (losses | renamed)


def _reasons_again(
    plan: Plan, losses: frozenset[RowKey], question: OpenQuestion
) -> tuple[HoldReason, ...]:
    """Return the reasons of a question that still hold something; all if none does on its own."""
    vanished = {row.key for row in plan.vanished}
    still = {
        HoldReason.LABELS_VANISHED: bool(vanished & question.keys),
        HoldReason.PEOPLE_RENAMED: bool(plan.renamed.keys() & question.keys),
    }
    removed = bool(question.keys & (losses - vanished))
    return tuple(one for one in question.reasons if still.get(one, removed)) or question.reasons


def _vanished_together(vanished: Iterable[Row], ledger: Iterable[Row]) -> bool:
    """Return whether most labels vanished that were written at one moment, or since one.

    Then Plex's database was restored, or something else removed them: no one does that by hand.
    """
    lost = {row.key for row in vanished}
    if len(lost) < TOGETHER:
        return False
    rows = [row for row in ledger if row.confirmed and not row.removed_by_user]
    written = Counter(row.written for row in rows)
    of_run = Counter(row.written for row in rows if row.key in lost)
    if any(_are_most(count, written[when]) for when, count in of_run.items()):
        return True
    lost_since = written_since = 0
    for when in sorted(written, reverse=True):
        lost_since += of_run[when]
        written_since += written[when]
        if of_run[when] and _are_most(lost_since, written_since):
            return True
    return False


def _are_most(lost: int, written: int) -> bool:
    return lost >= TOGETHER and lost >= TOGETHER_SHARE * written


def _renames_many(
    renamed: Mapping[RowKey, PersonId], settings: SyncSettings, now: Situation
) -> bool:
    """Return whether Pulsarr renames many people; a new label format is confirmed in its form."""
    if now.before is None or now.before.label_format not in {"", naming_of(settings)}:
        return False
    people = len(set(renamed.values()))
    return people >= RENAMED and people > RENAMED_SHARE * now.people


def _held(
    plan: Plan,
    losses: frozenset[RowKey],
    in_question: frozenset[RowKey],
    reasons: tuple[HoldReason, ...],
    consent: Consent,
) -> SafetyResult:
    """Return what the reasons, or an open question, hold of a plan."""
    held_keys: frozenset[RowKey] = frozenset()
    if _hold_losses(reasons):
        held_keys |= losses | plan.decided
        if HoldReason.LABELS_VANISHED not in reasons:
            held_keys -= plan.decided | {row.key for row in plan.vanished}
    held_keys |= in_question
    if HoldReason.PEOPLE_RENAMED in reasons:
        held_keys |= plan.renamed.keys()
    if HoldReason.LIST_SHRANK in reasons:
        held_keys |= plan.shrunk
    # A mark states that the other labels of its item were removed.
    items = {change.rating_key for change in plan.changes if change.key in held_keys}
    marks = {
        key
        for key, row in plan.ledger_updates.items()
        if row is not None and row.is_removed_marker and key[0] in items
    }
    held_keys |= marks

    def waits(change: Change) -> bool:
        """Return whether a change is held; additions do not wait for rows to be deleted."""
        is_part = (
            change.action is Action.REMOVE or change.key in plan.renamed or change.key in marks
        )
        return is_part and change.key in held_keys

    held = tuple(change for change in plan.changes if waits(change))
    allowed = replace(
        plan,
        changes=tuple(change for change in plan.changes if not waits(change)),
        ledger_only_updates={
            key: row for key, row in plan.ledger_only_updates.items() if key not in held_keys
        },
    )
    return SafetyResult(
        allowed,
        held,
        held_keys,
        reasons,
        needs_decision=any(one is not HoldReason.LIST_SHRANK for one in reasons),
        lost=losses - held_keys - (consent.removals or frozenset()),
    )
