"""Config flow: setup, reauthentication and reconfiguration of the connections."""

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
    """Config flow for one Plex server and its Pulsarr."""

    VERSION = 1
    MINOR_VERSION = 2

    def __init__(self) -> None:
        """Initialize an empty flow."""
        super().__init__()
        self._pulsarr_sends_webhooks = True
        self._requested: tuple[Peer, ...] = ()

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the options flow."""
        return PlexLabelSyncOptionsFlow()

    # Setup, once the Plex server is known

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
        """Ask for libraries and label format, then go on to the preview of the first sync.

        Shows who gets which label. Warns of an old Pulsarr when the form is first shown, and once
        of a changed format by which people share a label: submitting it again goes on.
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
            people = await async_or_none(self.hass, pulsarr.people())
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

    # Reauthentication

    async def async_step_reauth(
        self,
        entry_data: Mapping[str, Any],  # noqa: ARG002 - may be outdated when the form is shown
    ) -> ConfigFlowResult:
        """Start after a server has refused its credential; the form finds out which one."""
        self._client_id = self._get_reauth_entry().data[CONF_CLIENT_ID]
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the refused credential, Plex's before Pulsarr's.

        An empty Plex token starts a sign-in at plex.tv instead. If neither is refused any more,
        both are optional.
        """
        is_empty = user_input is not None and not "".join(user_input.values()).strip()
        if is_empty and self._requested == (PLEX,):
            return await self.async_step_plex_sign_in()
        return await self._async_reauth(user_input, user_input)

    @override
    async def _async_signed_in_again(self, servers: Iterable[OwnedServer]) -> ConfigFlowResult:
        """Find the entry's server among those of the account and use its token."""
        machine_id = self._get_reauth_entry().unique_id
        for server in servers:
            if server.machine_id == machine_id:
                self._keep_account_token(server)
                return await self._async_reauth({CONF_TOKEN: server.token}, None)
        return self.async_abort(reason="wrong_server")

    async def _async_reauth(
        self, user_input: dict[str, Any] | None, shown: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Try new credentials; show the form, filled with `shown`, while one is missing."""
        entry = self._get_reauth_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                for peer in self._requested:
                    login = self._login(entry, peer)
                    if self._requested == (peer,):  # a refused one must be replaced
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
            self._requested = refused[:1] or (PLEX, PULSARR)
        fields: dict[vol.Marker, TextSelector] = {}
        for peer in self._requested:
            fields |= secret_field(peer, required=False)
        name = as_markdown(entry.title)
        return self._show("reauth_confirm", vol.Schema(fields), errors, shown, name=name)

    async def _async_refused(self, entry: ConfigEntry) -> tuple[Peer, ...]:
        """Return the servers that refuse their stored credential."""

        async def is_refused(peer: Peer) -> bool:
            try:
                await self._async_is_same_server(entry, peer, self._login(entry, peer))
            except FieldError as err:
                return err.field == peer.secret_field
            return False

        peers = (PLEX, PULSARR)
        answers = await asyncio.gather(*map(is_refused, peers))
        return tuple(peer for peer, refused in zip(peers, answers, strict=True) if refused)

    # Reconfiguration

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the Plex server's address and token; an empty token keeps the stored one."""
        return await self._async_reconfigure("reconfigure", PLEX, user_input)

    async def async_step_reconfigure_pulsarr(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for Pulsarr's address and API key; an empty key keeps the stored one."""
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
        """Return an entry's login, with any changes that this flow has made."""
        return peer.stored({**entry.data, **self._data})

    async def _async_is_same_server(self, entry: ConfigEntry, peer: Peer, login: Login) -> bool:
        """Try a login and return whether it leads to the entry's server.

        Any Pulsarr is accepted, as it has no identifier. Raises FieldError.
        """
        if peer is PULSARR:
            await async_try_pulsarr(self.hass, login)
            return True
        info, _ = await async_try_plex(self.hass, login, entry.data[CONF_CLIENT_ID])
        return info.machine_id == entry.unique_id

    def _finish(self, entry: ConfigEntry, reason: str) -> ConfigFlowResult:
        """Save the connections and reload the entry exactly once.

        A loaded entry reloads by itself when its data change. An entry that is not loaded has no
        update listener, and unchanged data do not call it.
        """
        reloads_itself = bool(entry.update_listeners)
        changed = self.hass.config_entries.async_update_entry(
            entry, data={**entry.data, **self._data}
        )
        if not (changed and reloads_itself):
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return self.async_abort(reason=reason)
