"""Test environment: both simulators, Home Assistant, and the integration."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from freezegun import freeze_time
from freezegun.api import TickingDateTimeFactory
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.plex_label_sync.const import (
    CONF_BASE_URL,
    CONF_CLIENT_ID,
    CONF_PLEX_TOKEN,
    CONF_PLEX_URL,
    CONF_PLEX_VERIFY_SSL,
    CONF_PULSARR_API_KEY,
    CONF_PULSARR_URL,
    CONF_PULSARR_VERIFY_SSL,
    CONF_WEBHOOK_SECRET,
    DOMAIN,
)
from custom_components.plex_label_sync.limits import LIMITS, current_limits
from custom_components.plex_label_sync.live.plex_events import TASK_NAME
from custom_components.plex_label_sync.plex.limits import PlexLimits
from custom_components.plex_label_sync.pulsarr.limits import PulsarrLimits
from custom_components.plex_label_sync.transport import Retries
from harness.waiting import eventually as wait_until
from simulators.plex import PlexSimulator
from simulators.pulsarr import PulsarrSimulator
from simulators.world import make_world

from .plex_tv_fixtures import lead_to

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from homeassistant.core import HomeAssistant, State
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from simulators.catalog import CatalogTitle
    from simulators.world import World

PLEX_TOKEN: Final = "plex-token-of-the-tests"
PULSARR_KEY: Final = "pulsarr-key-of-the-tests"
WEBHOOK_ID: Final = "5ec4e7" * 10
WEBHOOK_SECRET: Final = "webhook-secret-of-the-tests"
UNREACHABLE: Final = "http://127.0.0.1:9"  # no listener there
QUICKLY: Final = Retries(back_off=(0.01, 0.02))
SECRETS: Final = (PLEX_TOKEN, PULSARR_KEY, WEBHOOK_ID, WEBHOOK_SECRET)


async def eventually(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition that depends on a real socket."""

    async def check() -> bool:
        return true()

    await wait_until(check, "it is so", within=seconds, every=0.01)


@dataclass(slots=True)
class HaEnv:
    """The environment of a test on the Home Assistant side."""

    hass: HomeAssistant
    world: World
    plex: PlexSimulator
    pulsarr: PulsarrSimulator
    base_url: str
    plex_port: int  # for a restart at the same address
    entry: MockConfigEntry = field(init=False)

    def add_entry(self, **options: Any) -> MockConfigEntry:
        """Add the entry that the flow would create, without setting it up.

        `libraries=None` stands for all, including later ones.
        """
        self.entry = MockConfigEntry(
            domain=DOMAIN,
            title=self.plex.state.name,
            unique_id=self.plex.state.machine_identifier,
            data={
                CONF_PLEX_URL: self.plex.url,
                CONF_PLEX_TOKEN: PLEX_TOKEN,
                CONF_PLEX_VERIFY_SSL: True,
                CONF_PULSARR_URL: self.pulsarr.url,
                CONF_PULSARR_API_KEY: PULSARR_KEY,
                CONF_PULSARR_VERIFY_SSL: True,
                CONF_CLIENT_ID: "tests",
                CONF_WEBHOOK_ID: WEBHOOK_ID,
                CONF_WEBHOOK_SECRET: WEBHOOK_SECRET,
            },
            options={
                name: value
                for name, value in {
                    "libraries": ["1", "2", "3"],
                    CONF_BASE_URL: self.base_url,
                    "pending_retry_interval": 30,
                    **options,
                }.items()
                if name != "libraries" or value is not None
            },
        )
        self.entry.add_to_hass(self.hass)
        return self.entry

    async def set_up(self, **options: Any) -> None:
        """Set up the entry and wait until the first full sync has finished."""
        self.add_entry(**options)
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()

    async def settle(self) -> None:
        """Wait until all tasks have finished except the Plex event listener."""
        while True:
            await self.hass.async_block_till_done()
            busy = [
                task
                for task in asyncio.all_tasks()
                if task.get_name().startswith(DOMAIN) and task.get_name() != TASK_NAME
            ]
            if not busy:
                return
            await asyncio.wait(busy)

    async def connected(self) -> None:
        """Wait until the event stream is connected and missed changes were checked."""
        await eventually(lambda: self.state("live_updates") == "on")

    async def receive_plex_events(self) -> None:
        """Wait until Plex's pending events were received and processed."""
        await eventually(lambda: not self.plex.events.backlog)
        await asyncio.sleep(0.05)  # from the socket to the listener
        await self.settle()

    async def call(self, action: str, **data: Any) -> dict[str, Any]:
        """Call an action and return its response."""
        response = await self.hass.services.async_call(
            DOMAIN, action, data, blocking=True, return_response=True
        )
        await self.settle()
        assert isinstance(response, dict)
        return response

    def entity_id(self, key: str) -> str:
        """Return the entity id registered for a key."""
        registry = er.async_get(self.hass)
        wanted = f"{self.entry.entry_id}_{key}"
        for entity in er.async_entries_for_config_entry(registry, self.entry.entry_id):
            if entity.unique_id == wanted:
                return entity.entity_id
        raise AssertionError(f"no entity {key}")

    def entity(self, key: str) -> State:
        """Return an entity's state object by its key."""
        state = self.hass.states.get(self.entity_id(key))
        assert state is not None, key
        return state

    def state(self, key: str) -> str:
        """Return an entity's state by its key."""
        return self.entity(key).state

    def labels(self, title: CatalogTitle) -> list[set[str]]:
        """Return the folded labels of each item of a title."""
        return [
            {label.casefold() for label in item.labels} for item in self.plex.state.items_of(title)
        ]

    def person(self, name: str) -> int:
        """Return a person's id in Pulsarr."""
        return self.pulsarr.state.find_user(name).id

    def wanted_by(self, name: str) -> set[str]:
        """Return the catalog keys of a person's watchlist."""
        return {entry.catalog_key for entry in self.pulsarr.state.watchlist(self.person(name))}

    def spare(self, kind: str = "movie", *, in_plex: bool) -> CatalogTitle:
        """Return a title that no one wants."""
        wanted = {entry.catalog_key for entry in self.pulsarr.state.entries()}
        for title in self.world.catalog:
            there = bool(self.plex.state.items_of(title, identified=in_plex))
            if title.type == kind and title.key not in wanted and there is in_plex:
                return title
        raise AssertionError("the world is too small")


@pytest.fixture(autouse=True)
async def enable_event_loop_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turn on what asyncio checks in debug mode, without a stack for every future and handle.

    The stacks only make messages about mistakes longer, and tests of HTTP three times as slow.
    """
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    monkeypatch.setattr(loop, "get_debug", lambda: False)


@pytest.fixture
def clock() -> Iterator[TickingDateTimeFactory]:
    """Return a clock that tests can advance; it also runs by itself, as sleeps require."""
    with freeze_time(tick=True) as factory:
        assert isinstance(factory, TickingDateTimeFactory)
        yield factory


@contextmanager
def standing(clock: TickingDateTimeFactory) -> Iterator[None]:
    """Let no time pass, however long something takes."""
    now = clock()
    with freeze_time(now):
        yield
    clock.move_to(now)


def set_limits(hass: HomeAssistant, **parts: Any) -> None:
    """Change limits for what is set up from now on; see `limits.Limits`."""
    hass.data[LIMITS] = replace(current_limits(hass), **parts)


async def later(ha_env: HaEnv, clock: TickingDateTimeFactory, seconds: float) -> None:
    """Advance the clock and wait for what that causes."""
    clock.move_to(clock() + timedelta(seconds=seconds))
    async_fire_time_changed(ha_env.hass, dt_util.utcnow())
    await ha_env.settle()


@pytest.fixture
async def ha_env(
    hass: HomeAssistant,
    socket_enabled: None,
    hass_client_no_auth: ClientSessionGenerator,
    known_secrets: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[HaEnv]:
    """Start a small environment: 60 films, 20 shows, six people, nothing set up, no plex.tv."""
    lead_to(monkeypatch, UNREACHABLE)
    # A leap of the clock looks like an unanswered ping to Plex and would break the connection.
    set_limits(
        hass,
        plex=PlexLimits(retries=QUICKLY, heartbeat=None),
        pulsarr=PulsarrLimits(retries=QUICKLY),
        settle=(0.01, 0.02),
    )
    known_secrets.update(SECRETS)
    for component in ("webhook", "repairs", "diagnostics", "system_health", "websocket_api"):
        assert await async_setup_component(hass, component, {})
    web = await hass_client_no_auth()
    # Home Assistant's own server accepts new routes while it runs, the test server does not.
    hass.http.app.router._frozen = False
    world = make_world(1, movies=60, shows=20, wanted_in_plex=20, wanted_missing=4)
    async with (
        PlexSimulator(world.plex, token=PLEX_TOKEN) as plex,
        PulsarrSimulator(world.pulsarr, api_key=PULSARR_KEY) as pulsarr,
    ):
        yield HaEnv(hass, world, plex, pulsarr, str(web.make_url("")).rstrip("/"), plex.port)
        assert plex.violations == []


@pytest.fixture
async def full_env(ha_env: HaEnv) -> HaEnv:
    """Set up an environment with many labels, which are removed once unwanted."""
    rosa = ha_env.person("rosa")
    for title in ha_env.world.catalog[:60]:
        if ha_env.plex.state.items_of(title):
            ha_env.pulsarr.state.want(rosa, title)
    await ha_env.set_up(live_mode=False, removed_label_mode="remove")
    assert len(ha_env.plex.state.carriers("rosa")) > 40
    return ha_env
