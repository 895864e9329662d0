"""What the simulated Plex server tells its listeners, and how new files arrive."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
import json
from typing import TYPE_CHECKING

import aiohttp
import pytest

from simulators.plex import PlexKnobs
from tests.simulators.plex_fixtures import (
    CATALOG,
    MOVIES,
    SHOWS,
    TOKEN,
    Json,
    Peer,
    added,
    plain_state,
    plex,
)
from tests.simulators.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

pytestmark = pytest.mark.usefixtures("socket_enabled")

SOCKET = "/:/websockets/notifications"


class EventListener:
    """Somebody who listens, over WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.received: list[Json] = []

    async def until(self, enough: Callable[[list[Json]], bool]) -> list[Json]:
        """Timeline entries with numbers for numbers, as soon as they suffice."""
        async with asyncio.timeout(60):
            while not enough(self.entries):
                message = await self.socket.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, message
                self.received.append(json.loads(message.data)["NotificationContainer"])
        return self.entries

    @property
    def entries(self) -> list[Json]:
        """All timeline entries so far."""
        boxes = [box for box in self.received if box["type"] == "timeline"]
        assert all(box["size"] == len(box["TimelineEntry"]) for box in boxes)
        return [numbers(row) for box in boxes for row in box["TimelineEntry"]]

    async def silence(self) -> None:
        """Nothing comes for a while."""
        with pytest.raises(TimeoutError):
            await self.socket.receive(timeout=0.1)


def numbers(row: Json) -> Json:
    names = {
        "sectionID",
        "itemID",
        "parentItemID",
        "rootItemID",
        "type",
        "state",
        "updatedAt",
        "queueSize",
    }
    return {name: int(value) if name in names else value for name, value in row.items()}


def finished(count: int = 1) -> Callable[[list[Json]], bool]:
    return lambda rows: sum(row["state"] == 5 for row in rows) >= count


@asynccontextmanager
async def listening(peer: Peer) -> AsyncIterator[EventListener]:
    before = peer.sim.events.listeners
    async with peer.session.ws_connect(
        peer.sim.url + SOCKET, headers={"X-Plex-Token": TOKEN}
    ) as socket:
        await until(lambda: peer.sim.events.listeners > before)
        yield EventListener(socket)


@asynccontextmanager
async def empty_plex() -> AsyncIterator[Peer]:
    async with plex(plain_state(missing=1.0)) as peer:
        yield peer


@pytest.mark.parametrize("path", [SOCKET, "/:/websocket/notifications"])
async def test_socket_needs_a_token_at_the_handshake(peer: Peer, path: str) -> None:
    for headers in ({}, {"X-Plex-Token": "wrong"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await peer.session.ws_connect(peer.sim.url + path, headers=headers)
        assert refused.value.status == 401
    async with peer.session.ws_connect(f"{peer.sim.url}{path}?X-Plex-Token={TOKEN}") as socket:
        assert not socket.closed


async def test_new_movie_goes_through_all_states_and_is_unmatched_first() -> None:
    async with empty_plex() as peer, listening(peer) as listener:
        task = peer.sim.import_title(MOVIES[0], match_after=0.2)
        await listener.until(lambda rows: any(row["state"] == 1 for row in rows))
        (row,) = (await peer.get("/library/sections/1/all?includeGuids=1")).rows
        assert row["guid"].startswith("local://")
        assert "Guid" not in row
        rows = await listener.until(finished())
        item = await task
        assert [row["state"] for row in rows] == [0, 1, 2, 3, 4, 5]
        assert {(row["itemID"], row["sectionID"], row["type"]) for row in rows} == {
            (item.number, 1, 1)
        }
        assert rows[0]["metadataState"] == "created"
        assert all("metadataState" in row and "queueSize" in row for row in rows[1:-1])
        assert not {"metadataState", "queueSize"} & set(rows[-1])
        (row,) = (await peer.get("/library/sections/1/all?includeGuids=1")).rows
        assert (row["guid"], row["title"]) == (MOVIES[0].plex_guid, MOVIES[0].title)
        assert row["ratingKey"] == item.rating_key
        assert {"id": f"imdb://{MOVIES[0].imdb}"} in row["Guid"]
        assert peer.state.items_of(MOVIES[0]) == [item]


async def test_new_show_announces_show_season_and_episode() -> None:
    async with empty_plex() as peer, listening(peer) as listener:
        item = await peer.sim.import_title(SHOWS[0])
        rows = await listener.until(finished(3))
        assert {row["type"] for row in rows} == {2, 3, 4}
        show = {row["itemID"] for row in rows if row["type"] == 2}
        season = {row["itemID"] for row in rows if row["type"] == 3}
        episode = {row["itemID"] for row in rows if row["type"] == 4}
        assert (show, len(season), len(episode)) == ({item.number}, 1, 1)
        assert {row["rootItemID"] for row in rows if row["type"] in (3, 4)} == show
        assert {row["parentItemID"] for row in rows if row["type"] == 4} == season
        answer = await peer.get(
            f"/library/metadata/{item.rating_key},{season.pop()},{episode.pop()}"
        )
        assert [row["type"] for row in answer.rows] == ["show", "season", "episode"]
        assert answer.rows[2]["grandparentRatingKey"] == item.rating_key


async def test_new_episode_of_an_old_show_points_to_the_show(peer: Peer) -> None:
    show = peer.state.items_of(SHOWS[0])[0]
    async with listening(peer) as listener:
        key = peer.sim.import_episode(show.rating_key)
        rows = await listener.until(finished(2))
        episodes = [row for row in rows if row["itemID"] == int(key)]
        assert {row["type"] for row in episodes} == {4}
        assert {row["rootItemID"] for row in episodes} == {show.number}
        assert peer.state.items_of(SHOWS[0]) == [show]


async def test_file_that_plex_never_recognizes_stays_local() -> None:
    async with empty_plex() as peer, listening(peer) as listener:
        item = await peer.sim.import_title(MOVIES[0], match_after=None)
        await listener.until(finished())
        assert item.guid.startswith("local://")
        assert peer.state.items_of(MOVIES[0]) == []


async def test_import_waits_and_goes_where_it_is_sent() -> None:
    async with plex(plain_state(missing=1.0, uhd_library=True)) as peer:
        task = peer.sim.import_title(MOVIES[0], section="3", delay=0.1, edition="Extended")
        await asyncio.sleep(0)
        assert len(peer.state.items) == 0
        item = await task
        assert (item.section, item.edition) == ("3", "Extended")
        assert (await peer.get("/library/sections/3/all")).keys == [item.rating_key]


async def test_new_item_is_the_first_of_the_newest(peer: Peer) -> None:
    item = await peer.sim.import_title(MOVIES[0], edition="Extended")
    newest = await peer.get("/library/sections/1/all?sort=addedAt:desc&limit=1")
    assert newest.keys == [item.rating_key]


async def test_deletion_is_announced(peer: Peer) -> None:
    async with listening(peer) as listener:
        peer.sim.delete_item("1")
        (row,) = await listener.until(bool)
        assert (row["itemID"], row["state"], row["metadataState"]) == (1, 9, "deleted")


async def test_refresh_of_old_items_is_a_storm_of_state_5(peer: Peer) -> None:
    async with listening(peer) as listener:
        peer.sim.refresh_items()
        rows = await listener.until(finished(len(CATALOG)))
        assert {row["state"] for row in rows} == {5}
        assert len({row["itemID"] for row in rows}) == len(CATALOG)
        assert not any("metadataState" in row for row in rows)


async def test_half_of_the_entries_have_numbers_as_strings(peer: Peer) -> None:
    async with listening(peer) as listener:
        peer.sim.refresh_items()
        await listener.until(finished(len(CATALOG)))
        raw = [
            row
            for box in listener.received
            if box["type"] == "timeline"
            for row in box["TimelineEntry"]
        ]
        texts = sum(isinstance(row["state"], str) and isinstance(row["itemID"], str) for row in raw)
        plain = sum(isinstance(row["state"], int) and isinstance(row["itemID"], int) for row in raw)
        assert abs(texts - plain) <= 1
        assert texts + plain == len(raw)


@pytest.mark.parametrize("with_events", [False, True])
async def test_own_edits_are_silent_unless_configured(with_events: bool) -> None:
    async with plex(knobs=PlexKnobs(edit_events=with_events)) as peer, listening(peer) as listener:
        await peer.edit("id=1,2", added("A"))
        await peer.edit("id=1", added("A"))
        if with_events:
            assert sorted(row["itemID"] for row in await listener.until(finished(2))) == [1, 2]
        await listener.silence()


async def test_hand_edits_and_silent_changes_of_the_state_are_not_announced(peer: Peer) -> None:
    async with listening(peer) as listener:
        peer.state.add_label("1", "Kids")
        peer.state.add_item(MOVIES[0], edition="Extended")
        peer.state.delete_item("2")
        await listener.silence()


async def test_dropped_socket_misses_what_happens_until_it_is_back(peer: Peer) -> None:
    async with listening(peer) as listener:
        await peer.sim.drop_events()
        message = await listener.socket.receive(timeout=60)
        assert message.type in (
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.ERROR,
        )
        peer.sim.refresh_items(["1"])
    async with listening(peer) as listener:
        peer.sim.refresh_items(["2"])
        assert [row["itemID"] for row in await listener.until(finished())] == [2]
    assert peer.sim.events.listeners <= 1


async def test_outage_ends_the_stream(peer: Peer) -> None:
    async with listening(peer) as listener:
        await peer.sim.outage(0.1)
        message = await listener.socket.receive(timeout=60)
        assert message.type in (
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.ERROR,
        )


async def test_open_streams_count_as_requests_and_not_as_concurrency(peer: Peer) -> None:
    async with listening(peer):
        assert peer.sim.stats.count(route=SOCKET) == 1
        await peer.get("/")
        assert peer.sim.stats.in_flight == 0
        assert peer.sim.stats.peak_concurrency == 1


async def test_scan_and_activities_can_be_asked_for(peer: Peer) -> None:
    assert (await peer.get("/activities")).box["size"] == 0
    before, items = peer.state.libraries["1"].scanned_at, len(peer.state.items)
    assert (await peer.get("/library/sections/1/refresh?path=%2Fmedia")).status == 200
    assert peer.state.libraries["1"].scanned_at > before
    task = peer.sim.import_title(MOVIES[0], match_after=2.0)
    await until(lambda: len(peer.state.items) > items)
    (doing,) = (await peer.get("/activities")).box["Activity"]
    assert doing["type"] == "library.update.item.metadata"  # the scan is over
    assert (await peer.get("/library/sections")).directory[0]["refreshing"] is False
    await task
    assert (await peer.get("/activities")).box["size"] == 0
    assert (await peer.get("/library/sections")).directory[0]["refreshing"] is False
