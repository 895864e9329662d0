"""Sign in to plex.tv with a browser and list the account's servers, through plexapi.

Everything here blocks, so call it from a thread. plexapi is imported on the first sign-in, so that
entering an address and a token by hand does not load it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .server import PRODUCT

if TYPE_CHECKING:
    import requests

REQUEST_TIMEOUT: Final = 10.0  # seconds without a byte from plex.tv


class PlexTvError(Exception):
    """Raised when plex.tv is unreachable or answers unexpectedly; the message names the failure."""


@dataclass(frozen=True, slots=True)
class OwnedServer:
    """A server owned by the account; `addresses` are those known to plex.tv, best first."""

    machine_id: str
    name: str
    token: str = field(repr=False)
    addresses: tuple[str, ...]
    # The account's own token, if plex.tv does not accept the server's for the account; else empty.
    account_token: str = field(default="", repr=False)


class PlexTv:
    """One sign-in. Its methods block and must not run concurrently."""

    def __init__(self, client_id: str) -> None:
        """Initialize with `client_id`, which identifies this installation to Plex."""
        self._names = {
            "X-Plex-Client-Identifier": client_id,
            "X-Plex-Product": PRODUCT,
            "X-Plex-Device": "Home Assistant",
            "X-Plex-Device-Name": "Home Assistant",
        }
        self._session: requests.Session | None = None
        self._login: Any = None

    def begin(self, forward_url: str | None) -> str:
        """Return the sign-in URL, which leads to `forward_url` afterwards. Raises PlexTvError."""
        from plexapi import myplex  # noqa: PLC0415 - see above
        import requests  # noqa: PLC0415

        pin_login: Any = myplex.MyPlexPinLogin  # plexapi has no types

        def add_client_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
            """Replace plexapi's headers, shared by all integrations, with the integration's own."""
            request.headers.update(self._names)
            return request

        self._session = requests.Session()
        self._session.auth = add_client_headers
        self._session.max_redirects = 0  # a redirect would carry the account's token along
        with _explained():
            self._login = pin_login(self._session, REQUEST_TIMEOUT, self._names, oauth=True)
            return str(self._login.oauthUrl(forward_url))

    def is_signed_in(self) -> bool:
        """Return whether the person has signed in.

        Raises PlexTvError when plex.tv does not answer; the call can be repeated.
        """
        self._login.expired = False  # plexapi sets it on any failure
        is_signed_in = bool(self._login.checkLogin())
        if self._login.expired:
            raise PlexTvError("no answer about the sign-in")
        return is_signed_in

    def owned_servers(self) -> tuple[OwnedServer, ...]:
        """Return the servers owned by the signed-in account. Raises PlexTvError."""
        from plexapi import myplex  # noqa: PLC0415 - see above

        my_account: Any = myplex.MyPlexAccount
        with _explained():
            account = my_account(
                token=self._login.token, session=self._session, timeout=REQUEST_TIMEOUT
            )
            return tuple(
                OwnedServer(
                    resource.clientIdentifier,
                    resource.name,
                    resource.accessToken,
                    _addresses(resource),
                    account_token=""
                    if self._is_accepted(resource.accessToken)
                    else str(self._login.token),
                )
                for resource in account.resources()
                if "server" in resource.provides.split(",")
                and resource.owned
                and resource.accessToken
            )

    def _is_accepted(self, token: str) -> bool:
        """Return whether plex.tv accepts a server's token for the account; usually it does."""
        from plexapi import myplex  # noqa: PLC0415 - see above
        from plexapi.exceptions import PlexApiException  # noqa: PLC0415
        from requests import RequestException  # noqa: PLC0415

        if token == self._login.token:
            return True
        my_account: Any = myplex.MyPlexAccount
        try:
            my_account(token=token, session=self._session, timeout=REQUEST_TIMEOUT)
        except PlexApiException:
            return False
        except RequestException:  # unknown, so the server's token is used
            return True
        return True


def _addresses(resource: Any) -> tuple[str, ...]:  # noqa: ANN401 - plexapi has no types
    """Return a server's addresses: local ones, then remote ones, then the relay.

    The token is sent over the internet only when encrypted.
    """
    ssl = True if resource.httpsRequired else None
    local = resource.preferred_connections(ssl=ssl, locations=["local"])
    beyond = resource.preferred_connections(ssl=True, locations=["remote", "relay"])
    encrypted = [url for url in beyond if url.startswith("https://")]
    return tuple(dict.fromkeys([*local, *encrypted]))


@contextmanager
def _explained() -> Iterator[None]:
    """Turn any error of plexapi into a PlexTvError without quoting it: it may contain secrets.

    plexapi fails in various ways on unexpected answers; malformed XML is a SyntaxError.
    """
    from plexapi.exceptions import PlexApiException  # noqa: PLC0415 - see above
    from requests import RequestException  # noqa: PLC0415

    try:
        yield
    except (
        PlexApiException,
        RequestException,
        SyntaxError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as err:
        raise PlexTvError(type(err).__name__) from None
