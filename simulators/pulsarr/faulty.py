"""Effects of scripted faults on a request of the simulated Pulsarr."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulators.http import GARBAGE, is_disconnected, spoil_row, without_lists

from .gate import error_response, spa_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from simulators.http import Fault
    from simulators.listener import LocalServer

    from .knobs import PulsarrKnobs

_CUT = "cut"


async def under_fault(
    fault: Fault | None,
    request: web.Request,
    answer: Callable[[], Awaitable[web.StreamResponse]],
    server: LocalServer,
    knobs: PulsarrKnobs,
) -> web.StreamResponse:
    """Answer a request under `fault`; `answer` does the real work and may not be called at all."""
    if fault is None:
        return await answer()
    if fault.kind == "outage":
        await server.begin_outage(fault.seconds)
    if fault.kind in {"drop", "outage"}:
        return _cut(request)
    if (instead := _instead(fault, knobs)) is not None:
        return instead
    if fault.kind == "slow_before_apply":
        await server.pause(fault.seconds, continues=False)
        if is_disconnected(request):
            return _cut(request)
    response = await answer()
    if fault.kind == "slow_after_apply":
        await server.pause(fault.seconds, continues=False)
    elif isinstance(response, web.Response):
        return await _spoiled(fault, request, response)
    return response


def was_cut(request: web.Request) -> bool:
    """Return whether the connection was broken on purpose, so that no response was received."""
    return bool(request.get(_CUT))


def body_bytes(response: web.StreamResponse) -> bytes:
    """Return the body of a response; empty for streams."""
    body = response.body if isinstance(response, web.Response) else None
    return bytes(body) if isinstance(body, bytes | bytearray) else b""


def _instead(fault: Fault, knobs: PulsarrKnobs) -> web.Response | None:
    """Return the response that replaces the real one; None if the fault has another effect."""
    match fault.kind:
        case "unauthorized":
            return error_response(401, "Invalid API key", knobs)
        case "busy":
            return error_response(500, "", knobs)
        case "unavailable":
            return web.Response(status=503, text="Service Unavailable")
        case "throttled":
            headers = {"Retry-After": str(max(round(fault.seconds), 1))}
            return error_response(429, "Rate limit exceeded", knobs, headers)
        case "html":
            return spa_response()
        case _:
            return None


def _cut_rows(response: web.Response) -> web.Response:
    """Return the same response with half of the rows of its list and everything else unchanged."""
    body = json.loads(response.text or "null")
    holder: Any = body
    for step in ("users", "watchlistItems", "items", "data"):
        if isinstance(holder, dict) and isinstance(holder.get(step), list):
            holder[step] = holder[step][: len(holder[step]) // 2]
            return web.json_response(body, status=response.status)
    if isinstance(body, dict) and isinstance(data := body.get("data"), dict):
        for name, value in data.items():
            if isinstance(value, list):
                data[name] = value[: len(value) // 2]
    return web.json_response(body, status=response.status)


async def _spoiled(
    fault: Fault, request: web.Request, response: web.Response
) -> web.StreamResponse:
    body = body_bytes(response)
    match fault.kind:
        case "short_page":
            return _cut_rows(response)
        case "null_row" | "keyless_row" | "nameless_row":
            document = json.loads(body)
            data = document.get("data", document) if isinstance(document, dict) else {}
            for value in data.values() if isinstance(data, dict) else ():
                if isinstance(value, list):
                    spoil_row(value, fault.kind)
            response.body = json.dumps(document).encode()
        case "truncated":
            response.body = body[: len(body) // 2]
        case "garbage":
            response.body = GARBAGE
        case "wrong_types":
            response.body = json.dumps(without_lists(json.loads(body))).encode()
        case "cut_body":
            half = web.StreamResponse(status=response.status, headers=response.headers)
            half.content_length = len(body)
            with contextlib.suppress(ConnectionError):
                await half.prepare(request)
                await half.write(body[: len(body) // 2])
            _cut(request)
            return half
        case _:
            pass
    return response


def _cut(request: web.Request) -> web.Response:
    """Break the connection; the response that aiohttp requires is never sent."""
    request[_CUT] = True
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
