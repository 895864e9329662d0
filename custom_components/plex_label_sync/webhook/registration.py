"""Register, correct and delete the webhook in Pulsarr."""

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
DETAIL_MAX: Final = 80  # characters of Pulsarr's message about a failed test
_WEBHOOK_PATH: Final = "/api/webhook/"
_WEBHOOK_ID: Final = re.compile(r"[0-9a-f]{64}")


class RegistrationStatus(StrEnum):
    """Whether Pulsarr sends its events to the webhook."""

    REGISTERED = "registered"
    TOO_OLD = "too_old"


@dataclass(frozen=True, slots=True)
class RegistrationResult:
    """The result of a reconciliation; `changed` means that Pulsarr was modified."""

    status: RegistrationStatus
    endpoint_id: int | None = None
    changed: bool = False
    url: str | None = field(default=None, repr=False, compare=False)  # the URL that Pulsarr calls


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of testing an address; `detail` is a readable message without secrets."""

    address: Address
    reached: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The tested addresses; `reached` is the first that works, None if none does.

    `conclusive` is False when Pulsarr did not carry out the tests.
    """

    attempts: tuple[Attempt, ...] = ()
    reached: Address | None = None
    conclusive: bool = field(default=True, kw_only=True)


async def async_find_address(
    client: PulsarrClient, addresses: Iterable[Address], secret: str, count_tests: Callable[[], int]
) -> Finding:
    """Have Pulsarr test one address after the other until a call arrives at the webhook.

    `count_tests` returns the number of test events that the webhook has received: a response alone is
    not enough, as proxies respond for others and Home Assistant returns 200 for unknown webhooks.

    Raises ServiceError when Pulsarr itself is unavailable.
    """
    attempts: list[Attempt] = []
    for address in addresses:
        before = count_tests()
        try:
            result = await client.test_endpoint(address.url, WEBHOOK_SECRET_HEADER, secret)
        except ServiceError as err:
            # Tests may have a rate limit of their own. With other failures Pulsarr responds, but
            # cannot test: its version does not support it, or it has an internal error.
            if FAILURES[err.failure].ends_run and err.failure is not Failure.RATE_LIMITED:
                raise
            return Finding(tuple(attempts), conclusive=False)
        if count_tests() > before:
            attempts.append(Attempt(address, reached=True, detail="reached"))
            return Finding(tuple(attempts), address)
        attempts.append(Attempt(address, reached=False, detail=_detail(result, address, secret)))
    return Finding(tuple(attempts))


def _detail(result: TestResult, address: Address, secret: str) -> str:
    """Return why a test failed as one short line without secrets."""
    if result.status == HTTP_OK:
        return "HTTP 200, but from something else than this Home Assistant"
    if result.status is not None:
        return f"HTTP {result.status}"
    words = re.sub(r"[^\w .,:;/'()-]", "", result.error or "")[:DETAIL_MAX].strip()
    parts = urlsplit(address.url)
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
    """Make Pulsarr send each wanted event to `url` exactly once.

    An endpoint whose URL ends in the webhook id belongs to this entry: one is kept and corrected
    if it differs, the others and leftovers are deleted, and foreign endpoints are not touched. An
    own endpoint with a URL in `also_right` is kept unchanged. The name is only used for a new
    endpoint, so that the user can rename it. The operation is idempotent.

    Raises ServiceError; completed changes stay, and the next call continues.
    """
    known = await client.event_types()
    events = WANTED_EVENTS.intersection(known or ())
    if not events:
        return RegistrationResult(RegistrationStatus.TOO_OLD)
    wanted = EndpointSettings(name, url, WEBHOOK_SECRET_HEADER, secret, events)
    present = await client.endpoints()
    own = [one for one in present if _is_own(one, webhook_id)]
    right = [one for one in own if one.settings == replace(wanted, name=one.settings.name)] or [
        one
        for one in own
        if one.settings.url in also_right
        and one.settings == replace(wanted, name=one.settings.name, url=one.settings.url)
    ]
    if right:
        kept, changed = right[0], False
    else:
        kept, changed = await _write(client, wanted, own[:1]), True
    surplus = [*own, *(one for one in present if one not in own and is_leftover(one.settings))]
    for one in surplus:
        if one.id != kept.id:
            await client.delete_endpoint(one.id)
            changed = True
    return RegistrationResult(RegistrationStatus.REGISTERED, kept.id, changed, kept.settings.url)


def is_dead(settings: EndpointSettings, address: Address, known_ids: Collection[str]) -> bool:
    """Return whether an endpoint was left behind by a removed entry of this Home Assistant.

    `address` must be an address at which Pulsarr has verifiably reached this Home Assistant: any other
    endpoint there arrives here as well, and its id is unknown. An unverified address may belong to
    another Home Assistant, since containers often use the same internal addresses.
    """
    base = address.url.rpartition(_WEBHOOK_PATH)[0] + _WEBHOOK_PATH
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
    """Correct the existing endpoint, or create one if there is none or it was just deleted."""
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
    """Delete the entry's endpoints; a Pulsarr version without webhooks has none.

    Raises ServiceError when Pulsarr is unavailable.
    """
    try:
        present = await client.endpoints()
    except ServiceError as err:
        if err.failure is not Failure.NOT_FOUND:
            raise
        return
    for endpoint in present:
        if _is_own(endpoint, webhook_id):
            await client.delete_endpoint(endpoint.id)


def _is_own(endpoint: Endpoint, webhook_id: str) -> bool:
    """Return whether an endpoint's URL ends in the webhook id."""
    try:
        path = urlsplit(endpoint.settings.url).path
    except ValueError:
        return False
    return path.rstrip("/").endswith(f"/{webhook_id}")
