"""Hardened HTTP: no credentials in redirects, bounded response sizes, no URLs in error texts.

Home Assistant's shared session follows redirects of a WebSocket with all headers, and decompresses
bodies without a limit: a few kilobytes can become gigabytes.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import SSLError
from typing import Final
import zlib

import aiohttp

ACCEPT_ENCODING: Final = "gzip"  # what `bounded_body` can decompress
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS  # zlib detects the format
_PACKED: Final = frozenset({"gzip", "x-gzip", "deflate"})


class TooMuchError(Exception):
    """A response is larger than its limit."""


@asynccontextmanager
async def strict_session(session: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a session on the same connections that neither follows redirects nor decompresses.

    Requests still have to pass `allow_redirects=False`, which a WebSocket cannot.
    """
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_refuse_redirect)
    async with aiohttp.ClientSession(
        connector=session.connector,
        connector_owner=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={**session.headers, "Accept-Encoding": ACCEPT_ENCODING},
        trace_configs=[trace],
    ) as strict:
        yield strict


async def _refuse_redirect(
    _session: aiohttp.ClientSession,
    _context: object,
    params: aiohttp.TraceRequestRedirectParams,
) -> None:
    response = params.response
    response.close()
    raise aiohttp.WSServerHandshakeError(
        response.request_info, (), status=response.status, message="redirected"
    )


async def bounded_body(response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    """Return a response's body, decompressed.

    Raises TooMuchError beyond `bytes_max` bytes, compressed or decompressed, and
    `aiohttp.ClientPayloadError` for invalid compressed data.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {*_PACKED, "identity", ""}:
        raise aiohttp.ClientPayloadError(f"unsupported content encoding {encoding!r}")
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB) if encoding in _PACKED else None
    body = bytearray()
    arrived = 0
    async for chunk in response.content.iter_any():
        arrived += len(chunk)
        body += chunk if unpacker is None else _unpacked(unpacker, chunk, bytes_max - len(body))
        if max(len(body), arrived) > bytes_max:
            response.close()
            raise TooMuchError
    if unpacker is not None and arrived and not unpacker.eof:
        raise aiohttp.ClientPayloadError("the compressed body is incomplete")
    return bytes(body)


def _unpacked(unpacker: "zlib._Decompress", chunk: bytes, room: int) -> bytes:
    """Decompress a chunk to at most one byte more than `room`."""
    try:
        return unpacker.decompress(chunk, max(room, 0) + 1)
    except zlib.error as err:
        raise aiohttp.ClientPayloadError("the body cannot be decompressed") from err


_DESCRIPTIONS: Final[tuple[tuple[type[Exception], str], ...]] = (  # the more specific ones first
    (TimeoutError, "no response in time"),
    (aiohttp.ClientConnectorDNSError, "the name of the server cannot be resolved"),
    (aiohttp.ClientSSLError, "no secure connection"),
    (SSLError, "no secure connection"),
    (aiohttp.ClientConnectorError, "the server cannot be reached"),
    (aiohttp.ServerDisconnectedError, "the connection was closed"),
    (ConnectionError, "the connection was closed"),
    (aiohttp.ClientPayloadError, "the response was cut off"),
    (aiohttp.InvalidURL, "the address cannot be used"),
)


def describe_exception(err: Exception) -> str:
    """Return a safe description of an exception of the HTTP library.

    The exception's own text may contain the URL with its query.
    """
    if isinstance(getattr(err, "os_error", None), ConnectionRefusedError):
        return "the connection was refused"
    return next(
        (text for kind, text in _DESCRIPTIONS if isinstance(err, kind)), "the connection failed"
    )
