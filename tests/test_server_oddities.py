"""Servers of which something is not known for sure: either way, everything works."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntryState
import pytest

from custom_components.plex_label_sync.const import DOMAIN
from simulators.plex import PlexKnobs

from .test_init import assert_everything_is_labelled

if TYPE_CHECKING:
    from .ha_env import HaEnv


def turned(knobs: PlexKnobs) -> str:
    """Return which knob is not as usual, as the name of a test."""
    usual, these = asdict(PlexKnobs()), asdict(knobs)
    return ",".join(f"{name}={these[name]}" for name in these if these[name] != usual[name])


@pytest.mark.parametrize(
    "knobs",
    [
        PlexKnobs(owner_sync=False),
        PlexKnobs(section_on_row=False),
        PlexKnobs(label_by="text"),
        PlexKnobs(label_by="id"),
        PlexKnobs(label_fold="ascii"),
        PlexKnobs(sorting=False),
        PlexKnobs(read_refreshes=True),
        PlexKnobs(multi_get_max=10),
        PlexKnobs(socket_path="websocket"),
        PlexKnobs(socket_path="websockets"),
        PlexKnobs(bump=True, bump_what="item"),
        PlexKnobs(bump=True, bump_what="library"),
    ],
    ids=turned,
)
async def test_labels_are_right_after_one_sync_and_stay_so(ha_env: HaEnv, knobs: PlexKnobs) -> None:
    ha_env.plex.knobs = knobs
    await ha_env.set_up(removed_label_mode="remove")
    assert ha_env.entry.state is ConfigEntryState.LOADED
    assert_everything_is_labelled(ha_env)
    for _ in range(2):
        assert (await ha_env.call("sync_all"))["changes_total"] == 0
    title = next(one for one in ha_env.world.catalog if one.key in ha_env.wanted_by("rosa"))
    ha_env.pulsarr.state.unwant(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")
    await ha_env.settle()
    assert_everything_is_labelled(ha_env)
    assert not ha_env.hass.config_entries.flow.async_progress_by_handler(DOMAIN)


def label_named(ha_env: HaEnv, name: str) -> set[str]:
    """Return the items with labels that begin like a name."""
    items = ha_env.plex.state.items.values()
    return {
        item.rating_key
        for item in items
        if any(label.casefold().startswith(name.casefold()) for label in item.labels)
    }


async def test_label_that_the_server_cannot_remove_stays_and_is_reported(ha_env: HaEnv) -> None:
    ha_env.pulsarr.state.rename(ha_env.person("rosa"), "Zoë R")
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    ha_env.plex.knobs = PlexKnobs(removal_decodes=False)
    title = next(
        one
        for one in ha_env.world.catalog
        if one.key in ha_env.wanted_by("Zoë R") and ha_env.plex.state.items_of(one)
    )
    ha_env.pulsarr.state.unwant(ha_env.person("Zoë R"), title)
    before = label_named(ha_env, "zoë r")

    for _ in range(2):
        answer = await ha_env.call("sync_all")
        assert (answer["added"], answer["removed"]) == (0, 0)
        assert answer["failed"] > 0
    assert label_named(ha_env, "zoë r") == before

    ha_env.plex.knobs = PlexKnobs()
    assert (await ha_env.call("sync_all"))["removed"] > 0
    assert_everything_is_labelled(ha_env)


async def test_label_that_the_server_cuts_is_reported_and_harms_no_other(ha_env: HaEnv) -> None:
    long = "x" * 50
    ha_env.pulsarr.state.rename(ha_env.person("rosa"), long)
    ha_env.plex.knobs = PlexKnobs(label_max=40)
    await ha_env.set_up(live_mode=False, batch_mode=False)

    first = await ha_env.call("sync_all")
    again = await ha_env.call("sync_all")

    assert first["failed"] == again["failed"] == len(label_named(ha_env, long[:40])) > 0
    assert first["added"] > 0
    assert (again["added"], again["removed"]) == (0, 0)
    by_others = {
        label
        for item in ha_env.plex.state.items.values()
        for label in item.labels
        if len(label) < 40
    }
    assert {"tim"} <= {label.casefold() for label in by_others}
