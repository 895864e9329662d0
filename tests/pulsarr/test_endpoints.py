"""The webhook endpoints that Pulsarr keeps, and changes to them."""

import orjson
import pytest

from custom_components.plex_label_sync.pulsarr.client import PulsarrClient
from custom_components.plex_label_sync.pulsarr.endpoints import EndpointSettings
from custom_components.plex_label_sync.sync.model import (
    Failure,
)
from simulators.pulsarr import EVENT_TYPES, EVENT_TYPES_FIRST, PulsarrKnobs, PulsarrSimulator

from .fixtures import SETTINGS, MakeClient, Naps, OtherServer, failure_of

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


# --- answers that no simulated Pulsarr gives ---


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "no list"),
        (["x"], "not one of the endpoints can be read"),
        ([{"url": "http://h"}], "not one of the endpoints can be read"),
        ([{"id": 1, "url": None}], "not one of the endpoints can be read"),
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
