"""The config flow: setting up, asking again for a refused credential, changing the connections."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, override

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlowResult,
    OptionsFlow,
)
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import callback
from homeassistant.helpers.selector import TextSelector
import voluptuous as vol

from .const import (
    CONF_CLIENT_ID,
    CONF_LABEL_FORMAT,
    CONF_LIBRARIES,
    DOMAIN,
)
from .escaping import as_markdown
from .flows.connections import (
    PLEX,
    PULSARR,
    FieldError,
    Login,
    Peer,
    async_try_plex,
    async_try_pulsarr,
    pulsarr_client,
)
from .flows.fields import (
    cleaned,
    libraries_choice,
    login_schema,
    secret_field,
)
from .flows.label_preview import LabelPreview
from .flows.lookup import async_or_none
from .flows.options_flow import PlexLabelSyncOptionsFlow
from .flows.reachable_urls import async_reach
from .flows.review_step import ReviewStep
from .options import OPTIONS
from .plex.account import OwnedServer


class PlexLabelSyncConfigFlow(ReviewStep, domain=DOMAIN):
    """Connects one Plex server and its Pulsarr."""

    VERSION = 1
    MINOR_VERSION = 2

    def __init__(self) -> None:
        """Start without knowing anything."""
        super().__init__()
        self._pulsarr_sends_webhooks = True
        self._asked: tuple[Peer, ...] = ()

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the flow that changes the options."""
        return PlexLabelSyncOptionsFlow()

    # Setting up, once the Plex server is known

    @override
    async def async_step_pulsarr(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for Pulsarr's address and API key."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                login = await async_reach(self.hass, PULSARR, PULSARR.entered(user_input))
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
        """Ask which libraries get labels, and what a label is called; then look at the first sync.

        Shows who gets which label. An old Pulsarr is told of here, when the form is first shown,
        and a changed format by which people share a label, once: submitting it again goes on.
        """
        errors: dict[str, str] = {}
        if user_input is not None:
            options, errors = cleaned(user_input)
            errors = errors or self._preview.check(options)
            if not errors:
                self._options, self._reading = options, None
                return await self.async_step_reading()
        else:
            pulsarr = pulsarr_client(self.hass, PULSARR.stored(self._data))
            people = await async_or_none(pulsarr.people())
            self._preview = LabelPreview(people, {}, is_set_up=False)
            if not self._pulsarr_sends_webhooks:
                errors["base"] = "pulsarr_too_old"
        fields: dict[vol.Marker, Any] = {
            vol.Required(CONF_LIBRARIES, default=list(self._libraries)): libraries_choice(
                self._libraries
            ),
            vol.Required(
                CONF_LABEL_FORMAT, default=OPTIONS[CONF_LABEL_FORMAT].default
            ): TextSelector(),
        }
        schema = vol.Schema(fields)
        preview = await self._preview.async_text(self.hass)
        return self._show("libraries", schema, errors, user_input, label_preview=preview)

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

    @override
    async def _async_signed_in_anew(self, servers: Iterable[OwnedServer]) -> ConfigFlowResult:
        """Take the entry's server from those of the account; its token need not be typed."""
        machine_id = self._get_reauth_entry().unique_id
        for server in servers:
            if server.machine_id == machine_id:
                self._keep_account_token(server)
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
        name = as_markdown(entry.title)
        return self._show("reauth_confirm", vol.Schema(fields), errors, shown, name=name)

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
                login = await async_reach(self.hass, peer, peer.entered(user_input, stored))
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
