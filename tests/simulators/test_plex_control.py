"""The control API of the simulated Plex server."""

from __future__ import annotations

import aiohttp
import pytest

from tests.simulators.plex_fixtures import MOVIES, SHOWS, TOKEN, Json, Peer, plain_state, plex
from tests.simulators.waiting import until

pytestmark = pytest.mark.usefixtures("socket_enabled")


async def control(peer: Peer, name: str, body: Json = None) -> tuple[int, Json]:
    """GET, or POST when there is a body; without the Plex token."""
    method = "GET" if body is None else "POST"
    url = f"{peer.sim.url}/_control/{name}"
    async with peer.session.request(method, url, json=body) as answer:
        return answer.status, await answer.json()


async def test_summary_reports_libraries_and_labels_and_no_token(peer: Peer) -> None:
    peer.state.add_label("1", "kids")
    status, summary = await control(peer, "state")
    assert status == 200
    assert [(library["title"], library["items"]) for library in summary["libraries"]] == [
        ("Movies", len(MOVIES)),
        ("TV Shows", len(SHOWS)),
    ]
    assert summary["labels"] == {"Kids": 1}
    assert TOKEN not in str(summary)


async def test_control_is_neither_counted_nor_disturbed(peer: Peer) -> None:
    await control(peer, "faults", {"kind": "busy", "times": None})
    assert (await control(peer, "stats"))[1]["total"] == 0
    assert (await peer.get("/")).status == 500
    assert (await control(peer, "stats"))[1]["requests"] == {"GET /": 1}
    await control(peer, "faults/clear", {})
    assert (await peer.get("/")).status == 200
    await control(peer, "stats/reset", {})
    assert (await control(peer, "stats"))[1]["total"] == 0


async def test_title_is_imported_by_name_or_the_first_missing_one() -> None:
    async with plex(plain_state(missing=1.0)) as peer:
        assert (await control(peer, "missing"))[1]["total"] == len(MOVIES) + len(SHOWS)
        status, answer = await control(
            peer, "import", {"title": SHOWS[0].title, "delay": 0.01, "match_after": 0.01}
        )
        assert (status, answer["title"]["key"]) == (200, SHOWS[0].key)
        assert (await control(peer, "import", {}))[1]["title"]["key"] == MOVIES[0].key
        await until(lambda: bool(peer.state.items_of(SHOWS[0]) and peer.state.items_of(MOVIES[0])))


async def test_labels_are_read_and_changed_by_hand(peer: Peer) -> None:
    title = MOVIES[0].title
    await control(peer, "label", {"title": title, "label": "kids"})
    _, answer = await control(peer, "labels", None)
    assert answer["error"]
    async with peer.session.get(
        f"{peer.sim.url}/_control/labels", params={"title": title}
    ) as response:
        (item,) = (await response.json())["items"]
    assert (item["rating_key"], item["library"], item["labels"]) == ("1", "Movies", ["Kids"])
    await control(peer, "label", {"rating_key": 1, "label": "KIDS", "action": "remove"})
    assert peer.state.labels_of("1") == ()


async def test_labels_of_all_titles_are_read_at_once(peer: Peer) -> None:
    peer.state.add_label("1", "kids")
    titles = (await control(peer, "labels/all"))[1]["titles"]
    assert titles.keys() == {title.key for title in (*MOVIES, *SHOWS)}
    for title in (*MOVIES, *SHOWS):
        async with peer.session.get(
            f"{peer.sim.url}/_control/labels", params={"title": title.key}
        ) as response:
            assert titles[title.key] == (await response.json())["items"]
    assert [item["labels"] for item in titles[MOVIES[0].key]] == [["Kids"]]


async def test_outage_begins_after_the_answer(peer: Peer) -> None:
    assert (await control(peer, "outage", {"seconds": 600}))[0] == 200
    await until(lambda: peer.sim.listener.down)
    with pytest.raises(aiohttp.ClientConnectionError):
        await peer.get("/identity")
    await peer.sim.listener.end_outage()
    assert (await peer.get("/identity")).status == 200


async def test_events_and_violations() -> None:
    async with plex() as peer:
        assert (await control(peer, "drop_events", {}))[1] == {"dropped": 0}
        await peer.edit("id=")
        assert len((await control(peer, "violations"))[1]["violations"]) == 1


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("label", {"title": "no such title", "label": "x"}),
        ("label", {"rating_key": "99999", "label": "x"}),
        ("label", {"rating_key": "1", "label": " "}),
        ("label", {"rating_key": "1", "label": "x", "action": "burn"}),
        ("import", {"section": "99"}),
        ("import", {"title": "e"}),
        ("faults", {"nth": 1}),
        ("faults", {"kind": "busy", "colour": "red"}),
        ("outage", {"seconds": "long"}),
        ("label", []),
    ],
)
async def test_senseless_requests_are_explained(peer: Peer, name: str, body: Json) -> None:
    if name == "import" and "section" in body:
        peer.state.delete_item("1")
    status, answer = await control(peer, name, body)
    assert status == 400
    assert answer["error"]
