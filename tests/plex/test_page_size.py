"""Pages are larger where rows are short, and small ones again where a server does not give them."""

import asyncio
import random

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.plex.limits import MIB, PlexLimits
from custom_components.plex_label_sync.plex.listing import Listing, PageRequest
from custom_components.plex_label_sync.plex.page_size import LargePages, PageSize
from custom_components.plex_label_sync.plex.parse import Page
from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.sync.model import Failure, Gap, GapKind, ServiceError
from simulators.http import Fault, FaultKind
from simulators.plex import PlexKnobs, PlexSimulator
from simulators.plex.server import LISTING_ROUTE

from ..short_timeouts import TOO_LONG, short_timeouts
from .conftest import CATALOG, MOVIES, SHOWS, MakeClient, Naps, pages_of

SMALL, LARGE = 4, 12  # rows; so 40 movies take a small page and three large ones
EXTRA = 3  # the large page that failed, and what it takes more to read its rows in small ones


@pytest.fixture
def limits() -> PlexLimits:
    """Pages that grow."""
    return PlexLimits(page_rows=SMALL, page_rows_max=LARGE)


async def read(client: PlexClient, gaps: list[Gap] | None = None) -> list[str]:
    """Return the rating keys of all movies."""
    on_gap = None if gaps is None else gaps.append
    return [item.rating_key async for page in client.pages(MOVIES, list, on_gap) for item in page]


async def in_small_pages(make_client: MakeClient, plex: PlexSimulator) -> list[str]:
    """Return what a client reads that asks for small pages only, and forget that it asked."""
    read_keys = await read(make_client(plex.url, limits=pages_of(SMALL)))
    plex.stats.reset()
    return read_keys


def request_count(plex: PlexSimulator) -> int:
    """Return how many pages were asked for."""
    return plex.stats.count("GET", LISTING_ROUTE)


async def test_pages_grow_once_the_first_one_has_shown_how_short_rows_are(
    plex: PlexSimulator, client: PlexClient, make_client: MakeClient
) -> None:
    everything = await in_small_pages(make_client, plex)
    plex.knobs = PlexKnobs(get_seconds=0.02)
    assert await read(client) == everything
    assert request_count(plex) == 1 + 36 // LARGE
    assert plex.stats.peak_concurrency == 2


async def test_long_rows_are_read_in_small_pages(
    plex: PlexSimulator, make_client: MakeClient
) -> None:
    everything = await in_small_pages(make_client, plex)
    await read(make_client(plex.url, limits=pages_of(40)))
    per_row = plex.stats.bytes_out / 40
    plex.stats.reset()
    limits = PlexLimits(page_rows=SMALL, page_rows_max=40, page_bytes=round(8.5 * per_row))
    assert await read(make_client(plex.url, limits=limits)) == everything
    assert 1 + 36 // 9 <= request_count(plex) <= 1 + 36 // 7 + 1
    plex.stats.reset()
    limits = PlexLimits(page_rows=SMALL, page_rows_max=40, page_bytes=round(per_row))
    assert await read(make_client(plex.url, limits=limits)) == everything
    assert request_count(plex) == 40 // SMALL


@pytest.mark.parametrize("nth", [2, 3, 4])
@pytest.mark.parametrize(
    "kind", ["busy", "drop", "cut_body", "truncated", "garbage", "html", "slow_before_apply"]
)
@pytest.mark.parametrize("on_gap", [True, False])
async def test_large_page_that_fails_once_is_read_in_small_ones(
    plex: PlexSimulator,
    make_client: MakeClient,
    naps: Naps,
    kind: FaultKind,
    nth: int,
    *,
    on_gap: bool,
) -> None:
    everything = await in_small_pages(make_client, plex)
    limits = PlexLimits(page_rows=SMALL, page_rows_max=LARGE)
    client = make_client(plex.url, limits=limits)
    seconds = TOO_LONG if kind == "slow_before_apply" else 0.0
    plex.faults.add(Fault(kind, route=LISTING_ROUTE, nth=nth, seconds=seconds))
    gaps: list[Gap] | None = [] if on_gap else None
    with short_timeouts(plex):
        assert await read(client, gaps) == everything
    assert not gaps
    assert naps.taken == []
    assert request_count(plex) <= 4 + EXTRA + 1
    # It may have been a row: the next listing asks for large pages again.
    plex.stats.reset()
    assert await read(client, gaps) == everything
    assert request_count(plex) == 4


@pytest.mark.parametrize("kind", ["busy", "drop", "truncated", "slow_before_apply"])
async def test_server_that_fails_on_every_large_page_is_soon_asked_for_none(
    plex: PlexSimulator, make_client: MakeClient, kind: FaultKind
) -> None:
    everything = await in_small_pages(make_client, plex)
    limits = PlexLimits(page_rows=SMALL, page_rows_max=LARGE)
    client = make_client(plex.url, limits=limits)
    seconds = TOO_LONG if kind == "slow_before_apply" else 0.0
    large = r"Container-Size=1[0-9]"
    plex.faults.add(Fault(kind, match=large, seconds=seconds, times=None))
    with short_timeouts(plex):
        assert await read(client) == everything
        plex.stats.reset()
        assert await read(client) == everything
    assert request_count(plex) == 40 // SMALL


async def test_server_that_gives_fewer_rows_is_asked_for_as_many_as_it_gives(
    plex: PlexSimulator, client: PlexClient, make_client: MakeClient
) -> None:
    everything = await in_small_pages(make_client, plex)
    plex.knobs = PlexKnobs(max_page=SMALL + 1)
    assert await read(client) == everything
    plex.stats.reset()
    assert await read(client) == everything
    assert request_count(plex) == 40 // SMALL


async def test_row_that_cannot_be_read_costs_no_other_one(
    plex: PlexSimulator, client: PlexClient, make_client: MakeClient
) -> None:
    everything = await in_small_pages(make_client, plex)
    plex.broken_items[everything[20]] = "busy"
    gaps: list[Gap] = []
    assert set(await read(client, gaps)) == set(everything) - {everything[20]}
    assert [(gap.kind, gap.failure) for gap in gaps] == [(GapKind.PAGE, Failure.BUSY)]
    with pytest.raises(ServiceError):
        await read(client)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_there_all_the_time_is_read_once_however_much_changes(
    plex: PlexSimulator, client: PlexClient, seed: int
) -> None:
    chance = random.Random(seed)
    stayed = {key for key, item in plex.state.items.items() if item.section == MOVIES.key}
    read_keys, gaps = list[str](), list[Gap]()
    if seed % 2:
        plex.faults.add(Fault("busy", route=LISTING_ROUTE, nth=3))
    async for page in client.pages(MOVIES, list, gaps.append):
        read_keys += (item.rating_key for item in page)
        deleted = chance.choice(sorted(stayed))
        stayed.discard(deleted)
        plex.state.delete_item(deleted)
        plex.state.add_item(chance.choice(CATALOG[:40]))
    assert len(set(read_keys)) == len(read_keys)
    assert stayed <= set(read_keys) or gaps
    assert request_count(plex) < 60


async def test_server_that_is_away_while_a_large_page_is_read_says_nothing_about_large_ones(
    plex: PlexSimulator, client: PlexClient, make_client: MakeClient
) -> None:
    everything = await in_small_pages(make_client, plex)
    for _ in range(3):
        pages = client.pages(MOVIES, list)
        await anext(pages)
        plex.faults.add(Fault("drop", times=None))
        with pytest.raises(ServiceError):
            [page async for page in pages]
        plex.faults.clear()
    plex.stats.reset()
    assert await read(client) == everything
    assert request_count(plex) == 4


async def test_shows_are_read_in_one_page_where_they_are_few(
    plex: PlexSimulator, client: PlexClient
) -> None:
    assert len([item async for page in client.pages(SHOWS, list) for item in page]) == 8
    assert request_count(plex) == 2


@given(
    st.integers(1, 2000),
    st.integers(1, 20_000),
    st.integers(1, 100 * MIB),
    st.integers(1, 100 * MIB),
)
def test_page_holds_no_more_bytes_than_it_may_unless_it_is_a_small_one(
    rows: int, rows_max: int, page_bytes: int, bytes_in: int
) -> None:
    limits = PlexLimits(page_rows=rows, page_rows_max=rows_max, page_bytes=page_bytes)
    size = PageSize(limits, LargePages())
    assert size.at(0) == rows
    size.answered(rows, bytes_in, 1.0, is_short=False)
    after = size.at(rows)
    assert rows <= after <= max(rows, rows_max)
    assert after == rows or after * bytes_in / rows <= page_bytes
    # The longest rows count.
    size.answered(after, 2 * bytes_in * after, 1.0, is_short=False)
    assert size.at(rows) <= after


@pytest.mark.parametrize(
    ("rows", "row_bytes", "requests"),
    [(80_000, 525, 1 + 16), (20_000, 525, 1 + 4), (8_000, 525, 3), (20_000, 4_000, 20)],
)
async def test_large_library_is_listed_in_few_requests(
    rows: int, row_bytes: int, requests: int
) -> None:
    asks: list[PageRequest] = []

    async def give(request: PageRequest) -> Page[int]:
        asks.append(request)
        await asyncio.sleep(0)
        size = min(request.size, rows - request.start)
        keys = tuple(map(str, range(request.start, request.start + size)))
        return Page(size, size, request.start, rows, keys, bytes_in=size * row_bytes, seconds=0.1)

    listing = Listing(MOVIES, give, limits=PlexLimits(), large=LargePages(), readers=2)
    read_keys = [size async for size in listing.pages()]
    assert sum(read_keys) == rows + requests - 1  # with the row before each page
    assert len(asks) == requests
    assert max(read_keys) * row_bytes <= max(PlexLimits().page_bytes, 1001 * row_bytes)


def test_page_that_took_long_is_the_last_large_one() -> None:
    large = LargePages()
    size = PageSize(PlexLimits(), large)
    size.answered(1000, 500_000, PlexLimits().page_seconds + 0.1, is_short=False)
    assert size.at(1000) == 1000
    other = PageSize(PlexLimits(), large)
    other.answered(1000, 500_000, 0.1, is_short=False)
    assert other.at(1000) == 1000
