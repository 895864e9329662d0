"""Webhook delivery as Pulsarr does it: one attempt, with a timeout, a few in parallel."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import asdict, dataclass
import json
import time
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from .payloads import envelope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .knobs import PulsarrKnobs
    from .records import Endpoint

DELIVERIES_KEPT: Final = 10_000
AT_ONCE: Final = 5
OK: Final = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt to deliver one event. It does not contain header name and value."""

    event: str
    endpoint_id: int | None
    """None: a test of an address that is not registered."""
    url: str
    status: int | None
    """None: no response."""
    error: str | None
    duration_ms: float
    data: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Return whether the receiver answered with any 2xx."""
        return self.status is not None and self.status in OK

    def as_json(self) -> dict[str, Any]:
        """Return all fields as plain data."""
        return asdict(self)


class Courier:
    """Posts events to addresses and keeps a list of the results."""

    def __init__(self, knobs: PulsarrKnobs) -> None:
        """Initialize with the knobs: version, timeout and number of parallel calls."""
        self._knobs = knobs
        self._session: aiohttp.ClientSession | None = None
        self.deliveries: deque[Delivery] = deque(maxlen=DELIVERIES_KEPT)

    async def start(self) -> None:
        """Open the HTTP session."""
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def stop(self) -> None:
        """Close the HTTP session and cut off deliveries in progress."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send_all(
        self, endpoints: Iterable[Endpoint], event: str, data: Mapping[str, Any], moment: str
    ) -> list[Delivery]:
        """Deliver one event to these endpoints, a few at a time; return one result per endpoint."""
        turnstile = asyncio.Semaphore(AT_ONCE)

        async def send(endpoint: Endpoint) -> Delivery:
            async with turnstile:
                return await self.send(endpoint, event, data, moment)

        return list(await asyncio.gather(*(send(endpoint) for endpoint in endpoints)))

    async def send(
        self, endpoint: Endpoint, event: str, data: Mapping[str, Any], moment: str
    ) -> Delivery:
        """Deliver one event to one endpoint."""
        return await self.post(
            endpoint.url,
            event,
            data,
            moment,
            header=(endpoint.auth_header_name, endpoint.auth_header_value),
            endpoint_id=endpoint.id,
        )

    async def post(
        self,
        url: str,
        event: str,
        data: Mapping[str, Any],
        moment: str,
        *,
        header: tuple[str | None, str | None] = (None, None),
        endpoint_id: int | None = None,
    ) -> Delivery:
        """Post one event; the header is sent only if both its name and its value are set."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"Pulsarr/{self._knobs.version} (+https://github.com/jamcalli/Pulsarr)",
        }
        name, value = header
        if name and value:
            headers[name] = value
        started = time.monotonic()
        status, error = await self._call(url, envelope(event, data, moment), headers)
        delivery = Delivery(
            event=event,
            endpoint_id=endpoint_id,
            url=url,
            status=status,
            error=error,
            duration_ms=round((time.monotonic() - started) * 1000, 1),
            data=dict(data),
        )
        self.deliveries.append(delivery)
        return delivery

    async def post_plain(self, url: str, payload: object) -> int:
        """Post any JSON as an arr app would, and return the status.

        Raises aiohttp.ClientError or TimeoutError.
        """
        timeout = aiohttp.ClientTimeout(total=self._knobs.delivery_timeout_s)
        async with self._open().post(url, json=payload, timeout=timeout) as answer:
            return answer.status

    async def _call(
        self, url: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> tuple[int | None, str | None]:
        timeout = aiohttp.ClientTimeout(total=self._knobs.delivery_timeout_s)
        try:
            async with self._open().post(
                url,
                data=json.dumps(body, ensure_ascii=False).encode(),
                headers=headers,
                timeout=timeout,
            ) as answer:
                if answer.status in OK:
                    return answer.status, None
                return answer.status, f"HTTP {answer.status}"
        except TimeoutError:
            return None, f"no answer within {self._knobs.delivery_timeout_s:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            return None, type(problem).__name__

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the simulator is not running")
        return self._session
