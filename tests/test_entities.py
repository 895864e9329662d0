"""What the entities show, and that the switches act at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import (
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    EntityCategory,
)
from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util, slugify
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.schedule import CATCH_UP_AFTER
from custom_components.plex_label_sync.servers import PROBE_AFTER
from simulators.plex import Fault

from .ha_env import later
from .test_init import assert_everything_is_labelled
from .texts import read_json

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory
    from homeassistant.core import Event, EventStateChangedData

    from .ha_env import HaEnv

KEYS = {
    "sensor": {
        "pending",
        "last_sync",
        "status",
        "progress",
        "labels_added",
        "labels_removed",
        "labels_added_total",
        "labels_removed_total",
        "labelled_items",
        "titles_wanted",
        "titles_missing",
        "people",
        "overrides",
        "sync_duration",
        "sharing_warnings",
        "last_sharing_check",
    },
    "binary_sensor": {"plex_connected", "pulsarr_connected", "live_updates", "problem"},
    "button": {"sync_all", "process_pending", "check_sharing", "probe"},
    "switch": {"live_mode", "batch_mode"},
    "event": {"activity"},
    "image": {"last_labelled"},
}
DIAGNOSTIC = {
    "probe",
    "last_sync",
    "last_sharing_check",
    "overrides",
    "sync_duration",
    "plex_connected",
    "pulsarr_connected",
    "live_updates",
}


async def test_every_promised_entity_is_there_in_its_category(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    registry = er.async_get(ha_env.hass)
    entities = er.async_entries_for_config_entry(registry, ha_env.entry.entry_id)
    found: dict[str, set[str]] = {}
    for entity in entities:
        key = entity.unique_id.removeprefix(f"{ha_env.entry.entry_id}_")
        found.setdefault(entity.domain, set()).add(key)
        category = EntityCategory.DIAGNOSTIC if key in DIAGNOSTIC else None
        if entity.domain == "switch":
            category = EntityCategory.CONFIG
        assert entity.entity_category is category, key
        assert (entity.disabled_by is not None) is (key in {"sync_duration", "probe"})
    people = {f"person_{one.id}" for one in ha_env.pulsarr.state.users() if one.can_sync}
    assert people
    assert found == KEYS | {"sensor": KEYS["sensor"] | people}


async def test_device_is_the_label_sync_and_not_a_second_plex_server(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up()
    (device,) = dr.async_entries_for_config_entry(dr.async_get(ha_env.hass), ha_env.entry.entry_id)

    assert device.name == f"{ha_env.plex.state.name} labels"
    assert device.entry_type is dr.DeviceEntryType.SERVICE
    assert device.manufacturer == "Plex Label Sync"
    assert device.model == "Label sync for Plex Media Server"
    assert device.sw_version == read_json("manifest.json")["version"]
    assert device.configuration_url == (
        "homeassistant://config/integrations/integration/plex_label_sync"
    )
    assert device.identifiers == {("plex_label_sync", ha_env.entry.entry_id)}
    name = slugify(ha_env.plex.state.name)
    assert ha_env.entity_id("pending") == f"sensor.{name}_labels_pending"


async def test_entities_of_an_older_version_keep_their_ids(ha_env: HaEnv) -> None:
    entry = ha_env.add_entry()
    registry = er.async_get(ha_env.hass)
    device = dr.async_get(ha_env.hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={("plex_label_sync", entry.entry_id)},
        name=entry.title,
        model="Plex Media Server",
    )
    registry.async_get_or_create(
        "sensor",
        "plex_label_sync",
        f"{entry.entry_id}_pending",
        suggested_object_id="my_plex_pending",
        config_entry=entry,
        device_id=device.id,
    )
    await ha_env.hass.config_entries.async_setup(entry.entry_id)
    await ha_env.settle()

    assert ha_env.entity_id("pending") == "sensor.my_plex_pending"
    (now,) = dr.async_entries_for_config_entry(dr.async_get(ha_env.hass), entry.entry_id)
    assert now.id == device.id
    assert now.name == f"{entry.title} labels"


async def test_other_server_that_comes_up_at_the_same_address_is_left_alone(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(batch_mode=False)
    ha_env.plex.faults.add(Fault("drop", times=None))
    with pytest.raises(Exception, match="connect"):
        await ha_env.call("sync_all")
    ha_env.plex.state.machine_identifier = "f" * 40
    ha_env.plex.faults.clear()
    ha_env.plex.stats.reset()
    await later(ha_env, clock, PROBE_AFTER + 1)

    assert ha_env.entry.state is ConfigEntryState.SETUP_RETRY
    assert ha_env.plex.stats.puts == 0


async def test_other_server_in_the_place_of_the_known_one_is_not_written_to_though_nothing_was_away(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    await ha_env.call("sync_all")
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)
    uuids = {key: one.uuid for key, one in ha_env.plex.state.libraries.items()}
    machine = ha_env.plex.state.machine_identifier
    ha_env.plex.state.machine_identifier = "another"
    for library in ha_env.plex.state.libraries.values():
        library.uuid = f"another-{library.key}"
    ha_env.plex.stats.reset()

    with pytest.raises(HomeAssistantError) as refused:
        await ha_env.call("sync_all")
    assert refused.value.translation_key == "plex_implausible"
    assert ha_env.plex.stats.puts == 0
    assert ha_env.state("status") == "error"

    ha_env.plex.state.machine_identifier = machine
    for library in ha_env.plex.state.libraries.values():
        library.uuid = uuids[library.key]
    await ha_env.call("sync_all")
    assert all("rosa" in labels for labels in ha_env.labels(title))
    assert ha_env.state("status") == "idle"


async def test_library_that_our_server_made_again_is_served_and_nothing_in_it_is_own(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(
        batch_mode=False, live_mode=False, libraries=None, removed_label_mode="remove"
    )
    await ha_env.call("sync_all")
    ha_env.plex.state.rebuild_library("1", same_keys=True)
    (spare,) = [ha_env.spare(in_plex=True)]
    by_hand = ha_env.plex.state.items_of(spare)[0].rating_key
    ha_env.plex.state.add_label(by_hand, "rosa")

    answer = await ha_env.call("sync_all", allow_mass_removal=True)

    assert answer["status"] == "done"
    assert ha_env.plex.state.labels_of(by_hand) == ("Rosa",)
    ha_env.plex.state.remove_label(by_hand, "Rosa")
    assert_everything_is_labelled(ha_env)


async def test_question_under_way_when_the_entry_is_unloaded_is_the_last(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    ha_env.pulsarr.faults.add(Fault("drop", times=None))
    with pytest.raises(Exception, match="connect"):
        await ha_env.call("sync_all")
    clock.move_to(clock() + timedelta(seconds=PROBE_AFTER + 1))
    async_fire_time_changed(ha_env.hass, dt_util.utcnow())
    await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)
    await ha_env.settle()
    ha_env.pulsarr.stats.reset()

    await later(ha_env, clock, 10 * PROBE_AFTER)

    assert ha_env.pulsarr.stats.total == 0


async def test_what_is_not_known_yet_is_unknown_and_what_cannot_be_known_is_unavailable(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    never_synced = {
        "last_sync",
        "labels_added",
        "labels_removed",
        "titles_wanted",
        "titles_missing",
        "people",
    }
    for key in never_synced:
        assert ha_env.state(key) == STATE_UNKNOWN, key
    for key in ("pending", "labelled_items", "overrides"):
        assert ha_env.state(key) == "0", key

    ha_env.pulsarr.faults.add(Fault("drop", times=None))
    await ha_env.hass.config_entries.async_reload(ha_env.entry.entry_id)
    await ha_env.settle()

    for keys in KEYS.values():
        for key in keys - {"sync_duration", "probe"}:
            assert ha_env.state(key) == STATE_UNAVAILABLE, key


async def test_people_are_those_who_want_something(ha_env: HaEnv) -> None:
    await ha_env.set_up()
    wanting = {
        person.name
        for person in ha_env.pulsarr.state.users()
        if person.can_sync and ha_env.wanted_by(person.name)
    }
    assert ha_env.state("people") == str(len(wanting))
    assert len(wanting) < len(ha_env.pulsarr.state.users())


async def test_progress_is_shown_while_a_run_is_on(ha_env: HaEnv) -> None:
    shown: list[str] = []
    ha_env.add_entry()

    @callback  # else it runs in threads, which may overtake each other
    def note(event: Event[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        if event.data["entity_id"].endswith("_progress") and new is not None:
            shown.append(new.state)

    ha_env.hass.bus.async_listen("state_changed", note)
    await ha_env.hass.config_entries.async_setup(ha_env.entry.entry_id)
    await ha_env.settle()

    percents = [int(one) for one in shown if one.isdecimal()]
    assert len(percents) > 3
    assert percents == sorted(percents)
    assert max(percents) == 100
    assert ha_env.state("progress") == STATE_UNKNOWN


@pytest.mark.parametrize(
    ("server", "state"), [("plex", "waiting_for_plex"), ("pulsarr", "waiting_for_pulsarr")]
)
async def test_server_that_is_away_shows_and_so_does_its_return(
    ha_env: HaEnv, clock: TickingDateTimeFactory, server: str, state: str
) -> None:
    await ha_env.set_up(batch_mode=False)
    simulator = getattr(ha_env, server)
    simulator.faults.add(Fault("drop", times=None))
    with pytest.raises(Exception, match="connect"):
        await ha_env.call("sync_all")
    assert ha_env.state(f"{server}_connected") == STATE_OFF
    assert ha_env.state("status") == state

    await later(ha_env, clock, PROBE_AFTER + 1)
    assert ha_env.state(f"{server}_connected") == STATE_OFF

    simulator.faults.clear()
    await later(ha_env, clock, PROBE_AFTER + 1)
    assert ha_env.state(f"{server}_connected") == STATE_ON
    assert ha_env.state("status") == "idle"


@pytest.mark.parametrize(
    ("server", "broken"),
    [("plex", "plex.server.PlexClient.info"), ("pulsarr", "pulsarr.answers.people")],
)
async def test_fault_of_our_own_does_not_end_the_wait_for_a_server(
    ha_env: HaEnv,
    clock: TickingDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    server: str,
    broken: str,
) -> None:
    await ha_env.set_up(batch_mode=False, live_mode=False)
    simulator = getattr(ha_env, server)
    simulator.faults.add(Fault("drop", times=None))
    with pytest.raises(Exception, match="connect"):
        await ha_env.call("sync_all")
    simulator.faults.clear()
    broken = f"custom_components.{DOMAIN}.{broken}"
    with patch(broken, side_effect=RuntimeError("a fault of our own")):
        for _ in range(2):
            await later(ha_env, clock, PROBE_AFTER + 1)
            assert ha_env.state(f"{server}_connected") == STATE_OFF
    assert caplog.text.count("Unexpected RuntimeError") == 1
    assert "a fault of our own" not in caplog.text

    await later(ha_env, clock, PROBE_AFTER + 1)
    assert ha_env.state(f"{server}_connected") == STATE_ON


async def test_sync_that_failed_is_made_up_for_when_the_server_is_back(
    ha_env: HaEnv, clock: TickingDateTimeFactory
) -> None:
    await ha_env.set_up()
    ha_env.pulsarr.faults.add(Fault("drop", times=None))
    with pytest.raises(Exception, match="connect"):
        await ha_env.call("sync_all")
    ha_env.pulsarr.faults.clear()
    before = ha_env.state("last_sync")

    await later(ha_env, clock, PROBE_AFTER + 1)
    await later(ha_env, clock, CATCH_UP_AFTER + 1)

    assert ha_env.state("last_sync") > before
    assert dt_util.parse_datetime(ha_env.state("last_sync")) is not None


async def switch(ha_env: HaEnv, key: str, *, on: bool) -> None:
    """Turn one of the switches, and wait until that took effect."""
    await ha_env.hass.services.async_call(
        "switch",
        "turn_on" if on else "turn_off",
        {"entity_id": ha_env.entity_id(key)},
        blocking=True,
    )
    await ha_env.settle()


async def test_switches_change_the_options_and_nothing_is_reloaded(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up()
    running = ha_env.entry.runtime_data
    for key in ("live_mode", "batch_mode"):
        assert ha_env.state(key) == STATE_ON
        await switch(ha_env, key, on=False)
        assert ha_env.state(key) == STATE_OFF
        assert ha_env.entry.options[key] is False
    for key in ("live_mode", "batch_mode"):
        await switch(ha_env, key, on=True)
        assert ha_env.state(key) == STATE_ON
        assert ha_env.entry.options[key] is True
    assert ha_env.entry.runtime_data is running


async def test_full_syncs_follow_their_switch(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    await ha_env.set_up(sync_interval=60)
    await switch(ha_env, "batch_mode", on=False)
    before = ha_env.state("last_sync")
    await later(ha_env, clock, 200)
    assert ha_env.state("last_sync") == before

    await switch(ha_env, "batch_mode", on=True)
    at_once = ha_env.state("last_sync")
    assert at_once > before
    await later(ha_env, clock, 61)
    assert ha_env.state("last_sync") > at_once


async def test_live_mode_that_is_switched_on_makes_up_for_what_was_missed(
    ha_env: HaEnv,
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    title = ha_env.spare(in_plex=True)
    ha_env.pulsarr.state.want(ha_env.person("rosa"), title)

    await switch(ha_env, "live_mode", on=True)

    assert all("rosa" in labels for labels in ha_env.labels(title))


async def test_live_mode_that_is_switched_on_registers_the_webhook(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False)
    assert ha_env.pulsarr.state.endpoints == {}
    await switch(ha_env, "live_mode", on=True)
    assert len(ha_env.pulsarr.state.endpoints) == 1
