"""Name the fields of the options form in their errors, and the range of a number.

The frontend shows errors of a section's fields above the section, without naming the field.
"""

from collections.abc import Mapping
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from ..callers import async_requester_texts
from ..const import DOMAIN
from ..options import OPTIONS, Number, Unit
from ..texts import WORDING, Texts

TEXTS_KEY: Final = "option_problem"  # the key of the texts under `selector`
OUT_OF_RANGE: Final = "out_of_range"
# Placeholders of an error's text.
PLACEHOLDERS: Final[Mapping[str, str]] = {
    OUT_OF_RANGE: "ranges",
    "not_a_whole_number": "number_fields",
    "invalid_label": "label_fields",
    "invalid_value": "value_fields",
}
# Each unit and how many of it make one of the next; the last has no next.
_UNITS: Final = (("seconds", 60), ("minutes", 60), ("hours", 24), ("days", 0))
_OF_UNIT: Final[Mapping[Unit, int]] = {Unit.SECONDS: 0, Unit.MINUTES: 1, Unit.DAYS: 3}


async def async_problems(hass: HomeAssistant, errors: Mapping[str, str]) -> dict[str, str]:
    """Return the placeholders of the fields' errors, in the reader's language."""
    filled = dict.fromkeys(PLACEHOLDERS.values(), "")
    if not set(errors.values()) & PLACEHOLDERS.keys():
        return filled
    texts = await async_requester_texts(hass)
    names = await _async_names(hass, texts.language)
    for error, placeholder in PLACEHOLDERS.items():
        wrong = [field for field, what in errors.items() if what == error]
        if error == OUT_OF_RANGE:
            numbers = [(names[field], OPTIONS[field].kind) for field in wrong]
            filled[placeholder] = " ".join(
                _range(name, kind, texts) for name, kind in numbers if isinstance(kind, Number)
            )
        else:
            quoted = (texts.phrase(WORDING, "quoted", text=names[field]) for field in wrong)
            filled[placeholder] = texts.listed(quoted)
    return filled


async def _async_names(hass: HomeAssistant, language: str) -> dict[str, str]:
    """Return the translated names of the fields, each of which is in one section only."""
    prefix = f"component.{DOMAIN}.options.step.init.sections."
    texts = await async_get_translations(hass, language, "options", [DOMAIN])
    return {
        path.rpartition(".data.")[2]: text
        for path, text in texts.items()
        if path.startswith(prefix) and ".data." in path
    }


def _range(name: str, kind: Number, texts: Texts) -> str:
    """Return a text with a field's name and the range of its number."""
    lowest, highest = (amount(end, kind.unit, texts) for end in (kind.minimum, kind.maximum))
    return texts.phrase(TEXTS_KEY, "range", field=name, lowest=lowest, highest=highest)


def amount(number: int, unit: Unit, texts: Texts) -> str:
    """Return a number in the largest unit in which it is whole: 3600 s as 1 hour."""
    if unit is Unit.PERCENT:
        return texts.phrase(WORDING, "percent", count=number)
    at = _OF_UNIT[unit]
    while (larger := _UNITS[at][1]) and number and number % larger == 0:
        number //= larger
        at += 1
    return texts.counted(_UNITS[at][0], number)
