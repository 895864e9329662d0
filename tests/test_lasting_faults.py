"""One thing that fails for ever: what it costs in an hour, and what the log says about it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from aiohttp import ClientSession
import pytest

from custom_components.plex_label_sync.const import DOMAIN, WEBHOOK_SECRET_HEADER
from simulators.http import Fault, FaultKind
from simulators.plex.server import LISTING_ROUTE, METADATA_ROUTE

from .ha_env import WEBHOOK_ID, WEBHOOK_SECRET, later

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from freezegun.api import TickingDateTimeFactory

    from .ha_env import HaEnv

WATCHLIST: Final = "/v1/users/{id}/watchlist"
HOUR: Final = 3600.0


class Hours:
    """Lets hours pass, and counts what they cost."""

    def __init__(
        self, env: HaEnv, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
    ) -> None:
        self._env, self.clock, self._caplog = env, clock, caplog
        self.plex = self.pulsarr = 0
        self.logged: list[str] = []

    async def passes(
        self, *, step: float = 60.0, meanwhile: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Let an hour pass in steps, do something after each, and count."""
        self._env.plex.stats.reset()
        self._env.pulsarr.stats.reset()
        self._caplog.clear()
        for _ in range(round(HOUR / step)):
            await later(self._env, self.clock, step)
            if meanwhile is not None:
                await meanwhile()
        self.plex, self.pulsarr = self._env.plex.stats.total, self._env.pulsarr.stats.total
        self.logged = [
            record.getMessage() for record in self._caplog.records if DOMAIN in record.name
        ]


@pytest.fixture
async def hours(
    ha_env: HaEnv, clock: TickingDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> Hours:
    """An environment after its first full sync."""
    ha_env.pulsarr.knobs.rate_limit = 10**6  # by the clock of the machine
    caplog.set_level(logging.INFO)
    await ha_env.set_up()
    await ha_env.connected()
    return Hours(ha_env, clock, caplog)


def _wanted_item(env: HaEnv) -> str:
    """Return the rating key of an item that somebody wants from now on."""
    title = env.spare(in_plex=True)
    env.pulsarr.state.want(env.person("rosa"), title)
    return env.plex.state.items_of(title)[0].rating_key


def _item(env: HaEnv) -> None:
    key = _wanted_item(env)
    fault = Fault("busy", route=METADATA_ROUTE, match=rf"[/,]{key}\b", times=None)
    env.plex.faults.add(fault)


def _row(env: HaEnv) -> None:
    env.plex.broken_items[_wanted_item(env)] = "busy"


def _library(env: HaEnv) -> None:
    env.plex.faults.add(Fault("html", route=LISTING_ROUTE, match="sections/2/", times=None))


def _section(env: HaEnv) -> None:
    env.plex.faults.add(Fault("keyless_row", route="/library/sections", times=None))


def _watchlist(env: HaEnv) -> None:
    rosa = env.person("rosa")
    env.pulsarr.faults.add(Fault("busy", route=WATCHLIST, match=f"/users/{rosa}/", times=None))


@pytest.mark.parametrize("breaks", [_item, _row, _library, _section, _watchlist])
async def test_one_thing_that_stays_unreadable_costs_a_few_requests_an_hour_and_no_log(
    ha_env: HaEnv, hours: Hours, breaks: Callable[[HaEnv], None]
) -> None:
    await hours.passes()
    plex, pulsarr = hours.plex, hours.pulsarr
    breaks(ha_env)
    await hours.passes()  # in which live sync tries to find it, and a second sync looks again
    await hours.passes()
    for _ in range(2):
        await hours.passes()
        assert hours.plex <= plex + 6
        assert hours.pulsarr <= pulsarr + 6
        assert hours.logged == []


async def test_server_that_answers_probes_only_is_neither_asked_nor_logged_all_the_time(
    ha_env: HaEnv, hours: Hours
) -> None:
    _wanted_item(ha_env)
    fault = Fault("busy", route="/library/sections", times=None)
    ha_env.plex.faults.add(fault)
    await hours.passes(step=15.0)
    assert len(hours.logged) <= 3
    await hours.passes(step=15.0)
    assert hours.plex <= 80
    assert hours.pulsarr <= 300
    assert hours.logged == []
    assert ha_env.state("status") == "waiting_for_plex"
    assert ha_env.state("plex_connected") == "off"

    ha_env.plex.faults.clear()
    await hours.passes(step=60.0)
    assert len(hours.logged) == 1
    assert ha_env.state("status") == "idle"
    assert ha_env.state("plex_connected") == "on"


async def test_edit_for_which_the_token_is_refused_is_not_tried_twice_a_minute(
    ha_env: HaEnv, hours: Hours
) -> None:
    _wanted_item(ha_env)
    ha_env.plex.faults.add(Fault("unauthorized", method="PUT", times=None))
    await hours.passes(step=30.0)
    await hours.passes(step=30.0)
    assert ha_env.plex.stats.puts <= 8
    assert hours.plex <= 150
    assert hours.logged == []


async def test_server_that_is_away_does_not_have_the_watchlists_read_all_the_time(
    ha_env: HaEnv, hours: Hours
) -> None:
    await hours.passes()
    usual = hours.pulsarr
    title = ha_env.spare(in_plex=False)
    ha_env.plex.faults.add(Fault("drop", times=None))
    await ha_env.pulsarr.want(ha_env.person("rosa"), title, force=True)
    await ha_env.pulsarr.announce(title, force=True)
    await hours.passes(step=30.0)
    await hours.passes(step=30.0)
    assert hours.pulsarr <= usual + 100
    assert hours.logged == []
    ha_env.plex.faults.clear()
    ha_env.plex.state.add_item(title)
    for _ in range(4):
        await later(ha_env, hours.clock, 15.0)
    assert ha_env.labels(title) == [{"rosa"}]


@pytest.mark.parametrize("kind", ["busy", "html"])
async def test_edit_that_fails_for_ever_is_logged_once_and_displaces_no_run_that_can_be_undone(
    ha_env: HaEnv, hours: Hours, kind: FaultKind
) -> None:
    key = _wanted_item(ha_env)
    fault = Fault(kind, method="PUT", match=rf"\b{key}\b", times=None)
    ha_env.plex.faults.add(fault)
    await hours.passes(step=30.0)
    assert sum("not in Plex" in one for one in hours.logged) == 1
    for _ in range(2):
        await hours.passes()
        assert hours.logged == []
        assert hours.plex <= 30
    # The first sync, the label on the other item of the title, and what may have come in the end.
    assert len(ha_env.entry.runtime_data.records.journal.entries) <= 3

    ha_env.plex.faults.clear()
    for _ in range(2):  # it is due at every second sync
        await hours.passes()
    assert {one.casefold() for one in ha_env.plex.state.items[key].labels} == {"rosa"}


async def test_event_about_an_item_that_cannot_be_read_is_looked_into_a_few_times_only(
    ha_env: HaEnv, hours: Hours
) -> None:
    await hours.passes()
    usual = hours.plex
    title = ha_env.spare(in_plex=False)
    await ha_env.plex.import_title(title)
    (item,) = ha_env.plex.state.items_of(title)
    fault = Fault("busy", route=METADATA_ROUTE, match=rf"[/,]{item.rating_key}\b", times=None)
    ha_env.plex.faults.add(fault)
    ha_env.plex.refresh_items([item.rating_key])
    await ha_env.receive_plex_events()
    await hours.passes(step=15.0)
    assert hours.plex <= usual + 20
    await hours.passes(step=15.0)
    assert hours.plex <= usual + 4  # it is tried once more
    assert hours.logged == []


async def test_event_that_cannot_be_understood_is_refused_without_a_word_however_often_it_comes(
    ha_env: HaEnv, hours: Hours
) -> None:
    await hours.passes()
    plex, pulsarr = hours.plex, hours.pulsarr
    address = f"{ha_env.base_url}/api/webhook/{WEBHOOK_ID}"
    headers = {WEBHOOK_SECRET_HEADER: WEBHOOK_SECRET}

    async def send() -> None:
        for body in ("{", '{"event": 7}', '{"event": "media.available", "data": []}'):
            async with session.post(address, data=body, headers=headers) as answer:
                assert answer.status in {200, 400, 429}

    async with ClientSession() as session:
        await hours.passes(meanwhile=send)
    assert (hours.plex, hours.pulsarr) == (plex, pulsarr)
    assert hours.logged == []
