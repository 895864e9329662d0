"""The client against a simulated Pulsarr over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
import json
import ssl
import threading
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer as Server
import orjson
import pytest

from custom_components.plex_label_sync.pulsarr import answers, client as client_module
from custom_components.plex_label_sync.pulsarr.client import PulsarrClient, normalise_url
from custom_components.plex_label_sync.pulsarr.endpoints import EndpointSettings
from custom_components.plex_label_sync.sync.model import (
    Failure,
    MediaType,
    Person,
    Service,
    ServiceError,
    Title,
)
from simulators.catalogue import CatalogueTitle, make_catalogue
from simulators.http import Fault, FaultKind
from simulators.pulsarr import EVENT_TYPES, EVENT_TYPES_FIRST, PulsarrKnobs, PulsarrSimulator
from simulators.pulsarr.knobs import AuthMethod, UserFields

from .conftest import MakeClient, Naps

FILM, SHOW = make_catalogue(1, 1, 1)
USERS_ROUTE = "/v1/users/users/list"
COUNTS_ROUTE = "/v1/users/users/list/with-counts"
WATCHLIST_ROUTE = "/v1/users/{id}/watchlist"
ENDPOINTS_ROUTE = "/v1/webhooks/endpoints"
SETTINGS = EndpointSettings(
    name="Home Assistant",
    url="http://127.0.0.1:9/api/webhook/abc",
    header="X-Secret",
    secret="s3cret-value",
    events=frozenset({"media.available", "watchlist.added"}),
)


def title_of(entry: CatalogueTitle) -> Title:
    """Return a title with all the ids that Pulsarr has."""
    ids = frozenset({f"plex:{entry.key}", *entry.guids})
    return Title(MediaType(entry.type), entry.title, ids)


async def failure_of(work: Awaitable[object]) -> ServiceError:
    """Return the error that `work` ends with."""
    with pytest.raises(ServiceError) as caught:
        await work
    assert caught.value.service is Service.PULSARR
    return caught.value


# --- people ---


async def test_people_are_read_in_one_request(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    pulsarr.state.add_user("rosa", alias="Rosa B", display_name="Rosa Blum", id=7)
    pulsarr.state.add_user("tim", can_sync=False, id=9)
    assert await client.people() == (
        Person(7, "rosa", "Rosa B", "Rosa Blum"),
        Person(9, "tim", None, None, can_sync=False),
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
    pulsarr.state.add_user("rosa", id=7)
    assert await client.people() == (Person(7, "rosa"),)


async def test_version_without_counts_is_asked_for_the_plain_list(
    pulsarr: PulsarrSimulator, client: PulsarrClient, knobs: PulsarrKnobs
) -> None:
    knobs.with_counts_route = False
    pulsarr.state.add_user("rosa", id=7)
    assert await client.people() == (Person(7, "rosa"),)
    await client.check()


async def test_nobody_is_an_answer(pulsarr: PulsarrSimulator, client: PulsarrClient) -> None:
    assert await client.people() == ()


# --- watchlists ---


async def test_watchlist_titles_carry_key_and_external_ids(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    user = pulsarr.state.add_user("rosa")
    pulsarr.state.wish(user.id, FILM)
    pulsarr.state.wish(user.id, SHOW, type="SHOW")
    assert await client.watchlist(user.id) == (title_of(FILM), title_of(SHOW))


async def test_title_without_key_or_guids_keeps_the_other(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    user = pulsarr.state.add_user("rosa")
    pulsarr.state.wish(user.id, FILM, key=None)
    pulsarr.state.wish(user.id, SHOW, guids=())
    film, show = await client.watchlist(user.id)
    assert film.ids == set(FILM.guids)
    assert show.ids == {f"plex:{SHOW.key}"}


async def test_title_without_any_id_is_still_wanted(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    user = pulsarr.state.add_user("rosa")
    pulsarr.state.wish(user.id, FILM, key="", guids=())
    assert await client.watchlist(user.id) == (Title(MediaType.MOVIE, FILM.title, frozenset()),)


async def test_unknown_types_are_skipped(pulsarr: PulsarrSimulator, client: PulsarrClient) -> None:
    user = pulsarr.state.add_user("rosa")
    pulsarr.state.wish(user.id, FILM, type="artist")
    pulsarr.state.wish(user.id, SHOW)
    assert await client.watchlist(user.id) == (title_of(SHOW),)


async def test_cut_off_watchlist_is_never_taken_for_a_shorter_one(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    user = pulsarr.state.add_user("rosa")
    pulsarr.state.wish(user.id, FILM)
    pulsarr.state.wish(user.id, SHOW)
    pulsarr.faults.add(Fault("short_page", route=WATCHLIST_ROUTE))
    err = await failure_of(client.watchlist(user.id))
    assert err.failure is Failure.IMPLAUSIBLE
    assert "1 titles and counts 2" in err.detail
    assert WATCHLIST_ROUTE in err.detail


async def test_person_who_is_gone_is_not_found(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    err = await failure_of(client.watchlist(99))
    assert (err.failure, err.status) == (Failure.NOT_FOUND, 404)


async def test_large_watchlist_is_parsed_off_the_event_loop(
    pulsarr: PulsarrSimulator, client: PulsarrClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()
    real = answers.watchlist

    def spy(answer: object, person_id: int) -> tuple[Title, ...]:
        threads.add(threading.get_ident())
        return real(answer, person_id)

    monkeypatch.setattr(answers, "watchlist", spy)
    user = pulsarr.state.add_user("rosa")
    catalogue = make_catalogue(2, 1500, 0)
    for entry in catalogue:
        pulsarr.state.wish(user.id, entry)
    titles = await client.watchlist(user.id)
    assert pulsarr.stats.bytes_out > 256 * 1024
    assert titles == tuple(map(title_of, catalogue))
    assert threads
    assert threading.get_ident() not in threads


async def test_at_most_four_requests_are_in_flight(
    pulsarr: PulsarrSimulator, client: PulsarrClient, knobs: PulsarrKnobs
) -> None:
    users = [pulsarr.state.add_user(f"user{number}") for number in range(12)]
    knobs.latency_ms = 20
    await asyncio.gather(*(client.watchlist(user.id) for user in users))
    assert pulsarr.stats.peak_concurrency == 4


# --- version ---


async def test_version_is_told(
    pulsarr: PulsarrSimulator, client: PulsarrClient, knobs: PulsarrKnobs
) -> None:
    knobs.version = "0.12.1"
    assert await client.version() == "0.12.1"


async def test_older_pulsarr_has_no_version_to_tell(
    pulsarr: PulsarrSimulator, client: PulsarrClient, knobs: PulsarrKnobs
) -> None:
    knobs.update_status = False
    assert await client.version() is None


async def test_refused_key_is_not_taken_for_a_missing_route(
    pulsarr: PulsarrSimulator, make_client: MakeClient
) -> None:
    stranger = make_client(pulsarr.url, "wrong")
    assert (await failure_of(stranger.version())).failure is Failure.INVALID_AUTH
    assert (await failure_of(stranger.event_types())).failure is Failure.INVALID_AUTH


# --- addresses and keys ---


@pytest.mark.parametrize("auth", ["required", "disabled", "requiredExceptLocal"])
async def test_wrong_key_is_refused_at_once_even_where_none_is_needed(
    pulsarr: PulsarrSimulator,
    make_client: MakeClient,
    knobs: PulsarrKnobs,
    naps: Naps,
    auth: AuthMethod,
) -> None:
    knobs.auth = auth
    stranger = make_client(pulsarr.url, "wrong-key-value")
    for work in (stranger.check(), stranger.people(), stranger.watchlist(1)):
        err = await failure_of(work)
        assert err.failure is Failure.INVALID_AUTH
        assert "wrong-key-value" not in repr(err) + str(err) + err.detail
    assert pulsarr.stats.total == 3
    assert naps.taken == []


async def test_no_key_is_fine_where_none_is_needed(
    pulsarr: PulsarrSimulator, make_client: MakeClient, knobs: PulsarrKnobs
) -> None:
    nobody = make_client(pulsarr.url, "  ")
    assert (await failure_of(nobody.check())).failure is Failure.INVALID_AUTH
    knobs.auth = "disabled"
    await nobody.check()


@pytest.mark.parametrize("key", ["two\nlines", "a\x00b"])
async def test_key_that_no_header_can_carry_is_a_wrong_key(
    pulsarr: PulsarrSimulator, make_client: MakeClient, key: str
) -> None:
    broken = make_client(pulsarr.url, key)
    assert (await failure_of(broken.check())).failure is Failure.INVALID_AUTH
    assert (await failure_of(broken.delete_endpoint(1))).failure is Failure.INVALID_AUTH
    assert pulsarr.stats.total == 0


async def test_pasted_key_may_have_blanks_around_it(
    pulsarr: PulsarrSimulator, make_client: MakeClient
) -> None:
    await make_client(pulsarr.url, f" {pulsarr.api_key}\n").check()


async def test_base_path_belongs_to_the_address(
    knobs: PulsarrKnobs, make_client: MakeClient
) -> None:
    knobs.base_path = "/pulsarr"
    async with PulsarrSimulator(knobs=knobs) as simulator:
        await make_client(f"{simulator.url}/v1/", simulator.api_key).check()
        for bare_path in ("html", "redirect"):
            knobs.bare_path = bare_path
            without = make_client(simulator.root_url, simulator.api_key)
            assert (await failure_of(without.check())).failure is Failure.WRONG_SERVICE
            assert (await failure_of(without.people())).failure is Failure.WRONG_SERVICE
            beside = make_client(f"{simulator.root_url}/other", simulator.api_key)
            assert (await failure_of(beside.check())).failure is Failure.WRONG_SERVICE


async def test_base_path_where_there_is_none_is_the_wrong_address(
    pulsarr: PulsarrSimulator, make_client: MakeClient
) -> None:
    beside = make_client(f"{pulsarr.url}/pulsarr", pulsarr.api_key)
    assert (await failure_of(beside.check())).failure is Failure.WRONG_SERVICE


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://h:3003", "http://h:3003"),
        ("http://h:3003/", "http://h:3003"),
        ("http://h:3003/v1", "http://h:3003"),
        ("http://h:3003/pulsarr/v1/", "http://h:3003/pulsarr"),
        ("http://h:3003/pulsarr//", "http://h:3003/pulsarr"),
        ("http://h:3003/pulsarr/v1?x=1#top", "http://h:3003/pulsarr"),
        ("http://h/rv1", "http://h/rv1"),
        ("  h:3003/pulsarr ", "http://h:3003/pulsarr"),
        ("192.168.1.5:3003", "http://192.168.1.5:3003"),
        ("[::1]:3003", "http://[::1]:3003"),
        ("https://Pulsarr.Example/", "https://pulsarr.example"),
        ("https://user:password@pulsarr.example/a", "https://pulsarr.example/a"),
    ],
)
def test_address_is_kept_with_its_base_path_only(url: str, base: str) -> None:
    assert normalise_url(url) == base
    assert normalise_url(base) == base


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "http:///v1",
        "ftp://h",
        "file:///etc",
        "http://h:port",
        "http://h:99999",
        "http://two words",
        "http://h\x00",
        "http://a..b",
        "http://[bad",
        "http://" + "a" * 70,
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the form has a text of its own for it
        normalise_url(url)


# --- passing and lasting failures ---


@pytest.mark.parametrize(
    ("kind", "times"),
    # aiohttp itself asks a second time when a connection ends without an answer
    [("busy", 2), ("unavailable", 2), ("drop", 4), ("cut_body", 2)],
)
async def test_passing_failure_is_met_with_another_try(
    pulsarr: PulsarrSimulator, client: PulsarrClient, naps: Naps, kind: FaultKind, times: int
) -> None:
    user = pulsarr.state.add_user("rosa")
    pulsarr.state.wish(user.id, FILM)
    pulsarr.faults.add(Fault(kind, times=times))
    assert await client.watchlist(user.id) == (title_of(FILM),)
    assert naps.taken == [0.5, 2.0]


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("busy", Failure.BUSY),
        ("unavailable", Failure.BUSY),
        ("drop", Failure.CANNOT_CONNECT),
        ("cut_body", Failure.CANNOT_CONNECT),
    ],
)
async def test_lasting_failure_is_told_after_three_tries(
    pulsarr: PulsarrSimulator, client: PulsarrClient, naps: Naps, kind: FaultKind, failure: Failure
) -> None:
    pulsarr.faults.add(Fault(kind, times=None))
    err = await failure_of(client.people())
    assert err.failure is failure
    assert err.unreachable
    assert COUNTS_ROUTE in err.detail
    assert naps.taken == [0.5, 2.0]


async def test_rate_limit_is_waited_for_as_long_as_pulsarr_says(
    pulsarr: PulsarrSimulator, client: PulsarrClient, naps: Naps
) -> None:
    pulsarr.knobs.rate_limit = 1
    await client.people()
    err = await failure_of(client.people())
    assert err.failure is Failure.RATE_LIMITED
    assert err.retry_after
    assert naps.taken == pytest.approx([60, 60], abs=2)


async def test_rate_limit_that_lasts_over_a_minute_is_left_to_the_next_run(
    pulsarr: PulsarrSimulator, client: PulsarrClient, naps: Naps
) -> None:
    pulsarr.faults.add(Fault("throttled", seconds=90, times=None))
    err = await failure_of(client.people())
    assert (err.failure, err.retry_after) == (Failure.RATE_LIMITED, 90)
    assert naps.taken == []


async def test_slow_answer_is_a_timeout_and_tried_again(
    pulsarr: PulsarrSimulator,
    client: PulsarrClient,
    naps: Naps,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "READ_TIMEOUT", 0.1)
    pulsarr.faults.add(Fault("slow_before_apply", seconds=5, times=None))
    assert (await failure_of(client.people())).failure is Failure.TIMEOUT
    assert naps.taken == [0.5, 2.0]


async def test_outage_is_told_and_survived(
    pulsarr: PulsarrSimulator, client: PulsarrClient, naps: Naps
) -> None:
    pulsarr.faults.add(Fault("outage", seconds=0.3))
    assert (await failure_of(client.people())).failure is Failure.CANNOT_CONNECT
    await asyncio.sleep(0.4)
    assert await client.people() == ()


@pytest.mark.parametrize(
    ("kind", "failure"),
    [("html", Failure.WRONG_SERVICE), ("truncated", Failure.IMPLAUSIBLE)],
)
async def test_what_is_not_pulsarrs_json_is_never_an_empty_list(
    pulsarr: PulsarrSimulator, client: PulsarrClient, naps: Naps, kind: FaultKind, failure: Failure
) -> None:
    user = pulsarr.state.add_user("rosa")
    pulsarr.faults.add(Fault(kind, times=None))
    for work in (client.people(), client.watchlist(user.id)):
        assert (await failure_of(work)).failure is failure
    assert naps.taken == []


# --- the check for the form ---


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("unauthorized", Failure.INVALID_AUTH),
        ("busy", Failure.CANNOT_CONNECT),
        ("unavailable", Failure.CANNOT_CONNECT),
        ("throttled", Failure.CANNOT_CONNECT),
        ("drop", Failure.CANNOT_CONNECT),
        ("html", Failure.WRONG_SERVICE),
    ],
)
async def test_check_tries_once_and_says_what_a_person_can_act_on(
    pulsarr: PulsarrSimulator, client: PulsarrClient, naps: Naps, kind: FaultKind, failure: Failure
) -> None:
    pulsarr.faults.add(Fault(kind, method="GET", times=None))
    assert (await failure_of(client.check())).failure is failure
    assert naps.taken == []


async def test_check_does_not_wait_for_ever(
    pulsarr: PulsarrSimulator, client: PulsarrClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "PROBE_TIMEOUT", 0.1)
    pulsarr.faults.add(Fault("slow_before_apply", seconds=5))
    assert (await failure_of(client.check())).failure is Failure.TIMEOUT


async def test_check_finds_a_closed_port(make_client: MakeClient, unused_tcp_port: int) -> None:
    nobody = make_client(f"http://127.0.0.1:{unused_tcp_port}", "key")
    assert (await failure_of(nobody.check())).failure is Failure.CANNOT_CONNECT


async def test_check_tells_a_plain_server_behind_https_from_a_dead_one(
    pulsarr: PulsarrSimulator, make_client: MakeClient
) -> None:
    secure = make_client(pulsarr.url.replace("http:", "https:"), pulsarr.api_key)
    assert (await failure_of(secure.check())).failure is Failure.SSL_ERROR


# --- another server, or a Pulsarr with other manners, at the same address ---


class OtherServer:
    """Answers every request with what a test puts here, and keeps what came."""

    def __init__(self) -> None:
        self.status = 200
        self.body: object = {}
        self.content_type = "application/json"
        self.headers: dict[str, str] = {}
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Keep the request and answer."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.method, request.path, headers, await request.read()))
        raw = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return web.Response(
            status=self.status, body=raw, content_type=self.content_type, headers=self.headers
        )


@pytest.fixture
async def other() -> AsyncIterator[OtherServer]:
    """Some server."""
    server = OtherServer()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", server.answer)
    async with Server(app, host="127.0.0.1") as running:
        server.url = str(running.make_url("")).rstrip("/")
        yield server


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (200, {"error": "no such thing"}, Failure.WRONG_SERVICE),
        (200, {"success": True}, Failure.WRONG_SERVICE),
        (200, {"success": False, "users": []}, Failure.WRONG_SERVICE),
        (200, {"users": {"1": "rosa"}}, Failure.WRONG_SERVICE),
        (200, ["rosa"], Failure.WRONG_SERVICE),
        (200, None, Failure.WRONG_SERVICE),
        (200, b"", Failure.WRONG_SERVICE),
        (200, b"\xff\xfe", Failure.WRONG_SERVICE),
        (200, b'{"success": tr', Failure.WRONG_SERVICE),
        (204, b"", Failure.WRONG_SERVICE),
        (301, b"", Failure.WRONG_SERVICE),
        (308, b"", Failure.WRONG_SERVICE),
        (400, {}, Failure.WRONG_SERVICE),
        (404, {}, Failure.WRONG_SERVICE),
        (405, {}, Failure.WRONG_SERVICE),
        (401, {}, Failure.INVALID_AUTH),
        (403, {}, Failure.INVALID_AUTH),
        (502, b"<html>", Failure.CANNOT_CONNECT),
    ],
)
async def test_other_servers_are_told_from_pulsarr(
    other: OtherServer, make_client: MakeClient, status: int, body: object, failure: Failure
) -> None:
    other.status, other.body = status, body
    other.headers = {"Location": f"{other.url}/login"} if status in {301, 308} else {}
    assert (await failure_of(make_client(other.url, "k").check())).failure is failure
    assert all(path.startswith("/v1/") for _, path, _, _ in other.requests)


@pytest.mark.parametrize(
    ("user", "failure"),
    [
        ("rosa", "a user is no object"),
        ({"name": "rosa"}, "a user has no id"),
        ({"id": True, "name": "rosa"}, "a user has no id"),
        ({"id": 1}, "a user has no name"),
        ({"id": 1, "name": None}, "a user has no name"),
        ({"id": 2, "name": "tim"}, "two users have the same id"),
    ],
)
async def test_unusable_user_ends_the_read_instead_of_going_missing(
    other: OtherServer, make_client: MakeClient, user: object, failure: str
) -> None:
    other.body = {"success": True, "users": [user, {"id": 2, "name": "tim"}]}
    err = await failure_of(make_client(other.url, "k").people())
    assert err.failure is Failure.IMPLAUSIBLE
    assert failure in err.detail


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
        Person(7, "rosa"),
        Person(8, "user_8", "B", can_sync=False),
        Person(9, "tim"),
        Person(10, "x", can_sync=False),
    )


ROW = {"title": "Heat", "key": "", "type": "movie", "guids": ["tmdb:949"]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "the watchlist is no object"),
        ({}, "no list of titles"),
        ({"watchlistItems": {}, "total": 0}, "no list of titles"),
        ({"watchlistItems": [ROW]}, "counts None"),
        ({"watchlistItems": [ROW], "total": 2}, "1 titles and counts 2"),
        ({"watchlistItems": [], "total": 1}, "0 titles and counts 1"),
        ({"watchlistItems": ["Heat"], "total": 1}, "a title is no object"),
        ({"watchlistItems": [ROW], "total": 1, "user": {"id": 8}}, "about another user"),
    ],
)
async def test_implausible_watchlist_ends_the_read(
    other: OtherServer, make_client: MakeClient, data: object, reason: str
) -> None:
    other.body = {"success": True, "data": data}
    err = await failure_of(make_client(other.url, "k").watchlist(7))
    assert err.failure is Failure.IMPLAUSIBLE
    assert reason in err.detail


async def test_watchlist_is_read_leniently_where_nothing_depends_on_it(
    other: OtherServer, make_client: MakeClient
) -> None:
    rows = [ROW | {"title": None}, {"type": "movie"}]
    other.body = {"data": {"watchlistItems": rows, "total": "2", "user": {"id": "7"}}}
    assert await make_client(other.url, "k").watchlist(7) == (
        Title(MediaType.MOVIE, "tmdb:949", frozenset({"tmdb:949"})),
        Title(MediaType.MOVIE, "", frozenset()),
    )


async def test_refusal_with_status_200_is_a_refusal(
    other: OtherServer, make_client: MakeClient
) -> None:
    other.body = {"success": False, "message": "the feature is off"}
    client = make_client(other.url, "k")
    for work in (client.people(), client.watchlist(1), client.endpoints()):
        assert (await failure_of(work)).failure is Failure.REJECTED
    for write in (client.create_endpoint(SETTINGS), client.delete_endpoint(1)):
        assert (await failure_of(write)).failure is Failure.REJECTED


@pytest.mark.parametrize("body", [{}, {"currentVersion": None}, {"currentVersion": " "}])
async def test_version_that_is_not_told_is_unknown(
    other: OtherServer, make_client: MakeClient, body: object
) -> None:
    other.body = body
    assert await make_client(other.url, "k").version() is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "no list"),
        (["x"], "is no object"),
        ([{"url": "http://h"}], "no id or no address"),
        ([{"id": 1, "url": None}], "no id or no address"),
    ],
)
async def test_unusable_endpoints_end_the_read(
    other: OtherServer, make_client: MakeClient, data: object, reason: str
) -> None:
    other.body = {"success": True, "data": data}
    err = await failure_of(make_client(other.url, "k").endpoints())
    assert err.failure is Failure.IMPLAUSIBLE
    assert reason in err.detail


async def test_endpoints_are_read_leniently_where_nothing_depends_on_it(
    other: OtherServer, make_client: MakeClient
) -> None:
    other.body = {"data": [{"id": "3", "url": "http://h", "eventTypes": None, "enabled": 0}]}
    (endpoint,) = await make_client(other.url, "k").endpoints()
    assert endpoint.id == 3
    assert endpoint.settings == EndpointSettings(
        "", "http://h", None, None, frozenset(), enabled=False
    )


@pytest.mark.parametrize("body", [b"<html>", b"", None, [1]])
async def test_change_that_something_else_answers_is_no_success(
    other: OtherServer, make_client: MakeClient, body: object
) -> None:
    other.body = body
    client = make_client(other.url, "k")
    for work in (
        client.create_endpoint(SETTINGS),
        client.update_endpoint(1, SETTINGS),
        client.delete_endpoint(1),
        client.test_endpoint("http://h", "X", "s"),
    ):
        assert (await failure_of(work)).failure is Failure.WRONG_SERVICE


async def test_requests_without_a_body_claim_no_json(
    other: OtherServer, make_client: MakeClient
) -> None:
    other.body = {"success": True, "users": []}
    client = make_client(other.url, "the-key")
    await client.people()
    await client.delete_endpoint(5)
    for _, _, headers, raw in other.requests:
        assert "content-type" not in headers
        assert headers["x-api-key"] == "the-key"
        assert headers["accept"] == "application/json"
        assert raw == b""
    assert other.requests[1][:2] == ("DELETE", "/v1/webhooks/endpoints/5")


async def test_writes_are_never_repeated(
    other: OtherServer, make_client: MakeClient, naps: Naps
) -> None:
    other.status = 503
    client = make_client(other.url, "k")
    for work in (client.create_endpoint(SETTINGS), client.update_endpoint(1, SETTINGS)):
        assert (await failure_of(work)).failure is Failure.BUSY
    assert len(other.requests) == 2
    assert naps.taken == []


async def test_forbidden_write_asks_for_another_key(
    other: OtherServer, make_client: MakeClient
) -> None:
    other.status = 403
    err = await failure_of(make_client(other.url, "k").delete_endpoint(1))
    assert (err.failure, err.status) == (Failure.INVALID_AUTH, 403)


async def test_untrusted_certificate_is_an_ssl_error(
    other: OtherServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Callable[..., Any]:
        raise ssl.SSLCertVerificationError("self-signed certificate")

    client = make_client(other.url, "k")
    monkeypatch.setattr(client._transport._session, "request", fail)
    assert (await failure_of(client.check())).failure is Failure.SSL_ERROR


# --- webhook endpoints ---


async def test_event_types_are_those_of_the_version(
    pulsarr: PulsarrSimulator, client: PulsarrClient, knobs: PulsarrKnobs
) -> None:
    assert await client.event_types() == frozenset(EVENT_TYPES)
    knobs.event_types = EVENT_TYPES_FIRST
    assert await client.event_types() == frozenset(EVENT_TYPES_FIRST)
    knobs.webhooks = False
    assert await client.event_types() is None


async def test_endpoint_is_created_changed_and_deleted(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    created = await client.create_endpoint(SETTINGS)
    assert created.settings == SETTINGS
    assert await client.endpoints() == (created,)
    changed = EndpointSettings(
        "HA", "http://127.0.0.1:9/other", None, None, frozenset({"user.created"}), enabled=False
    )
    assert (await client.update_endpoint(created.id, changed)).settings == changed
    assert [one.settings for one in await client.endpoints()] == [changed]
    await client.delete_endpoint(created.id)
    assert pulsarr.endpoints == []


async def test_endpoint_that_is_gone_can_be_deleted_but_not_changed(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    await client.delete_endpoint(99)
    assert (await failure_of(client.update_endpoint(99, SETTINGS))).failure is Failure.NOT_FOUND


async def test_unknown_event_is_rejected(pulsarr: PulsarrSimulator, client: PulsarrClient) -> None:
    strange = EndpointSettings("HA", "http://h/x", None, None, frozenset({"no.such"}))
    err = await failure_of(client.create_endpoint(strange))
    assert (err.failure, err.status) == (Failure.REJECTED, 400)


async def test_pulsarr_tests_an_address(
    pulsarr: PulsarrSimulator, client: PulsarrClient, other: OtherServer, unused_tcp_port: int
) -> None:
    good = await client.test_endpoint(f"{other.url}/hook", "X-Secret", "s3cret")
    assert (good.success, good.status, good.error) == (True, 200, None)
    assert good.duration is not None
    assert good.duration < 5
    method, path, headers, raw = other.requests[0]
    assert (method, path, headers["x-secret"]) == ("POST", "/hook", "s3cret")
    assert orjson.loads(raw)["event"] == "test"
    bad = await client.test_endpoint(f"http://127.0.0.1:{unused_tcp_port}", "X-Secret", "s3cret")
    assert (bad.success, bad.status) == (False, None)
    assert bad.error


async def test_test_result_must_say_how_it_went(
    other: OtherServer, make_client: MakeClient
) -> None:
    other.body = {"responseTime": None}
    err = await failure_of(make_client(other.url, "k").test_endpoint("http://h", "X", "s"))
    assert err.failure is Failure.IMPLAUSIBLE
    other.body = {"success": False}
    result = await make_client(other.url, "k").test_endpoint("http://h", "X", "s")
    assert (result.success, result.status, result.error, result.duration) == (
        False,
        None,
        None,
        None,
    )


# --- secrets ---


async def test_secrets_are_never_shown(
    pulsarr: PulsarrSimulator, client: PulsarrClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    pulsarr.knobs.event_types = ("media.available",)
    endpoint = await client.create_endpoint(
        EndpointSettings("HA", "http://h/x", "X", "s3cret-value", frozenset({"media.available"}))
    )
    err = await failure_of(client.update_endpoint(endpoint.id, SETTINGS))
    pulsarr.faults.add(Fault("drop", times=None))
    cut = await failure_of(client.people())
    shown = "".join(map(repr, (client, endpoint, SETTINGS, err, err.args, cut, cut.args)))
    for secret in (pulsarr.api_key, "s3cret-value"):
        assert secret not in shown + caplog.text
