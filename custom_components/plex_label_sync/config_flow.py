"""The config flow: setting up, asking again for a refused credential, changing the connections."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
import secrets
from typing import Any, Final, override
from uuid import uuid4

from homeassistant.components.webhook import async_generate_id
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    OptionsFlow,
)
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL, CONF_WEBHOOK_ID
from homeassistant.core import callback
from homeassistant.helpers.selector import TextSelector
import voluptuous as vol

from .connections import (
    PLEX,
    PULSARR,
    FieldError,
    Login,
    Peer,
    async_find_server,
    async_try_plex,
    async_try_pulsarr,
    pulsarr_client,
)
from .const import (
    CONF_CLIENT_ID,
    CONF_LABEL_FORMAT,
    CONF_LIBRARIES,
    CONF_WEBHOOK_SECRET,
    DEFAULT_LABEL_FORMAT,
    DOMAIN,
)
from .existing import ExistingServer, existing_servers
from .forms import (
    CONF_SERVER,
    PLACEHOLDERS,
    Cleaner,
    clean_label_format,
    clean_libraries,
    cleaned,
    libraries_choice,
    login_schema,
    secret_field,
    server_schema,
)
from .label_preview import LabelPreview
from .lookup import async_or_none
from .options_flow import PlexLabelSyncOptionsFlow
from .plex.account import OwnedServer, PlexTvError
from .sign_in import PLEX_TV_UNREACHABLE, SignIn

WEBHOOK_SECRET_BYTES: Final = 32

_OPTION_CLEANERS: Final[Mapping[str, Cleaner]] = {
    CONF_LIBRARIES: clean_libraries,
    CONF_LABEL_FORMAT: clean_label_format,
}


class PlexLabelSyncConfigFlow(ConfigFlow, domain=DOMAIN):
    """Connects one Plex server and its Pulsarr."""

    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        """Start without knowing anything."""
        self._data: dict[str, Any] = {}  # what was accepted so far, as it will stand in the entry
        self._client_id = uuid4().hex  # of a new entry; Plex hears it with the first request
        self._title = ""
        self._libraries: dict[str, str] = {}
        self._existing: dict[str, ExistingServer] = {}
        self._sign_in: SignIn | None = None
        self._owned: dict[str, OwnedServer] = {}
        self._pulsarr_sends_webhooks = True
        self._preview = LabelPreview(None, {})
        self._asked: tuple[Peer, ...] = ()

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the flow that changes the options."""
        return PlexLabelSyncOptionsFlow()

    @callback
    @override
    def async_remove(self) -> None:
        """Stop following a sign-in: the flow is over, or was closed."""
        if self._sign_in is not None:
            self._sign_in.async_cancel()

    # Setting up

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Offer the ways to a Plex server."""
        self._existing = existing_servers(self.hass)
        existing = ["plex_existing"] if self._existing else []
        return self.async_show_menu(
            step_id="user", menu_options=["plex_sign_in", *existing, "plex_manual"]
        )

    async def async_step_plex_sign_in(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002 - nothing is asked here
    ) -> ConfigFlowResult:
        """Have the person sign in at plex.tv in another window, and wait for that.

        Comes by again when the sign-in is over, and when the page is loaded anew meanwhile. What
        fails is told in a form; submitting it begins a new sign-in.
        """
        if self._sign_in is not None and self._sign_in.is_over:
            return self.async_external_step_done(next_step_id="plex_server")
        if self._sign_in is None:
            sign_in = SignIn(self.hass, self.flow_id, self._client_id)
            try:
                await sign_in.async_begin()
            except PlexTvError:
                return self._sign_in_again(PLEX_TV_UNREACHABLE)
            self._sign_in = sign_in
        return self.async_external_step(step_id="plex_sign_in", url=self._sign_in.url)

    def _sign_in_again(self, error: str) -> ConfigFlowResult:
        """Tell why a sign-in came to nothing, and offer another one."""
        self.async_remove()
        self._sign_in = None
        return self._show("plex_sign_in", vol.Schema({}), {"base": error}, None)

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
                return self._sign_in_again(sign_in.error or "no_servers")
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
            server = self._owned[user_input[CONF_SERVER]]
            try:
                login = await async_find_server(self.hass, server, self._client_id)
                return await self._async_use_plex(login, server.machine_id)
            except FieldError as err:
                errors["base"] = err.error  # neither address nor token can be mended here
        names = {machine_id: server.name for machine_id, server in self._owned.items()}
        return self._show("plex_server", server_schema(names), errors, user_input)

    async def async_step_plex_manual(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a Plex server's address and the owner's token."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                return await self._async_use_plex(PLEX.entered(user_input))
            except FieldError as err:
                errors[err.field] = err.error
        return self._show(
            "plex_manual", login_schema(PLEX, secret_required=True), errors, user_input
        )

    async def async_step_plex_existing(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which server of Home Assistant's own Plex integration to use.

        Its address and token are copied; the other integration's entry stays as it is.
        """
        errors: dict[str, str] = {}
        if user_input is not None:
            self._existing |= existing_servers(self.hass)  # it may have been mended over there
            machine_id = user_input[CONF_SERVER]
            try:
                login = PLEX.entered(self._existing[machine_id].user_input)
                return await self._async_use_plex(login, machine_id)
            except FieldError as err:
                errors["base"] = err.error  # neither address nor token can be mended here
        names = {machine_id: server.name for machine_id, server in self._existing.items()}
        return self._show("plex_existing", server_schema(names), errors, user_input)

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
        self._title = info.name
        self._libraries = {library.key: library.name for library in libraries}
        return await self.async_step_pulsarr()

    async def async_step_pulsarr(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for Pulsarr's address and API key."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                login = PULSARR.entered(user_input)
                self._pulsarr_sends_webhooks = await async_try_pulsarr(self.hass, login)
            except FieldError as err:
                errors[err.field] = err.error
            else:
                self._data |= PULSARR.data(login)
                return await self.async_step_libraries()
        return self._show(
            "pulsarr", login_schema(PULSARR, secret_required=False), errors, user_input
        )

    async def async_step_libraries(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which libraries get labels, and what a label is called; then create the entry.

        Shows who gets which label. An old Pulsarr is told of here, when the form is first shown,
        and a changed format by which people share a label, once: submitting it again goes on.
        """
        errors: dict[str, str] = {}
        if user_input is not None:
            options, errors = cleaned(user_input, _OPTION_CLEANERS)
            errors = errors or self._preview.check(options)
            if not errors:
                return self._create(options)
        else:
            pulsarr = pulsarr_client(self.hass, PULSARR.stored(self._data))
            self._preview = LabelPreview(await async_or_none(pulsarr.people()), {})
            if not self._pulsarr_sends_webhooks:
                errors["base"] = "pulsarr_too_old"
        schema = vol.Schema(
            {
                vol.Required(CONF_LIBRARIES, default=list(self._libraries)): libraries_choice(
                    self._libraries
                ),
                vol.Required(CONF_LABEL_FORMAT, default=DEFAULT_LABEL_FORMAT): TextSelector(),
            }
        )
        preview = await self._preview.async_text(self.hass)
        return self._show("libraries", schema, errors, user_input, label_preview=preview)

    def _create(self, options: dict[str, Any]) -> ConfigFlowResult:
        """Create the entry, with a webhook that nobody can guess."""
        own = {
            CONF_CLIENT_ID: self._client_id,
            CONF_WEBHOOK_ID: async_generate_id(),
            CONF_WEBHOOK_SECRET: secrets.token_urlsafe(WEBHOOK_SECRET_BYTES),
        }
        return self.async_create_entry(title=self._title, data=self._data | own, options=options)

    # Asking again for what is refused

    async def async_step_reauth(
        self,
        entry_data: Mapping[str, Any],  # noqa: ARG002 - the form may come up much later
    ) -> ConfigFlowResult:
        """Start when one of the servers has refused its credential; which one is not said."""
        self._client_id = self._get_reauth_entry().data[CONF_CLIENT_ID]
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the credential that is refused, Plex's before Pulsarr's.

        Who leaves Plex's token empty signs in at plex.tv instead. When neither is refused any
        more, both may be changed and none must.
        """
        is_empty = user_input is not None and not "".join(user_input.values()).strip()
        if is_empty and self._asked == (PLEX,):
            return await self.async_step_plex_sign_in()
        return await self._async_reauth(user_input, user_input)

    async def _async_signed_in_anew(self, servers: Iterable[OwnedServer]) -> ConfigFlowResult:
        """Take the entry's server from those of the account; its token need not be typed."""
        machine_id = self._get_reauth_entry().unique_id
        for server in servers:
            if server.machine_id == machine_id:
                return await self._async_reauth({CONF_TOKEN: server.token}, None)
        return self.async_abort(reason="wrong_server")

    async def _async_reauth(
        self, user_input: dict[str, Any] | None, shown: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Try new credentials; as long as one is missing, show the form with what is `shown`."""
        entry = self._get_reauth_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                for peer in self._asked:
                    login = self._login(entry, peer)
                    if self._asked == (peer,):  # what is refused is no answer, but nothing may be
                        login = replace(login, secret="")
                    login = peer.entered(user_input, login)
                    if not await self._async_is_same_server(entry, peer, login):
                        return self.async_abort(reason="wrong_server")
                    self._data |= peer.data(login)
            except FieldError as err:
                errors["base" if err.field == CONF_URL else err.field] = err.error
        if not errors:
            refused = await self._async_refused(entry)
            if user_input is not None and not refused:
                return self._finish(entry, "reauth_successful")
            self._asked = refused[:1] or (PLEX, PULSARR)
        fields: dict[vol.Marker, TextSelector] = {}
        for peer in self._asked:
            fields |= secret_field(peer, required=False)
        return self._show("reauth_confirm", vol.Schema(fields), errors, shown)

    async def _async_refused(self, entry: ConfigEntry) -> tuple[Peer, ...]:
        """Return the servers that refuse the credential that is known."""

        async def is_refused(peer: Peer) -> bool:
            try:
                await self._async_is_same_server(entry, peer, self._login(entry, peer))
            except FieldError as err:
                return err.field == peer.secret_field
            return False

        peers = (PLEX, PULSARR)
        answers = await asyncio.gather(*map(is_refused, peers))
        return tuple(peer for peer, refused in zip(peers, answers, strict=True) if refused)

    # Changing the connections

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the Plex server's address and token; left empty, the token stays."""
        return await self._async_reconfigure("reconfigure", PLEX, user_input)

    async def async_step_reconfigure_pulsarr(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for Pulsarr's address and API key; left empty, the key stays."""
        return await self._async_reconfigure("reconfigure_pulsarr", PULSARR, user_input)

    async def _async_reconfigure(
        self, step_id: str, peer: Peer, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        entry = self._get_reconfigure_entry()
        stored = self._login(entry, peer)
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                login = peer.entered(user_input, stored)
                is_same = await self._async_is_same_server(entry, peer, login)
            except FieldError as err:
                errors[err.field] = err.error
            else:
                if not is_same:
                    return self.async_abort(reason="wrong_server")
                self._data |= peer.data(login)
                if peer is PLEX:
                    return await self.async_step_reconfigure_pulsarr()
                return self._finish(entry, "reconfigure_successful")
        known = {CONF_URL: stored.url, CONF_VERIFY_SSL: stored.verify_ssl}
        return self._show(
            step_id, login_schema(peer, secret_required=False), errors, user_input or known
        )

    # Shared

    def _login(self, entry: ConfigEntry, peer: Peer) -> Login:
        """Return an entry's login, as far as this flow has not changed it yet."""
        return peer.stored({**entry.data, **self._data})

    async def _async_is_same_server(self, entry: ConfigEntry, peer: Peer, login: Login) -> bool:
        """Try a login of an entry, and tell whether it leads to the entry's server.

        One Pulsarr is as good as another: they do not tell who they are. Raises FieldError.
        """
        if peer is PULSARR:
            await async_try_pulsarr(self.hass, login)
            return True
        info, _ = await async_try_plex(self.hass, login, entry.data[CONF_CLIENT_ID])
        return info.machine_id == entry.unique_id

    def _finish(self, entry: ConfigEntry, reason: str) -> ConfigFlowResult:
        """Save the connections and have the entry loaded again, once.

        A loaded entry reloads by itself when its data change. One that could not be set up does
        not listen, and one whose data stay as they were hears nothing.
        """
        reloads_itself = bool(entry.update_listeners)
        changed = self.hass.config_entries.async_update_entry(
            entry, data={**entry.data, **self._data}
        )
        if not (changed and reloads_itself):
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return self.async_abort(reason=reason)

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
