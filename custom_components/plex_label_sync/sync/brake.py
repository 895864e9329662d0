"""May this plan run? Holds removals back when they are too many or rest on a strange read. Pure."""

from dataclasses import dataclass
from typing import Final

from .model import Action, Change, HoldReason, Plan, SyncSettings

FREE_REMOVALS: Final = 25  # labels; fewer never need a question
SHRUNK_TO: Final = 0.5  # share of the titles of the last sync; fewer are not believed
SHRUNK_BY: Final = 25  # titles; a loss up to this is everyday life


@dataclass(frozen=True, slots=True)
class Before:
    """What the last finished full sync saw; None when there was none yet."""

    people: int
    titles: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which changes may run, and which are held for what reasons."""

    allowed: tuple[Change, ...]
    held: tuple[Change, ...] = ()
    reasons: tuple[HoldReason, ...] = ()


def judge(
    plan: Plan,
    settings: SyncSettings,
    *,
    ledger_rows: int,
    people: int,
    titles: int,
    before: Before | None,
    allowed: bool = False,
    allowed_max: int | None = None,
) -> Verdict:
    """Return what of a plan may run.

    Additions are always beyond doubt: their wish and their item were read just now. Removals
    that only make room for a new name are, too. `allowed` lets everything pass, with `allowed_max`
    only that many removals and nothing that vanished: somebody has seen the numbers and said yes.
    """
    removals = [
        change
        for change in plan.changes
        if change.action is Action.REMOVE and change.key not in plan.replaced
    ]
    reasons: list[HoldReason] = []
    if before is not None and before.people and not people:
        reasons.append(HoldReason.NOBODY_LISTED)
    if before is not None and _shrunk(before.titles, titles):
        reasons.append(HoldReason.WATCHLISTS_SHRUNK)
    if _too_many(len(removals), ledger_rows, settings):
        reasons.append(HoldReason.MASS_REMOVAL)
    vanished = _too_many(len(plan.vanished), ledger_rows, settings)
    if vanished:
        reasons.append(HoldReason.LABELS_VANISHED)
    # Without anything to hold there is nothing to ask, however strange the read.
    if allowed_max is not None and (len(removals) > allowed_max or vanished):
        allowed = False
    if allowed or not reasons or not (removals or vanished):
        return Verdict(plan.changes)
    held = set(removals)
    return Verdict(
        tuple(change for change in plan.changes if change not in held),
        tuple(removals),
        tuple(reasons),
    )


def _too_many(count: int, ledger_rows: int, settings: SyncSettings) -> bool:
    """Tell whether so many labels going at once need a question."""
    return count > FREE_REMOVALS and count > settings.max_removals * ledger_rows


def _shrunk(before: int, now: int) -> bool:
    return before - now > SHRUNK_BY and now < SHRUNK_TO * before
