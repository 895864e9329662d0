"""Buttons: sync everything now, look at what waits now, look at who can see what, probe."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexLabelSyncConfigEntry, PlexLabelSyncCoordinator
from .entity import PlexLabelSyncEntity
from .services import check_sharing, probe, process_pending, sync_all

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class PlexLabelSyncButtonDescription(ButtonEntityDescription):
    """A button and what it does."""

    press_fn: Callable[[PlexLabelSyncCoordinator, Context | None], Awaitable[object]]


BUTTONS: tuple[PlexLabelSyncButtonDescription, ...] = (
    PlexLabelSyncButtonDescription(
        key="sync_all",
        translation_key="sync_all",
        press_fn=lambda coordinator, context: sync_all(coordinator, context=context),
    ),
    PlexLabelSyncButtonDescription(
        key="process_pending",
        translation_key="process_pending",
        press_fn=lambda coordinator, context: process_pending(coordinator, context=context),
    ),
    PlexLabelSyncButtonDescription(
        key="check_sharing",
        translation_key="check_sharing",
        press_fn=lambda coordinator, _context: check_sharing(coordinator),
    ),
    PlexLabelSyncButtonDescription(
        key="probe",
        translation_key="probe",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        press_fn=lambda coordinator, _context: probe(coordinator),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexLabelSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the buttons of an entry."""
    async_add_entities(
        PlexLabelSyncButton(entry.runtime_data, description) for description in BUTTONS
    )


class PlexLabelSyncButton(PlexLabelSyncEntity, ButtonEntity):
    """Does what the action of the same name does."""

    entity_description: PlexLabelSyncButtonDescription

    @override
    async def async_press(self) -> None:
        """Do it; raises HomeAssistantError with the reason when it fails."""
        await self.entity_description.press_fn(self.coordinator, self._context)
