"""What plex.tv says about whom the server is shared with, by way of plexapi. Reads, and only reads.

Everything here blocks, so it belongs in a thread. The answers hold other people's tokens, the
tokens of invitations and e-mail addresses: what is taken from them is named below, one field after
the other, and these are not among it.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
import re
import time
from typing import TYPE_CHECKING, Any, Final, Self

from ..sharing.model import Access, Account, Answer, Kind, Reason, SharingError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    import requests

REQUEST_TIMEOUT: Final = 8.0  # seconds without a byte
CHECK_TIMEOUT: Final = 38.0  # seconds in which a check begins requests
REQUESTS_MAX: Final = 5  # of one check, the second try of one of them included
PRODUCT: Final = "Plex Label Sync"

_UUID: Final = re.compile(r"/users/([0-9a-fA-F]{8,64})/")
_WORTH_A_SECOND_TRY: Final = frozenset(
    {Reason.CANNOT_CONNECT, Reason.TIMEOUT, Reason.NOT_UNDERSTOOD}
)
_YES: Final = frozenset({"1", "true"})
NOT_FOUND: Final = 404
FORBIDDEN: Final = 403
GONE: Final = 410
TOO_MANY: Final = 429
ERRORS_FROM: Final = 400
SERVER_ERRORS_FROM: Final = 500


class ChangeRefusedError(RuntimeError):
    """Somebody tried to send something other than a question to plex.tv; it did not leave."""


@dataclass(slots=True)
class PlexTvSharing:
    """Reads who may see what. Methods block, and are not to be called at the same time.

    `old_routes_gone` remembers that plex.tv has taken the older of its two interfaces away.
    """

    token: str
    client_id: str
    machine_id: str
    old_routes_gone: bool = False

    def read(self) -> Answer:
        """Return what plex.tv says, with at most `REQUESTS_MAX` requests. Raises SharingError."""
        with _Visit(self.token, self.client_id) as visit:
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
        accounts = _accounts(users, shares, self.machine_id)
        return _answer(owner, accounts, presets, plex_pass)

    def _by_new_routes(self, visit: "_Visit", owner: Account, plex_pass: bool | None) -> Answer:
        try:
            accepted = _list(visit.json("shared_servers/owned/accepted"))
            presets = visit.optional(lambda: _presets(_home(visit.json("home/users"))))
            # Invitations are the least that may be missing when a second try was needed.
            pending = visit.optional(lambda: _list(visit.json("shared_servers/owned/pending")))
        except _GoneError:
            raise SharingError(Reason.GONE) from None
        accounts = (
            *_shares(accepted, self.machine_id, Access.SHARED),
            *_shares(pending or (), self.machine_id, Access.INVITED),
        )
        answer = _answer(owner, accounts, presets, plex_pass)
        return replace(answer, complete=answer.complete and pending is not None)


def _presets_by_either(visit: "_Visit") -> dict[str, tuple[str, str]]:
    try:
        return _presets(_rows_of(visit.xml(visit.home_url), "User"))
    except _GoneError:
        return _presets(_home(visit.json("home/users")))


class _GoneError(Exception):
    """A route is not there any more."""


class _Visit:
    """One check: counts its requests, gives one of them a second try, and lets only GET out."""

    def __init__(self, token: str, client_id: str) -> None:
        from plexapi import myplex  # noqa: PLC0415 - takes long, and only who checks needs it
        import requests  # noqa: PLC0415

        account: Any = myplex.MyPlexAccount  # plexapi has no types
        user: Any = myplex.MyPlexUser
        self._new_account = account
        self._account: Any = None
        self._token = token
        self._base = str(account.key).removesuffix("/user")
        self.users_url = str(user.key)
        self.home_url = str(account.HOMEUSERS)
        self._shares_url = str(account.FRIENDINVITE)
        self._names = {
            "X-Plex-Client-Identifier": client_id,
            "X-Plex-Product": PRODUCT,
            "X-Plex-Device": "Home Assistant",
            "X-Plex-Device-Name": "Home Assistant",
            "X-Plex-Token": token,
        }
        self._session = _read_only_session(requests)
        self._session.auth = self._introduce  # else it would look for a netrc of the house
        self._session.hooks["response"].append(self._seen)
        self._ends = time.monotonic() + CHECK_TIMEOUT
        self._requests = 0
        self._second_tries = 1
        self._status = 0
        self._retry_after: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def _introduce(self, request: "requests.PreparedRequest") -> "requests.PreparedRequest":
        """Put our names in the place of plexapi's, which all integrations share, and our token."""
        request.headers.update(self._names)
        return request

    def _seen(self, response: "requests.Response", *_: object, **__: object) -> None:
        """Keep what plexapi's exceptions do not tell."""
        self._status = response.status_code
        self._retry_after = _seconds(response.headers.get("Retry-After"))

    def shares_url(self, machine_id: str) -> str:
        """Return where the older interface tells which libraries are shared."""
        return self._shares_url.format(machineId=machine_id)

    def owner(self) -> tuple[Account, bool | None]:
        """Return who asks, and whether they have Plex Pass. Raises SharingError."""

        def sign_in() -> Any:  # noqa: ANN401
            return self._new_account(
                token=self._token, session=self._session, timeout=REQUEST_TIMEOUT
            )

        try:
            account = self._asked(sign_in)
        except _GoneError:
            raise SharingError(Reason.GONE) from None
        if not account.id:
            raise SharingError(Reason.NOT_UNDERSTOOD)
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

        def ask() -> Any:  # noqa: ANN401
            root = self._account.query(url)
            if root is None or root.tag != "MediaContainer":
                raise ValueError("no container")
            if int(root.get("size") or 0) > len(root):
                raise ValueError("rows are missing")
            return root

        found: Element = self._asked(ask, of_server=of_server)
        return found

    def json(self, path: str) -> object:
        """Return the answer of a new route. Raises SharingError, _GoneError."""

        def ask() -> object:
            found = self._account.query(
                f"{self._base}/{path}", headers={"Accept": "application/json"}
            )
            if not isinstance(found, list | dict):
                raise TypeError("no JSON")
            return found

        return self._asked(ask)

    def optional[T](self, read: Callable[[], T]) -> T | None:
        """Return what can do without, None when it could not be read. Raises SharingError.

        A limit on requests, and a token that is refused, end everything.
        """
        try:
            return read()
        except _GoneError:
            return None
        except SharingError as err:
            if err.reason in _WORTH_A_SECOND_TRY:
                return None
            raise

    def _asked[T](self, ask: Callable[[], T], *, of_server: bool = False) -> T:
        """Return what a question is answered with, once with a second try for all of them."""
        while True:
            try:
                return self._once(ask, of_server=of_server)
            except SharingError as err:
                if err.reason not in _WORTH_A_SECOND_TRY or not self._second_tries:
                    raise
                if self._requests >= REQUESTS_MAX or time.monotonic() > self._ends:
                    raise
                self._second_tries -= 1

    def _once[T](self, ask: Callable[[], T], *, of_server: bool) -> T:
        """Ask, and turn whatever goes wrong into a word; what plexapi says quotes answers."""
        from plexapi.exceptions import PlexApiException  # noqa: PLC0415 - see above
        import requests  # noqa: PLC0415

        if self._requests >= REQUESTS_MAX or time.monotonic() > self._ends:
            raise SharingError(Reason.TIMEOUT)
        self._requests += 1
        self._status, self._retry_after = 0, None
        try:
            return ask()
        except requests.Timeout:
            raise SharingError(Reason.TIMEOUT) from None
        except requests.TooManyRedirects:
            raise SharingError(Reason.NOT_UNDERSTOOD) from None
        except requests.RequestException:
            reason = Reason.CANNOT_CONNECT
        except (
            PlexApiException,
            SyntaxError,  # XML that is none
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
    """Return a session that sends GET and follows nobody elsewhere: there is a token on board."""
    base: Any = module.Session

    class ReadOnlySession(base):  # type: ignore[misc]
        def send(self, request: "requests.PreparedRequest", **options: Any) -> Any:  # noqa: ANN401
            if request.method != "GET":
                raise ChangeRefusedError(f"{request.method} is not for plex.tv")
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
    """Return how long to wait, from seconds or a date."""
    if not text:
        return None
    with suppress(ValueError):
        return max(0.0, float(text))
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    return None


def _answer(
    owner: Account,
    accounts: Iterable[Account],
    presets: Mapping[str, tuple[str, str]] | None,
    plex_pass: bool | None,
) -> Answer:
    """Put together what several routes told; who is in no Plex Home has no age preset."""
    found = []
    for account in accounts:
        uuid, preset = account.uuid, "" if account.kind is Kind.FRIEND else None
        if presets is not None and account.id in presets:
            home_uuid, preset = presets[account.id]
            uuid = uuid or home_uuid
        found.append(replace(account, uuid=uuid, preset=preset))
    return Answer(
        time.time(), owner, tuple(found), plex_pass=plex_pass, complete=presets is not None
    )


# The older interface: XML


def _rows_of(root: "Element", tag: str) -> list[dict[str, str]]:
    """Return the attributes of the elements of one kind; others may stand among them."""
    return [dict(one.attrib) for one in root if one.tag == tag]


def _accounts(users: "Element", shares: "Element", machine_id: str) -> tuple[Account, ...]:
    libraries = {
        one.get("userID", ""): frozenset(
            section.get("key", "")
            for section in one
            if section.tag == "Section"
            and (_is(section.get("shared")) or _is(one.get("allLibraries")))
        )
        for one in shares
        if one.tag == "SharedServer"
    }
    if not libraries and any(_access(one, machine_id) is Access.SHARED for one in users):
        raise SharingError(Reason.NOT_UNDERSTOOD)  # the two answers cannot both be true
    # They were said to be in there as well; only where the first answer knows no rules at all.
    other_rules = {one.get("userID", ""): one.attrib for one in shares}
    rows = [one for one in users if one.tag == "User"]
    tells_rules = any("filterMovies" in row.attrib for row in rows)
    found = []
    for row in rows:
        number = row.get("id", "")
        if not number:
            raise SharingError(Reason.NOT_UNDERSTOOD)
        access = _access(row, machine_id)
        rules = row.attrib if tells_rules else other_rules.get(number, {})
        absent = "" if tells_rules else None
        found.append(
            Account(
                id=number,
                kind=_kind(_is(row.get("home")), _is(row.get("restricted"))),
                title=row.get("title", ""),
                username=row.get("username", ""),
                uuid=row.get("uuid") or _uuid_in(row.get("thumb", "")),
                movies=rules.get("filterMovies", absent),
                shows=rules.get("filterTelevision", absent),
                everything=rules.get("filterAll") or "",
                access=access,
                libraries=libraries.get(number) if access is Access.SHARED else frozenset(),
            )
        )
    return tuple(found)


def _access(user: "Element", machine_id: str) -> Access:
    ours = [
        one for one in user if one.tag == "Server" and one.get("machineIdentifier") == machine_id
    ]
    if not ours:
        return Access.NONE
    return Access.INVITED if all(_is(one.get("pending")) for one in ours) else Access.SHARED


def _kind(home: bool, restricted: bool) -> Kind:
    if restricted:
        return Kind.MANAGED
    return Kind.HOME if home else Kind.FRIEND


def _uuid_in(picture: str) -> str:
    """Return the account's lasting id, which only the address of its picture holds."""
    match = _UUID.search(picture)
    return match[1].lower() if match else ""


def _presets(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Return uuid and age preset by account; absent, empty and null all mean none."""
    return {
        str(row["id"]): (str(row.get("uuid") or ""), str(row.get("restrictionProfile") or ""))
        for row in rows
        if row.get("id")
    }


def _is(value: object) -> bool:
    return str(value).lower() in _YES


# The newer interface: JSON


def _list(answer: object) -> list[Mapping[str, Any]]:
    if not isinstance(answer, list) or not all(isinstance(row, Mapping) for row in answer):
        raise SharingError(Reason.NOT_UNDERSTOOD)
    return answer


def _home(answer: object) -> list[Mapping[str, Any]]:
    if not isinstance(answer, Mapping):
        raise SharingError(Reason.NOT_UNDERSTOOD)
    return _list(answer.get("users"))


def _shares(
    rows: Iterable[Mapping[str, Any]], machine_id: str, access: Access
) -> Iterable[Account]:
    for row in rows:
        invited = row.get("invited")
        if row.get("machineIdentifier") != machine_id or row.get("deletedAt") or row.get("leftAt"):
            continue
        if access is Access.SHARED and not _is(row.get("accepted", True)):
            continue
        if not isinstance(invited, Mapping) or not invited.get("id"):
            continue  # somebody who has no account yet
        rules = row.get("sharingSettings") or invited.get("sharingSettings")
        known = isinstance(rules, Mapping)
        settings: Mapping[str, Any] = rules if isinstance(rules, Mapping) else {}
        yield Account(
            id=str(invited["id"]),
            kind=_kind(_is(invited.get("home")), _is(invited.get("restricted"))),
            title=str(invited.get("title") or ""),
            username=str(invited.get("username") or ""),
            uuid=str(invited.get("uuid") or ""),
            movies=str(settings.get("filterMovies") or "") if known else None,
            shows=str(settings.get("filterTelevision") or "") if known else None,
            everything=str(settings.get("filterAll") or ""),
            access=access,
            libraries=_libraries(row) if access is Access.SHARED else frozenset(),
        )


def _libraries(row: Mapping[str, Any]) -> frozenset[str] | None:
    sections = row.get("libraries")
    if not isinstance(sections, list):
        return None
    keys = frozenset(
        str(one["key"]) for one in sections if isinstance(one, Mapping) and "key" in one
    )
    # "All of them" without any named does not say which these are.
    return None if _is(row.get("allLibraries")) and not keys else keys
