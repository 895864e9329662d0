"""Edits Plex and reads back what came of it: written means read back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
import logging
from typing import Final

from .batching import EditGroup, edit_groups
from .current_labels import CurrentLabels
from .jobs import task_group
from .model import Change, FailedChange, Failure, ServiceError, fold
from .ports import PlexPort, Recorder
from .progress import Phase, Progress
from .readers import LabelReader
from .request import PreparedPlan

_LOGGER = logging.getLogger(__name__)

# A read right after an edit may still show the old labels: read again after these seconds.
SETTLE: Final = (0.5, 1.5)

JOURNAL_WRITES: Final = 50  # of one run, at most, about how far its edits have come

STOPPED: Final = "stopped"  # why a change was not made: the run was asked to end
NOT_CONFIRMED: Final = "not_confirmed"


@dataclass(slots=True)
class EditResult:
    """What became of a plan."""

    confirmed: list[Change] = field(default_factory=list)
    sent: list[Change] = field(default_factory=list)  # and not refused: they may be in Plex
    denied: set[Change] = field(default_factory=set)  # by an edit that Plex said it did not do
    absent: set[Change] = field(default_factory=set)  # denied, and not there when read back
    failed: list[FailedChange] = field(default_factory=list)
    error: ServiceError | None = None
    stopped: bool = False


class _Pace:
    """Has the journal say how far the edits of a run may have come, ahead of them.

    Of a run with few changes it is written before each edit, of a large one now and then.
    """

    def __init__(self, recorder: Recorder, run_id: str, total: int) -> None:
        self._recorder = recorder
        self._run_id = run_id
        self._total = total
        self._sent = 0
        self._written = 0

    async def sending(self, count: int) -> None:
        """Take in that so many changes more are sent now. Raises ServiceError."""
        self._sent += count
        if self._sent > self._written:
            ahead = max(self._sent, self._written + self._total // JOURNAL_WRITES)
            self._written = min(ahead, self._total)
            await self._recorder.sending(self._run_id, self._written)


class Editor:
    """Sends the edits of one run after the other."""

    def __init__(
        self, plex: PlexPort, recorder: Recorder, sleep: Callable[[float], Awaitable[object]]
    ) -> None:
        """`sleep` waits some seconds."""
        self._plex = plex
        self._recorder = recorder
        self._sleep = sleep
        self._stopping = False

    def stop(self) -> None:
        """Let what is on end after its present edit; nothing more is sent."""
        self._stopping = True

    async def carry_out(
        self,
        run_id: str,
        groups: Sequence[tuple[EditGroup, list[Change]]],
        prepared: PreparedPlan,
        progress: Progress,
    ) -> EditResult:
        """Send the edits, one after the other, until all are sent or Plex is gone.

        What was sent to one library is read back while the next one is edited.
        """
        result, done, read_back = EditResult(), 0, 0
        pace = _Pace(self._recorder, run_id, sum(len(changes) for _, changes in groups))

        async def confirm(sent: Sequence[Change]) -> None:
            nonlocal read_back
            await self._confirm(prepared, sent, result)
            read_back += len(sent)
            if done == len(groups):  # before, the edits tell how far the run has come
                progress.reached(Phase.CONFIRMING, read_back, len(result.sent))

        async with task_group() as confirming:
            for _, some in groupby(groups, lambda one: one[0].library):
                before = len(result.sent)
                for group, changes in some:
                    progress.reached(Phase.EDITS, done, len(groups))
                    done += 1
                    await self._edit(group, changes, prepared, result, pace)
                confirming.create_task(confirm(result.sent[before:]))
            progress.reached(Phase.EDITS)
        return result

    async def _edit(
        self,
        group: EditGroup,
        changes: Sequence[Change],
        prepared: PreparedPlan,
        result: EditResult,
        pace: _Pace,
    ) -> None:
        """Send one edit, unless the run is to end."""
        result.stopped = result.stopped or self._stopping
        if result.error is None and not result.stopped:
            try:
                await pace.sending(len(changes))
            except ServiceError as err:
                result.error = err
        if result.error is not None or result.stopped:
            why = result.error.failure if result.error is not None else STOPPED
            result.failed += [FailedChange(one, why) for one in changes]
            return
        refused: Mapping[str, ServiceError] = {}
        try:
            refused = await self._plex.edit(
                prepared.libraries[group.library], group.rating_keys, group.add, group.remove
            )
        except ServiceError as err:
            _LOGGER.debug("Edits stopped: %s", err)
            result.error = err
            if err.failure is not Failure.TIMEOUT:  # Plex may do it yet
                result.denied.update(changes)
        # What failed half-way may be in Plex all the same: it is read back like the rest.
        result.sent += [one for one in changes if one.rating_key not in refused]
        result.failed += [
            FailedChange(one, refused[one.rating_key].failure)
            for one in changes
            if one.rating_key in refused
        ]

    async def _confirm(
        self, prepared: PreparedPlan, sent: Sequence[Change], result: EditResult
    ) -> None:
        """Sort what was sent into confirmed and failed by reading it back."""
        waiting = list(sent)
        reader, now = prepared.labels, CurrentLabels()
        for wait in (0.0, *SETTLE):
            if not waiting:
                return
            if wait:
                await self._sleep(wait)
            reader = reader.again()
            try:
                now = await _read_back(reader, waiting)
            except ServiceError as err:
                result.error = result.error or err
                result.failed += [FailedChange(one, err.failure) for one in waiting]
                return
            shown, waiting = await asyncio.to_thread(_sorted_out, waiting, now)
            result.confirmed += shown
        for gap in reader.gaps if waiting else ():
            prepared.gaps.add(gap)
        result.absent.update(
            one
            for one in result.denied.intersection(waiting)
            if now.knows(one.library, one.rating_key, one.label)
        )
        result.failed += [FailedChange(one, NOT_CONFIRMED) for one in waiting]


async def _read_back(reader: LabelReader, changes: Sequence[Change]) -> CurrentLabels:
    return await reader.read(await asyncio.to_thread(_pairs, changes))


def _pairs(changes: Iterable[Change]) -> frozenset[tuple[str, str]]:
    """Return the labels that are changed, as pairs of library key and folded label."""
    pairs = {(one.library, one.label) for one in changes}
    return frozenset((library, fold(label)) for library, label in pairs)


def _sorted_out(changes: Iterable[Change], now: CurrentLabels) -> tuple[list[Change], list[Change]]:
    """Return the changes that are in Plex and those that are not."""
    found: tuple[list[Change], list[Change]] = ([], [])
    for one in changes:
        is_known = now.knows(one.library, one.rating_key, one.label)
        found[not (is_known and now.shows(one))].append(one)
    return found


def edits_of(changes: Sequence[Change]) -> list[tuple[EditGroup, list[Change]]]:
    """Return the edits to send, library by library, each with the changes that it makes."""
    by_item: dict[str, list[Change]] = {}
    for change in changes:
        by_item.setdefault(change.rating_key, []).append(change)
    return [
        (group, [one for key in group.rating_keys for one in by_item[key] if group.makes(one)])
        for group in sorted(edit_groups(changes), key=lambda one: one.library)
    ]
