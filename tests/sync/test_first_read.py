"""Items tell their labels where that takes fewer requests; alone they are no evidence for a change."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from random import Random
from typing import Final

import pytest

from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.sync.model import (
    LabelledItem,
    RemovedLabelMode,
    SyncSettings,
    fold,
)
from custom_components.plex_label_sync.sync.run import RunStatus
from simulators.plex import PlexKnobs
from simulators.plex.server import METADATA_ROUTE

from .engine_env import LABEL_ROUTE, EngineEnv, merged, open_env

REMOVE: Final = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)


@pytest.fixture
async def env() -> AsyncIterator[EngineEnv]:
    """Six people after their first sync, nothing counted yet."""
    async with open_env(remembers=True, settings=REMOVE) as running:
        await running.sync()
        running.plex.stats.reset()
        yield running


def own_label(env: EngineEnv) -> tuple[str, str]:
    """Return an item's rating key and the label that we wrote on it."""
    return min((row.rating_key, row.label) for row in env.recorder.ledger)


class Lie:
    """A server that leaves out one item's labels, in its first answers about items only."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, key: str, times: int) -> None:
        self.times = times
        honest = PlexClient.labelled

        async def labelled(
            client: PlexClient, keys: Sequence[str], *args: object
        ) -> tuple[LabelledItem, ...]:
            found = await honest(client, keys, *args)  # type: ignore[arg-type]
            if key not in keys or not self.times:
                return found
            self.times -= 1
            return tuple(
                replace(one, labels=()) if one.item.rating_key == key else one for one in found
            )

        monkeypatch.setattr(PlexClient, "labelled", labelled)


@pytest.mark.parametrize("restarted", [False, True])
async def test_nothing_to_do_is_seen_without_asking_label_by_label(
    env: EngineEnv, *, restarted: bool
) -> None:
    if restarted:
        env.restart()
    labels = env.labels
    run = await env.sync()
    assert (run.status, run.changes, env.labels) == (RunStatus.DONE, (), labels)
    assert env.plex.stats.count("GET", LABEL_ROUTE) == 0
    assert env.plex.stats.count("GET", METADATA_ROUTE) == 1


@pytest.mark.parametrize("times", [1, 2, 100])
async def test_item_that_shows_less_than_its_labels_loses_nothing(
    env: EngineEnv, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    key, _ = own_label(env)
    labels, rows = env.labels, env.recorder.ledger.as_dict()
    lie = Lie(monkeypatch, key, times)
    run = await env.sync()
    assert lie.times < times
    assert (run.removed, run.vanished, run.overridden, run.lost) == (0, 0, 0, 0)
    assert env.labels == labels
    assert env.recorder.ledger.as_dict() == rows


@pytest.mark.parametrize("times", [1, 2, 100])
async def test_label_of_others_that_an_item_leaves_out_never_becomes_own(
    env: EngineEnv, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    env.plex.state.add_label(item.rating_key, "rosa")
    env.want("rosa", title)
    lie = Lie(monkeypatch, item.rating_key, times)
    await env.sync()
    assert lie.times < times
    assert env.recorder.ledger.get((item.rating_key, "rosa")) is None


async def test_label_that_is_off_is_seen_by_the_item_and_by_the_carriers(env: EngineEnv) -> None:
    key, label = own_label(env)
    env.plex.state.remove_label(key, label)
    assert (await env.sync()).overridden == 1
    assert env.plex.stats.count("GET", LABEL_ROUTE) > 0
    assert fold(label) not in env.labels.get(key, set())


async def test_wanted_title_is_written_in_the_spelling_of_another_library(env: EngineEnv) -> None:
    before = env.labels
    env.want("rosa", env.spare())
    run = await env.sync()
    assert run.added
    assert env.labels == merged(before, env.wanted())


async def test_server_whose_items_show_no_labels_is_asked_label_by_label() -> None:
    async with open_env(knobs=PlexKnobs(labels_on_items=False), settings=REMOVE) as env:
        await env.sync()
        labels, rows = env.labels, env.recorder.ledger.as_dict()
        env.plex.stats.reset()
        run = await env.sync()
        assert env.plex.stats.gets == env.reads_by_label() + 1
        assert (run.status, run.changes, env.labels) == (RunStatus.DONE, (), labels)
        assert env.recorder.ledger.as_dict() == rows


async def test_item_that_cannot_be_read_leaves_the_rest_to_the_carriers(env: EngineEnv) -> None:
    key, _ = own_label(env)
    labels, rows = env.labels, env.recorder.ledger.as_dict()
    env.plex.broken_items[key] = "busy"
    run = await env.sync()
    assert env.plex.stats.count("GET", LABEL_ROUTE) > 0
    assert (run.status, run.changes) == (RunStatus.PARTIAL, ())
    assert (env.labels, env.recorder.ledger.as_dict()) == (labels, rows)


type Items = tuple[LabelledItem, ...]


def mutated(found: Items, dice: Random) -> Items:
    """Return an answer about items that is wrong in several places."""
    some = [*found]
    for _ in range(6):
        at, other = dice.randrange(len(some)), dice.randrange(len(some))
        one = some[at]
        match dice.randrange(7):
            case 0:
                some[at] = replace(one, labels=())
            case 1:
                some[at] = replace(one, labels=some[other].labels)
            case 2:
                some[at] = replace(one, labels=(*one.labels, "Rosa", "no-sync"))
            case 3:
                some[at] = some[other]
            case 4:
                some[at] = replace(one, item=replace(one.item, library="3"))
            case 5:
                some[at] = replace(one, item=replace(one.item, guid="", ids=frozenset()))
            case _:
                some[at] = replace(one, item=replace(one.item, ids=some[other].item.ids))
    return tuple(some)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("restarted", [False, True])
async def test_wrong_first_read_costs_nothing_and_claims_nothing(
    env: EngineEnv, monkeypatch: pytest.MonkeyPatch, seed: int, *, restarted: bool
) -> None:
    dice, honest, left = Random(seed), PlexClient.labelled, [1]
    opted_out, foreign = env.spare(), env.spare("show")
    for title, label in ((opted_out, "no-sync"), (foreign, "rosa")):
        for item in env.plex.state.items_of(title):
            env.plex.state.add_label(item.rating_key, label)
        env.want("rosa", title)
    if restarted:
        env.restart()

    async def labelled(client: PlexClient, keys: Sequence[str], *args: object) -> Items:
        found = await honest(client, keys, *args)  # type: ignore[arg-type]
        if not left or len(keys) < 20:
            return found
        left.pop()
        return mutated(found, dice)

    monkeypatch.setattr(PlexClient, "labelled", labelled)
    labels, rows = env.labels, env.recorder.ledger.as_dict()

    run = await env.sync()

    assert not left
    assert (run.added, run.removed, run.vanished, run.overridden, run.lost) == (0, 0, 0, 0, 0)
    assert (env.labels, env.recorder.ledger.as_dict()) == (labels, rows)
    run = await env.sync()
    assert (run.status, run.changes) == (RunStatus.DONE, ())
    assert (env.labels, env.recorder.ledger.as_dict()) == (labels, rows)
