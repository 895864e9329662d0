"""Home Assistant's texts of one language, with plurals, lists, dates and times."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from homeassistant.components.frontend import storage
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import (
    async_get_cached_translations,
    async_get_translations,
)
from homeassistant.util import dt as dt_util

from .const import DOMAIN

COMMON: Final = "common"
WORDING: Final = "wording"
CATEGORIES: Final = (COMMON, "selector")

_ZERO_IS_ONE: Final = {"fr"}  # languages that use the singular for zero


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts by group and key; times are formatted in `zone`."""

    language: str
    zone: tzinfo
    groups: Mapping[str, Mapping[str, str]]

    def phrase(self, group: str, key: str, number: int | None = None, /, **filled: object) -> str:
        """Return a text with `filled` placeholders, in the plural form for `number` if any."""
        texts = self.groups[group]
        if number is not None and (variant := f"{key}_{self._form(number)}") in texts:
            key = variant
        return texts[key].format(**filled)

    def counted(self, what: str, count: int) -> str:
        """Return a count with its noun: 1 label, 2 labels."""
        return self.phrase(WORDING, what, count, count=count)

    def listed(self, words: Iterable[str]) -> str:
        """Return words as a list in a sentence: a, b and c."""
        *others, last = list(words) or [""]
        if not others:
            return last
        return self.phrase(COMMON, "and", first=", ".join(others), last=last)

    def date(self, seconds: float) -> str:
        """Return the date of a time in seconds since the epoch."""
        when = datetime.fromtimestamp(seconds, self.zone)
        month = self.groups[WORDING][f"month_{when.month}"]
        key = "date_first" if when.day == 1 else "date"
        return self.phrase(WORDING, key, day=when.day, month=month, year=when.year)

    def time(self, seconds: float) -> str:
        """Return the hour and minute of a time in seconds since the epoch."""
        return f"{datetime.fromtimestamp(seconds, self.zone):%H:%M}"

    def moment(self, seconds: float) -> str:
        """Return the date, hour and minute of a time in seconds since the epoch."""
        return self.phrase(WORDING, "moment", date=self.date(seconds), time=self.time(seconds))

    def _form(self, number: int) -> str:
        is_one = number == 1 or (number == 0 and self.language.partition("-")[0] in _ZERO_IS_ONE)
        return "one" if is_one else "other"


async def async_texts(hass: HomeAssistant, language: str | None = None) -> Texts:
    """Return the texts of a language, by default Home Assistant's."""
    language = language or hass.config.language
    found = [
        await async_get_translations(hass, language, category, [DOMAIN]) for category in CATEGORIES
    ]
    return _grouped(language, found)


@callback
def cached_texts(hass: HomeAssistant) -> Texts:
    """Return the cached texts in Home Assistant's language."""
    language = hass.config.language
    found = [
        async_get_cached_translations(hass, language, category, DOMAIN) for category in CATEGORIES
    ]
    return _grouped(language, found)


def _grouped(language: str, categories: Iterable[Mapping[str, str]]) -> Texts:
    """Return texts by group, from Home Assistant's keys `component.<domain>.<path>`."""
    groups: dict[str, dict[str, str]] = {}
    for texts in categories:
        for path, text in texts.items():
            _, _, category, *names = path.split(".")
            group = category if category == COMMON else names[0]
            groups.setdefault(group, {})[names[-1]] = text
    return Texts(language, dt_util.get_default_time_zone(), groups)


async def async_language_of(hass: HomeAssistant, user_id: str | None) -> str:
    """Return the language of a user's profile, else Home Assistant's."""
    if user_id is None:
        return hass.config.language
    found: object = await storage.async_user_store(hass, user_id)
    # Before 2025.6 these were a Store and its data.
    data = found[1] if isinstance(found, tuple) else getattr(found, "data", {})
    match data.get("language"):
        case {"language": str(language)} if language:
            return language
        case _:
            return hass.config.language
