"""A large sync that was cut off: the next start settles every label that may have been sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.plex_label_sync.sync.retention import SHOWS_WITHIN
from simulators.http import Fault

from .ha_env import eventually, later, set_limits
from .short_timeouts import TOO_LONG
from .test_concurrency import act
from .test_diagnostics import download
from .test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from freezegun.api import TickingDateTimeFactory
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from simulators.catalog import CatalogTitle

    from .ha_env import HaEnv


async def cut_off(ha_env: HaEnv, edit: int) -> None:
    """End a full sync while Plex leaves an edit undone, without anything being saved any more."""
    set_limits(ha_env.hass, stop_timeout=0.01)
    await ha_env.set_up(batch_mode=False, live_mode=False)
    ha_env.plex.faults.add(
        Fault("slow_before_apply", method="PUT", nth=edit, times=None, seconds=TOO_LONG)
    )
    running = asyncio.create_task(act(ha_env, "sync_all"))
    await eventually(lambda: ha_env.plex.faults.acted > 0)
    await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)
    with pytest.raises(HomeAssistantError):
        await running
    ha_env.plex.faults.clear()


async def start(ha_env: HaEnv, **modes: bool) -> None:
    """Start again, with other modes."""
    options = {**ha_env.entry.options, **modes}
    ha_env.hass.config_entries.async_update_entry(ha_env.entry, options=options)
    assert await ha_env.hass.config_entries.async_setup(ha_env.entry.entry_id)
    await ha_env.settle()


async def run_of(ha_env: HaEnv, status: str) -> list[dict[str, Any]]:
    """Return the changes of the one run that ended in some way."""
    runs = (await ha_env.call("get_runs", changes=True))["runs"]
    (run,) = (one for one in runs if one["status"] == status)
    changes: list[dict[str, Any]] = run["changes"]
    return changes


def keys(changes: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return the rating keys and folded labels of changes."""
    return {(change["rating_key"], change["label"].casefold()) for change in changes}


def carries(ha_env: HaEnv, change: dict[str, Any]) -> bool:
    """Return whether the item of a change carries its label."""
    labels = ha_env.plex.state.labels_of(change["rating_key"])
    return change["label"].casefold() in map(str.casefold, labels)


async def unconfirmed(ha_env: HaEnv, hass_client: ClientSessionGenerator) -> int:
    """Return how many labels may or may not be in Plex."""
    data, _ = await download(ha_env, hass_client)
    count: int = data["ledger"]["unconfirmed"]
    return count


@pytest.mark.parametrize("mode", ["batch_mode", "live_mode"])
@pytest.mark.parametrize("edit", [2, 6])
async def test_start_settles_what_may_have_been_sent_and_writes_only_what_is_missing(
    ha_env: HaEnv, hass_client: ClientSessionGenerator, edit: int, mode: str
) -> None:
    await cut_off(ha_env, edit)
    items = ha_env.plex.state.items.items()
    before = {(key, label.casefold()) for key, item in items for label in item.labels}

    await start(ha_env, **{mode: True})

    may_be_sent = keys(await run_of(ha_env, "interrupted"))
    added = keys(await run_of(ha_env, "done"))
    written = may_be_sent & before
    assert 0 < len(written) < len(may_be_sent), "nothing was written, or nothing only planned"
    assert may_be_sent - written <= added
    assert not added & before
    assert await unconfirmed(ha_env, hass_client) == 0
    assert_everything_is_labelled(ha_env)


def title_at(ha_env: HaEnv, change: dict[str, Any]) -> CatalogTitle:
    """Return the title of a change."""
    item = ha_env.plex.state.items[change["rating_key"]]
    return next(
        title for title in ha_env.world.catalog if item in ha_env.plex.state.items_of(title)
    )


@pytest.mark.usefixtures("clock")
async def test_label_that_was_not_sent_and_is_not_wanted_any_more_is_nobodys(
    ha_env: HaEnv, hass_client: ClientSessionGenerator, clock: TickingDateTimeFactory
) -> None:
    await cut_off(ha_env, 2)
    await start(ha_env)
    may_be_sent = await run_of(ha_env, "interrupted")
    assert await unconfirmed(ha_env, hass_client) == len(may_be_sent)
    written = next(change for change in may_be_sent if carries(ha_env, change))
    planned = next(change for change in may_be_sent if not carries(ha_env, change))
    for change in (written, planned):
        person = ha_env.person(change["label"])
        ha_env.pulsarr.state.unwant(person, title_at(ha_env, change))
    assert await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)
    await later(ha_env, clock, SHOWS_WITHIN)

    await start(ha_env, batch_mode=True)

    assert await unconfirmed(ha_env, hass_client) == 0
    ha_env.plex.state.add_label(planned["rating_key"], planned["label"])  # by hand
    await ha_env.call("remove_labels")
    assert not carries(ha_env, written)
    assert carries(ha_env, planned)
