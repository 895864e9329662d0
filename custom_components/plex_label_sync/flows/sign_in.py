"""Sign-in at plex.tv in another browser window, while the config flow waits."""

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
from ..limits import current_limits
from ..plex.account import OwnedServer, PlexTv, PlexTvError

_LOGGER = logging.getLogger(__name__)

CALLBACK_PATH: Final = f"/auth/{DOMAIN}/callback"
FRONTEND_BASE: Final = "HA-Frontend-Base"  # header with the frontend's base URL

FAILURES_MAX: Final = 5  # consecutive checks without a response from plex.tv

PLEX_TV_UNREACHABLE: Final = "plex_tv_unreachable"
SIGN_IN_EXPIRED: Final = "sign_in_expired"
SIGNED_IN: Final = "signed_in"  # the text of a window that cannot close itself

_SIGN_INS: Final[HassKey[dict[str, "SignIn"]]] = HassKey(f"{DOMAIN}_sign_ins")  # by flow id


class SignIn:
    """One sign-in of a flow, polled until the user has finished it or it fails.

    The flow then continues with `servers`, which the account owns, or with `error`, the
    translation key of the failure.
    """

    def __init__(self, hass: HomeAssistant, flow_id: str, client_id: str) -> None:
        """Initialize; `client_id` identifies this installation to Plex."""
        self._hass = hass
        self._times = current_limits(hass).sign_in
        self._flow_id = flow_id
        self._plex_tv = PlexTv(client_id)
        self._returned = asyncio.Event()
        self._task: asyncio.Task[None]  # set by `async_begin`
        self.url = ""
        self.servers: tuple[OwnedServer, ...] = ()
        self.error: str | None = None
        self.is_over = False

    async def async_begin(self) -> None:
        """Get the URL at which the user signs in (`url`), and start polling. Raises PlexTvError."""
        forward_url = _forward_url(self._hass, self._flow_id)
        self.url = await self._async_in_thread(lambda: self._plex_tv.begin(forward_url))
        _sign_ins(self._hass)[self._flow_id] = self
        self._task = self._hass.async_create_background_task(
            self._async_follow(), f"{DOMAIN} sign-in at plex.tv"
        )

    @callback
    def async_returned(self) -> None:
        """Check at once whether the user has signed in."""
        self._returned.set()

    @callback
    def async_cancel(self) -> None:
        """Stop polling, when the flow is closed or has what it needs."""
        _sign_ins(self._hass).pop(self._flow_id, None)
        self._task.cancel()

    async def _async_follow(self) -> None:
        try:
            async with asyncio.timeout(self._times.most):
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
        """Poll plex.tv until the user has signed in. Raises PlexTvError after repeated failures."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(self._times.poll):
                    await self._returned.wait()
            except TimeoutError:
                pass
            self._returned.clear()
            try:
                if await self._async_in_thread(self._plex_tv.is_signed_in):
                    return
                failures = 0
            except PlexTvError:
                failures += 1
                if failures == FAILURES_MAX:
                    raise

    async def _async_in_thread[T](self, call: Callable[[], T]) -> T:
        """Return the result of a blocking call. Raises PlexTvError, also on a timeout."""
        try:
            async with asyncio.timeout(self._times.answer_timeout):
                return await self._hass.async_add_executor_job(call)
        except TimeoutError as err:
            raise PlexTvError("no answer in time") from err


class SignInCallbackView(HomeAssistantView):
    """The page to which plex.tv returns the browser; a flow's id only triggers a check."""

    url = CALLBACK_PATH
    name = f"auth:{DOMAIN}:callback"
    requires_auth = False

    async def get(self, request: web.Request) -> web.Response:
        """Have the flow check its sign-in, and close the window."""
        hass = request.app[KEY_HASS]
        sign_in = _sign_ins(hass).get(request.query.get("flow_id", ""))
        if sign_in is None:
            raise web.HTTPNotFound
        sign_in.async_returned()
        texts = await async_get_translations(hass, hass.config.language, "config", [DOMAIN])
        text = texts.get(f"component.{DOMAIN}.config.progress.{SIGNED_IN}", "")
        return web.Response(
            text=f"<!doctype html><meta charset=utf-8><script>window.close()</script>{escape(text)}",
            content_type="text/html",
        )


@callback
def _sign_ins(hass: HomeAssistant) -> dict[str, SignIn]:
    """Return the active sign-ins by flow id; the first call registers the callback view."""
    if _SIGN_INS not in hass.data:
        hass.data[_SIGN_INS] = {}
        hass.http.register_view(SignInCallbackView)
    return hass.data[_SIGN_INS]


def _forward_url(hass: HomeAssistant, flow_id: str) -> str | None:
    """Return the URL to which the browser returns, None if unknown: then only polling is used."""
    request = current_request.get()
    base = request.headers.get(FRONTEND_BASE) if request is not None else None
    if base is None:
        try:
            base = get_url(hass)
        except NoURLAvailableError:
            return None
    return f"{base}{CALLBACK_PATH}?flow_id={flow_id}"
