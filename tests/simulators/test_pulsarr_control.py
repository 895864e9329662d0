"""The control API of the simulated Pulsarr, by which the demo turns its wheels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulators.catalog import CatalogTitle
from simulators.control import ControlError, find_title
from simulators.pulsarr import PulsarrState
from tests.simulators.pulsarr_fixtures import CATALOG, KEY, MOVIE, SHOW, Json, pulsarr, receiver
from tests.simulators.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.usefixtures("socket_enabled")


def people() -> PulsarrState:
    state = PulsarrState()
    rosa = state.add_user("rosa", alias="Rosa")
    state.add_user("tim")
    state.want(rosa.id, MOVIE)
    return state


async def test_summary_counts_and_needs_no_key_and_is_not_counted() -> None:
    async with pulsarr(people()) as peer:
        answer = await peer.control("state")
        assert peer.sim.stats.total == 0
    assert (answer["wishes"], answer["wanted_titles"]) == (1, 1)
    assert [(p["name"], p["watchlist_count"]) for p in answer["people"]] == [
        ("rosa", 1),
        ("tim", 0),
    ]
    assert KEY not in str(answer)


async def test_control_stays_at_the_root_with_a_base_path() -> None:
    async with pulsarr(people(), base_path="/p") as peer:
        assert (await peer.control("state"))["wishes"] == 1


async def test_want_and_unwant_by_name_and_part_of_the_title() -> None:
    async with pulsarr(people()) as peer, receiver() as target:
        await peer.register(target.url)
        done = await peer.control("wish", person="TIM", title=SHOW.title.upper())
        assert done == {"person": "tim", "title": SHOW.title}
        assert peer.state.watchlist(2)[0].key == SHOW.key
        missing = await peer.control("unwish", person="tim", title=SHOW.title)
        again = await peer.control("unwish", person="tim", title=SHOW.title)
    assert (missing["removed"], again["removed"]) == (True, False)
    assert target.events == ["watchlist.added", "watchlist.removed"]


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"person": "nobody", "title": MOVIE.title}, "nobody"),
        ({"person": "tim", "title": "no such title"}, "no such title"),
        ({"person": "tim", "title": ""}, "no title"),
        ({"person": "tim"}, "title"),
    ],
)
async def test_watchlist_entry_that_makes_no_sense_is_explained(
    given: dict[str, str], word: str
) -> None:
    async with pulsarr(people()) as peer:
        answer = await peer.control("wish", **given)
        assert peer.state.watchlist(2) == ()
    assert word in answer["error"]


def test_title_is_found_by_key_guid_name_or_unambiguous_part() -> None:
    twins = (
        CatalogTitle("movie", "The Long Night", 2001, "a" * 24, "tt1", 1, None),
        CatalogTitle("show", "The Long Night II", 2004, "b" * 24, "tt2", 2, 3),
    )
    assert find_title(twins, "the long night") == twins[0]
    assert find_title(twins, "NIGHT II") == twins[1]
    assert find_title(twins, "tvdb:3") == find_title(twins, "b" * 24) == twins[1]
    with pytest.raises(ControlError, match="several") as problem:
        find_title(twins, "long")
    assert "(2004)" in str(problem.value)
    assert find_title(CATALOG, MOVIE.plex_guid) == MOVIE


async def test_announce_reports_deliveries_and_force_skips_the_rules() -> None:
    async with pulsarr(people()) as peer, receiver() as target:
        await peer.register(target.url, "media.available")
        first = await peer.control("announce", title=MOVIE.title)
        second = await peer.control("announce", title=MOVIE.title)
        forced = await peer.control("announce", title=MOVIE.title, force=True)
    assert [row["deliveries"] for row in (first, second, forced)] == [1, 0, 1]


async def test_import_announces_shortly_after_and_lets_plex_know() -> None:
    found: list[tuple[CatalogTitle, Json]] = []

    async def plex_finds(title: CatalogTitle, given: Mapping[str, Json]) -> None:
        found.append((title, given["delay"]))

    async with pulsarr(people()) as peer, receiver() as target:
        peer.sim.arr_import = plex_finds
        await peer.register(target.url, "media.available")
        answer = await peer.control("import", title=MOVIE.title, announce_after=0.5, delay=9)
        assert (answer["wanted_by"], answer["plex"]) == (["rosa"], True)
        assert target.events == []
        await until(lambda: target.events == ["media.available"])
    assert found == [(MOVIE, 9)]


async def test_missing_lists_wanted_titles_not_yet_imported() -> None:
    async with pulsarr(people()) as peer:
        before = (await peer.control("missing"))["missing"]
        await peer.sim.announce(MOVIE)
        after = (await peer.control("missing"))["missing"]
    assert before == [{"title": MOVIE.title, "type": "movie", "people": ["rosa"]}]
    assert after == []


async def test_people_can_be_added_changed_and_removed() -> None:
    async with pulsarr(people()) as peer:
        added = await peer.control("user", add="nina", alias="Nina")
        changed = await peer.control("user", person="nina", name="nina2", alias="N", can_sync=False)
        assert changed == {"id": added["id"], "name": "nina2", "alias": "N"}
        assert peer.state.user(added["id"]).can_sync is False
        await peer.control("user", person="nina2", remove=True)
        assert [user.name for user in peer.state.users()] == ["rosa", "tim"]


async def test_faults_and_stats() -> None:
    async with pulsarr(people()) as peer:
        await peer.control("faults", kind="unavailable", times=2)
        assert (await peer.get("/v1/users/users/list")).status == 503
        assert (await peer.control("stats"))["total"] == 1
        assert (await peer.control("faults/acted")) == {"acted": 1}
        for wrong in ({"route": "/x"}, {"kind": "drop", "what": 1}):
            assert "kind" in (await peer.control("faults", **wrong))["error"]
        assert (await peer.control("faults", kind="drop")) == {"faults": 2}
        assert (await peer.control("faults/clear", now=True)) == {"faults": 0}
        await peer.control("stats/reset", now=True)
        assert (await peer.control("stats"))["total"] == 0


async def test_outage_begins_after_the_answer_and_ends() -> None:
    async with pulsarr(people()) as peer:
        assert await peer.control("outage", seconds=0.5) == {"seconds": 0.5}
        await until(lambda: peer.sim.listener.down)
        await until(lambda: not peer.sim.listener.down)
        assert (await peer.control("state"))["wishes"] == 1


async def test_endpoints_and_deliveries_are_shown_without_secrets() -> None:
    async with pulsarr(people()) as peer, receiver() as target:
        await peer.register(target.url, authHeaderName="X-Secret", authHeaderValue="s3cret")
        await peer.sim.deliver("user.created", {"x": 1})
        endpoints, deliveries = await peer.control("endpoints"), await peer.control("deliveries")
    assert deliveries["deliveries"][0]["status"] == 200
    assert deliveries["deliveries"][0]["data"] == {"x": 1}
    assert "s3cret" not in str(endpoints) + str(deliveries)


async def test_body_that_is_no_object_is_explained() -> None:
    async with pulsarr() as peer:
        answer = await peer.post("/_control/wish", root=True, json=[1])
        assert (answer.status, "error" in answer.json) == (400, True)
