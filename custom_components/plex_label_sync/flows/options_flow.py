"""The options flow: one form for all options."""

import asyncio
from collections.abc import Mapping
import time
from typing import Any

from homeassistant.components.webhook import async_generate_path
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult, OptionsFlow
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.helpers.selector import SelectSelectorMode
import voluptuous as vol

from ..const import CONF_BASE_URL, CONF_CLIENT_ID, CONF_SHARING_ACCOUNTS, CONF_WEBHOOK_SECRET
from ..escaping import one_line
from ..new_libraries import async_remember, with_libraries
from ..sharing.who import pair_of
from ..sharing_check.check import SharingCheck
from ..sharing_check.page import (
    NO_RULE_FOR,
    async_leave_out,
    async_page,
    people_left_out,
    people_with_steps,
)
from ..sync.model import Person  # noqa: TC001 - of a class that Home Assistant instantiates
from ..sync.person_id import public_id
from ..webhook.secret import new_secret, renewed
from ..webhook.urls import addresses
from .connections import PLEX, PULSARR, plex_client, pulsarr_client
from .fields import PLACEHOLDERS, choice, cleaned
from .label_preview import LabelPreview, shown_name
from .lookup import async_or_none
from .option_problems import async_problems
from .options_form import (
    RENEW_SECRET,
    SHOW_SHARING,
    SHOW_WEBHOOK,
    SectionedForm,
    options_form,
    shown_again,
)


class PlexLabelSyncOptionsFlow(OptionsFlow):
    """Changes the options; the entry's update listener applies them."""

    def __init__(self) -> None:
        """Initialize without choices."""
        self._libraries: dict[str, str] = {}
        self._people: dict[str, str] = {}
        self._accepted: dict[str, Any] = {}
        self._preview = LabelPreview(None, {})
        self._form = SectionedForm({})
        self._pulsarr_people: tuple[Person, ...] | None = None
        self._show_sharing = False

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the current options and save the changed ones."""
        options = dict(self.config_entry.options)
        errors: dict[str, str] = {}
        problems: dict[str, str] = {}
        if user_input is None:
            await self._async_look_up()
        else:
            user_input = self._form.left_empty() | user_input
            show_webhook = user_input.pop(SHOW_WEBHOOK, False)
            renew_secret = user_input.pop(RENEW_SECRET, False)
            self._show_sharing = user_input.pop(SHOW_SHARING, False)
            values, errors = cleaned(user_input)
            errors = errors or self._preview.check(options | values) or self._unknown(values)
            if not errors:
                self._accepted = with_libraries(options | values, self._libraries)
                async_remember(self.hass, self.config_entry, self._libraries)
                if renew_secret:
                    self._renew_secret()
                    return await self.async_step_webhook_renewed()
                if show_webhook:
                    return await self.async_step_webhook()
                return await self._async_finish()
            options |= shown_again(user_input)
            problems = await async_problems(self.hass, errors)
            errors = self._form.places(errors)
        self._form = options_form(options, self._libraries, self._people, errors)
        schema: Any = self._form  # of voluptuous, or of its replacement since Home Assistant 2026.9
        return self.async_show_form(
            step_id="init",
            data_schema=schema,
            errors=errors,
            description_placeholders={
                **PLACEHOLDERS,
                **problems,
                "label_preview": await self._preview.async_text(self.hass),
            },
        )

    async def async_step_webhook(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the webhook settings for Sonarr and Radarr; administrators only."""
        return await self._show_webhook("webhook", user_input)

    async def async_step_webhook_renewed(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the new secret to copy to Sonarr and Radarr; Pulsarr is updated automatically."""
        return await self._show_webhook("webhook_renewed", user_input)

    def _renew_secret(self) -> None:
        """Create a new secret; the current one stays valid until Pulsarr has the new one."""
        data = renewed(self.config_entry.data, new_secret(), time.time())
        self.hass.config_entries.async_update_entry(self.config_entry, data=data)

    async def _show_webhook(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        if user_input is not None:
            return await self._async_finish()
        entry = self.config_entry
        base_url = self._accepted.get(CONF_BASE_URL)
        candidates = addresses(self.hass, entry.data[CONF_WEBHOOK_ID], base_url)
        used = None
        if entry.state is ConfigEntryState.LOADED:
            used = entry.runtime_data.webhook_manager.registration.address
        candidates = (
            tuple(candidate for candidate in candidates if candidate.shown == used) or candidates
        )
        schema: Any = vol.Schema({})  # as above
        return self.async_show_form(
            step_id=step_id,
            data_schema=schema,
            errors={},
            description_placeholders={
                "address": candidates[0].url
                if candidates
                else async_generate_path(entry.data[CONF_WEBHOOK_ID]),
                "secret": entry.data[CONF_WEBHOOK_SECRET],
            },
            last_step=not self._show_sharing,
        )

    async def async_step_sharing(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show who can see what; administrators only."""
        check = self._sharing
        if user_input is not None:
            if check is not None:
                await async_leave_out(check, user_input.get(NO_RULE_FOR, ()))
            return self.async_create_entry(data=self._accepted)
        if check is not None:
            await check.async_check(refresh=False)
        people = {} if check is None else people_with_steps(check)
        left_out = [] if check is None else people_left_out(check)
        schema: Any = vol.Schema(
            {
                vol.Optional(NO_RULE_FOR, default=left_out): choice(
                    people, mode=SelectSelectorMode.DROPDOWN
                )
            }
            if people
            else {}
        )
        return self.async_show_form(
            step_id="sharing",
            data_schema=schema,
            errors={},
            description_placeholders={"page": await async_page(self.hass, check)},
            last_step=True,
        )

    async def _async_finish(self) -> ConfigFlowResult:
        """Save the options, after showing who can see what if that was requested."""
        if self._show_sharing:
            self._show_sharing = False
            return await self.async_step_sharing()
        return self.async_create_entry(data=self._accepted)

    @property
    def _sharing(self) -> SharingCheck | None:
        entry = self.config_entry
        if entry.state is not ConfigEntryState.LOADED:
            return None
        check: SharingCheck = entry.runtime_data.sharing
        return check

    def _unknown(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Return an error for pairs with an unknown person or account, if both lists are known."""
        check = self._sharing
        answer = None if check is None else check.answer
        if answer is None or not answer.all_listed or self._pulsarr_people is None:
            return {}
        people = self._pulsarr_people
        pairs = values.get(CONF_SHARING_ACCOUNTS, ())
        if all(pair_of(pair, people, answer.all_accounts) is not None for pair in pairs):
            return {}
        return {CONF_SHARING_ACCOUNTS: "unknown_sharing_account"}

    async def _async_look_up(self) -> None:
        """Read the names of the choices from both servers; the form also works without them."""
        data = self.config_entry.data
        plex = plex_client(self.hass, PLEX.stored(data), data[CONF_CLIENT_ID])
        pulsarr = pulsarr_client(self.hass, PULSARR.stored(data))
        libraries, people = await asyncio.gather(
            async_or_none(self.hass, plex.libraries()), async_or_none(self.hass, pulsarr.people())
        )
        self._libraries = {library.key: one_line(library.name) for library in libraries or ()}
        self._people = {public_id(person.id): shown_name(person) for person in people or ()}
        self._pulsarr_people = people
        self._preview = LabelPreview(people, self.config_entry.options)
