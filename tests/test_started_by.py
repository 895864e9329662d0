"""Who or what started each run, as the journal remembers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.core import Context
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.plex_label_sync.const import DOMAIN

from .household import later
from .test_brake import answer_issue, forget
from .test_live_updates import begin, told

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .household import Household

pytestmark = pytest.mark.usefixtures("clock")


async def starters(household: Household) -> list[str]:
    """Return what started the runs that changed something, newest first."""
    return [run["started_by"] for run in (await household.call("get_runs"))["runs"]]


def wish(household: Household, name: str = "rosa", *, in_plex: bool = True) -> Any:
    """Let somebody want another title, without a webhook."""
    title = household.spare(in_plex=in_plex)
    household.pulsarr.state.wish(household.person(name), title)
    return title


async def press(household: Household, key: str, user: MockUser) -> None:
    """Press a button as somebody does in the web interface."""
    await household.hass.services.async_call(
        "button",
        "press",
        {"entity_id": household.entity_id(key)},
        blocking=True,
        context=Context(user_id=user.id),
    )
    await household.settle()


async def test_start_up_and_clock(household: Household, clock: TickingDateTimeFactory) -> None:
    await household.set_up(live_mode=False, sync_interval=3600)
    wish(household)
    await later(household, clock, 3601)

    assert await starters(household) == ["clock", "start_up"]


async def test_switching_full_syncs_on(household: Household) -> None:
    await household.set_up(live_mode=False, batch_mode=False)
    switch = {"entity_id": household.entity_id("batch_mode")}
    await household.hass.services.async_call("switch", "turn_on", switch, blocking=True)
    await household.settle()

    assert await starters(household) == ["options"]


async def test_person_and_automation(household: Household, hass_admin_user: MockUser) -> None:
    await household.set_up(live_mode=False, batch_mode=False)
    await household.call("sync_all")
    wish(household)
    await press(household, "sync_all", hass_admin_user)
    undo = household.hass.services.async_call(
        DOMAIN, "undo", blocking=True, context=Context(user_id=hass_admin_user.id)
    )
    await undo

    name = hass_admin_user.name
    assert name
    assert await starters(household) == [name, name, "automation"]
    assert hass_admin_user.id not in str(await household.call("get_runs"))


async def test_webhook_and_waiting(household: Household, clock: TickingDateTimeFactory) -> None:
    await household.set_up(batch_mode=False)
    await household.pulsarr.wish(
        household.person("rosa"), household.spare(in_plex=True), force=True
    )
    await household.settle()
    await later(household, clock, 1)
    assert (await starters(household))[0] == "webhook"

    missing = household.spare(in_plex=False)
    await household.pulsarr.wish(household.person("rosa"), missing, force=True)
    assert await household.pulsarr.announce(missing, force=True)
    await household.settle()
    await later(household, clock, 1)
    household.plex.state.add_item(missing)  # Plex tells nobody
    await later(household, clock, 60)

    assert (await starters(household))[:2] == ["pending", "webhook"]


async def test_plex_event(household: Household, clock: TickingDateTimeFactory) -> None:
    await begin(household, clock)
    title = wish(household, in_plex=False)
    await household.plex.import_title(title)
    await told(household, clock)

    assert (await starters(household))[0] == "plex_event"


async def test_whoever_answers_in_repairs(
    full_house: Household, hass_client: ClientSessionGenerator, hass_admin_user: MockUser
) -> None:
    forget(full_house)
    await full_house.call("sync_all")
    await answer_issue(full_house, hass_client, "apply")

    assert (await starters(full_house))[0] == hass_admin_user.name


async def test_older_journal_does_not_say(
    household: Household, hass_storage: dict[str, Any]
) -> None:
    await household.set_up(live_mode=False)
    (before,) = (await household.call("get_runs"))["runs"]
    assert await household.hass.config_entries.async_unload(household.entry.entry_id)
    stored = hass_storage[f"{DOMAIN}.{household.entry.entry_id}.journal"]
    stored["minor_version"] = 3
    (run,) = stored["data"]["runs"]
    assert run.pop("by") == "start_up"
    assert await household.hass.config_entries.async_setup(household.entry.entry_id)
    await household.settle()

    assert (await household.call("get_runs"))["runs"] == [{**before, "started_by": "unknown"}]
