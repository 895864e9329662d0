"""Helpers shared by the tests of the Pulsarr client."""

from collections.abc import Awaitable, Callable
import json

from aiohttp import web
import pytest

from custom_components.plex_label_sync.pulsarr.client import PulsarrClient
from custom_components.plex_label_sync.pulsarr.endpoints import EndpointSettings
from custom_components.plex_label_sync.sync.model import (
    MediaType,
    Service,
    ServiceError,
    Title,
)
from simulators.catalog import CatalogTitle, make_catalog

FILM, SHOW = make_catalog(1, 1, 1)
COUNTS_ROUTE = "/v1/users/users/list/with-counts"
WATCHLIST_ROUTE = "/v1/users/{id}/watchlist"
SETTINGS = EndpointSettings(
    name="Home Assistant",
    url="http://127.0.0.1:9/api/webhook/abc",
    header="X-Secret",
    secret="s3cret-value",
    events=frozenset({"media.available", "watchlist.added"}),
)


def title_of(entry: CatalogTitle) -> Title:
    """Return a title with all the ids that Pulsarr has."""
    ids = frozenset({f"plex:{entry.key}", *entry.guids})
    return Title(MediaType(entry.type), entry.title, ids)


async def failure_of(work: Awaitable[object]) -> ServiceError:
    """Return the error that `work` raises."""
    with pytest.raises(ServiceError) as caught:
        await work
    assert caught.value.service is Service.PULSARR
    return caught.value


class Naps:
    """Stands in for sleeping: records the seconds and returns at once."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Record the seconds."""
        self.taken.append(seconds)


type MakeClient = Callable[..., PulsarrClient]


class OtherServer:
    """A server with a response set by the test; it records the requests."""

    def __init__(self) -> None:
        self.status = 200
        self.body: object = {}
        self.content_type = "application/json"
        self.headers: dict[str, str] = {}
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Record the request and answer it."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.method, request.path, headers, await request.read()))
        raw = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return web.Response(
            status=self.status, body=raw, content_type=self.content_type, headers=self.headers
        )
