"""Pulsarr's routes under /v1: users and watchlists, webhooks, labels, settings."""

from __future__ import annotations

from dataclasses import dataclass, field
import secrets
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from . import validation
from .payloads import (
    EVENT_DESCRIPTIONS,
    endpoint_json,
    entry_json,
    probe_event,
    user_json,
)
from .records import UnknownUserError
from .state import timestamp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from .delivery import Courier, Delivery
    from .knobs import PulsarrKnobs
    from .label_sync import LabelSync
    from .records import Endpoint
    from .state import PulsarrState

    type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PROBE_ROUTES: Final = frozenset({"/v1/webhooks/endpoints/test", "/v1/webhooks/endpoints/{id}/test"})
"""Routes with the small rate limit."""

WATCHLIST_ROUTE: Final = "/v1/users/{id}/watchlist"


class ApiError(Exception):
    """An error that a route returns on purpose."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def body_of(request: web.Request) -> object:
    """Return the parsed JSON body, None if there is none."""
    return request.get("body")


@dataclass(slots=True)
class Api:
    """The route handlers over the state of one Pulsarr."""

    state: PulsarrState
    knobs: PulsarrKnobs
    courier: Courier
    label_sync: LabelSync | None = None  # without it the label jobs write nothing, they only count
    config_secret: str = field(default_factory=lambda: secrets.token_urlsafe(15), repr=False)

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Return method, path template (without the base path) and handler of each route."""
        endpoints, endpoint = "/v1/webhooks/endpoints", "/v1/webhooks/endpoints/{id}"
        return [
            ("GET", "/v1/users/users/list", self.users),
            ("GET", "/v1/users/users/list/with-counts", self.users_with_counts),
            ("GET", WATCHLIST_ROUTE, self.watchlist),
            ("GET", "/v1/system/update-status", self.update_status),
            ("GET", "/v1/config", self.config),
            ("GET", "/v1/webhooks/event-types", self.event_types),
            ("GET", endpoints, self.endpoints),
            ("POST", endpoints, self.create_endpoint),
            ("POST", f"{endpoints}/test", self.test_address),
            ("GET", endpoint, self.endpoint),
            ("PUT", endpoint, self.update_endpoint),
            ("DELETE", endpoint, self.delete_endpoint),
            ("POST", f"{endpoint}/test", self.test_endpoint),
            ("POST", "/v1/labels/sync", self.labels_sync),
            ("DELETE", "/v1/labels/remove", self.labels_remove),
        ]

    # --- users ---

    async def users(self, _request: web.Request) -> web.Response:
        """Return every user."""
        return self._user_list(counts=False)

    async def users_with_counts(self, request: web.Request) -> web.Response:
        """Return every user with the size of the watchlist; absent in some versions."""
        if not self.knobs.with_counts_route:
            raise ApiError(404, f"Route GET:{request.path} not found")
        return self._user_list(counts=True)

    def _user_list(self, *, counts: bool) -> web.Response:
        users = () if self.knobs.empty_users else self.state.users()
        if any(user.created_at is None or user.updated_at is None for user in users):
            raise ApiError(500, "the answer does not fit its schema")
        listed = [
            user_json(user, self.knobs, self.state.watchlist_count(user.id) if counts else None)
            for user in users
            if user.id not in self.knobs.hidden_users
        ]
        message = "Users retrieved successfully"
        rows = self._with_odd("users", listed)
        return web.json_response({"success": True, "message": message, "users": rows})

    async def watchlist(self, request: web.Request) -> web.Response:
        """Return one user's whole watchlist."""
        given = request.match_info["id"]
        try:
            user = self.state.user(int(given) if given.isascii() and given.isdigit() else 0)
        except UnknownUserError:
            raise ApiError(404, "User not found") from None
        user_id = user.id
        entries = () if self.knobs.empty_watchlists else self.state.watchlist(user_id)
        entries = entries[: self.knobs.short_lists.get(user_id)]
        if not all(entry.readable for entry in entries):
            raise ApiError(500, "the answer does not fit its schema")
        return web.json_response(
            {
                "success": True,
                "message": "Watchlist retrieved successfully",
                "data": {
                    "user": {"id": user.id, "name": user.name},
                    "watchlistItems": (rows := self._with_odd(user_id, map(entry_json, entries))),
                    "total": len(rows),
                },
            }
        )

    def _with_odd(self, where: int | str, rows: Iterable[object]) -> list[object]:
        """Return the rows followed by the scripted unreadable ones."""
        return [*rows, *self.knobs.odd_rows.get(where, ())]

    # --- version and settings ---

    async def update_status(self, request: web.Request) -> web.Response:
        """Return the version; no newer one is available."""
        if not self.knobs.update_status:
            raise ApiError(404, f"Route GET:{request.path} not found")
        current = self.knobs.version
        return web.json_response(
            {
                "currentVersion": current,
                "latestVersion": current,
                "updateAvailable": False,
                "releaseUrl": f"https://github.com/jamcalli/Pulsarr/releases/tag/v{current}",
                "releaseName": f"v{current}",
                "releaseBody": "Fixes and improvements",
                "releaseBodyHtml": "<p>Fixes and improvements</p>",
                "publishedAt": "2026-08-01T10:00:00Z",
                "lastCheckedAt": timestamp(self.state.clock()),
                "lastError": None,
                "status": "ok",
            }
        )

    async def config(self, _request: web.Request) -> web.Response:
        """Return the settings row, secrets included."""
        return web.json_response({"success": True, "config": self._config_json()})

    def _config_json(self) -> dict[str, Any]:
        return {
            "port": 3003,
            "authenticationMethod": self.knobs.auth,
            "basePath": self.knobs.base_path,
            **self.state.config,
            "notifyOnAvailability": True,
            "publicContentNotifications": {"enabled": False},
            "plexTokens": [self.config_secret],
            "radarrApiKey": self.config_secret,
            "sonarrApiKey": self.config_secret,
        }

    # --- webhooks ---

    async def event_types(self, _request: web.Request) -> web.Response:
        """Return the events that this version supports."""
        data = [
            {"type": event, "description": EVENT_DESCRIPTIONS.get(event, event)}
            for event in self.knobs.event_types
        ]
        return web.json_response({"success": True, "data": self._with_odd("event-types", data)})

    async def endpoints(self, _request: web.Request) -> web.Response:
        """Return all registered endpoints, oldest first."""
        endpoints = self.state.endpoints.values()
        if not all(set(one.event_types) <= set(self.knobs.event_types) for one in endpoints):
            raise ApiError(500, "the answer does not fit its schema")
        data = self._with_odd("endpoints", map(endpoint_json, endpoints))
        return web.json_response({"success": True, "data": data})

    async def endpoint(self, request: web.Request) -> web.Response:
        """Return one registered endpoint."""
        return _data(self._endpoint(request))

    async def create_endpoint(self, request: web.Request) -> web.Response:
        """Register an endpoint. Nothing has to be unique."""
        fields = validation.endpoint_fields(body_of(request), self.knobs.event_types)
        return _data(self.state.add_endpoint(**fields), status=201)

    async def update_endpoint(self, request: web.Request) -> web.Response:
        """Change some fields of an endpoint."""
        fields = validation.endpoint_fields(body_of(request), self.knobs.event_types, partial=True)
        return _data(self.state.change_endpoint(self._endpoint(request).id, **fields))

    async def delete_endpoint(self, request: web.Request) -> web.Response:
        """Delete an endpoint."""
        del self.state.endpoints[self._endpoint(request).id]
        message = "Webhook endpoint deleted successfully"
        return web.json_response({"success": True, "message": message})

    async def test_address(self, request: web.Request) -> web.Response:
        """Send the `test` event to an address that need not be registered."""
        url, name, value = validation.probe_fields(body_of(request))
        moment = timestamp(self.state.clock())
        result = await self.courier.post(
            url, "test", probe_event("Test Endpoint"), moment, header=(name, value)
        )
        return web.json_response(_test_result(result))

    async def test_endpoint(self, request: web.Request) -> web.Response:
        """Send the `test` event to a registered endpoint."""
        endpoint = self._endpoint(request)
        moment = timestamp(self.state.clock())
        result = await self.courier.send(endpoint, "test", probe_event(endpoint.name), moment)
        return web.json_response(_test_result(result))

    def _endpoint(self, request: web.Request) -> Endpoint:
        endpoint = self.state.endpoints.get(validation.entity_id(request.match_info["id"]))
        if endpoint is None:
            raise ApiError(404, "Webhook endpoint not found")
        return endpoint

    # --- Pulsarr's own label sync ---

    async def labels_sync(self, _request: web.Request) -> web.Response:
        """Write Pulsarr's labels; the response comes when the job has finished."""
        zero = {"processed": 0, "updated": 0, "failed": 0, "pending": 0}
        counts = self._counts("processed", "updated")
        if counts is not None and self.label_sync is not None:
            counts = await self.label_sync.sync()
        return _job(counts, {"mode": "sync", "results": zero}, "results")

    async def labels_remove(self, _request: web.Request) -> web.Response:
        """Remove every label with Pulsarr's prefix."""
        zero = {"processed": 0, "removed": 0, "failed": 0}
        counts = self._counts("processed", "removed")
        if counts is not None and self.label_sync is not None:
            counts = await self.label_sync.remove()
        return _job(counts, {"mode": "remove", "results": zero}, "results")

    def _counts(self, *counted: str) -> dict[str, int] | None:
        """Return the counts of a label job without a Plex server, None if the feature is off."""
        if not self.state.config["plexLabelSync"].get("enabled"):
            return None
        titles = len({entry.catalog_key for entry in self.state.entries()})
        return dict.fromkeys(counted, titles)


def _data(endpoint: Endpoint, status: int = 200) -> web.Response:
    return web.json_response({"success": True, "data": endpoint_json(endpoint)}, status=status)


def _test_result(delivery: Delivery) -> dict[str, Any]:
    result: dict[str, Any] = {
        "success": delivery.ok,
        "responseTime": round(delivery.duration_ms),
    }
    if delivery.status is not None:
        result["statusCode"] = delivery.status
    if delivery.error is not None:
        result["error"] = delivery.error
    return result


def _job(counts: dict[str, int] | None, answer: dict[str, Any], part: str) -> web.Response:
    """Return a label job's response: `success:false`, zeros and still 200 if the feature is off."""
    if counts is None:
        message = "Plex label sync is disabled"
        return web.json_response({"success": False, "message": message, **answer})
    return web.json_response(
        {"success": True, "message": "Completed", **answer, part: answer[part] | counts}
    )
