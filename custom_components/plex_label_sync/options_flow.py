"""The options flow: one form for everything that may change while the integration runs."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from homeassistant.components.webhook import async_generate_path
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult, OptionsFlow
from homeassistant.const import CONF_WEBHOOK_ID, PERCENTAGE, UnitOfTime
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
)
import voluptuous as vol

from .addresses import addresses
from .connections import PLEX, PULSARR, plex_client, pulsarr_client
from .const import (
    CONF_BASE_URL,
    CONF_BATCH_MODE,
    CONF_CLIENT_ID,
    CONF_EXCLUDE_LABELS,
    CONF_EXCLUDE_PEOPLE,
    CONF_LABEL_FORMAT,
    CONF_LIBRARIES,
    CONF_LIVE_MODE,
    CONF_MAX_REMOVALS,
    CONF_OPT_OUT_LABEL,
    CONF_PENDING_MAX_AGE,
    CONF_PENDING_RETRY_INTERVAL,
    CONF_PRESERVE_EXISTING_LABELS,
    CONF_REMOVAL_DELAY,
    CONF_REMOVED_LABEL,
    CONF_REMOVED_LABEL_MODE,
    CONF_RESTORE_OVERRIDES,
    CONF_SYNC_DISABLED_PEOPLE,
    CONF_SYNC_INTERVAL,
    CONF_WEBHOOK_SECRET,
    DEFAULT_LABEL_FORMAT,
    DEFAULT_MAX_REMOVALS,
    DEFAULT_OPT_OUT_LABEL,
    DEFAULT_PENDING_MAX_AGE,
    DEFAULT_PENDING_RETRY_INTERVAL,
    DEFAULT_REMOVAL_DELAY,
    DEFAULT_REMOVED_LABEL,
    DEFAULT_SYNC_INTERVAL,
    MIN_PENDING_MAX_AGE,
    MIN_PENDING_RETRY_INTERVAL,
    MIN_SYNC_INTERVAL,
)
from .forms import (
    PLACEHOLDERS,
    URL_SELECTOR,
    Cleaner,
    UnusableValueError,
    choice,
    clean_label_format,
    clean_libraries,
    cleaned,
    libraries_choice,
)
from .label_preview import LabelPreview, shown_name
from .lookup import async_or_none
from .sync.model import RemovedLabelMode, fold
from .sync.naming import clean_label
from .transport import normalise_url

SHOW_WEBHOOK: Final = "show_webhook"  # asked for once, not kept
MAX_SYNC_INTERVAL: Final = 7 * 24 * 3600  # seconds
MAX_PENDING_RETRY_INTERVAL: Final = 3600  # seconds
MAX_REMOVAL_DELAY: Final = 365  # days
MAX_PENDING_MAX_AGE: Final = 7 * 24 * 60  # minutes


class PlexLabelSyncOptionsFlow(OptionsFlow):
    """Changes the options; the entry reloads by itself when they have changed."""

    def __init__(self) -> None:
        """Start without knowing what there is to choose from."""
        self._libraries: dict[str, str] = {}
        self._people: dict[str, str] = {}
        self._accepted: dict[str, Any] = {}
        self._preview = LabelPreview(None, {})

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the present options and take over the changed ones."""
        options = dict(self.config_entry.options)
        errors: dict[str, str] = {}
        if user_input is None:
            await self._async_look_up()
        else:
            show_webhook = user_input.pop(SHOW_WEBHOOK, False)
            values, errors = cleaned({CONF_BASE_URL: "", **user_input}, _CLEANERS)
            errors = errors or self._preview.check(options | values)
            if not errors:
                self._accepted = options | values
                if show_webhook:
                    return await self.async_step_webhook()
                return self.async_create_entry(data=self._accepted)
            options |= {CONF_BASE_URL: "", **user_input}
        # Of voluptuous, or of what has taken its name since Home Assistant 2026.9.
        schema: Any = _schema(options, self._libraries, self._people)
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
        if user_input is not None:
            return self.async_create_entry(data=self._accepted)
        entry = self.config_entry
        base_url = self._accepted.get(CONF_BASE_URL)
        ways = addresses(self.hass, entry.data[CONF_WEBHOOK_ID], base_url)
        used = None
        if entry.state is ConfigEntryState.LOADED:
            used = entry.runtime_data.upkeep.registration.address
        ways = tuple(way for way in ways if way.shown == used) or ways
        schema: Any = vol.Schema({})  # see above
        return self.async_show_form(
            step_id="webhook",
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
        self._libraries = {library.key: library.name for library in libraries or ()}
        self._people = {str(person.id): shown_name(person) for person in people or ()}
        self._preview = LabelPreview(people, self.config_entry.options)


def _with_chosen(names: Mapping[str, str], chosen: Iterable[str]) -> dict[str, str]:
    """Return what there is to choose: also what was chosen before and has no name at present."""
    return {**names, **{value: value for value in chosen if value not in names}}


def _schema(
    options: Mapping[str, Any], libraries: Mapping[str, str], people: Mapping[str, str]
) -> vol.Schema:
    """Return the form with the present options.

    A field that may be emptied is required all the same, except for the address: what the web
    interface leaves out because it is empty would otherwise come back as the default.
    """
    chosen = options.get(CONF_LIBRARIES, list(libraries))
    excluded = [str(person) for person in options.get(CONF_EXCLUDE_PEOPLE, ())]

    def field(name: str, *, default: object) -> vol.Required:
        return vol.Required(name, default=options.get(name, default))

    fields: dict[vol.Marker, object] = {
        field(CONF_LIVE_MODE, default=True): BooleanSelector(),
        field(CONF_BATCH_MODE, default=True): BooleanSelector(),
        field(CONF_LABEL_FORMAT, default=DEFAULT_LABEL_FORMAT): TextSelector(),
        field(CONF_SYNC_INTERVAL, default=DEFAULT_SYNC_INTERVAL): _number(
            MIN_SYNC_INTERVAL, MAX_SYNC_INTERVAL, UnitOfTime.SECONDS
        ),
        field(CONF_PENDING_RETRY_INTERVAL, default=DEFAULT_PENDING_RETRY_INTERVAL): _number(
            MIN_PENDING_RETRY_INTERVAL, MAX_PENDING_RETRY_INTERVAL, UnitOfTime.SECONDS
        ),
        field(CONF_PENDING_MAX_AGE, default=DEFAULT_PENDING_MAX_AGE): _number(
            MIN_PENDING_MAX_AGE, MAX_PENDING_MAX_AGE, UnitOfTime.MINUTES
        ),
        field(CONF_EXCLUDE_LABELS, default=[]): TextSelector(TextSelectorConfig(multiple=True)),
        field(CONF_PRESERVE_EXISTING_LABELS, default=True): BooleanSelector(),
    }
    if choices := _with_chosen(libraries, chosen):
        fields[vol.Required(CONF_LIBRARIES, default=chosen)] = libraries_choice(choices)
    fields |= {
        vol.Required(CONF_EXCLUDE_PEOPLE, default=excluded): choice(
            _with_chosen(people, excluded),
            mode=SelectSelectorMode.DROPDOWN,
            custom_value=True,
        ),
        field(CONF_SYNC_DISABLED_PEOPLE, default=False): BooleanSelector(),
        **_removal_fields(field),
        vol.Optional(
            CONF_BASE_URL, description={"suggested_value": options.get(CONF_BASE_URL, "")}
        ): URL_SELECTOR,
        vol.Optional(SHOW_WEBHOOK, default=False): BooleanSelector(),
    }
    return vol.Schema(fields)


def _removal_fields(field: Callable[..., vol.Required]) -> dict[vol.Marker, object]:
    """Return the fields about labels that go, and about decisions made by hand."""
    return {
        field(CONF_REMOVED_LABEL_MODE, default=RemovedLabelMode.KEEP.value): SelectSelector(
            SelectSelectorConfig(
                options=[mode.value for mode in RemovedLabelMode],
                translation_key=CONF_REMOVED_LABEL_MODE,
            )
        ),
        field(CONF_REMOVED_LABEL, default=DEFAULT_REMOVED_LABEL): TextSelector(),
        field(CONF_REMOVAL_DELAY, default=DEFAULT_REMOVAL_DELAY): _number(
            0, MAX_REMOVAL_DELAY, UnitOfTime.DAYS
        ),
        field(CONF_RESTORE_OVERRIDES, default=False): BooleanSelector(),
        field(CONF_OPT_OUT_LABEL, default=DEFAULT_OPT_OUT_LABEL): TextSelector(),
        field(CONF_MAX_REMOVALS, default=DEFAULT_MAX_REMOVALS): _number(1, 100, PERCENTAGE),
    }


def _number(minimum: int, maximum: int, unit: str) -> NumberSelector:
    return NumberSelector(
        NumberSelectorConfig(
            min=minimum, max=maximum, step=1, mode=NumberSelectorMode.BOX, unit_of_measurement=unit
        )
    )


def _clean_number(value: float) -> int:
    """Return a whole number as one; selectors give floats, and let fractions through."""
    if not value.is_integer():
        raise UnusableValueError("not_a_whole_number")
    return int(value)


def _clean_labels(labels: Iterable[str]) -> list[str]:
    """Return labels without blanks around them, each once in whatever case it comes."""
    texts = filter(None, (label.strip() for label in labels))
    return list({fold(text): text for text in reversed(list(texts))}.values())[::-1]


def _clean_one_label(text: str) -> str:
    """Return a label as it can stand in Plex and in a share filter. Raises UnusableValueError."""
    if clean_label(text) != text.strip() or not text.strip():
        raise UnusableValueError("invalid_label")
    return text.strip()


def _clean_people(ids: Iterable[str]) -> list[str]:
    """Return Pulsarr user ids, each once. Raises UnusableValueError for what is no id."""
    try:
        return [str(number) for number in dict.fromkeys(map(int, ids))]
    except ValueError as err:
        raise UnusableValueError("invalid_person") from err


def _clean_base_url(text: str) -> str:
    """Return Home Assistant's address without a trailing slash; empty means to guess it.

    Raises UnusableValueError.
    """
    if not (address := text.strip()):
        return ""
    if "://" not in address:  # what connections make up for, a webhook's sender does not
        raise UnusableValueError("invalid_url")
    try:
        return normalise_url(address)
    except ValueError as err:
        raise UnusableValueError("invalid_url") from err


_CLEANERS: Final[Mapping[str, Cleaner]] = {
    CONF_LABEL_FORMAT: clean_label_format,
    CONF_SYNC_INTERVAL: _clean_number,
    CONF_PENDING_RETRY_INTERVAL: _clean_number,
    CONF_PENDING_MAX_AGE: _clean_number,
    CONF_EXCLUDE_LABELS: _clean_labels,
    CONF_LIBRARIES: clean_libraries,
    CONF_EXCLUDE_PEOPLE: _clean_people,
    CONF_BASE_URL: _clean_base_url,
    CONF_REMOVED_LABEL: _clean_one_label,
    CONF_OPT_OUT_LABEL: _clean_one_label,
    CONF_REMOVAL_DELAY: _clean_number,
    CONF_MAX_REMOVALS: _clean_number,
}
