"""Run probes: one at a time, not during a run, and never without removing their labels."""

import asyncio
from datetime import datetime
import logging
import secrets
import time
from typing import Final

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Event, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.event import async_call_later

from ..const import DOMAIN
from ..context import EntryContext
from ..errors import StoppedError, translation
from ..plex.server import PlexClient
from ..probe.cleaning import clean_up
from ..probe.model import Result, Trial
from ..probe.pacing import NoRequestLeftError, Pace, ProbeTimes, StoppedError as ProbeStoppedError
from ..probe.run import ProbeRun
from ..probe.steps import NoMovieError
from ..runner import Runner
from ..servers import Servers
from ..sync.model import ServiceError
from ..turns import Urgency
from .store import ProbeStore

_LOGGER = logging.getLogger(__name__)

SUFFIX_DIGITS: Final = 8


class Probing:
    """The probes of one entry."""

    def __init__(
        self, context: EntryContext, servers: Servers, runner: Runner, store: ProbeStore
    ) -> None:
        """Initialize with a loaded `store`; nothing starts before `async_start`."""
        self.store = store
        self._context = context
        self._servers = servers
        self._runner = runner
        self._times = context.limits.probe
        self._pace: Pace | None = None  # of the running probe
        self._task: asyncio.Task[Result] | None = None
        self._clean_again: CALLBACK_TYPE | None = None
        self._stopped = False

    @callback
    def async_start(self) -> None:
        """Remove what an interrupted probe left behind, before anything else is written."""
        self._context.entry.async_on_unload(
            self._context.hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, self._async_on_stop)
        )
        if self.store.trial is not None:
            self._context.in_background(self._async_clean(), "cleaning up of a probe")

    async def async_stop(self) -> None:
        """Stop the running probe, and wait a limited time until its labels are removed."""
        self._stopped = True
        self._cancel()
        if self._pace is not None:
            self._pace.stop()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=self._context.limits.stop_timeout)

    async def _async_on_stop(self, _event: Event) -> None:
        await self.async_stop()

    async def async_run(self, rating_key: str | None = None) -> Result:
        """Probe both servers after the runs before it, and store the result.

        With a rating key, labels are tried on that movie. Cancelling the caller does not stop the
        probe.

        Raises ServiceValidationError for an item that is not a movie and while another probe is
        running, HomeAssistantError when Plex is unavailable, StoppedError when the entry is
        unloaded.
        """
        if self._stopped:
            raise StoppedError
        if self._task is not None:
            raise ServiceValidationError(translation_domain=DOMAIN, translation_key="probe_running")
        self._task = self._context.entry.async_create_background_task(
            self._context.hass, self._async_probe(rating_key), f"{DOMAIN} probe"
        )
        self._task.add_done_callback(self._done)
        try:
            return await asyncio.shield(self._task)
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if me is not None and me.cancelling():
                raise
            raise StoppedError from None  # the probe was cancelled, not its caller

    @callback
    def _done(self, task: asyncio.Task[Result]) -> None:
        self._task = None
        if not task.cancelled():
            task.exception()  # its caller may no longer wait

    async def _async_probe(self, rating_key: str | None) -> Result:
        urgency = Urgency.READ_ONLY if rating_key is None else Urgency.SYNC
        async with self._runner.turn(urgency):
            if self._stopped:
                raise StoppedError
            await self._async_clean_before(rating_key)
            self._pace = pace = Pace(self._times)
            run = ProbeRun(
                self._servers.plex.prober(pace),
                self._servers.pulsarr.prober(pace),
                self.store,
                pace,
            )
            suffix = "".join(secrets.choice("0123456789") for _ in range(SUFFIX_DIGITS))
            try:
                result = await run.run(rating_key, suffix, time.time())
            except ProbeStoppedError:
                raise StoppedError from None
            except NoMovieError:
                raise ServiceValidationError(
                    translation_domain=DOMAIN,
                    translation_key="probe_no_movie",
                    translation_placeholders={"rating_key": rating_key or ""},
                ) from None
            except ServiceError as err:
                raise HomeAssistantError(**translation(err)) from err
            finally:
                self._pace = None
                self._schedule_cleanup()
            await self.store.async_keep(result)
        return result

    async def _async_clean_before(self, rating_key: str | None) -> None:
        """Clean up after an earlier probe before another one tries anything."""
        if rating_key is not None and (trial := self.store.trial) is not None:
            try:
                if await async_remove_trial(self._servers.plex, trial, self._times):
                    await self.store.end()
            except ServiceError as err:
                raise HomeAssistantError(**translation(err)) from err

    @callback
    def _schedule_cleanup(self) -> None:
        """Schedule a check for labels that could not be removed, or may still show."""
        if self.store.trial is not None and not self._stopped:
            self._cancel()
            self._clean_again = async_call_later(
                self._context.hass, self._times.clean_again, self._clean_soon
            )

    def _cancel(self) -> None:
        if self._clean_again is not None:
            self._clean_again()
            self._clean_again = None

    @callback
    def _clean_soon(self, _now: datetime) -> None:
        self._clean_again = None
        self._context.in_background(self._async_clean(), "cleaning up of a probe")

    async def _async_clean(self) -> None:
        """Remove what is left of an interrupted trial."""
        async with self._runner.turn(Urgency.LIVE):
            trial = self.store.trial
            if trial is None or self._stopped:
                return
            try:
                if await async_remove_trial(self._servers.plex, trial, self._times):
                    _LOGGER.info("The labels of an interrupted probe have been removed")
                    await self.store.end()
            except ServiceError as err:
                _LOGGER.warning("The labels of a probe could not be removed yet: %s", err)
        self._schedule_cleanup()


async def async_remove_trial(plex: PlexClient, trial: Trial, times: ProbeTimes) -> bool:
    """Remove what is left of a trial; return whether nothing is left. Raises ServiceError."""
    pace = Pace(times)
    try:
        return await clean_up(plex.prober(pace), trial, pace)
    except NoRequestLeftError:
        return False
