"""A probe that is interrupted, wherever and however: its labels are gone afterwards, and nothing else is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final, cast

from homeassistant.config_entries import ConfigEntryState
from homeassistant.exceptions import HomeAssistantError
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
)

from custom_components.plex_label_sync.const import DOMAIN
from custom_components.plex_label_sync.limits import LIMITS, current_limits
from custom_components.plex_label_sync.probe.labels import ROOT
from custom_components.plex_label_sync.probe.model import REQUESTS_MAX
from custom_components.plex_label_sync.sync.model import Failure, Service, ServiceError
from custom_components.plex_label_sync.transport import Answer, Transport
from simulators.plex import Fault, PlexKnobs
from simulators.plex.server import METADATA_ROUTE

from .ha_env import eventually
from .probe_env import ProbeClock
from .real_files import hass_storage, own_configuration  # noqa: F401 - fixtures
from .secret_guard import watch_events
from .short_timeouts import TOO_LONG, short_timeouts
from .test_probe import movie, movie_by_hand, traces

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from simulators.http import FaultKind

    from .ha_env import HaEnv

SEEDS: Final = 24  # interruptions: some of each way
WAYS: Final = ("unload", "cancelled", "failing", "crash")
FAULTS: Final[tuple[FaultKind, ...]] = (
    "busy",
    "unavailable",
    "drop",
    "html",
    "slow_after_apply",
    "slow_before_apply",
    "outage",
)
KNOBS: Final = (
    PlexKnobs(),
    PlexKnobs(settle=0.05),
    PlexKnobs(reuse_spelling=False),
    PlexKnobs(linger=True),
    PlexKnobs(remove_case="fold", capitalize="words"),
    PlexKnobs(labels_on_items=False),
    PlexKnobs(removal_decodes=False),
)


@pytest.fixture
def probe_clock(ha_env: HaEnv) -> Iterator[ProbeClock]:
    """Return the clock by which probes wait; only Plex's delays make them give up."""
    with short_timeouts(ha_env.plex):
        yield ProbeClock(ha_env, clean_again=0.05)


@dataclass(slots=True)
class Interruption:
    """Does something at one request to Plex: the nth of all, or the nth edit; before or after it."""

    nth: int
    edits: bool
    after: bool
    act: Callable[[], Awaitable[object]]
    seen: int = 0
    dead: bool = False  # the process is no more: nothing is sent, and nothing ever comes back
    buried: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(
        self,
        original: Callable[..., Awaitable[Answer]],
        transport: Transport,
        *args: Any,
        **more: Any,
    ) -> Answer:
        """Stand in for the transport's `send`."""
        if transport._service is not Service.PLEX:
            return await original(transport, *args, **more)
        await self._grave()
        self.seen += args[0] == "PUT" or not self.edits
        is_due = self.seen == self.nth and (args[0] == "PUT" or not self.edits)
        if is_due and not self.after:
            await self.act()
            await self._grave()
        answer = await original(transport, *args, **more)
        if is_due and self.after:
            await self.act()
        await self._grave()
        return answer

    async def _grave(self) -> None:
        if self.dead:
            await self.buried.wait()
            raise ServiceError(Service.PLEX, Failure.CANNOT_CONNECT, "nobody is there any more")


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Interruption]]:
    """Return a list; what is put into it takes part in each request of the first process."""
    active: list[Interruption] = []
    original = Transport.send

    async def send(transport: Transport, *args: Any, **more: Any) -> Answer:
        if active:
            return await active[0].send(original, transport, *args, **more)
        return await original(transport, *args, **more)

    monkeypatch.setattr(Transport, "send", send)
    yield active
    for one in active:
        one.buried.set()


def probe_task(ha_env: HaEnv) -> asyncio.Task[object]:
    """Return the task of the probe that is on."""
    task = ha_env.entry.runtime_data.probing._task
    assert task is not None
    return cast("asyncio.Task[object]", task)


def begin(ha_env: HaEnv, key: str) -> asyncio.Task[Any]:
    """Begin a probe."""
    return asyncio.create_task(
        ha_env.hass.services.async_call(
            DOMAIN, "probe", {"rating_key": key}, blocking=True, return_response=True
        )
    )


async def ended(call: asyncio.Task[Any]) -> None:
    """Wait for the call of the action: it answers, or says why it cannot."""
    await asyncio.wait([call])
    if not call.cancelled() and (err := call.exception()) is not None:
        assert isinstance(err, HomeAssistantError)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_interrupted_probe_leaves_no_trace(
    ha_env: HaEnv, probe_clock: ProbeClock, interrupted: list[Interruption], seed: int
) -> None:
    dice = Random(seed)
    way = WAYS[seed % len(WAYS)]
    await ha_env.set_up(live_mode=False, batch_mode=False)
    await ha_env.call("sync_all")
    probe_clock.turn(dice.choice(KNOBS))
    key = movie(ha_env)
    before = traces(ha_env)
    ha_env.plex.stats.reset()
    edits = dice.random() < 0.6

    async def act() -> None:
        if way == "unload":
            _ = ha_env.hass.async_create_task(
                ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)
            )
        elif way == "cancelled":
            probe_task(ha_env).cancel()
        elif way == "failing":
            kind = dice.choice(FAULTS)
            seconds = {"slow_after_apply": TOO_LONG, "slow_before_apply": TOO_LONG, "outage": 0.5}
            times = dice.choice((1, 2, 4))
            fault = Fault(
                kind=kind, times=times, seconds=seconds.get(kind, 0.0), match="^/(?!:/websocket)"
            )
            ha_env.plex.faults.add(fault)
        else:
            interruption.dead = True

    nth = dice.randint(1, 4 if edits else 19)
    interruption = Interruption(nth, edits=edits, after=dice.random() < 0.5, act=act)
    interrupted.append(interruption)
    call = begin(ha_env, key)

    if way == "crash":
        await eventually(lambda: interruption.dead or call.done())
        await asyncio.sleep(0.05)
        interrupted.clear()  # of the new process nothing is interrupted
        await start_again(ha_env)
        interruption.buried.set()
        assert traces(ha_env) == before
    await ended(call)
    await ha_env.hass.async_block_till_done()
    if way == "unload":
        assert traces(ha_env) == before
        assert ha_env.entry.state is ConfigEntryState.NOT_LOADED or not interruption.seen >= nth
    await eventually(lambda: traces(ha_env) == before)
    assert ha_env.plex.stats.puts == sum(
        f"&id={key}&" in one.query and ROOT in one.query.casefold()
        for one in ha_env.plex.stats.log
        if one.method == "PUT"
    )
    if way in {"unload", "cancelled"}:
        assert ha_env.plex.stats.total <= REQUESTS_MAX
    if way != "unload":
        store = ha_env.entry.runtime_data.probing.store
        await eventually(lambda: store.trial is None)


async def start_again(ha_env: HaEnv) -> None:
    """Start another Home Assistant over the files of one that is no more."""
    old = ha_env.entry
    async with async_test_home_assistant(config_dir=ha_env.hass.config.config_dir) as hass:
        hass.data.pop(DATA_CUSTOM_COMPONENTS, None)
        watch_events(hass)
        assert await async_setup_component(hass, "webhook", {})
        hass.data[LIMITS] = current_limits(ha_env.hass)
        entry = MockConfigEntry(
            domain=DOMAIN,
            entry_id=old.entry_id,
            title=old.title,
            unique_id=old.unique_id,
            data=dict(old.data),
            options=dict(old.options),
        )
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
        assert entry.runtime_data.probing.store.trial is None
        assert await hass.config_entries.async_unload(entry.entry_id)
        await hass.async_block_till_done()
        await hass.async_stop(force=True)


@pytest.mark.usefixtures("probe_clock")
@pytest.mark.parametrize("kind", ["empty", "null_row"])
async def test_answer_without_the_movie_does_not_say_that_its_labels_are_gone(
    ha_env: HaEnv, interrupted: list[Interruption], kind: FaultKind
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    key = movie(ha_env)
    before = traces(ha_env)

    async def act() -> None:
        ha_env.plex.faults.add(Fault(kind, route=METADATA_ROUTE, times=None))

    interrupted.append(Interruption(2, edits=True, after=True, act=act))
    await ended(begin(ha_env, key))
    store = ha_env.entry.runtime_data.probing.store
    assert traces(ha_env) != before
    assert store.trial is not None

    ha_env.plex.faults.clear()
    await eventually(lambda: traces(ha_env) == before)
    await eventually(lambda: store.trial is None)


@pytest.mark.usefixtures("probe_clock")
async def test_entry_that_is_removed_after_a_crash_takes_the_labels_with_it(
    ha_env: HaEnv, interrupted: list[Interruption]
) -> None:
    await ha_env.set_up(live_mode=False, batch_mode=False)
    key = movie_by_hand(ha_env)
    before = traces(ha_env)

    async def die() -> None:
        interruption.dead = True

    interruption = Interruption(2, edits=True, after=True, act=die)
    interrupted.append(interruption)
    call = begin(ha_env, key)
    await eventually(lambda: interruption.dead)
    name = f"{DOMAIN}.{ha_env.entry.entry_id}.probe"
    file = Path(ha_env.hass.config.path(".storage", name))
    kept = await ha_env.hass.async_add_executor_job(file.read_bytes)
    interruption.buried.set()
    await ended(call)
    await ha_env.hass.config_entries.async_unload(ha_env.entry.entry_id)
    await ha_env.hass.async_add_executor_job(file.write_bytes, kept)
    assert traces(ha_env) != before
    interrupted.clear()

    await ha_env.hass.config_entries.async_remove(ha_env.entry.entry_id)
    await ha_env.hass.async_block_till_done()

    assert traces(ha_env) == before
