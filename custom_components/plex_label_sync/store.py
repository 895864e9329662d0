"""What survives a restart: queue, ledger and journal in Home Assistant's Store files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
import logging
from typing import Any, Final, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .sync.journal import Entry, Journal
from .sync.ledger import Ledger
from .sync.model import (
    Change,
    Failure,
    MediaType,
    Row,
    RowKey,
    Run,
    RunKind,
    RunStatus,
    Service,
    ServiceError,
    Title,
)
from .sync.queue import PendingSync, Queue, Reason

_LOGGER = logging.getLogger(__name__)

STORE_VERSION: Final = 1
MINOR_VERSIONS: Final = {"queue": 1, "ledger": 2, "journal": 2}
EXAMPLES_MAX: Final = 10  # changes shown of what is held

INTERRUPTED: Final = "interrupted"  # status of a run during which the process ended


@dataclass(frozen=True, slots=True)
class Summary:
    """The last finished full sync, as the entities show it.

    `finished` is in seconds since the epoch, `duration` in seconds. `people` are all who get
    labels, `wanting` those of them who want something.
    """

    finished: float
    titles: int
    missing: int
    added: int
    removed: int
    people: int = 0
    wanting: int = 0
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class Held:
    """What the brake keeps back until somebody decides. `since` is in epoch seconds."""

    since: float
    reasons: tuple[str, ...]
    removals: int
    vanished: int
    examples: tuple[str, ...]


class StoreTooNewError(Exception):
    """A file was written by a newer version of the integration."""


class _Store(Store[dict[str, Any]]):
    """A Store that brings old files up to date and tells when it could not write."""

    def __init__(self, hass: HomeAssistant, entry_id: str, name: str) -> None:
        """Open the file of one entry."""
        super().__init__(
            hass,
            STORE_VERSION,
            f"{DOMAIN}.{entry_id}.{name}",
            minor_version=MINOR_VERSIONS[name],
            atomic_writes=True,
        )
        self.name = name
        self.failed = False

    @override
    async def _async_migrate_func(
        self, old_major_version: int, old_minor_version: int, old_data: dict[str, Any]
    ) -> dict[str, Any]:
        if old_major_version > STORE_VERSION:
            raise StoreTooNewError
        return migrated(self.name, old_minor_version, old_data)

    async def async_write(self, data: dict[str, Any]) -> bool:
        """Save and tell whether that worked; the caller keeps the data."""
        self.failed = False
        try:
            await self.async_save(data)
        except OSError:
            self.failed = True
        if self.failed:
            _LOGGER.error("%s could not be saved; it is kept in memory", self.key)
        return not self.failed

    @override
    async def _async_write_data(self, *args: Any) -> None:
        # Home Assistant logs a failed write and goes on; we must know. What it hands over
        # differs between its versions.
        try:
            await super()._async_write_data(*args)
        except BaseException:
            self.failed = True
            raise


def migrated(name: str, minor_version: int, data: dict[str, Any]) -> dict[str, Any]:
    """Return a file's data as the present version writes them.

    A file of a newer minor version is used as it is.
    """
    if name == "ledger" and minor_version < 2:  # noqa: PLR2004 - rows were just a time
        return {
            "labels": {
                label: {
                    library: {key: [written, [], "", 0, 0] for key, written in items.items()}
                    for library, items in libraries.items()
                }
                for label, libraries in data["labels"].items()
            }
        }
    if name == "journal" and minor_version < 2:  # noqa: PLR2004 - changes did not say whose
        runs = [
            {**run, "changes": [[*change, True] for change in run["changes"]]}
            for run in data["runs"]
        ]
        return {**data, "runs": runs}
    return data


async def async_remove_stores(hass: HomeAssistant, entry_id: str) -> None:
    """Delete an entry's files."""
    for name in MINOR_VERSIONS:
        await _Store(hass, entry_id, name).async_remove()


class Records:
    """The queue, the ledger and the journal of one entry; memory is the truth."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Start empty; `async_load` fills it."""
        self.queue: Queue = ()
        self.ledger = Ledger()
        self.journal = Journal()
        self.summary: Summary | None = None
        self.held: Held | None = None
        self.damaged: list[str] = []
        self._queue_store = _Store(hass, entry_id, "queue")
        self._ledger_store = _Store(hass, entry_id, "ledger")
        self._journal_store = _Store(hass, entry_id, "journal")

    @property
    def unsaved(self) -> bool:
        """Whether something is in memory only, because it could not be written."""
        return any(
            store.failed for store in (self._queue_store, self._ledger_store, self._journal_store)
        )

    async def async_load(self) -> None:
        """Read the files and take over what a run left behind that did not end.

        A file that cannot be understood counts as empty and is named in `damaged`: then
        nothing in it is ours any more, and nothing of it will be taken off.

        Raises StoreTooNewError.
        """
        self.queue = await self._load(self._queue_store, _queue_from_dict, ())
        self.ledger = await self._load(self._ledger_store, Ledger.from_dict, Ledger())
        nothing: _JournalFile = (Journal(), None, None)
        self.journal, self.summary, self.held = await self._load(
            self._journal_store, _journal_from_dict, nothing
        )
        if unfinished := self.journal.unfinished:
            for entry in unfinished:
                # Whether these arrived in Plex is not known; they were not there before.
                self.ledger.adopt(entry.changes, entry.started, undo=entry.kind is RunKind.UNDO)
                self.journal.finish(entry.run_id, INTERRUPTED, entry.changes)
                _LOGGER.info("Run %s was interrupted; its changes are checked", entry.run_id)
            await self.async_flush()

    async def _load[T](self, store: _Store, read: Callable[[Mapping[str, Any]], T], empty: T) -> T:
        try:
            data = await store.async_load()
            return empty if data is None else read(data)
        except (KeyError, TypeError, ValueError, AttributeError):
            _LOGGER.exception("The stored file %s cannot be understood", store.key)
            self.damaged.append(store.name)
            return empty

    async def async_flush(self) -> None:
        """Save everything."""
        await self.async_save_queue(self.queue)
        await self.async_save_ledger()
        await self._save_journal()

    async def async_save_queue(self, queue: Queue) -> None:
        """Replace the queue, in memory at once and on disk before this returns."""
        self.queue = queue
        await self._queue_store.async_write(_queue_as_dict(queue))

    async def async_save_ledger(self) -> None:
        """Save the ledger after it was changed."""
        await self._ledger_store.async_write(self.ledger.as_dict())

    async def async_save_outcome(self, summary: Summary | None, held: Held | None) -> None:
        """Keep what the last full sync came to, and what it held."""
        self.summary = summary or self.summary
        self.held = held
        await self._save_journal()

    async def begin(
        self, run_id: str, kind: RunKind, started: float, changes: Sequence[Change]
    ) -> None:
        """Write down what is about to be changed; returns when it is on disk.

        Raises ServiceError when that is not possible: then nothing may be changed.
        """
        entry = Entry(run_id, kind, started, tuple(changes))
        self.journal.begin(entry)
        if not await self._save_journal():
            self.journal.finish(run_id, RunStatus.FAILED.value, ())
            detail = "the journal could not be saved, so nothing is changed in Plex"
            raise ServiceError(Service.STORAGE, Failure.NOT_SAVED, detail)

    async def finish(
        self, run: Run, rows: Mapping[RowKey, Row | None], unsure: Sequence[Change]
    ) -> None:
        """Write down what a run confirmed, and what becomes of the ledger's rows.

        Additions that were sent and could not be read back count as ours. The ledger comes
        first: while the journal calls the run unfinished, nothing of it can be forgotten.
        """
        self.ledger.apply(rows)
        self.ledger.adopt(unsure, run.started, undo=run.kind is RunKind.UNDO)
        self.journal.finish(run.id, run.status.value, [*run.changes, *unsure])
        if await self._ledger_store.async_write(self.ledger.as_dict()):
            await self._save_journal()

    async def _save_journal(self) -> bool:
        data = self.journal.as_dict()
        if self.summary is not None:
            data["last_sync"] = asdict(self.summary)
        if self.held is not None:
            data["held"] = asdict(self.held)
        return await self._journal_store.async_write(data)


type _JournalFile = tuple[Journal, Summary | None, Held | None]


def _journal_from_dict(data: Mapping[str, Any]) -> _JournalFile:
    last_sync, held = data.get("last_sync"), data.get("held")
    return (
        Journal.from_dict(data),
        None if last_sync is None else Summary(**last_sync),
        None
        if held is None
        else Held(
            since=float(held["since"]),
            reasons=tuple(held["reasons"]),
            removals=int(held["removals"]),
            vanished=int(held["vanished"]),
            examples=tuple(held["examples"]),
        ),
    )


def _queue_as_dict(queue: Queue) -> dict[str, Any]:
    return {
        "pending": [
            {
                "type": entry.title.type.value,
                "title": entry.title.name,
                "ids": sorted(entry.title.ids),
                "created": entry.created,
                "next_try": entry.next_try,
                "expires": entry.expires,
                "reason": entry.reason.value,
                "people": list(entry.people),
                "tries": entry.tries,
            }
            for entry in queue
        ]
    }


def _queue_from_dict(data: Mapping[str, Any]) -> Queue:
    return tuple(
        PendingSync(
            title=Title(MediaType(entry["type"]), str(entry["title"]), frozenset(entry["ids"])),
            created=float(entry["created"]),
            next_try=float(entry["next_try"]),
            expires=float(entry["expires"]),
            reason=Reason(entry["reason"]),
            people=tuple(entry["people"]),
            tries=int(entry["tries"]),
        )
        for entry in data["pending"]
    )
