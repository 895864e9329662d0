"""Webhook endpoints of the simulated Pulsarr, and how it delivers."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from simulators.pulsarr import EVENT_TYPES, EVENT_TYPES_FIRST
from tests.simulators.pulsarr_fixtures import pulsarr, receiver
from tests.simulators.waiting import until

pytestmark = pytest.mark.usefixtures("socket_enabled")

ENDPOINTS = "/v1/webhooks/endpoints"
GOOD: dict[str, Any] = {
    "name": "Home Assistant",
    "url": "http://127.0.0.1:9/api/webhook/x",
    "eventTypes": ["media.available"],
}


# --- management ---


async def test_event_types_are_those_of_the_version() -> None:
    async with pulsarr() as peer:
        newest = (await peer.get("/v1/webhooks/event-types")).json["data"]
        peer.sim.knobs.event_types = EVENT_TYPES_FIRST
        first = (await peer.get("/v1/webhooks/event-types")).json["data"]
    assert {row["type"] for row in newest} - {row["type"] for row in first} == {"quota.cap_reached"}
    assert all(row["description"] for row in newest)
    assert "test" not in {row["type"] for row in newest}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/webhooks/event-types"),
        ("GET", ENDPOINTS),
        ("POST", ENDPOINTS),
        ("POST", f"{ENDPOINTS}/test"),
        ("DELETE", f"{ENDPOINTS}/1"),
    ],
)
async def test_version_without_webhooks_has_none_of_their_routes(method: str, path: str) -> None:
    async with pulsarr(webhooks=False) as peer:
        assert (await peer.call(method, path)).status == 404
        assert (await peer.get("/v1/users/users/list")).status == 200
        assert await peer.sim.deliver("media.available", {}) == []


async def test_endpoint_is_created_listed_read_changed_and_deleted() -> None:
    async with pulsarr() as peer:
        padded = {"name": "  padded  ", "url": f" {GOOD['url']} ", "ignored": 1}
        created = await peer.post(ENDPOINTS, json={**GOOD, **padded})
        assert created.status == 201
        data = created.json["data"]
        assert (data["name"], data["enabled"], data["authHeaderName"]) == ("padded", True, None)
        one = f"{ENDPOINTS}/{data['id']}"
        assert (await peer.get(one)).json["data"] == data
        changed = await peer.call("PUT", one, json={"enabled": False})
        assert changed.json["data"]["enabled"] is False
        assert changed.json["data"]["url"] == GOOD["url"]
        second = await peer.register("http://127.0.0.1:9/2")
        listed = (await peer.get(ENDPOINTS)).json["data"]
        assert [row["id"] for row in listed] == [data["id"], second]
        assert (await peer.call("DELETE", one)).json["success"] is True
        for method, body in (("GET", None), ("PUT", {}), ("DELETE", None)):
            assert (await peer.call(method, one, json=body)).status == 404
        assert (await peer.post(f"{one}/test")).status == 404
        assert (await peer.post(ENDPOINTS, json=GOOD)).json["data"]["id"] > second


async def test_endpoint_with_an_event_that_is_not_known_any_more_makes_the_list_an_error() -> None:
    async with pulsarr() as peer:
        await peer.register("http://127.0.0.1:9/hook")
        peer.sim.knobs.event_types = EVENT_TYPES[:-1]
        assert (await peer.get(ENDPOINTS)).status == 500


async def test_header_secret_is_reported_in_clear_text_kept_by_absence_and_cleared_by_null() -> (
    None
):
    async with pulsarr() as peer:
        number = await peer.register("http://h/", authHeaderName="X-Secret", authHeaderValue="s3")
        one = f"{ENDPOINTS}/{number}"
        assert (await peer.get(one)).json["data"]["authHeaderValue"] == "s3"
        kept = await peer.call("PUT", one, json={"name": "other"})
        assert kept.json["data"]["authHeaderValue"] == "s3"
        cleared = await peer.call("PUT", one, json={"authHeaderValue": None})
        assert cleared.json["data"]["authHeaderValue"] is None
        assert cleared.json["data"]["authHeaderName"] == "X-Secret"


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 101},
        {"name": 7},
        {"url": "not a url"},
        {"url": "ftp://host/x"},
        {"url": "http://"},
        {"url": "http://host:notaport/"},
        {"url": "/relative"},
        {"eventTypes": []},
        {"eventTypes": ["media.available", "made.up"]},
        {"eventTypes": ["test"]},
        {"eventTypes": "media.available"},
        {"authHeaderName": "x" * 101},
        {"authHeaderValue": "x" * 501},
        {"authHeaderValue": 5},
        {"enabled": "yes"},
    ],
)
async def test_bad_field_is_400_in_create_and_update_and_changes_nothing(
    change: dict[str, Any],
) -> None:
    async with pulsarr() as peer:
        number = (await peer.post(ENDPOINTS, json=GOOD)).json["data"]["id"]
        before = (await peer.get(ENDPOINTS)).text
        for answer in (
            await peer.post(ENDPOINTS, json={**GOOD, **change}),
            await peer.call("PUT", f"{ENDPOINTS}/{number}", json=change),
        ):
            assert answer.status == 400
            assert answer.json["error"] == "Bad Request"
        assert (await peer.get(ENDPOINTS)).text == before


@pytest.mark.parametrize("header", ["authHeaderName", "authHeaderValue"])
async def test_null_clears_a_header_in_an_update_but_is_no_value_in_a_create(header: str) -> None:
    async with pulsarr() as peer:
        assert (await peer.post(ENDPOINTS, json={**GOOD, header: None})).status == 400
        number = (await peer.post(ENDPOINTS, json=GOOD)).json["data"]["id"]
        changed = await peer.call("PUT", f"{ENDPOINTS}/{number}", json={header: None})
        assert changed.status == 200


@pytest.mark.parametrize("missing", ["name", "url", "eventTypes"])
async def test_required_field_cannot_be_left_out_of_a_create(missing: str) -> None:
    body = {key: value for key, value in GOOD.items() if key != missing}
    async with pulsarr() as peer:
        assert (await peer.post(ENDPOINTS, json=body)).status == 400


async def test_event_that_the_version_does_not_know_refuses_the_whole_request() -> None:
    async with pulsarr(event_types=EVENT_TYPES_FIRST) as peer:
        answer = await peer.post(ENDPOINTS, json={**GOOD, "eventTypes": [*EVENT_TYPES]})
        assert (answer.status, peer.sim.endpoints) == (400, [])


async def test_same_address_twice_is_allowed_and_delivered_twice() -> None:
    async with pulsarr() as peer, receiver() as target:
        await peer.register(target.url)
        await peer.register(target.url)
        assert len(await peer.sim.deliver("user.created", {"x": 1})) == 2
    assert target.events == ["user.created"] * 2


# --- the test routes ---


async def test_test_of_an_address_sends_the_test_event_and_reports_the_status() -> None:
    async with pulsarr() as peer, receiver() as target:
        good = await peer.post(
            f"{ENDPOINTS}/test",
            json={"url": target.url, "authHeaderName": "X-Secret", "authHeaderValue": "s"},
        )
        target.status = 401
        bad = await peer.post(f"{ENDPOINTS}/test", json={"url": target.url})
        invalid = await peer.post(f"{ENDPOINTS}/test", json={"url": "nonsense"})
    assert (good.status, good.json["success"], good.json["statusCode"]) == (200, True, 200)
    assert isinstance(good.json["responseTime"], int)
    assert "error" not in good.json
    assert (bad.status, bad.json["success"], bad.json["statusCode"]) == (200, False, 401)
    assert bad.json["error"]
    assert invalid.status == 400
    assert target.events == ["test", "test"]
    assert set(target.bodies[0]["data"]) == {"message", "endpointName"}
    assert target.headers[0]["X-Secret"] == "s"
    assert "X-Secret" not in target.headers[1]


async def test_test_of_a_registered_endpoint_names_it_even_when_disabled() -> None:
    async with pulsarr() as peer, receiver() as target:
        number = await peer.register(target.url, enabled=False)
        answer = await peer.post(f"{ENDPOINTS}/{number}/test")
    assert answer.json["success"] is True
    assert target.bodies[0]["data"]["endpointName"] == "test"


async def test_unreachable_address_is_success_false_without_status() -> None:
    async with pulsarr() as peer:
        answer = await peer.post(f"{ENDPOINTS}/test", json={"url": "http://127.0.0.1:9/x"})
    assert (answer.status, answer.json["success"]) == (200, False)
    assert "statusCode" not in answer.json
    assert answer.json["error"]


# --- deliveries ---


async def test_delivery_has_the_envelope_and_headers_of_the_real_one() -> None:
    async with pulsarr(version="0.12.1") as peer, receiver() as target:
        await peer.register(target.url, authHeaderName="X-Secret", authHeaderValue="s")
        await peer.sim.deliver("watchlist.added", {"any": "dätä"})
    body, headers = target.bodies[0], target.headers[0]
    assert set(body) == {"event", "timestamp", "data"}
    assert (body["event"], body["data"]) == ("watchlist.added", {"any": "dätä"})
    assert datetime.fromisoformat(body["timestamp"]).utcoffset() is not None
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == "Pulsarr/0.12.1 (+https://github.com/jamcalli/Pulsarr)"
    assert headers["X-Secret"] == "s"


@pytest.mark.parametrize("half", [{"authHeaderName": "X-Secret"}, {"authHeaderValue": "s"}])
async def test_header_is_sent_only_when_name_and_value_are_set(half: dict[str, str]) -> None:
    async with pulsarr() as peer, receiver() as target:
        await peer.register(target.url, **half)
        await peer.sim.deliver("user.created", {})
    assert "X-Secret" not in target.headers[0]
    assert "s" not in target.headers[0].values()


async def test_only_enabled_subscribed_endpoints_are_called() -> None:
    async with pulsarr() as peer, receiver() as target:
        await peer.register(f"{target.url}?a", "media.available")
        await peer.register(f"{target.url}?b", "watchlist.added", enabled=False)
        wanted = await peer.register(f"{target.url}?c", "watchlist.added", "user.created")
        results = await peer.sim.deliver("watchlist.added", {})
    assert [result.endpoint_id for result in results] == [wanted]
    assert len(target.bodies) == 1


@pytest.mark.parametrize(("status", "ok"), [(200, True), (204, True), (301, False), (500, False)])
async def test_any_2xx_is_success_and_nothing_is_sent_again(status: int, ok: bool) -> None:
    async with pulsarr() as peer, receiver(status=status) as target:
        await peer.register(target.url)
        (result,) = await peer.sim.deliver("user.created", {})
    assert (result.ok, result.status) == (ok, status)
    assert len(target.bodies) == 1


@pytest.mark.parametrize(("status", "delivered"), [(302, 0), (307, 1)])
async def test_redirect_is_followed_and_loses_the_body_where_post_becomes_get(
    status: int, delivered: int
) -> None:
    async with pulsarr() as peer, receiver() as last, receiver(status=status) as target:
        target.location = last.url
        await peer.register(target.url)
        await peer.sim.deliver("user.created", {})
    assert len(target.bodies) == 1
    assert len(last.bodies) == delivered


async def test_slow_receiver_is_given_up_after_the_time_limit() -> None:
    async with pulsarr(delivery_timeout_s=0.1) as peer, receiver(holds=True) as target:
        await peer.register(target.url)
        (result,) = await peer.sim.deliver("user.created", {})
        target.release.set()
        await until(lambda: target.busy == 0)
    assert (result.ok, result.status) == (False, None)
    assert "0.1 s" in (result.error or "")
    assert result.duration_ms >= 90


async def test_at_most_five_endpoints_are_called_at_a_time() -> None:
    async with pulsarr() as peer, receiver(holds=True) as target:
        for _ in range(8):
            await peer.register(target.url)
        sending = asyncio.create_task(peer.sim.deliver("user.created", {}))
        await until(lambda: target.busy == 5)
        await asyncio.sleep(0.05)
        target.release.set()
        assert len(await sending) == 8
    assert target.most_busy == 5


async def test_deliveries_are_listed_without_the_secret() -> None:
    async with pulsarr() as peer, receiver() as target:
        await peer.register(target.url, authHeaderName="X-Secret", authHeaderValue="s3cret")
        await peer.sim.deliver("user.created", {"a": 1})
        (delivery,) = peer.sim.deliveries
        assert (delivery.event, delivery.status, delivery.error) == ("user.created", 200, None)
        assert delivery.data == {"a": 1}
        assert "s3cret" not in repr(peer.sim.deliveries) + repr(peer.sim.endpoints)
