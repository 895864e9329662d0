"""Buttons: full sync, process pending syncs, check sharing, probe."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .actions import check_sharing, probe, process_pending, sync_all
from .entity import PlexLabelSyncEntity
from .runtime import PlexLabelSyncConfigEntry, Runtime

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class PlexLabelSyncButtonDescription(ButtonEntityDescription):
    """Describes a button and what pressing it does."""

    press_fn: Callable[[Runtime, Context | None], Awaitable[object]]


BUTTONS: tuple[PlexLabelSyncButtonDescription, ...] = (
    PlexLabelSyncButtonDescription(
        key="sync_all",
        translation_key="sync_all",
        press_fn=lambda runtime, context: sync_all(runtime, context=context),
    ),
    PlexLabelSyncButtonDescription(
        key="process_pending",
        translation_key="process_pending",
        press_fn=lambda runtime, context: process_pending(runtime, context=context),
    ),
    PlexLabelSyncButtonDescription(
        key="check_sharing",
        translation_key="check_sharing",
        press_fn=lambda runtime, _context: check_sharing(runtime),
    ),
    PlexLabelSyncButtonDescription(
        key="probe",
        translation_key="probe",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        press_fn=lambda runtime, _context: probe(runtime),
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
    """A button that does the same as the action of the same name."""

    entity_description: PlexLabelSyncButtonDescription

    def __init__(self, runtime: Runtime, description: PlexLabelSyncButtonDescription) -> None:
        """Initialize with the runtime that the button acts on."""
        super().__init__(runtime.coordinator, description)
        self._runtime = runtime

    @override
    async def async_press(self) -> None:
        """Carry out the action. Raises HomeAssistantError with the reason when it fails."""
        await self.entity_description.press_fn(self._runtime, self._context)
