"""The form of the options: its sections and fields, and how what was entered is cleaned."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, override

from homeassistant.const import PERCENTAGE, UnitOfTime
from homeassistant.data_entry_flow import section
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

from ..const import (
    CONF_BASE_URL,
    CONF_BATCH_MODE,
    CONF_CHECK_SHARING,
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
    CONF_SHARING_ACCOUNTS,
    CONF_SHARING_INTERVAL,
    CONF_SYNC_DISABLED_PEOPLE,
    CONF_SYNC_INTERVAL,
    DEFAULT_LABEL_FORMAT,
    DEFAULT_MAX_REMOVALS,
    DEFAULT_OPT_OUT_LABEL,
    DEFAULT_PENDING_MAX_AGE,
    DEFAULT_PENDING_RETRY_INTERVAL,
    DEFAULT_REMOVAL_DELAY,
    DEFAULT_REMOVED_LABEL,
    DEFAULT_SHARING_INTERVAL,
    DEFAULT_SYNC_INTERVAL,
    MIN_PENDING_MAX_AGE,
    MIN_PENDING_RETRY_INTERVAL,
    MIN_SHARING_INTERVAL,
    MIN_SYNC_INTERVAL,
)
from ..server_urls import CredentialsInUrlError, normalise_url
from ..sync.model import RemovedLabelMode, fold
from ..sync.naming import clean_label
from .fields import (
    URL_SELECTOR,
    Cleaner,
    Unusable,
    UnusableValueError,
    choice,
    clean_label_format,
    clean_libraries,
    libraries_choice,
)

# Asked for once, not kept
SHOW_WEBHOOK: Final = "show_webhook"
RENEW_SECRET: Final = "renew_secret"  # noqa: S105 - a field's name
SHOW_SHARING: Final = "show_sharing"

SECTION_LABELS: Final = "labels"
SECTION_LIVE: Final = "live"
SECTION_FULL_SYNC: Final = "full_sync"
SECTION_REMOVAL: Final = "removal"
SECTION_SAFETY: Final = "safety"
SECTION_SHARING: Final = "sharing"
SECTION_CONNECTION: Final = "connection"

# Texts that may be emptied, by section: there the web interface leaves out what is empty.
MAY_BE_EMPTY: Final[Mapping[str, str]] = {
    SECTION_SAFETY: CONF_OPT_OUT_LABEL,
    SECTION_CONNECTION: CONF_BASE_URL,
}

MAX_SYNC_INTERVAL: Final = 7 * 24 * 3600  # seconds
MAX_PENDING_RETRY_INTERVAL: Final = 3600  # seconds
MAX_SHARING_INTERVAL: Final = 30 * 24 * 3600  # seconds
MAX_REMOVAL_DELAY: Final = 365  # days
MAX_PENDING_MAX_AGE: Final = 7 * 24 * 60  # minutes

type Fields = dict[vol.Marker, Any]


class SectionedForm(vol.Schema):
    """A form in sections, whose fields may also be sent without them.

    The web interface sends each field in its section. Whoever fills in the form by the names of
    the options needs to know of no section. What comes out are fields without sections.

    A value that a field does not take comes out as `Unusable` rather than being refused here:
    Home Assistant can tell the place of an error in a section in English and to programmers only.
    """

    sections_sent: frozenset[str] = frozenset()

    @override
    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields, those that were left out with their defaults.

        Raises vol.Invalid for a field that does not exist.
        """
        parts = {str(name): part for name, part in self.schema.items()}
        self.sections_sent = frozenset(
            name for name, value in data.items() if name in parts and isinstance(value, Mapping)
        )
        sent = {name: value for name, value in data.items() if name not in self.sections_sent}
        for name in self.sections_sent:
            sent |= data[name]
        values: dict[str, Any] = {}
        for part in parts.values():
            for field, selector in part.schema.schema.items():
                name = str(field)
                if name in sent:
                    values[name] = _taken(selector, sent.pop(name))
                elif not isinstance(field.default, vol.Undefined):
                    values[name] = _taken(selector, field.default())
        for name in sent:
            raise vol.Invalid("extra keys not allowed", [name])
        return values

    @property
    def sections(self) -> dict[str, dict[str, Any]]:
        """The selectors by section and field."""
        return {
            str(name): {str(field): selector for field, selector in part.schema.schema.items()}
            for name, part in self.schema.items()
        }

    def places(self, errors: Mapping[str, str]) -> dict[str, str]:
        """Return errors of fields with those of the sections that were sent.

        The web interface shows no error at a field of a section, but at the section.
        """
        of_sections = {
            str(name): errors[str(field)]
            for name, part in self.schema.items()
            for field in part.schema.schema
            if str(field) in errors and str(name) in self.sections_sent
        }
        return {**errors, **of_sections}


def _taken(selector: Callable[[Any], Any], value: Any) -> Any:  # noqa: ANN401 - a form's
    """Return a value as its field takes it, or that it is unusable."""
    try:
        return selector(value)
    except vol.Invalid:
        is_number = isinstance(selector, NumberSelector) and isinstance(value, int | float)
        return Unusable("out_of_range", value) if is_number else Unusable("invalid_value")


def shown_again(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was entered as far as it can stand in the form again."""
    numbers = {
        field: value.shown
        for field, value in values.items()
        if isinstance(value, Unusable) and value.shown is not None
    }
    return numbers | {
        field: value for field, value in values.items() if not isinstance(value, Unusable)
    }


def options_form(
    options: Mapping[str, Any],
    libraries: Mapping[str, str],
    people: Mapping[str, str],
    errors: Mapping[str, str],
) -> SectionedForm:
    """Return the form with the present options; what has errors is open.

    A list that may be emptied is required all the same: what the web interface leaves out because
    it is empty would otherwise come back as the default.
    """
    sections = _sections(options, libraries, people)
    form: Fields = {}
    for name, fields in sections.items():
        is_open = name == SECTION_LABELS or any(str(field) in errors for field in fields)
        # Of voluptuous, or of what has taken its name since Home Assistant 2026.9.
        schema: Any = vol.Schema(fields)
        form[vol.Required(name)] = section(schema, {"collapsed": not is_open})
    return SectionedForm(form)


def _sections(
    options: Mapping[str, Any], libraries: Mapping[str, str], people: Mapping[str, str]
) -> dict[str, Fields]:
    """Return the fields of each section with the present options."""

    def field(name: str, *, default: object) -> vol.Required:
        return vol.Required(name, default=options.get(name, default))

    def emptied(name: str, *, default: str) -> vol.Optional:
        # With a default it would come back as that: the web interface leaves out what is empty.
        return vol.Optional(name, description={"suggested_value": options.get(name, default)})

    return {
        SECTION_LABELS: _label_fields(options, field, libraries, people),
        SECTION_LIVE: {
            field(CONF_LIVE_MODE, default=True): BooleanSelector(),
            field(CONF_PENDING_RETRY_INTERVAL, default=DEFAULT_PENDING_RETRY_INTERVAL): _number(
                MIN_PENDING_RETRY_INTERVAL, MAX_PENDING_RETRY_INTERVAL, UnitOfTime.SECONDS
            ),
            field(CONF_PENDING_MAX_AGE, default=DEFAULT_PENDING_MAX_AGE): _number(
                MIN_PENDING_MAX_AGE, MAX_PENDING_MAX_AGE, UnitOfTime.MINUTES
            ),
        },
        SECTION_FULL_SYNC: {
            field(CONF_BATCH_MODE, default=True): BooleanSelector(),
            field(CONF_SYNC_INTERVAL, default=DEFAULT_SYNC_INTERVAL): _number(
                MIN_SYNC_INTERVAL, MAX_SYNC_INTERVAL, UnitOfTime.SECONDS
            ),
        },
        SECTION_REMOVAL: {
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
        },
        SECTION_SAFETY: {
            field(CONF_MAX_REMOVALS, default=DEFAULT_MAX_REMOVALS): _number(1, 100, PERCENTAGE),
            field(CONF_PRESERVE_EXISTING_LABELS, default=True): BooleanSelector(),
            field(CONF_EXCLUDE_LABELS, default=[]): TextSelector(TextSelectorConfig(multiple=True)),
            emptied(CONF_OPT_OUT_LABEL, default=DEFAULT_OPT_OUT_LABEL): TextSelector(),
            field(CONF_RESTORE_OVERRIDES, default=False): BooleanSelector(),
        },
        SECTION_SHARING: _sharing_fields(field),
        SECTION_CONNECTION: {
            emptied(CONF_BASE_URL, default=""): URL_SELECTOR,
            vol.Optional(SHOW_WEBHOOK, default=False): BooleanSelector(),
            vol.Optional(RENEW_SECRET, default=False): BooleanSelector(),
        },
    }


def _sharing_fields(field: Callable[..., vol.Required]) -> Fields:
    return {
        field(CONF_CHECK_SHARING, default=True): BooleanSelector(),
        field(CONF_SHARING_INTERVAL, default=DEFAULT_SHARING_INTERVAL): _number(
            MIN_SHARING_INTERVAL, MAX_SHARING_INTERVAL, UnitOfTime.SECONDS
        ),
        field(CONF_SHARING_ACCOUNTS, default=[]): TextSelector(TextSelectorConfig(multiple=True)),
        vol.Optional(SHOW_SHARING, default=False): BooleanSelector(),
    }


def _label_fields(
    options: Mapping[str, Any],
    field: Callable[..., vol.Required],
    libraries: Mapping[str, str],
    people: Mapping[str, str],
) -> Fields:
    """Return the fields about who gets labels, what they are called, and where they are written."""
    chosen = options.get(CONF_LIBRARIES, list(libraries))
    excluded = [str(person) for person in options.get(CONF_EXCLUDE_PEOPLE, ())]
    fields: Fields = {field(CONF_LABEL_FORMAT, default=DEFAULT_LABEL_FORMAT): TextSelector()}
    if choices := _with_chosen(libraries, chosen):
        fields[vol.Required(CONF_LIBRARIES, default=chosen)] = libraries_choice(choices)
    fields[vol.Required(CONF_EXCLUDE_PEOPLE, default=excluded)] = choice(
        _with_chosen(people, excluded), mode=SelectSelectorMode.DROPDOWN, custom_value=True
    )
    fields[field(CONF_SYNC_DISABLED_PEOPLE, default=False)] = BooleanSelector()
    return fields


def _with_chosen(names: Mapping[str, str], chosen: Iterable[str]) -> dict[str, str]:
    """Return what there is to choose: also what was chosen before and has no name at present."""
    return {**names, **{value: value for value in chosen if value not in names}}


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


def _clean_opt_out_label(text: str) -> str:
    """Return a label as it can stand in Plex, empty for none. Raises UnusableValueError."""
    return _clean_one_label(text) if text.strip() else ""


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
    except CredentialsInUrlError as err:
        raise UnusableValueError("url_with_credentials") from err
    except ValueError as err:
        raise UnusableValueError("invalid_url") from err


def _clean_pairs(texts: Iterable[str]) -> list[str]:
    """Return who has which account, each once. Raises UnusableValueError for what says neither."""
    pairs = list(dict.fromkeys(filter(None, (text.strip() for text in texts))))
    if not all("=" in pair.strip("=") for pair in pairs):
        raise UnusableValueError("invalid_sharing_account")
    return pairs


CLEANERS: Final[Mapping[str, Cleaner]] = {
    CONF_LABEL_FORMAT: clean_label_format,
    CONF_SYNC_INTERVAL: _clean_number,
    CONF_PENDING_RETRY_INTERVAL: _clean_number,
    CONF_PENDING_MAX_AGE: _clean_number,
    CONF_EXCLUDE_LABELS: _clean_labels,
    CONF_LIBRARIES: clean_libraries,
    CONF_EXCLUDE_PEOPLE: _clean_people,
    CONF_BASE_URL: _clean_base_url,
    CONF_REMOVED_LABEL: _clean_one_label,
    CONF_OPT_OUT_LABEL: _clean_opt_out_label,
    CONF_REMOVAL_DELAY: _clean_number,
    CONF_MAX_REMOVALS: _clean_number,
    CONF_SHARING_INTERVAL: _clean_number,
    CONF_SHARING_ACCOUNTS: _clean_pairs,
}
