"""A server goes away and comes back: everything is caught up with, and nobody has to restart anything."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

import pytest

from harness import integration
from harness.client import AnswerError
from harness.waiting import eventually

if TYPE_CHECKING:
    import aiohttp

    from harness.simulators import Control
    from simulators.catalogue import CatalogueTitle
    from tests.e2e.house import House

OPTIONS: Final = {"pending_retry_interval": 2}
OUTAGE: Final = 8.0  # seconds
# Ten minutes, as a server takes for an update, where there is the time for it (scripts/test --thorough).
LONG: Final = 600.0 if os.environ.get("LONG_OUTAGES") else OUTAGE
PATIENCE: Final = (
    60.0  # seconds in which all is caught up with: servers that are away are asked every 15
)


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

    async def waits() -> bool:
        pending = (await house.entry.call("get_pending"))["pending"]
        return [(one["title"], one["reason"]) for one in pending] == [
            (title.title, "plex_unreachable")
        ]

    await eventually(waits, "the title waits for Plex", within=OUTAGE)

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
    await house.servers.pulsarr.post("wish", person="tim", title=title.key, force=True)
    await house.until_labelled(title, "tim", within=20)
    await house.entry.until_state("status", "idle", within=20)


def said(house: House, text: str) -> int:
    """How often the integration has logged something, debug messages left out."""
    return sum(
        text in line
        for level, logger, line in house.home.records()
        if logger.startswith("custom_components") and level != "DEBUG"
    )


async def burst(house: House, number: int) -> list[CatalogueTitle]:
    """Let some titles that Rosa wants be imported and announced within moments."""
    titles: list[CatalogueTitle] = []
    for title in house.world.plex.missing():
        if len(titles) < number and not await house.items(title):
            titles.append(title)
            await house.servers.pulsarr.post("wish", person="rosa", title=title.key)
    assert len(titles) == number, "the world is too small"
    for after, title in enumerate(titles):
        await house.servers.pulsarr.post(
            "import", title=title.key, announce_after=1 + after / 4, plex_after=3 + after
        )
    return titles


async def until_all_labelled(house: House, titles: list[CatalogueTitle]) -> None:
    """Wait until everybody who wants the titles has a label on them."""
    for title in titles:
        await house.until_labelled(title, *house.wanted_by(title) | {"rosa"}, within=PATIENCE)


@pytest.mark.timeout(2 * LONG + 240)
async def test_long_outage_of_plex_in_a_burst_loses_nothing_and_is_said_once(house: House) -> None:
    gone, back = said(house, "cannot be used"), said(house, "plex answers again")
    titles = await burst(house, 3)
    await house.servers.plex.post("outage", seconds=LONG)
    await until_away(house.servers.plex)
    await house.entry.until_state("status", "waiting_for_plex", within=30)
    await house.entry.until_state("live_updates", "off", within=5)

    await eventually(house.servers.plex.answers, "Plex is back", within=2 * LONG)
    await until_all_labelled(house, titles)

    await house.entry.until_state("status", "idle", within=20)
    await house.entry.until_state("pending", "0", within=PATIENCE)
    await house.entry.until_state("live_updates", "on", within=PATIENCE)
    assert said(house, "cannot be used") == gone + 1
    assert said(house, "plex answers again") == back + 1


@pytest.mark.timeout(2 * LONG + 240)
async def test_both_servers_away_and_home_assistant_restarted_meanwhile_lose_nothing(
    house: House, session: aiohttp.ClientSession
) -> None:
    titles = await burst(house, 2)
    for server in (house.servers.plex, house.servers.pulsarr):
        await server.post("outage", seconds=LONG)
        await until_away(server)
    client, process = house.home.client, house.home.process
    await client.close()
    await process.stop()

    await process.start(session)
    await process.until_running(session, client.token)
    for server in (house.servers.plex, house.servers.pulsarr):
        await eventually(server.answers, "it is back", within=2 * LONG)
    await integration.until_loaded(client, house.entry.entry_id, within=3 * PATIENCE)

    await until_all_labelled(house, titles)
    await house.entry.until_state("status", "idle", within=20)


async def test_connection_for_events_that_drops_fifty_times_loses_nothing(house: House) -> None:
    titles = await burst(house, 2)
    for _ in range(50):
        await house.servers.plex.post("drop_events")
        await asyncio.sleep(0.1)

    await until_all_labelled(house, titles)
    await house.entry.until_state("live_updates", "on", within=PATIENCE)
    assert await house.entry.state("plex_connected") == "on"
