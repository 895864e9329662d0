"""Migrates a journal in which reasons were English sentences. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
import re
from typing import Any, Final

from ..sync.reasons import ReasonCode

# The sentences of earlier versions; their names are parameters of the code.
_SENTENCES: Final[Mapping[ReasonCode, str]] = {
    ReasonCode.WANTED: r"(?P<people>.+) wants? it",
    ReasonCode.RENAMED_FROM: r"renamed from (?P<label>.+)",
    ReasonCode.RENAMED_TO: r"renamed to (?P<label>.+)",
    ReasonCode.NOT_WANTED: r"nobody wants it since (?P<date>\d{4}-\d\d-\d\d)",
    ReasonCode.PERSON_GONE: r"(?P<people>.+) is not in Pulsarr any more",
    ReasonCode.SYNC_OFF: r"the sync of (?P<people>.+) is off",
    ReasonCode.PERSON_EXCLUDED: r"(?P<people>.+) is excluded",
    ReasonCode.REMATCHED: r"Plex took another title for it, now (?P<title>.*)",
    ReasonCode.MARKED: r"nobody wants it any more",
    ReasonCode.WANTED_AGAIN: r"somebody wants it again",
    ReasonCode.FOREIGN: r"not ours, and existing labels are not preserved",
    ReasonCode.UNDO: r"undoes run (?P<run_id>.+)",
    ReasonCode.REQUESTED: r"all labels are taken off",
}


def journal_with_reason_codes(data: dict[str, Any]) -> dict[str, Any]:
    """Return a journal whose changes have codes, people and libraries instead of sentences.

    People are known only by the names in the sentences. Malformed rows are kept unchanged.
    """
    libraries: dict[str, int] = {}
    people: dict[str, int] = {}
    items: list[object] = []
    for item in data["items"]:
        match item:
            case [str(library), key, title]:
                at = libraries.setdefault(library, len(libraries))
                items.append([at, key, title, "", ""])
            case _:
                items.append(item)
    edits: list[object] = []
    for edit in data["edits"]:
        match edit:
            case [action, label, str(sentence), ours]:
                reason, names = reason_in(sentence)
                who = [people.setdefault(name, len(people)) for name in names]
                edits.append([action, label, ours, reason, who])
            case _:
                edits.append(edit)
    return {
        **data,
        "libraries": [[key, ""] for key in libraries],
        "people": [[0, name] for name in people],
        "items": items,
        "edits": edits,
    }


def reason_in(sentence: str) -> tuple[dict[str, Any], list[str]]:
    """Return the code of a sentence with its parameters, and the people that it names."""
    for code, pattern in _SENTENCES.items():
        if (found := re.fullmatch(pattern, sentence, re.DOTALL)) is None:
            continue
        values: dict[str, Any] = found.groupdict()
        if date := values.pop("date", ""):
            values["since"] = _seconds(date)
        names = [values.pop("people", "")]
        if code is ReasonCode.WANTED:
            first, _, last = names[0].rpartition(" and ")
            names = [*first.split(", "), last]
        return {"code": code.value, **values}, list(filter(None, names))
    return {"code": ReasonCode.UNRECORDED.value}, []


def _seconds(date: str) -> int:
    try:
        return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return 0
