"""Update the repair issues about sharing; each is deleted when its cause is gone."""

from collections.abc import Sequence
from typing import Any, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..const import DOMAIN
from ..issues import SHARING, SHARING_OPEN, SHARING_SIGN_IN, async_delete, async_raise
from ..sharing.model import Reason, SharingWarning, WarningKey
from .store import SharingStore
from .texts import async_sharing_texts


class Sharing(Protocol):
    """What the issues are about: the findings of the last check."""

    store: SharingStore

    @property
    def reported(self) -> Sequence[SharingWarning]:
        """Warnings that matter and have not been dismissed."""

    @property
    def checked(self) -> float | None:
        """When plex.tv last answered, in epoch seconds."""

    @property
    def reason(self) -> Reason | None:
        """Why there is nothing new, None if there is."""


@callback
def async_update_sharing_issues(
    hass: HomeAssistant, entry: ConfigEntry[Any], check: Sharing | None
) -> None:
    """Update the issues; without a check there are none."""
    if check is None:
        async_delete(hass, entry, SHARING_OPEN, SHARING, SHARING_SIGN_IN)
        return
    _ = entry.async_create_background_task(
        hass, _async_update(hass, entry, check), f"{DOMAIN} sharing issues"
    )


async def _async_update(hass: HomeAssistant, entry: ConfigEntry[Any], check: Sharing) -> None:
    texts = await async_sharing_texts(hass)
    for repair, is_open in ((SHARING_OPEN, True), (SHARING, False)):
        found = [one for one in check.reported if (one.key is WarningKey.RULE_GONE) is is_open]
        if found:
            async_raise(hass, entry, repair, found, check.store.kept, texts)
        else:
            async_delete(hass, entry, repair)
    if check.checked is not None and check.reason in {Reason.REFUSED, Reason.NOT_OWNER}:
        async_raise(hass, entry, SHARING_SIGN_IN)
    else:
        async_delete(hass, entry, SHARING_SIGN_IN)
