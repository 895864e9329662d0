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
    from simulators.catalog import CatalogTitle
    from tests.e2e.e2e_env import E2eEnv

OPTIONS: Final = {"pending_retry_interval": 2}
OUTAGE: Final = 8.0  # seconds
# Ten minutes, as a server takes for an update, where there is the time for it (scripts/test --thorough).
LONG: Final = 600.0 if os.environ.get("LONG_OUTAGES") else OUTAGE
RECOVERY_TIMEOUT: Final = (
    60.0  # seconds in which all is caught up with: servers that are away are asked every 15
)


async def until_unavailable(control: Control) -> None:
    """Wait until a server refuses connections."""

    async def unavailable() -> bool:
        return not await control.answers()

    await eventually(unavailable, "the outage has begun", within=5, every=0.02)


async def test_import_during_an_outage_of_plex_is_labelled_when_plex_is_back(env: E2eEnv) -> None:
    title = env.missing()[0]
    started = env.home.process.child.pid
    await env.servers.pulsarr.post("import", title=title.key, announce_after=2, plex_after=1)
    await env.servers.plex.post("outage", seconds=OUTAGE)
    await until_unavailable(env.servers.plex)

    await env.entry.until_state("status", "waiting_for_plex", within=OUTAGE)

    async def waits() -> bool:
        pending = (await env.entry.call("get_pending"))["pending"]
        return [(one["title"], one["reason"]) for one in pending] == [
            (title.title, "plex_unreachable")
        ]

    await eventually(waits, "the title waits for Plex", within=OUTAGE)

    async def is_back() -> bool:
        return await env.servers.plex.answers()

    await eventually(is_back, "Plex is back", within=2 * OUTAGE)
    await env.until_labelled(title, *env.wanted_by(title), within=20)
    await env.entry.until_state("status", "idle", within=20)
    await env.entry.until_state("pending", "0", within=5)
    assert env.home.process.child.pid == started
    assert env.home.process.child.running


async def test_full_sync_during_an_outage_of_plex_says_so_and_changes_nothing(
    env: E2eEnv,
) -> None:
    before = await env.all_labels()
    await env.servers.plex.post("outage", seconds=4)
    await until_unavailable(env.servers.plex)

    with pytest.raises(AnswerError) as refusal:
        await env.entry.call("sync_all")
    assert refusal.value.status == "home_assistant_error"
    assert "Plex" in refusal.value.text
    assert refusal.value.key
    assert await env.entry.state("status") == "waiting_for_plex"

    await eventually(env.servers.plex.answers, "Plex is back", within=20)
    assert (await env.entry.call("sync_all"))["status"] == "done"
    assert await env.entry.state("status") == "idle"
    assert await env.all_labels() == before


async def test_watchlist_entry_after_an_outage_of_pulsarr_is_labelled(env: E2eEnv) -> None:
    title = env.spare()
    before = await env.all_labels()
    await env.servers.pulsarr.post("outage", seconds=OUTAGE)
    await until_unavailable(env.servers.pulsarr)

    with pytest.raises(AnswerError) as refusal:
        await env.entry.call("sync_all")
    assert "Pulsarr" in refusal.value.text
    await env.entry.until_state("status", "waiting_for_pulsarr", within=5)
    assert await env.all_labels() == before

    await eventually(env.servers.pulsarr.answers, "Pulsarr is back", within=2 * OUTAGE)
    await env.servers.pulsarr.post("wish", person="tim", title=title.key, force=True)
    await env.until_labelled(title, "tim", within=20)
    await env.entry.until_state("status", "idle", within=20)


def count_logged(env: E2eEnv, text: str) -> int:
    """How often the integration has logged something, debug messages left out."""
    return sum(
        text in line
        for level, logger, line in env.home.records()
        if logger.startswith("custom_components") and level != "DEBUG"
    )


async def burst(env: E2eEnv, number: int) -> list[CatalogTitle]:
    """Let some titles that Rosa wants be imported and announced within moments."""
    titles: list[CatalogTitle] = []
    for title in env.world.plex.missing():
        if len(titles) < number and not await env.items(title):
            titles.append(title)
            await env.servers.pulsarr.post("wish", person="rosa", title=title.key)
    assert len(titles) == number, "the world is too small"
    for after, title in enumerate(titles):
        await env.servers.pulsarr.post(
            "import", title=title.key, announce_after=1 + after / 4, plex_after=3 + after
        )
    return titles


async def until_all_labelled(env: E2eEnv, titles: list[CatalogTitle]) -> None:
    """Wait until everybody who wants the titles has a label on them."""
    for title in titles:
        await env.until_labelled(title, *env.wanted_by(title) | {"rosa"}, within=RECOVERY_TIMEOUT)


@pytest.mark.timeout(2 * LONG + 240)
async def test_long_outage_of_plex_in_a_burst_loses_nothing_and_is_reported_once(
    env: E2eEnv,
) -> None:
    unusable, back = count_logged(env, "cannot be used"), count_logged(env, "plex answers again")
    titles = await burst(env, 3)
    await env.servers.plex.post("outage", seconds=LONG)
    await until_unavailable(env.servers.plex)
    await env.entry.until_state("status", "waiting_for_plex", within=30)
    await env.entry.until_state("live_updates", "off", within=5)

    await eventually(env.servers.plex.answers, "Plex is back", within=2 * LONG)
    await until_all_labelled(env, titles)

    await env.entry.until_state("status", "idle", within=20)
    await env.entry.until_state("pending", "0", within=RECOVERY_TIMEOUT)
    await env.entry.until_state("live_updates", "on", within=RECOVERY_TIMEOUT)
    assert count_logged(env, "cannot be used") == unusable + 1
    assert count_logged(env, "plex answers again") == back + 1


@pytest.mark.timeout(2 * LONG + 240)
async def test_both_servers_away_and_home_assistant_restarted_meanwhile_lose_nothing(
    env: E2eEnv, session: aiohttp.ClientSession
) -> None:
    titles = await burst(env, 2)
    for server in (env.servers.plex, env.servers.pulsarr):
        await server.post("outage", seconds=LONG)
        await until_unavailable(server)
    client, process = env.home.client, env.home.process
    await client.close()
    await process.stop()

    await process.start(session)
    await process.until_running(session, client.token)
    for server in (env.servers.plex, env.servers.pulsarr):
        await eventually(server.answers, "it is back", within=2 * LONG)
    await integration.until_loaded(client, env.entry.entry_id, within=3 * RECOVERY_TIMEOUT)

    await until_all_labelled(env, titles)
    await env.entry.until_state("status", "idle", within=20)
    assert await env.violations() == []
    assert [await env.entry.state(f"{one}_connected") for one in ("plex", "pulsarr")] == ["on"] * 2


async def test_connection_for_events_that_drops_fifty_times_loses_nothing(env: E2eEnv) -> None:
    titles = await burst(env, 2)
    for _ in range(50):
        await env.servers.plex.post("drop_events")
        await asyncio.sleep(0.1)

    await until_all_labelled(env, titles)
    await env.entry.until_state("live_updates", "on", within=RECOVERY_TIMEOUT)
    assert await env.entry.state("plex_connected") == "on"
