"""What the client writes into a simulated Plex over real HTTP."""

import asyncio
from collections.abc import Iterator
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest

from custom_components.plex_label_sync.plex.edits import PUT_IDS_MAX, URL_MAX
from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.sync.model import Failure, ServiceError
from custom_components.plex_label_sync.transport import USUAL_RETRIES
from simulators.http import Fault, FaultKind
from simulators.plex import PlexKnobs, PlexSimulator
from simulators.plex.server import LISTING_ROUTE

from ..short_timeouts import TOO_LONG, short_timeouts
from .conftest import CATALOG, MOVIES, SHOWS, MakeClient, Naps

AWKWARD = ("Tom, Dick", "100% Fun", "C++", "%41 is A", "🍿 Night", "Watch & Go", "A=B;C#D?E/F")


@pytest.fixture
def movies(plex: PlexSimulator) -> list[str]:
    """The rating keys of all movies."""
    return sorted((key for key, item in plex.state.items.items() if item.section == "1"), key=int)


def labels(plex: PlexSimulator, keys: list[str]) -> list[set[str]]:
    """Return the labels of some items."""
    return [set(plex.state.labels_of(key)) for key in keys]


def puts(plex: PlexSimulator) -> list[list[str]]:
    """Return the ids of each edit that was answered, in order of the answers."""
    return [
        dict(parse_qsl(entry.query))["id"].split(",")
        for entry in plex.stats.log
        if entry.method == "PUT"
    ]


def plex_edits(plex: PlexSimulator, client: PlexClient) -> int:
    """Return how many edits were sent, answered or not; all other requests were answered."""
    return client.statistics.requests - plex.stats.gets


async def failure_of_edit(client: PlexClient, keys: list[str], label: str = "Anna") -> ServiceError:
    """Return the error that adding a label ends with."""
    with pytest.raises(ServiceError) as caught:
        await client.edit(MOVIES, keys, [label], [])
    return caught.value


# What an edit does


async def test_added_label_joins_those_that_are_there(
    plex: PlexSimulator, client: PlexClient, movies: list[str]
) -> None:
    plex.state.add_label(movies[0], "Kids")
    assert await client.edit(MOVIES, movies[:2], ["Anna", "Ben"], []) == {}
    assert labels(plex, movies[:3]) == [{"Kids", "Anna", "Ben"}, {"Anna", "Ben"}, set()]
    assert plex.state.items[movies[0]].label_locked
    assert plex.stats.total == client.statistics.requests == 1


@pytest.mark.parametrize("text", AWKWARD)
async def test_awkward_label_is_added_and_removed_whole(
    plex: PlexSimulator, client: PlexClient, movies: list[str], text: str
) -> None:
    plex.state.add_label(movies[0], "Fun")
    await client.edit(MOVIES, movies[:2], [text], [])
    assert labels(plex, movies[:2]) == [{"Fun", text}, {text}]
    await client.edit(MOVIES, movies[:2], [], [text])
    assert labels(plex, movies[:2]) == [{"Fun"}, set()]


@pytest.mark.parametrize("knobs", [PlexKnobs(), PlexKnobs(edit_order="add_first")])
async def test_one_edit_adds_and_removes_many_awkward_labels(
    plex: PlexSimulator, client: PlexClient, movies: list[str], knobs: PlexKnobs
) -> None:
    plex.knobs = knobs
    for text in AWKWARD:
        plex.state.add_label(movies[0], text)
    await client.edit(MOVIES, movies[:1], ["Anna", "Ben, too"], list(AWKWARD[1:]))
    assert labels(plex, movies[:1]) == [{AWKWARD[0], "Anna", "Ben, too"}]
    assert plex.stats.puts == 1


async def test_adding_or_removing_twice_does_no_harm(
    plex: PlexSimulator, client: PlexClient, movies: list[str]
) -> None:
    for _ in range(2):
        await client.edit(MOVIES, movies[:2], ["Anna"], ["Kids"])
    assert labels(plex, movies[:2]) == [{"Anna"}, {"Anna"}]


async def test_show_gets_the_label_and_not_the_movie_of_the_same_number(
    plex: PlexSimulator, client: PlexClient
) -> None:
    show = next(key for key, item in plex.state.items.items() if item.section == "2")
    await client.edit(SHOWS, [show], ["Anna"], [])
    assert [item.rating_key for item in plex.state.carriers("Anna")] == [show]


async def test_items_that_are_gone_or_elsewhere_are_passed_over(
    plex: PlexSimulator, client: PlexClient, movies: list[str]
) -> None:
    show = next(key for key, item in plex.state.items.items() if item.section == "2")
    plex.state.delete_item(movies[0])
    assert await client.edit(MOVIES, [movies[0], movies[1], show], ["Anna"], []) == {}
    assert [item.rating_key for item in plex.state.carriers("Anna")] == [movies[1]]


@pytest.mark.parametrize(
    ("keys", "add"), [([], ["Anna"]), (["1"], []), (["1", ""], ["Anna"]), (["1,2"], ["Anna"])]
)
async def test_edit_without_items_or_labels_is_never_sent(
    plex: PlexSimulator, client: PlexClient, keys: list[str], add: list[str]
) -> None:
    with pytest.raises(ValueError, match="an edit must"):
        await client.edit(MOVIES, keys, add, [])
    assert plex.stats.total == 0


# How many requests


async def test_many_items_take_as_few_edits_as_will_go(
    plex: PlexSimulator, client: PlexClient
) -> None:
    items = [plex.state.add_item(CATALOG[0]).rating_key for _ in range(400)]
    await client.edit(MOVIES, items, ["Anna"], [])
    assert [len(ids) for ids in puts(plex)] == [PUT_IDS_MAX, PUT_IDS_MAX, 400 - 2 * PUT_IDS_MAX]
    assert [key for ids in puts(plex) for key in ids] == items
    assert len(plex.state.carriers("Anna")) == 400


async def test_many_long_labels_are_spread_over_several_edits(
    plex: PlexSimulator, client: PlexClient, movies: list[str]
) -> None:
    many = [f"{'🎬' * 50} {number}" for number in range(20)]
    await client.edit(MOVIES, movies, many, [])
    assert labels(plex, movies) == [set(many)] * len(movies)
    paths = [f"{entry.path}?{entry.query}" for entry in plex.stats.log]
    assert len(paths) > 1
    assert max(map(len, paths)) <= URL_MAX


@pytest.mark.parametrize("status", [414, 400])
@pytest.mark.parametrize("limit", [130, 180])
async def test_edit_that_is_too_long_for_a_proxy_is_halved_until_it_fits(
    plex: PlexSimulator, client: PlexClient, movies: list[str], status: int, limit: int
) -> None:
    plex.knobs = PlexKnobs(url_limit=limit, url_status=status)
    assert await client.edit(MOVIES, movies, ["Anna"], []) == {}
    assert labels(plex, movies) == [{"Anna"}] * len(movies)
    assert client.statistics.failures == {Failure.REJECTED: plex.stats.statuses[status]}
    assert client.statistics.retries == 0


async def test_item_that_plex_refuses_is_reported_and_the_others_are_edited(
    plex: PlexSimulator, client: PlexClient, movies: list[str]
) -> None:
    one_digit = [key for key in movies if len(key) == 1]
    two_digits = [key for key in movies if len(key) == 2]
    query = "type=1&id=1&label%5B0%5D.tag.tag=Anna&label.locked=1"
    plex.knobs = PlexKnobs(url_limit=len(f"PUT /library/sections/1/all?{query} HTTP/1.1"))
    refused = await client.edit(MOVIES, movies, ["Anna"], [])
    assert set(refused) == set(two_digits)
    assert {error.failure for error in refused.values()} == {Failure.REJECTED}
    assert labels(plex, one_digit) == [{"Anna"}] * len(one_digit)
    assert labels(plex, two_digits) == [set()] * len(two_digits)


# Trouble


async def test_edit_that_takes_too_long_is_halved_though_it_was_done(
    plex: PlexSimulator,
    client: PlexClient,
    movies: list[str],
) -> None:
    plex.faults.add(Fault("slow_after_apply", method="PUT", seconds=TOO_LONG))
    with short_timeouts(plex):
        assert await client.edit(MOVIES, movies, ["Anna"], []) == {}
    assert labels(plex, movies) == [{"Anna"}] * len(movies)
    assert client.statistics.requests == 3
    assert client.statistics.failures == {Failure.TIMEOUT: 1}


async def test_edit_that_takes_too_long_is_halved_when_it_was_not_done(
    plex: PlexSimulator,
    client: PlexClient,
    movies: list[str],
    naps: Naps,
) -> None:
    plex.faults.add(Fault("slow_before_apply", method="PUT", seconds=TOO_LONG, times=2))
    with short_timeouts(plex):
        assert await client.edit(MOVIES, movies, ["Anna"], []) == {}
    assert labels(plex, movies) == [{"Anna"}] * len(movies)
    assert (client.statistics.requests, naps.taken) == (5, [])


async def test_slow_server_is_given_smaller_and_smaller_edits(
    plex: PlexSimulator,
    client: PlexClient,
    movies: list[str],
) -> None:
    plex.knobs = PlexKnobs(put_seconds_per_item=0.01)
    with short_timeouts(plex, timeout=0.05):  # enough for four items
        assert await client.edit(MOVIES, movies[:8], ["Anna"], []) == {}
    assert labels(plex, movies[:8]) == [{"Anna"}] * 8


async def test_plex_that_hangs_gets_no_more_edits(
    plex: PlexSimulator,
    client: PlexClient,
    movies: list[str],
) -> None:
    plex.faults.add(Fault("slow_before_apply", method="PUT", seconds=TOO_LONG, times=None))
    with short_timeouts(plex):
        refused = await client.edit(MOVIES, movies[:16], ["Anna"], [])
    assert set(refused) == set(movies[:16])
    # 16, 8, 4, 2 and 1 item, the other one, and two more before it is the edit that is to blame.
    assert (plex_edits(plex, client), client.statistics.failures) == (7, {Failure.TIMEOUT: 7})
    with short_timeouts(plex):
        error = await failure_of_edit(client, movies[:1], "Ben")
    assert (error.failure, plex_edits(plex, client)) == (Failure.TIMEOUT, 8)


FAILS: dict[FaultKind, Failure] = {
    "slow_before_apply": Failure.TIMEOUT,
    "drop": Failure.CANNOT_CONNECT,
    "busy": Failure.BUSY,
}


@pytest.fixture
def hasty(plex: PlexSimulator) -> Iterator[None]:
    """Wait for no edit that takes too long."""
    with short_timeouts(plex):
        yield


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("kind", FAILS)
@pytest.mark.parametrize("bad", [(0,), (7,), (0, 1), (3, 11)])
async def test_items_that_plex_fails_to_edit_stop_no_other(
    plex: PlexSimulator,
    client: PlexClient,
    movies: list[str],
    kind: FaultKind,
    bad: tuple[int, ...],
) -> None:
    keys = movies[:16]
    broken = [keys[one] for one in bad]
    match = rf"[?&]id=(\d+,)*({'|'.join(broken)})[,&]"
    seconds = TOO_LONG if kind == "slow_before_apply" else 0.0
    plex.faults.add(Fault(kind, method="PUT", match=match, seconds=seconds, times=None))
    for label in ("Anna", "Ben"):
        refused = await client.edit(MOVIES, keys, [label], [])
        assert {key: err.failure for key, err in refused.items()} == dict.fromkeys(
            broken, FAILS[kind]
        )
        assert [key for key in keys if label in plex.state.labels_of(key)] == [
            key for key in keys if key not in broken
        ]
    # What failed once is sent by itself: one request for all others, and one for each of these.
    before = plex_edits(plex, client)
    await client.edit(MOVIES, keys, ["Carl"], [])
    tries = 1 if kind == "slow_before_apply" else 3
    assert plex_edits(plex, client) - before == 1 + tries * len(broken)
    plex.faults.clear()
    before = plex_edits(plex, client)
    assert await client.edit(MOVIES, keys, ["Dora"], []) == {}
    assert await client.edit(MOVIES, keys, ["Emil"], []) == {}
    assert plex_edits(plex, client) - before == 1 + len(broken) + 1


async def test_label_that_plex_fails_to_write_stops_no_other(
    plex: PlexSimulator,
    client: PlexClient,
    movies: list[str],
) -> None:
    plex.faults.add(Fault("drop", method="PUT", match="Anna", times=None))
    for _ in range(2):
        assert set(await client.edit(MOVIES, movies[:16], ["Anna"], [])) == set(movies[:16])
    assert await client.edit(MOVIES, movies[:16], ["Ben"], []) == {}


@pytest.mark.parametrize("kind", ["busy", "unavailable"])
async def test_busy_database_is_given_time(
    plex: PlexSimulator, client: PlexClient, movies: list[str], naps: Naps, kind: FaultKind
) -> None:
    plex.faults.add(Fault(kind, method="PUT", times=2))
    assert await client.edit(MOVIES, movies, ["Anna"], []) == {}
    assert labels(plex, movies) == [{"Anna"}] * len(movies)
    assert naps.taken == list(USUAL_RETRIES.back_off)
    assert (client.statistics.requests, plex.stats.puts) == (3, 3)


async def test_server_that_asks_for_patience_gets_it(
    plex: PlexSimulator, client: PlexClient, movies: list[str], naps: Naps
) -> None:
    plex.faults.add(Fault("throttled", method="PUT"))
    assert await client.edit(MOVIES, movies, ["Anna"], []) == {}
    assert naps.taken == [1.0]


async def test_dropped_connection_is_tried_again(
    plex: PlexSimulator, client: PlexClient, movies: list[str]
) -> None:
    plex.faults.add(Fault("drop", method="PUT"))
    assert await client.edit(MOVIES, movies, ["Anna"], []) == {}
    assert labels(plex, movies) == [{"Anna"}] * len(movies)


@pytest.mark.parametrize(
    ("kind", "failure", "requests"),
    [
        ("unavailable", Failure.BUSY, 3),
        ("throttled", Failure.RATE_LIMITED, 3),
        ("unauthorized", Failure.INVALID_AUTH, 1),
    ],
)
async def test_trouble_that_stays_ends_the_edits(
    plex: PlexSimulator,
    client: PlexClient,
    kind: FaultKind,
    failure: Failure,
    requests: int,
) -> None:
    items = [plex.state.add_item(CATALOG[0]).rating_key for _ in range(2 * PUT_IDS_MAX)]
    plex.faults.add(Fault(kind, method="PUT", nth=2, times=None))
    error = await failure_of_edit(client, items)
    assert error.failure is failure
    # The first part was done, nothing after the failure was tried.
    assert labels(plex, items) == [{"Anna"}] * PUT_IDS_MAX + [set()] * PUT_IDS_MAX
    assert client.statistics.requests == 1 + requests


async def test_friend_may_not_edit(
    plex: PlexSimulator, make_client: MakeClient, movies: list[str]
) -> None:
    friend = plex.add_user("friend", sections=["1", "2"])
    error = await failure_of_edit(make_client(plex.url, friend.token), movies)
    assert error.failure is Failure.FORBIDDEN
    assert plex.state.carriers("Anna") == []


# Together


async def test_server_never_has_more_than_two_requests_of_the_integration(
    plex: PlexSimulator, client: PlexClient, movies: list[str]
) -> None:
    plex.knobs = PlexKnobs(get_seconds=0.01, put_seconds=0.01)
    reads = [client.newest(MOVIES, 1) for _ in range(6)]
    edits = [client.edit(MOVIES, [key], ["Anna"], []) for key in movies[:4]]
    await asyncio.gather(*reads, *edits)
    assert plex.stats.peak_concurrency == 2
    assert plex.stats.total == client.statistics.requests == 10
    assert plex.stats.count("PUT", LISTING_ROUTE) == 4


async def test_edits_are_written_one_after_another(make_client: MakeClient) -> None:
    writing, peak = 0, 0

    async def write(_request: web.Request) -> web.Response:
        nonlocal writing, peak
        writing += 1
        peak = max(peak, writing)
        await asyncio.sleep(0.01)
        writing -= 1
        return web.Response()

    app = web.Application()
    app.router.add_put("/library/sections/1/all", write)
    async with TestServer(app, host="127.0.0.1") as slow:
        client = make_client(str(slow.make_url("")).rstrip("/"))
        keys = [str(number) for number in range(1, 5)]
        await asyncio.gather(*(client.edit(MOVIES, [key], ["Anna"], []) for key in keys))
    assert (client.statistics.requests, peak) == (4, 1)
