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

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.diagnostics import place
from simulators.plex import Fault

from .ha_env import SECRETS, set_limits
from .real_files import hass_storage, own_configuration  # noqa: F401 - fixtures
from .short_timeouts import TOO_LONG
from .test_held_runs import forget
from .texts import COMPONENT

if TYPE_CHECKING:
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .ha_env import HaEnv

REDACTED = "**REDACTED**"
MANIFEST = json.loads((COMPONENT / "manifest.json").read_text(encoding="utf-8"))


async def download(
    ha_env: HaEnv, hass_client: ClientSessionGenerator, *, device: str | None = None
) -> tuple[dict[str, Any], str]:
    """Return what Home Assistant's page offers for download, as data and as text."""
    client = await hass_client()
    path = f"/api/diagnostics/config_entry/{ha_env.entry.entry_id}"
    answer = await client.get(path if device is None else f"{path}/device/{device}")
    assert answer.status == HTTPStatus.OK
    text = await answer.text()
    data: dict[str, Any] = json.loads(text)["data"]
    return data, text


async def test_download_says_how_things_stand(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    await ha_env.set_up(exclude_people=["1"], exclude_labels=["Family"])

    data, _ = await download(ha_env, hass_client)

    assert data["versions"] == {
        "home_assistant": ha_version,
        "integration": MANIFEST["version"],
        "plex": ha_env.plex.state.version,
        "pulsarr": ha_env.pulsarr.knobs.version,
    }
    assert data["entry"]["state"] == "loaded"
    assert data["entry"]["options"]["exclude_people"] == 1
    assert data["entry"]["options"]["exclude_labels"] == 1
    assert data["entry"]["options"]["pending_retry_interval"] == 30
    assert data["status"]["state"] == "idle"
    assert data["status"]["labels_added"] == int(ha_env.state("labels_added"))
    assert data["trouble"] == {}
    assert data["watchlists"]["people"] == len(ha_env.pulsarr.state.users())
    assert data["queue"] == {
        "size": 0,
        "reasons": {},
        "types": {},
        "tries_max": 0,
        "oldest_seconds": None,
    }
    assert data["ledger"]["labels"] == int(ha_env.state("labels_added"))
    assert data["ledger"]["items"] == int(ha_env.state("labelled_items"))
    assert [run["kind"] for run in data["runs"]] == ["full"]
    assert data["last_full_sync"]["added"] == data["runs"][0]["added"]
    assert data["held"] is None
    storage = Path(ha_env.hass.config.path(".storage"))
    assert data["files"]["bytes"] == {
        name: (storage / f"{DOMAIN}.{ha_env.entry.entry_id}.{name}").stat().st_size
        for name in data["files"]["versions"]
        if name not in {"sharing", "probe"}  # come with the first check and the first probe
    } | {"sharing": None, "probe": None}
    assert data["files"]["versions"].keys() == {
        "queue",
        "ledger",
        "journal",
        "sharing",
        "probe",
    }
    assert data["webhook"]["registration"]["health"] == "working"
    assert data["webhook"]["arrived"]["tests"] == 1


async def test_download_counts_every_request_by_its_kind(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    await ha_env.set_up()

    data, _ = await download(ha_env, hass_client)

    for server in ("plex", "pulsarr"):
        counted = data["requests"][server]
        simulator = getattr(ha_env, server)
        listening = simulator.stats.requests["GET", "/:/websockets/notifications"]
        assert counted["requests"] == simulator.stats.total - listening
        assert counted["requests"] == sum(kind["requests"] for kind in counted["kinds"].values())
        assert (
            counted["bytes_in"] == sum(kind["bytes_in"] for kind in counted["kinds"].values()) > 0
        )
        assert (counted["failures"], counted["last_failures"], counted["retries"]) == ({}, [], 0)
    plex, pulsarr = data["requests"]["plex"]["kinds"], data["requests"]["pulsarr"]["kinds"]
    assert plex["PUT /library/sections/{id}/all"]["requests"] == ha_env.plex.stats.puts
    watchlists = pulsarr["GET /v1/users/{id}/watchlist"]
    assert watchlists["requests"] == len(ha_env.pulsarr.state.users())
    assert 0 < watchlists["slowest"] <= watchlists["seconds"]


async def test_download_reports_what_went_wrong_last(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    await ha_env.set_up(batch_mode=False)
    ha_env.plex.faults.add(Fault("drop", times=None))
    with pytest.raises(Exception, match="connect"):
        await ha_env.call("sync_all")

    data, _ = await download(ha_env, hass_client)

    assert data["trouble"] == {"plex": "cannot_connect"}
    counted = data["requests"]["plex"]
    assert counted["failures"]["cannot_connect"] == len(counted["last_failures"]) > 1
    assert counted["last_failures"][-1]["failure"] == "cannot_connect"
    assert sum(kind["failed"] for kind in counted["kinds"].values()) == len(
        counted["last_failures"]
    )
    assert counted["retries"] > 0


async def test_download_holds_nothing_secret_and_no_one(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    await ha_env.set_up(exclude_labels=["Rosa"], pending_max_age=30)
    title = ha_env.spare(in_plex=False)
    await ha_env.pulsarr.want(ha_env.person("rosa"), title)
    assert await ha_env.pulsarr.announce(title, force=True)
    await ha_env.settle()
    assert ha_env.state("pending") == "1"

    data, text = await download(ha_env, hass_client)

    assert data["queue"]["size"] == 1
    for secret in SECRETS:
        assert secret not in text
    counted = json.dumps(data)
    assert data["entry"]["data"]["plex_token"] == REDACTED
    assert data["entry"]["data"]["plex_url"].startswith("http://loopback:")
    private = {
        ha_env.entry.entry_id,
        ha_env.plex.state.machine_identifier,
        ha_env.plex.state.name,
        "127.0.0.1",
        *(person.name for person in ha_env.pulsarr.state.users()),
        *(one.title for one in ha_env.world.catalog),
    }
    assert [word for word in private if word.casefold() in counted.casefold()] == []


async def test_device_offers_the_same(ha_env: HaEnv, hass_client: ClientSessionGenerator) -> None:
    await ha_env.set_up()
    (device,) = dr.async_entries_for_config_entry(dr.async_get(ha_env.hass), ha_env.entry.entry_id)

    of_entry, _ = await download(ha_env, hass_client)
    of_device, _ = await download(ha_env, hass_client, device=device.id)

    assert of_device.keys() == of_entry.keys()
    assert of_device["ledger"] == of_entry["ledger"]


async def test_entry_that_cannot_be_set_up_says_why(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    ha_env.add_entry()
    ha_env.pulsarr.faults.add(Fault("drop", times=None))
    await ha_env.hass.config_entries.async_setup(ha_env.entry.entry_id)
    assert ha_env.entry.state is ConfigEntryState.SETUP_RETRY

    data, text = await download(ha_env, hass_client)

    assert data["entry"]["state"] == "setup_retry"
    # Older releases keep only the text.
    assert data["entry"]["reason"].startswith(("pulsarr_cannot_connect", "Pulsarr could not be"))
    assert data.keys() == {"versions", "entry"}
    for secret in SECRETS:
        assert secret not in text


async def test_pulsarr_that_does_not_answer_leaves_only_its_version_out(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    await ha_env.set_up()
    ha_env.pulsarr.faults.add(Fault("drop", times=None))

    data, _ = await download(ha_env, hass_client)

    assert data["versions"]["pulsarr"] is None
    assert data["versions"]["plex"] == ha_env.plex.state.version


async def test_pulsarr_that_takes_too_long_is_not_waited_for(
    ha_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    set_limits(ha_env.hass, page_timeout=0.05)
    await ha_env.set_up()
    ha_env.pulsarr.faults.add(Fault("slow_before_apply", seconds=TOO_LONG, times=None))

    data, _ = await download(ha_env, hass_client)

    assert data["versions"]["pulsarr"] is None


async def test_held_changes_are_counted_and_a_file_that_is_gone_is_reported(
    full_env: HaEnv, hass_client: ClientSessionGenerator
) -> None:
    labels = len(full_env.plex.state.carriers("rosa"))
    forget(full_env)
    await full_env.call("sync_all")
    storage = Path(full_env.hass.config.path(".storage"))
    (storage / f"{DOMAIN}.{full_env.entry.entry_id}.queue").unlink()

    data, _ = await download(full_env, hass_client)

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
def test_address_is_reported_by_its_kind(address: str, said: str) -> None:
    assert place(address) == said
