"""Steps that connect to Plex: sign-in, an existing server, or address and token."""

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
    """A chosen server that could not be used; `login` has what is known and was not refused."""

    machine_id: str
    login: Login


class PlexSteps(ConfigFlow):
    """The part of the config flow that connects to a Plex server."""

    def __init__(self) -> None:
        """Initialize an empty flow."""
        self._data: dict[str, Any] = {}  # the data of the future entry so far
        self._client_id = uuid4().hex  # of a new entry; sent with every request to Plex
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
        """Continue once the server is known."""
        raise NotImplementedError

    async def _async_signed_in_again(self, servers: Iterable[OwnedServer]) -> ConfigFlowResult:
        """Continue reauthentication with the account's servers."""
        raise NotImplementedError

    @callback
    @override
    def async_remove(self) -> None:
        """Stop polling for a sign-in when the flow ends or is closed."""
        if self._sign_in is not None:
            self._sign_in.async_cancel()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the menu of ways to connect to Plex."""
        return self.async_show_menu(step_id="user", menu_options=["plex_sign_in", *self._others()])

    async def async_step_plex_sign_in(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002 - the step has no form
    ) -> ConfigFlowResult:
        """Have the user sign in at plex.tv in another window, and wait for it.

        Called again when the sign-in has ended, or when the page is reloaded in the meantime. A
        failure is shown in a menu with the other ways.
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
        """Show why a sign-in failed, and offer the other ways as well."""
        self.async_remove()
        self._sign_in = None
        self._sign_in_error = error
        return await self.async_step_plex_sign_in_failed()

    async def async_step_plex_sign_in_failed(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002 - a menu has no input
    ) -> ConfigFlowResult:
        """Offer another sign-in, or ways without plex.tv."""
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
        """Return the steps that need no sign-in."""
        self._existing = existing_servers(self.hass)
        return ("plex_existing", "plex_manual") if self._existing else ("plex_manual",)

    async def async_step_plex_server(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which of the account's servers to use, if it owns several.

        Uses the server's own token and the best of its addresses reachable from Home Assistant.
        """
        if self._sign_in is not None:
            sign_in, self._sign_in = self._sign_in, None
            sign_in.async_cancel()
            if sign_in.error is not None or not sign_in.servers:
                return await self._sign_in_again(sign_in.error or "no_servers")
            if self.source == SOURCE_REAUTH:
                return await self._async_signed_in_again(sign_in.servers)
            configured = self._async_current_ids(include_ignore=False)
            self._owned = {
                server.machine_id: server
                for server in sign_in.servers
                if server.machine_id not in configured
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
        """Store the account token if plex.tv accepts only that one for reading shares."""
        self._data[CONF_PLEX_TV_TOKEN] = server.account_token
        if not server.account_token:
            del self._data[CONF_PLEX_TV_TOKEN]

    async def async_step_plex_manual(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a Plex server's address and the owner's token.

        Prefilled with what is known of a chosen server that could not be used; the known token is
        used only if the same server responds.
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
        elif stored is not None:  # all but the token, which is secret
            user_input = {CONF_URL: stored.url, CONF_VERIFY_SSL: stored.verify_ssl}
        schema = login_schema(PLEX, secret_required=stored is None or not stored.secret)
        return self._show("plex_manual", schema, errors, user_input)

    async def async_step_plex_existing(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which server of Home Assistant's Plex integration to use.

        Its address and token are copied; the Plex integration's entry is not changed.
        """
        errors: dict[str, str] = {}
        if user_input is not None:
            if user_input[CONF_SERVER] == ENTER:
                return await self.async_step_plex_manual()
            self._existing |= existing_servers(self.hass)  # its entry may have been repaired
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
        """Remember what is known of an unusable server, and return the error of the list."""
        if err.field == PLEX.secret_field:
            login = replace(login, secret="")
        self._known = KnownServer(machine_id, login)
        return {"base": err.error}  # the list has no address or token field

    def _show_servers(
        self,
        step_id: str,
        names: Mapping[str, str],
        errors: dict[str, str],
        user_input: Mapping[str, Any] | None,
    ) -> ConfigFlowResult:
        """Show the servers; if one cannot be used, URL and token may be entered instead."""
        schema = server_schema(names, can_enter=bool(errors))
        return self._show(step_id, schema, errors, user_input)

    async def _async_use_plex(
        self, login: Login, machine_id: str | None = None
    ) -> ConfigFlowResult:
        """Continue with a Plex server if it accepts the token and is the chosen one.

        Raises FieldError.
        """
        info, libraries = await async_try_plex(self.hass, login, self._client_id)
        if machine_id not in (None, info.machine_id):
            raise FieldError("base", "other_server")
        # An abandoned flow in another window must not block this one.
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
        """Show a form that keeps the previous input."""
        # Of voluptuous, or of its replacement since Home Assistant 2026.9.
        form: Any = schema
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(form, values),
            errors=errors,
            description_placeholders={**PLACEHOLDERS, **placeholders},
        )
