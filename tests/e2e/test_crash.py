"""Home Assistant is killed in the middle of its work; the next start finishes the work, and only that."""

from __future__ import annotations

from functools import partial
import json
import os
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from harness import integration
from harness.children import free_port
from harness.home_assistant import HomeAssistant
from harness.onboarding import onboard
from harness.waiting import eventually
from tests.e2e.crash_points import POINTS, Point, kill_at
from tests.e2e.e2e_env import OWNER, E2eEnv, Home, start_servers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import aiohttp

ALL: Final = os.environ.get("CRASH_POINTS") == "all"

EDIT_SECONDS: Final = 0.7  # that Plex takes for an edit, so that there is a middle to be killed in
FEW: Final = (
    5  # labels that have to be in Plex at least, and to be missing, for it to be the middle
)


async def test_killed_full_sync_is_completed_after_the_restart_and_the_queue_is_still_there(
    session: aiohttp.ClientSession, tmp_path_factory: pytest.TempPathFactory
) -> None:
    servers = await start_servers(session, tmp_path_factory.mktemp("servers"))
    process = HomeAssistant(
        tmp_path_factory.mktemp("home") / "config",
        free_port(),
        debug=True,
        plex_tv_url=servers.plex_tv.url,
    )
    process.prepare()
    try:
        await process.start(session)
        home = Home(process, await onboard(session, process, OWNER))
        await servers.plex.post(
            "faults", kind="slow_before_apply", method="PUT", times=None, seconds=EDIT_SECONDS
        )
        env = await E2eEnv.begin(home, servers)
        foreign = await env.all_labels()
        wanted = sum(map(len, (await env.expected_labels()).values()))
        soon, late = env.missing()[:2]

        # Both are announced while the full sync writes. Plex gets one while nobody looks, the other later.
        await servers.pulsarr.post("announce", title=soon.key)
        await servers.pulsarr.post("announce", title=late.key)
        await eventually(lambda: _is_pending(env, {soon.title, late.title}), "both wait")
        await eventually(lambda: _is_on_disk(env, soon.title, late.title), "both are on disk")
        begun = sum(map(len, foreign.values()))
        await eventually(
            lambda: _more_labels(env, begun + FEW), "some labels are there", every=0.02
        )
        await home.client.close()
        await process.kill()

        assert not process.child.running
        written = await _number_of_labels(env)
        assert begun + FEW <= written <= wanted - FEW, "killed too late to prove anything"
        await servers.plex.post("faults/clear")
        await servers.plex.post("import", title=soon.key)

        await process.start(session)
        await process.until_running(session, home.client.token)
        await integration.until_loaded(home.client, env.entry.entry_id)

        await env.until_labelled(soon, *env.wanted_by(soon), within=30)
        await eventually(lambda: _is_pending(env, {late.title}), "the other one waits on")
        await env.entry.until_synced()
        assert await env.all_labels() == await env.expected_labels()
        await servers.plex.post("import", title=late.key)
        await eventually(lambda: _is_there(env, late.key), "Plex has the other one, too")
        answer = await env.entry.call("process_pending")
        assert (answer["labelled"], answer["waiting"]) == (1, 0)
        assert all(one == sorted(env.wanted_by(late)) for one in await env.labels(late))
        assert await _is_pending(env, set())

        labels = await env.all_labels()
        assert labels == await env.expected_labels()
        assert all(set(kept) <= set(labels[key]) for key, kept in foreign.items())
        assert all(len(found) == len(set(found)) for found in labels.values())
        assert (await env.entry.call("sync_all"))["changes"] == []
        assert await env.violations() == []
        assert env.complaints() == []
        await home.client.close()
    finally:
        await process.stop()
        await servers.stop()


async def _is_pending(env: E2eEnv, titles: set[str]) -> bool:
    """Whether exactly these titles wait."""
    rows = (await env.entry.call("get_pending"))["pending"]
    return {row["title"] for row in rows} == titles


async def _is_on_disk(env: E2eEnv, *titles: str) -> bool:
    """Whether titles wait in what a restart begins with; in memory they do a moment earlier."""
    name = f"plex_label_sync.{env.entry.entry_id}.queue"
    file = env.home.process.folder / ".storage" / name
    if not file.exists():
        return False
    text = json.dumps(json.loads(file.read_text(encoding="utf-8")), ensure_ascii=False)
    return all(title in text for title in titles)


async def _is_there(env: E2eEnv, key: str) -> bool:
    """Whether Plex has a title and knows what it is."""
    items = (await env.servers.plex.get("labels", title=key))["items"]
    return bool(items) and not items[0]["guid"].startswith("local://")


async def _number_of_labels(env: E2eEnv) -> int:
    """How many labels Plex holds, everybody's, counted once for each item."""
    numbers: dict[str, int] = (await env.servers.plex.get("state"))["labels"]
    return sum(numbers.values())


async def _more_labels(env: E2eEnv, number: int) -> bool:
    return await _number_of_labels(env) >= number


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def wreck(
    session: aiohttp.ClientSession, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[E2eEnv]:
    """A house of its own, whose Home Assistant is killed again and again on the same folder."""
    servers = await start_servers(session, tmp_path_factory.mktemp("servers"))
    process = HomeAssistant(
        tmp_path_factory.mktemp("wreck") / "config",
        free_port(),
        debug=True,
        plex_tv_url=servers.plex_tv.url,
    )
    process.prepare()
    try:
        await process.start(session)
        home = Home(process, await onboard(session, process, OWNER))
        env = await E2eEnv.set_up(home, servers)
        yield env
        assert await env.violations() == []
        assert env.complaints() == []
        await home.client.close()
    finally:
        await process.stop()
        await servers.stop()


@pytest.mark.parametrize(
    "point", [one for one in POINTS if ALL or one.usual], ids=lambda point: point.name
)
async def test_nothing_is_lost_or_doubled_wherever_the_process_ends(
    wreck: E2eEnv, session: aiohttp.ClientSession, point: Point
) -> None:
    env, client = wreck, wreck.home.client
    if not env.home.process.child.running:  # an earlier point has failed
        await _start_again(env, session)
        await env.entry.call("clear_overrides")
        await env.entry.call("sync_all")
    assert await env.all_labels() == await env.expected_labels()
    work = await _prepare(env, point)
    known = {run["run_id"] for run in (await env.entry.call("get_runs"))["runs"]}

    await kill_at(env, point, work)

    assert not env.home.process.child.running
    await client.close()
    await _check_labels(env)
    await _start_again(env, session)
    await env.entry.call("sync_all")
    await _check_labels(env)
    if point.scenario != "undo":
        assert await env.all_labels() == await env.expected_labels()
    await _check_journal(env, point, known)

    # What an undo took off stays off until somebody says otherwise.
    await env.entry.call("clear_overrides")
    await env.entry.call("sync_all")
    assert await env.all_labels() == await env.expected_labels()
    assert (await env.entry.call("sync_all"))["changes"] == []


async def _start_again(env: E2eEnv, session: aiohttp.ClientSession) -> None:
    """Start Home Assistant with servers that answer."""
    for server in (env.servers.plex, env.servers.pulsarr):
        await server.post("faults/clear")
    client = env.home.client
    await env.home.process.start(session)
    await env.home.process.until_running(session, client.token)
    await integration.until_loaded(client, env.entry.entry_id)


async def _prepare(env: E2eEnv, point: Point) -> Callable[[], Awaitable[object]]:
    """Make sure that there is work to do; return what begins it."""
    call, servers = env.entry.call, env.servers
    match point.scenario:
        case "live":
            for title in env.missing():
                if not await env.items(title):
                    break
            else:
                raise AssertionError("the world is too small")
            await servers.plex.post("import", title=title.key)
            await eventually(lambda: _is_there(env, title.key), "Plex has the title")
            return partial(servers.pulsarr.post, "announce", title=title.key)
        case "removal":
            return partial(call, "remove_labels")
        case _:
            await call("remove_labels")
            if point.scenario == "sync":
                return partial(call, "sync_all")
            await call("sync_all")
            return partial(call, "undo")


async def _check_labels(env: E2eEnv) -> None:
    """Nothing of others is lost, nothing is there twice, nothing is there that nobody wants."""
    labels, expected = await env.all_labels(), await env.expected_labels()
    for key, found in labels.items():
        before = env.world.plex.items.get(key)
        foreign = {label.casefold() for label in before.labels} if before is not None else set()
        assert foreign <= set(found)
        assert len(found) == len(set(found))
        assert set(found) <= set(expected[key])


async def _check_journal(env: E2eEnv, point: Point, known: set[str]) -> None:
    """What was interrupted is in the journal; it can be undone, and that as well."""
    runs = (await env.entry.call("get_runs"))["runs"]
    assert all(run["status"] != "running" for run in runs)
    interrupted = [
        run for run in runs if run["status"] == "interrupted" and run["run_id"] not in known
    ]
    assert point.interrupted in {None, len(interrupted)}
    for run in interrupted:
        before = await env.all_labels()
        undone = await env.entry.call("undo", run_id=run["run_id"])
        assert (undone["status"], undone["failed"]) == ("done", 0)
        await _check_labels(env)
        if undone["added"] + undone["removed"]:
            again = await env.entry.call("undo", run_id=undone["run_id"])
            assert (again["status"], again["failed"], again["skipped"]) == ("done", 0, 0)
            assert await env.all_labels() == before
