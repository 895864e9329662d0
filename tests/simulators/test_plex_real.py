"""What real Plex servers do, or may do, that a client has to live with."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from simulators.plex import Fault, PlexKnobs
from tests.simulators.plex_fixtures import MOVIES, TOKEN, Peer, added, plain_state, plex
from tests.simulators.waiting import until

pytestmark = pytest.mark.usefixtures("socket_enabled")

ALL = "/library/sections/1/all?type=1&includeGuids=1"


async def receive(peer: Peer, seconds: float = 0.2) -> list[dict[str, Any]]:
    """What the server tells listeners for a while."""
    messages: list[dict[str, Any]] = []
    url = f"{peer.sim.url}/:/websockets/notifications"
    async with peer.session.ws_connect(url, headers={"X-Plex-Token": TOKEN}) as socket:
        await until(lambda: peer.sim.events.listeners > 0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    messages.append((await socket.receive_json())["NotificationContainer"])
    return messages


async def test_head_is_get_without_a_body(peer: Peer) -> None:
    answer = await peer.ask("HEAD", f"{ALL}&X-Plex-Container-Start=0&X-Plex-Container-Size=5")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["X-Plex-Container-Total-Size"] == str(len(MOVIES))
    assert (await peer.ask("HEAD", ALL, token=None)).status == 401


async def test_maintenance_is_reported_in_xml_for_every_path(peer: Peer) -> None:
    peer.sim.faults.add(Fault("maintenance", times=None))
    for path in ("/identity", "/", ALL):
        answer = await peer.get(path)
        assert (answer.status, answer.type) == (503, "text/xml")
        assert b"database migrations" in answer.body


async def test_expired_token_is_498_and_identity_needs_none(peer: Peer) -> None:
    peer.sim.faults.add(Fault("expired", times=None))
    assert (await peer.get("/")).status == 498
    assert (await peer.get("/identity")).status == 200


async def test_scan_ends_before_what_it_found_is_matched(peer: Peer) -> None:
    listening = asyncio.create_task(receive(peer, 0.5))
    await until(lambda: peer.sim.events.listeners > 0)
    await peer.sim.import_title(MOVIES[0], match_after=0.05)
    order = []
    for message in await listening:
        if message["type"] == "activity":
            row = message["ActivityNotification"][0]
            order.append((row["event"], row["Activity"]["type"]))
        elif message["type"] == "status":
            order.append(("status", message["StatusNotification"][0]["notificationName"]))
    scan, matching = "library.update.section", "library.update.item.metadata"
    assert order == [
        ("started", scan),
        ("ended", scan),
        ("status", "LIBRARY_UPDATE"),
        ("started", matching),
        ("ended", matching),
    ]


async def test_one_counter_counts_the_changes_of_all_sections(peer: Peer) -> None:
    async def counters() -> list[int]:
        return [row["contentChangedAt"] for row in (await peer.get("/library/sections")).directory]

    before = await counters()
    peer.sim.delete_item("1")
    after = await counters()
    assert after[0] == max(before) + 1
    assert after[1:] == before[1:]
    peer.state.libraries["1"].content_changed_at = 0
    assert (await counters())[0] == 0


async def test_texts_may_be_folded_from_a_to_z_only(peer: Peer) -> None:
    for fold, found in (("unicode", 1), ("ascii", 0)):
        peer.sim.knobs = PlexKnobs(label_fold=fold)  # type: ignore[arg-type]  # one of the two
        peer.state.add_label("1", "Émile")
        assert len((await peer.get(f"{ALL}&label=%C3%A9mile")).rows) == found
        assert len((await peer.get(f"{ALL}&label=%C3%89MILE")).rows) == 1
    await peer.edit("id=2", added("émile"))
    assert {label for key in ("1", "2") for label in peer.state.labels_of(key)} == {"Émile"}


async def test_labels_may_be_asked_for_by_text_or_by_id_only(peer: Peer) -> None:
    peer.state.add_label("1", "Ann")
    number = str((await peer.get("/library/sections/1/label?type=1")).directory[0]["key"])
    for by, texts, ids in (("both", 1, 1), ("text", 1, 0), ("id", 0, 1)):
        peer.sim.knobs = PlexKnobs(label_by=by)  # type: ignore[arg-type]  # one of the three
        assert len((await peer.get(f"{ALL}&label=ann")).rows) == texts
        assert len((await peer.get(f"{ALL}&label={number}")).rows) == ids


@pytest.mark.parametrize(("query", "announced"), [("", True), ("?skipRefresh=1", False)])
async def test_read_may_refresh_and_announce_what_it_reads(query: str, announced: bool) -> None:
    async with plex(plain_state(), PlexKnobs(read_refreshes=True)) as peer:
        listening = asyncio.create_task(receive(peer))
        await until(lambda: peer.sim.events.listeners > 0)
        await peer.get(f"/library/metadata/1,2{query}")
        keys = {
            str(row["itemID"])
            for message in await listening
            for row in message.get("TimelineEntry", ())
        }
    assert keys == ({"1", "2"} if announced else set())


async def test_sections_of_items_and_of_the_owner_may_be_configured_otherwise() -> None:
    knobs = PlexKnobs(section_on_row=False, owner_sync=False)
    async with plex(plain_state(), knobs) as peer:
        shows = [key for key, item in peer.state.items.items() if item.section == "2"]
        one = await peer.get("/library/metadata/1,2")
        assert one.box["librarySectionID"] == 1
        assert not any("librarySectionID" in row for row in one.rows)
        assert "librarySectionID" not in (await peer.get(f"/library/metadata/1,{shows[0]}")).box
        assert not any(row["allowSync"] for row in (await peer.get("/library/sections")).directory)


async def test_who_may_use_the_server_and_that_no_one_plays(peer: Peer) -> None:
    peer.sim.add_user("Ann", sections=["1"])
    assert [row["name"] for row in (await peer.get("/accounts")).box["Account"]] == ["owner", "Ann"]
    for path in ("/clients", "/status/sessions"):
        assert (await peer.get(path)).box["size"] == 0
