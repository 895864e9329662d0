"""What the client reads from a simulated Plex over real HTTP."""

from collections.abc import Awaitable
from dataclasses import asdict, replace
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.plex.limits import PlexLimits
from custom_components.plex_label_sync.plex.parse import ServerInfo
from custom_components.plex_label_sync.plex.server import PlexClient, normalize_plex_url
from custom_components.plex_label_sync.sync.model import (
    Failure,
    Item,
    Library,
    MediaType,
    Service,
    ServiceError,
    StoredLabel,
)
from simulators.http import Fault, FaultKind
from simulators.plex import PlexKnobs, PlexSimulator, PlexState
from simulators.plex.server import LISTING_ROUTE
from simulators.pulsarr import PulsarrSimulator
from tests.tls_front import self_signed_front

from .conftest import CATALOG, MOVIES, SHOWS, TOKEN, MakeClient, Naps, pages_of

LABEL_ROUTE = "/library/sections/{id}/label"


async def failure_of(work: Awaitable[object]) -> ServiceError:
    """Return the error that `work` ends with; it never tells the token."""
    with pytest.raises(ServiceError) as caught:
        await work
    assert caught.value.service is Service.PLEX
    assert TOKEN not in f"{caught.value!r} {caught.value.detail}"
    return caught.value


async def everything(client: PlexClient, library: Library) -> list[Item]:
    """Return a library's items, page by page."""
    return [item async for page in client.pages(library, list) for item in page]


def keys_of(state: PlexState, library: Library) -> set[str]:
    """Return the rating keys of what a library really holds."""
    return {item.rating_key for item in state.items.values() if item.section == library.key}


def keys(items: list[Item] | tuple[Item, ...]) -> list[str]:
    """Return the rating keys of items."""
    return [item.rating_key for item in items]


async def stored(client: PlexClient, library: Library, text: str) -> StoredLabel:
    """Return a label of a library's directory."""
    return next(label for label in await client.labels(library) if label.text == text)


def turned(knobs: PlexKnobs) -> str:
    """Return which knobs are not as usual, as the name of a test."""
    usual, these = asdict(PlexKnobs()), asdict(knobs)
    return ",".join(f"{name}={these[name]}" for name in these if these[name] != usual[name])


# The address


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://plex.local:32400/web/index.html#!/settings/web", "http://plex.local:32400"),
        ("http://plex.local:32400/web", "http://plex.local:32400"),
        ("https://example.org/plex/web/", "https://example.org/plex"),
        ("https://web.example.org/website", "https://web.example.org/website"),
        ("192.168.1.5:32400", "http://192.168.1.5:32400"),
        ("http://web/", "http://web"),
        ("http://web/web/index.html", "http://web"),
    ],
)
def test_address_of_the_web_app_is_good_enough(text: str, url: str) -> None:
    assert normalize_plex_url(text) == url


@given(st.text(alphabet="web/.:#?x", max_size=20).map("http://plex.local/{}".format))
def test_normal_address_stays_as_it_is(text: str) -> None:
    url = normalize_plex_url(text)
    assert normalize_plex_url(url) == url
    assert url.startswith("http://plex.local")
    assert not url.endswith("/")


# Who is there


async def test_owner_learns_who_the_server_is_and_what_it_holds(
    plex: PlexSimulator, client: PlexClient
) -> None:
    info, libraries = await client.check()
    state = plex.state
    assert info == ServerInfo(state.machine_identifier, state.name, state.version)
    assert libraries == (MOVIES, SHOWS)
    assert plex.stats.total == client.statistics.requests == 4


async def test_wrong_token_is_refused(plex: PlexSimulator, make_client: MakeClient) -> None:
    error = await failure_of(make_client(plex.url, "a-wrong-token").check())
    assert error.failure is Failure.INVALID_AUTH


@pytest.mark.parametrize("token", ["", "line\nbreak", "nul\x00", " \t"])
async def test_token_that_no_header_can_carry_is_refused_like_a_wrong_one(
    plex: PlexSimulator, make_client: MakeClient, token: str
) -> None:
    error = await failure_of(make_client(plex.url, token).check())
    assert error.failure is Failure.INVALID_AUTH


async def test_friends_token_cannot_edit_labels(
    plex: PlexSimulator, make_client: MakeClient
) -> None:
    friend = plex.add_user("friend", sections=["1", "2"])
    error = await failure_of(make_client(plex.url, friend.token).check())
    assert error.failure is Failure.NOT_OWNER


async def test_owner_whose_sections_may_not_be_synced_is_the_owner(
    plex: PlexSimulator, client: PlexClient
) -> None:
    plex.knobs = PlexKnobs(owner_sync=False)
    assert (await client.check())[1] == (MOVIES, SHOWS)
    assert all(library.editable for library in await client.libraries())


async def test_token_that_is_not_the_owners_any_more_shows_in_the_libraries(
    plex: PlexSimulator, make_client: MakeClient
) -> None:
    friend = plex.add_user("friend", sections=["1", "2"])
    client = make_client(plex.url, friend.token)
    assert not any(library.editable for library in await client.libraries())


async def test_libraries_that_are_others_than_before_are_a_reason_to_ask_whose_token_it_is(
    plex: PlexSimulator, client: PlexClient
) -> None:
    await client.libraries()
    assert plex.stats.count("GET", "/library") == 0
    del plex.state.libraries["2"]
    plex.faults.add(Fault("unauthorized", route="/library"))
    assert [library.editable for library in await client.libraries()] == [False]
    assert plex.stats.count("GET", "/library") == 1
    assert [library.editable for library in await client.libraries()] == [True]
    assert plex.stats.count("GET", "/library") == 1


@pytest.mark.parametrize("kind", ["unauthorized", "html"])
async def test_only_a_refusal_at_the_root_distinguishes_a_friend_from_the_owner(
    plex: PlexSimulator, client: PlexClient, kind: FaultKind
) -> None:
    plex.faults.add(Fault(kind, route="/library"))
    if kind == "unauthorized":
        assert (await failure_of(client.check())).failure is Failure.NOT_OWNER
    else:
        assert (await client.check())[1] == (MOVIES, SHOWS)


async def test_server_without_movies_and_shows_has_no_libraries(
    plex: PlexSimulator, client: PlexClient
) -> None:
    plex.state.libraries["1"].type = "artist"
    del plex.state.libraries["2"]
    assert (await client.check())[1] == ()


@pytest.mark.parametrize("route", ["/identity", "/"])
async def test_web_page_is_not_plex(plex: PlexSimulator, client: PlexClient, route: str) -> None:
    plex.faults.add(Fault("html", route=route))
    assert (await failure_of(client.check())).failure is Failure.WRONG_SERVICE


async def test_pulsarr_is_not_plex(make_client: MakeClient) -> None:
    async with PulsarrSimulator() as pulsarr:
        error = await failure_of(make_client(pulsarr.url).check())
    assert error.failure is Failure.WRONG_SERVICE


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('{"status": "ok"}', 200),
        ('{"MediaContainer": {"size": 0}}', 200),
        ('{"MediaContainer": ', 200),
        ("", 200),
        ("gone", 404),
        ("who are you", 401),
        ("", 302),
    ],
)
async def test_stranger_is_not_plex(make_client: MakeClient, text: str, status: int) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=text, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app, host="127.0.0.1") as other_server:
        client = make_client(str(other_server.make_url("")).rstrip("/"))
        error = await failure_of(client.check())
    assert error.failure is Failure.WRONG_SERVICE


async def test_no_one_at_the_address(make_client: MakeClient, plex: PlexSimulator) -> None:
    url = plex.url
    await plex.outage(30)
    error = await failure_of(make_client(url).check())
    assert error.failure is Failure.CANNOT_CONNECT


async def test_server_that_never_answers_the_form(
    plex: PlexSimulator, make_client: MakeClient
) -> None:
    client = make_client(plex.url, limits=PlexLimits(probe_timeout=0.05))
    plex.faults.add(Fault("slow_before_apply", seconds=3))
    error = await failure_of(client.check())
    assert (error.failure, client.statistics.requests) == (Failure.TIMEOUT, 1)


async def test_server_that_is_starting_is_busy(plex: PlexSimulator, client: PlexClient) -> None:
    plex.faults.add(Fault("unavailable", times=None))
    assert (await failure_of(client.check())).failure is Failure.BUSY


async def test_certificate_is_checked_unless_configured_otherwise(
    plex: PlexSimulator, make_client: MakeClient, tmp_path: Path
) -> None:
    async with self_signed_front(plex.port, tmp_path) as url:
        assert (await failure_of(make_client(url).check())).failure is Failure.SSL_ERROR
        connector = aiohttp.TCPConnector(ssl=False)
        async with aiohttp.ClientSession(connector=connector) as trusting:
            info, _ = await make_client(url, over=trusting).check()
    assert info.machine_id == plex.state.machine_identifier


# Listings


@pytest.mark.parametrize("size", [1, 7, 40, 1000])
async def test_library_is_read_page_by_page(
    plex: PlexSimulator, make_client: MakeClient, size: int
) -> None:
    client = make_client(plex.url, limits=pages_of(size))
    items = await everything(client, MOVIES)
    assert len(items) == len(keys_of(plex.state, MOVIES)) == 40
    assert set(keys(items)) == keys_of(plex.state, MOVIES)
    assert plex.stats.count("GET", LISTING_ROUTE) == -(-40 // size)


async def test_pages_come_two_at_a_time_and_in_order(
    plex: PlexSimulator, client: PlexClient, make_client: MakeClient
) -> None:
    in_one = keys(await everything(client, MOVIES))
    client = make_client(plex.url, limits=pages_of(7))
    plex.knobs = PlexKnobs(get_seconds=0.02)
    assert keys(await everything(client, MOVIES)) == in_one
    assert plex.stats.peak_concurrency == 2


@pytest.mark.parametrize("after", [1, 2, 3])
async def test_pages_that_get_shorter_midway_leave_nothing_out_and_repeat_nothing(
    plex: PlexSimulator, client: PlexClient, make_client: MakeClient, after: int
) -> None:
    in_one = keys(await everything(client, MOVIES))
    client = make_client(plex.url, limits=pages_of(7))
    seen: list[str] = []
    async for page in client.pages(MOVIES, list):
        seen += keys(page)
        if len(seen) == 7 * after:
            plex.knobs = PlexKnobs(max_page=3)
    assert seen == in_one


async def test_items_come_with_the_ids_by_which_pulsarr_knows_them(
    plex: PlexSimulator, client: PlexClient
) -> None:
    by_key = {item.rating_key: item for item in await everything(client, SHOWS)}
    for title in CATALOG:
        if title.type == "show":
            (entry,) = plex.state.items_of(title)
            assert by_key[entry.rating_key] == Item(
                rating_key=entry.rating_key,
                library="2",
                type=MediaType.SHOW,
                title=title.title,
                ids=frozenset({f"plex:{title.key}", *title.guids}),
                guid=title.plex_guid,
            )


async def test_items_of_legacy_agents_come_with_their_external_id(
    plex: PlexSimulator, client: PlexClient
) -> None:
    movie = CATALOG[0]
    old = plex.state.add_item(movie, guid=f"com.plexapp.agents.imdb://{movie.imdb}?lang=en")
    unknown = plex.state.add_item(movie, guid="local://99")
    ids = {item.rating_key: item.ids for item in await everything(client, MOVIES)}
    assert ids[old.rating_key] == {f"imdb:{movie.imdb}"}
    assert ids[unknown.rating_key] == frozenset()


@pytest.mark.parametrize(
    "knobs",
    [
        PlexKnobs(ignore_paging=True),
        PlexKnobs(ignore_paging=True, total_size_when_unpaged=True),
        PlexKnobs(max_page=3),
        PlexKnobs(max_page=3, ignore_paging=True, total_size_when_unpaged=True),
        PlexKnobs(total_size_when_unpaged=True),
        PlexKnobs(trimming="ignored"),
        PlexKnobs(inline_labels="always"),
        PlexKnobs(inline_labels="some"),
        PlexKnobs(range_filters="honored"),
    ],
    ids=turned,
)
async def test_library_is_read_completely_or_not_at_all_however_the_server_pages(
    plex: PlexSimulator, make_client: MakeClient, knobs: PlexKnobs
) -> None:
    client = make_client(plex.url, limits=pages_of(9))
    plex.knobs = knobs
    if knobs.max_page and knobs.ignore_paging:
        # The same first rows over and over: this must not pass for a library.
        error = await failure_of(everything(client, MOVIES))
        assert error.failure is Failure.IMPLAUSIBLE
        return
    items = await everything(client, MOVIES)
    assert sorted(keys(items)) == sorted(keys_of(plex.state, MOVIES))


async def test_empty_library_has_no_items(plex: PlexSimulator, client: PlexClient) -> None:
    for key in keys_of(plex.state, SHOWS):
        plex.state.delete_item(key)
    assert await everything(client, SHOWS) == []


async def test_listing_that_dries_up_ends_the_read(make_client: MakeClient) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"MediaContainer": {"size": 0, "totalSize": 5}})

    app = web.Application()
    app.router.add_get("/library/sections/1/all", answer)
    async with TestServer(app, host="127.0.0.1") as dry:
        client = make_client(str(dry.make_url("")).rstrip("/"))
        error = await failure_of(everything(client, MOVIES))
        assert (error.failure, error.detail) == (
            Failure.IMPLAUSIBLE,
            "library Movies lists 0 of 5 items",
        )


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("truncated", Failure.IMPLAUSIBLE),
        ("short_page", Failure.IMPLAUSIBLE),
        ("html", Failure.WRONG_SERVICE),
        ("unauthorized", Failure.INVALID_AUTH),
        ("busy", Failure.BUSY),
        ("unavailable", Failure.BUSY),
        ("throttled", Failure.RATE_LIMITED),
        ("cut_body", Failure.IMPLAUSIBLE),
        ("drop", Failure.IMPLAUSIBLE),
    ],
)
async def test_failed_page_fails_the_whole_read(
    plex: PlexSimulator,
    make_client: MakeClient,
    kind: FaultKind,
    failure: Failure,
) -> None:
    client = make_client(plex.url, limits=pages_of(10))
    for nth in (1, 3):
        plex.faults.clear()
        plex.faults.add(Fault(kind, route=LISTING_ROUTE, nth=nth, times=None))
        assert (await failure_of(everything(client, MOVIES))).failure is failure


@pytest.mark.parametrize("kind", ["busy", "unavailable", "throttled", "cut_body", "drop"])
async def test_passing_trouble_while_listing_is_sat_out(
    plex: PlexSimulator,
    naps: Naps,
    make_client: MakeClient,
    kind: FaultKind,
) -> None:
    client = make_client(plex.url, limits=pages_of(10))
    plex.faults.add(Fault(kind, route=LISTING_ROUTE, nth=2))
    assert len(await everything(client, MOVIES)) == 40
    assert len(naps.taken) <= 1


async def test_slow_listing_is_a_timeout(plex: PlexSimulator, make_client: MakeClient) -> None:
    client = make_client(plex.url, limits=PlexLimits(read_timeout=0.05))
    plex.faults.add(Fault("slow_before_apply", route=LISTING_ROUTE, seconds=3, times=None))
    assert (await failure_of(everything(client, MOVIES))).failure is Failure.TIMEOUT


async def test_deleted_library_is_not_found(plex: PlexSimulator, client: PlexClient) -> None:
    error = await failure_of(everything(client, replace(MOVIES, key="77")))
    assert error.failure is Failure.NOT_FOUND


async def test_foreign_library_is_forbidden(plex: PlexSimulator, make_client: MakeClient) -> None:
    friend = plex.add_user("friend", sections=["2"])
    error = await failure_of(everything(make_client(plex.url, friend.token), MOVIES))
    assert error.failure is Failure.FORBIDDEN


# Single titles


async def test_newest_items_come_first(plex: PlexSimulator, client: PlexClient) -> None:
    newest = plex.state.add_item(CATALOG[5])
    items, total = await client.newest(MOVIES, 3)
    assert keys(items)[0] == newest.rating_key
    assert (len(items), total) == (3, 41)
    times = [plex.state.items[key].added_at for key in keys(items)]
    assert times == sorted(times, reverse=True)


async def test_every_edition_is_found_by_its_plex_id(
    plex: PlexSimulator, client: PlexClient
) -> None:
    movie = CATALOG[0]
    plex.state.add_item(movie, edition="Extended")
    found = await client.with_plex_id(MOVIES, f"plex:{movie.key}")
    assert set(keys(found)) == {item.rating_key for item in plex.state.items_of(movie)}
    assert len(found) == 2


async def test_unknown_plex_id_finds_nothing(client: PlexClient, plex: PlexSimulator) -> None:
    assert await client.with_plex_id(MOVIES, "plex:" + "f" * 24) == ()


async def test_rows_of_other_titles_are_dropped_where_the_filter_is_ignored(
    make_client: MakeClient,
) -> None:
    wanted, other = "plex://movie/" + "a" * 24, "plex://movie/" + "b" * 24

    async def answer(_request: web.Request) -> web.Response:
        rows = [{"ratingKey": "1", "guid": wanted}, {"ratingKey": "2", "guid": other}]
        return web.json_response({"MediaContainer": {"size": 2, "Metadata": rows}})

    app = web.Application()
    app.router.add_get("/library/sections/1/all", answer)
    async with TestServer(app, host="127.0.0.1") as ignorant:
        client = make_client(str(ignorant.make_url("")).rstrip("/"))
        assert keys(await client.with_plex_id(MOVIES, "plex:" + "a" * 24)) == ["1"]


# Labels

AWKWARD = ("Tom, Dick & Harry", "100% Fun +1", "🍿 night", "4711", "a%2Cb", "Straße", "kids")


async def test_labels_come_as_plex_stores_them(plex: PlexSimulator, client: PlexClient) -> None:
    first, second = sorted(keys_of(plex.state, MOVIES))[:2]
    for text in AWKWARD:
        plex.state.add_label(first, text)
    plex.state.add_label(second, "KIDS")
    labels = await client.labels(MOVIES)
    assert {label.text for label in labels} == {
        "Tom, Dick & Harry",
        "100% Fun +1",
        "🍿 Night",
        "4711",
        "A%2Cb",
        "Straße",
        "Kids",
    }
    assert len({label.id for label in labels}) == len(labels)
    assert await client.labels(SHOWS) == ()


@pytest.mark.parametrize(
    "knobs",
    [PlexKnobs(), PlexKnobs(max_page=2), PlexKnobs(total_size_when_unpaged=True)],
    ids=turned,
)
async def test_carriers_of_every_label_are_found(
    plex: PlexSimulator,
    make_client: MakeClient,
    knobs: PlexKnobs,
) -> None:
    client = make_client(plex.url, limits=pages_of(3))
    plex.knobs = knobs
    some = sorted(keys_of(plex.state, MOVIES), key=int)
    for number, text in enumerate(AWKWARD):
        for key in some[number : number * 3 + 1]:
            plex.state.add_label(key, text)
    for show in keys_of(plex.state, SHOWS):
        plex.state.add_label(show, "kids")
    for label in await client.labels(MOVIES):
        expected = {
            item.rating_key for item in plex.state.carriers(label.text) if item.section == "1"
        }
        assert expected
        assert await client.carriers(MOVIES, label) == expected
        assert await client.count_without(MOVIES, label) == len(some) - len(expected)


async def test_labels_are_found_where_the_filter_knows_texts_only(
    plex: PlexSimulator, client: PlexClient
) -> None:
    plex.knobs = PlexKnobs(label_by="text", linger=True)
    first, second, third = sorted(keys_of(plex.state, MOVIES))[:3]
    for key, text in ((first, "Anna"), (second, "Anna"), (third, "Ben"), (third, "A, b")):
        plex.state.add_label(key, text)
    plex.state.add_label(first, "Gone")
    plex.state.remove_label(first, "Gone")
    labels = {label.text: label for label in await client.labels(MOVIES)}
    assert await client.carriers(MOVIES, labels["Gone"]) == frozenset()
    assert await client.carriers(MOVIES, labels["Anna"]) == {first, second}
    plex.stats.reset()
    assert await client.carriers(MOVIES, labels["Ben"]) == {third}
    assert await client.count_without(MOVIES, labels["Ben"]) == 39
    assert plex.stats.total == 2
    error = await failure_of(client.carriers(MOVIES, labels["A, b"]))
    assert error.failure is Failure.IMPLAUSIBLE


async def test_carriers_of_a_label_come_in_one_answer(
    plex: PlexSimulator, make_client: MakeClient
) -> None:
    client = make_client(plex.url, limits=pages_of(3))
    for key in keys_of(plex.state, MOVIES):
        plex.state.add_label(key, "anna")
    (label,) = await client.labels(MOVIES)
    plex.stats.reset()
    assert len(await client.carriers(MOVIES, label)) == 40
    assert plex.stats.total == 1


async def test_labels_that_differ_in_case_only_are_read_one_by_one(
    plex: PlexSimulator, client: PlexClient
) -> None:
    plex.knobs = PlexKnobs(reuse_spelling=False, capitalize="none")
    first, second = sorted(keys_of(plex.state, MOVIES))[:2]
    plex.state.add_label(first, "anna")
    plex.state.add_label(second, "ANNA")
    carriers = {
        label.text: await client.carriers(MOVIES, label) for label in await client.labels(MOVIES)
    }
    assert carriers == {"anna": {first}, "ANNA": {second}}


async def test_spelling_that_no_one_carries_any_more_is_not_taken_for_missing_ids(
    plex: PlexSimulator, client: PlexClient
) -> None:
    plex.knobs = PlexKnobs(linger=True, reuse_spelling=False, capitalize="none")
    first, second = sorted(keys_of(plex.state, MOVIES))[:2]
    plex.state.add_label(first, "anna")
    plex.state.remove_label(first, "anna")
    plex.state.add_label(first, "ANNA")
    plex.state.add_label(second, "Family, old")
    labels = {label.text: label for label in await client.labels(MOVIES)}
    assert await client.carriers(MOVIES, labels["anna"]) == frozenset()
    assert await client.carriers(MOVIES, labels["ANNA"]) == {first}
    assert await client.carriers(MOVIES, labels["Family, old"]) == {second}


async def test_label_that_no_one_carries_any_more_has_no_carriers(
    plex: PlexSimulator, client: PlexClient
) -> None:
    plex.knobs = PlexKnobs(linger=True)
    key = min(keys_of(plex.state, MOVIES))
    plex.state.add_label(key, "anna")
    plex.state.remove_label(key, "anna")
    (label,) = await client.labels(MOVIES)
    assert await client.carriers(MOVIES, label) == frozenset()
    assert await client.count_without(MOVIES, label) == 40


async def test_label_filter_that_is_ignored_shows_in_the_counts(
    plex: PlexSimulator, client: PlexClient
) -> None:
    plex.state.add_label(min(keys_of(plex.state, MOVIES)), "anna")
    label = await stored(client, MOVIES, "Anna")
    plex.knobs = PlexKnobs(label_filter_broken=True)
    assert len(await client.carriers(MOVIES, label)) == 40
    assert await client.count_without(MOVIES, label) == 40


@pytest.mark.parametrize("kind", ["truncated", "short_page"])
@pytest.mark.parametrize("route", [LABEL_ROUTE, LISTING_ROUTE])
async def test_incomplete_answer_about_labels_is_refused(
    plex: PlexSimulator, client: PlexClient, kind: FaultKind, route: str
) -> None:
    for key in sorted(keys_of(plex.state, MOVIES))[:4]:
        plex.state.add_label(key, "anna")
        plex.state.add_label(key, "ben")
    label = await stored(client, MOVIES, "Anna")
    plex.faults.add(Fault(kind, route=route, times=None))
    work = client.labels(MOVIES) if route == LABEL_ROUTE else client.carriers(MOVIES, label)
    assert (await failure_of(work)).failure is Failure.IMPLAUSIBLE
