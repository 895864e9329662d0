"""The options form: its sections and fields, and the validation of its input."""

from collections.abc import Callable, Mapping
from typing import Any, Final, assert_never, override

from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    Selector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
)
import voluptuous as vol

from ..options import (
    OPTIONS,
    Accounts,
    Choice,
    Flag,
    Labels,
    Libraries,
    Number,
    Option,
    People,
    Section,
    Text,
    Url,
)
from .fields import URL_SELECTOR, Unusable, choice, libraries_choice

# Requested once, not stored
SHOW_WEBHOOK: Final = "show_webhook"
RENEW_SECRET: Final = "renew_secret"  # noqa: S105 - a field's name
SHOW_SHARING: Final = "show_sharing"
REQUESTS: Final[Mapping[str, Section]] = {
    SHOW_SHARING: Section.SHARING,
    SHOW_WEBHOOK: Section.CONNECTION,
    RENEW_SECRET: Section.CONNECTION,
}

type Fields = dict[vol.Marker, Any]


class SectionedForm(vol.Schema):
    """A form in sections that also accepts input without sections.

    The frontend sends each field in its section; other callers may send the options by name. The
    validated input has no sections.

    A value that a field does not accept is returned as `Unusable` rather than rejected: Home
    Assistant reports the location of an error in a section only in English and for developers.
    """

    sections_sent: frozenset[str] = frozenset()

    @override
    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields, with defaults for missing ones.

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
                    values[name] = _validated(selector, sent.pop(name))
                elif not isinstance(field.default, vol.Undefined):
                    values[name] = _validated(selector, field.default())
        for name in sent:
            raise vol.Invalid("extra keys not allowed", [name])
        return values

    def left_empty(self) -> dict[str, str]:
        """Return the emptied texts: the frontend leaves out empty fields."""
        return {
            option.key: ""
            for option in OPTIONS.values()
            if option.may_be_empty and option.section in self.sections_sent
        }

    def places(self, errors: Mapping[str, str]) -> dict[str, str]:
        """Return errors of fields, together with those of the sections in the input.

        The frontend shows errors at a section, but not at the fields in it.
        """
        of_sections = {
            str(name): errors[str(field)]
            for name, part in self.schema.items()
            for field in part.schema.schema
            if str(field) in errors and str(name) in self.sections_sent
        }
        return {**errors, **of_sections}


def _validated(selector: Callable[[Any], Any], value: Any) -> Any:  # noqa: ANN401 - a form's
    """Return a value as validated by its field, or `Unusable`."""
    try:
        return selector(value)
    except vol.Invalid:
        is_number = isinstance(selector, NumberSelector) and isinstance(value, int | float)
        return Unusable("out_of_range", value) if is_number else Unusable("invalid_value")


def shown_again(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input that the form can show again."""
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
    """Return the form with the current options; sections with errors are expanded.

    A list that may be empty is still required: an empty field that the frontend leaves out would
    otherwise be filled with the default.
    """
    form: Fields = {}
    for name in Section:
        fields = _fields(name, options, libraries, people)
        is_open = name is Section.LABELS or any(str(field) in errors for field in fields)
        # Of voluptuous, or of its replacement since Home Assistant 2026.9.
        schema: Any = vol.Schema(fields)
        form[vol.Required(name.value)] = section(schema, {"collapsed": not is_open})
    return SectionedForm(form)


def _fields(
    name: Section,
    options: Mapping[str, Any],
    libraries: Mapping[str, str],
    people: Mapping[str, str],
) -> Fields:
    """Return the fields of a section: its options, then one-time requests."""
    fields: Fields = {}
    for option in OPTIONS.values():
        if option.section is name:
            value = _shown(option, options, libraries)
            if isinstance(option.kind, Libraries) and not (libraries or value):
                continue  # nothing to choose from
            fields[_marker(option, value)] = _selector(option, value, libraries, people)
    for request, where in REQUESTS.items():
        if where is name:
            fields[vol.Optional(request, default=False)] = BooleanSelector()
    return fields


def _shown(option: Option, options: Mapping[str, Any], libraries: Mapping[str, str]) -> Any:  # noqa: ANN401 - a field's
    """Return the initial value of an option's field."""
    value = option.stored(options)
    if value is None:
        return list(libraries)
    return list(map(str, value)) if isinstance(value, list | tuple) else value


def _marker(option: Option, value: object) -> vol.Marker:
    if option.may_be_empty:
        # With a default, a field emptied in the frontend would get the default again.
        return vol.Optional(option.key, description={"suggested_value": value})
    return vol.Required(option.key, default=value)


def _selector(
    option: Option,
    value: Any,  # noqa: ANN401 - a field's
    libraries: Mapping[str, str],
    people: Mapping[str, str],
) -> Selector[Any]:
    """Return the selector of an option with the given value."""
    match kind := option.kind:
        case Flag():
            return BooleanSelector()
        case Number():
            return _number(kind)
        case Text():
            return TextSelector()
        case Url():
            return URL_SELECTOR
        case Choice():
            values = [value.value for value in kind.values]
            return SelectSelector(SelectSelectorConfig(options=values, translation_key=option.key))
        case Labels() | Accounts():
            return TextSelector(TextSelectorConfig(multiple=True))
        case Libraries():
            return libraries_choice(_with_chosen(libraries, value))
        case People():
            return choice(
                _with_chosen(people, value), mode=SelectSelectorMode.DROPDOWN, custom_value=True
            )
        case _:
            assert_never(kind)


def _with_chosen(names: Mapping[str, str], chosen: list[str]) -> dict[str, str]:
    """Return the choices, including chosen values that currently have no name."""
    return {**names, **{value: value for value in chosen if value not in names}}


def _number(kind: Number) -> NumberSelector:
    return NumberSelector(
        NumberSelectorConfig(
            min=kind.minimum,
            max=kind.maximum,
            step=1,
            mode=NumberSelectorMode.BOX,
            unit_of_measurement=kind.unit.value,
        )
    )
