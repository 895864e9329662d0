"""Keys, limits, base path, bodies and faults: what stands before every route of the simulated Pulsarr."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from simulators.http import Fault, FaultKind
from simulators.pulsarr import PulsarrState
from simulators.pulsarr.ratelimit import RateLimiter
from tests.simulators.pulsarr_fixtures import KEY, MOVIE, OTHER_MOVIE, pulsarr
from tests.simulators.waiting import until

pytestmark = pytest.mark.usefixtures("socket_enabled")

LIST = "/v1/users/users/list"
BROWSER = {"Accept": "text/html,*/*"}
LIST_ROUTE = ("GET", LIST)


# --- keys ---


@pytest.mark.parametrize("method", ["required", "disabled", "requiredExceptLocal"])
async def test_bad_key_is_refused_even_when_authentication_is_disabled(method: str) -> None:
    async with pulsarr(auth=method) as peer:
        answer = await peer.get(LIST, headers={"X-API-Key": "wrong"})
    assert answer.status == 401
    assert answer.json == {"statusCode": 401, "error": "Unauthorized", "message": "Invalid API key"}


@pytest.mark.parametrize(
    ("method", "status"), [("required", 401), ("disabled", 200), ("requiredExceptLocal", 200)]
)
@pytest.mark.parametrize("headers", [{}, {"X-API-Key": ""}])
async def test_no_key_or_an_empty_one_depends_on_the_method(
    method: str, status: int, headers: dict[str, str]
) -> None:
    async with pulsarr(auth=method) as peer:
        answer = await peer.get(LIST, headers=headers)
    assert answer.status == status
    if status == 401:
        assert "authenticated" in answer.json["message"]


async def test_public_path_needs_no_key_but_only_exactly() -> None:
    async with pulsarr() as peer:
        assert (await peer.post("/v1/users/login", headers={})).status == 404
        assert (await peer.post("/v1/users/login/", headers={})).status == 401


async def test_unknown_api_path_without_key_is_401_and_with_key_404() -> None:
    async with pulsarr() as peer:
        for path in ("/v1/nothing", "/v1", "/v1/users/users/list/"):
            assert (await peer.get(path, headers={})).status == 401
            answer = await peer.get(path)
            assert (answer.status, answer.json["statusCode"]) == (404, 404)


async def test_key_never_appears_in_log_or_repr() -> None:
    async with pulsarr() as peer:
        await peer.get(LIST)
        await peer.get(f"{LIST}?apikey={KEY}")
        assert KEY not in repr(peer.sim.stats.log)


# --- rate limit ---


async def test_over_the_limit_is_429_with_retry_after_until_the_window_ends() -> None:
    moment = [100.0]
    async with pulsarr(rate_limit=3) as peer:
        peer.sim.limiter = RateLimiter(lambda: moment[0])
        answers = [await peer.get(LIST) for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        refused = answers[-1]
        assert refused.headers["retry-after"] == "60"
        assert refused.headers["x-ratelimit-limit"] == "3"
        assert [answer.headers["x-ratelimit-remaining"] for answer in answers[:3]] == [
            "2",
            "1",
            "0",
        ]
        assert refused.json["error"] == "Too Many Requests"
        moment[0] += 59
        assert (await peer.get(LIST)).headers["retry-after"] == "1"
        moment[0] += 1
        assert (await peer.get(LIST)).status == 200


async def test_failed_keys_count_against_the_limit() -> None:
    async with pulsarr(rate_limit=2) as peer:
        for _ in range(2):
            assert (await peer.get(LIST, headers={"X-API-Key": "no"})).status == 401
        assert (await peer.get(LIST)).status == 429


async def test_webhook_tests_have_a_bucket_of_their_own() -> None:
    async with pulsarr(probe_limit=1, rate_limit=3) as peer:
        first = await peer.post("/v1/webhooks/endpoints/9/test")
        second = await peer.post("/v1/webhooks/endpoints/9/test")
        assert (first.status, second.status) == (404, 429)
        assert [(await peer.get(LIST)).status for _ in range(3)] == [200, 200, 200]


async def test_health_and_web_pages_are_not_limited() -> None:
    async with pulsarr(rate_limit=1) as peer:
        assert [(await peer.get("/health")).status for _ in range(3)] == [200, 200, 200]
        assert "x-ratelimit-limit" not in (await peer.get("/")).headers


# --- addresses ---


async def test_with_a_base_path_the_api_lives_below_it_only() -> None:
    async with pulsarr(base_path="/pulsarr") as peer:
        assert peer.sim.url.endswith("/pulsarr")
        assert (await peer.get(LIST)).status == 200
        bare = await peer.get(LIST, root=True)
        shown = await peer.get(LIST, root=True, headers=BROWSER)
    assert (bare.status, bare.json["statusCode"]) == (404, 404)
    assert shown.status == 200
    assert shown.headers["content-type"].startswith("text/html")
    assert "Pulsarr" in shown.text


async def test_redirects_carry_the_base_path() -> None:
    async with pulsarr(base_path="/pulsarr", bare_path="redirect") as peer:
        root, page = await peer.get("/", root=True), await peer.get("/v1/x", root=True)
    assert (root.status, root.headers["location"]) == (302, "/pulsarr/")
    assert (page.status, page.headers["location"]) == (302, "/pulsarr/login")


async def test_prefix_that_only_starts_like_the_base_path_is_outside() -> None:
    async with pulsarr(base_path="/pulsarr") as peer:
        answer = await peer.get("extra/v1/users/users/list", headers=BROWSER)
    assert answer.headers["content-type"].startswith("text/html")


async def test_unknown_page_is_html_but_a_post_to_it_is_404() -> None:
    async with pulsarr() as peer:
        page = await peer.get("/anything", headers=BROWSER)
        assert "<html" in page.text
        other = await peer.get("/anything", headers={})
        assert (other.status, other.json["error"]) == (404, "Not Found")
        assert (await peer.post("/anything", headers={})).json["statusCode"] == 404


async def test_health_is_at_the_base_path() -> None:
    async with pulsarr(base_path="/pulsarr") as peer:
        root = await peer.get("/health", root=True, headers=BROWSER)
        below = await peer.get("/health", headers=BROWSER)
    assert not root.headers["content-type"].startswith("application/json")
    assert below.headers["content-type"].startswith("application/json")
    assert (below.status, below.json["status"]) == (200, "healthy")


async def test_server_listens_on_loopback_only_and_refuses_a_taken_port() -> None:
    async with pulsarr() as peer, pulsarr() as other:
        assert peer.sim.root_url.startswith("http://127.0.0.1:")
        await other.sim.stop()
        with pytest.raises(OSError):  # noqa: PT011  (errno and text differ between systems)
            await other.sim.start(peer.sim.listener.port)


# --- bodies ---


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/labels/sync"),
        ("POST", "/v1/webhooks/endpoints/1/test"),
        ("DELETE", "/v1/webhooks/endpoints/1"),
    ],
)
async def test_json_content_type_with_an_empty_body_is_400(method: str, path: str) -> None:
    async with pulsarr() as peer:
        await peer.register("http://127.0.0.1:9/hook")
        answer = await peer.call(
            method, path, headers={**peer.headers, "Content-Type": "application/json"}
        )
        assert answer.status == 400
        assert "empty" in answer.json["message"]
        assert len(peer.sim.endpoints) == 1


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json; charset=utf-8", b"[]", 400),
        ("text/plain", b"{}", 400),
        ("application/x-www-form-urlencoded", b"a=b", 415),
    ],
)
async def test_body_that_is_no_json_object_is_refused(
    content_type: str, body: bytes, status: int
) -> None:
    async with pulsarr() as peer:
        answer = await peer.post(
            "/v1/webhooks/endpoints",
            headers={**peer.headers, "Content-Type": content_type},
            data=body,
        )
    assert answer.status == status
    assert answer.json["statusCode"] == status


async def test_missing_body_is_400_where_one_is_needed() -> None:
    async with pulsarr() as peer:
        assert (await peer.post("/v1/webhooks/endpoints")).status == 400


async def test_post_without_a_body_and_with_any_other_type_is_415() -> None:
    async with pulsarr() as peer:
        typed = {**peer.headers, "Content-Type": "application/octet-stream"}
        assert (await peer.post("/v1/labels/sync", headers=typed)).status == 415
        assert (await peer.post("/v1/labels/sync")).status == 200


# --- version and settings ---


async def test_update_status_reports_the_version_and_older_versions_do_not() -> None:
    async with pulsarr(version="0.12.1") as peer:
        current = (await peer.get("/v1/system/update-status")).json
        peer.sim.knobs.update_status = False
        missing = await peer.get("/v1/system/update-status")
    assert (current["currentVersion"], current["updateAvailable"]) == ("0.12.1", False)
    assert current["status"] == "ok"
    assert missing.status == 404


async def test_config_reports_own_labelling_and_leaks_secrets() -> None:
    async with pulsarr() as peer:
        config = (await peer.get("/v1/config")).json["config"]
    assert config["plexLabelSync"]["enabled"] is False
    assert config["plexTokens"] == [config["radarrApiKey"]] != [""]


# --- faults and counts ---


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ("unauthorized", 401, "Unauthorized"),
        ("busy", 500, "Internal Server Error"),
        ("unavailable", 503, ""),
        ("throttled", 429, "Too Many Requests"),
        ("html", 200, "<!DOCTYPE html>"),
    ],
)
async def test_fault_replaces_one_answer_and_the_next_is_right(
    kind: FaultKind, status: int, text: str
) -> None:
    async with pulsarr() as peer:
        peer.sim.faults.add(Fault(kind, route=LIST))
        faulty, right = await peer.get(LIST), await peer.get(LIST)
    assert faulty.status == status
    assert text in faulty.text
    assert right.json["success"] is True


@pytest.mark.parametrize(("kind", "requests"), [("drop", 2), ("cut_body", 1)])
async def test_broken_connection_is_a_client_error(kind: FaultKind, requests: int) -> None:
    """The client of these tests asks a second time by itself when no answer came to a GET."""
    async with pulsarr() as peer:
        peer.sim.faults.add(Fault(kind, times=requests))
        with pytest.raises(aiohttp.ClientError):
            await peer.get(LIST)
        assert [entry.status for entry in peer.sim.stats.log] == [0] * requests
        assert (await peer.get(LIST)).status == 200


async def test_truncated_body_is_not_json_any_more() -> None:
    async with pulsarr() as peer:
        peer.sim.faults.add(Fault("truncated"))
        answer = await peer.get(LIST)
    assert answer.status == 200
    with pytest.raises(ValueError, match=r".*"):
        _ = answer.json


async def test_short_page_loses_rows_but_keeps_the_announced_total() -> None:
    state = PulsarrState()
    user = state.add_user("rosa")
    state.add_user("tim")
    state.want(user.id, MOVIE)
    state.want(user.id, OTHER_MOVIE)
    async with pulsarr(state) as peer:
        peer.sim.faults.add(Fault("short_page", times=2))
        users = (await peer.get(LIST)).json["users"]
        data = (await peer.get("/v1/users/1/watchlist")).json["data"]
    assert len(users) == 1
    assert (len(data["watchlistItems"]), data["total"]) == (1, 2)


async def test_slow_answer_still_comes() -> None:
    async with pulsarr() as peer:
        peer.sim.faults.add(Fault("slow_after_apply", seconds=0.15))
        started = time.monotonic()
        assert (await peer.get(LIST)).status == 200
        assert time.monotonic() - started >= 0.15


async def test_slow_request_changes_nothing_when_the_client_has_left() -> None:
    async with pulsarr() as peer:
        number = await peer.register("http://127.0.0.1:9/hook")
        peer.sim.faults.add(Fault("slow_before_apply", method="DELETE", seconds=600))
        with pytest.raises(TimeoutError):
            await peer.call(
                "DELETE",
                f"/v1/webhooks/endpoints/{number}",
                timeout=aiohttp.ClientTimeout(total=0.1),
            )
        await until(lambda: peer.sim.stats.in_flight == 0)
        assert [endpoint.id for endpoint in peer.sim.endpoints] == [number]


async def test_user_can_vanish_between_the_list_and_the_watchlist() -> None:
    state = PulsarrState()
    state.add_user("rosa")
    async with pulsarr(state) as peer:
        peer.sim.faults.add(Fault("vanishing_row", route="/v1/users/{id}/watchlist"))
        assert len((await peer.get(LIST)).json["users"]) == 1
        assert (await peer.get("/v1/users/1/watchlist")).status == 404
        assert (await peer.get(LIST)).json["users"] == []


async def test_outage_refuses_connections_and_ends() -> None:
    async with pulsarr() as peer:
        peer.sim.faults.add(Fault("outage", seconds=5.0))
        for _ in range(2):
            with pytest.raises(aiohttp.ClientError):
                await peer.get(LIST)
        await until(lambda: not peer.sim.listener.down)
        assert (await peer.get(LIST)).status == 200


async def test_stats_count_routes_by_template_without_the_base_path() -> None:
    state = PulsarrState()
    state.add_user("rosa")
    async with pulsarr(state, base_path="/p", latency_ms=200) as peer:
        await asyncio.gather(*(peer.get("/v1/users/1/watchlist") for _ in range(3)))
        await peer.get(LIST)
        stats = peer.sim.stats
        assert stats.requests["GET", "/v1/users/{id}/watchlist"] == 3
        assert stats.requests[LIST_ROUTE] == 1
        assert (stats.gets, stats.peak_concurrency) == (4, 3)
        stats.reset()
        assert stats.total == 0
