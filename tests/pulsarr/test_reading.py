"""People, watchlists and version as the client reads them over real HTTP."""

import asyncio
import threading

import pytest

from custom_components.plex_label_sync.pulsarr import answers
from custom_components.plex_label_sync.pulsarr.client import PulsarrClient
from custom_components.plex_label_sync.sync.model import (
    Failure,
    Gap,
    GapKind,
    MediaType,
    Person,
    Title,
)
from custom_components.plex_label_sync.sync.person_id import PersonId, pulsarr_id
from simulators.catalog import make_catalog
from simulators.http import Fault
from simulators.pulsarr import PulsarrKnobs, PulsarrSimulator
from simulators.pulsarr.knobs import UserFields

from .fixtures import (
    FILM,
    SHOW,
    WATCHLIST_ROUTE,
    MakeClient,
    OtherServer,
    failure_of,
    title_of,
)

# --- people ---


async def test_people_are_read_in_one_request(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    pulsarr.state.add_user("rosa", alias="Rosa B", display_name="Rosa Blum", id=7, plex_uuid="7r")
    pulsarr.state.add_user("tim", can_sync=False, id=9, plex_uuid=None)
    assert await client.people() == (
        Person(pulsarr_id(7), "rosa", "Rosa B", "Rosa Blum", uuid="7r"),
        Person(pulsarr_id(9), "tim", None, None, can_sync=False),
    )
    assert pulsarr.stats.total == 1
    assert client.statistics.requests == 1
    assert client.url == pulsarr.url


@pytest.mark.parametrize("user_fields", ["late_2025", "oldest"])
async def test_people_of_older_versions_are_understood(
    pulsarr: PulsarrSimulator, client: PulsarrClient, knobs: PulsarrKnobs, user_fields: UserFields
) -> None:
    knobs.user_fields = user_fields
    knobs.display_names = False
    pulsarr.state.add_user("rosa", id=7, plex_uuid=None)
    assert await client.people() == (Person(pulsarr_id(7), "rosa"),)


async def test_version_without_counts_is_asked_for_the_plain_list(
    pulsarr: PulsarrSimulator, client: PulsarrClient, knobs: PulsarrKnobs
) -> None:
    knobs.with_counts_route = False
    pulsarr.state.add_user("rosa", id=7, plex_uuid=None)
    assert await client.people() == (Person(pulsarr_id(7), "rosa"),)
    await client.check()


async def test_no_one_is_an_answer(pulsarr: PulsarrSimulator, client: PulsarrClient) -> None:
    assert await client.people() == ()


# --- watchlists ---


async def test_watchlist_titles_carry_key_and_external_ids(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    user = pulsarr.state.add_user("rosa")
    pulsarr.state.want(user.id, FILM)
    pulsarr.state.want(user.id, SHOW, type="SHOW")
    assert await client.watchlist(pulsarr_id(user.id)) == (title_of(FILM), title_of(SHOW))


async def test_watchlist_is_the_same_object_until_it_changes(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    user = pulsarr.state.add_user("rosa")
    pulsarr.state.want(user.id, FILM)
    before = await client.watchlist(pulsarr_id(user.id))
    await client.people()
    assert await client.watchlist(pulsarr_id(user.id)) is before
    pulsarr.state.unwant(user.id, FILM)
    pulsarr.state.want(user.id, SHOW)
    assert await client.watchlist(pulsarr_id(user.id)) == (title_of(SHOW),)
    pulsarr.state.unwant(user.id, SHOW)
    pulsarr.state.want(user.id, FILM)
    assert await client.watchlist(pulsarr_id(user.id)) == before


async def test_title_without_key_or_guids_keeps_the_other(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    user = pulsarr.state.add_user("rosa")
    pulsarr.state.want(user.id, FILM, key=None)
    pulsarr.state.want(user.id, SHOW, guids=())
    film, show = await client.watchlist(pulsarr_id(user.id))
    assert film.ids == set(FILM.guids)
    assert show.ids == {f"plex:{SHOW.key}"}


async def test_title_without_any_id_is_still_wanted(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    user = pulsarr.state.add_user("rosa")
    pulsarr.state.want(user.id, FILM, key="", guids=())
    assert await client.watchlist(pulsarr_id(user.id)) == (
        Title(MediaType.MOVIE, FILM.title, frozenset()),
    )


async def test_unknown_types_are_skipped(pulsarr: PulsarrSimulator, client: PulsarrClient) -> None:
    user = pulsarr.state.add_user("rosa")
    pulsarr.state.want(user.id, FILM, type="artist")
    pulsarr.state.want(user.id, SHOW)
    assert await client.watchlist(pulsarr_id(user.id)) == (title_of(SHOW),)


async def test_cut_off_watchlist_is_never_taken_for_a_shorter_one(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    user = pulsarr.state.add_user("rosa")
    pulsarr.state.want(user.id, FILM)
    pulsarr.state.want(user.id, SHOW)
    pulsarr.faults.add(Fault("short_page", route=WATCHLIST_ROUTE))
    err = await failure_of(client.watchlist(pulsarr_id(user.id)))
    assert err.failure is Failure.IMPLAUSIBLE
    assert "1 titles and counts 2" in err.detail
    assert WATCHLIST_ROUTE in err.detail


async def test_person_who_is_gone_is_not_found(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    err = await failure_of(client.watchlist(pulsarr_id(99)))
    assert (err.failure, err.status) == (Failure.NOT_FOUND, 404)


async def test_large_watchlist_is_parsed_off_the_event_loop(
    pulsarr: PulsarrSimulator, client: PulsarrClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()
    real = answers.watchlist

    def spy(answer: object, person_id: PersonId) -> answers.Watchlist:
        threads.add(threading.get_ident())
        return real(answer, person_id)

    monkeypatch.setattr(answers, "watchlist", spy)
    user = pulsarr.state.add_user("rosa")
    catalog = make_catalog(2, 1500, 0)
    for entry in catalog:
        pulsarr.state.want(user.id, entry)
    titles = await client.watchlist(pulsarr_id(user.id))
    assert pulsarr.stats.bytes_out > 256 * 1024
    assert titles == tuple(map(title_of, catalog))
    assert threads
    assert threading.get_ident() not in threads


async def test_at_most_four_requests_are_in_flight(
    pulsarr: PulsarrSimulator, client: PulsarrClient, knobs: PulsarrKnobs
) -> None:
    users = [pulsarr.state.add_user(f"user{number}") for number in range(12)]
    knobs.latency_ms = 20
    await asyncio.gather(*(client.watchlist(pulsarr_id(user.id)) for user in users))
    assert pulsarr.stats.peak_concurrency == 4


# --- version ---


async def test_version_is_reported(
    pulsarr: PulsarrSimulator, client: PulsarrClient, knobs: PulsarrKnobs
) -> None:
    knobs.version = "0.12.1"
    assert await client.version() == "0.12.1"


async def test_older_pulsarr_has_no_version_to_report(
    pulsarr: PulsarrSimulator, client: PulsarrClient, knobs: PulsarrKnobs
) -> None:
    knobs.update_status = False
    assert await client.version() is None


async def test_refused_key_is_not_taken_for_a_missing_route(
    pulsarr: PulsarrSimulator, make_client: MakeClient
) -> None:
    wrong_key = make_client(pulsarr.url, "wrong")
    assert (await failure_of(wrong_key.version())).failure is Failure.INVALID_AUTH
    assert (await failure_of(wrong_key.event_types())).failure is Failure.INVALID_AUTH


# --- answers that no simulated Pulsarr gives ---


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ("rosa", "user 2 of 3"),
        (None, "user 2 of 3"),
        ({}, "user 2 of 3"),
        ({"name": "rosa"}, "rosa"),
        ({"id": None, "name": "rosa"}, "rosa"),
        ({"id": True, "name": "rosa"}, "rosa"),
        ({"id": 2, "name": "rosa"}, "rosa"),
    ],
)
async def test_user_that_cannot_be_read_is_a_gap_and_costs_no_one_else(
    other: OtherServer, make_client: MakeClient, user: object, name: str
) -> None:
    tim, anna = {"id": 2, "name": "tim"}, {"id": 3, "name": "anna"}
    other.body = {"success": True, "users": [tim, user, anna]}
    gaps: list[Gap] = []
    people = await make_client(other.url, "k").people(on_gap=gaps.append)
    assert [one.username for one in people] == ["tim", "anna"]
    assert gaps == [Gap(GapKind.PERSON, f"row:{name}", name, Failure.IMPLAUSIBLE)]
    assert await make_client(other.url, "k").people() == people


@pytest.mark.parametrize("user", [{"id": 1}, {"id": 1, "name": None}, {"id": 1, "name": " "}])
async def test_user_without_a_name_is_there_without_one(
    other: OtherServer, make_client: MakeClient, user: object
) -> None:
    other.body = {"success": True, "users": [user, {"id": 2, "name": "tim"}]}
    gaps: list[Gap] = []
    people = await make_client(other.url, "k").people(on_gap=gaps.append)
    assert ([one.username for one in people], gaps) == (["", "tim"], [])


async def test_user_that_is_reported_twice_may_stand_where_another_should(
    other: OtherServer, make_client: MakeClient
) -> None:
    other.body = {"success": True, "users": [{"id": 2, "name": "tim"}] * 2}
    gaps: list[Gap] = []
    assert len(await make_client(other.url, "k").people(on_gap=gaps.append)) == 1
    assert [gap.name for gap in gaps] == ["user 2 of 2"]


@pytest.mark.parametrize(
    "row",
    [
        None,
        "Heat",
        {},
        {"title": "Heat", "key": "5d776826880197001ec90b9d"},
        {"type": None, "title": "Heat", "guids": ["tmdb:949"]},
        {"type": ["movie"], "title": "Heat", "guids": ["tmdb:949"]},
        {"type": "movie"},
        {"type": "movie", "title": None, "guids": [], "key": None},
        {"type": "movie", "title": "", "guids": None, "key": ""},
    ],
)
async def test_row_of_a_watchlist_that_cannot_be_read_is_counted_and_costs_no_other(
    other: OtherServer, make_client: MakeClient, row: object
) -> None:
    known = {"type": "movie", "title": "Alien", "guids": ["tmdb:348"]}
    other.body = {"success": True, "data": {"watchlistItems": [known, row], "total": 2}}
    client, gaps = make_client(other.url, "k"), list[Gap]()
    (title,) = await client.watchlist(pulsarr_id(1), on_gap=gaps.append)
    assert title.name == "Alien"
    assert gaps == [Gap(GapKind.PERSON, pulsarr_id(1), "1", Failure.IMPLAUSIBLE, 1)]
    # Who does not ask what is missing gets no list without it.
    err = await failure_of(client.watchlist(pulsarr_id(1)))
    assert err.failure is Failure.IMPLAUSIBLE
    assert "the watchlist of user 1 has unreadable rows: 1" in err.detail


async def test_users_of_whom_not_one_can_be_read_are_not_taken_for_an_empty_list(
    other: OtherServer, make_client: MakeClient
) -> None:
    other.body = {"success": True, "users": [{"name": "tim"}, 7]}
    assert (await failure_of(make_client(other.url, "k").people())).failure is Failure.IMPLAUSIBLE


@pytest.mark.parametrize("body", [{"success": True}, {"success": True, "users": {}}])
async def test_answer_without_a_list_of_users_is_not_taken_for_an_empty_list(
    other: OtherServer, make_client: MakeClient, body: object
) -> None:
    other.body = body
    assert (await failure_of(make_client(other.url, "k").people())).failure is Failure.WRONG_SERVICE


async def test_users_are_read_leniently_where_nothing_depends_on_it(
    other: OtherServer, make_client: MakeClient
) -> None:
    other.body = {
        "users": [
            {"id": "7", "name": " rosa ", "alias": " ", "display_name": 5, "can_sync": 1},
            {"id": 8.0, "name": "", "alias": "B", "can_sync": 0},
            {"id": 9, "name": "tim", "alias": None, "can_sync": None, "brand_new": {}},
            {"id": 10, "name": "x", "can_sync": "false"},
        ]
    }
    assert await make_client(other.url, "k").people() == (
        Person(pulsarr_id(7), "rosa"),
        Person(pulsarr_id(8), "", "B", can_sync=False),
        Person(pulsarr_id(9), "tim"),
        Person(pulsarr_id(10), "x", can_sync=False),
    )


ROW = {"title": "Heat", "key": "", "type": "movie", "guids": ["tmdb:949"]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "the watchlist is not an object"),
        ({}, "no list of titles"),
        ({"watchlistItems": {}, "total": 0}, "no list of titles"),
        ({"watchlistItems": [ROW]}, "counts None"),
        ({"watchlistItems": [ROW], "total": 2}, "1 titles and counts 2"),
        ({"watchlistItems": [], "total": 1}, "0 titles and counts 1"),
        ({"watchlistItems": [ROW], "total": 1, "user": {"id": 8}}, "about another user"),
    ],
)
async def test_implausible_watchlist_ends_the_read(
    other: OtherServer, make_client: MakeClient, data: object, reason: str
) -> None:
    other.body = {"success": True, "data": data}
    err = await failure_of(make_client(other.url, "k").watchlist(pulsarr_id(7)))
    assert err.failure is Failure.IMPLAUSIBLE
    assert reason in err.detail


async def test_watchlist_is_read_leniently_where_nothing_depends_on_it(
    other: OtherServer, make_client: MakeClient
) -> None:
    rows = [ROW | {"title": None}, {"type": "movie", "title": "Up"}]
    other.body = {"data": {"watchlistItems": rows, "total": "2", "user": {"id": "7"}}}
    assert await make_client(other.url, "k").watchlist(pulsarr_id(7)) == (
        Title(MediaType.MOVIE, "tmdb:949", frozenset({"tmdb:949"})),
        Title(MediaType.MOVIE, "Up", frozenset()),
    )


async def test_text_that_is_broken_is_mended_in_its_title_alone(
    other: OtherServer, make_client: MakeClient
) -> None:
    rows = [
        ROW | {"title": "He\ud800t"},
        ROW | {"title": "Up", "guids": ["tmdb:\udc00", "imdb:tt7"]},
    ]
    other.body = {"data": {"watchlistItems": rows, "total": 2, "user": {"id": 7}}}
    first, second = await make_client(other.url, "k").watchlist(pulsarr_id(7))
    assert first.name == "He\ufffdt"
    assert second.ids & {"imdb:tt7"}
    assert not [one for one in second.ids if not one.isprintable() or "\ufffd" in one]


@pytest.mark.parametrize("body", [{}, {"currentVersion": None}, {"currentVersion": " "}])
async def test_version_that_is_not_reported_is_unknown(
    other: OtherServer, make_client: MakeClient, body: object
) -> None:
    other.body = body
    assert await make_client(other.url, "k").version() is None


async def test_person_is_known_by_the_plex_account_where_pulsarr_reports_it(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    known_user = pulsarr.state.add_user("rosa", plex_uuid="abc123")
    pulsarr.state.add_user("tim", plex_uuid=None)
    assert [person.uuid for person in await client.people()] == ["abc123", ""]
    pulsarr.knobs.user_fields = "oldest"
    assert [person.uuid for person in await client.people()] == ["", ""]
    pulsarr.knobs.user_fields = "newest"
    new = pulsarr.state.rename_as_new(known_user.id, "rosalie")
    assert {one.id: one.uuid for one in await client.people()}[pulsarr_id(new.id)] == "abc123"
