"""The webhook over Home Assistant's own HTTP server."""

import asyncio
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator
import gzip
import json
import logging
from typing import Any

from aiohttp.test_utils import TestClient as Client
from homeassistant.components.webhook import async_handle_webhook
from homeassistant.config_entries import ConfigEntry, ConfigFlow
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.aiohttp import MockRequest
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    mock_config_flow,
    mock_integration,
    mock_platform,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.plex_label_sync.const import (
    CONF_WEBHOOK_SECRET,
    DOMAIN,
    WEBHOOK_SECRET_HEADER,
)
from custom_components.plex_label_sync.pulsarr.payloads import Signal, SignalKind
from custom_components.plex_label_sync.sync.model import MediaType, Title
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.webhook.receiver import (
    BURST,
    UNAUTHORIZED_BURST,
    WebhookStats,
    async_register_webhook,
)
from simulators.catalog import make_catalog
from simulators.pulsarr import PulsarrSimulator, arr

WEBHOOK_ID = "5f" * 32
PATH = f"/api/webhook/{WEBHOOK_ID}"
SECRET = "kÄse-und-s3cret"
LIMIT = 256 * 1024
FILM, SHOW = make_catalog(1, 1, 1)
AVAILABLE: dict[str, Any] = {
    "event": "media.available",
    "data": {"mediaType": "movie", "title": "Heat", "guids": ["tmdb:949"], "watchlistedBy": []},
}
HEAT = Title(MediaType.MOVIE, "Heat", frozenset({"tmdb:949"}))


class Hook:
    """The webhook of one entry, and what it handed over."""

    def __init__(self, client: Client[Any, Any], entry: MockConfigEntry) -> None:
        self.client = client
        self.entry = entry
        self.stats = WebhookStats()
        self.signals: list[Signal] = []
        self.failure: Exception | None = None

    def on_signal(self, signal: Signal) -> None:
        """Keep a signal, or fail."""
        self.signals.append(signal)
        if self.failure is not None:
            raise self.failure

    async def post(
        self,
        body: object,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
    ) -> tuple[int, str]:
        """Send a body with the right secret unless told otherwise; return status and reason."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {WEBHOOK_SECRET_HEADER: SECRET} if headers is None else headers
        async with self.client.post(PATH, data=raw, headers=sent, params=params) as response:
            text = await response.text()
        return response.status, json.loads(text)["error"] if text else ""

    @property
    def counts(self) -> tuple[int, int, int]:
        """Received, refused, malformed."""
        return self.stats.received, self.stats.refused, self.stats.malformed


@pytest.fixture
async def hook(
    hass: HomeAssistant, hass_client_no_auth: ClientSessionGenerator, known_secrets: set[str]
) -> AsyncIterator[Hook]:
    """A loaded entry that does nothing but listen."""
    known_secrets.add(SECRET)  # the id stands in Home Assistant's own debug messages
    assert await async_setup_component(hass, "webhook", {})
    entry = MockConfigEntry(
        domain=DOMAIN, data={CONF_WEBHOOK_ID: WEBHOOK_ID, CONF_WEBHOOK_SECRET: SECRET}
    )
    entry.add_to_hass(hass)
    hook = Hook(await hass_client_no_auth(), entry)

    async def setup(hass: HomeAssistant, entry: ConfigEntry) -> bool:
        hook.stats = WebhookStats()
        async_register_webhook(hass, entry, hook.stats, hook.on_signal)
        return True

    async def unload(hass: HomeAssistant, entry: ConfigEntry) -> bool:
        return True

    module = MockModule(DOMAIN, async_setup_entry=setup, async_unload_entry=unload)
    mock_integration(hass, module)
    mock_platform(hass, f"{DOMAIN}.config_flow")
    with mock_config_flow(DOMAIN, ConfigFlow):
        assert await hass.config_entries.async_setup(entry.entry_id)
        yield hook


# --- what is accepted ---


async def test_event_is_handed_over_and_answered(hook: Hook) -> None:
    before = dt_util.utcnow()
    assert await hook.post(AVAILABLE) == (200, "")
    assert hook.signals == [Signal(SignalKind.AVAILABLE, "media.available", HEAT)]
    assert hook.counts == (1, 0, 0)
    assert hook.stats.last_received is not None
    assert before <= hook.stats.last_received <= dt_util.utcnow()


async def test_unknown_events_and_tests_are_accepted(hook: Hook) -> None:
    for body, kind in (
        ({"event": "quota.cap_reached"}, SignalKind.IGNORED),
        ({"eventType": "Grab"}, SignalKind.IGNORED),
        ({"event": "test", "data": {}}, SignalKind.TEST),
        (arr.sonarr_test(), SignalKind.TEST),
    ):
        assert await hook.post(body) == (200, "")
        assert (hook.signals[-1].kind, hook.signals[-1].title) == (kind, None)


async def test_pulsarr_and_the_arr_apps_reach_the_hook(hook: Hook) -> None:
    url = str(hook.client.make_url(PATH))
    async with PulsarrSimulator() as pulsarr:
        user = pulsarr.state.add_user("rosa")
        pulsarr.state.add_endpoint(
            name="HA",
            url=url,
            auth_header_name=WEBHOOK_SECRET_HEADER,
            auth_header_value=SECRET,
            event_types=("watchlist.added", "watchlist.removed", "media.available"),
        )
        await pulsarr.want(user.id, FILM)
        await pulsarr.announce(FILM)
        await pulsarr.unwant(user.id, FILM)
        assert await pulsarr.post_arr(f"{url}?secret={SECRET}", arr.sonarr_download(SHOW)) == 200
        assert [delivery.status for delivery in pulsarr.deliveries] == [200, 200, 200]
    assert [signal.kind for signal in hook.signals] == [
        SignalKind.WATCHLIST_ADDED,
        SignalKind.AVAILABLE,
        SignalKind.WATCHLIST_REMOVED,
        SignalKind.AVAILABLE,
    ]
    assert [signal.person_id for signal in hook.signals] == [
        pulsarr_id(user.id),
        None,
        pulsarr_id(user.id),
        None,
    ]


async def test_webhook_that_comes_through_the_websocket_is_understood(
    hass: HomeAssistant, hook: Hook
) -> None:
    for body, status in ((json.dumps(AVAILABLE), 200), ("{}", 400), (" " * (LIMIT + 1), 413)):
        request = MockRequest(
            content=body.encode(),
            mock_source="webhook/ws",
            method="POST",
            headers={WEBHOOK_SECRET_HEADER: SECRET},
        )
        assert (await async_handle_webhook(hass, WEBHOOK_ID, request)).status == status
    assert len(hook.signals) == 1


# --- the secret ---


def basic(user: str, password: str) -> dict[str, str]:
    """Return a basic-auth header."""
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    "how",
    [
        {"headers": {WEBHOOK_SECRET_HEADER: SECRET}},
        {"headers": {WEBHOOK_SECRET_HEADER.lower(): SECRET}},
        {"headers": {}, "params": {"secret": SECRET}},
        {"headers": basic("anybody", SECRET)},
        {"headers": basic("", SECRET)},
        {"headers": basic("anybody", "wrong"), "params": {"secret": SECRET}},
        {"headers": {WEBHOOK_SECRET_HEADER: "wrong"} | basic("sonarr", SECRET)},
    ],
)
async def test_secret_may_come_in_three_places(hook: Hook, how: dict[str, Any]) -> None:
    assert await hook.post(AVAILABLE, **how) == (200, "")
    assert len(hook.signals) == 1


@pytest.mark.parametrize(
    "how",
    [
        {"headers": {}},
        {"headers": {WEBHOOK_SECRET_HEADER: ""}},
        {"headers": {WEBHOOK_SECRET_HEADER: "wrong"}},
        {"headers": {WEBHOOK_SECRET_HEADER: SECRET[:-1]}},
        {"headers": {WEBHOOK_SECRET_HEADER: SECRET + "x"}},
        {"headers": {WEBHOOK_SECRET_HEADER: SECRET.upper()}},
        {"headers": {}, "params": {"secret": "wrong"}},
        {"headers": {}, "params": {"Secret": SECRET}},
        {"headers": basic(SECRET, "wrong")},
        {"headers": basic(SECRET, "")},
        {"headers": {"Authorization": f"Bearer {b64encode(f':{SECRET}'.encode()).decode()}"}},
        {"headers": {"Authorization": f"Basic {SECRET}"}},
        {"headers": {"Authorization": "Basic !!!"}},
        {"headers": {"Authorization": "Basic /w=="}},
        {"headers": {"Authorization": "Basic"}},
    ],
)
async def test_request_without_the_secret_is_refused_and_counted(
    hook: Hook, how: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert await hook.post(AVAILABLE, **how) == (401, "the secret is missing or wrong")
    assert hook.counts == (0, 1, 0)
    assert hook.signals == []
    assert hook.stats.last_received is None
    assert "Login attempt" not in caplog.text


async def test_secret_is_asked_for_before_the_body_is_checked(hook: Hook) -> None:
    for body in (b"not JSON", b"x" * (LIMIT + 1)):
        assert (await hook.post(body, headers={}))[0] == 401
    assert hook.counts == (0, 2, 0)


async def test_header_that_is_no_text_is_refused(hook: Hook) -> None:
    status = await talk(
        hook,
        f"POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n".encode()
        + WEBHOOK_SECRET_HEADER.encode()
        + b": \xff\xfe\r\nConnection: close\r\n\r\n",
    )
    assert status == 401


async def test_empty_secret_lets_no_one_in(hass: HomeAssistant, hook: Hook) -> None:
    other = MockConfigEntry(domain=DOMAIN, data={CONF_WEBHOOK_ID: "other", CONF_WEBHOOK_SECRET: ""})
    async_register_webhook(hass, other, WebhookStats(), hook.on_signal)
    async with hook.client.post("/api/webhook/other", json=AVAILABLE) as response:
        assert response.status == 401
    assert hook.signals == []


async def test_refusal_says_how_to_authenticate(hook: Hook) -> None:
    async with hook.client.post(PATH, json=AVAILABLE) as response:
        assert response.headers["WWW-Authenticate"].startswith("Basic ")


async def test_secret_is_compared_in_constant_time(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return left == right

    monkeypatch.setattr("hmac.compare_digest", compare)
    await hook.post(AVAILABLE)
    assert len(compared) == 3  # all places are looked at, whichever holds it


# --- too many ---


async def test_strangers_are_turned_away_and_do_not_take_from_pulsarrs_share(hook: Hook) -> None:
    answers = Counter(
        [(await hook.post(b"", headers={}))[0] for _ in range(UNAUTHORIZED_BURST + 20)]
    )
    assert answers.keys() == {401, 429}
    assert answers[401] == hook.stats.refused < UNAUTHORIZED_BURST + 10
    assert answers[429] == hook.stats.limited
    assert await hook.post(AVAILABLE) == (200, "")


async def test_flood_with_the_secret_is_limited_far_beyond_a_large_import(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1000.0
    monkeypatch.setattr(
        "custom_components.plex_label_sync.webhook.receiver.time.monotonic", lambda: moment
    )
    for _ in range(BURST):
        assert await hook.post(AVAILABLE) == (200, "")
    headers = {WEBHOOK_SECRET_HEADER: SECRET}
    async with hook.client.post(PATH, json=AVAILABLE, headers=headers) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "1")
    assert (hook.stats.received, hook.stats.limited, len(hook.signals)) == (BURST, 1, BURST)
    moment += 1
    assert await hook.post(AVAILABLE) == (200, "")


@pytest.mark.parametrize(
    "title",
    [b'"Heat \\ud83d"', b'"Heat \xe9"', b'"Heat \xed\xa0\xbd"'],
    ids=["half a character", "no UTF-8", "half a character in UTF-8"],
)
async def test_title_that_comes_broken_costs_no_event(hook: Hook, title: bytes) -> None:
    body = json.dumps(AVAILABLE).encode().replace(b'"Heat"', title)
    assert await hook.post(body) == (200, "")
    (signal,) = hook.signals
    assert signal.title is not None
    assert signal.title.ids == HEAT.ids
    assert signal.title.name.startswith("Heat")
    assert signal.title.name.encode()


# --- what is malformed ---


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b'{"event": "test"', "the body is not JSON"),
        (b"event=test", "the body is not JSON"),
        (b'{"event": "\xff"', "the body is not JSON"),
        (b"\xef\xbb\xbf{}", "the body is not JSON"),
        (b'{"event": NaN}', "the body is not JSON"),
        pytest.param(b"[" * 100_000, "the body is not JSON", id="deep"),
        pytest.param(b"\xff" + b"[" * 100_000, "the body is not JSON", id="deep and broken"),
        (b"null", "the body is not a JSON object"),
        (b"[]", "the body is not a JSON object"),
        (b"{}", "the body has neither an event nor an eventType"),
        (b'{"event": "media.available"}', "media.available: data is not an object"),
        (b'{"eventType": "Download"}', "Download: there is neither a movie nor a series"),
    ],
)
async def test_malformed_body_is_refused_with_a_reason_and_changes_nothing(
    hook: Hook, body: bytes, reason: str
) -> None:
    assert await hook.post(body) == (400, reason)
    assert hook.counts == (0, 0, 1)
    assert hook.signals == []
    assert hook.stats.last_received is None


def padded(size: int) -> bytes:
    """Return an event of exactly `size` bytes."""
    raw = json.dumps(AVAILABLE).encode()
    return raw + b" " * (size - len(raw))


async def test_body_may_be_as_large_as_the_limit(hook: Hook) -> None:
    assert await hook.post(padded(LIMIT)) == (200, "")


async def test_larger_body_is_refused(hook: Hook) -> None:
    assert await hook.post(padded(LIMIT + 1)) == (413, "the body is too large")
    assert hook.counts == (0, 0, 1)
    assert hook.signals == []


async def test_larger_body_without_a_length_is_refused(hook: Hook) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * (LIMIT // 4)

    headers = {WEBHOOK_SECRET_HEADER: SECRET}
    async with hook.client.post(PATH, data=chunks(), headers=headers) as response:
        assert response.status == 413
    assert hook.signals == []


async def test_larger_body_that_is_packed_is_refused(hook: Hook) -> None:
    headers = {WEBHOOK_SECRET_HEADER: SECRET, "Content-Encoding": "gzip"}
    packed = gzip.compress(padded(50 * LIMIT))
    assert len(packed) < LIMIT
    assert (await hook.post(packed, headers=headers))[0] == 413
    assert await hook.post(gzip.compress(padded(LIMIT)), headers=headers) == (200, "")


async def test_body_that_cannot_be_unpacked_is_refused(hook: Hook) -> None:
    headers = {WEBHOOK_SECRET_HEADER: SECRET, "Content-Encoding": "gzip"}
    assert (await hook.post(b"rubbish", headers=headers))[0] == 400
    assert hook.signals == []


async def talk(hook: Hook, raw: bytes) -> int:
    """Send bytes as they are and return the status, 0 when there is no answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hook.client.port)
    writer.write(raw)
    writer.write_eof()
    line = (await reader.read()).partition(b"\r\n")[0].split()
    writer.close()
    await writer.wait_closed()
    return int(line[1]) if line else 0


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 100\r\n\r\n" + json.dumps(AVAILABLE).encode()[:50],
        b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n40\r\n" + json.dumps(AVAILABLE).encode()[:50],
    ],
)
async def test_body_that_breaks_off_changes_nothing(
    hook: Hook, rest: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    head = f"POST {PATH}?secret=k%C3%84se-und-s3cret HTTP/1.1\r\nHost: h\r\n".encode()
    assert await talk(hook, head + rest) in {0, 400}
    assert hook.signals == []
    assert hook.stats.received == 0
    assert "Error processing webhook" not in caplog.text


# --- methods, life ---


async def test_only_posts_are_taken(hook: Hook) -> None:
    headers = {WEBHOOK_SECRET_HEADER: SECRET}
    for method, status in (("GET", 405), ("PUT", 405), ("HEAD", 200), ("DELETE", 405)):
        async with hook.client.request(method, PATH, headers=headers) as response:
            assert response.status == status
    assert hook.counts == (0, 0, 0)


async def test_hook_takes_requests_from_public_addresses(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("homeassistant.util.network.is_local", lambda _: False)
    assert await hook.post(AVAILABLE) == (200, "")
    assert len(hook.signals) == 1


async def test_unloaded_entry_no_longer_listens(hass: HomeAssistant, hook: Hook) -> None:
    assert await hass.config_entries.async_unload(hook.entry.entry_id)
    assert await hook.post(AVAILABLE) == (200, "")  # Home Assistant's answer to unknown ids
    assert hook.signals == []
    assert await hass.config_entries.async_setup(hook.entry.entry_id)
    await hook.post(AVAILABLE)
    assert len(hook.signals) == 1


async def test_listener_that_fails_costs_no_one_the_answer_and_is_logged_once(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    hook.failure = RuntimeError(f"something with {SECRET} in it")
    for number in (1, 2, 3):
        assert await hook.post(AVAILABLE) == (200, "")
        assert hook.counts == (number, 0, 0)
    records = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(records) == 1
    assert records[0].exc_info is None
    message = records[0].getMessage()
    assert "RuntimeError in on_signal" in message
    hook.failure = None
    assert await hook.post(AVAILABLE) == (200, "")
    assert len(hook.signals) == 4


async def test_log_reports_event_and_title_and_no_secret(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = AVAILABLE | {"apiKey": "somebody-elses-key"}
    await hook.post(body)
    await hook.post(body, headers={}, params={"secret": "wrong-guess"})
    await hook.post({"eventType": "Download", "apiKey": "somebody-elses-key"})
    ours = [record for record in caplog.records if "plex_label_sync" in record.name]
    text = "\n".join(record.getMessage() for record in ours)
    assert "Received event media.available for Heat" in text
    assert "answered with 401" in text
    for secret in (SECRET, "somebody-elses-key", "wrong-guess", WEBHOOK_ID):
        assert secret not in text
