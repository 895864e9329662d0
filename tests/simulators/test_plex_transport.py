"""How the simulated Plex server is reached: tokens, formats, limits, records."""

from __future__ import annotations

import asyncio
from xml.etree import ElementTree as ET

import pytest

from simulators.plex import PlexKnobs, PlexSimulator
from tests.simulators.plex_fixtures import MOVIES, TOKEN, Peer, added, plain_state, plex

pytestmark = pytest.mark.usefixtures("socket_enabled")

ALL = "/library/sections/1/all"


def parsed_xml(body: bytes) -> ET.Element:
    return ET.fromstring(body)  # noqa: S314  # what our own server said


async def test_identity_needs_no_token_and_reports_three_things(peer: Peer) -> None:
    answer = await peer.get("/identity", token=None)
    assert answer.status == 200
    assert set(answer.box) - {"size"} == {"machineIdentifier", "version", "claimed"}
    assert answer.box["machineIdentifier"] == peer.state.machine_identifier


@pytest.mark.parametrize(
    "path",
    ["/", "/library", "/library/sections", ALL, "/library/metadata/1", "/:/prefs", "/nowhere"],
)
@pytest.mark.parametrize("token", [None, "wrong"])
async def test_everything_else_is_401_with_a_web_page(
    peer: Peer, path: str, token: str | None
) -> None:
    answer = await peer.get(path, token=token)
    assert (answer.status, answer.type) == (401, "text/html")
    with pytest.raises(ValueError, match="Expecting"):
        _ = answer.box


async def test_token_and_format_count_as_header_or_argument(peer: Peer) -> None:
    assert (await peer.get("/", token=TOKEN)).status == 200
    assert (await peer.get(f"/?X-Plex-Token={TOKEN}", token=None)).status == 200


async def test_xml_unless_json_is_accepted(peer: Peer) -> None:
    for path, tag in ((ALL, "Video"), ("/library/sections/2/all", "Directory")):
        root = parsed_xml((await peer.get(path, headers={"Accept": "*/*"})).body)
        rows = (await peer.get(path)).rows
        assert root.tag == "MediaContainer"
        assert {child.tag for child in root} == {tag}
        assert [child.get("ratingKey") for child in root] == [row["ratingKey"] for row in rows]
        assert [child.get("title") for child in root] == [row["title"] for row in rows]


async def test_json_has_string_keys_two_guids_and_no_empty_lists(peer: Peer) -> None:
    sections = await peer.get("/library/sections")
    assert all(isinstance(row["key"], str) for row in sections.directory)
    row = (await peer.get(f"{ALL}?includeGuids=1")).rows[0]
    assert isinstance(row["ratingKey"], str)
    assert isinstance(row["guid"], str)
    assert all(set(guid) == {"id"} for guid in row["Guid"])
    assert "Metadata" not in (await peer.get(f"{ALL}?label=nobody")).box


async def test_truth_values_are_digits_in_xml_and_booleans_in_json(peer: Peer) -> None:
    as_json = (await peer.get("/library/sections")).directory[0]
    as_xml = parsed_xml((await peer.get("/library/sections", headers={"Accept": "text/xml"})).body)[
        0
    ]
    assert as_json["allowSync"] is True
    assert as_xml.get("allowSync") == "1"


async def test_unknown_paths_and_plural_labels_are_404(peer: Peer) -> None:
    for path in ("/library/sections/1/labels", "/library/sections/99/all", "/nowhere"):
        assert (await peer.get(path)).status == 404


async def test_requests_are_counted_by_route_with_bytes_and_log(peer: Peer) -> None:
    peer.sim.stats.reset()
    listing = await peer.get(f"{ALL}?type=1&X-Plex-Token={TOKEN}")
    await peer.get("/library/sections/2/all")
    await peer.edit("id=1", added("A"))
    stats = peer.sim.stats
    assert stats.requests["GET", "/library/sections/{id}/all"] == 2
    assert (stats.gets, stats.puts, stats.total) == (2, 1, 3)
    assert stats.log[0].bytes_out == len(listing.body)
    assert stats.bytes_out >= len(listing.body)
    assert (stats.log[0].path, stats.log[0].query, stats.log[0].status) == (
        ALL,
        "type=1&X-Plex-Token=***",
        200,
    )
    assert TOKEN not in repr(stats.log)


async def test_peak_concurrency_is_recorded() -> None:
    async with plex(knobs=PlexKnobs(get_seconds=0.05)) as peer:
        await asyncio.gather(*(peer.get(ALL) for _ in range(3)))
        assert peer.sim.stats.peak_concurrency == 3
        peer.sim.stats.reset()
        await peer.get(ALL)
        assert peer.sim.stats.peak_concurrency == 1


@pytest.mark.parametrize(("limit", "status"), [(8192, 414), (8192, 400), (33_000, 400)])
async def test_request_line_over_the_limit_is_refused_and_nothing_done(
    limit: int, status: int
) -> None:
    async with plex(knobs=PlexKnobs(url_limit=limit, url_status=status)) as peer:
        line = f"PUT {ALL}?type=1&{added('A')}&id=1 HTTP/1.1"
        fits = "%2C1" * ((limit - len(line)) // 4)
        assert (await peer.edit(added("A"), f"id=1{fits}%2C1")).status == status
        assert peer.state.labels_of("1") == ()
        assert (await peer.edit(added("A"), f"id=1{fits}")).status == 200
        assert peer.state.labels_of("1") == ("A",)


async def test_restricted_user_sees_shared_sections_only() -> None:
    async with plex(plain_state(uhd_library=True)) as peer:
        hidden, other = peer.state.items_of(MOVIES[0])[0], peer.state.items_of(MOVIES[1])[0]
        user = peer.sim.add_user("guest", sections=["1"], hidden=[hidden.rating_key])
        sections = (await peer.get("/library/sections", token=user.token)).directory
        assert [(row["key"], row["allowSync"]) for row in sections] == [("1", False)]
        listing = await peer.get(ALL, token=user.token)
        assert other.rating_key in listing.keys
        assert hidden.rating_key not in listing.keys
        assert len(listing.keys) == len(MOVIES) - 1
        both = await peer.get(
            f"/library/metadata/{hidden.rating_key},{other.rating_key}", token=user.token
        )
        assert both.keys == [other.rating_key]
        for path, status in (
            ("/library", 401),
            ("/library/sections/2/all", 403),
            (f"/library/metadata/{hidden.rating_key}", 404),
            ("/:/prefs", 403),
        ):
            assert (await peer.get(path, token=user.token)).status == status
        assert (await peer.get("/", token=user.token)).status == 200


async def test_restricted_user_cannot_edit() -> None:
    async with plex() as peer:
        user = peer.sim.add_user("guest", sections=["1", "2"])
        for path in (f"{ALL}?type=1&id=1&{added('A')}", f"/library/metadata/1?{added('A')}"):
            assert (await peer.put(path, token=user.token)).status == 403
        assert peer.state.labels_of("1") == ()
        assert peer.sim.violations == []


async def test_share_rules_by_label_hide_items() -> None:
    async with plex() as peer:
        peer.state.add_label("1", "Kids")
        only = peer.sim.add_user("child", sections=["1"], only_labels=["kids"])
        never = peer.sim.add_user("parent", sections=["1"], never_labels=["KIDS"])
        assert (await peer.get(ALL, token=only.token)).keys == ["1"]
        assert "1" not in (await peer.get(ALL, token=never.token)).keys


async def test_server_listens_on_loopback_only_and_never_shows_its_token(
    peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    await peer.get(f"/?X-Plex-Token={TOKEN}", token=None)
    assert peer.sim.url.startswith("http://127.0.0.1:")
    assert TOKEN not in repr(peer.sim)
    assert all(
        TOKEN not in record.getMessage()
        for record in caplog.records
        if record.name.startswith("aiohttp")
    )


async def test_a_token_is_made_up_when_none_is_given() -> None:
    one, two = PlexSimulator(plain_state()), PlexSimulator(plain_state())
    assert len(one.token) >= 16
    assert one.token != two.token
