"""Store the data of probes: what is about to be added to a movie, and the last result."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from homeassistant.core import HomeAssistant

from ..probe.model import Code, Fact, Result, Trial
from ..probe.pacing import not_saved
from ..storage.files import Data, RecordFile, StoreTooNewError, StoreUnreadableError


class ProbeStore:
    """One file of an entry. Implements `probe.ports.TrialJournal`."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize empty; `async_load` fills it."""
        self._hass = hass
        self.trial: Trial | None = None  # of which something may still be in Plex
        self.last: Result | None = None
        self._file = RecordFile(hass, entry_id, "probe")

    async def async_load(self) -> None:
        """Read the file. Raises StoreTooNewError or StoreUnreadableError."""
        _, kept = await self._file.async_read(_from_dict)
        self.trial, self.last = kept or (None, None)

    async def begin(self, trial: Trial) -> None:
        """Save what is about to be added. Raises ServiceError when that fails."""
        self.trial = trial
        if not await self._save():
            self.trial = None
            raise not_saved()

    async def end(self) -> None:
        """Save that nothing of it is left; if that fails, it is only checked again."""
        self.trial = None
        await self._save()

    async def async_keep(self, result: Result) -> None:
        """Store the result of a probe."""
        self.last = result
        await self._save()

    async def async_size(self) -> int | None:
        """Return the size of the file in bytes, None if there is none."""
        return await self._hass.async_add_executor_job(self._file.size)

    async def _save(self) -> bool:
        return await self._file.async_write(self._snapshot)

    def _snapshot(self) -> Callable[[], Data]:
        data: Data = {
            "trial": self.trial and asdict(self.trial),
            "last": self.last and asdict(self.last),
        }
        return lambda: data


async def async_forgotten_trial(hass: HomeAssistant, entry_id: str) -> Trial | None:
    """Return what a removed entry may have left in Plex, None if unknown."""
    store = ProbeStore(hass, entry_id)
    try:
        await store.async_load()
    except (StoreTooNewError, StoreUnreadableError):
        return None
    return store.trial


def _from_dict(data: Mapping[str, Any]) -> tuple[Trial | None, Result | None]:
    """Build the contents from stored data. Raises whatever bad data causes."""
    trial, last = data["trial"], data["last"]
    return (
        None
        if trial is None
        else Trial(
            rating_key=str(trial["rating_key"]),
            library=str(trial["library"]),
            texts=tuple(map(str, trial["texts"])),
            before=tuple(map(str, trial["before"])),
            locked=bool(trial["locked"]),
        ),
        None if last is None else _result(last),
    )


def _result(last: Mapping[str, Any]) -> Result:
    known = set(Code)  # codes that only a newer version knows are left out
    return Result(
        facts=tuple(
            Fact(Code(one["code"]), str(one["answer"]), str(one["says"]), dict(one["told"]))
            for one in last["facts"]
            if one["code"] in known
        ),
        version=str(last["version"]),
        platform=str(last["platform"]),
        requests=int(last["requests"]),
        asked=float(last["asked"]),
        movie=bool(last["movie"]),
    )
