"""The options page "who can see what": each person's state, rules, warnings and checklist."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from homeassistant.core import HomeAssistant

from ..callers import async_requester_texts
from ..escaping import as_code
from ..sharing.model import State, Step
from ..sharing.steps import steps
from ..sharing.survey import Subject
from .store import left_out_key
from .texts import SharingTexts, rules_of

if TYPE_CHECKING:
    from .check import SharingCheck
    from .findings import Findings

NO_RULE_FOR: Final = "no_rule_for"
GAPS_MAX: Final = 10
PEOPLE_MAX: Final = 40  # on one page, to keep it readable
DONE: Final = "☑"  # these two are in every font, emoji are not
TO_DO: Final = "☐"
UNKNOWN: Final = "?"
WARNING: Final = "⚠️"
_RESTRICTED: Final = frozenset({State.RESTRICTED, State.NOTHING, State.PRESET})


def people_with_steps(check: "SharingCheck") -> dict[str, str]:
    """Return the people who have a checklist, by the key under which they can be left out."""
    subjects = () if check.findings is None else check.findings.subjects
    return {left_out_key(one): one.name for one in subjects if steps(one)}


def people_left_out(check: "SharingCheck") -> list[str]:
    """Return the keys of the people who need no rule."""
    return [key for key in people_with_steps(check) if key in check.store.kept.dismissed]


async def async_leave_out(check: "SharingCheck", keys: Iterable[str]) -> None:
    """Hide the checklist of some people, and show it for all others."""
    kept = check.store.kept
    all_people = set(people_with_steps(check))
    kept.dismissed -= all_people
    await check.async_dismiss(all_people.intersection(keys))


async def async_page(hass: HomeAssistant, check: "SharingCheck | None") -> str:
    """Return the page as Markdown, in the reader's language."""
    texts = SharingTexts(await async_requester_texts(hass))
    if check is None or not check.enabled:
        return texts.page("off")
    findings = check.shown
    if findings is None:
        reason = check.reason
        return texts.page("nothing_known" if reason is None else f"reason_{reason.value}")
    parts = [_head(check, texts)]
    if gaps := texts.gaps(findings.gaps, findings.answer, as_code):
        parts.append(_unread([one["text"] for one in gaps], texts))
    shown = findings.subjects[:PEOPLE_MAX]
    parts += [_about(one, check, findings, texts) for one in shown]
    if more := len(findings.subjects) - len(shown):
        parts.append(texts.page("more", count=more))
    return "\n\n".join(parts)


def _head(check: "SharingCheck", texts: SharingTexts) -> str:
    when = texts.words.moment(check.shown_since or 0.0)
    if check.reason is None:
        return texts.page("checked", date=when)
    return f"{texts.page('checked', date=when)} {texts.page(f'reason_{check.reason.value}')}"


def _unread(gaps: Sequence[str], texts: SharingTexts) -> str:
    lines = [f"- {text}" for text in gaps[:GAPS_MAX]]
    if more := len(gaps[GAPS_MAX:]):
        lines.append(f"- {texts.page('more', count=more)}")
    return "\n".join([f"{WARNING} {texts.page('unread')}", "", *lines])


def _step(one: Step, texts: SharingTexts) -> str:
    text = texts.step(one, as_code)
    if one.done is None:
        return f"{UNKNOWN} {text} {texts.unread(one, as_code)}"
    return f"{DONE if one.done else TO_DO} {text}"


def _about(
    subject: Subject, check: "SharingCheck", findings: "Findings", texts: SharingTexts
) -> str:
    lines = [f"**{as_code(subject.name)}**: {texts.state(subject.state)}"]
    if subject.state in _RESTRICTED or subject.state is State.NOT_UNDERSTOOD:
        rules = rules_of(subject, texts, as_code)
        if rules["movies"] == rules["shows"]:
            lines.append(texts.page("rule_both", rule=rules["movies"]))
        else:
            lines.append(texts.page("rule_movies", rule=rules["movies"]))
            lines.append(texts.page("rule_shows", rule=rules["shows"]))
    if subject.account is not None:
        movies, shows = (half.seen for half in subject.halves)
        lines.append(
            texts.page(
                "sees_unknown" if movies.unknown or shows.unknown else "sees",
                movies=movies.visible,
                of_movies=movies.total,
                movies_unknown=movies.unknown,
                shows=shows.visible,
                of_shows=shows.total,
                shows_unknown=shows.unknown,
            )
        )
    lost = check.store.kept.lost
    for one in findings.warnings:
        if one.account_id == subject.id:
            text, fix = texts.warning(one, lost, as_code)
            lines.append(f"{WARNING} {text} {fix}")
    if left_out_key(subject) not in check.store.kept.dismissed:
        lines += [_step(one, texts) for one in steps(subject)]
    first, *others = lines
    return "\n".join([first, *(f"- {line}" for line in others)])
