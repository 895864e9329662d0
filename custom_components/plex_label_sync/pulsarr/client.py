"""Requests to one Pulsarr: its users, their watchlists and its webhooks."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import aiohttp
import orjson

from .. import transport
from ..probe.ports import RequestCounter
from ..request_statistics import Statistics
from ..server_urls import normalize_url as base_url, without_page
from ..sync.failures import FAILURES
from ..sync.model import ROW, Failure, Gap, GapKind, Person, Service, ServiceError, Title
from ..sync.person_id import PersonId, own_id
from . import answers
from .endpoints import Endpoint, EndpointSettings, TestResult
from .limits import USUAL, PulsarrLimits
from .prober import PulsarrProber

_API: Final = "/v1"
_USERS: Final = "/v1/users/users/list"  # the doubled segment is Pulsarr's
_USERS_WITH_COUNTS: Final = "/v1/users/users/list/with-counts"
_WATCHLIST: Final = "/v1/users/{id}/watchlist"
_VERSION: Final = "/v1/system/update-status"
_CONFIG: Final = "/v1/config"
_EVENT_TYPES: Final = "/v1/webhooks/event-types"
_ENDPOINTS: Final = "/v1/webhooks/endpoints"
_ENDPOINT: Final = "/v1/webhooks/endpoints/{id}"
_ENDPOINT_TEST: Final = "/v1/webhooks/endpoints/test"


def normalize_url(url: str) -> str:
    """Return Pulsarr's base URL: with its base path, without `/v1` or a page of its web interface.

    Raises ValueError for anything but an http or https address.
    """
    base = without_page(base_url(url), "app")
    return base if base.endswith(f"/{_API}") else base.removesuffix(_API).rstrip("/")


class PulsarrClient:
    """One Pulsarr, accessed with one API key.

    Every method raises ServiceError: INVALID_AUTH when the key is refused, WRONG_SERVICE when
    something else answers, IMPLAUSIBLE for an answer that cannot be true, and the network's
    failures. Reads are retried after passing failures, writes are not.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        api_key: str,
        *,
        sleep: transport.Sleep = asyncio.sleep,
        limits: PulsarrLimits = USUAL,
    ) -> None:
        """Initialize; without a key, only a Pulsarr with authentication off answers.

        Raises ValueError for anything but an http or https address.
        """
        key = api_key.strip()
        # Pulsarr treats an empty header as no key, and a header cannot contain line breaks.
        headers = {"X-API-Key": key} if key and key.isprintable() else {}
        self.limits = limits
        self._key_is_usable = key.isprintable()
        self._watchlists: dict[PersonId, transport.LastAnswer[answers.Watchlist]] = {}
        self._names: dict[PersonId, str] = {}  # names for messages about unreadable watchlists
        self._transport = transport.Transport(
            session,
            Service.PULSARR,
            normalize_url(url),
            {"Accept": "application/json", **headers},
            limit=limits.requests_max,
            sleep=sleep,
            retries=limits.retries,
        )

    @property
    def url(self) -> str:
        """The base URL."""
        return self._transport.url

    @property
    def statistics(self) -> Statistics:
        """Request counts so far."""
        return self._transport.statistics

    def prober(self, counter: RequestCounter) -> PulsarrProber:
        """Return a prober for the same Pulsarr that counts each request."""
        return PulsarrProber(self._transport, counter)

    async def check(self) -> None:
        """Verify that a Pulsarr answers at this address and accepts the key, without retries.

        Raises ServiceError.
        """
        await self._people(seconds=self.limits.probe_timeout, tries=1)

    async def people(
        self, *, tries: int = 3, on_gap: Callable[[Gap], object] | None = None
    ) -> tuple[Person, ...]:
        """Return all Pulsarr users, including those whose sync is off.

        Unreadable rows are left out and reported to `on_gap`: the list is then incomplete. Raises
        ServiceError with UNREADABLE when Pulsarr runs but cannot read its list.
        """
        try:
            answer = await self._people(tries=tries)
        except ServiceError as err:
            if not _failed_inside(err) or not await self._runs():
                raise
            detail = "its list of users; the row of one of them is damaged"
            raise _damaged(err, detail) from None
        people = answer.users
        if on_gap is not None:
            for name in answer.unreadable:
                on_gap(Gap(GapKind.PERSON, f"{ROW}{name}", name, Failure.IMPLAUSIBLE))
        self._names = {person.id: person.username for person in people}
        self._watchlists = {
            key: last for key, last in self._watchlists.items() if key in self._names
        }
        return people

    async def _runs(self) -> bool:
        """Return whether Pulsarr answers anything else, so that it is neither busy nor starting."""
        try:
            await self._get_if_there(_VERSION, answers.version, tries=1)
        except ServiceError:
            return False
        return True

    async def _people(self, *, seconds: float | None = None, tries: int = 3) -> answers.People:
        try:
            return await self._get(_USERS_WITH_COUNTS, answers.people, seconds=seconds, tries=tries)
        except ServiceError as err:
            if err.failure is not Failure.NOT_FOUND and not _failed_inside(err):
                raise
            first = err
        try:
            # It may still answer without the counts.
            return await self._get(
                _USERS, answers.people, seconds=seconds, tries=1 if _failed_inside(first) else tries
            )
        except ServiceError as err:
            if _failed_inside(first):
                raise first from None
            # Every Pulsarr has this list.
            raise _renamed(err, {Failure.NOT_FOUND: Failure.WRONG_SERVICE}) from None

    async def watchlist(
        self,
        person_id: PersonId,
        *,
        tries: int = 3,
        on_gap: Callable[[Gap], object] | None = None,
    ) -> tuple[Title, ...]:
        """Return everything on one person's watchlist, the same object while it is unchanged.

        The number of unreadable rows is reported to `on_gap`, or raises without it.

        Raises ServiceError with NOT_FOUND when the person no longer exists, with UNREADABLE when
        Pulsarr cannot read the list: one bad row is enough, and it stays so until it is repaired.
        """
        try:
            answer = await self._get(
                _WATCHLIST,
                lambda answer: answers.watchlist(answer, person_id),
                number=own_id(person_id),
                tries=tries,
                last=self._watchlists.setdefault(person_id, transport.LastAnswer()),
            )
        except ServiceError as err:
            if not _failed_inside(err):
                raise
            detail = f"the watchlist of {self._name_of(person_id)}; a title on it is damaged"
            raise _damaged(err, detail) from None
        if rows := answer.unreadable:
            if on_gap is None:
                detail = f"the watchlist of {self._name_of(person_id)} has unreadable rows: {rows}"
                raise ServiceError(Service.PULSARR, Failure.IMPLAUSIBLE, detail)
            name = self._names.get(person_id) or own_id(person_id)
            on_gap(Gap(GapKind.PERSON, person_id, name, Failure.IMPLAUSIBLE, rows))
        return answer.titles

    def _name_of(self, person_id: PersonId) -> str:
        """Return the user's name and id, for messages."""
        name = self._names.get(person_id, "")
        user = f"user {own_id(person_id)}"
        return f"{name} ({user})" if name else user

    async def version(self) -> str | None:
        """Return Pulsarr's version, None if it is not stated (older versions)."""
        return await self._get_if_there(_VERSION, answers.version)

    async def labels_itself(self) -> bool | None:
        """Return whether Pulsarr's own label sync is on, None if unknown.

        The answer contains all of Pulsarr's settings with its credentials; nothing else of it is
        kept.
        """
        try:
            return await self._get(_CONFIG, answers.label_sync_is_on)
        except ServiceError as err:
            if FAILURES[err.failure].no_answer:
                raise
            return None  # another version, or a key without access

    async def event_types(self) -> frozenset[str] | None:
        """Return the events that Pulsarr can send, None when it is too old for webhooks."""
        return await self._get_if_there(_EVENT_TYPES, answers.event_types)

    async def endpoints(self) -> tuple[Endpoint, ...]:
        """Return all webhook endpoints, oldest first, including those of other programs."""
        return await self._get(_ENDPOINTS, answers.endpoints)

    async def create_endpoint(self, settings: EndpointSettings) -> Endpoint:
        """Register an endpoint; Pulsarr refuses unknown events (REJECTED)."""
        return await self._write("POST", _ENDPOINTS, answers.endpoint, body=_body(settings))

    async def update_endpoint(self, endpoint_id: int, settings: EndpointSettings) -> Endpoint:
        """Replace an endpoint's settings. Raises ServiceError, NOT_FOUND if it does not exist."""
        return await self._write(
            "PUT", _ENDPOINT, answers.endpoint, number=endpoint_id, body=_body(settings)
        )

    async def delete_endpoint(self, endpoint_id: int) -> None:
        """Delete an endpoint; one that no longer exists is not an error."""
        try:
            await self._write("DELETE", _ENDPOINT, answers.envelope, number=endpoint_id)
        except ServiceError as err:
            if err.failure is not Failure.NOT_FOUND:
                raise

    async def test_endpoint(self, url: str, header: str, secret: str) -> TestResult:
        """Have Pulsarr send its `test` event to an address, and return the result."""
        body = {"url": url, "authHeaderName": header, "authHeaderValue": secret}
        return await self._write("POST", _ENDPOINT_TEST, answers.test_result, body=body)

    async def _get[T](
        self,
        template: str,
        convert: Callable[[object], T],
        *,
        number: int | str | None = None,
        seconds: float | None = None,
        tries: int = 3,
        last: transport.LastAnswer[T] | None = None,
    ) -> T:
        self._require_usable_key()
        understand = _understanding(f"GET {template}", convert)
        path, timeout = template.format(id=number), seconds or self.limits.read_timeout
        try:
            return await self._transport.read(
                path, understand, seconds=timeout, tries=tries, last=last
            )
        except ServiceError as err:
            raise _renamed(err, {Failure.FORBIDDEN: Failure.INVALID_AUTH}) from None

    async def _get_if_there[T](
        self, template: str, convert: Callable[[object], T], *, tries: int = 3
    ) -> T | None:
        try:
            return await self._get(template, convert, tries=tries)
        except ServiceError as err:
            if err.failure is not Failure.NOT_FOUND:
                raise
            return None

    async def _write[T](
        self,
        method: str,
        template: str,
        convert: Callable[[object], T],
        *,
        number: int | str | None = None,
        body: Mapping[str, object] | None = None,
    ) -> T:
        """Send a change once. Without `body`, no JSON content type is sent: Fastify refuses it."""
        self._require_usable_key()
        understand = _understanding(f"{method} {template}", convert)
        try:
            answer = await self._transport.send(
                method,
                template.format(id=number),
                json=body,
                seconds=self.limits.read_timeout,
                tries=1,
            )
        except ServiceError as err:
            raise _renamed(err, {Failure.FORBIDDEN: Failure.INVALID_AUTH}) from None
        try:
            document = orjson.loads(answer.body)
        except ValueError:
            document = None  # not from Pulsarr
        return understand(document)

    def _require_usable_key(self) -> None:
        if not self._key_is_usable:
            raise ServiceError(
                Service.PULSARR,
                Failure.INVALID_AUTH,
                "the API key contains characters that are not allowed in a header",
            )


def _understanding[T](request: str, convert: Callable[[object], T]) -> Callable[[object], T]:
    """Return `convert` with its errors turned into a ServiceError that names the request."""

    def understand(document: object) -> T:
        try:
            return convert(document)
        except answers.UnusableAnswerError as err:
            raise ServiceError(
                Service.PULSARR, err.failure, f"{request} gave an unusable answer: {err}"
            ) from None

    return understand


def _failed_inside(err: ServiceError) -> bool:
    """Return whether Pulsarr reported an internal error, most likely about its stored data."""
    return err.status == HTTPStatus.INTERNAL_SERVER_ERROR


def _damaged(err: ServiceError, what: str) -> ServiceError:
    return ServiceError(err.service, Failure.UNREADABLE, what, status=err.status)


def _renamed(err: ServiceError, names: Mapping[Failure, Failure]) -> ServiceError:
    """Return the same error with the failure that callers of this client expect."""
    return ServiceError(
        err.service,
        names.get(err.failure, err.failure),
        err.detail,
        status=err.status,
        retry_after=err.retry_after,
    )


def _body(settings: EndpointSettings) -> dict[str, object]:
    return {
        "name": settings.name,
        "url": settings.url,
        "authHeaderName": settings.header,
        "authHeaderValue": settings.secret,
        "eventTypes": sorted(settings.events),
        "enabled": settings.enabled,
    }
