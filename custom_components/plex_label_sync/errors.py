"""A server's failure as a translated Home Assistant error."""

from typing import TypedDict

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .const import DOMAIN
from .sync.model import ServiceError


class Translation(TypedDict):
    """What every translatable exception of Home Assistant takes."""

    translation_domain: str
    translation_key: str
    translation_placeholders: dict[str, str]


class WaitingError(ServiceValidationError):
    """Somebody's dry run waits already; others are not kept waiting by many of them."""

    def __init__(self) -> None:
        """Say so in the person's language."""
        super().__init__(translation_domain=DOMAIN, translation_key="dry_run_waits")


class StoppedError(HomeAssistantError):
    """What somebody waits for does not happen, because the entry is being unloaded."""

    def __init__(self) -> None:
        """Say so in the person's language."""
        super().__init__(translation_domain=DOMAIN, translation_key="stopped")


def translation(err: ServiceError) -> Translation:
    """Return which text says what went wrong at which server."""
    return Translation(
        translation_domain=DOMAIN,
        translation_key=f"{err.service.value}_{err.failure.value}",
        translation_placeholders={"detail": err.detail},
    )
