"""Home Assistant is killed in the middle of a full sync; the next start finishes the work, and only that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness import integration
from harness.children import free_port
from harness.home_assistant import HomeAssistant
from harness.onboarding import onboard
from harness.waiting import eventually
from tests.e2e.house import OWNER, Home, House, start_servers

if TYPE_CHECKING:
    import aiohttp
    import pytest

EDIT_SECONDS: Final = 0.7  # that Plex takes for an edit, so that there is a middle to be killed in
FEW: Final = (
    5  # labels that have to be in Plex at least, and to be missing, for it to be the middle
)


async def test_killed_full_sync_is_completed_after_the_restart_and_the_queue_is_still_there(
    session: aiohttp.ClientSession, tmp_path_factory: pytest.TempPathFactory
) -> None:
    servers = await start_servers(session, tmp_path_factory.mktemp("servers"))
    process = HomeAssistant(tmp_path_factory.mktemp("home") / "config", free_port(), debug=True)
    process.prepare()
    try:
        await process.start(session)
        home = Home(process, await onboard(session, process, OWNER))
        await servers.plex.post(
            "faults", kind="slow_before_apply", method="PUT", times=None, seconds=EDIT_SECONDS
        )
        house = await House.begin(home, servers)
        foreign = await house.all_labels()
        wanted = sum(map(len, (await house.expected_labels()).values()))
        soon, late = house.missing()[:2]

        # Both are announced while the full sync writes. Plex gets one while nobody looks, the other later.
        await servers.pulsarr.post("announce", title=soon.key)
        await servers.pulsarr.post("announce", title=late.key)
        await eventually(lambda: _is_pending(house, {soon.title, late.title}), "both wait")
        begun = sum(map(len, foreign.values()))
        await eventually(
            lambda: _more_labels(house, begun + FEW), "some labels are there", every=0.02
        )
        await home.client.close()
        await process.kill()

        assert not process.child.running
        written = await _number_of_labels(house)
        assert begun + FEW <= written <= wanted - FEW, "killed too late to prove anything"
        await servers.plex.post("faults/clear")
        await servers.plex.post("import", title=soon.key)

        await process.start(session)
        await process.until_running(session, home.client.token)
        await integration.until_loaded(home.client, house.entry.entry_id)

        await house.until_labelled(soon, *house.wanted_by(soon), within=30)
        await eventually(lambda: _is_pending(house, {late.title}), "the other one waits on")
        await house.entry.until_synced()
        assert await house.all_labels() == await house.expected_labels()
        await servers.plex.post("import", title=late.key)
        await eventually(lambda: _is_there(house, late.key), "Plex has the other one, too")
        answer = await house.entry.call("process_pending")
        assert (answer["labelled"], answer["waiting"]) == (1, 0)
        assert all(one == sorted(house.wanted_by(late)) for one in await house.labels(late))
        assert await _is_pending(house, set())

        labels = await house.all_labels()
        assert labels == await house.expected_labels()
        assert all(set(kept) <= set(labels[key]) for key, kept in foreign.items())
        assert all(len(found) == len(set(found)) for found in labels.values())
        assert (await house.entry.call("sync_all"))["changes"] == []
        assert await house.violations() == []
        assert house.complaints() == []
        await home.client.close()
    finally:
        await process.stop()
        await servers.stop()


async def _is_pending(house: House, titles: set[str]) -> bool:
    """Whether exactly these titles wait."""
    rows = (await house.entry.call("get_pending"))["pending"]
    return {row["title"] for row in rows} == titles


async def _is_there(house: House, key: str) -> bool:
    """Whether Plex has a title and knows what it is."""
    items = (await house.servers.plex.get("labels", title=key))["items"]
    return bool(items) and not items[0]["guid"].startswith("local://")


async def _number_of_labels(house: House) -> int:
    """How many labels Plex holds, everybody's, counted once for each item."""
    numbers: dict[str, int] = (await house.servers.plex.get("state"))["labels"]
    return sum(numbers.values())


async def _more_labels(house: House, number: int) -> bool:
    return await _number_of_labels(house) >= number
