"""Who or what started each run, as the journal remembers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.core import Context
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.plex_label_sync.const import DOMAIN

from .ha_env import later
from .live.test_plex_events import begin, process_events
from .test_held_runs import answer_issue, forget

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .ha_env import HaEnv

pytestmark = pytest.mark.usefixtures("clock")


async def starters(ha_env: HaEnv) -> list[str]:
    """Return what started the runs that changed something, newest first."""
    return [run["started_by"] for run in (await ha_env.call("get_runs"))["runs"]]


def want(ha_env: HaEnv, name: str = "rosa", *, in_plex: bool = True) -> Any:
    """Let somebody want another title, without a webhook."""
    title = ha_env.spare(in_plex=in_plex)
    ha_env.pulsarr.state.want(ha_env.person(name), title)
    return title


async def press(ha_env: HaEnv, key: str, user: MockUser) -> None:
    """Press a button as somebody does in the web interface."""
    await ha_env.hass.services.async_call(
        "button",
        "press",
        {"entity_id": ha_env.entity_id(key)},
        blocking=True,
        context=Context(user_id=user.id),
    )
    await ha_env.settle()


async def test_start_up_and_clock(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    await ha_env.set_up(live_mode=False, sync_interval=3600)
    want(ha_env)
    await later(ha_env, clock, 3601)

    assert await starters(ha_env) == ["clock", "start_up"]


async def test_switching_full_syncs_on(ha_env: HaEnv) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    switch = {"entity_id": ha_env.entity_id("batch_mode")}
    await ha_env.hass.services.async_call("switch", "turn_on", switch, blocking=True)
    await ha_env.settle()

    assert await starters(ha_env) == ["options"]


async def test_person_and_automation(ha_env: HaEnv, hass_admin_user: MockUser) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    await ha_env.call("sync_all")
    want(ha_env)
    await press(ha_env, "sync_all", hass_admin_user)
    undo = ha_env.hass.services.async_call(
        DOMAIN, "undo", blocking=True, context=Context(user_id=hass_admin_user.id)
    )
    await undo

    name = hass_admin_user.name
    assert name
    assert await starters(ha_env) == [name, name, "automation"]
    assert hass_admin_user.id not in str(await ha_env.call("get_runs"))


async def test_webhook_and_waiting(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    await ha_env.set_up(batch_mode=False)
    await ha_env.pulsarr.want(ha_env.person("rosa"), ha_env.spare(in_plex=True), force=True)
    await ha_env.settle()
    await later(ha_env, clock, 1)
    assert (await starters(ha_env))[0] == "webhook"

    missing = ha_env.spare(in_plex=False)
    await ha_env.pulsarr.want(ha_env.person("rosa"), missing, force=True)
    assert await ha_env.pulsarr.announce(missing, force=True)
    await ha_env.settle()
    await later(ha_env, clock, 1)
    ha_env.plex.state.add_item(missing)  # Plex tells nobody
    await later(ha_env, clock, 60)

    assert (await starters(ha_env))[:2] == ["pending", "webhook"]


async def test_plex_event(ha_env: HaEnv, clock: TickingDateTimeFactory) -> None:
    await begin(ha_env, clock)
    title = want(ha_env, in_plex=False)
    await ha_env.plex.import_title(title)
    await process_events(ha_env, clock)

    assert (await starters(ha_env))[0] == "plex_event"


async def test_whichever_user_answers_in_repairs(
    full_env: HaEnv, hass_client: ClientSessionGenerator, hass_admin_user: MockUser
) -> None:
    forget(full_env)
    await full_env.call("sync_all")
    await answer_issue(full_env, hass_client, "apply")

    assert (await starters(full_env))[0] == hass_admin_user.name


async def test_older_journal_does_not_say(ha_env: HaEnv, hass_storage: dict[str, Any]) -> None:
    await ha_env.set_up(live_mode=False)
    (before,) = (await ha_env.call("get_runs"))["runs"]
    assert await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)
    stored = hass_storage[f"{DOMAIN}.{ha_env.entry.entry_id}.journal"]
    stored["minor_version"] = 3
    data = stored["data"]
    (run,) = data["runs"]
    assert run.pop("by") == "start_up"
    # What else was written otherwise then.
    data["items"] = [[data["libraries"][one[0]][0], *one[1:3]] for one in data["items"]]
    data["edits"] = [[*one[:2], "somebody wants it", one[2]] for one in data["edits"]]
    assert await ha_env.hass.config_entries.async_setup(ha_env.entry.entry_id)
    await ha_env.settle()

    assert (await ha_env.call("get_runs"))["runs"] == [{**before, "started_by": "unknown"}]
