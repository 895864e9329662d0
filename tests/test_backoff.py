"""Delays that double, and never fail to."""

from datetime import timedelta

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from hypothesis import given, strategies as st
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.plex_label_sync.backoff import Backoff
from custom_components.plex_label_sync.schedule import RETRY_AFTER_MAX, Schedule
from custom_components.plex_label_sync.sync.run import StartedBy


def test_delay_doubles_with_each_failure_up_to_the_most() -> None:
    backoff = Backoff(60.0, 600.0)
    assert [backoff.failed() for _ in range(6)] == [60, 120, 240, 480, 600, 600]
    backoff.reset()
    assert backoff.delay == backoff.failed() == 60


@given(st.floats(0.1, 1e4), st.floats(0.1, 1e4), st.integers(0, 10**6))
def test_delay_is_within_its_bounds_however_often_something_fails(
    first: float, most: float, failures: int
) -> None:
    assert first <= Backoff(first, most, failures).delay <= max(first, most)


async def test_full_sync_that_fails_for_weeks_is_still_retried(hass: HomeAssistant) -> None:
    started: list[StartedBy] = []

    async def sync(started_by: StartedBy) -> None:
        started.append(started_by)

    schedule = Schedule(hass, "test", sync=sync)
    schedule.start(3600.0)
    for _ in range(round(21 * 86400 / RETRY_AFTER_MAX)):
        schedule.failed()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=RETRY_AFTER_MAX + 1))
    await hass.async_block_till_done()
    schedule.cancel()
    assert started == [StartedBy.RETRY]
