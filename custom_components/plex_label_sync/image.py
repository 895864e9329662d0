"""Image entity with the poster of the title labelled last."""

from datetime import datetime
import logging
from typing import TYPE_CHECKING, Any, override

from homeassistant.components.image import ImageEntity, ImageEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .entity import PlexLabelSyncEntity
from .runtime import PlexLabelSyncConfigEntry, Runtime
from .summary import LastLabelled
from .sync.model import ServiceError

if TYPE_CHECKING:
    from .plex.pictures import Picture

_LOGGER = logging.getLogger(__name__)

PARALLEL_UPDATES = 0

LAST_LABELLED = ImageEntityDescription(key="last_labelled", translation_key="last_labelled")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexLabelSyncConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the image entity of an entry."""
    async_add_entities([PlexLabelSyncImage(hass, entry.runtime_data)])


class PlexLabelSyncImage(PlexLabelSyncEntity, ImageEntity):
    """The poster of the title labelled last, fetched from Plex on request."""

    _unrecorded_attributes = frozenset({"title"})

    def __init__(self, hass: HomeAssistant, runtime: Runtime) -> None:
        """Initialize with the title in the stored records."""
        PlexLabelSyncEntity.__init__(self, runtime.coordinator, LAST_LABELLED)
        ImageEntity.__init__(self, hass)
        self._pictures = runtime.servers.plex.pictures
        self._shown: tuple[bool, LastLabelled | None] | None = None
        self._picture: tuple[LastLabelled, Picture | None] | None = None

    @property
    def _last(self) -> LastLabelled | None:
        return self.coordinator.data.last_labelled

    @property
    @override
    def image_last_updated(self) -> datetime | None:
        """Return when the title was labelled."""
        last = self._last
        return None if last is None else dt_util.utc_from_timestamp(last.at)

    @property
    @override
    def entity_picture(self) -> str | None:
        """Return the poster's URL, None if there is known to be none."""
        if self._last is None or self._picture == (self._last, None):
            return None
        return super().entity_picture

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return the title's details."""
        return {"title": None if self._last is None else self._last.title}

    @override
    async def async_image(self) -> bytes | None:
        """Return the poster, None if Plex has none or does not respond."""
        if (last := self._last) is None:
            return None
        if self._picture is None or self._picture[0] != last:
            try:
                picture = await self._pictures.poster(last.rating_key)
            except ServiceError as err:
                _LOGGER.debug("No poster of %s: %s", last.title, err)
                return None
            self._picture = last, picture
            if picture is None:
                self.async_write_ha_state()
        picture = self._picture[1]
        if picture is None:
            return None
        self._attr_content_type = picture.content_type
        return picture.body

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the state only when another title was labelled."""
        now = self.available, self._last
        if now != self._shown:
            self._shown = now
            super()._handle_coordinator_update()
