"""What happens to runs, and what cannot be read: each is one activity and one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.plex_label_sync.event import EVENT_ACTIVITY

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeassistant.core import HomeAssistant

    type Told = Callable[[], list[tuple[str, dict[str, Any]]]]
    type Lines = Callable[[], list[str]]

pytestmark = pytest.mark.usefixtures("clock")

SENT = {"entity_id", "config_entry_id", "server", "activity"}


@pytest.fixture
def told(hass: HomeAssistant) -> Told:
    """Return what was told since this was asked last, and make sure that the entity shows it."""
    events = async_capture_events(hass, EVENT_ACTIVITY)
    seen = 0

    def read() -> list[tuple[str, dict[str, Any]]]:
        nonlocal seen
        new, seen = events[seen:], len(events)
        if new:
            state = hass.states.get(new[-1].data["entity_id"])
            assert state is not None
            assert state.attributes["event_type"] == new[-1].data["activity"]
            assert new[-1].data.items() - state.attributes.items() <= set()
        return [
            (
                event.data["activity"],
                {name: value for name, value in event.data.items() if name not in SENT},
            )
            for event in new
        ]

    return read
