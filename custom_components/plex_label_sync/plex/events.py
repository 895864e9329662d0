"""Receive a Plex server's notifications over its WebSocket.

Written on aiohttp rather than `plexwebsocket`, the library of Home Assistant's own Plex
integration: that library puts the token into the URL, where logs and proxies see it, needs a
connected python-plexapi server, and passes on whole messages, although only a few entries of a
message matter here.

Facts, as known from Plex's clients and tools (python-plexapi's `alert.py`, Home Assistant's
`plex`): the socket needs no Plex Pass; numbers may be strings; an entry in state 5 without
`queueSize` and without a `metadataState` other than `created` is a processed item, new or
refreshed; state 9 is a deleted one; entries of seasons and episodes name their show as
`rootItemID`; nothing is sent again after a disconnection.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
import inspect
from typing import Any, Final

import aiohttp

from ..sync.model import Failure, Service, ServiceError
from ..transport import failure_of_exception, failure_of_status, parse_json
from ..wire import describe_exception, strict_session
from .edits import TYPE_NUMBERS
from .limits import USUAL

# The second is the documented spelling; servers know the first.
PATHS: Final = ("/:/websockets/notifications", "/:/websocket/notifications")
CONNECT_TIMEOUT: Final = 15.0  # seconds
MESSAGE_MAX: Final = 4 * 1024 * 1024  # bytes

# Text that is not UTF-8 ends the connection unless it is decoded here. Older versions of aiohttp
# always decode it themselves: there it costs a reconnection and a check for missed events.
_KNOWN: Final = inspect.signature(aiohttp.ClientSession.ws_connect).parameters
_UNDECODED: Final[dict[str, Any]] = {"decode_text": False} if "decode_text" in _KNOWN else {}

_LIBRARY: Final = "com.plexapp.plugins.library"
_PROCESSED, _DELETED = 5, 9
_OF_ITS_OWN: Final = frozenset(TYPE_NUMBERS.values())
_OF_A_SHOW: Final = frozenset({3, 4})  # seasons and episodes
# Responses of a proxy that does not let WebSockets through.
_NO_SOCKET: Final = frozenset({Failure.NOT_FOUND, Failure.REJECTED, Failure.WRONG_SERVICE})
# A scan ends before the items it found are matched; matching is a separate activity.
_SCANS: Final = frozenset(
    {"library.update.section", "library.refresh.items", "library.update.item.metadata"}
)


class NoticeKind(StrEnum):
    """What happened to an item."""

    PROCESSED = "processed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Notice:
    """A change to a movie or a show; episodes are reported as their show."""

    what: NoticeKind
    rating_key: str
    library: str


@dataclass(frozen=True, slots=True)
class Message:
    """The meaning of one message for the integration, often empty."""

    notices: tuple[Notice, ...] = ()
    scan_ended: bool = False


def understand(text: str | bytes) -> Message:
    """Return the meaning of one message; an unknown or malformed one means nothing."""
    try:
        body = parse_json(text.encode(errors="surrogatepass") if isinstance(text, str) else text)
    except ValueError:
        return Message()
    container = body.get("NotificationContainer") if isinstance(body, dict) else None
    if not isinstance(container, dict):
        return Message()
    match container.get("type"):
        case "timeline":
            rows = _rows(container.get("TimelineEntry"))
            return Message(notices=tuple(one for row in rows if (one := _notice(row))))
        case "activity":
            rows = _rows(container.get("ActivityNotification"))
            return Message(scan_ended=any(_ends_scan(row) for row in rows))
        case _:
            return Message()


def _rows(value: object) -> Iterable[Mapping[str, Any]]:
    """Return a list's objects; a single object counts as a list of one."""
    rows = value if isinstance(value, list) else [value]
    return [row for row in rows if isinstance(row, dict)]


def _notice(row: Mapping[str, Any]) -> Notice | None:
    if row.get("identifier", _LIBRARY) != _LIBRARY:
        return None
    library, kind, state = (_number(row.get(name)) for name in ("sectionID", "type", "state"))
    if kind in _OF_ITS_OWN:
        key = _number(row.get("itemID"))
    elif kind in _OF_A_SHOW:
        key = _number(row.get("rootItemID"))
        if state != _PROCESSED:
            return None  # a new or deleted episode says nothing about its show
    else:
        return None
    if library <= 0 or key <= 0 or (what := _notice_kind(row, state)) is None:
        return None
    return Notice(what, str(key), str(library))


def _notice_kind(row: Mapping[str, Any], state: int) -> NoticeKind | None:
    progress = row.get("metadataState")
    if state == _DELETED and progress == "deleted":
        return NoticeKind.DELETED
    # "created" is reported before the item is processed, by some servers also with it.
    done = not progress or progress == "created"
    if state == _PROCESSED and done and _number(row.get("queueSize")) <= 0:
        return NoticeKind.PROCESSED
    return None


def _number(value: object) -> int:
    """Return a number that may be given as a string; -1 for anything else."""
    try:
        return int(value) if isinstance(value, int | str) else -1
    except ValueError:
        return -1


def _ends_scan(row: Mapping[str, Any]) -> bool:
    activity = row.get("Activity")
    if row.get("event") != "ended" or not isinstance(activity, dict):
        return False
    kind = activity.get("type")
    return isinstance(kind, str) and kind in _SCANS


@asynccontextmanager
async def listen(
    session: aiohttp.ClientSession,
    url: str,
    headers: Mapping[str, str],
    paths: Sequence[str] = PATHS,
    heartbeat: float | None = USUAL.heartbeat,
) -> AsyncIterator[AsyncIterator[Message]]:
    """Connect to a server's notifications; the messages end when the connection does.

    `url` is the server's base URL. `headers` hold the token, which stays out of the URL. `paths`
    are tried in order; `heartbeat` is in seconds.

    Raises ServiceError when there is no connection: INVALID_AUTH for a refused token, WRONG_SERVICE
    when something in between does not let WebSockets through.
    """
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT), strict_session(session) as strict:
            socket = await _connect(strict, url, headers, paths, heartbeat)
    except aiohttp.WSServerHandshakeError as err:
        failure = failure_of_status(err.status)
        raise ServiceError(
            Service.PLEX,
            Failure.WRONG_SERVICE if failure in _NO_SOCKET else failure,
            f"the notification stream returned {err.status}",
            status=err.status,
        ) from None
    except (TimeoutError, aiohttp.ClientError, OSError) as err:
        detail = f"the notification stream: {describe_exception(err)}"
        raise ServiceError(Service.PLEX, failure_of_exception(err), detail) from None
    try:
        yield _messages(socket)
    finally:
        await socket.close()


async def _connect(
    session: aiohttp.ClientSession,
    url: str,
    headers: Mapping[str, str],
    paths: Sequence[str],
    heartbeat: float | None,
) -> aiohttp.ClientWebSocketResponse:
    for path in paths:
        try:
            socket: aiohttp.ClientWebSocketResponse = await session.ws_connect(
                f"{url}{path}",
                headers=headers,
                heartbeat=heartbeat,
                max_msg_size=MESSAGE_MAX,
                **_UNDECODED,
            )
            return socket  # noqa: TRY300 - the next path is tried where this one does not exist
        except aiohttp.WSServerHandshakeError as err:
            if err.status != HTTPStatus.NOT_FOUND or path == paths[-1]:
                raise
    raise AssertionError  # the loop returned or raised


async def _messages(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[Message]:
    with suppress(aiohttp.ClientError, OSError):  # however it ends, it has ended
        async for message in socket:
            if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                yield understand(message.data)
