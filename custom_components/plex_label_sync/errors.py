"""A server's failure as a translated Home Assistant error."""

from typing import TypedDict

from .const import DOMAIN
from .sync.model import ServiceError


class Translation(TypedDict):
    """What every translatable exception of Home Assistant takes."""

    translation_domain: str
    translation_key: str
    translation_placeholders: dict[str, str]


def translation(err: ServiceError) -> Translation:
    """Return which text says what went wrong at which server."""
    return Translation(
        translation_domain=DOMAIN,
        translation_key=f"{err.service.value}_{err.failure.value}",
        translation_placeholders={"detail": err.detail},
    )
