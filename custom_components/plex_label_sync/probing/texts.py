"""The results of a probe, as text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from ..const import DOMAIN
from ..probe.model import Fact, Result

DETAIL: Final = "probe_detail"  # the group of the texts under `selector`


@dataclass(frozen=True, slots=True)
class ProbeTexts:
    """The texts of one language."""

    details: Mapping[str, str]

    def detail(self, fact: Fact) -> str:
        """Return what the integration gets wrong with an answer, or that it handles it."""
        text = self.details.get(fact.says, "")
        return text.format(**fact.told)


async def async_probe_texts(hass: HomeAssistant) -> ProbeTexts:
    """Return the texts in Home Assistant's language."""
    texts = await async_get_translations(hass, hass.config.language, "selector", [DOMAIN])
    prefix = f"component.{DOMAIN}.selector.{DETAIL}.options."
    return ProbeTexts(
        {key.removeprefix(prefix): text for key, text in texts.items() if key.startswith(prefix)}
    )


def probe_response(result: Result, texts: ProbeTexts) -> dict[str, Any]:
    """Return the response of the action."""
    return {
        "facts": [
            {"fact": one.code.value, "answer": one.answer, "detail": texts.detail(one)}
            for one in result.facts
        ],
        "version": result.version,
        "platform": result.platform,
        "requests": result.requests,
    }


def probe_table(result: Result, texts: ProbeTexts) -> str:
    """Return the facts as a table in Markdown, ready for a report."""
    lines = [
        f"Plex Media Server {result.version} ({result.platform}), {result.requests} requests",
        "",
        "| fact | answer | detail |",
        "| --- | --- | --- |",
        *(f"| `{one.code}` | {one.answer} | {texts.detail(one)} |" for one in result.facts),
    ]
    return "\n".join(lines)
