"""Signing in at plex.tv: in another window of the browser, while the config flow waits."""

import asyncio
from collections.abc import Callable
from html import escape
import logging
from typing import Final

from aiohttp import web
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.http import KEY_HASS, HomeAssistantView, current_request
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..plex.account import OwnedServer, PlexTv, PlexTvError

_LOGGER = logging.getLogger(__name__)

CALLBACK_PATH: Final = f"/auth/{DOMAIN}/callback"
FRONTEND_BASE: Final = "HA-Frontend-Base"  # the web interface says here how it is reached

POLL_INTERVAL: Final = 3.0  # seconds; whoever comes back is looked after at once
THREAD_TIMEOUT: Final = 30.0  # seconds; requests' own timeouts begin anew with every byte
SIGN_IN_TIMEOUT: Final = 900.0  # seconds; plex.tv itself forgets a sign-in after half an hour
FAILURES_MAX: Final = 5  # looks in a row to which plex.tv gives no answer

PLEX_TV_UNREACHABLE: Final = "plex_tv_unreachable"
SIGN_IN_EXPIRED: Final = "sign_in_expired"
SIGNED_IN: Final = "signed_in"  # what the window says that could not close itself

_SIGN_INS: Final[HassKey[dict[str, "SignIn"]]] = HassKey(f"{DOMAIN}_sign_ins")  # by flow id


class SignIn:
    """One sign-in of a flow, followed until the person has finished it or it is given up.

    Then the flow goes on: with `servers`, which the account owns, or with `error`, which is the
    key of the text that says why there are none.
    """

    def __init__(self, hass: HomeAssistant, flow_id: str, client_id: str) -> None:
        """`client_id` names this installation to Plex."""
        self._hass = hass
        self._flow_id = flow_id
        self._plex_tv = PlexTv(client_id)
        self._came_back = asyncio.Event()
        self._task: asyncio.Task[None]  # since `async_begin`
        self.url = ""
        self.servers: tuple[OwnedServer, ...] = ()
        self.error: str | None = None
        self.is_over = False

    async def async_begin(self) -> None:
        """Find out where the person signs in (`url`), and begin to follow. Raises PlexTvError."""
        forward_url = _forward_url(self._hass, self._flow_id)
        self.url = await self._async_in_thread(lambda: self._plex_tv.begin(forward_url))
        _sign_ins(self._hass)[self._flow_id] = self
        self._task = self._hass.async_create_background_task(
            self._async_follow(), f"{DOMAIN} sign-in at plex.tv"
        )

    @callback
    def async_came_back(self) -> None:
        """Look at once whether the person has signed in."""
        self._came_back.set()

    @callback
    def async_cancel(self) -> None:
        """Stop following what has begun: the flow is closed, or has what it needs."""
        _sign_ins(self._hass).pop(self._flow_id, None)
        self._task.cancel()

    async def _async_follow(self) -> None:
        try:
            async with asyncio.timeout(SIGN_IN_TIMEOUT):
                await self._async_wait()
            self.servers = await self._async_in_thread(self._plex_tv.owned_servers)
        except TimeoutError:
            self.error = SIGN_IN_EXPIRED
        except PlexTvError as err:
            _LOGGER.debug("The sign-in at plex.tv failed: %s", err)
            self.error = PLEX_TV_UNREACHABLE
        self.is_over = True
        await self._hass.config_entries.flow.async_configure(self._flow_id, {})

    async def _async_wait(self) -> None:
        """Ask plex.tv until the person has signed in. Raises PlexTvError when it stays silent."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(POLL_INTERVAL):
                    await self._came_back.wait()
            except TimeoutError:
                pass
            self._came_back.clear()
            try:
                if await self._async_in_thread(self._plex_tv.is_signed_in):
                    return
                failures = 0
            except PlexTvError:
                failures += 1
                if failures == FAILURES_MAX:
                    raise

    async def _async_in_thread[T](self, call: Callable[[], T]) -> T:
        """Return what a blocking call returns. Raises PlexTvError, also when it takes too long."""
        try:
            async with asyncio.timeout(THREAD_TIMEOUT):
                return await self._hass.async_add_executor_job(call)
        except TimeoutError as err:
            raise PlexTvError("no answer in time") from err


class SignInCallbackView(HomeAssistantView):
    """Where plex.tv sends the browser back to; knowing a flow's id lets it look, and no more."""

    url = CALLBACK_PATH
    name = f"auth:{DOMAIN}:callback"
    requires_auth = False

    async def get(self, request: web.Request) -> web.Response:
        """Have the flow look for its sign-in, and close the window."""
        hass = request.app[KEY_HASS]
        sign_in = _sign_ins(hass).get(request.query.get("flow_id", ""))
        if sign_in is None:
            raise web.HTTPNotFound
        sign_in.async_came_back()
        texts = await async_get_translations(hass, hass.config.language, "config", [DOMAIN])
        text = texts.get(f"component.{DOMAIN}.config.progress.{SIGNED_IN}", "")
        return web.Response(
            text=f"<!doctype html><meta charset=utf-8><script>window.close()</script>{escape(text)}",
            content_type="text/html",
        )


@callback
def _sign_ins(hass: HomeAssistant) -> dict[str, SignIn]:
    """Return the sign-ins that are followed; with the first one, browsers may come back."""
    if _SIGN_INS not in hass.data:
        hass.data[_SIGN_INS] = {}
        hass.http.register_view(SignInCallbackView)
    return hass.data[_SIGN_INS]


def _forward_url(hass: HomeAssistant, flow_id: str) -> str | None:
    """Return where the browser comes back to; without any, the sign-in is seen a little later."""
    request = current_request.get()
    base = request.headers.get(FRONTEND_BASE) if request is not None else None
    if base is None:
        try:
            base = get_url(hass)
        except NoURLAvailableError:
            return None
    return f"{base}{CALLBACK_PATH}?flow_id={flow_id}"
