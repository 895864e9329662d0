"""Edits of labels on the simulated Plex server."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import quote

from hypothesis import given, settings, strategies as st
import pytest

from simulators.plex import PlexKnobs
from tests.simulators.plex_fixtures import MOVIES, SHOWS, Peer, added, plain_state, plex, removed

pytestmark = pytest.mark.usefixtures("socket_enabled")

ODD_LABELS = [
    "Kids",
    "C, x",
    "100% Fun",
    "a+b",
    "Jürgen",
    "Feel-good 🎉",
    "%41",
    "&=?#/",
    "x'\"<y>",
    "[0].tag.tag-",
]


async def test_adding_merges_with_what_is_there(peer: Peer) -> None:
    peer.state.add_label("1", "Kids")
    answer = await peer.edit("id=1,2", added("Tim"), added("Rosa", "1"))
    assert (answer.status, answer.body) == (200, b"")
    assert peer.state.labels_of("1") == ("Kids", "Tim", "Rosa")
    assert peer.state.labels_of("2") == ("Tim", "Rosa")
    assert peer.state.labels_of("3") == ()


@pytest.mark.parametrize("label", ODD_LABELS)
async def test_odd_labels_go_on_once_encoded_and_off_twice_encoded(peer: Peer, label: str) -> None:
    stored = label[:1].upper() + label[1:]
    await peer.edit("id=1", added("Other"), added(stored, "1"))
    assert peer.state.labels_of("1") == ("Other", stored if label != "[0].tag.tag-" else label)
    await peer.edit("id=1", removed(peer.state.labels_of("1")[1]))
    assert peer.state.labels_of("1") == ("Other",)


async def test_singly_encoded_removal_misses_labels_with_comma_percent_or_plus(peer: Peer) -> None:
    for label in ("C, x", "50%41", "A+b"):
        peer.state.add_label("1", label)
    await peer.edit("id=1", "label%5B%5D.tag.tag-=C%2C%20x", "label%5B%5D.tag.tag-=50%2541,A%2Bb")
    assert set(peer.state.labels_of("1")) == {"C, x", "50%41", "A+b"}
    await peer.edit("id=1", removed("C, x", "50%41", "A+b"))
    assert peer.state.labels_of("1") == ()


async def test_several_removes_and_adds_ride_in_one_request(peer: Peer) -> None:
    for label in ("A", "B", "C"):
        peer.state.add_label("1", label)
    await peer.edit(
        "id=1",
        added("D", "0"),
        removed("A", "B"),
        added("E", "7"),
        added("F", ""),
        "label.locked=1",
    )
    assert peer.state.labels_of("1") == ("C", "D", "E", "F")


@pytest.mark.parametrize(("order", "left"), [("remove_first", ("A",)), ("add_first", ())])
async def test_order_of_adding_and_removing_the_same_label(
    order: str, left: tuple[str, ...]
) -> None:
    async with plex(knobs=PlexKnobs(edit_order=order)) as peer:  # type: ignore[arg-type]  # one of the modes
        peer.state.add_label("1", "A")
        await peer.edit("id=1", added("A"), removed("A"))
        assert peer.state.labels_of("1") == left


async def test_remove_all_labels(peer: Peer) -> None:
    peer.state.add_label("1", "A")
    await peer.edit("id=1", "label%5B%5D.tag=", added("B"))
    assert peer.state.labels_of("1") == ("B",)


async def test_ids_may_be_separated_by_raw_or_encoded_commas(peer: Peer) -> None:
    await peer.edit("id=1%2C2", added("A"))
    await peer.edit("id=3,4", added("A"))
    assert [item.rating_key for item in peer.state.carriers("A")] == ["1", "2", "3", "4"]


async def test_ids_of_another_section_or_type_and_unknown_ones_are_skipped(peer: Peer) -> None:
    show = peer.state.items_of(SHOWS[0])[0].rating_key
    assert (await peer.edit(f"id=1,{show},99999,junk", added("A"))).status == 200
    assert (await peer.edit("id=2", added("A"), kind=2)).status == 200
    assert [item.rating_key for item in peer.state.carriers("A")] == ["1"]
    await peer.edit(f"id=1,{show}", added("B"), section="2", kind=2)
    assert [item.rating_key for item in peer.state.carriers("B")] == [show]


async def test_collections_take_labels(peer: Peer) -> None:
    collection = peer.state.add_collection("1", "Best of")
    await peer.edit(f"id={collection.rating_key}", added("Kids"), kind=18)
    assert collection.labels == ("Kids",)
    (row,) = (await peer.get(f"/library/metadata/{collection.rating_key}")).rows
    assert row["Label"][0]["tag"] == "Kids"


@pytest.mark.parametrize("ids", [[], ["id="], ["id=,"]])
async def test_edit_without_ids_edits_the_whole_section_and_is_flagged(ids: list[str]) -> None:
    async with plex() as peer:
        await peer.edit(*ids, added("A"))
        assert len(peer.state.carriers("A")) == len(MOVIES)
        assert len(peer.sim.violations) == 1
        assert "section 1" in peer.sim.violations[0]


async def test_edit_without_ids_follows_the_other_filters() -> None:
    async with plex() as peer:
        for key in ("1", "2"):
            peer.state.add_label(key, "A")
        await peer.edit("label=a", removed("A"))
        assert peer.state.carriers("A") == []
        assert peer.sim.violations != []


async def test_delete_of_an_item_is_flagged() -> None:
    async with plex() as peer:
        assert (await peer.ask("DELETE", "/library/metadata/1")).status == 200
        assert "1" not in peer.state.items
        assert peer.sim.violations == ["DELETE of item 1"]


@pytest.mark.parametrize(
    ("mode", "stored"),
    [("first", "Leaving-soon"), ("words", "Leaving-Soon"), ("none", "leaving-soon")],
)
async def test_new_label_is_capitalized(mode: str, stored: str) -> None:
    async with plex(knobs=PlexKnobs(capitalize=mode)) as peer:  # type: ignore[arg-type]  # one of the modes
        await peer.edit("id=1", added("leaving-soon"))
        assert peer.state.labels_of("1") == (stored,)
        (row,) = (await peer.get("/library/sections/1/label?type=1")).directory
        assert row["title"] == stored


@pytest.mark.parametrize(("reuse", "spellings"), [(True, {"Kids"}), (False, {"Kids", "KIDS"})])
async def test_existing_label_keeps_its_spelling_or_gets_a_twin(
    reuse: bool, spellings: set[str]
) -> None:
    async with plex(knobs=PlexKnobs(reuse_spelling=reuse)) as peer:
        await peer.edit("id=1", added("kids"))
        await peer.edit("id=2", added("KIDS"))
        assert {
            row["title"] for row in (await peer.get("/library/sections/1/label?type=1")).directory
        } == spellings
        assert set((await peer.get("/library/sections/1/all?label=kiDS")).keys) == {"1", "2"}


@pytest.mark.parametrize(("case", "left"), [("exact", ("Kids",)), ("fold", ())])
async def test_removal_in_another_spelling(case: str, left: tuple[str, ...]) -> None:
    async with plex(knobs=PlexKnobs(remove_case=case)) as peer:  # type: ignore[arg-type]  # one of the modes
        peer.state.add_label("1", "Kids")
        assert (await peer.edit("id=1", removed("kids"))).status == 200
        assert peer.state.labels_of("1") == left


async def test_edits_may_be_repeated_without_harm(peer: Peer) -> None:
    for _ in range(2):
        await peer.edit("id=1,2", added("A"))
    assert peer.state.labels_of("1") == ("A",)
    for _ in range(2):
        await peer.edit("id=1", removed("A"))
    assert [item.rating_key for item in peer.state.carriers("A")] == ["2"]


@pytest.mark.parametrize(
    "garbage",
    ["label=A&label[x].tag.tag=B", "tag=A", "label%5B0%5D.tag.tag=", "label%5B0%5D=A", "%ff%fe=1"],
)
async def test_garbage_is_200_and_nothing(peer: Peer, garbage: str) -> None:
    peer.state.add_label("1", "Kids")
    assert (await peer.edit("id=1", garbage)).status == 200
    assert peer.state.labels_of("1") == ("Kids",)


async def test_lock_sets_and_clears_the_field(peer: Peer) -> None:
    await peer.edit("id=1", "label.locked=1")
    assert (await peer.get("/library/metadata/1")).rows[0]["Field"] == [
        {"locked": True, "name": "label"}
    ]
    await peer.edit("id=1", added("A"))
    assert "Field" in (await peer.get("/library/metadata/1")).rows[0]
    await peer.edit("id=1", "label.locked=0")
    assert "Field" not in (await peer.get("/library/metadata/1")).rows[0]


@pytest.mark.parametrize(("mode", "labels"), [("replace", ("B",)), ("merge", ("A", "B"))])
async def test_edit_of_a_single_item_replaces_or_merges(mode: str, labels: tuple[str, ...]) -> None:
    async with plex(knobs=PlexKnobs(metadata_put=mode)) as peer:  # type: ignore[arg-type]  # one of the modes
        peer.state.add_label("1", "A")
        await peer.put(f"/library/metadata/1?{added('B')}")
        assert peer.state.labels_of("1") == labels
        await peer.put("/library/metadata/1?label%5B0%5D.tag.tag-=")
        assert peer.state.labels_of("1") == (() if mode == "replace" else labels)
        await peer.put("/library/metadata/1?title.value=X")
        assert (await peer.put(f"/library/metadata/99999?{added('B')}")).status == 404


@pytest.mark.parametrize("bump", [False, True])
async def test_label_edits_leave_no_trace_in_times_unless_configured(bump: bool) -> None:
    async with plex(knobs=PlexKnobs(bump=bump)) as peer:
        before = peer.state.items["1"].updated_at, peer.state.libraries["1"].content_changed_at
        await peer.edit("id=1", added("A"))
        after = peer.state.items["1"].updated_at, peer.state.libraries["1"].content_changed_at
        assert (after != before) == bump


async def test_reads_see_an_edit_after_it_has_settled() -> None:
    async with plex(knobs=PlexKnobs(settle=600)) as peer:
        await peer.edit("id=1", added("A"))
        await peer.edit("id=1", removed("A"), added("B"))
        assert (await peer.get("/library/sections/1/all?label=A")).rows == []
        peer.sim.settle()
        assert peer.state.labels_of("1") == ("B",)


async def test_an_acknowledged_edit_is_not_lost_when_the_server_stops() -> None:
    async with plex(knobs=PlexKnobs(settle=30)) as peer:
        await peer.edit("id=1", added("A"))
        assert peer.state.labels_of("1") == ()
    assert peer.state.labels_of("1") == ("A",)


async def test_edits_are_done_one_after_another_at_their_cost() -> None:
    async with plex(knobs=PlexKnobs(put_seconds=0.03, put_seconds_per_item=0.01)) as peer:
        began = time.perf_counter()
        await asyncio.gather(peer.edit("id=1,2", added("A")), peer.edit("id=3,4", added("A")))
        assert time.perf_counter() - began >= 2 * (0.03 + 2 * 0.01)
        assert len(peer.state.carriers("A")) == 4


LABEL = st.sampled_from(["Kids", "Tim", "C, x", "100% Fun", "A+b"])
EDIT = st.tuples(
    st.lists(st.sampled_from("1234"), min_size=1, max_size=4, unique=True),
    st.lists(LABEL, max_size=3, unique=True),
    st.lists(LABEL, max_size=3, unique=True),
)


@given(edits=st.lists(EDIT, max_size=6))
@settings(max_examples=15)
def test_any_series_of_edits_ends_as_a_dictionary_of_sets_would(
    edits: list[tuple[list[str], list[str], list[str]]],
) -> None:
    expected: dict[str, set[str]] = {key: set() for key in "1234"}

    async def play() -> None:
        async with plex(plain_state()) as peer:
            for keys, add, remove in edits:
                arguments = [added(label, str(index)) for index, label in enumerate(add)]
                arguments += [removed(*remove)] if remove else []
                await peer.edit(f"id={','.join(keys)}", *arguments)
                for key in keys:
                    expected[key] = (expected[key] - set(remove)) | set(add)
            for label in ("Kids", "Tim", "100% Fun", "A+b"):
                found = await peer.get(f"/library/sections/1/all?label={quote(label)}")
                assert set(found.keys) == {
                    key for key, labels in expected.items() if label in labels
                }
            assert {key: set(peer.state.labels_of(key)) for key in "1234"} == expected

    asyncio.run(play())
