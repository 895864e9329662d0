"""What survives a restart: queue, ledger and journal in Home Assistant's Store files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import logging
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .sync.journal import Entry, Journal
from .sync.ledger import Ledger
from .sync.model import Action, Change, MediaType, Run, RunKind, Title
from .sync.queue import PendingSync, Queue, Reason

_LOGGER = logging.getLogger(__name__)

STORE_VERSION: Final = 1
STORE_MINOR_VERSION: Final = 1
STORES: Final = ("queue", "ledger", "journal")

INTERRUPTED: Final = "interrupted"  # status of a run during which the process ended


@dataclass(frozen=True, slots=True)
class Summary:
    """The last finished full sync, as the entities show it. `finished` is in epoch seconds."""

    finished: float
    titles: int
    missing: int
    added: int
    removed: int


def _store(hass: HomeAssistant, entry_id: str, name: str) -> Store[dict[str, Any]]:
    return Store(
        hass,
        STORE_VERSION,
        f"{DOMAIN}.{entry_id}.{name}",
        minor_version=STORE_MINOR_VERSION,
        atomic_writes=True,
    )


async def async_remove_stores(hass: HomeAssistant, entry_id: str) -> None:
    """Delete an entry's files."""
    for name in STORES:
        await _store(hass, entry_id, name).async_remove()


class Records:
    """The queue, the ledger and the journal of one entry; memory is the truth."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Start empty; `async_load` fills it."""
        self.queue: Queue = ()
        self.ledger = Ledger()
        self.journal = Journal()
        self.summary: Summary | None = None
        self._queue_store = _store(hass, entry_id, "queue")
        self._ledger_store = _store(hass, entry_id, "ledger")
        self._journal_store = _store(hass, entry_id, "journal")

    async def async_load(self) -> None:
        """Read the files and take over what a run left behind that did not end.

        A file that cannot be understood counts as empty: then nothing is ours, and nothing
        will be taken off.
        """
        self.queue = await _load(self._queue_store, _queue_from_dict, ())
        self.ledger = await _load(self._ledger_store, Ledger.from_dict, Ledger())
        nothing: tuple[Journal, Summary | None] = (Journal(), None)
        self.journal, self.summary = await _load(self._journal_store, _journal_from_dict, nothing)
        if unfinished := self.journal.unfinished:
            for entry in unfinished:
                # Whether these arrived in Plex is not known; they were not there before.
                adds = [one for one in entry.changes if one.action is Action.ADD]
                self.ledger.record(adds, entry.started)
                self.journal.finish(entry.run_id, INTERRUPTED, entry.changes)
                _LOGGER.info("Run %s was interrupted; its changes are checked", entry.run_id)
            await self._ledger_store.async_save(self.ledger.as_dict())
            await self._save_journal()

    async def async_save_queue(self, queue: Queue) -> None:
        """Replace the queue, in memory at once and on disk before this returns."""
        self.queue = queue
        await self._queue_store.async_save(_queue_as_dict(queue))

    async def async_save_summary(self, summary: Summary) -> None:
        """Keep what the last full sync came to."""
        self.summary = summary
        await self._save_journal()

    async def begin(
        self, run_id: str, kind: RunKind, started: float, changes: Sequence[Change]
    ) -> None:
        """Write down what is about to be changed; returns when it is on disk."""
        self.journal.begin(Entry(run_id, kind, started, tuple(changes)))
        await self._save_journal()

    async def finish(self, run: Run, sent: Sequence[Change]) -> None:
        """Write down what a run confirmed.

        Additions that were sent and could not be read back count as ours. The ledger comes
        first: while the journal calls the run unfinished, nothing of it can be forgotten.
        """
        unconfirmed = [one for one in sent if one.action is Action.ADD]
        self.ledger.record([*run.changes, *unconfirmed], run.started)
        await self._ledger_store.async_save(self.ledger.as_dict())
        self.journal.finish(run.id, run.status.value, run.changes)
        await self._save_journal()

    async def _save_journal(self) -> None:
        data = self.journal.as_dict()
        if (summary := self.summary) is not None:
            data["last_sync"] = {
                "finished": summary.finished,
                "titles": summary.titles,
                "missing": summary.missing,
                "added": summary.added,
                "removed": summary.removed,
            }
        await self._journal_store.async_save(data)


async def _load[T](
    store: Store[dict[str, Any]], read: Callable[[Mapping[str, Any]], T], empty: T
) -> T:
    data = await store.async_load()
    if data is None:
        return empty
    try:
        return read(data)
    except (KeyError, TypeError, ValueError, AttributeError):
        _LOGGER.exception("The stored file %s cannot be understood", store.key)
        return empty


def _journal_from_dict(data: Mapping[str, Any]) -> tuple[Journal, Summary | None]:
    last_sync = data.get("last_sync")
    return Journal.from_dict(data), None if last_sync is None else Summary(**last_sync)


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
