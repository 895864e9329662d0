"""What survives a restart: queue, ledger and journal, kept in memory and written to files."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
import logging
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback

from ..listeners import Listeners
from ..summary import Summary, after_changes, of_earlier_version
from ..sync.changes import Change, Row, RowKey
from ..sync.journal import Entry, Journal
from ..sync.knowledge import Knowledge
from ..sync.ledger import Ledger
from ..sync.model import Failure, MediaType, Service, ServiceError, Title
from ..sync.queue import PendingSync, Queue, Reason
from ..sync.returned import recently_removed
from ..sync.run import Run, RunKind, RunStatus
from ..sync.stored import Faults, listed, number, part, rows, text, texts, whole
from ..sync.threads import in_thread
from ..timer import Timer
from .files import CAUSES_UNKNOWN, Data, Found, RecordFile
from .held import Held, held_of

_LOGGER = logging.getLogger(__name__)

SAVE_AGAIN_AFTER: Final = 60.0  # seconds from a failed write to the next attempt

EXPIRES_WITHIN: Final = 300.0  # seconds by which a stored queue may differ in when entries expire

INTERRUPTED: Final = "interrupted"  # status of a run during which the process ended


class Records:
    """The queue, the ledger and the journal of one entry; the files follow the state in memory."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize empty; `async_load` reads the files."""
        self.queue: Queue = ()
        self.ledger = Ledger()
        self.journal = Journal()
        self.summary = Summary()
        self.held: Held | None = None
        self.knowledge = Knowledge()
        self.damaged: list[str] = []  # the files that were damaged or missing
        self.left_out: Mapping[str, int] = {}  # the number of malformed values left out, by part
        self.on_change = Listeners[()]()  # called when saving fails, or works again
        self._hass = hass
        self._queue_file = RecordFile(hass, entry_id, "queue")
        self._ledger_file = RecordFile(hass, entry_id, "ledger")
        self._journal_file = RecordFile(hass, entry_id, "journal")
        self._not_in_ledger: set[str] = set()  # runs whose rows are in memory only
        self._save_again = Timer(hass, self._flush_failed)
        self._saved_summary = self.summary
        self._saved_queue: Queue | None = None  # None while it is unknown what is on disk

    @property
    def unsaved(self) -> bool:
        """Whether something is in memory only because it could not be written."""
        return any(file.failed for file in self._files)

    @property
    def _files(self) -> tuple[RecordFile, ...]:
        return self._queue_file, self._ledger_file, self._journal_file

    async def async_sizes(self) -> dict[str, int | None]:
        """Return the size of each file on disk in bytes, None if it does not exist."""

        def sizes() -> dict[str, int | None]:
            return {file.name: file.size() for file in self._files}

        return await self._hass.async_add_executor_job(sizes)

    async def async_load(self, *, expected: bool = False) -> None:
        """Read the files and recover runs that did not end.

        A malformed part is left out and counted in `left_out`, and a copy of its file is kept. A
        file that cannot be read as a whole counts as empty and is listed in `damaged`: then none of
        its labels is the integration's any more, and none will be removed. So does a missing file:
        the files are written together, so one is missing if others exist, and all are if the entry
        was set up before (`expected`).

        Raises StoreTooNewError or StoreUnreadableError.
        """
        queue_found, queue = await self._read(self._queue_file, _queue_from_dict)
        ledger_found, ledger = await self._read(self._ledger_file, _ledger_from_dict)
        journal_found, journal = await self._read(self._journal_file, _journal_from_dict)
        self.queue = queue or ()
        self.ledger, causes_unknown = ledger or (Ledger(), False)
        if journal is not None:
            self.journal, self.summary, self.held, self.knowledge = journal
            self._saved_summary = self.summary
        found = {"queue": queue_found, "ledger": ledger_found, "journal": journal_found}
        # The journal is written last: an interrupted first start leaves the others empty.
        expected = expected or journal_found is not Found.MISSING
        expected = expected or bool(self.queue) or len(self.ledger) > 0
        self.damaged = [
            name
            for name, what in found.items()
            if what is Found.DAMAGED or (expected and what is Found.MISSING)
        ]
        if causes_unknown:
            for entry in self.journal.entries:
                if entry.kind is RunKind.UNDO and entry.status is not None:
                    self.ledger.note_undone(entry.changes)
        unfinished = self.journal.unfinished
        for entry in unfinished:
            # These may have reached Plex; they were not there before. What was not sent yet may
            # have been written by a person since.
            sent = entry.changes[: entry.sent]
            self.ledger.adopt(sent, entry.started, undo=entry.kind is RunKind.UNDO)
            self.journal.finish(entry.run_id, INTERRUPTED, sent)
            _LOGGER.info("Run %s was interrupted; checking its changes", entry.run_id)
        is_as_stored = all(what is Found.READ for what in found.values()) and not self.left_out
        if unfinished or causes_unknown or not is_as_stored:
            await self.async_flush()
        self._save_later()

    async def _read[T](
        self, file: RecordFile, understand: Callable[[Mapping[str, Any], Faults], T]
    ) -> tuple[Found, T | None]:
        """Return the contents of a file without its malformed parts."""
        faults: Faults = []
        found, content = await file.async_read(lambda data: understand(data, faults))
        if found is Found.READ and faults:
            self.left_out = {**self.left_out, **Counter(faults)}
            _LOGGER.warning("Invalid data in the stored file %s was left out: %s", file.key, faults)
            await file.async_copy_aside()
        return found, content

    @callback
    def async_open(self) -> None:
        """Resume with records that were closed and could not be saved."""
        self._save_later()

    async def async_close(self) -> None:
        """Wait for pending writes, and give up on those that fail."""
        for file in self._files:
            await file.async_wait_saved()
        if self.unsaved:
            await self._flush_failed()
        elif self._saved_queue is not None and self.queue != self._saved_queue:
            await self._save_queue()
        self._save_again.cancel()

    async def async_flush(self) -> None:
        """Save everything."""
        await self._save_ledger()
        await self._save_queue()
        await self._save_journal()

    async def async_save_queue(self, queue: Queue) -> None:
        """Replace the queue, in memory at once and on disk before this returns.

        That a title was looked up once more is not worth a write.
        """
        self.queue = queue
        if self._saved_queue is None or not _is_stored(queue, self._saved_queue):
            await self._save_queue()

    async def _save_queue(self) -> None:
        self._saved_queue = None  # unknown until it is written
        saved = self.queue

        def snapshot() -> Callable[[], Data]:
            nonlocal saved
            saved = self.queue
            return lambda: _queue_as_dict(saved)

        if await self._write(self._queue_file, snapshot):
            self._saved_queue = saved

    async def async_save_ledger(self) -> None:
        """Save the ledger after a change."""
        await self._save_ledger()

    async def async_save_held(self, held: Held | None) -> None:
        """Store what the last full sync held, and its summary."""
        self.held = held
        await self._save_journal()

    async def async_save_summary(self) -> None:
        """Save the summary if it has changed."""
        if self.summary != self._saved_summary:
            await self._save_journal()

    async def begin(self, run: Run, changes: Sequence[Change], sent: int) -> None:
        """Write down what is about to be changed, and that the first `sent` may be sent at once.

        Returns when it is on disk. Raises ServiceError when that fails: then nothing may be
        changed.
        """
        entry = Entry(
            run.id, run.kind, run.started, tuple(changes), sent=sent, started_by=run.started_by
        )
        self.journal.begin(entry)
        if not await self._save_journal():
            self.journal.finish(run.id, RunStatus.FAILED.value, ())
            detail = "the journal could not be saved, so nothing was changed in Plex"
            raise ServiceError(Service.STORAGE, Failure.NOT_SAVED, detail)

    def recently_removed(self) -> Mapping[RowKey, Change]:
        """Return the integration's labels that recent runs removed and no run has added since."""
        return recently_removed(
            entry.changes for entry in self.journal.entries if entry.status is not None
        )

    def lost_since(self, when: float) -> int:
        """Return how many labels were lost since `when` without a request."""
        return self.knowledge.lost_since(when)

    async def sending(self, run_id: str, count: int) -> None:
        """Write down that the first `count` changes of a run may be sent from now on.

        Raises ServiceError when that fails: then they may not be sent.
        """
        self.journal.sending(run_id, count)
        if not await self._save_journal():
            detail = "the journal could not be saved, so nothing more was changed in Plex"
            raise ServiceError(Service.STORAGE, Failure.NOT_SAVED, detail)

    async def finish(
        self,
        run: Run,
        rows: Mapping[RowKey, Row | None],
        unsure: Mapping[Change, Row | None],
    ) -> None:
        """Write down what a run confirmed, and the new rows of the ledger.

        Additions that were sent and could not be read back count as the integration's. The ledger
        is written first: while the journal lists the run as unfinished, none of it can be
        forgotten.
        """

        def note() -> Summary:
            self.ledger.apply(rows)
            planned = {change.key: row for change, row in unsure.items()}
            self.ledger.adopt(unsure, run.started, undo=run.kind is RunKind.UNDO, rows=planned)
            return after_changes(self.summary, run, self.ledger)

        self.summary = await in_thread(note)  # of up to tens of thousands of changes
        self.knowledge.finished(run)
        changes = [*run.changes, *unsure]
        self.journal.finish(run.id, run.status.value, changes, confirmed=bool(run.changes))
        self._not_in_ledger.add(run.id)
        await self._save_ledger()
        await self._save_journal()

    async def _save_ledger(self) -> bool:
        runs = frozenset(self._not_in_ledger)
        saved = await self._write(self._ledger_file, lambda: self.ledger.copy().as_dict)
        if saved:
            self._not_in_ledger -= runs
        return saved

    async def _save_journal(self) -> bool:
        summary = self.summary
        saved = await self._write(self._journal_file, self._journal_snapshot)
        if saved:
            self._saved_summary = summary
        return saved

    def _journal_snapshot(self) -> Callable[[], Data]:
        # The file lists a run as unfinished until the ledger with its rows is saved.
        journal = Journal(
            replace(entry, status=None) if entry.run_id in self._not_in_ledger else entry
            for entry in self.journal.entries
        )
        held = {} if self.held is None else {"held": self.held.as_dict()}
        summary, knowledge = self.summary, self.knowledge.as_dict()
        return lambda: {
            **journal.as_dict(),
            **held,
            "summary": summary.as_dict(),
            "knowledge": knowledge,
        }

    async def _write(self, file: RecordFile, snapshot: Callable[[], Callable[[], Data]]) -> bool:
        before = self.unsaved
        saved = await file.async_write(snapshot)
        self._save_later()
        if self.unsaved is not before:
            self.on_change()
        return saved

    def _save_later(self) -> None:
        """Schedule another attempt to write what could not be written."""
        if not self.unsaved:
            self._save_again.cancel()
        else:
            self._save_again.set_once(SAVE_AGAIN_AFTER)

    async def _flush_failed(self) -> None:
        """Save what could not be saved; the ledger before the journal."""
        if self._ledger_file.failed or self._not_in_ledger:
            await self._save_ledger()
        if self._queue_file.failed:
            await self._save_queue()
        await self._save_journal()


def _ledger_from_dict(data: Mapping[str, Any], faults: Faults) -> tuple[Ledger, bool]:
    """Return the ledger, and whether only the journal has the labels that an undo keeps off."""
    return Ledger.from_dict(data, faults), bool(data.get(CAUSES_UNKNOWN))


type _JournalFile = tuple[Journal, Summary, Held | None, Knowledge]


def _journal_from_dict(data: Mapping[str, Any], faults: Faults) -> _JournalFile:
    def summary_of(value: Mapping[str, Any]) -> Summary:
        return Summary.from_dict(value, faults)

    journal = Journal.from_dict(data, faults)
    knowledge = _optional(
        "knowledge", lambda value: Knowledge.from_dict(value, faults), data, faults
    )
    knowledge = knowledge or Knowledge()
    summary = _optional("summary", summary_of, data, faults)
    earlier = _optional("last_sync", of_earlier_version, data, faults)
    if summary is None and earlier is not None:
        summary, knowledge.counted = earlier
    return journal, summary or Summary(), _optional("held", held_of, data, faults), knowledge


def _optional[T](
    name: str, read: Callable[[Any], T], data: Mapping[str, Any], faults: Faults
) -> T | None:
    value = data.get(name)
    return None if value is None else part(name, read, value, faults)


def _is_stored(queue: Queue, stored: Queue) -> bool:
    """Return whether a stored queue is the same but for how often its titles were looked up.

    While a server is away, entries expire later and later; the file follows in steps.
    """
    return len(queue) == len(stored) and all(
        (new.title, new.created, new.reason) == (old.title, old.created, old.reason)
        and abs(new.expires - old.expires) < EXPIRES_WITHIN
        for new, old in zip(queue, stored, strict=True)
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


def _queue_from_dict(data: Mapping[str, Any], faults: Faults) -> Queue:
    return tuple(rows("queue", _pending, listed(data["pending"]), faults))


def _pending(entry: Mapping[str, Any]) -> PendingSync:
    reason = text(entry["reason"])
    title = Title(MediaType(entry["type"]), text(entry["title"]), frozenset(texts(entry["ids"])))
    return PendingSync(
        title=title,
        created=number(entry["created"]),
        next_try=number(entry["next_try"]),
        expires=number(entry["expires"]),
        # A reason of a newer version is determined again.
        reason=Reason(reason) if reason in set(Reason) else Reason.ANNOUNCED,
        people=texts(entry["people"]),
        tries=whole(entry["tries"]),
    )
