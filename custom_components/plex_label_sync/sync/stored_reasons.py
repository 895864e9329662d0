"""Reasons and people as stored in the journal and with held changes."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from .person_id import NO_ID
from .reasons import PLAIN, PersonRef, Reason, ReasonCode
from .stored import person_id, text, whole


def reason_as_dict(reason: Reason) -> dict[str, Any]:
    """Return a reason as plain data, without parameters that its code does not need."""
    values = {field.name: getattr(reason, field.name) for field in fields(Reason)}
    return {name: value for name, value in values.items() if value} | {"code": reason.code.value}


def reason_of(data: object) -> Reason:
    """Return the reason from `reason_as_dict`. Raises one of MALFORMED for anything else.

    The code of a newer version is read as UNRECORDED.
    """
    if not isinstance(data, Mapping):
        raise TypeError("a reason is not a mapping")
    code = text(data["code"])
    known = ReasonCode(code) if code in set(ReasonCode) else ReasonCode.UNRECORDED
    reason = Reason(
        known,
        label=text(data.get("label", "")),
        title=text(data.get("title", "")),
        since=whole(data.get("since", 0)),
        run_id=text(data.get("run_id", "")),
    )
    return PLAIN[known] if reason == PLAIN[known] else reason


def person_ref(row: Sequence[object]) -> PersonRef:
    """Return a person from id and name. Raises one of MALFORMED for anything else."""
    known_as, name = row
    return PersonRef(NO_ID if known_as == "" else person_id(known_as), text(name))
