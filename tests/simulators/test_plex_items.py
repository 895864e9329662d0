"""Items of the simulated Plex server, and how its libraries are filled."""

from __future__ import annotations

from collections import Counter

import pytest

from simulators.catalog import make_catalog
from simulators.plex import make_plex_state
from tests.simulators.plex_fixtures import MOVIES, SHOWS, Peer, plain_state, plex

pytestmark = pytest.mark.usefixtures("socket_enabled")

BIG = make_catalog(3, 1200, 500)


async def test_details_have_labels_with_id_filter_and_text(peer: Peer) -> None:
    peer.state.add_label("1", "kids")
    peer.state.add_label("1", "Été")
    (row,) = (await peer.get("/library/metadata/1")).rows
    assert [label["tag"] for label in row["Label"]] == ["Kids", "Été"]
    assert all(label["filter"] == f"label={label['id']}" for label in row["Label"])
    assert {"Media", "Guid", "librarySectionID", "librarySectionTitle"} <= set(row)
    assert "Field" not in row


async def test_multi_get_leaves_out_what_is_not_there(peer: Peer) -> None:
    answer = await peer.get("/library/metadata/3,99999,1,junk,1")
    assert (answer.status, answer.keys) == (200, ["1", "3"])
    assert (await peer.get("/library/metadata/99998,99999")).status == 404
    assert (await peer.get("/library/metadata/99999")).status == 404


async def test_multi_get_takes_encoded_commas_and_many_ids(peer: Peer) -> None:
    keys = [item.rating_key for item in peer.state.items.values()]
    assert len((await peer.get(f"/library/metadata/{'%2C'.join(keys)}")).keys) == len(keys)


async def test_rating_keys_are_never_used_again(peer: Peer) -> None:
    ever = set(peer.state.items)
    before = peer.state.items_of(SHOWS[0])[0].rating_key
    for _ in range(3):
        peer.state.delete_item(before)
        assert (await peer.get(f"/library/metadata/{before}")).status == 404
        after = peer.state.add_item(SHOWS[0])
        assert after.rating_key not in ever
        assert peer.state.items_of(SHOWS[0]) == [after]
        assert peer.state.labels_of(after.rating_key) == ()
        ever.add(after.rating_key)
        before = after.rating_key


async def test_deleted_item_takes_its_label_along(peer: Peer) -> None:
    peer.state.add_label("1", "Kids")
    peer.state.delete_item("1")
    assert (await peer.get("/library/sections/1/all?label=kids")).rows == []
    assert (await peer.get("/library/sections/1/label?type=1")).directory == []


async def test_rematched_item_changes_guid_and_keeps_key_and_labels(peer: Peer) -> None:
    peer.state.add_label("1", "Kids")
    peer.state.rematch("1", guid="plex://movie/0", guids=("tmdb://5",), title="Another")
    (row,) = (await peer.get("/library/sections/1/all?guid=plex://movie/0&includeGuids=1")).rows
    assert (row["ratingKey"], row["title"], row["Guid"]) == ("1", "Another", [{"id": "tmdb://5"}])
    assert (await peer.get(f"/library/sections/1/all?guid={MOVIES[0].plex_guid}")).rows == []
    assert peer.state.labels_of("1") == ("Kids",)


async def test_label_by_hand_may_be_put_on_and_removed_in_any_case(peer: Peer) -> None:
    peer.state.add_label("1", "kids")
    assert peer.state.labels_of(1) == ("Kids",)
    assert [item.rating_key for item in peer.state.carriers("KIDS")] == ["1"]
    peer.state.remove_label("1", "KIDS")
    assert peer.state.labels_of("1") == ()
    with pytest.raises(KeyError):
        peer.state.add_label("99999", "x")


def test_same_seed_makes_the_same_server() -> None:
    one, two = make_plex_state(BIG, 4), make_plex_state(BIG, 4)
    assert [(i.rating_key, i.guid, i.labels, i.added_at) for i in one.items.values()] == [
        (i.rating_key, i.guid, i.labels, i.added_at) for i in two.items.values()
    ]
    assert (
        one.machine_identifier
        == two.machine_identifier
        != make_plex_state(BIG, 5).machine_identifier
    )


def test_seed_has_the_oddities_of_grown_libraries() -> None:
    state = make_plex_state(BIG, 1, legacy=0.08, unmatched=0.03)
    assert [library.title for library in state.libraries.values()] == [
        "Movies",
        "TV Shows",
        "Movies 4K",
    ]
    agents = Counter(item.guid.partition("://")[0] for item in state.items.values())
    assert {
        "plex",
        "local",
        "com.plexapp.agents.none",
        "com.plexapp.agents.imdb",
        "com.plexapp.agents.thetvdb",
    } <= set(agents)
    assert any("hama://tvdb-" in item.guid for item in state.items.values())
    assert any("hama://anidb-" in item.guid for item in state.items.values())
    assert agents["plex"] > 0.8 * len(state.items)
    same_section = Counter((item.section, item.guid) for item in state.items.values())
    assert max(same_section.values()) == 2
    assert {item.edition for item in state.items.values()} > {"", "Extended"}
    assert {"Kids", "Documentary, short", "100% Fun", "Feel-good 🎉"} <= {
        tag.text for tag in state.tags.all()
    }
    in_4k = [item for item in state.items.values() if item.section == "3"]
    assert all(
        len(state.items_of(item.origin, identified=False)) >= 2 for item in in_4k if item.origin
    )


def test_shares_are_kept() -> None:
    state = make_plex_state(BIG, 1, missing=0.25, unmatched=0.1)
    there = {item.origin.key for item in state.items.values() if item.origin}
    assert abs(len(there) / len(BIG) - 0.75) < 0.05
    assert {title.key for title in state.missing()} == {title.key for title in BIG} - there
    unknown = [
        item
        for item in state.items.values()
        if item.guid.startswith(("local://", "com.plexapp.agents.none"))
    ]
    assert abs(len(unknown) / len(there) - 0.1) < 0.05


def test_items_that_no_one_could_distinguish_are_only_found_on_request() -> None:
    state = plain_state(unmatched=1.0)
    assert state.items_of(MOVIES[0]) == []
    assert len(state.items_of(MOVIES[0], identified=False)) == 1


async def test_optional_libraries_of_other_kinds() -> None:
    async with plex(
        plain_state(legacy=0.5, legacy_library=True, music_library=True, collections=2)
    ) as peer:
        kinds = [
            (row["title"], row["type"]) for row in (await peer.get("/library/sections")).directory
        ]
        assert kinds == [
            ("Movies", "movie"),
            ("TV Shows", "show"),
            ("Old Movies", "movie"),
            ("Music", "artist"),
        ]
        old = (await peer.get("/library/sections/4/all?includeGuids=1")).rows
        assert old
        assert all(
            row["guid"].startswith("com.plexapp.agents.") and "Guid" not in row for row in old
        )
        assert (await peer.get("/library/sections/5/all")).rows == []
        assert len((await peer.get("/library/sections/1/collections")).rows) == 2
