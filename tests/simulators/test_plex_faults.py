"""The misbehavior that the simulated Plex server can be told to show."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from simulators.plex import Fault
from tests.simulators.plex_fixtures import MOVIES, Peer, added
from tests.simulators.waiting import until

pytestmark = pytest.mark.usefixtures("socket_enabled")

ALL = "/library/sections/1/all"
LISTING = "/library/sections/{id}/all"


async def test_unauthorized_from_now_on_spares_identity(peer: Peer) -> None:
    peer.sim.faults.add(Fault("unauthorized", times=None))
    for _ in range(3):
        assert (await peer.get("/library/sections")).status == 401
    assert (await peer.edit("id=1", added("A"))).status == 401
    assert peer.state.labels_of("1") == ()
    assert (await peer.get("/identity")).status == 200
    peer.sim.faults.clear()
    assert (await peer.get("/library/sections")).status == 200


@pytest.mark.parametrize(
    ("kind", "status"), [("busy", 500), ("unavailable", 503), ("throttled", 429)]
)
async def test_errors_come_once_as_a_web_page_and_do_nothing(
    peer: Peer, kind: str, status: int
) -> None:
    peer.sim.faults.add(Fault(kind, method="PUT"))  # type: ignore[arg-type]  # one of the kinds
    assert (await peer.get(ALL)).status == 200
    answer = await peer.edit("id=1", added("A"))
    assert (answer.status, answer.type) == (status, "text/html")
    assert ("Retry-After" in answer.headers) == (kind == "throttled")
    assert peer.state.labels_of("1") == ()
    assert (await peer.edit("id=1", added("A"))).status == 200


async def test_fault_on_the_nth_request_of_a_route(peer: Peer) -> None:
    peer.sim.faults.add(Fault("busy", route=LISTING, nth=2, times=2))
    statuses = []
    for _ in range(4):
        statuses.append((await peer.get(ALL)).status)
        assert (await peer.get("/library/sections")).status == 200
    assert statuses == [200, 500, 500, 200]


async def test_fault_for_a_while(peer: Peer) -> None:
    peer.sim.faults.add(Fault("unavailable", seconds=600))
    assert (await peer.get("/")).status == 503
    assert (await peer.get("/")).status == 503
    peer.sim.faults.clear()
    peer.sim.faults.add(Fault("unavailable", seconds=0.1))
    assert (await peer.get("/")).status == 503
    await asyncio.sleep(0.12)
    assert (await peer.get("/")).status == 200


async def test_slow_answer_after_the_edit_was_done(peer: Peer) -> None:
    peer.sim.faults.add(Fault("slow_after_apply", method="PUT", seconds=600))
    url = f"{ALL}?type=1&id=1&{added('A')}"
    slow = asyncio.create_task(peer.put(url))
    await until(lambda: bool(peer.sim.listener.pauses))
    slow.cancel()
    assert peer.state.labels_of("1") == ("A",)
    assert (await peer.put(url)).status == 200


async def test_slow_answer_to_a_client_that_left_changes_nothing(peer: Peer) -> None:
    peer.sim.faults.add(Fault("slow_before_apply", method="PUT", seconds=600))
    url = f"{ALL}?type=1&id=1&{added('A')}"
    slow = asyncio.create_task(peer.put(url))
    await until(lambda: bool(peer.sim.listener.pauses))
    slow.cancel()
    await until(lambda: peer.sim.stats.in_flight == 0)
    assert peer.state.labels_of("1") == ()
    assert [entry.status for entry in peer.sim.stats.log] == [0]
    peer.sim.faults.add(Fault("slow_before_apply", method="PUT", seconds=0.05))
    assert (await peer.put(url)).status == 200
    assert peer.state.labels_of("1") == ("A",)


async def test_dropped_connection_does_nothing(peer: Peer) -> None:
    peer.sim.faults.add(
        Fault("drop", method="PUT", times=None)
    )  # aiohttp tries once more by itself
    with pytest.raises(aiohttp.ClientConnectionError):
        await peer.edit("id=1", added("A"))
    assert peer.state.labels_of("1") == ()
    assert {entry.status for entry in peer.sim.stats.log} == {0}


async def test_truncated_body_is_no_json(peer: Peer) -> None:
    whole = (await peer.get(ALL)).body
    peer.sim.faults.add(Fault("truncated", route=LISTING))
    answer = await peer.get(ALL)
    assert (answer.status, answer.body) == (200, whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"JSON|Unterminated|Expecting"):
        _ = answer.box


async def test_connection_may_break_within_a_body(peer: Peer) -> None:
    peer.sim.faults.add(Fault("cut_body"))
    with pytest.raises(aiohttp.ClientPayloadError):
        await peer.get(ALL)
    assert (await peer.get(ALL)).status == 200


async def test_short_page_lacks_rows_that_it_announces(peer: Peer) -> None:
    peer.sim.faults.add(Fault("short_page", times=2))
    answer = await peer.get(f"{ALL}?X-Plex-Container-Start=0&X-Plex-Container-Size=20")
    assert (answer.box["size"], answer.box["totalSize"], len(answer.rows)) == (20, len(MOVIES), 10)
    as_xml = (await peer.get(ALL, headers={"Accept": "text/xml"})).body
    assert as_xml.count(b"<Video ") == len(MOVIES) // 2


async def test_web_page_instead_of_json(peer: Peer) -> None:
    peer.sim.faults.add(Fault("html"))
    answer = await peer.get(ALL)
    assert (answer.status, answer.type) == (200, "text/html")
    with pytest.raises(json.JSONDecodeError):
        _ = answer.box


async def test_row_that_vanishes_between_pages_shifts_the_rest(peer: Peer) -> None:
    whole = (await peer.get(ALL)).keys
    peer.sim.faults.add(Fault("vanishing_row", route=LISTING, nth=2))
    first = await peer.get(f"{ALL}?X-Plex-Container-Start=0&X-Plex-Container-Size=10")
    second = await peer.get(f"{ALL}?X-Plex-Container-Start=10&X-Plex-Container-Size=10")
    assert first.keys == whole[:10]
    assert second.keys == whole[11:21]
    assert second.box["totalSize"] == len(MOVIES) - 1
    assert whole[0] not in peer.state.items


async def test_outage_refuses_connections_and_ends_by_itself_on_the_same_port(peer: Peer) -> None:
    url = peer.sim.url
    assert (await peer.get("/identity")).status == 200  # leaves a connection open
    await peer.sim.outage(600)
    for _ in range(2):
        with pytest.raises(aiohttp.ClientConnectionError):
            await peer.get("/identity")
    await peer.sim.outage(0.1)
    await until(lambda: not peer.sim.listener.down)
    assert (await peer.get("/identity")).status == 200
    assert peer.sim.url == url


async def test_outage_may_be_scripted_and_repeated(peer: Peer) -> None:
    peer.sim.faults.add(Fault("outage", nth=2, seconds=600))
    assert (await peer.get("/identity")).status == 200
    for _ in range(2):
        with pytest.raises(aiohttp.ClientConnectionError):
            await peer.get("/identity")
    await peer.sim.outage(0.1)
    await until(lambda: not peer.sim.listener.down)
    assert (await peer.get("/identity")).status == 200


async def test_server_can_be_stopped_in_an_outage_and_while_it_is_slow(peer: Peer) -> None:
    peer.sim.faults.add(Fault("slow_before_apply", seconds=30))
    slow = asyncio.create_task(peer.get("/identity"))
    await until(lambda: bool(peer.sim.listener.pauses))
    await peer.sim.outage(600)
    async with asyncio.timeout(20):
        await peer.sim.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await slow


async def test_stopped_server_can_start_again_with_what_it_held(peer: Peer) -> None:
    port = peer.sim.port
    peer.state.add_label("1", "Kids")
    await peer.sim.stop()
    await peer.sim.start(port)
    assert (await peer.get(f"{ALL}?label=kids")).keys == ["1"]
