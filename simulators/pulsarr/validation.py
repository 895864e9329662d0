"""Checks of request bodies and parameters, as strict (and as lenient) as Pulsarr's schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

NAME_MAX: Final = 100
HEADER_NAME_MAX: Final = 100
HEADER_VALUE_MAX: Final = 500


class InvalidError(Exception):
    """A request does not match its schema: 400, with this text as the message."""


def endpoint_fields(
    body: object, known_events: Collection[str], *, partial: bool = False
) -> dict[str, Any]:
    """Return an endpoint's fields in a create or, with `partial`, an update body.

    Unknown keys are dropped. In an update an absent key keeps and null clears a header. Raises
    InvalidError.
    """
    given = _mapping(body)
    checks: dict[str, tuple[str, Callable[[str, object], object]]] = {
        "name": ("name", _name),
        "url": ("url", _url),
        "authHeaderName": ("auth_header_name", _limited(HEADER_NAME_MAX, nullable=partial)),
        "authHeaderValue": ("auth_header_value", _limited(HEADER_VALUE_MAX, nullable=partial)),
        "eventTypes": ("event_types", _events(known_events)),
        "enabled": ("enabled", _boolean),
    }
    if not partial:
        for required in ("name", "url", "eventTypes"):
            if required not in given:
                raise _invalid(required, "expected a value, received undefined")
    return {field: check(key, given[key]) for key, (field, check) in checks.items() if key in given}


def probe_fields(body: object) -> tuple[str, str | None, str | None]:
    """Return URL and optional header of a webhook test request. Raises InvalidError."""
    given = _mapping(body)
    if "url" not in given:
        raise _invalid("url", "expected string, received undefined")
    header = _limited(HEADER_NAME_MAX, nullable=False)
    value = _limited(HEADER_VALUE_MAX, nullable=False)
    return (
        _url("url", given["url"]),
        header("authHeaderName", given["authHeaderName"]) if "authHeaderName" in given else None,
        value("authHeaderValue", given["authHeaderValue"]) if "authHeaderValue" in given else None,
    )


def entity_id(text: str) -> int:
    """Return the numeric id in a path. Raises InvalidError."""
    if not (text.isascii() and text.isdigit()):
        msg = "params/id Invalid input: expected number, received NaN"
        raise InvalidError(msg)
    return int(text)


def _invalid(key: str, problem: str) -> InvalidError:
    return InvalidError(f"body/{key} Invalid input: {problem}")


def _mapping(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        msg = "body/ Invalid input: expected object"
        raise InvalidError(msg)
    return body


def _string(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise _invalid(key, "expected string")
    return value


def _name(key: str, value: object) -> str:
    name = _string(key, value).strip()
    if not 1 <= len(name) <= NAME_MAX:
        raise _invalid(key, f"expected 1 to {NAME_MAX} characters")
    return name


def _url(key: str, value: object) -> str:
    url = _string(key, value).strip()
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        good = False
    if not good or any(character.isspace() for character in url):
        raise _invalid(key, "expected an http or https URL")
    return url


def _limited(most: int, *, nullable: bool) -> Callable[[str, object], str | None]:
    def check(key: str, value: object) -> str | None:
        if value is None and nullable:
            return None
        text = _string(key, value)
        text = text.strip() if key == "authHeaderName" else text
        if len(text) > most:
            raise _invalid(key, f"expected at most {most} characters")
        return text

    return check


def _events(known: Collection[str]) -> Callable[[str, object], tuple[str, ...]]:
    def check(key: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            raise _invalid(key, "expected an array of at least one event")
        for index, event in enumerate(value):
            if event not in known:
                raise _invalid(f"{key}/{index}", f"expected one of {', '.join(sorted(known))}")
        return tuple(value)

    return check


def _boolean(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _invalid(key, "expected boolean")
    return value
