"""Names the fields of the options form that have errors, and the range of a number that is out of it.

The web interface shows an error of a section above the section, where nobody sees which field it is about.
"""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.const import PERCENTAGE, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import NumberSelector
from homeassistant.helpers.translation import async_get_translations

from ..const import DOMAIN
from ..texts import WORDING, Texts, async_texts

WORDS: Final = "option_problem"  # the key of the texts under `selector`
OUT_OF_RANGE: Final = "out_of_range"
# What is filled into the text of an error.
PLACEHOLDERS: Final[Mapping[str, str]] = {
    OUT_OF_RANGE: "ranges",
    "not_a_whole_number": "number_fields",
    "invalid_label": "label_fields",
    "invalid_value": "value_fields",
}
# How many of a unit make one of the next; the last is the largest that is named.
_UNITS: Final = (("seconds", 60), ("minutes", 60), ("hours", 24), ("days", 0))
_OF_SELECTOR: Final[Mapping[str, int]] = {
    UnitOfTime.SECONDS: 0,
    UnitOfTime.MINUTES: 1,
    UnitOfTime.DAYS: 3,
}

type Sections = Mapping[str, Mapping[str, Any]]  # the selectors by section and field


async def async_problems(
    hass: HomeAssistant, sections: Sections, errors: Mapping[str, str]
) -> dict[str, str]:
    """Return what is filled into the texts of errors of fields, in the language of the house."""
    filled = dict.fromkeys(PLACEHOLDERS.values(), "")
    if not set(errors.values()) & PLACEHOLDERS.keys():
        return filled
    texts = await async_texts(hass)
    names = await _async_names(hass)
    fields = {
        field: (f"{section}.data.{field}", selector)
        for section, some in sections.items()
        for field, selector in some.items()
        if field in errors
    }
    for error, placeholder in PLACEHOLDERS.items():
        wrong = [fields[field] for field in fields if errors[field] == error]
        if error == OUT_OF_RANGE:
            filled[placeholder] = " ".join(
                _range(names[key], selector, texts) for key, selector in wrong
            )
        else:
            filled[placeholder] = texts.listed(names[key] for key, _ in wrong)
    return filled


async def _async_names(hass: HomeAssistant) -> dict[str, str]:
    """Return what the fields are called, by `<section>.data.<field>`."""
    prefix = f"component.{DOMAIN}.options.step.init.sections."
    texts = await async_get_translations(hass, hass.config.language, "options", [DOMAIN])
    return {key.removeprefix(prefix): text for key, text in texts.items() if key.startswith(prefix)}


def _range(name: str, selector: NumberSelector, texts: Texts) -> str:
    """Return between what a number has to be."""
    limits: Mapping[str, Any] = selector.config
    unit = limits["unit_of_measurement"]
    lowest, highest = (amount(int(limits[end]), unit, texts) for end in ("min", "max"))
    return texts.phrase(WORDS, "range", field=name, lowest=lowest, highest=highest)


def amount(number: int, unit: str, texts: Texts) -> str:
    """Return a number with its unit, the largest in which it is whole: 3600 s as 1 hour."""
    if unit == PERCENTAGE:
        return texts.phrase(WORDING, "percent", count=number)
    at = _OF_SELECTOR[unit]
    while (larger := _UNITS[at][1]) and number and number % larger == 0:
        number //= larger
        at += 1
    return texts.counted(_UNITS[at][0], number)
