"""Checks before every route of the simulated Pulsarr: limits, keys, bodies; and error responses."""

from __future__ import annotations

from http import HTTPStatus
import json
from typing import TYPE_CHECKING, Final

from aiohttp import web

from .api import PROBE_ROUTES, ApiError
from .rules import judge_access, limit_bucket

if TYPE_CHECKING:
    from .knobs import PulsarrKnobs
    from .ratelimit import RateLimiter, Ticket

API_PREFIX: Final = "/v1"
WEBHOOKS_PREFIX: Final = "/v1/webhooks/"
WINDOW_S: Final = 60.0  # of the rate limits
SPA: Final = (
    '<!DOCTYPE html><html lang="en"><head><title>Pulsarr</title></head>'
    '<body><div id="app"></div><script type="module" src="/assets/index.js"></script></body></html>'
)


def error_response(
    status: int, message: str, headers: dict[str, str] | None = None
) -> web.Response:
    """Return an error in Pulsarr's shape; server errors carry no detail."""
    if not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        status, message = 500, "Internal Server Error"
    body = {"statusCode": status, "error": HTTPStatus(status).phrase, "message": message}
    return web.json_response(body, status=status, headers=headers)


def spa_response() -> web.Response:
    """Return the single-page app, which answers every path outside the API."""
    return web.Response(text=SPA, content_type="text/html")


def is_api(path: str) -> bool:
    """Return whether this path (relative to the base path) is /v1 or below it."""
    return path == API_PREFIX or path.startswith(f"{API_PREFIX}/")


def wants_html(request: web.Request) -> bool:
    """Return whether the client accepts HTML; others get a JSON 404 outside API and pages."""
    return "text/html" in request.headers.get("Accept", "")


def take_ticket(limiter: RateLimiter, knobs: PulsarrKnobs, route: str, client_ip: str) -> Ticket:
    """Count a request against the client's bucket, or against the route's own one."""
    bucket = limit_bucket(client_ip)
    if route in PROBE_ROUTES:
        return limiter.take(f"{bucket} {route}", limit=knobs.probe_limit, window_s=WINDOW_S)
    return limiter.take(bucket, limit=knobs.rate_limit, window_s=WINDOW_S)


def require_access(
    request: web.Request, path: str, key: str, knobs: PulsarrKnobs, client_ip: str
) -> None:
    """Check a request's credentials. Raises ApiError 401 if they are wrong."""
    access = judge_access(
        path, request.headers.get("X-API-Key"), key, method=knobs.auth, client_ip=client_ip
    )
    if access == "bad_key":
        raise ApiError(401, "Invalid API key")
    if access == "no_credentials":
        raise ApiError(401, "You must be authenticated to access this resource")


async def parse_body(request: web.Request) -> object:
    """Return a request's JSON body or None. Raises ApiError 400 or 415 as Fastify does."""
    if request.method in {"GET", "HEAD"}:
        return None
    raw = await request.read()
    content_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type == "application/json":
        if not raw:
            raise ApiError(
                400, "Body cannot be empty when content-type is set to 'application/json'"
            )
        try:
            body: object = json.loads(raw)
        except ValueError:
            raise ApiError(400, "Body is not valid JSON") from None
        return body
    if not raw and not content_type:
        return None
    if content_type == "text/plain":
        return raw.decode(errors="replace")
    raise ApiError(415, "Unsupported Media Type")


def require_route(path: str, method: str, knobs: PulsarrKnobs) -> None:
    """Reject webhook routes in versions without webhooks. Raises ApiError 404."""
    if not knobs.webhooks and path.startswith(WEBHOOKS_PREFIX):
        raise ApiError(404, f"Route {method}:{path} not found")
