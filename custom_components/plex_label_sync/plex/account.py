"""plex.tv, by way of plexapi: signing in with a browser, and the servers of the account.

Everything here blocks, so it belongs in a thread. plexapi is imported with the first sign-in:
whoever enters address and token by hand does not wait for it.
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
    """plex.tv cannot be reached, or does not answer as it should; says what kind of failure."""


@dataclass(frozen=True, slots=True)
class OwnedServer:
    """A server that an account owns; `addresses` are those that plex.tv knows, best first."""

    machine_id: str
    name: str
    token: str = field(repr=False)
    addresses: tuple[str, ...]
    # The account's own, where plex.tv does not take the server's for it; else empty.
    account_token: str = field(default="", repr=False)


class PlexTv:
    """One sign-in. Methods block, and are not to be called at the same time."""

    def __init__(self, client_id: str) -> None:
        """`client_id` names this installation to Plex, as it does to the server later."""
        self._names = {
            "X-Plex-Client-Identifier": client_id,
            "X-Plex-Product": PRODUCT,
            "X-Plex-Device": "Home Assistant",
            "X-Plex-Device-Name": "Home Assistant",
        }
        self._session: requests.Session | None = None
        self._login: Any = None

    def begin(self, forward_url: str | None) -> str:
        """Return where the person signs in, and is sent to `forward_url` from. Raises PlexTvError."""
        from plexapi import myplex  # noqa: PLC0415 - see above
        import requests  # noqa: PLC0415

        pin_login: Any = myplex.MyPlexPinLogin  # plexapi has no types

        def introduce(request: requests.PreparedRequest) -> requests.PreparedRequest:
            """Put our names in the place of plexapi's, which all integrations share."""
            request.headers.update(self._names)
            return request

        self._session = requests.Session()
        self._session.auth = introduce
        self._session.max_redirects = 0  # a redirect would take the account's token along
        with _explained():
            self._login = pin_login(self._session, REQUEST_TIMEOUT, self._names, oauth=True)
            return str(self._login.oauthUrl(forward_url))

    def is_signed_in(self) -> bool:
        """Return whether the person has signed in.

        Raises PlexTvError when plex.tv does not say; it may be asked again.
        """
        self._login.expired = False  # plexapi sets it for whatever goes wrong
        is_signed_in = bool(self._login.checkLogin())
        if self._login.expired:
            raise PlexTvError("no answer about the sign-in")
        return is_signed_in

    def owned_servers(self) -> tuple[OwnedServer, ...]:
        """Return the servers that the account owns, once signed in. Raises PlexTvError."""
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
                    if self._is_taken(resource.accessToken)
                    else str(self._login.token),
                )
                for resource in account.resources()
                if "server" in resource.provides.split(",")
                and resource.owned
                and resource.accessToken
            )

    def _is_taken(self, token: str) -> bool:
        """Tell whether plex.tv takes a server's token for the account: mostly they are the same."""
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
        except RequestException:  # then nobody knows, and the server's is tried
            return True
        return True


def _addresses(resource: Any) -> tuple[str, ...]:  # noqa: ANN401 - plexapi has no types
    """Return a server's addresses: local ones, then remote ones, then the relay.

    The token goes to the internet only where it is encrypted.
    """
    ssl = True if resource.httpsRequired else None
    local = resource.preferred_connections(ssl=ssl, locations=["local"])
    beyond = resource.preferred_connections(ssl=True, locations=["remote", "relay"])
    encrypted = [url for url in beyond if url.startswith("https://")]
    return tuple(dict.fromkeys([*local, *encrypted]))


@contextmanager
def _explained() -> Iterator[None]:
    """Turn whatever plexapi raises into a PlexTvError that quotes nothing: it may hold secrets.

    Answers that it does not expect make it stumble, and XML that is none is a SyntaxError.
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
