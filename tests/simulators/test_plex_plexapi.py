"""The simulated Plex server as python-plexapi, an independent client, sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plexapi import server as plexapi_server
from plexapi.exceptions import BadRequest, NotFound, Unauthorized
import pytest

from simulators.plex import PlexKnobs
from tests.simulators.plex_fixtures import MOVIES, SHOWS, Peer, in_thread, plain_state, plex

if TYPE_CHECKING:
    from collections.abc import Callable

PlexServer: Any = plexapi_server.PlexServer  # plexapi has no types
pytestmark = pytest.mark.usefixtures("socket_enabled")

ODD_LABELS = [
    "Kids",
    "C, x",
    "100% Fun",
    "A+b",
    "Jürgen",
    "Feel-good 🎉",
    "50%41",
    "A & b = c?",
    "'\"<Y>;/#",
]


async def ask[T](peer: Peer, question: Callable[[Any], T], token: str | None = None) -> T:
    """Ask through a plexapi server object of its own."""
    url, token = peer.sim.url, token or peer.sim.token
    return await in_thread(lambda: question(PlexServer(url, token, timeout=10)))


async def test_server_introduces_itself(peer: Peer) -> None:
    name, machine, title = await ask(
        peer, lambda server: (server.friendlyName, server.machineIdentifier, server.library.title1)
    )
    assert (name, machine, title) == (
        peer.state.name,
        peer.state.machine_identifier,
        "Plex Library",
    )


async def test_wrong_token_is_unauthorized(peer: Peer) -> None:
    with pytest.raises(Unauthorized):
        await ask(peer, lambda server: server, token="wrong")


async def test_sections_and_items_are_listed_with_guids(peer: Peer) -> None:
    def question(server: Any) -> Any:  # plexapi has no types
        return {
            section.title: [
                (item.ratingKey, item.title, item.guid, {guid.id for guid in item.guids})
                for item in section.all()
            ]
            for section in server.library.sections()
        }

    found = await ask(peer, question)
    assert set(found) == {"Movies", "TV Shows"}
    for titles, name in ((MOVIES, "Movies"), (SHOWS, "TV Shows")):
        for title in titles:
            (item,) = peer.state.items_of(title)
            assert (item.number, title.title, title.plex_guid, set(item.guids)) in found[name]
        assert len(found[name]) == len(titles)


async def test_totals_pages_and_newest(peer: Peer) -> None:
    newest = peer.state.add_item(MOVIES[0], edition="Extended")

    def question(server: Any) -> Any:
        section = server.library.section("Movies")
        pages = section.all(container_size=7)
        return section.totalSize, len(pages), section.recentlyAdded(maxresults=1)[0].ratingKey

    assert await ask(peer, question) == (len(MOVIES) + 1, len(MOVIES) + 1, newest.number)


async def test_item_is_found_by_guid_and_by_title(peer: Peer) -> None:
    def question(server: Any) -> Any:
        section = server.library.section("Movies")
        by_guid = section.search(guid=MOVIES[1].plex_guid)
        by_title = section.get(MOVIES[1].title)
        return (
            [item.ratingKey for item in by_guid],
            by_title.ratingKey,
            server.library.search(guid=MOVIES[1].plex_guid),
        )

    found, key, _ = await ask(peer, question)
    assert found == [key] == [peer.state.items_of(MOVIES[1])[0].number]


@pytest.mark.parametrize("label", ODD_LABELS)
async def test_label_of_one_item_goes_on_is_found_and_comes_off(peer: Peer, label: str) -> None:
    peer.state.add_label("1", "Other")

    def put_on(server: Any) -> Any:
        item = server.fetchItem(1)
        item.addLabel(label)
        item.reload()
        section = server.library.section("Movies")
        return (
            {tag.tag for tag in item.labels},
            item.isLocked("label"),
            {found.ratingKey for found in section.search(label=label)},
            {choice.title for choice in section.listFilterChoices("label")},
        )

    labels, locked, found, choices = await ask(peer, put_on)
    assert labels == choices == {"Other", label} == set(peer.state.labels_of("1"))
    assert locked
    assert found == {1}

    def take_off(server: Any) -> None:
        server.fetchItem(1).removeLabel(label)

    await ask(peer, take_off)
    assert peer.state.labels_of("1") == ("Other",)


async def test_labels_of_many_items_go_on_and_off_in_one_request_each(peer: Peer) -> None:
    def put_on(server: Any) -> None:
        section = server.library.section("Movies")
        section.batchMultiEdits(section.all())
        section.addLabel(ODD_LABELS)
        section.saveMultiEdits()

    await ask(peer, put_on)
    assert all(
        set(item.labels) == set(ODD_LABELS)
        for item in peer.state.section_items("1", "movie").values()
    )
    assert peer.sim.stats.puts == 1

    def take_off(server: Any) -> None:
        section = server.library.section("Movies")
        section.batchMultiEdits(section.all())
        section.removeLabel(ODD_LABELS, locked=False)
        section.saveMultiEdits()

    await ask(peer, take_off)
    assert peer.state.tags.all() == []
    assert not any(item.label_locked for item in peer.state.items.values())


async def test_shows_are_labelled_too(peer: Peer) -> None:
    def question(server: Any) -> Any:
        section = server.library.section("TV Shows")
        show = section.all()[0]
        show.addLabel(["Tim", "Rosa"])
        return [found.ratingKey for found in section.search(label="tim")], show.ratingKey

    found, key = await ask(peer, question)
    assert found == [key]
    assert peer.state.labels_of(key) == ("Tim", "Rosa")


async def test_new_label_is_capitalized_and_found_in_any_spelling(peer: Peer) -> None:
    def question(server: Any) -> Any:
        section = server.library.section("Movies")
        server.fetchItem(1).addLabel("mika-whitelist")
        return [
            [item.ratingKey for item in section.search(label=text)]
            for text in ("mika-whitelist", "MIKA-WHITELIST")
        ]

    assert await ask(peer, question) == [[1], [1]]
    assert peer.state.labels_of("1") == ("Mika-whitelist",)


async def test_listed_items_have_no_labels_until_reloaded(peer: Peer) -> None:
    peer.state.add_label("1", "Kids")

    def question(server: Any) -> Any:
        item = next(item for item in server.library.section("Movies").all() if item.ratingKey == 1)
        item._autoReload = False
        listed = list(item.labels)
        item.reload()
        return listed, [tag.tag for tag in item.labels]

    assert await ask(peer, question) == ([], ["Kids"])


async def test_several_items_at_once_leave_out_the_missing_ones(peer: Peer) -> None:
    found = await ask(
        peer, lambda server: [item.ratingKey for item in server.fetchItems([1, 99999, 2])]
    )
    assert found == [1, 2]
    with pytest.raises(NotFound):
        await ask(peer, lambda server: server.fetchItem(99999))


async def test_too_many_ids_for_one_line_are_a_bad_request() -> None:
    async with plex(plain_state(), PlexKnobs(url_limit=150)) as peer:

        def question(server: Any) -> None:
            section = server.library.section("Movies")
            section.batchMultiEdits(section.all())
            section.addLabel("A").saveMultiEdits()

        with pytest.raises(BadRequest, match="414"):
            await ask(peer, question)
        assert peer.state.carriers("A") == []


async def test_shared_user_connects_lists_and_cannot_edit() -> None:
    async with plex() as peer:
        user = peer.sim.add_user("guest", sections=["1"])

        def question(server: Any) -> Any:
            sections = server.library.sections()
            with pytest.raises(BadRequest, match="403"):
                sections[0].all()[0].addLabel("A")
            return [(section.title, section.allowSync) for section in sections]

        assert await ask(peer, question, token=user.token) == [("Movies", False)]
        assert peer.state.carriers("A") == []


async def test_settings_of_the_server(peer: Peer) -> None:
    assert await ask(peer, lambda server: server.settings.get("butlerStartHour").value) == 2
