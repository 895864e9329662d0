"""Convert the codes of changes and explanations into translated sentences."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, Final, assert_never

from homeassistant.util import dt as dt_util

from .sync.changes import Change
from .sync.explain import Explanation, LabelState, Remark, Topic, WhyNone
from .sync.reasons import PersonRef, Reason, ReasonCode, names_of
from .texts import WORDING, Texts

CHANGE_REASON: Final = "change_reason"
EXPLANATION: Final = "explanation"

type Quote = Callable[[str], str]


def _plain(text: str) -> str:
    return text


def title_text(change: Change, texts: Texts) -> str:
    """Return a readable name of a change's item; never empty."""
    untitled = texts.phrase(WORDING, "untitled", rating_key=change.rating_key)
    return change.title.strip() or untitled


def reason_text(reason: Reason, names: Sequence[str], texts: Texts, quote: Quote = _plain) -> str:
    """Return the reason of a change as a sentence; `quote` escapes names other than `names`."""
    key = reason.code.value
    if reason.code is ReasonCode.NOT_WANTED and not reason.since:
        key = "not_wanted_undated"
    if reason.code is ReasonCode.REMATCHED and not reason.title:
        key = "rematched_untitled"
    return texts.phrase(
        CHANGE_REASON,
        key,
        max(1, len(names)),
        people=texts.listed(names) or texts.phrase(WORDING, "somebody"),
        label=quote(reason.label),
        title=quote(reason.title),
        date=texts.date(reason.since),
        run_id=reason.run_id,
    )


def reason_data(reason: Reason, people: Sequence[PersonRef]) -> dict[str, Any]:
    """Return the parameters of a reason as plain data."""
    match reason.code:
        case (
            ReasonCode.WANTED
            | ReasonCode.PERSON_GONE
            | ReasonCode.SYNC_OFF
            | ReasonCode.PERSON_EXCLUDED
        ):
            return {"people": list(names_of(people))}
        case ReasonCode.RENAMED_FROM | ReasonCode.RENAMED_TO:
            return {"label": reason.label}
        case ReasonCode.NOT_WANTED:
            since = dt_util.utc_from_timestamp(reason.since).isoformat() if reason.since else None
            return {"since": since}
        case ReasonCode.REMATCHED:
            return {"title": reason.title}
        case ReasonCode.UNDO:
            return {"run_id": reason.run_id}
        case (
            ReasonCode.MARKED
            | ReasonCode.WANTED_AGAIN
            | ReasonCode.FOREIGN
            | ReasonCode.REQUESTED
            | ReasonCode.UNRECORDED
        ):
            return {}
        case _:
            assert_never(reason.code)


def summary_text(one: Explanation, texts: Texts) -> str:
    """Return a title's explanation as one sentence."""
    sentences = [remark_text(remark, texts) for remark in _by_library(one.remarks)]
    remarks = reduce(
        lambda first, last: texts.phrase(EXPLANATION, "joint", first=first, last=last),
        dict.fromkeys(sentences),
    )
    return texts.phrase(EXPLANATION, "sentence", title=one.title.name, remarks=remarks)


def _by_library(remarks: Iterable[Remark]) -> Iterator[Remark]:
    """Yield remarks, merging those that say the same about several libraries."""
    libraries: dict[Remark, list[str]] = {}
    for remark in remarks:
        names_it = remark.code is Topic.LIBRARY_NOT_COVERED  # its own sentence names the library
        key = remark if names_it else replace(remark, library="")
        libraries.setdefault(key, []).append(remark.library)
    for remark, names in libraries.items():
        yield replace(remark, library=", ".join(filter(None, names)))


def remark_text(remark: Remark, texts: Texts) -> str:
    """Return one part of a title's explanation as a sentence."""
    when = remark.when or 0.0
    text = texts.phrase(
        EXPLANATION,
        remark.code.value,
        _number(remark),
        people=texts.listed(remark.people),
        labels=texts.listed(remark.labels),
        library=remark.library,
        date=texts.date(when),
        time=texts.time(when),
    )
    if not remark.library or remark.code is Topic.LIBRARY_NOT_COVERED:
        return text
    return f"{text} ({remark.library})"


def _number(remark: Remark) -> int:
    """Return the number of things or people in a part, for its plural form."""
    match remark.code:
        case Topic() | WhyNone():
            return len(remark.people)
        case LabelState():
            return len(remark.labels)
        case _:
            assert_never(remark.code)


def remark_data(remark: Remark) -> dict[str, Any]:
    """Return the parameters of an explanation's part as plain data; times as ISO 8601 in UTC."""
    data: dict[str, Any] = {}
    if remark.people:
        data["people"] = list(remark.people)
    if remark.labels:
        data["labels"] = list(remark.labels)
    if remark.library:
        data["library"] = remark.library
    if remark.when is not None:
        data["when"] = dt_util.utc_from_timestamp(remark.when).isoformat()
    return data
