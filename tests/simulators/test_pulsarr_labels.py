"""Pulsarr's own labelling routes and its stream of progress messages, as the simulator has them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from simulators.pulsarr import PulsarrState
from tests.simulators.pulsarr_fixtures import MOVIE, SHOW, Pulsarr, pulsarr, until

pytestmark = pytest.mark.usefixtures("socket_enabled")

JOBS = [
    ("POST", "/v1/labels/sync", "results"),
    ("POST", "/v1/labels/cleanup", "pending"),
    ("DELETE", "/v1/labels/remove", "results"),
]


def wanted() -> PulsarrState:
    state = PulsarrState()
    for name in ("rosa", "tim"):
        user = state.add_user(name)
        state.wish(user.id, MOVIE)
    state.wish(1, SHOW)
    return state


@pytest.mark.parametrize(("method", "path", "part"), JOBS)
async def test_label_route_answers_200_and_success_false_while_the_feature_is_off(
    method: str, path: str, part: str
) -> None:
    async with pulsarr(wanted()) as peer:
        answer = await peer.call(method, path)
    assert (answer.status, answer.json["success"]) == (200, False)
    assert set(answer.json[part].values()) == {0}


@pytest.mark.parametrize(("method", "path", "part"), JOBS)
async def test_label_job_answers_when_it_is_over(method: str, path: str, part: str) -> None:
    async with pulsarr(wanted(), label_job_s=0.1) as peer:
        peer.state.config["plexLabelSync"]["enabled"] = True
        started = asyncio.get_running_loop().time()
        answer = await peer.call(method, path)
        assert asyncio.get_running_loop().time() - started >= 0.1
    assert answer.json["success"] is True
    assert answer.json[part]["failed"] == 0
    if part == "results":
        assert answer.json[part]["processed"] == 2


class Listener:
    """A client of the progress stream that keeps what it read."""

    def __init__(self, peer: Pulsarr) -> None:
        self.events: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.connected = asyncio.Event()
        self._peer = peer

    async def run(self) -> None:
        """Read until the stream ends."""
        session, url = self._peer.session, f"{self._peer.sim.url}/v1/progress"
        timeout = aiohttp.ClientTimeout(total=None)
        async with session.get(url, headers=self._peer.headers, timeout=timeout) as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            self.connected.set()
            async for line in answer.content:
                text = line.decode().strip()
                if text.startswith("data: "):
                    self.events.append(json.loads(text.removeprefix("data: ")))
                elif text.startswith("id: "):
                    self.ids.append(text.removeprefix("id: "))


async def test_progress_stream_follows_a_job_and_ends_with_the_server() -> None:
    async with pulsarr(wanted()) as peer:
        peer.state.config["plexLabelSync"]["enabled"] = True
        listener = Listener(peer)
        task = asyncio.create_task(listener.run())
        await listener.connected.wait()
        await peer.post("/v1/labels/sync")
        await until(lambda: len(listener.events) == 3)
        await peer.sim.stop()
        await asyncio.wait([task], timeout=20)
        assert task.done()
        task.exception()
    assert [event["phase"] for event in listener.events] == [
        "start",
        "processing-content",
        "complete",
    ]
    assert {event["type"] for event in listener.events} == {"plex-label-sync"}
    assert set(listener.ids) == {event["operationId"] for event in listener.events}


@pytest.mark.parametrize(("snapshot", "seen"), [(True, 1), (False, 0)])
async def test_new_versions_replay_a_snapshot_to_a_late_listener(snapshot: bool, seen: int) -> None:
    async with pulsarr(wanted(), label_job_s=60, progress_snapshot=snapshot) as peer:
        peer.state.config["plexLabelSync"]["enabled"] = True
        job = asyncio.create_task(peer.post("/v1/labels/sync"))
        await until(lambda: peer.sim.stats.in_flight == 1)
        listener = Listener(peer)
        task = asyncio.create_task(listener.run())
        await listener.connected.wait()
        if seen:
            await until(lambda: listener.events)
        await asyncio.sleep(0.1)
        assert len(listener.events) == seen
        await peer.sim.stop()
        await asyncio.gather(job, task, return_exceptions=True)
