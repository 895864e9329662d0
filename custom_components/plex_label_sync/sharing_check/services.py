"""The sharing actions and their responses. For administrators, as they reveal who may see what."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..errors import translation
from ..plex.ratings import RatedItem
from ..runtime import Runtime
from ..sharing.model import (
    LABEL,
    RATING,
    Condition,
    Counts,
    MatchedBy,
    Reading,
    Rule,
    Verdict,
)
from ..sharing.rules import extended, rule_of
from ..sharing.steps import steps
from ..sharing.survey import Subject, preview
from ..sharing.who import account_named, without_person
from ..sync.explain import Explanation
from ..sync.model import Gap, GapKind, MediaType, Person, ServiceError, fold
from ..sync.people import AmbiguousPersonError, UnknownPersonError, people_named
from ..sync.person_id import PersonId, answered_id
from ..texts import Texts
from .check import SharingCheck
from .findings import Findings
from .store import left_out_key
from .texts import (
    SharingTexts,
    best_verdict,
    rules_of,
)
from .verdicts import verdicts

HIDDEN_MAX: Final = 20  # wanted titles named per person
PREVIEW_MAX: Final = 50  # wanted titles named in a preview


async def async_check_response(
    runtime: Runtime, people: Sequence[str] | None, words: Texts, *, refresh: bool
) -> dict[str, Any]:
    """Return who can see what. Raises ServiceValidationError for unknown people."""
    check = runtime.sharing
    await check.async_check(refresh=refresh)
    findings = check.shown
    texts = SharingTexts(words)
    result: dict[str, Any] = {
        "checked": None if check.shown_since is None else _time(check.shown_since),
        "status": check.status,
        "reason": None if check.reason is None else check.reason.value,
        "plex_pass": None if check.answer is None else check.answer.plex_pass,
        "people": [],
        "warnings": [],
        "accounts_without_person": [],
        "gaps": [],
    }
    if findings is None:
        return result
    subjects = _named(findings, people)
    ids = {one.id for one in subjects}
    lost = check.store.kept.lost
    some = [one for one in findings.warnings if one.account_id in ids]
    return {
        **result,
        "people": [_person_row(one, check, texts) for one in subjects],
        "warnings": [
            {
                "key": one.key.value,
                "severity": one.severity.value,
                "person": _person_name(findings, one.person_id),
                "account": one.who,
                "labels": list(one.labels),
                "text": text,
                "fix": fix,
            }
            for one in some
            for text, fix in [texts.warning(one, lost)]
        ],
        "accounts_without_person": _unknown_accounts(findings),
        "gaps": texts.gaps(findings.gaps, findings.answer),
    }


def _named(findings: Findings, names: Sequence[str] | None) -> tuple[Subject, ...]:
    """Return the subjects named by Pulsarr user or by account; all of them without names."""
    if not names:
        return findings.subjects
    chosen: set[str] = set()
    for name in names:
        try:
            ids = people_named(findings.facts.people, [name])
        except AmbiguousPersonError as err:
            names_of = ", ".join(err.names)
            raise _invalid("ambiguous_person", person=err.text, names=names_of) from err
        except UnknownPersonError as err:
            account = account_named(findings.answer.all_accounts, name.strip())
            if account is None:
                raise _invalid("unknown_person", person=str(err)) from err
            chosen.add(account.id)
        else:
            chosen |= {
                one.id
                for one in findings.subjects
                if one.person is not None and one.person.id in ids
            }
    return tuple(one for one in findings.subjects if one.id in chosen)


def _person_name(findings: Findings, person_id: PersonId | None) -> str | None:
    people = (one for one in findings.facts.people if one.id == person_id)
    return next((one.username for one in people), None)


def _person_row(subject: Subject, check: SharingCheck, texts: SharingTexts) -> dict[str, Any]:
    account, person = subject.account, subject.person
    wanted_counts = [half.wanted_counts for half in subject.halves]
    findings = check.findings
    found = () if findings is None else findings.warnings
    lines = () if left_out_key(subject) in check.store.kept.dismissed else steps(subject)
    return {
        "person": person.username if person else None,
        "person_id": answered_id(person.id) if person else None,
        "account": account.name if account else None,
        "account_id": account.id if account else None,
        "matched_by": subject.match.by.value,
        "candidates": [f"{one.name} ({one.id})" for one in subject.match.candidates]
        if subject.match.by is MatchedBy.AMBIGUOUS
        else [],
        "kind": account.kind.value if account else None,
        "state": subject.state.value,
        "rules": rules_of(subject, texts),
        **{half.media_type.plural: _counts(half.seen) for half in subject.halves},
        "wishes": _counts(
            Counts(
                sum(one.visible for one in wanted_counts),
                sum(one.hidden for one in wanted_counts),
                sum(one.unknown for one in wanted_counts),
            )
        ),
        "hidden_wishes": [name for half in subject.halves for name in half.hidden][:HIDDEN_MAX],
        "steps": [
            {
                "key": one.key.value,
                "done": one.done,
                "text": texts.step(one),
                "reason": texts.unread(one),
            }
            for one in lines
        ],
        "warnings": [one.key.value for one in found if one.account_id == subject.id],
    }


def _unknown_accounts(findings: Findings) -> list[dict[str, Any]]:
    """Return the accounts without a Pulsarr user, to choose from in the options."""
    found = {one.person.id: one.match for one in findings.subjects if one.person is not None}
    return [
        {"account": one.name, "account_id": one.id, "kind": one.kind.value}
        for one in without_person(findings.answer.all_accounts, found)
    ]


def _counts(counts: Counts) -> dict[str, int]:
    return {"visible": counts.visible, "hidden": counts.hidden, "unknown": counts.unknown}


# Preview


async def async_preview_response(
    runtime: Runtime, parameters: Mapping[str, Any], words: Texts
) -> dict[str, Any]:
    """Return what a person would see under another rule; plex.tv is not queried.

    Raises HomeAssistantError, and ServiceValidationError for an unknown person.
    """
    check = runtime.sharing
    await check.async_check(refresh=False)
    findings = check.shown
    if findings is None:
        raise _invalid("sharing_unknown")
    subject = _one(findings, parameters["person"])
    if subject.account is None:
        raise _invalid("no_plex_account", person=parameters["person"])
    reading = rule_reading(
        parameters.get("allow", ()), parameters.get("exclude", ()), parameters.get("ratings", ())
    )
    rules = {
        kind: extended(rule_of(subject.account, kind), reading)
        if parameters.get("keep")
        else Rule("", (reading,))
        for kind in MediaType
    }
    try:
        more = await check.async_facts_for(rules.values())
    except ServiceError as err:
        raise HomeAssistantError(**translation(err)) from err
    found = await runtime.context.hass.async_add_executor_job(preview, subject, rules, more.facts)
    hidden = [name for one in found.values() for name in one.hidden]
    return {
        **{
            kind.plural: {
                **_counts(found[kind].counts),
                "newly_visible": found[kind].newly_visible,
                "newly_hidden": found[kind].newly_hidden,
            }
            for kind in MediaType
        },
        "wishes_hidden": hidden[:PREVIEW_MAX],
        "wishes_hidden_total": len(hidden),
        "labels_unknown": [
            text
            for text in (*parameters.get("allow", ()), *parameters.get("exclude", ()))
            if fold(text) in more.not_carried
        ],
        "gaps": SharingTexts(words).gaps(
            (*_not_about_labels(findings), *more.gaps), findings.answer
        ),
    }


def _not_about_labels(findings: Findings) -> Iterable[Gap]:
    """Return what could not be read at the check, without the labels, which are read again."""
    return (gap for gap in findings.gaps if gap.kind is not GapKind.LABEL)


def _one(findings: Findings, name: str) -> Subject:
    found = _named(findings, [name])
    if len(found) != 1:
        raise _invalid("unknown_person", person=name)
    return found[0]


def rule_reading(allow: Iterable[str], exclude: Iterable[str], ratings: Iterable[str]) -> Reading:
    """Return a rule as Plex builds it from a form: a label also lets in what the ratings do not."""
    conditions = [
        Condition(name, False, frozenset(map(fold, texts)), texts)  # noqa: FBT003
        for name, texts in ((RATING, tuple(ratings)), (LABEL, tuple(allow)))
        if texts
    ]
    never = tuple(exclude)
    kept_out = Condition(LABEL, True, frozenset(map(fold, never)), never)  # noqa: FBT003
    return (
        *([tuple(conditions)] if conditions else []),
        *([(kept_out,)] if never else []),
    )


# Verdicts on single titles


async def async_verdict_rows(
    runtime: Runtime, explanations: Sequence[Explanation], words: Texts
) -> list[list[dict[str, Any]]]:
    """Return for each title who of the people who want it can see it; empty lists before a check.

    An item that cannot be read makes its title unknown, and no other one.
    """
    findings = await _async_findings(runtime)
    if findings is None:
        return [[] for _ in explanations]
    keys = sorted({one.item.rating_key for title in explanations for one in title.items})
    gaps: list[Gap] = []
    try:
        items = await runtime.servers.plex.rated(keys, gaps.append)
    except ServiceError:
        items, unread = (), set(keys)
    else:
        unread = {gap.key for gap in gaps}
    read = {one.item.rating_key: one for one in items}
    texts = SharingTexts(words)
    rows = []
    for title in explanations:
        own = [one.item.rating_key for one in title.items]
        known = [read[key] for key in own if key in read]
        # A title without an item may be one of those that could not be read.
        catalog = findings.facts.catalogs[title.title.type]
        partly = not unread.isdisjoint(own) if own else bool(catalog.may_be_in_plex(1))
        rows.append(
            [
                _verdict_row(entry.person, findings, known, texts, partly=partly)
                for entry in title.wanted_by
            ]
        )
    return rows


async def _async_findings(runtime: Runtime) -> Findings | None:
    check = runtime.sharing
    if check.answer is None:
        return None
    await check.async_check(refresh=False)
    return check.shown


def _verdict_row(
    person: Person,
    findings: Findings,
    items: Sequence[RatedItem],
    texts: SharingTexts,
    *,
    partly: bool,
) -> dict[str, Any]:
    """Return who can see a title; `partly` means that not all of its items could be read."""
    found = verdicts(person.id, findings, items)
    verdict = best_verdict(one.verdict for one, _, _ in found) if found else Verdict.HIDDEN
    if partly and verdict is not Verdict.VISIBLE:
        verdict, reason = Verdict.UNKNOWN, texts.page("item_unread")
    elif found:
        why_, rule, item = next(one for one in found if one[0].verdict is verdict)
        reason = texts.reason(why_, rule, item.labels, item.rating)
    else:
        reason = texts.page("not_in_plex")
    return {
        "person": person.username,
        "person_id": answered_id(person.id),
        "verdict": verdict.value,
        "reason": reason,
    }


def _time(seconds: float) -> str:
    return dt_util.utc_from_timestamp(seconds).isoformat()


def _invalid(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )
