"""Watchlists as fresh as a decision requires: read again when the known ones are too old."""

from collections.abc import Callable
from typing import Final

from .list_reader import read_watchlists
from .model import Person, SyncSettings, Watchlists
from .plan_notes import any_unlisted
from .ports import PulsarrPort, Recorder
from .protection import ListMemory
from .request import LiveRequest
from .threads import in_thread
from .watchlist_reader import KnownLists

FRESH: Final = 60.0  # seconds for which watchlists are fresh enough for a live sync
FRESH_UNKNOWN: Final = 10.0  # seconds between two reads because of apparently unwanted titles


class FreshLists:
    """Reads the watchlists of all people who are not excluded, and records them."""

    def __init__(
        self,
        pulsarr: PulsarrPort,
        recorder: Recorder,
        lists: KnownLists,
        *,
        memory: ListMemory,
        clock: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        """Initialize; `clock` returns seconds since the epoch, `steady` monotonic seconds."""
        self._pulsarr = pulsarr
        self._recorder = recorder
        self._lists = lists
        self._memory = memory
        self._clock = clock
        self._steady = steady
        self._read_for_unlisted = float("-inf")

    async def for_titles(self, request: LiveRequest, settings: SyncSettings) -> Watchlists:
        """Return watchlists that are fresh enough for a few titles. Raises ServiceError."""
        known = self._lists.current
        if known is not None:
            now, fresh_at = self._steady(), self._lists.fresh_at
            if fresh_at > max(request.newer_than, now - FRESH):
                if fresh_at > request.reported_at:
                    return known
                if not await in_thread(any_unlisted, request.titles, known):
                    return known
                # It may be wanted since: read at once, but not for each of many titles.
                if now - self._read_for_unlisted < FRESH_UNKNOWN:
                    return known
                self._read_for_unlisted = now
        return await self.read(settings)

    async def read(
        self,
        settings: SyncSettings,
        on_people: Callable[[tuple[Person, ...]], object] = lambda _: None,
    ) -> Watchlists:
        """Read all watchlists except those of excluded people. Raises ServiceError.

        `on_people` receives the people as soon as they are known.
        """
        ledger = self._recorder.ledger
        owners = await in_thread(lambda: ledger.owners)  # of up to tens of thousands of labels
        read = await read_watchlists(
            self._pulsarr,
            self._clock,
            on_people,
            lambda people: ledger.ids_now(settings.exclude_people, people),
            known=self._lists.current,
            missing=lambda people: self._memory.missing(people, ledger, owners),
        )
        await self._lists.replace(read)
        return read
