"""The options flow: one form for everything that may change while the integration runs."""

import asyncio
import time
from typing import Any

from homeassistant.components.webhook import async_generate_path
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult, OptionsFlow
from homeassistant.const import CONF_WEBHOOK_ID
import voluptuous as vol

from .addresses import addresses
from .connections import PLEX, PULSARR, plex_client, pulsarr_client
from .const import CONF_BASE_URL, CONF_CLIENT_ID, CONF_WEBHOOK_SECRET
from .escaping import one_line
from .forms import PLACEHOLDERS, cleaned
from .label_preview import LabelPreview, shown_name
from .lookup import async_or_none
from .new_libraries import async_remember, with_libraries
from .options_form import (
    CLEANERS,
    RENEW_SECRET,
    SECTION_CONNECTION,
    SHOW_WEBHOOK,
    SectionedForm,
    options_form,
    shown_again,
)
from .webhook_secret import new_secret, renewed


class PlexLabelSyncOptionsFlow(OptionsFlow):
    """Changes the options; the entry reloads by itself when they have changed."""

    def __init__(self) -> None:
        """Start without knowing what there is to choose from."""
        self._libraries: dict[str, str] = {}
        self._people: dict[str, str] = {}
        self._accepted: dict[str, Any] = {}
        self._preview = LabelPreview(None, {})
        self._form = SectionedForm({})

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the present options and take over the changed ones."""
        options = dict(self.config_entry.options)
        errors: dict[str, str] = {}
        if user_input is None:
            await self._async_look_up()
        else:
            if SECTION_CONNECTION in self._form.sections_sent:  # then no address is an empty one
                user_input.setdefault(CONF_BASE_URL, "")
            show_webhook = user_input.pop(SHOW_WEBHOOK, False)
            renew_secret = user_input.pop(RENEW_SECRET, False)
            values, errors = cleaned(user_input, CLEANERS)
            errors = errors or self._preview.check(options | values)
            if not errors:
                self._accepted = with_libraries(options | values, self._libraries)
                async_remember(self.hass, self.config_entry, self._libraries)
                if renew_secret:
                    self._renew_secret()
                    return await self.async_step_webhook_renewed()
                if show_webhook:
                    return await self.async_step_webhook()
                return self.async_create_entry(data=self._accepted)
            options |= shown_again(user_input)
            errors = self._form.places(errors)
        self._form = options_form(options, self._libraries, self._people, errors)
        schema: Any = self._form  # of voluptuous, or of what took its name in Home Assistant 2026.9
        return self.async_show_form(
            step_id="init",
            data_schema=schema,
            errors=errors,
            description_placeholders={
                **PLACEHOLDERS,
                "label_preview": await self._preview.async_text(self.hass),
            },
        )

    async def async_step_webhook(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what Sonarr and Radarr need to announce imports; only administrators get here."""
        return self._show_webhook("webhook", user_input)

    async def async_step_webhook_renewed(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the new secret, which Sonarr and Radarr have to be told; Pulsarr is told by itself."""
        return self._show_webhook("webhook_renewed", user_input)

    def _renew_secret(self) -> None:
        """Make a new secret; the present one is good until Pulsarr has it."""
        data = renewed(self.config_entry.data, new_secret(), time.time())
        self.hass.config_entries.async_update_entry(self.config_entry, data=data)

    def _show_webhook(self, step_id: str, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        if user_input is not None:
            return self.async_create_entry(data=self._accepted)
        entry = self.config_entry
        base_url = self._accepted.get(CONF_BASE_URL)
        ways = addresses(self.hass, entry.data[CONF_WEBHOOK_ID], base_url)
        used = None
        if entry.state is ConfigEntryState.LOADED:
            used = entry.runtime_data.upkeep.registration.address
        ways = tuple(way for way in ways if way.shown == used) or ways
        schema: Any = vol.Schema({})  # as above
        return self.async_show_form(
            step_id=step_id,
            data_schema=schema,
            errors={},
            description_placeholders={
                "address": ways[0].url
                if ways
                else async_generate_path(entry.data[CONF_WEBHOOK_ID]),
                "secret": entry.data[CONF_WEBHOOK_SECRET],
            },
            last_step=True,
        )

    async def _async_look_up(self) -> None:
        """Ask both servers for the names of what may be chosen; the form goes without as well."""
        data = self.config_entry.data
        plex = plex_client(self.hass, PLEX.stored(data), data[CONF_CLIENT_ID])
        pulsarr = pulsarr_client(self.hass, PULSARR.stored(data))
        libraries, people = await asyncio.gather(
            async_or_none(plex.libraries()), async_or_none(pulsarr.people())
        )
        self._libraries = {library.key: one_line(library.name) for library in libraries or ()}
        self._people = {str(person.id): shown_name(person) for person in people or ()}
        self._preview = LabelPreview(people, self.config_entry.options)
