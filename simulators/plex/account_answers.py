"""The form in which the plex.tv stand-in reads arguments and answers: JSON where that is asked for, else XML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulators.plex.filters import plex_argument
from simulators.plex.render import json_bytes, xml_document

if TYPE_CHECKING:
    from simulators.plex.facts import Row


def argument(request: web.Request, name: str) -> str | None:
    """An `X-Plex-…` argument of a request, wherever it stands; None without it."""
    return plex_argument(name, request.query, request.headers)


def form_or_query(form: Any, request: web.Request, name: str) -> str | None:  # noqa: ANN401
    """A field of the posted form, or the argument of that name."""
    value = form.get(name, request.query.get(name))
    return value if isinstance(value, str) else None


def wants_json(request: web.Request) -> bool:
    """Whether the client asks for JSON."""
    return "application/json" in request.headers.get("Accept", "")


def answer(request: web.Request, name: str, row: Row, *, status: int = 200) -> web.Response:
    """One thing with its attributes, in the form that the client asks for."""
    if wants_json(request):
        return web.Response(status=status, body=json_bytes(row), content_type="application/json")
    return xml(
        name, {key: "" if value is None else value for key, value in row.items()}, status=status
    )


def xml(name: str, row: Row, *, status: int = 200) -> web.Response:
    """An XML document."""
    return web.Response(
        status=status, body=xml_document(name, row), content_type="text/xml", charset="utf-8"
    )


def error_answer(request: web.Request, status: int, code: int, message: str) -> web.Response:
    """An error as plex.tv answers it."""
    if wants_json(request):
        body = json_bytes({"errors": [{"code": code, "message": message, "status": status}]})
        return web.Response(status=status, body=body, content_type="application/json")
    return xml(
        "errors", {"error": [{"code": code, "message": message, "status": status}]}, status=status
    )


def json_or_xml(request: web.Request, root: str, child: str, rows: list[Row]) -> web.Response:
    """A list as the newer interface answers it: JSON where that is asked for, else XML."""
    if wants_json(request):
        return web.Response(body=json_bytes(rows), content_type="application/json")
    return web.Response(body=xml_document(root, {child: rows}), content_type="application/xml")
