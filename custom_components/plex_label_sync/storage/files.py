"""An entry's files: validated when read, migrated, and written outside the event loop."""

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
import logging
from pathlib import Path
import shutil
from typing import Any, Final, override

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.json import json_bytes, json_fragment
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..sync.stored import MALFORMED
from ..sync.threads import uncollected
from .earlier_ids import journal_with_sources, ledger_with_sources, sharing_with_sources
from .earlier_reasons import journal_with_reason_codes

_LOGGER = logging.getLogger(__name__)

STORE_VERSION: Final = 1
MINOR_VERSIONS: Final = {"queue": 1, "ledger": 5, "journal": 7, "sharing": 2, "probe": 1}
CAUSES_UNKNOWN: Final = "causes_unknown"  # in an earlier ledger: why labels are kept off
FORMER: Final = "former"  # the only file that belongs to no entry
FORMER_MINOR_VERSION: Final = 1

# What readers raise for malformed data
NONSENSE: Final = MALFORMED

type Data = dict[str, Any]


class StoreTooNewError(Exception):
    """A file was written by a newer version of the integration."""


class StoreUnreadableError(Exception):
    """A file exists but cannot be read now, so its contents are unknown."""


class Found(StrEnum):
    """The result of reading a file."""

    READ = "read"
    MISSING = "missing"
    DAMAGED = "damaged"


class RecordFile(Store[Data]):
    """A Store that distinguishes damaged from missing files and reports failed writes."""

    def __init__(self, hass: HomeAssistant, entry_id: str | None, name: str) -> None:
        """Open the file of one entry, or with None one of the whole domain."""
        super().__init__(
            hass,
            STORE_VERSION,
            ".".join(filter(None, (DOMAIN, entry_id, name))),
            minor_version=MINOR_VERSIONS.get(name, FORMER_MINOR_VERSION),
            atomic_writes=True,
        )
        self.name = name
        self.failed = False  # the last write failed: the data is in memory only
        self._one_at_a_time = asyncio.Lock()

    async def async_read[T](
        self, understand: Callable[[Mapping[str, Any]], T]
    ) -> tuple[Found, T | None]:
        """Return the contents of the file.

        A damaged file is kept under another name. Home Assistant does so with broken JSON and then
        behaves as if there were no file: that is distinguished from a first start here.

        Raises StoreTooNewError or StoreUnreadableError.
        """
        path = Path(self.path)
        was_there = await self.hass.async_add_executor_job(path.exists)
        try:
            data = await self.async_load()
            if data is not None:
                return Found.READ, await self.hass.async_add_executor_job(
                    uncollected, partial(understand, data)
                )
        except NONSENSE:
            _LOGGER.exception("The stored file %s is invalid", self.key)
        except OSError as err:
            raise StoreUnreadableError(str(err)) from err
        except HomeAssistantError as err:
            if isinstance(err.__cause__, OSError):
                raise StoreUnreadableError(str(err.__cause__)) from err
            if hasattr(err, "max_supported_version"):
                # Since 2026 Home Assistant itself refuses such a file.
                raise StoreTooNewError from err
            _LOGGER.exception("The stored file %s cannot be read", self.key)
        else:
            if not was_there:
                return Found.MISSING, None
        await self._set_aside(path)
        return Found.DAMAGED, None

    def size(self) -> int | None:
        """Return the file's size on disk in bytes, None if there is no file. Blocks."""
        try:
            return Path(self.path).stat().st_size
        except OSError:
            return None

    async def async_copy_aside(self) -> None:
        """Keep a copy of a file with malformed parts before it is overwritten."""
        path = Path(self.path)

        def copy() -> None:
            if path.exists():
                shutil.copyfile(path, _aside(path))

        try:
            await self.hass.async_add_executor_job(copy)
        except OSError as err:  # the readable parts matter more than the rest
            _LOGGER.warning("The stored file %s cannot be copied: %s", self.key, err)

    async def _set_aside(self, path: Path) -> None:
        """Keep a damaged file under a name that marks it as such before it is overwritten."""
        aside = _aside(path)

        def rename() -> None:
            if path.exists():
                path.rename(aside)

        try:
            await self.hass.async_add_executor_job(rename)
        except OSError as err:
            raise StoreUnreadableError(str(err)) from err

    @override
    async def _async_migrate_func(
        self, old_major_version: int, old_minor_version: int, old_data: Data
    ) -> Data:
        if old_major_version > STORE_VERSION:
            raise StoreTooNewError
        return await self.hass.async_add_executor_job(
            uncollected, partial(migrated, self.name, old_minor_version, old_data)
        )

    async def async_write(self, snapshot: Callable[[], Callable[[], Data]]) -> bool:
        """Save and return whether that succeeded; the caller keeps the data.

        `snapshot` is called when it is this write's turn, so that the latest state is written last;
        its result is called in a thread. Cancelling the caller does not stop it.
        """
        task = self.hass.async_create_task(self._write(snapshot), f"save {self.key}")
        return await asyncio.shield(task)

    async def _write(self, snapshot: Callable[[], Callable[[], Data]]) -> bool:
        async with self._one_at_a_time:
            self.failed = False
            await self._save(snapshot())
            if self.failed:
                _LOGGER.error("%s could not be saved; it is kept in memory", self.key)
            return not self.failed

    @override
    async def async_save(self, data: Data) -> None:
        """Save data that will not change any more."""
        await self._save(lambda: data)

    async def _save(self, build: Callable[[], Data]) -> None:
        """Encode in a thread, because large files would block the event loop, and save."""
        encoded: Any = await self.hass.async_add_executor_job(
            uncollected, lambda: json_fragment(json_bytes(build()))
        )
        try:
            # Home Assistant copies a fragment unchanged, also in the event loop.
            await super().async_save(encoded)
        except OSError:
            self.failed = True

    async def async_wait_saved(self) -> None:
        """Wait for pending writes."""
        async with self._one_at_a_time:
            pass

    @override
    async def _async_write_data(self, *args: Any) -> None:
        # Home Assistant only logs a failed write, but the caller must know. The arguments differ
        # between its versions.
        try:
            await super()._async_write_data(*args)
        except BaseException:
            self.failed = True
            raise


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.corrupt.{dt_util.utcnow().isoformat()}")


def migrated(name: str, minor_version: int, data: Data) -> Data:
    """Return a file's data migrated to the current version.

    Data of a newer minor version is used unchanged.
    """
    for version in range(minor_version, MINOR_VERSIONS.get(name, FORMER_MINOR_VERSION)):
        if (step := _STEPS.get((name, version))) is not None:
            data = step(data)
    return data


def _ledger_knows_by_what(data: Data) -> Data:
    """3 → 4: rows include whether an undo keeps a label off; here only the journal has that."""
    return {**data, CAUSES_UNKNOWN: True}


_STEPS: Final[Mapping[tuple[str, int], Callable[[Data], Data]]] = {
    ("ledger", 3): _ledger_knows_by_what,
    ("ledger", 4): ledger_with_sources,
    ("journal", 4): journal_with_reason_codes,
    ("journal", 5): journal_with_sources,
    ("sharing", 1): sharing_with_sources,
}


async def async_remove_files(hass: HomeAssistant, entry_id: str) -> None:
    """Delete an entry's files, and the copies of damaged ones."""
    for name in MINOR_VERSIONS:
        file = RecordFile(hass, entry_id, name)
        await file.async_remove()
        await hass.async_add_executor_job(_remove_set_aside, Path(file.path))


def _remove_set_aside(path: Path) -> None:
    for aside in path.parent.glob(f"{path.name}.corrupt.*"):
        aside.unlink(missing_ok=True)
