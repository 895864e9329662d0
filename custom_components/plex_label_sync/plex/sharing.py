"""Read from plex.tv whom the server is shared with, through plexapi. Read-only.

Everything here blocks, so call it from a thread. `shares` parses the answers.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
import time
from typing import TYPE_CHECKING, Any, Final, Self

from ..sharing.model import Access, Account, Answer, Kind, Reason, SharingError
from .shares import (
    UNREAD_ROW,
    Listed,
    accounts_of,
    answer_of,
    home_rows,
    presets_of,
    shares_of,
    user_rows,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    import requests

REQUEST_TIMEOUT: Final = 8.0  # seconds without a byte
REQUESTS_WITHIN: Final = 38.0  # seconds from the first request of a check to the start of the last
REQUESTS_MAX: Final = 5  # of one check, including the retry of one of them
PRODUCT: Final = "Plex Label Sync"

_WORTH_A_SECOND_TRY: Final = frozenset(
    {Reason.CANNOT_CONNECT, Reason.TIMEOUT, Reason.NOT_UNDERSTOOD}
)
NOT_FOUND: Final = 404
FORBIDDEN: Final = 403
GONE: Final = 410
TOO_MANY: Final = 429
ERRORS_FROM: Final = 400
SERVER_ERRORS_FROM: Final = 500


class ChangeRefusedError(RuntimeError):
    """Raised for any request to plex.tv other than a GET; it was not sent."""


@dataclass(slots=True)
class PlexTvSharing:
    """Reads who has access to what. Its methods block and must not run concurrently.

    `old_routes_gone` is set once plex.tv has removed the older of its two interfaces.
    """

    token: str
    client_id: str
    machine_id: str
    request_timeout: float = REQUEST_TIMEOUT
    requests_within: float = REQUESTS_WITHIN
    old_routes_gone: bool = False

    def read(self) -> Answer:
        """Return plex.tv's answer, with at most `REQUESTS_MAX` requests. Raises SharingError."""
        with _Visit(self) as visit:
            owner, plex_pass = visit.owner()
            if not self.old_routes_gone:
                with suppress(_GoneError):
                    return self._by_old_routes(visit, owner, plex_pass)
                self.old_routes_gone = True
            return self._by_new_routes(visit, owner, plex_pass)

    def _by_old_routes(self, visit: "_Visit", owner: Account, plex_pass: bool | None) -> Answer:
        users = visit.xml(visit.users_url)
        shares = visit.xml(visit.shares_url(self.machine_id), of_server=True)
        presets = visit.optional(lambda: _presets_by_either(visit))
        listed = accounts_of(users, shares, self.machine_id)
        answer = answer_of(owner, listed.accounts, presets, plex_pass)
        return replace(answer, unlisted=listed.unlisted - {owner.id})

    def _by_new_routes(self, visit: "_Visit", owner: Account, plex_pass: bool | None) -> Answer:
        try:
            accepted = visit.shares("accepted", self.machine_id, Access.SHARED)
            presets = visit.optional(lambda: presets_of(home_rows(visit.json("home/users"))))
            # Invitations come last: they matter least if a retry has used up the requests.
            pending = visit.optional(
                lambda: visit.shares("pending", self.machine_id, Access.INVITED)
            )
        except _GoneError:
            raise SharingError(Reason.GONE) from None
        invited = pending or Listed((), UNREAD_ROW)
        answer = answer_of(owner, (*accepted.accounts, *invited.accounts), presets, plex_pass)
        return replace(answer, unlisted=accepted.unlisted | invited.unlisted)


def _presets_by_either(visit: "_Visit") -> dict[str, tuple[str, str]]:
    try:
        return presets_of(user_rows(visit.xml(visit.home_url)))
    except _GoneError:
        return presets_of(home_rows(visit.json("home/users")))


class _GoneError(Exception):
    """A route no longer exists."""


class _Visit:
    """One check: counts its requests, retries one of them, and allows only GET."""

    def __init__(self, access: PlexTvSharing) -> None:
        from plexapi import myplex  # noqa: PLC0415 - slow to import, and needed for checks only
        import requests  # noqa: PLC0415

        account: Any = myplex.MyPlexAccount  # plexapi has no types
        user: Any = myplex.MyPlexUser
        self._new_account = account
        self._account: Any = None
        self._access = access
        self._base = str(account.key).removesuffix("/user")
        self.users_url = str(user.key)
        self.home_url = str(account.HOMEUSERS)
        self._shares_url = str(account.FRIENDINVITE)
        self._names = {
            "X-Plex-Client-Identifier": access.client_id,
            "X-Plex-Product": PRODUCT,
            "X-Plex-Device": "Home Assistant",
            "X-Plex-Device-Name": "Home Assistant",
            "X-Plex-Token": access.token,
        }
        self._session = _read_only_session(requests)
        self._session.auth = self._add_client_headers  # else requests would look for a netrc file
        self._session.hooks["response"].append(self._seen)
        self._ends = time.monotonic() + access.requests_within
        self._requests = 0
        self._second_tries = 1
        self._status = 0
        self._retry_after: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def _add_client_headers(
        self, request: "requests.PreparedRequest"
    ) -> "requests.PreparedRequest":
        """Replace plexapi's shared headers with the integration's own, including the token."""
        request.headers.update(self._names)
        return request

    def _seen(self, response: "requests.Response", *_: object, **__: object) -> None:
        """Keep the status and the retry time, which plexapi's exceptions lack."""
        self._status = response.status_code
        self._retry_after = _seconds(response.headers.get("Retry-After"))

    def shares_url(self, machine_id: str) -> str:
        """Return the older interface's URL for the shared libraries."""
        return self._shares_url.format(machineId=machine_id)

    def owner(self) -> tuple[Account, bool | None]:
        """Return the token's account, and whether it has Plex Pass. Raises SharingError."""

        def sign_in() -> Any:  # noqa: ANN401
            account = self._new_account(
                token=self._access.token,
                session=self._session,
                timeout=self._access.request_timeout,
            )
            # An empty answer leaves an account without any attribute.
            if not account.id:
                raise ValueError("no id")
            return account

        try:
            account = self._with_retry(sign_in)
        except _GoneError:
            raise SharingError(Reason.GONE) from None
        self._account = account
        return (
            Account(
                id=str(account.id),
                kind=Kind.OWNER,
                title=str(account.title or account.username or ""),
                username=str(account.username or ""),
                uuid=str(account.uuid or ""),
                libraries=None,
            ),
            account.subscriptionActive,
        )

    def xml(self, url: str, *, of_server: bool = False) -> "Element":
        """Return the container of an old route. Raises SharingError, _GoneError."""

        def request() -> Any:  # noqa: ANN401
            root = self._account.query(url)
            if root is None or root.tag != "MediaContainer":
                raise ValueError("no container")
            if max(int(root.get(name) or 0) for name in ("size", "totalSize")) > len(root):
                raise ValueError("rows are missing")
            return root

        found: Element = self._with_retry(request, of_server=of_server)
        return found

    def json(self, path: str) -> object:
        """Return the answer of a new route. Raises SharingError, _GoneError."""

        def request() -> object:
            found = self._account.query(
                f"{self._base}/{path}", headers={"Accept": "application/json"}
            )
            if not isinstance(found, list | dict):
                raise TypeError("no JSON")
            return found

        return self._with_retry(request)

    def shares(self, state: str, machine_id: str, access: Access) -> Listed:
        """Return the accepted or pending shares of a server. Raises SharingError, _GoneError."""
        return shares_of(self.json(f"shared_servers/owned/{state}"), machine_id, access)

    def optional[T](self, read: Callable[[], T]) -> T | None:
        """Return an optional answer, None when it could not be read. Raises SharingError.

        A rate limit ends the check. The token is not at fault: the other routes accepted it.
        """
        try:
            return read()
        except _GoneError:
            return None
        except SharingError as err:
            if err.reason is Reason.RATE_LIMITED:
                raise
            return None

    def _with_retry[T](self, request: Callable[[], T], *, of_server: bool = False) -> T:
        """Return the answer to a request; one retry is shared by all requests."""
        while True:
            try:
                return self._once(request, of_server=of_server)
            except SharingError as err:
                if err.reason not in _WORTH_A_SECOND_TRY or not self._second_tries:
                    raise
                if self._requests >= REQUESTS_MAX or time.monotonic() > self._ends:
                    raise
                self._second_tries -= 1

    def _once[T](self, request: Callable[[], T], *, of_server: bool) -> T:
        """Send a request and reduce any failure to a Reason; plexapi's errors quote answers."""
        from plexapi.exceptions import PlexApiException  # noqa: PLC0415 - see above
        import requests  # noqa: PLC0415

        if self._requests >= REQUESTS_MAX or time.monotonic() > self._ends:
            raise SharingError(Reason.TIMEOUT)
        self._requests += 1
        self._status, self._retry_after = 0, None
        try:
            return request()
        except requests.Timeout:
            raise SharingError(Reason.TIMEOUT) from None
        except requests.TooManyRedirects:
            raise SharingError(Reason.NOT_UNDERSTOOD) from None
        except requests.RequestException:
            reason = Reason.CANNOT_CONNECT
        except (
            PlexApiException,
            SyntaxError,  # malformed XML
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
        ):
            reason = Reason.NOT_UNDERSTOOD
        if self._status == GONE:
            raise _GoneError
        if self._status >= ERRORS_FROM:
            reason = _reason(self._status, of_server=of_server)
        raise SharingError(reason, retry_after=self._retry_after)


def _read_only_session(module: Any) -> "requests.Session":  # noqa: ANN401 - imported late
    """Return a session that sends only GET and follows no redirects, because it carries a token."""
    base: Any = module.Session

    class ReadOnlySession(base):  # type: ignore[misc]
        def send(self, request: "requests.PreparedRequest", **options: Any) -> Any:  # noqa: ANN401
            if request.method != "GET":
                raise ChangeRefusedError(f"{request.method} is not allowed at plex.tv")
            return super().send(request, **options)

    session: requests.Session = ReadOnlySession()
    session.max_redirects = 0
    return session


def _reason(status: int, *, of_server: bool) -> Reason:
    if status == TOO_MANY:
        return Reason.RATE_LIMITED
    if status >= SERVER_ERRORS_FROM:
        return Reason.CANNOT_CONNECT
    if of_server and status in {FORBIDDEN, NOT_FOUND}:
        return Reason.NOT_OWNER
    return Reason.NOT_UNDERSTOOD if status == NOT_FOUND else Reason.REFUSED


def _seconds(text: str | None) -> float | None:
    """Return the time to wait in seconds, from a number of seconds or a date."""
    if not text:
        return None
    with suppress(ValueError):
        return max(0.0, float(text))
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    return None
