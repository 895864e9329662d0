"""What a person can download and attach to a report."""

from __future__ import annotations

from http import HTTPStatus
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import __version__ as ha_version
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.plex_label_sync import health
from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.diagnostics import place
from simulators.plex import Fault

from .household import SECRETS
from .test_brake import forget

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .household import Household

REDACTED = "**REDACTED**"


@pytest.fixture(autouse=True)
def _own_configuration(hass: HomeAssistant, tmp_path: Path) -> None:
    """Let files be files, in a directory of the test's own."""
    hass.config.config_dir = str(tmp_path)


@pytest.fixture
def hass_storage() -> dict[str, Any]:
    """Nothing in place of files: the test client asks for it."""
    return {}


async def download(
    household: Household, hass_client: ClientSessionGenerator, *, device: str | None = None
) -> tuple[dict[str, Any], str]:
    """Return what Home Assistant's page offers for download, as data and as text."""
    client = await hass_client()
    path = f"/api/diagnostics/config_entry/{household.entry.entry_id}"
    answer = await client.get(path if device is None else f"{path}/device/{device}")
    assert answer.status == HTTPStatus.OK
    text = await answer.text()
    data: dict[str, Any] = json.loads(text)["data"]
    return data, text


async def test_download_says_how_things_stand(
    household: Household, hass_client: ClientSessionGenerator
) -> None:
    await household.set_up(exclude_people=["1"], exclude_labels=["Family"])

    data, _ = await download(household, hass_client)

    assert data["versions"] == {
        "home_assistant": ha_version,
        "integration": "0.1.0",
        "plex": household.plex.state.version,
        "pulsarr": household.pulsarr.knobs.version,
    }
    assert data["entry"]["state"] == "loaded"
    assert data["entry"]["options"]["exclude_people"] == 1
    assert data["entry"]["options"]["exclude_labels"] == 1
    assert data["entry"]["options"]["pending_retry_interval"] == 30
    assert data["status"]["state"] == "idle"
    assert data["status"]["labels_added"] == int(household.state("labels_added"))
    assert data["trouble"] == {}
    assert data["watchlists"]["people"] == len(household.pulsarr.state.users())
    assert data["queue"] == {
        "size": 0,
        "reasons": {},
        "types": {},
        "tries_max": 0,
        "oldest_seconds": None,
    }
    assert data["ledger"]["labels"] == int(household.state("labels_added"))
    assert data["ledger"]["items"] == int(household.state("labelled_items"))
    assert [run["kind"] for run in data["runs"]] == ["full"]
    assert data["last_full_sync"]["added"] == data["runs"][0]["added"]
    assert data["held"] is None
    storage = Path(household.hass.config.path(".storage"))
    assert data["files"]["bytes"] == {
        name: (storage / f"{DOMAIN}.{household.entry.entry_id}.{name}").stat().st_size
        for name in data["files"]["versions"]
        if name != "sharing"  # comes with the first check
    } | {"sharing": None}
    assert data["files"]["versions"].keys() == {"queue", "ledger", "journal", "sharing"}
    assert data["webhook"]["registration"]["health"] == "working"
    assert data["webhook"]["arrived"]["tests"] == 1


async def test_download_counts_every_request_by_its_kind(
    household: Household, hass_client: ClientSessionGenerator
) -> None:
    await household.set_up()

    data, _ = await download(household, hass_client)

    for server in ("plex", "pulsarr"):
        told = data["requests"][server]
        simulator = getattr(household, server)
        listening = simulator.stats.requests["GET", "/:/websockets/notifications"]
        assert told["requests"] == simulator.stats.total - listening
        assert told["requests"] == sum(kind["requests"] for kind in told["kinds"].values())
        assert told["bytes_in"] == sum(kind["bytes_in"] for kind in told["kinds"].values()) > 0
        assert (told["failures"], told["last_failures"], told["retries"]) == ({}, [], 0)
    plex, pulsarr = data["requests"]["plex"]["kinds"], data["requests"]["pulsarr"]["kinds"]
    assert plex["PUT /library/sections/{id}/all"]["requests"] == household.plex.stats.puts
    watchlists = pulsarr["GET /v1/users/{id}/watchlist"]
    assert watchlists["requests"] == len(household.pulsarr.state.users())
    assert 0 < watchlists["slowest"] <= watchlists["seconds"]


async def test_download_tells_what_went_wrong_last(
    household: Household, hass_client: ClientSessionGenerator
) -> None:
    await household.set_up(batch_mode=False)
    household.plex.faults.add(Fault("drop", times=None))
    with pytest.raises(Exception, match="connect"):
        await household.call("sync_all")

    data, _ = await download(household, hass_client)

    assert data["trouble"] == {"plex": "cannot_connect"}
    told = data["requests"]["plex"]
    assert told["failures"]["cannot_connect"] == len(told["last_failures"]) > 1
    assert told["last_failures"][-1]["failure"] == "cannot_connect"
    assert sum(kind["failed"] for kind in told["kinds"].values()) == len(told["last_failures"])
    assert told["retries"] > 0


async def test_download_holds_nothing_secret_and_nobody(
    household: Household, hass_client: ClientSessionGenerator
) -> None:
    await household.set_up(exclude_labels=["Rosa"], pending_max_age=30)
    title = household.spare(in_plex=False)
    await household.pulsarr.wish(household.person("rosa"), title)
    assert await household.pulsarr.announce(title, force=True)
    await household.settle()
    assert household.state("pending") == "1"

    data, text = await download(household, hass_client)

    assert data["queue"]["size"] == 1
    for secret in SECRETS:
        assert secret not in text
    told = json.dumps(data)
    assert data["entry"]["data"]["plex_token"] == REDACTED
    assert data["entry"]["data"]["plex_url"].startswith("http://loopback:")
    private = {
        household.entry.entry_id,
        household.plex.state.machine_identifier,
        household.plex.state.name,
        "127.0.0.1",
        *(person.name for person in household.pulsarr.state.users()),
        *(one.title for one in household.world.catalogue),
    }
    assert [word for word in private if word.casefold() in told.casefold()] == []


async def test_device_offers_the_same(
    household: Household, hass_client: ClientSessionGenerator
) -> None:
    await household.set_up()
    (device,) = dr.async_entries_for_config_entry(
        dr.async_get(household.hass), household.entry.entry_id
    )

    of_entry, _ = await download(household, hass_client)
    of_device, _ = await download(household, hass_client, device=device.id)

    assert of_device.keys() == of_entry.keys()
    assert of_device["ledger"] == of_entry["ledger"]


async def test_entry_that_cannot_be_set_up_says_why(
    household: Household, hass_client: ClientSessionGenerator
) -> None:
    household.add_entry()
    household.pulsarr.faults.add(Fault("drop", times=None))
    await household.hass.config_entries.async_setup(household.entry.entry_id)
    assert household.entry.state is ConfigEntryState.SETUP_RETRY

    data, text = await download(household, hass_client)

    assert data["entry"]["state"] == "setup_retry"
    # Older releases keep only the text.
    assert data["entry"]["reason"].startswith(("pulsarr_cannot_connect", "Pulsarr could not be"))
    assert data.keys() == {"versions", "entry"}
    for secret in SECRETS:
        assert secret not in text


async def test_pulsarr_that_does_not_answer_leaves_only_its_version_out(
    household: Household, hass_client: ClientSessionGenerator
) -> None:
    await household.set_up()
    household.pulsarr.faults.add(Fault("drop", times=None))

    data, _ = await download(household, hass_client)

    assert data["versions"]["pulsarr"] is None
    assert data["versions"]["plex"] == household.plex.state.version


async def test_pulsarr_that_takes_too_long_is_not_waited_for(
    household: Household, hass_client: ClientSessionGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await household.set_up()
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    household.pulsarr.faults.add(Fault("slow_before_apply", seconds=0.5, times=None))

    data, _ = await download(household, hass_client)

    assert data["versions"]["pulsarr"] is None


async def test_held_changes_are_counted_and_a_file_that_is_gone_is_told(
    full_house: Household, hass_client: ClientSessionGenerator
) -> None:
    labels = len(full_house.plex.state.carriers("rosa"))
    forget(full_house)
    await full_house.call("sync_all")
    storage = Path(full_house.hass.config.path(".storage"))
    (storage / f"{DOMAIN}.{full_house.entry.entry_id}.queue").unlink()

    data, _ = await download(full_house, hass_client)

    assert data["held"]["removals"] == labels
    assert "mass_removal" in data["held"]["reasons"]
    assert data["files"]["bytes"]["queue"] is None


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:8123", "http://loopback:8123"),
        ("http://localhost:3003/pulsarr", "http://loopback:3003/…"),
        ("https://[::1]", "https://loopback:443"),
        ("http://192.168.1.5:32400", "http://private-address:32400"),
        ("https://93.184.216.34/", "https://public-address:443"),
        ("http://ha.example.org", "http://name:80"),
        ("http://pulsarr:3003", "http://short-name:3003"),
        ("http://[", "no-address"),
        ("…", "no-address"),
    ],
)
def test_address_is_told_by_its_kind(address: str, said: str) -> None:
    assert place(address) == said
