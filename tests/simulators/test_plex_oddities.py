"""What the simulated Plex can be told to do that a server should not: odd answers, broken items, used-again keys."""

from __future__ import annotations

import json

import pytest

from simulators.plex import Fault, PlexKnobs
from simulators.plex.server import LISTING_ROUTE
from tests.simulators.plex_fixtures import MOVIES, Peer, added, removed
from tests.simulators.waiting import until

pytestmark = pytest.mark.usefixtures("socket_enabled")

ALL = "/library/sections/1/all?type=1&includeGuids=1"
PAGE = f"{ALL}&X-Plex-Container-Start=0&X-Plex-Container-Size=10"


async def test_empty_answer_comes_once(peer: Peer) -> None:
    peer.sim.faults.add(Fault("empty", route=LISTING_ROUTE))
    answer = await peer.get(PAGE)
    assert (answer.box["size"], answer.box["totalSize"], answer.rows) == (0, 0, [])
    assert len((await peer.get(PAGE)).rows) == 10


async def test_headless_answer_has_neither_rows_nor_numbers(peer: Peer) -> None:
    peer.sim.faults.add(Fault("headless", route=LISTING_ROUTE))
    assert not {"size", "totalSize", "offset", "Metadata"} & set((await peer.get(PAGE)).box)


async def test_page_repeats_a_row_in_place_of_another(peer: Peer) -> None:
    keys = (await peer.get(PAGE)).keys
    peer.sim.faults.add(Fault("repeated_row", route=LISTING_ROUTE))
    assert (await peer.get(PAGE)).keys == [*keys[:-1], keys[-2]]


async def test_row_or_label_is_left_out_once(peer: Peer) -> None:
    for key, label in (("1", "Ann"), ("2", "Ben"), ("2", "Ann"), ("3", "Ann")):
        peer.state.add_label(key, label)
    labels = "/library/sections/1/label?type=1"
    peer.sim.faults.add(Fault("left_out", route="/library/sections/{id}/label"))
    assert [row["title"] for row in (await peer.get(labels)).directory] == ["Ann"]
    assert len((await peer.get(labels)).directory) == 2
    peer.sim.faults.add(Fault("left_out", route=LISTING_ROUTE, match=r"[?&]label="))
    assert len((await peer.get(ALL)).rows) == len(MOVIES)
    answer = await peer.get(f"{ALL}&label=Ann")
    assert (answer.box["size"], len(answer.rows)) == (2, 2)
    assert len((await peer.get(f"{ALL}&label=Ann")).rows) == 3


async def test_listing_without_guids_comes_once(peer: Peer) -> None:
    peer.sim.faults.add(Fault("no_guids", route=LISTING_ROUTE))
    assert not any("Guid" in row for row in (await peer.get(PAGE)).rows)
    assert all("Guid" in row for row in (await peer.get(PAGE)).rows)


async def test_item_goes_and_another_comes_just_before_an_answer(peer: Peer) -> None:
    first = (await peer.get(PAGE)).keys[0]
    peer.sim.faults.add(Fault("swapped_row", route=LISTING_ROUTE))
    answer = await peer.get(PAGE)
    assert first not in peer.state.items
    assert answer.box["totalSize"] == len(MOVIES)


async def test_fault_of_one_section_spares_the_others(peer: Peer) -> None:
    peer.sim.faults.add(Fault("busy", route=LISTING_ROUTE, match="/sections/1/", times=None))
    assert (await peer.get(ALL)).status == 500
    assert (await peer.get("/library/sections/2/all")).status == 200


async def test_order_that_is_asked_for_may_be_ignored(peer: Peer) -> None:
    by_title = (await peer.get(ALL)).keys
    assert (await peer.get(f"{ALL}&sort=addedAt")).keys != by_title
    peer.sim.knobs = PlexKnobs(sorting=False)
    assert (await peer.get(f"{ALL}&sort=addedAt")).keys == by_title


async def test_broken_item_breaks_every_answer_about_it(peer: Peer) -> None:
    peer.sim.broken_items["3"] = "busy"
    assert (await peer.get("/library/metadata/1,2,3")).status == 500
    assert (await peer.get(ALL)).status == 500
    assert (await peer.get("/library/metadata/1,2")).status == 200
    del peer.sim.broken_items["3"]
    assert (await peer.get(ALL)).status == 200


async def test_broken_rows_are_what_no_encoder_writes(peer: Peer) -> None:
    peer.sim.broken_items["3"] = "bad_bytes"
    body = (await peer.get("/library/metadata/3")).body
    assert b"Am\xe9lie" in body
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    peer.sim.broken_items["3"] = "surrogate"
    row = json.loads((await peer.get("/library/metadata/3")).body)["MediaContainer"]["Metadata"][0]
    assert row["title"] == "Am\ud83clie"
    peer.sim.broken_items["3"] = "no_key"
    assert (await peer.get("/library/metadata/3")).keys == [""]


async def test_library_is_made_again_under_its_number(peer: Peer) -> None:
    peer.state.add_label("1", "Ann")
    before = peer.state.libraries["1"].uuid
    titles = {item.title for item in peer.state.items.values()}
    old = set(peer.state.items)
    library = peer.state.rebuild_library("1")
    assert library.uuid != before
    assert "1" not in peer.state.items
    assert {item.title for item in peer.state.items.values()} == titles
    again = peer.state.rebuild_library("1", same_keys=True)
    assert again.uuid != before
    movies = {item.rating_key for item in peer.state.items.values() if item.section == "1"}
    assert not movies & old
    assert not peer.state.carriers("Ann")


async def test_key_is_used_again_for_another_title(peer: Peer) -> None:
    peer.sim.delete_item("5")
    title = MOVIES[30]
    item = peer.state.add_item(title, rating_key="5")
    assert (item.rating_key, item.origin) == ("5", title)
    with pytest.raises(ValueError, match="there is an item 5"):
        peer.state.add_item(title, rating_key="5")


async def test_external_ids_are_corrected_under_the_same_guid(peer: Peer) -> None:
    guid = peer.state.items["3"].guid
    peer.sim.correct_ids("3", ["imdb://tt0000001", "tmdb://1"])
    row = (await peer.get("/library/metadata/3")).rows[0]
    assert row["guid"] == guid
    assert [one["id"] for one in row["Guid"]] == ["imdb://tt0000001", "tmdb://1"]


async def test_labels_come_back_as_a_copy_has_them(peer: Peer) -> None:
    peer.state.add_label("1", "Ann")
    copy = peer.state.snapshot()
    peer.state.remove_label("1", "Ann")
    peer.state.add_label("2", "Ben")
    peer.state.restore(copy)
    assert (peer.state.labels_of("1"), peer.state.labels_of("2")) == (("Ann",), ())


async def test_edit_shows_only_after_a_while(peer: Peer) -> None:
    peer.sim.knobs = PlexKnobs(settle=0.1)
    await peer.edit("id=1", added("Ann"))
    assert peer.state.labels_of("1") == ()
    await until(lambda: peer.state.labels_of("1") == ("Ann",))
    peer.sim.knobs = PlexKnobs(settle=10)
    await peer.edit("id=2", added("Ann"))
    assert peer.state.labels_of("2") == ()
    peer.sim.settle()
    assert peer.state.labels_of("2") == ("Ann",)


async def test_label_is_cut_where_the_server_wants_it_short(peer: Peer) -> None:
    peer.sim.knobs = PlexKnobs(label_max=5)
    await peer.edit("id=1", added("Grandmother"))
    assert peer.state.labels_of("1") == ("Grand",)


async def test_removal_is_decoded_once_where_the_server_does_so(peer: Peer) -> None:
    peer.state.add_label("1", "Zoë x")
    peer.sim.knobs = PlexKnobs(removal_decodes=False)
    await peer.edit("id=1", removed("Zoë x"))
    assert peer.state.labels_of("1") == ("Zoë x",)
    await peer.edit("id=1", "label%5B%5D.tag.tag-=Zo%C3%AB%20x")
    assert peer.state.labels_of("1") == ()


async def test_request_for_too_many_items_is_refused(peer: Peer) -> None:
    peer.sim.knobs = PlexKnobs(multi_get_max=2)
    assert (await peer.get("/library/metadata/1,2")).status == 200
    assert (await peer.get("/library/metadata/1,2,3")).status == 400


async def test_edit_moves_the_stamp_that_it_shall(peer: Peer) -> None:
    item, library = peer.state.items["1"], peer.state.libraries["1"]
    for what, label in (("item", "A"), ("library", "B")):
        before = item.updated_at, library.content_changed_at
        peer.sim.knobs = PlexKnobs(bump=True, bump_what=what)  # type: ignore[arg-type]
        await peer.edit("id=1", added(label))
        moved = item.updated_at != before[0], library.content_changed_at != before[1]
        assert moved == (what == "item", what == "library")
