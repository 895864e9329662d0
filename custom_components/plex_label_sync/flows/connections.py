"""Validate the address and the credential of a form, and report errors by field."""

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
from ..plex.server import PlexClient, normalize_plex_url
from ..pulsarr.client import PulsarrClient, normalize_url as normalize_pulsarr_url
from ..server_urls import CredentialsInUrlError
from ..sync.failures import FAILURES
from ..sync.model import Library, ServiceError
from ..wire import strict_session

_LOGGER = logging.getLogger(__name__)

PROBE_TIMEOUT: Final = (
    8.0  # seconds; a local server responds in milliseconds, a relay in two seconds
)
PROBES_MAX: Final = 6  # addresses tried at a time


class FieldError(Exception):
    """An error of a form's field, with its translation key."""

    def __init__(self, field: str, error: str) -> None:
        super().__init__(f"{field}: {error}")
        self.field = field
        self.error = error


@dataclass(frozen=True, slots=True)
class Login:
    """A server's address and credential."""

    url: str
    secret: str = dataclasses.field(repr=False)
    verify_ssl: bool = True


@dataclass(frozen=True, slots=True)
class Peer:
    """The form fields, data keys and errors of one of the two servers."""

    secret_field: str
    url_key: str
    secret_key: str
    verify_ssl_key: str
    normalize: Callable[[str], str]
    wrong_service: str  # the error when another service responds

    def stored(self, data: Mapping[str, Any]) -> Login:
        """Return the login stored in an entry's data."""
        return Login(data[self.url_key], data[self.secret_key], data[self.verify_ssl_key])

    def data(self, login: Login) -> dict[str, Any]:
        """Return a login as keys of an entry's data."""
        return {
            self.url_key: login.url,
            self.secret_key: login.secret,
            self.verify_ssl_key: login.verify_ssl,
        }

    def entered(self, user_input: Mapping[str, Any], stored: Login | None = None) -> Login:
        """Return the login entered in a form, with a normalized address.

        Missing fields and an empty credential are taken from `stored`.

        Raises FieldError for an invalid address.
        """
        known = stored or Login(url="", secret="")
        # Credentials are pasted, often with trailing white space.
        secret = user_input.get(self.secret_field, "").strip() or known.secret
        try:
            url = self.normalize(user_input.get(CONF_URL, known.url))
        except CredentialsInUrlError as err:
            raise FieldError(CONF_URL, "url_with_credentials") from err
        except ValueError as err:
            raise FieldError(CONF_URL, "invalid_url") from err
        return Login(url, secret, user_input.get(CONF_VERIFY_SSL, known.verify_ssl))

    def explain(self, err: ServiceError) -> FieldError:
        """Return the form error for a failed attempt."""
        _LOGGER.debug("The connection failed: %s", err)
        known = FAILURES[err.failure]
        field = self.secret_field if known.reauth else CONF_URL
        return FieldError(field, known.form_error or self.wrong_service)


PLEX: Final = Peer(
    secret_field=CONF_TOKEN,
    url_key=CONF_PLEX_URL,
    secret_key=CONF_PLEX_TOKEN,
    verify_ssl_key=CONF_PLEX_VERIFY_SSL,
    normalize=normalize_plex_url,
    wrong_service="not_plex",
)
PULSARR: Final = Peer(
    secret_field=CONF_API_KEY,
    url_key=CONF_PULSARR_URL,
    secret_key=CONF_PULSARR_API_KEY,
    verify_ssl_key=CONF_PULSARR_VERIFY_SSL,
    normalize=normalize_pulsarr_url,
    wrong_service="not_pulsarr",
)


def plex_client(hass: HomeAssistant, login: Login, client_id: str) -> PlexClient:
    """Return a client for a Plex server; `client_id` names this installation to Plex."""
    session = async_get_clientsession(hass, login.verify_ssl)
    return PlexClient(
        session, login.url, login.secret, client_id=client_id, limits=current_limits(hass).plex
    )


def pulsarr_client(hass: HomeAssistant, login: Login) -> PulsarrClient:
    """Return a client for a Pulsarr server."""
    session = async_get_clientsession(hass, login.verify_ssl)
    return PulsarrClient(session, login.url, login.secret, limits=current_limits(hass).pulsarr)


async def async_try_plex(
    hass: HomeAssistant, login: Login, client_id: str
) -> tuple[ServerInfo, tuple[Library, ...]]:
    """Return the Plex server's info and libraries, if the token may edit labels.

    Raises FieldError.
    """
    try:
        return await plex_client(hass, login, client_id).check()
    except ServiceError as err:
        raise PLEX.explain(err) from err


async def async_find_server(hass: HomeAssistant, server: OwnedServer, client_id: str) -> Login:
    """Return the login of a server with the best of the addresses at which it responds.

    Its local addresses may belong to another host on Home Assistant's network: a server has to
    identify itself before the token is sent to it.

    Raises FieldError when none responds.
    """
    turns = asyncio.Semaphore(PROBES_MAX)

    async def is_there(login: Login) -> bool:
        try:
            async with turns, asyncio.timeout(PROBE_TIMEOUT):
                without_token = dataclasses.replace(login, secret="")
                return (
                    await plex_client(hass, without_token, client_id).identity()
                    == server.machine_id
                )
        except (ServiceError, TimeoutError) as err:
            _LOGGER.debug("No response from one of the server's addresses: %r", err)
            return False

    candidates = tuple(logins(server))
    probes = [hass.async_create_task(is_there(login), "look for a server") for login in candidates]
    try:
        for login, probe in zip(candidates, probes, strict=True):
            if await probe:
                return login
    finally:
        for probe in probes:
            probe.cancel()
    raise FieldError("base", "no_way_to_server")


def logins(server: OwnedServer) -> Iterator[Login]:
    """Yield the login for each valid address; plexapi returns IPv6 without brackets."""
    for url in server.addresses:
        with suppress(FieldError):
            yield PLEX.entered({CONF_URL: url, CONF_TOKEN: server.token})


async def async_try_pulsarr(hass: HomeAssistant, login: Login) -> bool:
    """Return whether Pulsarr can send native webhooks, if it accepts the API key.

    Raises FieldError.
    """
    client = pulsarr_client(hass, login)
    try:
        await client.check()
        return await client.event_types() is not None
    except ServiceError as err:
        error = PULSARR.explain(err)
        if error.field == CONF_API_KEY and not await _async_speaks_json(hass, login):
            # A Plex server or a reverse proxy also rejects unknown callers.
            error = FieldError(CONF_URL, PULSARR.wrong_service)
        raise error from err


async def _async_speaks_json(hass: HomeAssistant, login: Login) -> bool:
    """Return whether unauthorized requests are rejected in JSON, as Pulsarr does."""
    try:
        async with (
            asyncio.timeout(current_limits(hass).pulsarr.probe_timeout),
            strict_session(async_get_clientsession(hass, login.verify_ssl)) as session,
            session.get(f"{login.url}/v1/users/users/list", allow_redirects=False) as response,
        ):
            return response.content_type == "application/json"
    except (TimeoutError, aiohttp.ClientError, OSError):
        return True  # assume Pulsarr
