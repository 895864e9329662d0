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
    title = next(one for one in ha_env.world.catalogue if one.key in ha_env.wanted_by("rosa"))
    ha_env.pulsarr.state.unwish(ha_env.person("rosa"), title)
    await ha_env.call("sync_all")
    await ha_env.settle()
    assert_everything_is_labelled(ha_env)
    assert not ha_env.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
