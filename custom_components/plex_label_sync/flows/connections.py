"""Tries the address and the credential of a form, and tells which field is wrong."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
import dataclasses
from dataclasses import dataclass
import logging
from typing import Any, Final

import aiohttp
from homeassistant.const import CONF_API_KEY, CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from ..const import (
    CONF_PLEX_TOKEN,
    CONF_PLEX_URL,
    CONF_PLEX_VERIFY_SSL,
    CONF_PULSARR_API_KEY,
    CONF_PULSARR_URL,
    CONF_PULSARR_VERIFY_SSL,
)
from ..limits import current_limits
from ..plex.account import OwnedServer
from ..plex.parse import ServerInfo
from ..plex.server import PlexClient, normalise_plex_url
from ..pulsarr.client import PulsarrClient, normalise_url as normalise_pulsarr_url
from ..server_urls import CredentialsInUrlError
from ..sync.failures import FAILURES
from ..sync.model import Library, ServiceError
from ..wire import wary

_LOGGER = logging.getLogger(__name__)

KNOCK_TIMEOUT: Final = 8.0  # seconds; a server at home answers in milliseconds, a relay in two
KNOCKS: Final = 6  # addresses that are tried at a time


class FieldError(Exception):
    """A form's field and the key of the text that belongs beside it."""

    def __init__(self, field: str, error: str) -> None:
        super().__init__(f"{field}: {error}")
        self.field = field
        self.error = error


@dataclass(frozen=True, slots=True)
class Login:
    """Where a server is, and what lets us in."""

    url: str
    secret: str = dataclasses.field(repr=False)
    verify_ssl: bool = True


@dataclass(frozen=True, slots=True)
class Peer:
    """How one of the two servers appears in forms and in an entry's data."""

    secret_field: str
    url_key: str
    secret_key: str
    verify_ssl_key: str
    normalise: Callable[[str], str]
    wrong_service: str  # the error when something else answers

    def stored(self, data: Mapping[str, Any]) -> Login:
        """Return the login that an entry's data hold."""
        return Login(data[self.url_key], data[self.secret_key], data[self.verify_ssl_key])

    def data(self, login: Login) -> dict[str, Any]:
        """Return a login as it stands in an entry's data."""
        return {
            self.url_key: login.url,
            self.secret_key: login.secret,
            self.verify_ssl_key: login.verify_ssl,
        }

    def entered(self, user_input: Mapping[str, Any], stored: Login | None = None) -> Login:
        """Return the login of a form with its address cleaned.

        What the form does not ask, and a credential left empty, is as `stored`.

        Raises FieldError when the address is none.
        """
        known = stored or Login(url="", secret="")
        # Credentials are pasted, often with a blank or a line break at the end.
        secret = user_input.get(self.secret_field, "").strip() or known.secret
        try:
            url = self.normalise(user_input.get(CONF_URL, known.url))
        except CredentialsInUrlError as err:
            raise FieldError(CONF_URL, "url_with_credentials") from err
        except ValueError as err:
            raise FieldError(CONF_URL, "invalid_url") from err
        return Login(url, secret, user_input.get(CONF_VERIFY_SSL, known.verify_ssl))

    def explain(self, err: ServiceError) -> FieldError:
        """Return what a failed try means to the person at the form."""
        _LOGGER.debug("The connection failed: %s", err)
        known = FAILURES[err.failure]
        field = self.secret_field if known.reauth else CONF_URL
        return FieldError(field, known.form_error or self.wrong_service)


PLEX: Final = Peer(
    secret_field=CONF_TOKEN,
    url_key=CONF_PLEX_URL,
    secret_key=CONF_PLEX_TOKEN,
    verify_ssl_key=CONF_PLEX_VERIFY_SSL,
    normalise=normalise_plex_url,
    wrong_service="not_plex",
)
PULSARR: Final = Peer(
    secret_field=CONF_API_KEY,
    url_key=CONF_PULSARR_URL,
    secret_key=CONF_PULSARR_API_KEY,
    verify_ssl_key=CONF_PULSARR_VERIFY_SSL,
    normalise=normalise_pulsarr_url,
    wrong_service="not_pulsarr",
)


def plex_client(hass: HomeAssistant, login: Login, client_id: str) -> PlexClient:
    """Return a client for a Plex server; `client_id` names this installation to Plex."""
    session = async_get_clientsession(hass, login.verify_ssl)
    return PlexClient(
        session, login.url, login.secret, client_id=client_id, limits=current_limits().plex
    )


def pulsarr_client(hass: HomeAssistant, login: Login) -> PulsarrClient:
    """Return a client for a Pulsarr."""
    session = async_get_clientsession(hass, login.verify_ssl)
    return PulsarrClient(session, login.url, login.secret, limits=current_limits().pulsarr)


async def async_try_plex(
    hass: HomeAssistant, login: Login, client_id: str
) -> tuple[ServerInfo, tuple[Library, ...]]:
    """Return who the Plex server is and its libraries, if the token may edit labels there.

    Raises FieldError.
    """
    try:
        return await plex_client(hass, login, client_id).check()
    except ServiceError as err:
        raise PLEX.explain(err) from err


async def async_find_server(hass: HomeAssistant, server: OwnedServer, client_id: str) -> Login:
    """Return the login of a server under the best of its addresses at which it answers.

    Its local addresses may be somebody else's where Home Assistant is: whoever answers has to
    say that it is this server before it is shown the token.

    Raises FieldError when it answers nowhere.
    """
    turns = asyncio.Semaphore(KNOCKS)

    async def is_there(login: Login) -> bool:
        try:
            async with turns, asyncio.timeout(KNOCK_TIMEOUT):
                stranger = dataclasses.replace(login, secret="")
                return await plex_client(hass, stranger, client_id).identity() == server.machine_id
        except (ServiceError, TimeoutError) as err:
            _LOGGER.debug("No response from one of the server's addresses: %r", err)
            return False

    ways = tuple(logins(server))
    knocks = [hass.async_create_task(is_there(login), "look for a server") for login in ways]
    try:
        for login, knock in zip(ways, knocks, strict=True):
            if await knock:
                return login
    finally:
        for knock in knocks:
            knock.cancel()
    raise FieldError("base", "no_way_to_server")


def logins(server: OwnedServer) -> Iterator[Login]:
    """Yield the login under each address that is one; plexapi writes IPv6 without brackets."""
    for url in server.addresses:
        with suppress(FieldError):
            yield PLEX.entered({CONF_URL: url, CONF_TOKEN: server.token})


async def async_try_pulsarr(hass: HomeAssistant, login: Login) -> bool:
    """Return whether Pulsarr can send webhooks of its own, if it lets us in.

    Raises FieldError.
    """
    client = pulsarr_client(hass, login)
    try:
        await client.check()
        return await client.event_types() is not None
    except ServiceError as err:
        error = PULSARR.explain(err)
        if error.field == CONF_API_KEY and not await _async_speaks_json(hass, login):
            # A Plex server, or a proxy in front of anything, refuses whoever it does not know.
            error = FieldError(CONF_URL, PULSARR.wrong_service)
        raise error from err


async def _async_speaks_json(hass: HomeAssistant, login: Login) -> bool:
    """Tell whether strangers are refused in JSON, as Pulsarr does it."""
    try:
        async with (
            asyncio.timeout(current_limits().pulsarr.probe_timeout),
            wary(async_get_clientsession(hass, login.verify_ssl)) as session,
            session.get(f"{login.url}/v1/users/users/list", allow_redirects=False) as response,
        ):
            return response.content_type == "application/json"
    except (TimeoutError, aiohttp.ClientError, OSError):
        return True  # nothing speaks against it
