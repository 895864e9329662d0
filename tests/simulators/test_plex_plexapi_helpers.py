"""python-plexapi's own helpers for labels, edits and searches, against the simulated Plex server."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.plex import PlexKnobs
from tests.simulators.plex_fixtures import MOVIES, Peer
from tests.simulators.test_plex_plexapi import ask

pytestmark = pytest.mark.usefixtures("socket_enabled")


def titles(found: Any) -> set[str]:  # plexapi has no types
    """The titles of what was found."""
    return {item.title for item in found}


async def test_tags_are_edited_through_every_helper(peer: Peer) -> None:
    def question(server: Any) -> list[set[str]]:
        item, seen = server.fetchItem(1), []

        def note() -> None:
            item.reload()
            seen.append({tag.tag for tag in item.labels})

        item.addLabel(["Anna", "Ben"])
        note()
        item.editTags("label", ["Cleo"])
        note()
        item.editTags("label", ["Anna", "Cleo"], remove=True)
        note()
        item.batchEdits().addLabel("Dora").saveEdits()
        note()
        item.removeLabel(item.labels)
        note()
        return seen

    assert await ask(peer, question) == [
        {"Anna", "Ben"},
        {"Anna", "Ben", "Cleo"},
        {"Ben"},
        {"Ben", "Dora"},
        set(),
    ]
    assert peer.sim.violations == []


async def test_many_items_are_edited_at_once(peer: Peer) -> None:
    def question(server: Any) -> None:
        section = server.library.section("Movies")
        section.multiEdit(
            section.all()[:5], **{"label[0].tag.tag": "Anna", "label.locked": 1, "type": 1}
        )

    await ask(peer, question)
    assert len(peer.state.carriers("Anna")) == 5
    assert peer.sim.stats.puts == 1


async def test_title_is_edited(peer: Peer) -> None:
    def question(server: Any) -> str:
        item = server.fetchItem(1)
        item.editTitle("Another name")
        item.reload()
        return str(item.title)

    assert await ask(peer, question) == "Another name"
    assert peer.state.items["1"].labels == ()


async def test_labels_are_searched_for_in_every_way(peer: Peer) -> None:
    for key, label in (("1", "Anna"), ("2", "Anna"), ("2", "Ben"), ("3", "Cleo")):
        peer.state.add_label(key, label)

    def question(server: Any) -> dict[str, set[str]]:
        section = server.library.section("Movies")
        choice = next(one for one in section.listFilterChoices("label") if one.title == "Ben")
        both = {"and": [{"label": "Anna"}, {"label": "Ben"}]}
        return {
            "one": titles(section.search(label="anna")),
            "any": titles(section.search(label=["Ben", "Cleo"])),
            "not": titles(section.search(**{"label!": "Anna"})),
            "choice": titles(section.search(label=choice)),
            "items": titles(choice.items()),
            "both": titles(section.search(filters=both)),
            "title": titles(section.search(title=section.get(MOVIES[0].title).title)),
            "choices": titles(section.listFilterChoices("label")),
        }

    name = {key: item.title for key, item in peer.state.items.items()}
    movies = {title.title for title in MOVIES}
    found = await ask(peer, question)
    assert found["one"] == {name["1"], name["2"]}
    assert found["any"] == {name["2"], name["3"]}
    assert found["not"] == movies - {name["1"], name["2"]}
    assert found["choice"] == found["items"] == found["both"] == {name["2"]}
    assert MOVIES[0].title in found["title"]
    assert found["choices"] == {"Anna", "Ben", "Cleo"}


async def test_newest_and_sorted_listings_agree(peer: Peer) -> None:
    def question(server: Any) -> tuple[list[int], list[int]]:
        section = server.library.section("Movies")
        newest = [item.ratingKey for item in section.search(sort="addedAt:desc", maxresults=5)]
        oldest = [item.ratingKey for item in section.search(sort="addedAt:asc")]
        return newest, oldest

    newest, oldest = await ask(peer, question)
    assert newest == oldest[::-1][:5]


async def test_items_of_custom_providers_are_read_and_labelled(peer: Peer) -> None:
    guid = "tv.plex.agents.custom.example://movie/1"
    item = peer.state.add_item(MOVIES[0], guid=guid, guids=["imdb://tt1", "tmdb://1"])
    peer.sim.knobs = PlexKnobs(section_on_row=False)

    def question(server: Any) -> set[str]:
        found = server.fetchItem(item.number)
        found.addLabel("Anna")
        return {guid.id for guid in found.guids}

    assert await ask(peer, question) == set(item.guids)
    assert item.labels == ("Anna",)
