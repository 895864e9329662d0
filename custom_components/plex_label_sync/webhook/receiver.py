"""Receive webhooks of Pulsarr and the arr apps: validate, respond and hand over."""

from base64 import b64decode
import binascii
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
import hmac
from http import HTTPStatus
import logging
import time
from typing import Final

from aiohttp import ClientError, hdrs, web
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, NAME, WEBHOOK_SECRET_HEADER
from ..faults import FaultLog
from ..pulsarr.payloads import Signal, SignalKind, parse_payload
from ..transport import parse_json
from .ratelimit import TokenBucket
from .secret import accepted_secrets

_LOGGER = logging.getLogger(__name__)

BODY_BYTES_MAX: Final = 256 * 1024
CHUNK_BYTES: Final = 64 * 1024
SECRET_PARAMETER: Final = "secret"  # noqa: S105 - a parameter's name

# Pulsarr never repeats an event, so the limit is far beyond what a household can cause: an import
# of 2000 titles at once, and 20 a second forever. Requests without the secret get far less.
BURST: Final = 2000
PER_SECOND: Final = 20.0
UNAUTHORIZED_BURST: Final = 30
UNAUTHORIZED_PER_SECOND: Final = 0.5


@dataclass(slots=True)
class WebhookStats:
    """Counts of requests since the entry was set up."""

    received: int = 0  # understood and handed over
    refused: int = 0  # without the secret
    malformed: int = 0  # with the secret, but too large or not understood
    limited: int = 0  # rejected by the rate limit, with or without the secret
    tests: int = 0  # Pulsarr's test events among those received
    last_received: datetime | None = None


class _BodyTooLargeError(Exception):
    """The body is larger than any real payload."""


@callback
def async_register_webhook(
    hass: HomeAssistant,
    entry: ConfigEntry,
    stats: WebhookStats,
    on_signal: Callable[[Signal], None],
) -> None:
    """Register the entry's webhook until the entry is unloaded, and count requests in `stats`.

    `on_signal` is called in the event loop with every valid event, including kinds IGNORED and
    TEST, before the response is sent: it must only queue work.

    Raises ValueError when the webhook id is taken.
    """
    known = TokenBucket(BURST, PER_SECOND)
    unauthorized = TokenBucket(UNAUTHORIZED_BURST, UNAUTHORIZED_PER_SECOND)
    faults = FaultLog(_LOGGER)

    async def handle(_hass: HomeAssistant, _webhook_id: str, request: web.Request) -> web.Response:
        # The secret is checked first, so that strangers cannot use up Pulsarr's rate limit.
        authorized = _is_authorized(request, accepted_secrets(entry.data))
        wait = (known if authorized else unauthorized).take(time.monotonic())
        if wait:
            stats.limited += 1
            return _refusal(
                HTTPStatus.TOO_MANY_REQUESTS, "too many requests", {hdrs.RETRY_AFTER: str(wait)}
            )
        if not authorized:
            stats.refused += 1
            return _refusal(
                HTTPStatus.UNAUTHORIZED,
                "the secret is missing or wrong",
                {hdrs.WWW_AUTHENTICATE: f'Basic realm="{NAME}"'},
            )
        try:
            signal = parse_payload(_document(await _body(request)))
        except _BodyTooLargeError:
            stats.malformed += 1
            return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
        except ValueError as err:
            stats.malformed += 1
            return _refusal(HTTPStatus.BAD_REQUEST, str(err))
        _count(signal, stats)
        with faults.survived():  # no failure here is the caller's fault
            on_signal(signal)
        return web.Response(status=HTTPStatus.OK)

    webhook.async_register(
        hass,
        DOMAIN,
        NAME,
        entry.data[CONF_WEBHOOK_ID],
        handle,
        # The secret protects it. Arr apps, proxies and hairpin NAT may call from public addresses,
        # whose requests to a local-only webhook Home Assistant discards with a 200.
        local_only=False,
        allowed_methods=(hdrs.METH_POST,),
    )
    entry.async_on_unload(lambda: webhook.async_unregister(hass, entry.data[CONF_WEBHOOK_ID]))


def _count(signal: Signal, stats: WebhookStats) -> None:
    """Count a valid event."""
    stats.received += 1
    stats.tests += signal.kind is SignalKind.TEST and not signal.by_arr
    stats.last_received = dt_util.utcnow()
    name = signal.title.name if signal.title else "no title"
    _LOGGER.debug("Received event %s for %s", signal.event, name)


def _is_authorized(request: web.Request, secrets: Iterable[str]) -> bool:
    """Return whether a request carries a valid secret, compared in constant time."""
    expected = [_comparable(secret) for secret in secrets if secret]
    matches = [
        hmac.compare_digest(_comparable(one), secret)
        for one in _offered(request)
        for secret in expected
    ]
    return any(matches)


def _offered(request: web.Request) -> Iterator[str]:
    """Yield the secrets in a request: Pulsarr sends a header, the arr apps the other two forms."""
    yield request.headers.get(WEBHOOK_SECRET_HEADER, "")
    yield request.query.get(SECRET_PARAMETER, "")
    yield _basic_password(request.headers.get(hdrs.AUTHORIZATION, ""))


def _basic_password(header: str) -> str:
    """Return the password of a basic-auth header, empty if it is not one."""
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        decoded = b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[2]


def _comparable(text: str) -> bytes:
    """Return a text as bytes; headers and URLs may contain invalid Unicode."""
    return text.encode("utf-8", "surrogatepass")


async def _body(request: web.Request) -> bytes:
    """Return the body, reading little beyond the limit whatever length it declares.

    Raises _BodyTooLargeError, and ValueError for a body that is truncated or cannot be decoded.
    """
    # The content of requests over Home Assistant's WebSocket only supports `read`.
    content, body = request.content, bytearray()
    try:
        while chunk := await content.read(CHUNK_BYTES):
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                raise _BodyTooLargeError
    except (ClientError, OSError, web.RequestPayloadError) as err:
        raise ValueError("the body cannot be read") from err
    return bytes(body)


def _document(body: bytes) -> object:
    """Return the parsed body; a malformed title does not invalidate the event.

    Raises ValueError with a readable reason if it is not JSON.
    """
    try:
        return parse_json(body)
    except ValueError:
        raise ValueError("the body is not JSON") from None


def _refusal(
    status: HTTPStatus, reason: str, headers: dict[str, str] | None = None
) -> web.Response:
    """Return an error response with the reason on one line."""
    _LOGGER.debug("Webhook answered with %s: %s", status.value, reason)
    return web.json_response({"error": reason}, status=status, headers=headers)
