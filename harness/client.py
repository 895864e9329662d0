"""A client of Home Assistant's REST and WebSocket APIs, as the web interface uses them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    import aiohttp

type Json = dict[str, Any]


class AnswerError(Exception):
    """Home Assistant refused a request. `key` is the error's translation key, if any."""

    def __init__(self, what: str, status: int | str, text: str, key: str | None = None) -> None:
        super().__init__(f"{what}: {status} {text}")
        self.status = status
        self.text = text
        self.key = key


class HomeAssistantClient:
    """One signed-in user. The WebSocket is opened on first use, and again after a restart."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session = session
        self.url = url
        self.token = token
        self._socket: Socket | None = None

    async def close(self) -> None:
        """Close the WebSocket."""
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    # REST

    async def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Send one request under `/api/` and return the JSON answer. Raises AnswerError."""
        async with self._session.request(
            method,
            f"{self.url}/api/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
        ) as answer:
            if not answer.ok:
                raise AnswerError(path.partition("?")[0], answer.status, await answer.text())
            return await answer.json()

    async def get(self, path: str) -> Any:  # noqa: ANN401
        """GET under `/api/`. Raises AnswerError."""
        return await self.request("GET", path)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """POST under `/api/`. Raises AnswerError."""
        return await self.request("POST", path, body)

    async def state(self, entity_id: str) -> Json:
        """Return an entity's state with its attributes. Raises AnswerError if there is none."""
        state: Json = await self.get(f"states/{entity_id}")
        return state

    # WebSocket

    async def command(self, kind: str, **fields: Any) -> Any:  # noqa: ANN401
        """Send a WebSocket command and return its result. Raises AnswerError."""
        return await (await self._open()).command(kind, **fields)

    async def call(self, domain: str, action: str, *, response: bool = False, **data: Any) -> Json:  # noqa: ANN401
        """Call an action and wait until it ends; return its response, if requested.

        Raises AnswerError with the translation key of the error.
        """
        result: Json = await self.command(
            "call_service",
            domain=domain,
            service=action,
            service_data=data,
            return_response=response,
        )
        return result.get("response") or {}

    async def follow(self, event_type: str) -> list[Json]:
        """Subscribe to events; they are appended to the returned list while the socket is open."""
        return await (await self._open()).subscribe("subscribe_events", event_type=event_type)

    async def _open(self) -> Socket:
        if self._socket is None or self._socket.closed:
            self._socket = await Socket.open(self._session, self.url, self.token)
        return self._socket


class Socket:
    """One WebSocket connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last_id = 0
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._events: dict[int, list[Json]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, session: aiohttp.ClientSession, url: str, token: str) -> Self:
        """Connect and authenticate. Raises AnswerError, aiohttp.ClientError."""
        socket = await session.ws_connect(f"{url}/api/websocket", max_msg_size=0)
        await socket.receive_json()  # the authentication request
        await socket.send_json({"type": "auth", "access_token": token})
        answer = await socket.receive_json()
        if answer["type"] != "auth_ok":
            await socket.close()
            raise AnswerError("sign-in", answer["type"], answer.get("message", ""))
        return cls(socket)

    @property
    def closed(self) -> bool:
        """Return whether the connection is closed."""
        return self._reader.done()

    async def close(self) -> None:
        """Close the connection."""
        await self._socket.close()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader

    async def command(self, kind: str, **fields: Any) -> Any:  # noqa: ANN401
        """Send a command and wait for its result. Raises AnswerError."""
        _, answer = await self._send(kind, fields)
        return answer["result"]

    async def subscribe(self, kind: str, **fields: Any) -> list[Json]:  # noqa: ANN401
        """Send a command that also causes events; return the list to which they are appended."""
        events: list[Json] = []
        self._events[self._last_id + 1] = events
        await self._send(kind, fields)
        return events

    async def _send(self, kind: str, fields: Mapping[str, Any]) -> tuple[int, Json]:
        self._last_id += 1
        message_id = self._last_id
        future = self._answers[message_id] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": message_id, "type": kind, **fields})
        answer = await future
        if not answer["success"]:
            error = answer["error"]
            raise AnswerError(kind, error["code"], error["message"], error.get("translation_key"))
        return message_id, answer

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                answers = message.json()
                for answer in answers if isinstance(answers, list) else [answers]:
                    self._take(answer)
        finally:
            for future in self._answers.values():
                if not future.done():
                    future.set_exception(AnswerError("WebSocket", "closed", "no answer came"))

    def _take(self, answer: Json) -> None:
        if answer["type"] == "event":
            self._events.get(answer["id"], []).append(answer["event"])
        elif (future := self._answers.pop(answer["id"], None)) is not None and not future.done():
            future.set_result(answer)
