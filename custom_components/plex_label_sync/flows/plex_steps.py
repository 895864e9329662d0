"""The ways to a Plex server: signing in, one that Home Assistant knows, address and token."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, override
from uuid import uuid4

from homeassistant.config_entries import SOURCE_REAUTH, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import callback
from homeassistant.helpers.translation import async_get_translations
import voluptuous as vol

from ..const import CONF_PLEX_TV_TOKEN, DOMAIN
from ..escaping import one_line
from ..plex.account import OwnedServer, PlexTvError
from .connections import PLEX, FieldError, Login, async_find_server, async_try_plex, logins
from .existing_servers import ExistingServer, existing_servers
from .fields import CONF_SERVER, ENTER, PLACEHOLDERS, login_schema, server_schema
from .reachable_urls import async_reach
from .sign_in import PLEX_TV_UNREACHABLE, SignIn


@dataclass(frozen=True, slots=True)
class KnownServer:
    """A server that was chosen and could not be used: `login` has what is known and not refused."""

    machine_id: str
    login: Login


class PlexWays(ConfigFlow):
    """The part of the config flow that leads to a Plex server, and what it learns there."""

    def __init__(self) -> None:
        """Start without knowing anything."""
        self._data: dict[str, Any] = {}  # what was accepted so far, as it will stand in the entry
        self._client_id = uuid4().hex  # of a new entry; Plex hears it with the first request
        self._title = ""
        self._libraries: dict[str, str] = {}
        self._existing: dict[str, ExistingServer] = {}
        self._sign_in: SignIn | None = None
        self._sign_in_error = PLEX_TV_UNREACHABLE
        self._owned: dict[str, OwnedServer] = {}
        self._known: KnownServer | None = None

    async def async_step_pulsarr(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Go on once the server is known."""
        raise NotImplementedError

    async def _async_signed_in_anew(self, servers: Iterable[OwnedServer]) -> ConfigFlowResult:
        """Go on with the account's servers when an entry's token was refused."""
        raise NotImplementedError

    @callback
    @override
    def async_remove(self) -> None:
        """Stop following a sign-in: the flow is over, or was closed."""
        if self._sign_in is not None:
            self._sign_in.async_cancel()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Offer the ways to a Plex server."""
        return self.async_show_menu(step_id="user", menu_options=["plex_sign_in", *self._others()])

    async def async_step_plex_sign_in(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002 - nothing is asked here
    ) -> ConfigFlowResult:
        """Have the person sign in at plex.tv in another window, and wait for that.

        Comes by again when the sign-in is over, and when the page is loaded anew meanwhile. What
        fails is told in a menu with the other ways.
        """
        if self._sign_in is not None and self._sign_in.is_over:
            return self.async_external_step_done(next_step_id="plex_server")
        if self._sign_in is None:
            sign_in = SignIn(self.hass, self.flow_id, self._client_id)
            try:
                await sign_in.async_begin()
            except PlexTvError:
                return await self._sign_in_again(PLEX_TV_UNREACHABLE)
            self._sign_in = sign_in
        return self.async_external_step(step_id="plex_sign_in", url=self._sign_in.url)

    async def _sign_in_again(self, error: str) -> ConfigFlowResult:
        """Tell why a sign-in came to nothing, and offer the other ways as well."""
        self.async_remove()
        self._sign_in = None
        self._sign_in_error = error
        return await self.async_step_plex_sign_in_failed()

    async def async_step_plex_sign_in_failed(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002 - a menu sends nothing
    ) -> ConfigFlowResult:
        """Offer another sign-in, and what works without plex.tv."""
        others = ["reauth_confirm"] if self.source == SOURCE_REAUTH else [*self._others()]
        texts = await async_get_translations(
            self.hass, self.hass.config.language, "config", [DOMAIN]
        )
        reason = texts[f"component.{DOMAIN}.config.error.{self._sign_in_error}"]
        return self.async_show_menu(
            step_id="plex_sign_in_failed",
            menu_options=["plex_sign_in", *others],
            description_placeholders={"reason": reason},
        )

    def _others(self) -> tuple[str, ...]:
        """Return the ways to a Plex server that need no sign-in."""
        self._existing = existing_servers(self.hass)
        return ("plex_existing", "plex_manual") if self._existing else ("plex_manual",)

    async def async_step_plex_server(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which of the account's own servers to use, if there is a choice.

        It is used with its own token and under the best of its addresses that works from here.
        """
        if self._sign_in is not None:
            sign_in, self._sign_in = self._sign_in, None
            sign_in.async_cancel()
            if sign_in.error is not None or not sign_in.servers:
                return await self._sign_in_again(sign_in.error or "no_servers")
            if self.source == SOURCE_REAUTH:
                return await self._async_signed_in_anew(sign_in.servers)
            taken = self._async_current_ids(include_ignore=False)
            self._owned = {
                server.machine_id: server
                for server in sign_in.servers
                if server.machine_id not in taken
            }
            if not self._owned:
                return self.async_abort(reason="already_configured")
            if len(self._owned) == 1:
                user_input = {CONF_SERVER: next(iter(self._owned))}
        errors: dict[str, str] = {}
        if user_input is not None:
            if user_input[CONF_SERVER] == ENTER:
                return await self.async_step_plex_manual()
            server = self._owned[user_input[CONF_SERVER]]
            known = next(logins(server), Login(url="", secret=server.token))
            try:
                known = await async_find_server(self.hass, server, self._client_id)
                return await self._async_use_plex(known, server.machine_id)
            except FieldError as err:
                errors = self._unusable(server.machine_id, known, err)
        names = {machine_id: one_line(server.name) for machine_id, server in self._owned.items()}
        return self._show_servers("plex_server", names, errors, user_input)

    def _keep_account_token(self, server: OwnedServer) -> None:
        """Keep what lets us read at plex.tv with whom the server is shared, where it takes that."""
        self._data[CONF_PLEX_TV_TOKEN] = server.account_token
        if not server.account_token:
            del self._data[CONF_PLEX_TV_TOKEN]

    async def async_step_plex_manual(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a Plex server's address and the owner's token.

        For a server that was chosen and could not be used, what is known of it stands there; it
        has to be that server for its token to be used.
        """
        known = self._known
        stored = None if known is None else known.login
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                login = await async_reach(self.hass, PLEX, PLEX.entered(user_input, stored))
                is_its_token = known is not None and login.secret == known.login.secret
                machine_id = known.machine_id if known and is_its_token else None
                return await self._async_use_plex(login, machine_id)
            except FieldError as err:
                errors[err.field] = err.error
        elif stored is not None:  # but its token, which is a secret
            user_input = {CONF_URL: stored.url, CONF_VERIFY_SSL: stored.verify_ssl}
        schema = login_schema(PLEX, secret_required=stored is None or not stored.secret)
        return self._show("plex_manual", schema, errors, user_input)

    async def async_step_plex_existing(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which server of Home Assistant's own Plex integration to use.

        Its address and token are copied; the other integration's entry stays as it is.
        """
        errors: dict[str, str] = {}
        if user_input is not None:
            if user_input[CONF_SERVER] == ENTER:
                return await self.async_step_plex_manual()
            self._existing |= existing_servers(self.hass)  # it may have been mended over there
            machine_id = user_input[CONF_SERVER]
            config = self._existing[machine_id].user_input
            known = Login(url="", secret=config[CONF_TOKEN])
            try:
                known = PLEX.entered(config)
                return await self._async_use_plex(known, machine_id)
            except FieldError as err:
                errors = self._unusable(machine_id, known, err)
        names = {machine_id: one_line(server.name) for machine_id, server in self._existing.items()}
        return self._show_servers("plex_existing", names, errors, user_input)

    def _unusable(self, machine_id: str, login: Login, err: FieldError) -> dict[str, str]:
        """Keep what is known of a server that cannot be used; return the error of the list."""
        if err.field == PLEX.secret_field:
            login = replace(login, secret="")
        self._known = KnownServer(machine_id, login)
        return {"base": err.error}  # neither address nor token can be changed there

    def _show_servers(
        self,
        step_id: str,
        names: Mapping[str, str],
        errors: dict[str, str],
        user_input: Mapping[str, Any] | None,
    ) -> ConfigFlowResult:
        """Show servers to choose from; where one cannot be used, its URL may be entered too."""
        schema = server_schema(names, can_enter=bool(errors))
        return self._show(step_id, schema, errors, user_input)

    async def _async_use_plex(
        self, login: Login, machine_id: str | None = None
    ) -> ConfigFlowResult:
        """Go on with a Plex server if it lets us in, and is the one that was chosen.

        Raises FieldError.
        """
        info, libraries = await async_try_plex(self.hass, login, self._client_id)
        if machine_id not in (None, info.machine_id):
            raise FieldError("base", "other_server")
        # A flow that was left in another window must not stand in the way.
        await self.async_set_unique_id(info.machine_id, raise_on_progress=False)
        self._abort_if_unique_id_configured()
        if not libraries:
            raise FieldError("base", "no_libraries")
        self._data |= PLEX.data(login)
        if machine_id in self._owned:
            self._keep_account_token(self._owned[machine_id])
        self._title = one_line(info.name) or info.machine_id
        self._libraries = {library.key: one_line(library.name) for library in libraries}
        return await self.async_step_pulsarr()

    def _show(
        self,
        step_id: str,
        schema: vol.Schema,
        errors: dict[str, str],
        values: Mapping[str, Any] | None,
        **placeholders: str,
    ) -> ConfigFlowResult:
        """Show a form that keeps what was entered."""
        # Of voluptuous, or of what has taken its name since Home Assistant 2026.9.
        form: Any = schema
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(form, values),
            errors=errors,
            description_placeholders={**PLACEHOLDERS, **placeholders},
        )
