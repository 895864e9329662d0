"""Convert failures of servers to translated Home Assistant errors."""

from typing import TypedDict

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .const import DOMAIN
from .sync.model import ServiceError


class Translation(TypedDict):
    """Keyword arguments of Home Assistant's translatable exceptions."""

    translation_domain: str
    translation_key: str
    translation_placeholders: dict[str, str]


class WaitingError(ServiceValidationError):
    """A dry run of the same user is already waiting."""

    def __init__(self) -> None:
        """Initialize with the translation key of the message."""
        super().__init__(translation_domain=DOMAIN, translation_key="dry_run_waits")


class StoppedError(HomeAssistantError):
    """A run was cancelled because the entry is being unloaded."""

    def __init__(self) -> None:
        """Initialize with the translation key of the message."""
        super().__init__(translation_domain=DOMAIN, translation_key="stopped")


def translation(err: ServiceError) -> Translation:
    """Return the translation that names the failure and the server."""
    return Translation(
        translation_domain=DOMAIN,
        translation_key=f"{err.service.value}_{err.failure.value}",
        translation_placeholders={"detail": err.detail},
    )
