"""A run during which the process ended is taken over at the next start, whatever was on disk by then."""

from __future__ import annotations

from dataclasses import replace
import threading
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from homeassistant.helpers.storage import Store
from homeassistant.util.file import WriteError
import pytest

from custom_components.plex_label_sync.storage.records import INTERRUPTED, Records
from custom_components.plex_label_sync.sync.changes import Action, Change, Row
from custom_components.plex_label_sync.sync.journal import Journal
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.reasons import Reason, ReasonCode
from custom_components.plex_label_sync.sync.run import Run, RunKind, RunStatus

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

ENTRY: Final = "one"
ADDED: Final = Change(Action.ADD, "Rosa", "1", "101", "Heat", Reason(ReasonCode.WANTED))
REMOVED: Final = Change(Action.REMOVE, "Tim", "1", "102", "Up", Reason(ReasonCode.NOT_WANTED))
RUN: Final = Run(
    id="r1",
    kind=RunKind.FULL,
    dry_run=False,
    status=RunStatus.DONE,
    started=100.0,
    duration=1.0,
    changes=(ADDED, REMOVED),
)
OF_TIM: Final = Row("Tim", "1", "102", 50)
OF_ROSA: Final = Row("Rosa", "1", "101", 100, people=(pulsarr_id(1),))
ROWS: Final[dict[tuple[str, str], Row | None]] = {OF_ROSA.key: OF_ROSA, OF_TIM.key: None}


@pytest.fixture(autouse=True)
def storage(hass_storage: dict[str, Any]) -> dict[str, Any]:
    """Files that are kept in memory."""
    return hass_storage


async def begun(hass: HomeAssistant, kind: RunKind = RunKind.FULL, sent: int = 2) -> Records:
    """Return the records of a run that has begun, over a ledger that holds Tim's label.

    Of its changes the first `sent` are on their way to Plex.
    """
    records = await loaded(hass)
    records.ledger.apply({OF_TIM.key: OF_TIM})
    await records.async_flush()
    await records.begin(replace(RUN, kind=kind), RUN.changes, min(sent, 1))
    await records.sending(RUN.id, sent)
    return records


async def loaded(hass: HomeAssistant) -> Records:
    """Return what is on disk, as the next start sees it."""
    records = Records(hass, ENTRY)
    await records.async_load()
    return records


async def test_what_a_run_was_about_to_change_is_own_but_not_sure_after_a_crash(
    hass: HomeAssistant,
) -> None:
    await begun(hass)
    records = await loaded(hass)
    assert [(one.run_id, one.status, one.changes) for one in records.journal.entries] == [
        (RUN.id, INTERRUPTED, RUN.changes)
    ]
    doubtful = {row.key: row.confirmed for row in records.ledger}
    assert doubtful == {ADDED.key: False, REMOVED.key: False}
    again = await loaded(hass)  # that it was taken over is on disk, too
    assert again.journal.as_dict() == records.journal.as_dict()
    assert again.ledger.as_dict() == records.ledger.as_dict()


async def test_what_was_planned_and_not_sent_is_nobodys_after_a_crash(
    hass: HomeAssistant,
) -> None:
    await begun(hass, sent=0)
    records = await loaded(hass)
    assert list(records.ledger) == [OF_TIM]
    assert not records.journal.entries


async def test_only_what_may_have_been_sent_is_taken_over(hass: HomeAssistant) -> None:
    await begun(hass, sent=1)
    records = await loaded(hass)
    assert {row.key: row.confirmed for row in records.ledger} == {
        ADDED.key: False,
        OF_TIM.key: True,
    }
    assert [one.changes for one in records.journal.entries] == [(ADDED,)]


async def test_what_an_undo_was_about_to_remove_still_looks_like_a_decision_after_a_crash(
    hass: HomeAssistant,
) -> None:
    await begun(hass, RunKind.UNDO)
    records = await loaded(hass)
    assert records.ledger.get(REMOVED.key) == replace(OF_TIM, removed_by_undo=True)


async def test_run_whose_ledger_cannot_be_saved_is_taken_over_after_a_crash(
    hass: HomeAssistant,
) -> None:
    records = await begun(hass)
    write = "homeassistant.helpers.storage.Store._async_write_data"
    with patch(write, side_effect=WriteError("full")):
        await records.finish(RUN, ROWS, {})
    assert records.unsaved
    again = await loaded(hass)
    assert [one.status for one in again.journal.entries] == [INTERRUPTED]
    assert {row.key: row.confirmed for row in again.ledger} == {
        ADDED.key: False,
        REMOVED.key: False,
    }
    await records.async_close()


@pytest.mark.parametrize("failing", ["ledger", "journal"])
async def test_ledger_is_on_disk_before_the_journal_calls_the_run_finished(
    hass: HomeAssistant, storage: dict[str, Any], failing: str
) -> None:
    records = await begun(hass)
    written: list[str] = []
    real = Store._async_write_data

    async def write(store: Store[Any], *args: Any) -> None:
        name = store.key.rpartition(".")[2]
        written.append(name)
        if name == failing:
            raise WriteError("full")
        await real(store, *args)

    with patch.object(Store, "_async_write_data", write):
        await records.finish(RUN, ROWS, {})
    assert written == ["ledger", "journal"]
    again = await loaded(hass)
    assert [one.status for one in again.journal.entries] == [INTERRUPTED]
    assert again.ledger.get(ADDED.key) is not None
    await records.async_close()


@pytest.mark.parametrize("kept", [Ledger, Journal])
async def test_records_are_prepared_and_understood_off_the_event_loop(
    hass: HomeAssistant, kept: type[Ledger | Journal]
) -> None:
    here = threading.get_ident()
    threads: list[int] = []
    as_dict, from_dict = kept.as_dict, kept.from_dict

    def prepare(self: Any) -> dict[str, Any]:
        threads.append(threading.get_ident())
        return as_dict(self)

    def understand(data: dict[str, Any], *more: Any) -> Any:
        threads.append(threading.get_ident())
        return from_dict(data, *more)

    with patch.object(kept, "as_dict", prepare), patch.object(kept, "from_dict", understand):
        await begun(hass)
        await loaded(hass)
    assert len(threads) > 1
    assert here not in threads


async def test_run_that_ended_leaves_nothing_to_take_over(hass: HomeAssistant) -> None:
    records = await begun(hass)
    await records.finish(RUN, ROWS, {})
    again = await loaded(hass)
    assert [one.status for one in again.journal.entries] == [RunStatus.DONE]
    assert list(again.ledger) == [OF_ROSA]


async def test_what_was_sent_and_not_seen_is_undone_with_the_run(hass: HomeAssistant) -> None:
    records = await begun(hass)
    await records.finish(replace(RUN, changes=(ADDED,)), {OF_ROSA.key: OF_ROSA}, {REMOVED: None})
    again = await loaded(hass)
    assert {row.key: row.confirmed for row in again.ledger} == {
        ADDED.key: True,
        REMOVED.key: False,
    }
    assert [one.changes for one in again.journal.entries] == [RUN.changes]
