"""Receives the webhooks of Pulsarr and of the arr apps: checks, answers, hands over."""

from base64 import b64decode
import binascii
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
import hmac
from http import HTTPStatus
import logging
import time
from traceback import extract_tb
from typing import Final

from aiohttp import ClientError, hdrs, web
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, NAME, WEBHOOK_SECRET_HEADER
from ..pulsarr.payloads import Signal, SignalKind, parse_payload
from ..transport import parse_json
from .ratelimit import TokenBucket
from .secret import accepted_secrets

_LOGGER = logging.getLogger(__name__)

BODY_BYTES_MAX: Final = 256 * 1024
CHUNK_BYTES: Final = 64 * 1024
SECRET_PARAMETER: Final = "secret"  # noqa: S105 - a parameter's name

# Pulsarr sends nothing twice, so the limit is far beyond what a household can set off: an import
# of 2000 titles at once, and 20 a second for ever. Who does not know the secret gets far less.
BURST: Final = 2000
PER_SECOND: Final = 20.0
STRANGERS_BURST: Final = 30
STRANGERS_PER_SECOND: Final = 0.5


@dataclass(slots=True)
class WebhookStats:
    """What has arrived since the entry was set up."""

    received: int = 0  # understood and handed over
    refused: int = 0  # without the secret
    malformed: int = 0  # with the secret, but too large or not understood
    limited: int = 0  # turned away because there were too many, with or without the secret
    tests: int = 0  # of those received, the test events of Pulsarr's
    last_received: datetime | None = None


class _BodyTooLargeError(Exception):
    """More bytes than any real payload has."""


@callback
def async_register_webhook(
    hass: HomeAssistant,
    entry: ConfigEntry,
    stats: WebhookStats,
    on_signal: Callable[[Signal], None],
) -> None:
    """Listen on the entry's webhook until the entry is unloaded, and count in `stats` what arrives.

    `on_signal` is called in the event loop with every event that was understood, those of kind
    IGNORED and TEST included, before the answer goes out: it must only queue work.

    Raises ValueError when the webhook id is taken.
    """
    known = TokenBucket(BURST, PER_SECOND)
    strangers = TokenBucket(STRANGERS_BURST, STRANGERS_PER_SECOND)

    async def handle(_hass: HomeAssistant, _webhook_id: str, request: web.Request) -> web.Response:
        # The secret is looked at first: strangers cannot use up what is meant for Pulsarr.
        authorised = _is_authorised(request, accepted_secrets(entry.data))
        wait = (known if authorised else strangers).take(time.monotonic())
        if wait:
            stats.limited += 1
            return _refusal(
                HTTPStatus.TOO_MANY_REQUESTS, "too many requests", {hdrs.RETRY_AFTER: str(wait)}
            )
        if not authorised:
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
        stats.received += 1
        stats.tests += signal.kind is SignalKind.TEST and not signal.by_arr
        stats.last_received = dt_util.utcnow()
        _hand_over(signal, on_signal)
        return web.Response(status=HTTPStatus.OK)

    webhook.async_register(
        hass,
        DOMAIN,
        NAME,
        entry.data[CONF_WEBHOOK_ID],
        handle,
        # The secret guards it. Arr apps, proxies and names that lead out of the house and back in
        # arrive from public addresses, and Home Assistant drops those of a local hook with a 200.
        local_only=False,
        allowed_methods=(hdrs.METH_POST,),
    )
    entry.async_on_unload(lambda: webhook.async_unregister(hass, entry.data[CONF_WEBHOOK_ID]))


def _is_authorised(request: web.Request, secrets: Iterable[str]) -> bool:
    """Whether one of the places for the secret holds a good one, compared in constant time."""
    expected = [_comparable(secret) for secret in secrets if secret]
    matches = [
        hmac.compare_digest(_comparable(one), secret)
        for one in _offered(request)
        for secret in expected
    ]
    return any(matches)


def _offered(request: web.Request) -> Iterator[str]:
    """Yield what the caller offers: Pulsarr sends a header, the arr apps know the other two."""
    yield request.headers.get(WEBHOOK_SECRET_HEADER, "")
    yield request.query.get(SECRET_PARAMETER, "")
    yield _basic_password(request.headers.get(hdrs.AUTHORIZATION, ""))


def _basic_password(header: str) -> str:
    """Return the password of a basic-auth header, empty when it is none."""
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        decoded = b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[2]


def _comparable(text: str) -> bytes:
    """Return a text as bytes; what a header or an address holds need not be valid Unicode."""
    return text.encode("utf-8", "surrogatepass")


async def _body(request: web.Request) -> bytes:
    """Return the body, of which little more is read than it may have, whatever it announces.

    Raises _BodyTooLargeError, and ValueError for a body that breaks off or cannot be unpacked.
    """
    # What comes over Home Assistant's websocket has a content that can do no more than `read`.
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
    """Return what a body says; a title that came broken is no reason to miss the event.

    Raises ValueError, with a reason that a person understands, for what is no JSON.
    """
    try:
        return parse_json(body)
    except ValueError:
        raise ValueError("the body is not JSON") from None


def _refusal(
    status: HTTPStatus, reason: str, headers: dict[str, str] | None = None
) -> web.Response:
    """Return an error answer that says why on one line."""
    _LOGGER.debug("Webhook answered with %s: %s", status.value, reason)
    return web.json_response({"error": reason}, status=status, headers=headers)


def _hand_over(signal: Signal, on_signal: Callable[[Signal], None]) -> None:
    """Call the listener; if it fails, the caller still gets its answer, for it cannot help it."""
    _LOGGER.debug(
        "Received event %s for %s", signal.event, signal.title.name if signal.title else "no title"
    )
    try:
        on_signal(signal)
    except Exception as err:  # noqa: BLE001 - whatever it is, the caller is not at fault
        # An exception's text may quote data; where it happened is enough to find the fault.
        place = extract_tb(err.__traceback__)[-1]
        _LOGGER.error(  # noqa: TRY400 - see above
            "Could not queue event %s: %s in %s, line %s",
            signal.event,
            type(err).__name__,
            place.name,
            place.lineno,
        )
