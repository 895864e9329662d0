"""Addresses and keys: what the client lets in, and what it tells a person at the form."""

from collections.abc import Callable
import ssl
from typing import Any

import aiohttp
import pytest

from custom_components.plex_label_sync.pulsarr.client import PulsarrClient, normalize_url
from custom_components.plex_label_sync.pulsarr.endpoints import EndpointSettings
from custom_components.plex_label_sync.pulsarr.limits import PulsarrLimits
from custom_components.plex_label_sync.sync.failures import FAILURES
from custom_components.plex_label_sync.sync.model import (
    Failure,
)
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from simulators.http import Fault, FaultKind
from simulators.pulsarr import PulsarrKnobs, PulsarrSimulator
from simulators.pulsarr.knobs import AuthMethod

from .fixtures import SETTINGS, MakeClient, Naps, OtherServer, failure_of

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
    wrong_key = make_client(pulsarr.url, "wrong-key-value")
    for work in (wrong_key.check(), wrong_key.people(), wrong_key.watchlist(pulsarr_id(1))):
        err = await failure_of(work)
        assert err.failure is Failure.INVALID_AUTH
        assert "wrong-key-value" not in repr(err) + str(err) + err.detail
    assert pulsarr.stats.total == 3
    assert naps.taken == []


async def test_no_key_is_fine_where_none_is_needed(
    pulsarr: PulsarrSimulator, make_client: MakeClient, knobs: PulsarrKnobs
) -> None:
    refused = make_client(pulsarr.url, "  ")
    assert (await failure_of(refused.check())).failure is Failure.INVALID_AUTH
    knobs.auth = "disabled"
    await refused.check()


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
    assert [one.status for one in pulsarr.stats.log] == [200]


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
        ("http://h:3003/app/dashboard", "http://h:3003"),
        ("https://h/pulsarr/app/", "https://h/pulsarr"),
        ("https://h/apple", "https://h/apple"),
        ("http://app", "http://app"),
        ("http://app/app/dashboard", "http://app"),
        ("http://v1/", "http://v1"),
    ],
)
def test_address_is_kept_with_its_base_path_only(url: str, base: str) -> None:
    assert normalize_url(url) == base
    assert normalize_url(base) == base


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
        "https://user:password@pulsarr.example/a",
        "http://" + "a" * 70,
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the form has a text of its own for it
        normalize_url(url)


# --- the check for the form ---


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("unauthorized", Failure.INVALID_AUTH),
        ("busy", Failure.BUSY),
        ("unavailable", Failure.BUSY),
        ("throttled", Failure.RATE_LIMITED),
        ("drop", Failure.CANNOT_CONNECT),
        ("html", Failure.WRONG_SERVICE),
    ],
)
async def test_check_tries_once_and_says_what_is_wrong(
    pulsarr: PulsarrSimulator, client: PulsarrClient, naps: Naps, kind: FaultKind, failure: Failure
) -> None:
    pulsarr.faults.add(Fault(kind, method="GET", times=None))
    assert (await failure_of(client.check())).failure is failure
    assert naps.taken == []


async def test_check_does_not_wait_for_ever(
    pulsarr: PulsarrSimulator, make_client: MakeClient
) -> None:
    client = make_client(pulsarr.url, pulsarr.api_key, PulsarrLimits(probe_timeout=0.1))
    pulsarr.faults.add(Fault("slow_before_apply", seconds=5))
    assert (await failure_of(client.check())).failure is Failure.TIMEOUT


async def test_check_finds_a_closed_port(make_client: MakeClient, unused_tcp_port: int) -> None:
    refused = make_client(f"http://127.0.0.1:{unused_tcp_port}", "key")
    assert (await failure_of(refused.check())).failure is Failure.CANNOT_CONNECT


async def test_check_distinguishes_a_plain_server_behind_https_from_a_dead_one(
    pulsarr: PulsarrSimulator, make_client: MakeClient
) -> None:
    secure = make_client(pulsarr.url.replace("http:", "https:"), pulsarr.api_key)
    assert (await failure_of(secure.check())).failure is Failure.SSL_ERROR


# --- another server at the same address ---


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, {"error": "no such thing"}, None),
        (200, {"success": True}, None),
        (200, {"success": False, "users": []}, None),
        (200, {"users": {"1": "rosa"}}, None),
        (200, ["rosa"], None),
        (200, None, None),
        (200, b"", None),
        (200, b"\xff\xfe", None),
        (200, b'{"success": tr', None),
        (204, b"", None),
        (301, b"", None),
        (308, b"", None),
        (400, {}, None),
        (404, {}, None),
        (405, {}, None),
        (401, {}, "invalid_auth"),
        (403, {}, "invalid_auth"),
        (502, b"<html>", "cannot_connect"),
    ],
)
async def test_other_servers_are_distinguished_from_pulsarr(
    other: OtherServer, make_client: MakeClient, status: int, body: object, error: str | None
) -> None:
    other.status, other.body = status, body
    other.headers = {"Location": f"{other.url}/login"} if status in {301, 308} else {}
    err = await failure_of(make_client(other.url, "k").check())
    assert FAILURES[err.failure].form_error == error  # None: it is another service
    assert all(path.startswith("/v1/") for _, path, _, _ in other.requests)


async def test_untrusted_certificate_is_an_ssl_error(
    other: OtherServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Callable[..., Any]:
        raise ssl.SSLCertVerificationError("self-signed certificate")

    client = make_client(other.url, "k")
    monkeypatch.setattr(aiohttp.ClientSession, "request", fail)
    assert (await failure_of(client.check())).failure is Failure.SSL_ERROR


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
