"""What the client does when Pulsarr fails: another try, a wait, or a clear word."""

import pytest

from custom_components.plex_label_sync.pulsarr.client import PulsarrClient
from custom_components.plex_label_sync.pulsarr.limits import PulsarrLimits
from custom_components.plex_label_sync.sync.failures import PASSING
from custom_components.plex_label_sync.sync.model import (
    Failure,
)
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from simulators.http import Fault, FaultKind
from simulators.pulsarr import PulsarrSimulator

from ..short_timeouts import TOO_LONG
from .fixtures import (
    COUNTS_ROUTE,
    FILM,
    SETTINGS,
    MakeClient,
    Naps,
    OtherServer,
    failure_of,
    title_of,
)

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
    pulsarr.state.want(user.id, FILM)
    pulsarr.faults.add(Fault(kind, times=times))
    assert await client.watchlist(pulsarr_id(user.id)) == (title_of(FILM),)
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
async def test_lasting_failure_is_reported_after_three_tries(
    pulsarr: PulsarrSimulator, client: PulsarrClient, naps: Naps, kind: FaultKind, failure: Failure
) -> None:
    pulsarr.faults.add(Fault(kind, times=None))
    err = await failure_of(client.people())
    assert err.failure is failure
    assert err.failure in PASSING
    assert COUNTS_ROUTE in err.detail
    assert naps.taken == [0.5, 2.0]


@pytest.mark.parametrize("guids", [[949], [None]])
async def test_list_that_pulsarr_cannot_read_is_reported_by_whose_it_is_and_not_as_busy(
    pulsarr: PulsarrSimulator, client: PulsarrClient, naps: Naps, guids: list[object]
) -> None:
    rosa, tim = pulsarr.state.add_user("rosa"), pulsarr.state.add_user("tim")
    pulsarr.state.want(rosa.id, FILM, guids=guids)
    pulsarr.state.want(tim.id, FILM)
    await client.people()
    err = await failure_of(client.watchlist(pulsarr_id(rosa.id)))
    assert err.failure is Failure.UNREADABLE
    assert f"rosa (user {rosa.id})" in err.detail
    assert await client.watchlist(pulsarr_id(tim.id)) == (title_of(FILM),)
    pulsarr.state.want(rosa.id, FILM)
    assert await client.watchlist(pulsarr_id(rosa.id)) == (title_of(FILM),)


async def test_list_of_users_that_pulsarr_cannot_read_is_not_reported_as_busy(
    pulsarr: PulsarrSimulator, client: PulsarrClient, naps: Naps
) -> None:
    rosa = pulsarr.state.add_user("rosa")
    pulsarr.state.change_user(rosa.id, created_at=None)
    err = await failure_of(client.people())
    assert err.failure is Failure.UNREADABLE
    assert err.failure not in PASSING
    assert "list of users" in err.detail
    pulsarr.faults.add(Fault("busy", times=None))
    assert (await failure_of(client.people())).failure is Failure.BUSY


async def test_counts_that_pulsarr_cannot_make_do_not_cost_the_list_of_users(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    rosa = pulsarr.state.add_user("rosa")
    pulsarr.faults.add(Fault("busy", route=COUNTS_ROUTE, times=None))
    (person,) = await client.people()
    assert (person.id, person.wanted) == (pulsarr_id(rosa.id), None)


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
    make_client: MakeClient,
    naps: Naps,
) -> None:
    client = make_client(pulsarr.url, pulsarr.api_key, PulsarrLimits(read_timeout=0.1))
    pulsarr.faults.add(Fault("slow_before_apply", seconds=5, times=None))
    assert (await failure_of(client.people())).failure is Failure.TIMEOUT
    assert naps.taken == [0.5, 2.0]


async def test_outage_is_reported_and_survived(
    pulsarr: PulsarrSimulator, client: PulsarrClient, naps: Naps
) -> None:
    pulsarr.faults.add(Fault("outage", seconds=TOO_LONG))
    assert (await failure_of(client.people())).failure is Failure.CANNOT_CONNECT
    await pulsarr.listener.end_outage()
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
    for work in (client.people(), client.watchlist(pulsarr_id(user.id))):
        assert (await failure_of(work)).failure is failure
    assert naps.taken == []


async def test_refusal_with_status_200_is_a_refusal(
    other: OtherServer, make_client: MakeClient
) -> None:
    other.body = {"success": False, "message": "the feature is off"}
    client = make_client(other.url, "k")
    for work in (client.people(), client.watchlist(pulsarr_id(1)), client.endpoints()):
        assert (await failure_of(work)).failure is Failure.REJECTED
    for write in (client.create_endpoint(SETTINGS), client.delete_endpoint(1)):
        assert (await failure_of(write)).failure is Failure.REJECTED
