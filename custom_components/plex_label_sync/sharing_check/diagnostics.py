"""Diagnostics of the sharing side in numbers and states: no names, no rules, no labels."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from homeassistant.util import dt as dt_util

if TYPE_CHECKING:
    from .check import SharingCheck


def sharing_diagnostics(check: "SharingCheck") -> dict[str, Any]:
    """Return what helps to find out why a warning is wrong or missing."""
    kept, findings = check.store.kept, check.findings
    accounts = () if kept.answer is None else kept.answer.accounts
    subjects = () if findings is None else findings.subjects
    halves = [half for one in subjects if one.account is not None for half in one.halves]
    return {
        "status": check.status,
        "reason": check.reason and check.reason.value,
        "checked": check.checked and dt_util.utc_from_timestamp(check.checked).isoformat(),
        "old_routes_gone": check.old_routes_gone,
        "plex_pass": kept.answer and kept.answer.plex_pass,
        "kinds": _counted(one.kind.value for one in accounts),
        "access": _counted(one.access.value for one in accounts),
        "presets_unknown": sum(one.preset is None for one in accounts),
        "accounts_missing": sum(one.is_missing for one in accounts),
        "all_listed": kept.answer and kept.answer.all_listed,
        "gaps": _counted(f"{one.kind.value}: {one.failure.value}" for one in findings.gaps)
        if findings
        else {},
        "libraries_unknown": sum(one.libraries is None for one in accounts),
        "matched_by": _counted(one.match.by.value for one in subjects if one.person is not None),
        "states": _counted(one.state.value for one in subjects),
        "rules": {
            "open": sum(half.rule.is_open for half in halves),
            "with_two_readings": sum(len(half.rule.readings) > 1 for half in halves),
            "problems": _counted(half.rule.problem.value for half in halves if half.rule.problem),
        },
        "warnings": _counted(one.key.value for one in findings.warnings) if findings else {},
        "rules_gone": len(kept.lost),
        "dismissed": len(kept.dismissed),
        "items": {kind.value: catalog.size for kind, catalog in findings.facts.catalogs.items()}
        if findings
        else {},
    }


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))
