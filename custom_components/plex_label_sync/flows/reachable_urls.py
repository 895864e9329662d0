"""Find the address at which a server responds while it is being set up.

Requests carry no credentials, as an unknown host may respond.
"""

import asyncio
from dataclasses import dataclass, replace
from http import HTTPStatus
import logging
from typing import Final

import aiohttp
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from ..limits import current_limits
from ..plex import parse
from ..server_urls import redirected_base, with_default_port
from ..transport import SMALL_MAX, parse_json
from ..wire import TooMuchError, bounded_body, strict_session
from .connections import PLEX, Login, Peer

_LOGGER = logging.getLogger(__name__)

PLEX_PATH: Final = "/identity"
PULSARR_PATH: Final = "/v1/users/users/list"
_JSON: Final = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class _Reply:
    """The result of a request: the base URL after a redirect, and whether it is a Plex server."""

    base: str | None = None
    is_plex: bool = False


async def async_reach(hass: HomeAssistant, peer: Peer, login: Login) -> Login:
    """Return a login with the address to use for its server.

    It differs from the entered one if the server redirects to https, or if a Plex server listens
    on its default port only. Other problems of the address show when the login is validated.
    """
    limits = current_limits(hass)
    if peer is not PLEX:
        reply = await _request(hass, login, PULSARR_PATH, limits.pulsarr.probe_timeout)
        return replace(login, url=reply.base or login.url)
    usual = with_default_port(login.url, limits.plex_port)
    urls = [login.url] if usual is None else [login.url, usual]
    replies = await asyncio.gather(
        *(
            _request(hass, replace(login, url=url), PLEX_PATH, limits.plex.probe_timeout)
            for url in urls
        )
    )
    for url, reply in zip(urls, replies, strict=True):
        if reply.base or reply.is_plex:
            return replace(login, url=reply.base or url)
    return login


async def _request(hass: HomeAssistant, login: Login, path: str, seconds: float) -> _Reply:
    """Send a request that needs no credentials."""
    try:
        async with (
            asyncio.timeout(seconds),
            strict_session(async_get_clientsession(hass, login.verify_ssl)) as session,
            session.get(login.url + path, headers=_JSON, allow_redirects=False) as response,
        ):
            if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                location = response.headers.get("Location", "")
                return _Reply(base=redirected_base(login.url, path, location))
            return _Reply(is_plex=_is_plex(await bounded_body(response, SMALL_MAX)))
    except (TimeoutError, TooMuchError, aiohttp.ClientError, OSError) as err:
        _LOGGER.debug("No response from an address: %s", type(err).__name__)
        return _Reply()


def _is_plex(body: bytes) -> bool:
    try:
        return bool(parse.machine_id(parse_json(body)))
    except (ValueError, KeyError, TypeError):
        return False
