"""Texts of which the code makes sentences, in the language of the house."""

from collections.abc import Mapping

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from ..const import DOMAIN

type Words = Mapping[str, str]


async def async_words(hass: HomeAssistant, group: str) -> dict[str, str]:
    """Return the texts of a group under `selector`, by their keys."""
    prefix = f"component.{DOMAIN}.selector.{group}.options."
    texts = await async_get_translations(hass, hass.config.language, "selector", [DOMAIN])
    return {key.removeprefix(prefix): text for key, text in texts.items() if key.startswith(prefix)}


def counted(words: Words, key: str, count: int) -> str:
    """Return a number with its noun: the text `<key>_one` or `<key>_other`."""
    return words[f"{key}_{'one' if count == 1 else 'other'}"].format(count=count)
