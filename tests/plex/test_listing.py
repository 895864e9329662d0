"""A library that changes while it is read, and rows and pages of it that cannot be read."""

from dataclasses import replace
import random

from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest

from custom_components.plex_label_sync.plex.limits import PlexLimits
from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.sync.model import (
    Failure,
    Gap,
    GapKind,
    Library,
    ServiceError,
)
from simulators.http import Fault, FaultKind
from simulators.plex import PlexKnobs, PlexSimulator
from simulators.plex.render import BrokenHow
from simulators.plex.server import LISTING_ROUTE

from .conftest import CATALOG, MOVIES, SHOWS, MakeClient, pages_of

PAGE = 10


@pytest.fixture
def limits() -> PlexLimits:
    """Four pages hold all forty movies."""
    return pages_of(PAGE)


async def read(client: PlexClient, gaps: list[Gap] | None = None) -> list[str]:
    """Return the rating keys of all movies as they are told."""
    on_gap = None if gaps is None else gaps.append
    return [item.rating_key async for page in client.pages(MOVIES, list, on_gap) for item in page]


def held(plex: PlexSimulator, library: Library = MOVIES) -> list[str]:
    """Return the rating keys of a library's items, the oldest first."""
    there = (item for item in plex.state.items.values() if item.section == library.key)
    return [item.rating_key for item in sorted(there, key=lambda one: one.sort_key("addedAt"))]


def request_count(plex: PlexSimulator) -> int:
    """Return how many pages were asked for."""
    return plex.stats.count("GET", LISTING_ROUTE)


# Changes


async def test_items_come_in_the_order_in_which_they_were_added(
    plex: PlexSimulator, client: PlexClient
) -> None:
    assert await read(client) == held(plex)
    assert request_count(plex) == 4


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind, route=LISTING_ROUTE, nth=nth)
        for kind in ("vanishing_row", "swapped_row")
        for nth in (2, 3, 4)
    ],
    ids=lambda fault: f"{fault.kind}-{fault.nth}",
)
@pytest.mark.parametrize("size", [7, PAGE, 39])
async def test_item_that_goes_between_two_pages_costs_no_other_one(
    plex: PlexSimulator,
    make_client: MakeClient,
    fault: Fault,
    size: int,
) -> None:
    client = make_client(plex.url, limits=pages_of(size))
    plex.faults.add(fault)
    before = set(held(plex))
    gaps: list[Gap] = []
    read_keys = await read(client, gaps)
    assert len(set(read_keys)) == len(read_keys)
    assert set(read_keys) >= before & set(held(plex))
    assert not gaps
    assert request_count(plex) <= -(-40 // size) + 4


@pytest.mark.parametrize("kind", ["vanishing_row", "swapped_row", "repeated_row", "empty"])
@pytest.mark.parametrize("nth", [2, 3])
async def test_change_while_a_library_is_read_needs_no_one_to_report_to(
    plex: PlexSimulator, client: PlexClient, kind: FaultKind, nth: int
) -> None:
    plex.faults.add(Fault(kind, route=LISTING_ROUTE, nth=nth))
    before = set(held(plex))
    assert set(await read(client)) >= before & set(held(plex))


async def test_page_that_repeats_a_row_is_read_again(
    plex: PlexSimulator, client: PlexClient
) -> None:
    for nth in (1, 2, 4):
        plex.faults.clear()
        plex.stats.reset()
        plex.faults.add(Fault("repeated_row", route=LISTING_ROUTE, nth=nth))
        read_keys = await read(client)
        assert sorted(read_keys) == sorted(held(plex))
        assert request_count(plex) <= 4 + 3


async def test_row_that_stays_hidden_behind_a_repeated_one_is_a_gap(
    plex: PlexSimulator, client: PlexClient
) -> None:
    plex.faults.add(Fault("repeated_row", route=LISTING_ROUTE, times=None))
    gaps: list[Gap] = []
    read_keys = await read(client, gaps)
    assert len(set(read_keys)) == len(read_keys) < 40
    assert [(gap.kind, gap.failure) for gap in gaps] == [(GapKind.PAGE, Failure.IMPLAUSIBLE)]
    with pytest.raises(ServiceError, match="changed while it was read"):
        await read(client)
    assert request_count(plex) < 2 * (8 + 10)


@pytest.mark.parametrize("knobs", [PlexKnobs(), PlexKnobs(sorting=False), PlexKnobs(max_page=4)])
@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_there_all_the_time_is_read_once_however_much_changes(
    plex: PlexSimulator, client: PlexClient, knobs: PlexKnobs, seed: int
) -> None:
    plex.knobs = knobs
    chance = random.Random(seed)
    stayed, read_keys, gaps = set(held(plex)), list[str](), list[Gap]()
    async for page in client.pages(MOVIES, list, gaps.append):
        read_keys += (item.rating_key for item in page)
        for _ in range(chance.randrange(3)):
            deleted = chance.choice(held(plex))
            stayed.discard(deleted)
            plex.state.delete_item(deleted)
        for _ in range(chance.randrange(3)):
            plex.state.add_item(chance.choice(CATALOG[:40]))
    assert len(set(read_keys)) == len(read_keys)
    assert stayed <= set(read_keys) or gaps
    assert request_count(plex) < 60


async def test_newcomers_are_no_reason_to_read_anything_again(
    plex: PlexSimulator, client: PlexClient
) -> None:
    stayed = set(held(plex))
    read_keys: list[str] = []
    async for page in client.pages(MOVIES, list):
        read_keys += (item.rating_key for item in page)
        plex.state.add_item(CATALOG[len(read_keys) % 40])
    assert stayed <= set(read_keys)
    assert request_count(plex) == 5


async def test_many_items_that_go_at_once_cost_no_other_one(
    plex: PlexSimulator, make_client: MakeClient
) -> None:
    client = make_client(plex.url, limits=replace(pages_of(PAGE), page_overlaps=(2, 4)))
    pages = client.pages(MOVIES, list)
    read_keys = [item.rating_key for item in await anext(pages)]
    for key in held(plex)[:9]:
        plex.state.delete_item(key)
    read_keys += [item.rating_key async for page in pages for item in page]
    assert set(read_keys) >= set(held(plex))
    assert len(set(read_keys)) == len(read_keys)


async def test_first_page_from_another_offset_is_not_the_beginning_of_the_library(
    make_client: MakeClient,
) -> None:
    keys = [str(101 + number) for number in range(PAGE + 3)]
    asked: list[int] = []

    async def answer(request: web.Request) -> web.Response:
        start = int(request.query["X-Plex-Container-Start"])
        size = int(request.query["X-Plex-Container-Size"])
        asked.append(start)
        offset = start or 3  # the first rows are passed over
        if len(asked) == 2:
            keys.extend(["201", "202", "203"])  # as many as were passed over
        rows = [{"ratingKey": key, "title": "Heat"} for key in keys[offset : offset + size]]
        body = {"size": len(rows), "totalSize": len(keys), "offset": offset, "Metadata": rows}
        return web.json_response({"MediaContainer": body})

    app = web.Application()
    app.router.add_get("/library/sections/1/all", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        client = make_client(str(server.make_url("")).rstrip("/"), limits=pages_of(PAGE - 1))
        with pytest.raises(ServiceError, match="changed while it was read"):
            await read(client, [])


async def test_library_that_is_emptied_while_it_is_read_is_doubted(
    plex: PlexSimulator, client: PlexClient
) -> None:
    plex.faults.add(Fault("empty", route=LISTING_ROUTE, nth=3, times=None))
    gaps: list[Gap] = []
    assert len(await read(client, gaps)) == 20
    assert [gap.kind for gap in gaps] == [GapKind.PAGE]


async def test_listing_of_nothing_is_what_it_is(plex: PlexSimulator, client: PlexClient) -> None:
    plex.faults.add(Fault("empty", route=LISTING_ROUTE))
    gaps: list[Gap] = []
    assert await read(client, gaps) == []
    assert not gaps
    assert request_count(plex) == 1


async def test_answer_without_a_head_is_no_empty_library(
    plex: PlexSimulator, client: PlexClient
) -> None:
    plex.faults.add(Fault("headless", route=LISTING_ROUTE, times=None))
    for gaps in (None, list[Gap]()):
        with pytest.raises(ServiceError) as refused:
            await read(client, gaps)
        assert refused.value.failure is Failure.IMPLAUSIBLE
        assert not gaps


# Rows


@pytest.mark.parametrize("how", ["bad_bytes", "surrogate"])
async def test_broken_title_costs_a_character(
    plex: PlexSimulator, client: PlexClient, how: BrokenHow
) -> None:
    key = held(plex)[13]
    plex.broken_items[key] = how
    titles = {
        item.rating_key: item.title async for page in client.pages(MOVIES, list) for item in page
    }
    assert len(titles) == 40
    assert titles[key] == "Am\N{REPLACEMENT CHARACTER}lie"
    (newest, _), (found,) = await client.newest(MOVIES, 50), await client.labelled([key])
    assert len(newest) == 40
    assert found.item.title == titles[key]


@pytest.mark.parametrize("how", ["wrong_types", "bad_guid"])
async def test_row_whose_ids_cannot_be_read_is_a_gap_of_one_item(
    plex: PlexSimulator, client: PlexClient, how: BrokenHow
) -> None:
    everything = held(plex)
    plex.broken_items[everything[13]] = how
    gaps: list[Gap] = []
    assert await read(client, gaps) == [key for key in everything if key != everything[13]]
    assert gaps == [Gap(GapKind.ITEM, everything[13], everything[13], Failure.IMPLAUSIBLE)]
    assert request_count(plex) == 4
    with pytest.raises(ServiceError, match="cannot be read in full"):
        await read(client)


@pytest.mark.parametrize("place", [0, 9, 13, 39])
async def test_row_without_a_key_is_a_gap_of_one_row(
    plex: PlexSimulator, client: PlexClient, place: int
) -> None:
    everything = held(plex)
    plex.broken_items[everything[place]] = "no_key"
    gaps: list[Gap] = []
    assert await read(client, gaps) == [key for key in everything if key != everything[place]]
    assert gaps == [Gap(GapKind.PAGE, f"1:{place}", "Movies", Failure.IMPLAUSIBLE)]
    assert request_count(plex) <= 6


async def test_bad_row_is_left_out_where_only_a_few_are_asked_for(
    plex: PlexSimulator, client: PlexClient
) -> None:
    plex.broken_items[held(plex)[-1]] = "wrong_types"
    items, total = await client.newest(MOVIES, 5)
    assert (len(items), total) == (4, 40)


# Pages


@pytest.mark.parametrize("places", [(0,), (13,), (39,), (9, 10), (0, 1), (3, 17, 38)])
async def test_page_that_fails_for_ever_costs_only_its_bad_rows(
    plex: PlexSimulator, client: PlexClient, places: tuple[int, ...]
) -> None:
    everything = held(plex)
    bad = [everything[place] for place in places]
    plex.broken_items |= dict.fromkeys(bad, "busy")
    gaps: list[Gap] = []
    assert await read(client, gaps) == [key for key in everything if key not in bad]
    assert gaps == [Gap(GapKind.PAGE, f"1:{place}", "Movies", Failure.BUSY) for place in places]
    assert request_count(plex) <= 4 + 2 + len(places) * 10
    with pytest.raises(ServiceError) as refused:
        await read(client)
    assert refused.value.failure is Failure.BUSY


async def test_that_only_so_much_is_spent_on_bad_rows(
    plex: PlexSimulator, make_client: MakeClient
) -> None:
    client = make_client(plex.url, limits=replace(pages_of(PAGE), listing_extra=10))
    everything = held(plex)
    plex.broken_items |= dict.fromkeys(everything[12:], "busy")
    gaps: list[Gap] = []
    assert await read(client, gaps) == everything[:12]
    assert {gap.kind for gap in gaps} == {GapKind.PAGE}
    assert request_count(plex) < 40


@pytest.mark.parametrize("kind", ["busy", "html", "truncated", "headless", "drop"])
async def test_library_that_cannot_be_read_at_all_raises(
    plex: PlexSimulator, client: PlexClient, kind: FaultKind
) -> None:
    plex.faults.add(Fault(kind, route=LISTING_ROUTE, match="/sections/1/", times=None))
    gaps: list[Gap] = []
    with pytest.raises(ServiceError):
        await read(client, gaps)
    assert not gaps
    assert plex.stats.total < 80  # aiohttp asks twice where a connection is dropped
    assert [item async for page in client.pages(SHOWS, list) for item in page]


@pytest.mark.parametrize(
    ("fault", "failure", "requests"),
    [
        (Fault("unauthorized", times=None), Failure.INVALID_AUTH, 1),
        (Fault("unavailable", times=None), Failure.BUSY, 4),
        (Fault("throttled", times=None), Failure.RATE_LIMITED, 3),
    ],
)
async def test_server_that_answers_nothing_is_not_asked_in_parts(
    plex: PlexSimulator, client: PlexClient, fault: Fault, failure: Failure, requests: int
) -> None:
    plex.faults.add(fault)
    gaps: list[Gap] = []
    with pytest.raises(ServiceError) as refused:
        await read(client, gaps)
    assert (refused.value.failure, plex.stats.total, gaps) == (failure, requests, [])


async def test_page_that_failed_only_for_a_while_leaves_no_gap(
    plex: PlexSimulator, client: PlexClient
) -> None:
    plex.faults.add(Fault("busy", route=LISTING_ROUTE, nth=2, times=5))
    gaps: list[Gap] = []
    assert await read(client, gaps) == held(plex)
    assert not gaps
