"""What the simulated Plex server lists, and what it leaves out."""

from __future__ import annotations

from dataclasses import replace
import time
from typing import Any
from urllib.parse import quote

import pytest

from simulators.listener import LocalServer
from simulators.plex import PlexKnobs, reading
from simulators.plex.selection import Found, select
from tests.simulators.plex_fixtures import MOVIES, SHOWS, Peer, plain_state, plex

pytestmark = pytest.mark.usefixtures("socket_enabled")

ALL = "/library/sections/1/all"
LEAN = "excludeElements=Media,Genre,Country,Director,Writer,Role&excludeFields=summary,tagline"


def page(start: int, size: int) -> str:
    return f"X-Plex-Container-Start={start}&X-Plex-Container-Size={size}"


@pytest.mark.parametrize(
    "path", ["/library/sections", "/library/sections/all", "/library/sections/"]
)
async def test_sections_state_type_agent_and_whether_something_changed(
    peer: Peer, path: str
) -> None:
    movies, shows = (await peer.get(path)).directory
    assert (movies["key"], movies["type"], movies["title"]) == ("1", "movie", "Movies")
    assert (shows["key"], shows["type"], shows["agent"]) == ("2", "show", "tv.plex.agents.series")
    assert {"uuid", "refreshing", "contentChangedAt", "scannedAt", "language", "Location"} <= set(
        movies
    )
    peer.state.add_item(MOVIES[0])
    assert (await peer.get(path)).directory[0]["contentChangedAt"] > movies["contentChangedAt"]


async def test_whole_section_comes_at_once_without_a_size(peer: Peer) -> None:
    answer = await peer.get(f"{ALL}?type=1")
    assert answer.box["size"] == len(answer.keys) == len(set(answer.keys)) == len(MOVIES)
    assert "totalSize" not in answer.box
    assert "offset" not in answer.box


async def test_total_of_an_unpaged_answer_when_configured() -> None:
    async with plex(knobs=PlexKnobs(total_size_when_unpaged=True)) as peer:
        assert (await peer.get(ALL)).box["totalSize"] == len(MOVIES)


async def test_pages_by_argument_or_header_cover_everything_once(peer: Peer) -> None:
    whole = (await peer.get(ALL)).keys
    paged: list[str] = []
    for start in range(0, len(MOVIES), 7):
        by_query = await peer.get(f"{ALL}?{page(start, 7)}")
        by_header = await peer.get(
            ALL, headers={"X-Plex-Container-Start": str(start), "X-Plex-Container-Size": "7"}
        )
        assert by_query.keys == by_header.keys
        assert (by_query.box["offset"], by_query.box["totalSize"]) == (start, len(MOVIES))
        assert by_query.box["size"] == len(by_query.keys) <= 7
        assert by_query.headers["X-Plex-Container-Start"] == str(start)
        assert by_query.headers["X-Plex-Container-Total-Size"] == str(len(MOVIES))
        paged += by_query.keys
    assert paged == whole
    assert (await peer.get(f"{ALL}?{page(1000, 7)}")).rows == []


async def test_size_zero_only_counts(peer: Peer) -> None:
    answer = await peer.get(f"{ALL}?{page(0, 0)}")
    assert (answer.rows, answer.box["size"], answer.box["totalSize"]) == ([], 0, len(MOVIES))


async def test_limit_caps_without_a_total(peer: Peer) -> None:
    answer = await peer.get(f"{ALL}?limit=5")
    assert len(answer.rows) == 5
    assert "totalSize" not in answer.box


async def test_server_may_send_smaller_pages_or_none(peer: Peer) -> None:
    peer.sim.knobs = PlexKnobs(max_page=10)
    for arguments in ("", page(0, 25)):
        answer = await peer.get(f"{ALL}?{arguments}")
        assert (len(answer.rows), answer.box["totalSize"]) == (10, len(MOVIES))
    peer.sim.knobs = PlexKnobs(ignore_paging=True)
    assert len((await peer.get(f"{ALL}?{page(10, 5)}")).rows) == len(MOVIES)


async def test_type_of_another_library_lists_nothing(peer: Peer) -> None:
    for number in (2, 3, 8):
        assert (await peer.get(f"{ALL}?type={number}")).rows == []


async def test_guids_only_when_asked_and_only_of_items_plex_matched() -> None:
    state = plain_state(legacy=0.3, unmatched=0.3)
    async with plex(state) as peer:
        assert not any("Guid" in row for row in (await peer.get(ALL)).rows)
        rows = (await peer.get(f"{ALL}?includeGuids=1")).rows
        for row in rows:
            assert ("Guid" in row) == row["guid"].startswith("plex://movie/")
        assert {row["guid"].partition("://")[0] for row in rows} >= {
            "plex",
            "local",
            "com.plexapp.agents.imdb",
            "com.plexapp.agents.themoviedb",
        }
        row = (
            await peer.get(f"{ALL}?includeGuids=1&guid={quote(MOVIES[-1].plex_guid, safe='')}")
        ).rows
        for item in row:
            assert {"id": f"tmdb://{MOVIES[-1].tmdb}"} in item["Guid"]


@pytest.mark.parametrize(("knob", "shown"), [("never", 0), ("some", 1), ("always", 2)])
async def test_rows_have_no_labels_whatever_is_asked(knob: str, shown: int) -> None:
    state = plain_state()
    collection = state.add_collection("1", "Best of")
    for key in ("1", "2", collection.rating_key):
        state.add_label(key, "Kids")
    async with plex(state, PlexKnobs(inline_labels=knob)) as peer:  # type: ignore[arg-type]  # one of the modes
        rows = (await peer.get(f"{ALL}?includeLabels=1&includeElements=Label,Media")).rows
        assert sum("Label" in row for row in rows) == shown
        if knob == "never":
            for path in ("collections", "all?type=18"):
                (row,) = (await peer.get(f"/library/sections/1/{path}")).rows
                assert (row["type"], "Label" in row) == ("collection", False)


async def test_trimming_is_a_request(peer: Peer) -> None:
    whole = await peer.get(f"{ALL}?includeGuids=1")
    lean = await peer.get(f"{ALL}?includeGuids=1&{LEAN}")
    assert len(lean.body) < len(whole.body) / 2
    assert {"Media", "Role", "Genre", "summary"} <= set(whole.rows[0])
    assert not {"Media", "Role", "Genre", "summary"} & set(lean.rows[0])
    assert "Guid" in lean.rows[0]
    peer.sim.knobs = PlexKnobs(trimming="ignored")
    assert (await peer.get(f"{ALL}?includeGuids=1&{LEAN}")).body == whole.body


async def test_field_list_means_only_these_from_api_level_1_on(peer: Peer) -> None:
    path = f"{ALL}?includeFields=ratingKey,title&includeElements=Genre"
    assert "year" in (await peer.get(path)).rows[0]
    new = (await peer.get(path, headers={"X-Plex-Pms-Api-Version": "1.0.0"})).rows[0]
    assert set(new) == {"ratingKey", "title", "Genre"}


async def test_listed_tags_are_cut_short(peer: Peer) -> None:
    listed, detailed = (
        (await peer.get(ALL)).rows[0],
        (await peer.get("/library/metadata/1")).rows[0],
    )
    assert len(listed["Role"]) == 3 < len(detailed["Role"])


@pytest.mark.parametrize("value", ["Kids", "kids", "KIDS", "id"])
async def test_label_filter_takes_id_or_text_in_any_case(value: str) -> None:
    state = plain_state()
    for key in ("3", "7"):
        state.add_label(key, "Kids")
    async with plex(state) as peer:
        if value == "id":
            (label,) = (await peer.get("/library/sections/1/label?type=1")).directory
            value = label["key"]
        carriers = await peer.get(f"{ALL}?type=1&label={value}")
        others = await peer.get(f"{ALL}?type=1&label!={value}")
        assert set(carriers.keys) == {"3", "7"}
        assert len(others.keys) == len(MOVIES) - 2
        assert set(carriers.keys).isdisjoint(others.keys)


async def test_unknown_label_has_no_carriers_and_its_complement_is_everything(peer: Peer) -> None:
    assert (await peer.get(f"{ALL}?label=nobody")).rows == []
    assert len((await peer.get(f"{ALL}?label!=nobody")).rows) == len(MOVIES)


async def test_comma_means_or_repetition_means_and_brackets_nest() -> None:
    state = plain_state()
    for key, label in (("1", "A"), ("2", "B"), ("3", "A"), ("3", "B"), ("3", "D, E")):
        state.add_label(key, label)
    async with plex(state) as peer:
        expected = {
            "label=a,b": {"1", "2", "3"},
            "label=a&label=b": {"3"},
            "label=a&label!=b": {"1"},
            "push=1&label=a&or=1&label=b&pop=1&label!=D": {"1", "2", "3"},
            "push=1&label=a&or=1&label=b&pop=1&id=2,3": {"2", "3"},
            "label=D%2C%20E": set(),
            "label=a&id=3": {"3"},
        }
        for query, keys in expected.items():
            assert set((await peer.get(f"{ALL}?{query}")).keys) == keys, query
        (tag,) = [
            row
            for row in (await peer.get("/library/sections/1/label")).directory
            if "," in row["title"]
        ]
        assert (await peer.get(tag["fastKey"])).keys == ["3"]


@pytest.mark.parametrize(
    "query",
    [
        "year>>=1990",
        "lastViewedAt>>=1",
        "addedAt>>=1789999999",
        "genre=Drama",
        "label=",
        "nonsense=1",
    ],
)
async def test_unknown_filters_are_ignored(peer: Peer, query: str) -> None:
    assert len((await peer.get(f"{ALL}?{query}")).rows) == len(MOVIES)


async def test_range_filter_works_when_configured() -> None:
    state = plain_state()
    newest = state.add_item(MOVIES[0])
    async with plex(state, PlexKnobs(range_filters="honored")) as peer:
        assert (await peer.get(f"{ALL}?addedAt>>={newest.added_at}")).keys == [newest.rating_key]


async def test_broken_label_filter_lists_everything_for_every_label(peer: Peer) -> None:
    peer.sim.knobs = PlexKnobs(label_filter_broken=True)
    for query in ("label=nobody", "label!=nobody", "movie.label=nobody"):
        assert len((await peer.get(f"{ALL}?{query}")).rows) == len(MOVIES)


async def test_primary_guid_finds_exactly_and_external_ids_find_nothing() -> None:
    async with plex(plain_state(uhd_library=True)) as peer:
        title = next(title for title in MOVIES if len(peer.state.items_of(title)) == 2)
        assert len((await peer.get(f"{ALL}?guid={title.plex_guid}")).rows) == 1
        everywhere = await peer.get(f"/library/all?type=1&guid={title.plex_guid}")
        assert [row["librarySectionID"] for row in everywhere.rows] == [1, 3]
        for guid in (
            f"tmdb://{title.tmdb}",
            f"imdb://{title.imdb}",
            title.plex_guid[:-1],
            title.plex_guid.upper(),
        ):
            assert (await peer.get(f"{ALL}?guid={guid}")).rows == []
            assert (await peer.get(f"/library/all?guid={guid}")).rows == []


async def test_legacy_guid_is_found_with_its_language() -> None:
    async with plex(plain_state(legacy=1.0)) as peer:
        item = peer.state.items["1"]
        assert item.guid.endswith("?lang=en")
        assert (await peer.get(f"{ALL}?guid={quote(item.guid, safe='')}")).keys == ["1"]
        assert (
            await peer.get(f"{ALL}?guid={quote(item.guid.partition('?')[0], safe='')}")
        ).rows == []


async def test_title_is_found_by_part_or_exactly(peer: Peer) -> None:
    title = MOVIES[0].title
    assert (
        peer.state.items_of(MOVIES[0])[0].rating_key
        in (await peer.get(f"{ALL}?title={quote(title[2:-1])}")).keys
    )
    assert (await peer.get(f"{ALL}?title=={quote(title.upper())}")).keys == ["1"]
    assert (await peer.get(f"{ALL}?title=={quote(title[1:])}")).keys == []


async def test_newest_first_and_new_items_come_before_old_ones(peer: Peer) -> None:
    new = peer.state.add_item(MOVIES[3], edition="Extended")
    whole = await peer.get(f"{ALL}?sort=addedAt:desc")
    moments = [row["addedAt"] for row in whole.rows]
    assert whole.keys[0] == new.rating_key
    assert moments == sorted(moments, reverse=True)
    paged = [
        key
        for start in (0, 15, 30)
        for key in (await peer.get(f"{ALL}?sort=addedAt:desc&{page(start, 15)}")).keys
    ]
    assert paged == whole.keys
    assert (await peer.get(f"{ALL}?sort=movie.addedAt:asc")).keys == whole.keys[::-1]


async def test_listing_order_stays_while_items_come_and_go(peer: Peer) -> None:
    await peer.get(ALL)
    await peer.get(f"{ALL}?sort=addedAt")
    peer.state.delete_item("5")
    new = peer.state.add_item(MOVIES[9])
    after = (await peer.get(ALL)).rows
    titles = [peer.state.items[row["ratingKey"]].sort_key("titleSort") for row in after]
    assert titles == sorted(titles)
    assert {"5", new.rating_key} & {row["ratingKey"] for row in after} == {new.rating_key}


async def test_label_directory_is_per_section_and_type_and_knows_spelling(peer: Peer) -> None:
    peer.state.add_label("1", "jürgen")
    peer.state.add_label(peer.state.items_of(SHOWS[0])[0].rating_key, "kids")
    (row,) = (await peer.get("/library/sections/1/label?type=1")).directory
    assert row["title"] == "Jürgen"
    assert row["fastKey"] == f"/library/sections/1/all?label={row['key']}"
    assert (await peer.get("/library/sections/1/label?type=2")).directory == []
    assert [row["title"] for row in (await peer.get("/library/sections/2/label")).directory] == [
        "Kids"
    ]
    tags = (await peer.get("/library/tags?type=11")).directory
    assert [(tag["tag"], tag["count"]) for tag in tags] == [("Jürgen", 1), ("Kids", 1)]


@pytest.mark.parametrize("linger", [False, True])
async def test_label_without_carriers_is_gone_unless_it_lingers(linger: bool) -> None:
    async with plex(knobs=PlexKnobs(linger=linger)) as peer:
        peer.state.add_label("1", "Kids")
        peer.state.remove_label("1", "kids")
        assert len((await peer.get("/library/sections/1/label?type=1")).directory) == int(linger)


async def test_what_the_simulator_computes_is_part_of_the_charge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def slow(*args: Any, **options: Any) -> Found:
        time.sleep(0.2)
        return select(*args, **options)

    paused: list[float] = []
    pause = LocalServer.pause

    async def remember(server: LocalServer, seconds: float) -> None:
        paused.append(seconds)
        await pause(server, seconds)

    monkeypatch.setattr(LocalServer, "pause", remember)
    monkeypatch.setattr(reading, "select", slow)
    async with plex(knobs=PlexKnobs(get_seconds=0.3)) as peer:
        await peer.get(ALL)
        took = peer.sim.stats.log[-1].duration
    assert took >= 0.3
    (left,) = paused
    assert left <= 0.1


async def test_reads_take_the_configured_time() -> None:
    async with plex(knobs=PlexKnobs(get_seconds=0.02, get_seconds_per_row=0.002)) as peer:
        await peer.get(ALL)
        assert peer.sim.stats.log[-1].duration >= 0.02 + 0.002 * len(MOVIES)
    pace = PlexKnobs.realistic()
    assert (pace.get_seconds, pace.get_seconds_per_row) == (0.005, 0.00005)
    assert (pace.put_seconds, pace.put_seconds_per_item) == (0.02, 0.002)
    assert (
        replace(pace, get_seconds=0, get_seconds_per_row=0, put_seconds=0, put_seconds_per_item=0)
        == PlexKnobs()
    )
