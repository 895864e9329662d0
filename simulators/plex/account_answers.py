"""Request arguments of the simulated plex.tv, and its responses in JSON or XML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulators.plex.filters import plex_argument
from simulators.plex.render import json_bytes, xml_document

if TYPE_CHECKING:
    from simulators.plex.facts import Row


def argument(request: web.Request, name: str) -> str | None:
    """Return an `X-Plex-…` argument from the query or the headers; None if absent."""
    return plex_argument(name, request.query, request.headers)


def form_or_query(form: Any, request: web.Request, name: str) -> str | None:  # noqa: ANN401
    """Return a field of the posted form, or the argument of that name."""
    value = form.get(name, request.query.get(name))
    return value if isinstance(value, str) else None


def wants_json(request: web.Request) -> bool:
    """Return whether the client accepts JSON."""
    return "application/json" in request.headers.get("Accept", "")


def answer(request: web.Request, name: str, row: Row, *, status: int = 200) -> web.Response:
    """Return one element with its attributes, in the format that the client accepts."""
    if wants_json(request):
        return web.Response(status=status, body=json_bytes(row), content_type="application/json")
    return xml(
        name, {key: "" if value is None else value for key, value in row.items()}, status=status
    )


def xml(name: str, row: Row, *, status: int = 200) -> web.Response:
    """Return an XML document."""
    return web.Response(
        status=status, body=xml_document(name, row), content_type="text/xml", charset="utf-8"
    )


def error_answer(request: web.Request, status: int, code: int, message: str) -> web.Response:
    """Return an error as plex.tv formats it."""
    if wants_json(request):
        body = json_bytes({"errors": [{"code": code, "message": message, "status": status}]})
        return web.Response(status=status, body=body, content_type="application/json")
    return xml(
        "errors", {"error": [{"code": code, "message": message, "status": status}]}, status=status
    )


def json_or_xml(request: web.Request, root: str, child: str, rows: list[Row]) -> web.Response:
    """Return a list as the newer API formats it: JSON on request, XML otherwise."""
    if wants_json(request):
        return web.Response(body=json_bytes(rows), content_type="application/json")
    return web.Response(body=xml_document(root, {child: rows}), content_type="application/xml")
