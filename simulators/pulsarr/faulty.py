"""Answers of the simulated Pulsarr, or of a proxy in front of it, under scripted faults."""

from __future__ import annotations

from functools import partial
import json
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from simulators.front import retry_after
from simulators.http import spoil_row

from .gate import error_response, spa_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulators.http import Fault


def page(fault: Fault) -> web.Response | None:
    """Return the response that replaces the real one; None if the fault has another effect."""
    match fault.kind:
        case "unauthorized":
            return error_response(401, "Invalid API key")
        case "busy":
            return error_response(500, "")
        case "unavailable":
            return web.Response(status=503, text="Service Unavailable")
        case "throttled":
            return error_response(429, "Rate limit exceeded", retry_after(fault))
        case "html":
            return spa_response()
        case _:
            return None


def _in_lists(change: Callable[[list[Any]], None], response: web.Response) -> web.Response:
    """Return the response with its lists of rows changed and everything else as it was."""
    document = json.loads(response.text or "null")
    for rows in _lists(document):
        change(rows)
    response.body = json.dumps(document).encode()
    return response


def _lists(document: object) -> Iterator[list[Any]]:
    data = document.get("data", document) if isinstance(document, dict) else None
    for rows in (
        [data] if isinstance(data, list) else data.values() if isinstance(data, dict) else ()
    ):
        if isinstance(rows, list):
            yield rows


def _halve(rows: list[Any]) -> None:
    del rows[len(rows) // 2 :]


def _spoil(how: str, rows: list[Any]) -> None:
    spoil_row(rows, how)


AFTER: Final = {
    "short_page": partial(_in_lists, _halve),
    **{
        how: partial(_in_lists, partial(_spoil, how))
        for how in ("null_row", "keyless_row", "nameless_row")
    },
}
