"""The last step of setup: a preview of the first sync, and whether it starts at once."""

import logging
from typing import TYPE_CHECKING, Any, Final

from homeassistant.components.webhook import async_generate_id
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from ..const import (
    CONF_BATCH_MODE,
    CONF_CLIENT_ID,
    CONF_CONFIRMED,
    CONF_LIVE_MODE,
    CONF_TAKE_OVER,
    CONF_WEBHOOK_SECRET,
)
from ..faults import FaultLog
from ..new_libraries import with_libraries
from ..settings import Settings
from ..storage.former import async_former
from ..webhook.secret import new_secret
from .connections import PLEX, PULSARR, plex_client, pulsarr_client
from .label_preview import LabelPreview
from .plex_steps import PlexSteps
from .review import Reader, Review, async_reason, async_review_text

if TYPE_CHECKING:
    from asyncio import Task

_LOGGER = logging.getLogger(__name__)
_FAULTS: Final = FaultLog(_LOGGER)

CONF_START: Final = "start"
NOW: Final = "now"
PAUSED: Final = "paused"
RETRY: Final = "retry"
REVIEW_FAILED: Final = "review_failed"


class ReviewStep(PlexSteps):
    """The steps after everything is entered; the other steps are in base and derived classes."""

    def __init__(self) -> None:
        """Initialize without a preview."""
        super().__init__()
        self._preview = LabelPreview(None, {})
        self._options: dict[str, Any] = {}
        self._reading: Task[Review] | None = None
        self._was_here = False  # there are records of a removed entry of this server

    async def async_step_reading(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002 - the step has no form
    ) -> ConfigFlowResult:
        """Read what a first sync reads, and show the progress.

        Called again when reading has ended; closing the flow cancels it.
        """
        if self._reading is None:
            # Must not finish at once: this step's input would be passed on to the next one.
            self._reading = self.hass.async_create_task(
                self._async_read(), "review of a first sync", eager_start=False
            )
        if self._reading.done():
            return self.async_show_progress_done(next_step_id="review")
        return self.async_show_progress(
            step_id="reading", progress_action="reading", progress_task=self._reading
        )

    async def async_step_review(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show what the first sync would do, ask whether to start it, and create the entry.

        If not everything could be read, reading can be repeated.
        """
        if self._reading is None or not self._reading.done():
            return await self.async_step_reading()
        if user_input is not None:
            if user_input[CONF_START] != RETRY:
                return self._create(user_input)
            self._reading = None
            return await self.async_step_reading()
        review = self._reading.result()
        starts = [NOW, PAUSED] if review.is_complete else [NOW, PAUSED, RETRY]
        fields: dict[vol.Marker, Any] = {
            vol.Required(CONF_START, default=NOW): SelectSelector(
                SelectSelectorConfig(
                    options=starts, mode=SelectSelectorMode.LIST, translation_key=CONF_START
                )
            )
        }
        if self._was_here:
            fields[vol.Required(CONF_TAKE_OVER, default=True)] = BooleanSelector()
        return self._show(
            "review",
            vol.Schema(fields),
            {} if review.first is not None else {"base": REVIEW_FAILED},
            user_input,
            review=await async_review_text(self.hass, review, taken_over=self._was_here),
            reason=await async_reason(self.hass, review),
        )

    async def _async_read(self) -> Review:
        """Return a preview of the first sync, based on the records of a removed entry, if any."""
        former = await async_former(self.hass).async_get(self.unique_id or "")
        self._was_here = former is not None
        reader = Reader(
            plex_client(self.hass, PLEX.stored(self._data), self._client_id),
            pulsarr_client(self.hass, PULSARR.stored(self._data)),
            Settings.from_options(self._entry_options()).sync,
            confirmed=self._preview.confirmed(self._options),
            ledger=former,
        )
        try:
            return await reader.async_read(self._reached)
        except Exception as err:  # noqa: BLE001 - a failed preview must not abort setup
            _FAULTS.note(err)
            return Review()

    def _reached(self, percent: int) -> None:
        """Show the progress of reading, which Home Assistant supports since 2025.5."""
        if (update := getattr(self, "async_update_progress", None)) is not None:
            update(percent / 100)

    def _entry_options(self) -> dict[str, Any]:
        return with_libraries(self._options, self._libraries)

    def _create(self, chosen: dict[str, Any]) -> ConfigFlowResult:
        """Create the entry, with an unguessable webhook id."""
        own = {
            CONF_CLIENT_ID: self._client_id,
            CONF_WEBHOOK_ID: async_generate_id(),
            CONF_WEBHOOK_SECRET: new_secret(),
            CONF_CONFIRMED: self._preview.confirmed(self._options).as_dict(),
        }
        # Taking over former records is not an option: the first setup applies it once.
        once = {name: chosen[name] for name in (CONF_TAKE_OVER,) if name in chosen}
        is_paused = chosen[CONF_START] == PAUSED
        modes = {CONF_LIVE_MODE: False, CONF_BATCH_MODE: False} if is_paused else {}
        return self.async_create_entry(
            title=self._title,
            data=self._data | own | once,
            options=self._entry_options() | modes,
            description=PAUSED if is_paused else None,
        )
