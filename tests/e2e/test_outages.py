"""A server goes away and comes back: everything is caught up with, and nobody has to restart anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from harness.client import AnswerError
from harness.waiting import eventually

if TYPE_CHECKING:
    from harness.simulators import Control
    from tests.e2e.house import House

OPTIONS: Final = {"pending_retry_interval": 2}
OUTAGE: Final = 8.0  # seconds


async def until_away(control: Control) -> None:
    """Wait until a server refuses connections."""

    async def away() -> bool:
        return not await control.answers()

    await eventually(away, "the outage has begun", within=5, every=0.02)


async def test_import_during_an_outage_of_plex_is_labelled_when_plex_is_back(house: House) -> None:
    title = house.missing()[0]
    started = house.home.process.child.pid
    await house.servers.pulsarr.post("import", title=title.key, announce_after=2, plex_after=1)
    await house.servers.plex.post("outage", seconds=OUTAGE)
    await until_away(house.servers.plex)

    await house.entry.until_state("status", "waiting_for_plex", within=OUTAGE)
    (row,) = (await house.entry.call("get_pending"))["pending"]
    assert (row["title"], row["reason"]) == (title.title, "plex_unreachable")

    async def is_back() -> bool:
        return await house.servers.plex.answers()

    await eventually(is_back, "Plex is back", within=2 * OUTAGE)
    await house.until_labelled(title, *house.wanted_by(title), within=20)
    await house.entry.until_state("status", "idle", within=20)
    await house.entry.until_state("pending", "0", within=5)
    assert house.home.process.child.pid == started
    assert house.home.process.child.running


async def test_full_sync_during_an_outage_of_plex_says_so_and_changes_nothing(
    house: House,
) -> None:
    before = await house.all_labels()
    await house.servers.plex.post("outage", seconds=4)
    await until_away(house.servers.plex)

    with pytest.raises(AnswerError) as refusal:
        await house.entry.call("sync_all")
    assert refusal.value.status == "home_assistant_error"
    assert "Plex" in refusal.value.text
    assert refusal.value.key
    assert await house.entry.state("status") == "waiting_for_plex"

    await eventually(house.servers.plex.answers, "Plex is back", within=20)
    assert (await house.entry.call("sync_all"))["status"] == "done"
    assert await house.entry.state("status") == "idle"
    assert await house.all_labels() == before


async def test_wish_after_an_outage_of_pulsarr_is_labelled(house: House) -> None:
    title = house.spare()
    before = await house.all_labels()
    await house.servers.pulsarr.post("outage", seconds=OUTAGE)
    await until_away(house.servers.pulsarr)

    with pytest.raises(AnswerError) as refusal:
        await house.entry.call("sync_all")
    assert "Pulsarr" in refusal.value.text
    await house.entry.until_state("status", "waiting_for_pulsarr", within=5)
    assert await house.all_labels() == before

    await eventually(house.servers.pulsarr.answers, "Pulsarr is back", within=2 * OUTAGE)
    await house.servers.pulsarr.post("wish", person="tim", title=title.key)
    await house.until_labelled(title, "tim", within=20)
    await house.entry.until_state("status", "idle", within=20)
