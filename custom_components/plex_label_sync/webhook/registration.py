"""Registers our webhook in Pulsarr, keeps it right, and takes it out again."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
import re
from typing import Final
from urllib.parse import urlsplit

from ..const import WEBHOOK_SECRET_HEADER
from ..pulsarr.client import PulsarrClient
from ..pulsarr.endpoints import Endpoint, EndpointSettings, TestResult
from ..pulsarr.payloads import WANTED_EVENTS
from ..sync.failures import FAILURES
from ..sync.model import Failure, ServiceError
from .urls import Address

HTTP_OK: Final = 200
SAID_MAX: Final = 80  # characters of Pulsarr's own words about a failed test
_WEBHOOK_PATH: Final = "/api/webhook/"
_WEBHOOK_ID: Final = re.compile(r"[0-9a-f]{64}")


class RegistrationStatus(StrEnum):
    """Whether Pulsarr sends us its events."""

    REGISTERED = "registered"
    TOO_OLD = "too_old"


@dataclass(frozen=True, slots=True)
class RegistrationResult:
    """What a reconciliation came to; `changed` when Pulsarr had to be told something."""

    status: RegistrationStatus
    endpoint_id: int | None = None
    changed: bool = False
    url: str | None = field(default=None, repr=False, compare=False)  # what Pulsarr calls


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of trying an address; `said` is for a person and holds no secret."""

    address: Address
    reached: bool
    said: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The addresses that were tried. `reached` is the first that works, None if none does.

    `conclusive` is False when Pulsarr could not be made to try them.
    """

    attempts: tuple[Attempt, ...] = ()
    reached: Address | None = None
    conclusive: bool = field(default=True, kw_only=True)


async def async_find_way(
    client: PulsarrClient, ways: Iterable[Address], secret: str, heard: Callable[[], int]
) -> Finding:
    """Have Pulsarr call us under one address after the other, until a call arrives here.

    `heard` counts the test events that our webhook has taken in: that something answers is not
    enough, because proxies answer for others and Home Assistant answers 200 to unknown webhooks.

    Raises ServiceError when Pulsarr itself cannot be asked.
    """
    attempts: list[Attempt] = []
    for way in ways:
        before = heard()
        try:
            result = await client.test_endpoint(way.url, WEBHOOK_SECRET_HEADER, secret)
        except ServiceError as err:
            # There may be a limit for tests alone. After anything else Pulsarr answers, but not
            # about the test: a version without it, or a fault of its own.
            if FAILURES[err.failure].ends_run and err.failure is not Failure.RATE_LIMITED:
                raise
            return Finding(tuple(attempts), conclusive=False)
        if heard() > before:
            attempts.append(Attempt(way, reached=True, said="reached"))
            return Finding(tuple(attempts), way)
        attempts.append(Attempt(way, reached=False, said=_said(result, way, secret)))
    return Finding(tuple(attempts))


def _said(result: TestResult, way: Address, secret: str) -> str:
    """Return why a test failed, in one short line without secrets."""
    if result.status == HTTP_OK:
        return "HTTP 200, but from something else than this Home Assistant"
    if result.status is not None:
        return f"HTTP {result.status}"
    words = re.sub(r"[^\w .,:;/'()-]", "", result.error or "")[:SAID_MAX].strip()
    parts = urlsplit(way.url)
    hidden = {secret, parts.password or secret, *parts.path.split("/")} - {""}
    if not words or any(one in (result.error or "") for one in hidden):
        return "no answer"
    return f"no answer ({words})"


async def async_reconcile(
    client: PulsarrClient,
    *,
    name: str,
    url: str,
    secret: str,
    webhook_id: str,
    also_right: Collection[str] = (),
    is_leftover: Callable[[EndpointSettings], bool] = lambda _: False,
) -> RegistrationResult:
    """Make Pulsarr send the events that we want to `url`, once each.

    Ours is every endpoint whose address ends in the webhook id: one is kept and corrected where it
    differs, others of ours and leftovers are deleted, and nobody else's is touched. One of ours
    under an address that is `also_right` is left as it is. The name is only used for a new one,
    so that a person can rename it. Doing it again changes nothing.

    Raises ServiceError; what was done by then stays, and the next call continues.
    """
    known = await client.event_types()
    events = WANTED_EVENTS.intersection(known or ())
    if not events:
        return RegistrationResult(RegistrationStatus.TOO_OLD)
    wanted = EndpointSettings(name, url, WEBHOOK_SECRET_HEADER, secret, events)
    present = await client.endpoints()
    ours = [one for one in present if _is_ours(one, webhook_id)]
    right = [one for one in ours if one.settings == replace(wanted, name=one.settings.name)] or [
        one
        for one in ours
        if one.settings.url in also_right
        and one.settings == replace(wanted, name=one.settings.name, url=one.settings.url)
    ]
    if right:
        kept, changed = right[0], False
    else:
        kept, changed = await _write(client, wanted, ours[:1]), True
    surplus = [*ours, *(one for one in present if one not in ours and is_leftover(one.settings))]
    for one in surplus:
        if one.id != kept.id:
            await client.delete_endpoint(one.id)
            changed = True
    return RegistrationResult(RegistrationStatus.REGISTERED, kept.id, changed, kept.settings.url)


def is_dead(settings: EndpointSettings, way: Address, known_ids: Collection[str]) -> bool:
    """Whether an endpoint was left behind by an entry that this Home Assistant no longer has.

    `way` must be an address under which Pulsarr was seen to reach us: then whatever else it sends
    to the same place arrives here as well, and nobody here knows the id. Under a mere guess it
    might be another Home Assistant's, for machines in containers all believe in the same address.
    """
    base = way.url.rpartition(_WEBHOOK_PATH)[0] + _WEBHOOK_PATH
    webhook_id = settings.url.removeprefix(base).rstrip("/")
    return (
        settings.header == WEBHOOK_SECRET_HEADER
        and settings.url.startswith(base)
        and _WEBHOOK_ID.fullmatch(webhook_id) is not None
        and webhook_id not in known_ids
    )


async def _write(
    client: PulsarrClient, wanted: EndpointSettings, present: list[Endpoint]
) -> Endpoint:
    """Correct the endpoint that is there; create one if there is none, or none any more."""
    for endpoint in present:
        try:
            return await client.update_endpoint(
                endpoint.id, replace(wanted, name=endpoint.settings.name or wanted.name)
            )
        except ServiceError as err:
            if err.failure is not Failure.NOT_FOUND:
                raise
    return await client.create_endpoint(wanted)


async def async_remove(client: PulsarrClient, webhook_id: str) -> None:
    """Delete every endpoint of ours; a Pulsarr that is too old for webhooks has none.

    Raises ServiceError when Pulsarr cannot be asked.
    """
    try:
        present = await client.endpoints()
    except ServiceError as err:
        if err.failure is not Failure.NOT_FOUND:
            raise
        return
    for endpoint in present:
        if _is_ours(endpoint, webhook_id):
            await client.delete_endpoint(endpoint.id)


def _is_ours(endpoint: Endpoint, webhook_id: str) -> bool:
    """Whether an endpoint's address ends in our webhook id."""
    try:
        path = urlsplit(endpoint.settings.url).path
    except ValueError:
        return False
    return path.rstrip("/").endswith(f"/{webhook_id}")
