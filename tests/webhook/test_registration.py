"""Registration of the webhook in a simulated Pulsarr."""

from collections.abc import AsyncIterator
from typing import Unpack

import aiohttp
import pytest

from custom_components.plex_label_sync.const import WEBHOOK_SECRET_HEADER
from custom_components.plex_label_sync.pulsarr.client import PulsarrClient
from custom_components.plex_label_sync.sync.model import Failure, ServiceError
from custom_components.plex_label_sync.webhook.registration import (
    RegistrationResult,
    RegistrationStatus,
    async_reconcile,
    async_remove,
)
from simulators.http import Fault
from simulators.pulsarr import Endpoint, PulsarrSimulator
from simulators.pulsarr.records import EndpointFields

WEBHOOK_ID = "a3" * 32
SECRET = "s3cret-value"
URL = f"http://192.168.1.5:8123/api/webhook/{WEBHOOK_ID}"
ENDPOINTS = "/v1/webhooks/endpoints"
ENDPOINT = "/v1/webhooks/endpoints/{id}"
WANTED = ("media.available", "user.created", "watchlist.added", "watchlist.removed")


@pytest.fixture
async def pulsarr(known_secrets: set[str]) -> AsyncIterator[PulsarrSimulator]:
    """A running Pulsarr."""
    async with PulsarrSimulator() as simulator:
        known_secrets.update({simulator.api_key, SECRET, WEBHOOK_ID})
        yield simulator


@pytest.fixture
async def client(pulsarr: PulsarrSimulator) -> AsyncIterator[PulsarrClient]:
    """A client of it that loses no time."""

    async def sleep(_: float) -> None:
        pass

    async with aiohttp.ClientSession() as session:
        yield PulsarrClient(session, pulsarr.url, pulsarr.api_key, sleep=sleep)


async def reconcile(
    client: PulsarrClient, *, url: str = URL, secret: str = SECRET, name: str = "Home Assistant"
) -> RegistrationResult:
    """Reconcile with usual values."""
    return await async_reconcile(client, name=name, url=url, secret=secret, webhook_id=WEBHOOK_ID)


def add_stranger(pulsarr: PulsarrSimulator, url: str = "http://other/hook") -> Endpoint:
    """Register an endpoint that is somebody else's."""
    return pulsarr.state.add_endpoint(name="theirs", url=url, event_types=("user.created",))


def add_ours(pulsarr: PulsarrSimulator, **wrong: Unpack[EndpointFields]) -> Endpoint:
    """Register an endpoint of ours that is right except for some fields."""
    right = EndpointFields(
        name="Home Assistant",
        url=URL,
        auth_header_name=WEBHOOK_SECRET_HEADER,
        auth_header_value=SECRET,
        event_types=WANTED,
    )
    endpoint = pulsarr.state.add_endpoint(**right)
    return pulsarr.state.change_endpoint(endpoint.id, **wrong)


def writes(pulsarr: PulsarrSimulator) -> list[str]:
    """Return the methods of the changes that Pulsarr was told."""
    return [entry.method for entry in pulsarr.stats.log if entry.method != "GET"]


# --- registering ---


async def test_webhook_is_registered_once(pulsarr: PulsarrSimulator, client: PulsarrClient) -> None:
    first = await reconcile(client)
    (endpoint,) = pulsarr.endpoints
    assert first == RegistrationResult(RegistrationStatus.REGISTERED, endpoint.id, changed=True)
    assert (endpoint.name, endpoint.url, endpoint.enabled) == ("Home Assistant", URL, True)
    assert endpoint.auth_header_name == WEBHOOK_SECRET_HEADER
    assert endpoint.auth_header_value == SECRET
    assert set(endpoint.event_types) == set(WANTED)
    for _ in range(2):
        again = await reconcile(client)
        assert again == RegistrationResult(
            RegistrationStatus.REGISTERED, endpoint.id, changed=False
        )
    assert pulsarr.endpoints == [endpoint]
    assert writes(pulsarr) == ["POST"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": f"https://old.example/api/webhook/{WEBHOOK_ID}"},
        {"auth_header_name": "X-Other"},
        {"auth_header_name": None},
        {"auth_header_value": "old"},
        {"auth_header_value": None},
        {"event_types": ("media.available",)},
        {"event_types": (*WANTED, "approval.created")},
        {"enabled": False},
    ],
)
async def test_whatever_differs_is_corrected_in_place(
    pulsarr: PulsarrSimulator, client: PulsarrClient, wrong: EndpointFields
) -> None:
    endpoint = add_ours(pulsarr, **wrong)
    result = await reconcile(client)
    assert result == RegistrationResult(RegistrationStatus.REGISTERED, endpoint.id, changed=True)
    (now,) = pulsarr.endpoints
    assert (now.url, now.enabled, set(now.event_types)) == (URL, True, set(WANTED))
    assert (now.auth_header_name, now.auth_header_value) == (WEBHOOK_SECRET_HEADER, SECRET)
    assert writes(pulsarr) == ["PUT"]


async def test_order_of_events_is_no_difference(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    add_ours(pulsarr, event_types=WANTED[::-1])
    assert not (await reconcile(client)).changed
    assert writes(pulsarr) == []


async def test_name_that_a_person_gave_is_kept(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    add_ours(pulsarr, name="my labels")
    assert not (await reconcile(client)).changed
    await reconcile(client, secret="new")
    (endpoint,) = pulsarr.endpoints
    assert (endpoint.name, endpoint.auth_header_value) == ("my labels", "new")


async def test_changed_secret_and_address_reach_pulsarr(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    first = await reconcile(client)
    moved = f"http://10.0.0.9/prefix/api/webhook/{WEBHOOK_ID}/"
    second = await reconcile(client, url=moved, secret="another")
    assert second == first
    (endpoint,) = pulsarr.endpoints
    assert (endpoint.url, endpoint.auth_header_value) == (moved, "another")


async def test_own_duplicates_are_removed_and_the_right_one_stays(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    add_ours(pulsarr, url=f"http://old/api/webhook/{WEBHOOK_ID}")
    right = add_ours(pulsarr)
    add_ours(pulsarr)
    result = await reconcile(client)
    assert result == RegistrationResult(RegistrationStatus.REGISTERED, right.id, changed=True)
    assert pulsarr.endpoints == [right]
    assert writes(pulsarr) == ["DELETE", "DELETE"]


async def test_oldest_is_corrected_where_all_duplicates_are_wrong(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    oldest = add_ours(pulsarr, enabled=False)
    add_ours(pulsarr, auth_header_value="old")
    assert (await reconcile(client)).endpoint_id == oldest.id
    assert [endpoint.id for endpoint in pulsarr.endpoints] == [oldest.id]
    assert writes(pulsarr) == ["PUT", "DELETE"]


@pytest.mark.parametrize(
    "url",
    [
        "http://other/hook",
        "http://192.168.1.5:8123/api/webhook/another-id",
        f"http://192.168.1.5:8123/api/webhook/x{WEBHOOK_ID}",
        f"http://192.168.1.5:8123/api/webhook/{WEBHOOK_ID}x",
        f"http://192.168.1.5:8123/api/webhook/{WEBHOOK_ID}/more",
        f"http://192.168.1.5:8123/relay?to=/{WEBHOOK_ID}",
        f"http://192.168.1.5:8123/relay#/{WEBHOOK_ID}",
        f"http://[broken/{WEBHOOK_ID}",
    ],
)
async def test_endpoints_of_others_are_never_touched(
    pulsarr: PulsarrSimulator, client: PulsarrClient, url: str
) -> None:
    stranger = add_stranger(pulsarr, url)
    await reconcile(client)
    await reconcile(client, secret="new")
    assert stranger in pulsarr.endpoints
    await async_remove(client, WEBHOOK_ID)
    assert pulsarr.endpoints == [stranger]


# --- versions ---


async def test_version_without_webhooks_is_too_old(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    pulsarr.knobs.webhooks = False
    assert await reconcile(client) == RegistrationResult(RegistrationStatus.TOO_OLD)
    await async_remove(client, WEBHOOK_ID)
    assert writes(pulsarr) == []


async def test_only_events_that_pulsarr_knows_are_asked_for(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    pulsarr.knobs.event_types = ("media.available", "approval.created")
    assert (await reconcile(client)).changed
    assert pulsarr.endpoints[0].event_types == ("media.available",)
    assert not (await reconcile(client)).changed
    pulsarr.knobs.event_types = (*WANTED, "approval.created")
    assert (await reconcile(client)).changed
    assert set(pulsarr.endpoints[0].event_types) == set(WANTED)


async def test_version_that_knows_none_of_the_events_is_too_old(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    pulsarr.knobs.event_types = ("approval.created",)
    assert await reconcile(client) == RegistrationResult(RegistrationStatus.TOO_OLD)
    assert pulsarr.endpoints == []


# --- races and failures ---


async def test_endpoint_that_vanishes_meanwhile_is_created_again(
    pulsarr: PulsarrSimulator, client: PulsarrClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_ours(pulsarr, enabled=False)
    read = client.endpoints

    async def read_and_lose() -> object:
        found = await read()
        pulsarr.state.endpoints.clear()
        return found

    monkeypatch.setattr(client, "endpoints", read_and_lose)
    result = await reconcile(client)
    assert [endpoint.id for endpoint in pulsarr.endpoints] == [result.endpoint_id]
    assert result.changed


async def test_failed_correction_is_reported_and_leaves_the_rest_alone(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    ours = [add_ours(pulsarr, enabled=False), add_ours(pulsarr, enabled=False)]
    pulsarr.faults.add(Fault("busy", method="PUT"))
    with pytest.raises(ServiceError) as caught:
        await reconcile(client)
    assert caught.value.failure is Failure.BUSY
    assert pulsarr.endpoints == ours
    await reconcile(client)
    assert len(pulsarr.endpoints) == 1


async def test_interrupted_clean_up_is_finished_by_the_next_call(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    for _ in range(3):
        add_ours(pulsarr)
    pulsarr.faults.add(Fault("drop", method="DELETE", nth=2, times=2))
    with pytest.raises(ServiceError):
        await reconcile(client)
    assert len(pulsarr.endpoints) == 2
    assert (await reconcile(client)).changed
    assert len(pulsarr.endpoints) == 1


async def test_refused_key_is_not_taken_for_an_old_version(
    pulsarr: PulsarrSimulator, client: PulsarrClient
) -> None:
    pulsarr.faults.add(Fault("unauthorized", times=None))
    for work in (reconcile(client), async_remove(client, WEBHOOK_ID)):
        with pytest.raises(ServiceError) as caught:
            await work
        assert caught.value.failure is Failure.INVALID_AUTH


# --- removing ---


async def test_all_own_labels_are_removed(pulsarr: PulsarrSimulator, client: PulsarrClient) -> None:
    add_ours(pulsarr)
    stranger = add_stranger(pulsarr)
    add_ours(pulsarr, url=f"http://old/api/webhook/{WEBHOOK_ID}", enabled=False)
    await async_remove(client, WEBHOOK_ID)
    assert pulsarr.endpoints == [stranger]
    await async_remove(client, WEBHOOK_ID)
    assert pulsarr.endpoints == [stranger]
