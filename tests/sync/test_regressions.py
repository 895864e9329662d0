"""Sequences of events that once cost somebody a label or a decision."""

import asyncio
from dataclasses import replace

import pytest

from custom_components.plex_label_sync.sync.model import (
    Failure,
    RemovedLabelMode,
    Service,
    ServiceError,
    SyncSettings,
)
from custom_components.plex_label_sync.sync.request import FullRequest, RemovalRequest
from custom_components.plex_label_sync.sync.run import Run, RunKind, RunStatus
from simulators.catalog import CatalogTitle
from simulators.plex import PlexKnobs

from ..short_timeouts import TOO_LONG, short_timeouts
from .engine_env import EngineEnv

REMOVING = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)


async def labelled(env: EngineEnv) -> tuple[CatalogTitle, str]:
    """Let a title be labelled for Rosa; return it and its item."""
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    await env.sync()
    env.want("rosa", title)
    assert (await env.sync()).added == 1
    return title, item.rating_key


async def undo(env: EngineEnv, run: Run) -> Run:
    """Take a run back."""
    return await env.take_back(run)


async def test_undo_leaves_excluded_labels_alone(env: EngineEnv) -> None:
    run = await env.sync()
    env.settings = SyncSettings(exclude_labels=frozenset({"rosa"}))
    before = env.labels
    back = await undo(env, run)
    assert back.changes
    assert all(change.label.casefold() != "rosa" for change in back.changes)
    assert {key for key, labels in env.labels.items() if "rosa" in labels} == {
        key for key, labels in before.items() if "rosa" in labels
    }
    assert back.skipped == run.added - len(back.changes)


@pytest.mark.parametrize("kind", [RunKind.UNDO, RunKind.REMOVAL])
async def test_item_with_the_opt_out_label_is_left_alone_when_labels_are_removed(
    env: EngineEnv, kind: RunKind
) -> None:
    run = await env.sync()
    key = run.changes[0].rating_key
    env.plex.state.add_label(key, "no-sync")
    labels = env.labels[key]
    back = await env.take_back(run, kind)
    assert back.changes
    assert key not in {change.rating_key for change in back.changes}
    assert env.labels[key] == labels


@pytest.mark.parametrize("by", ["sync", "look", "removal"])
async def test_label_that_was_removed_and_put_back_by_hand_is_not_own_any_more(
    env: EngineEnv, by: str
) -> None:
    env.settings = REMOVING
    title, key = await labelled(env)
    env.plex.state.remove_label(key, "rosa")
    assert (await env.sync()).overridden == 1
    env.plex.state.add_label(key, "Rosa")
    if by != "removal":
        env.pulsarr.state.unwant(env.person("rosa"), title)
    if by == "look":
        await env.live_sync(title, newer_than=env.clock.now)
    else:
        await env.run(RemovalRequest() if by == "removal" else FullRequest())
    assert "rosa" in env.labels.get(key, set())


async def test_label_that_was_put_back_by_hand_stays_foreign_when_overrides_are_forgotten(
    env: EngineEnv,
) -> None:
    env.settings = REMOVING
    title, key = await labelled(env)
    env.plex.state.remove_label(key, "rosa")
    await env.sync()
    env.plex.state.add_label(key, "rosa")
    env.recorder.ledger.clear_overrides([(key, "rosa")])
    await env.sync()
    env.pulsarr.state.unwant(env.person("rosa"), title)
    await env.sync()
    assert "rosa" in env.labels.get(key, set())


async def test_removal_whose_end_was_not_seen_is_not_taken_for_a_decision_made_by_hand(
    env: EngineEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    env.settings = replace(REMOVING)
    title, key = await labelled(env)
    env.pulsarr.state.unwant(env.person("rosa"), title)
    real, sent = env.engine._plex.edit, False

    async def edit(*args: object) -> object:
        nonlocal sent
        sent = True
        return await real(*args)  # type: ignore[arg-type]  # passes on what it is given

    async def labels(*args: object) -> object:
        if sent:
            raise ServiceError(Service.PLEX, Failure.CANNOT_CONNECT, "gone")
        return await real_labels(*args)  # type: ignore[arg-type]  # passes on what it is given

    real_labels = env.engine._plex.labels
    monkeypatch.setattr(env.engine._plex, "edit", edit)
    monkeypatch.setattr(env.engine._plex, "labels", labels)
    run = await env.sync()
    assert run.failed
    assert "rosa" not in env.labels.get(key, set())
    monkeypatch.undo()
    env.want("rosa", title)
    run = await env.sync()
    assert (run.added, run.overridden) == (1, 0)
    assert "rosa" in env.labels.get(key, set())


async def test_label_that_plex_writes_after_the_client_gave_up_is_own(env: EngineEnv) -> None:
    env.settings = REMOVING
    await env.sync()
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    env.want("rosa", title)
    env.plex.knobs = PlexKnobs(put_seconds=TOO_LONG)
    with short_timeouts(env.plex):
        run = await env.sync()
    assert {one.failure for one in run.failed} == {Failure.TIMEOUT}
    assert (run.status, run.changes) == (RunStatus.PARTIAL, ())
    assert "rosa" not in env.labels.get(item.rating_key, set())
    await _until_idle(env)
    assert "rosa" in env.labels[item.rating_key]
    env.pulsarr.state.unwant(env.person("rosa"), title)
    await env.sync()
    assert "rosa" not in env.labels.get(item.rating_key, set())


async def test_label_that_plex_removes_after_the_client_gave_up_was_not_removed_by_hand(
    env: EngineEnv,
) -> None:
    env.settings = REMOVING
    title, key = await labelled(env)
    env.pulsarr.state.unwant(env.person("rosa"), title)
    env.plex.knobs = PlexKnobs(put_seconds=TOO_LONG)
    with short_timeouts(env.plex):
        assert (await env.sync()).changes == ()
    await _until_idle(env)
    assert "rosa" not in env.labels.get(key, set())
    env.want("rosa", title)
    run = await env.sync()
    assert (run.added, run.overridden) == (1, 0)


@pytest.mark.parametrize("how", ["rename", "format"])
async def test_label_removed_by_hand_does_not_come_back_under_a_new_name(
    env: EngineEnv, how: str
) -> None:
    _, key = await labelled(env)
    env.plex.state.remove_label(key, "rosa")
    assert (await env.sync()).overridden == 1
    labels = env.labels.get(key)
    if how == "rename":
        env.pulsarr.state.rename(env.person("rosa"), "rosalinde")
    else:
        env.settings = replace(env.settings, label_format="for {username}")
    for _ in range(3):
        assert (await env.sync()).overridden == 1
        assert env.labels.get(key) == labels


@pytest.mark.parametrize("how", ["rename", "format"])
@pytest.mark.parametrize("restore", [False, True])
async def test_label_removed_and_renamed_before_the_next_check_stays_off_unless_it_is_restored(
    env: EngineEnv, how: str, restore: bool
) -> None:
    title, key = await labelled(env)
    other = env.plex.state.add_item(title, "1", edition="Long").rating_key
    assert (await env.sync()).added == 1
    env.plex.state.remove_label(key, "rosa")
    labels = env.labels.get(key)
    if how == "rename":
        env.pulsarr.state.rename(env.person("rosa"), "rosalinde")
    else:
        env.settings = replace(env.settings, label_format="for {username}")
    new = "rosalinde" if how == "rename" else "for rosa"
    if restore:
        env.settings = replace(env.settings, restore_overrides=True)
        assert (await env.sync()).overridden == 0
        assert new in env.labels[key]
        return
    for _ in range(3):
        assert (await env.sync()).overridden == 1
        assert env.labels.get(key) == labels
    assert new in env.labels[other]


async def _until_idle(env: EngineEnv) -> None:
    """Let Plex finish what it was asked for, and be quick again."""
    env.plex.listener.end_pauses()
    while env.plex.stats.in_flight:  # noqa: ASYNC110 - counts have no event
        await asyncio.sleep(0.01)
    env.plex.knobs = PlexKnobs()
