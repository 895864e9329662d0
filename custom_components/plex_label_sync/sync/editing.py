"""Edits labels in Plex and reads them back: a change counts as written once it was read back."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
import logging
from typing import Final

from .batching import EditGroup, edit_groups
from .changes import Action, Change, FailedChange
from .current_labels import CurrentLabels
from .failures import FAILURES
from .jobs import task_group
from .label_reader import LabelReader
from .model import Failure, Gap, GapKind, ServiceError, fold
from .ports import PlexPort, Recorder
from .progress import Phase, Progress
from .request import PreparedPlan
from .threads import in_thread

_LOGGER = logging.getLogger(__name__)

# A read right after an edit may still show the old labels: it is repeated after these seconds.
SETTLE: Final = (0.5, 1.5)

JOURNAL_WRITES: Final = 5  # of a plan and of how far its edits have come: each writes everything

FEW: Final = 2  # items that one edit may fail on; with more, its labels are to blame
_GATEWAY_TIMEOUT: Final = 504
_PROXY_GAVE_UP: Final = frozenset({502, _GATEWAY_TIMEOUT})

STOPPED: Final = "stopped"  # why a change was not made: the run was requested to end
NOT_CONFIRMED: Final = "not_confirmed"

# The edits of a run in order, each with the changes that it makes.
type EditGroups = Sequence[tuple[EditGroup, list[Change]]]


@dataclass(slots=True)
class EditResult:
    """The result of carrying out a plan."""

    confirmed: list[Change] = field(default_factory=list)
    sent: list[Change] = field(default_factory=list)  # and not rejected: they may be in Plex
    denied: set[Change] = field(default_factory=set)  # by an edit that Plex reported as failed
    absent: set[Change] = field(default_factory=set)  # denied, and not there when read back
    failed: list[FailedChange] = field(default_factory=list)
    refused: dict[Change, Failure] = field(default_factory=dict)  # where Plex itself failed
    closed: dict[str, ServiceError] = field(default_factory=dict)  # libraries that reject edits
    error: ServiceError | None = None
    stopped: bool = False

    def why_not(self, library: str) -> str | None:
        """Return why no more edits are sent to a library, None while they are."""
        if (err := self.error or self.closed.get(library)) is not None:
            return err.failure
        return STOPPED if self.stopped else None


class Pace:
    """Writes to the journal how far the edits of a run may have come, ahead of them.

    In a run with few edits this happens before each of them, in a large one a few times. The plan
    itself is written with the first of these counts, `first`.
    """

    def __init__(self, recorder: Recorder, run_id: str, groups: EditGroups) -> None:
        """Initialize; nothing is written yet."""
        self._recorder = recorder
        self._run_id = run_id
        self._total = sum(len(changes) for _, changes in groups)
        self._sent = 0
        self._written = self.first = self._ahead(len(groups[0][1]))

    def _ahead(self, sent: int, written: int = 0) -> int:
        """Return how many changes to write down as sent, once `sent` of them are."""
        return min(max(sent, written + -(-self._total // JOURNAL_WRITES)), self._total)

    async def sending(self, count: int) -> None:
        """Record that `count` more changes are about to be sent. Raises ServiceError."""
        self._sent += count
        if self._sent > self._written:
            self._written = self._ahead(self._sent, self._written)
            await self._recorder.sending(self._run_id, self._written)

    def skip(self, count: int) -> None:
        """Pass over `count` changes that are not sent, so that later ones keep their place."""
        self._sent += count


class Editor:
    """Sends the edits of one run at a time."""

    def __init__(
        self,
        plex: PlexPort,
        sleep: Callable[[float], Awaitable[object]],
        settle: tuple[float, ...],
    ) -> None:
        """Initialize with `sleep`, which waits some seconds.

        A read that does not show an edit yet is repeated after each of the seconds in `settle`.
        """
        self._plex = plex
        self._sleep = sleep
        self._settle = settle
        self._stopping = False
        self._items_show_labels = True

    def stop(self) -> None:
        """Let the active run end after its current edit; nothing more is sent."""
        self._stopping = True

    async def carry_out(
        self,
        pace: Pace,
        groups: EditGroups,
        prepared: PreparedPlan,
        progress: Progress,
    ) -> EditResult:
        """Send the edits one after the other, until all are sent or Plex is unavailable.

        Changes in one library are read back while the next library is edited.
        """
        result, done, read_back = EditResult(), 0, 0

        async def confirm(sent: Sequence[Change]) -> None:
            nonlocal read_back
            await self._confirm(prepared, sent, result)
            read_back += len(sent)
            if done == len(groups):  # until then the edits report the progress of the run
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
        _note_refusals(result, groups, prepared)
        return result

    async def _edit(
        self,
        group: EditGroup,
        changes: Sequence[Change],
        prepared: PreparedPlan,
        result: EditResult,
        pace: Pace,
    ) -> None:
        """Send one edit, unless the run is to end."""
        result.stopped = result.stopped or self._stopping
        if result.why_not(group.library) is None:
            try:
                await pace.sending(len(changes))
            except ServiceError as err:
                result.error = err
        else:
            pace.skip(len(changes))
        if (why := result.why_not(group.library)) is not None:
            result.failed += [FailedChange(one, why) for one in changes]
            return
        refused: Mapping[str, ServiceError] = {}
        library = prepared.libraries[group.library]
        try:
            refused = await self._plex.edit(library, group.rating_keys, group.add, group.remove)
        except ServiceError as err:
            _LOGGER.debug("Edits stopped: %s", err)
            known = FAILURES[err.failure]
            if known.ends_run or known.reauth or result.closed:
                result.error = err  # two libraries that reject everything: the server is the cause
            else:
                result.closed[library.key] = err
                prepared.gaps.add_failure(err, GapKind.LIBRARY, library.key, library.name)
            if not _may_come(err):
                result.denied.update(changes)
        if not refused:
            result.sent += changes
            return
        for one in changes:
            self._record_refusal(one, refused.get(one.rating_key), result)

    @staticmethod
    def _record_refusal(change: Change, err: ServiceError | None, result: EditResult) -> None:
        """Sort a change by Plex's answer for its item; one that failed half-way may be in Plex."""
        if err is None or FAILURES[err.failure].unanswered or err.status in _PROXY_GAVE_UP:
            result.sent.append(change)
            if err is not None:
                result.refused[change] = err.failure
                if not _may_come(err):
                    result.denied.add(change)
            return
        result.failed.append(FailedChange(change, err.failure))
        if err.failure is not Failure.REJECTED:
            result.refused[change] = err.failure

    async def _read_back(
        self, reader: LabelReader, changes: Sequence[Change], *, by_items: bool
    ) -> CurrentLabels:
        """Read the labels of changed items, from the labels' carriers or from the items.

        Additions may be confirmed from the items where that takes fewer requests: a label that the
        item itself lists is there.
        """
        # There may be tens of thousands of changes, here and below.
        pairs = await in_thread(_pairs, changes)
        keys, only_adds = await in_thread(_keys, changes)
        by_items = by_items and only_adds
        at_once = -(-len(keys) // self._plex.items_per_request)
        if (
            by_items
            and self._items_show_labels
            and at_once < len(pairs) + len({one for one, _ in pairs})
        ):
            shown = [one for one in await self._plex.labelled(keys, _leave_out) if one.labels]
            if shown:
                present = CurrentLabels(unread={library for library, _ in pairs})
                await in_thread(present.correct_all, shown)
                return present
            self._items_show_labels = False  # each of them should carry one
        return await reader.read(pairs)

    async def _confirm(
        self, prepared: PreparedPlan, sent: Sequence[Change], result: EditResult
    ) -> None:
        """Sort the sent changes into confirmed and failed by reading them back."""
        waiting = list(sent)
        reader, now = prepared.labels, CurrentLabels()
        for wait in (0.0, *self._settle):
            if not waiting:
                return
            if wait:
                await self._sleep(wait)
            reader = reader.again()
            try:
                now = await self._read_back(reader, waiting, by_items=wait != self._settle[-1])
            except ServiceError as err:
                result.error = result.error or err
                result.failed += [FailedChange(one, err.failure) for one in waiting]
                return
            shown, waiting = await in_thread(_split_confirmed, waiting, now)
            result.confirmed += shown
        for gap in reader.gaps if waiting else ():
            prepared.gaps.add(gap)
        result.absent.update(
            one
            for one in result.denied.intersection(waiting)
            if now.knows(one.library, one.rating_key, one.label)
        )
        result.failed += [
            FailedChange(one, result.refused.get(one, NOT_CONFIRMED)) for one in waiting
        ]


def _leave_out(_gap: Gap) -> None:
    """Ignore a gap: an unreadable item counts as one that lists no labels."""


def _may_come(err: ServiceError) -> bool:
    """Return whether an unanswered request may still take effect in Plex."""
    return err.failure is Failure.TIMEOUT or err.status == _GATEWAY_TIMEOUT


def _note_refusals(result: EditResult, groups: EditGroups, prepared: PreparedPlan) -> None:
    """Note the items that Plex did not edit, or the labels when it was so with several alike."""
    not_done = {one.change: one.failure for one in result.failed}
    refused = {one: why for one, why in result.refused.items() if one in not_done}
    # Plex reported success, and does not show it however often it is read. Where a library or the
    # server rejects everything, that is the reason.
    refused |= {
        one: Failure.IMPLAUSIBLE
        for one, why in not_done.items()
        if why == NOT_CONFIRMED and result.why_not(one.library) is None
    }
    for group, changes in groups if refused else ():
        some = [one for one in changes if one in refused]
        if len({one.rating_key for one in some}) > FEW:
            for label in sorted({one.label for one in some}):
                key = f"{group.library}/{label}"
                prepared.gaps.add(Gap(GapKind.LABEL, key, label, refused[some[0]]))
            continue
        for one in some:
            name = one.title or one.rating_key
            prepared.gaps.add(Gap(GapKind.ITEM, one.rating_key, name, refused[one]))


def _pairs(changes: Iterable[Change]) -> frozenset[tuple[str, str]]:
    """Return the changed labels as pairs of library key and folded label."""
    pairs = {(one.library, one.label) for one in changes}
    return frozenset((library, fold(label)) for library, label in pairs)


def _keys(changes: Iterable[Change]) -> tuple[list[str], bool]:
    """Return the rating keys of changed items in order, and whether all changes are additions."""
    keys = sorted({one.rating_key for one in changes}, key=int)
    return keys, all(one.action is Action.ADD for one in changes)


def _split_confirmed(
    changes: Iterable[Change], now: CurrentLabels
) -> tuple[list[Change], list[Change]]:
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
