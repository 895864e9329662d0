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
    from .household import Household


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
async def test_labels_are_right_after_one_sync_and_stay_so(
    household: Household, knobs: PlexKnobs
) -> None:
    household.plex.knobs = knobs
    await household.set_up(removed_label_mode="remove")
    assert household.entry.state is ConfigEntryState.LOADED
    assert_everything_is_labelled(household)
    for _ in range(2):
        assert (await household.call("sync_all"))["changes_total"] == 0
    title = next(one for one in household.world.catalogue if one.key in household.wanted_by("rosa"))
    household.pulsarr.state.unwish(household.person("rosa"), title)
    await household.call("sync_all")
    await household.settle()
    assert_everything_is_labelled(household)
    assert not household.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
