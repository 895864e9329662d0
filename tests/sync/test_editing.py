"""How far the edits of a run have come is on disk before Plex is asked, in a few writes."""

import asyncio
from collections.abc import Mapping, Sequence

from hypothesis import given, strategies as st

from custom_components.plex_label_sync.sync.batching import EditGroup
from custom_components.plex_label_sync.sync.changes import Change, Row, RowKey
from custom_components.plex_label_sync.sync.editing import JOURNAL_WRITES, Pace
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.run import Run

from .builders import add

GROUP = EditGroup("1", ("11",), ("anna",), ())


class Counts:
    """A recorder of nothing but how far the edits have come."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.counts: list[int] = []

    def recently_removed(self) -> Mapping[RowKey, Change]:
        """Return nothing."""
        return {}

    def lost_since(self, _when: float) -> int:
        """Return nothing."""
        return 0

    async def begin(self, _run: Run, _changes: Sequence[Change], sent: int) -> None:
        """Record the first count."""
        self.counts.append(sent)

    async def sending(self, _run_id: str, count: int) -> None:
        """Record a count."""
        self.counts.append(count)

    async def finish(
        self,
        _run: Run,
        _rows: Mapping[RowKey, Row | None],
        _unsure: Mapping[Change, Row | None],
    ) -> None:
        """Record nothing."""


@given(st.lists(st.tuples(st.integers(1, 300), st.booleans()), min_size=1, max_size=60))
def test_changes_that_are_skipped_keep_the_place_of_those_that_are_sent(
    groups: list[tuple[int, bool]],
) -> None:
    recorder = Counts()
    pace = Pace(recorder, "run", [(GROUP, [add("anna", "11")] * one) for one, _ in groups])
    recorder.counts.append(pace.first)

    async def send() -> None:
        end = 0
        for one, is_sent in groups:
            end += one
            if is_sent:
                await pace.sending(one)
                assert recorder.counts[-1] >= end
            else:
                pace.skip(one)

    asyncio.run(send())
    assert len(recorder.counts) <= JOURNAL_WRITES


@given(st.lists(st.integers(1, 300), min_size=1, max_size=60))
def test_what_is_sent_was_written_down_before_in_a_few_writes(sizes: list[int]) -> None:
    total, recorder = sum(sizes), Counts()
    pace = Pace(recorder, "run", [(GROUP, [add("anna", "11")] * one) for one in sizes])
    recorder.counts.append(pace.first)

    async def send() -> None:
        sent = 0
        for one in sizes:
            await pace.sending(one)
            sent += one
            ahead = recorder.counts[-1] - sent
            assert 0 <= ahead <= total / JOURNAL_WRITES + 1

    asyncio.run(send())
    assert recorder.counts[-1] == total
    assert len(recorder.counts) <= JOURNAL_WRITES


def test_few_edits_are_each_written_down_before_they_are_sent() -> None:
    recorder = Counts()
    groups = [(GROUP, [add("anna", "11")])] * JOURNAL_WRITES
    pace = Pace(recorder, "run", groups)
    assert pace.first == 1

    async def send() -> None:
        for number in range(1, JOURNAL_WRITES + 1):
            await pace.sending(1)
            assert (recorder.counts or [pace.first])[-1] == number

    asyncio.run(send())
