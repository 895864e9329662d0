"""Sequences of events that once cost somebody a label or a decision."""

import asyncio
from dataclasses import replace

import pytest

from custom_components.plex_label_sync.plex import server
from custom_components.plex_label_sync.sync.model import (
    Failure,
    RemovedLabelMode,
    Run,
    RunKind,
    Service,
    ServiceError,
    SyncSettings,
)
from simulators.catalogue import CatalogueTitle
from simulators.plex import PlexKnobs

from .home import Home

REMOVING = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)


async def labelled(home: Home) -> tuple[CatalogueTitle, str]:
    """Let a title be labelled for Rosa; return it and its item."""
    title = home.spare()
    (item,) = home.plex.state.items_of(title)
    await home.sync()
    home.wish("rosa", title)
    assert (await home.sync()).added == 1
    return title, item.rating_key


async def undo(home: Home, run: Run) -> Run:
    """Take a run back."""
    return await home.sync(kind=RunKind.UNDO, undo=run.id, changes=run.changes)


async def test_undo_leaves_excluded_labels_alone(home: Home) -> None:
    run = await home.sync()
    home.settings = SyncSettings(exclude_labels=frozenset({"rosa"}))
    before = home.labels
    back = await undo(home, run)
    assert back.changes
    assert all(change.label.casefold() != "rosa" for change in back.changes)
    assert {key for key, labels in home.labels.items() if "rosa" in labels} == {
        key for key, labels in before.items() if "rosa" in labels
    }
    assert back.skipped == run.added - len(back.changes)


@pytest.mark.parametrize("kind", [RunKind.UNDO, RunKind.REMOVAL])
async def test_item_with_the_opt_out_label_is_left_alone_when_labels_are_taken_off(
    home: Home, kind: RunKind
) -> None:
    run = await home.sync()
    key = run.changes[0].rating_key
    home.plex.state.add_label(key, "no-sync")
    labels = home.labels[key]
    back = await home.sync(kind=kind, undo=run.id, changes=run.changes)
    assert back.changes
    assert key not in {change.rating_key for change in back.changes}
    assert home.labels[key] == labels


@pytest.mark.parametrize("by", ["sync", "look", "removal"])
async def test_label_that_was_taken_off_and_put_back_by_hand_is_not_ours_any_more(
    home: Home, by: str
) -> None:
    home.settings = REMOVING
    title, key = await labelled(home)
    home.plex.state.remove_label(key, "rosa")
    assert (await home.sync()).overridden == 1
    home.plex.state.add_label(key, "Rosa")
    if by != "removal":
        home.pulsarr.state.unwish(home.person("rosa"), title)
    if by == "look":
        await home.look(title, newer_than=home.clock.now)
    else:
        await home.sync(kind=RunKind.REMOVAL if by == "removal" else RunKind.FULL)
    assert "rosa" in home.labels.get(key, set())


async def test_label_that_was_put_back_by_hand_stays_foreign_when_overrides_are_forgotten(
    home: Home,
) -> None:
    home.settings = REMOVING
    title, key = await labelled(home)
    home.plex.state.remove_label(key, "rosa")
    await home.sync()
    home.plex.state.add_label(key, "rosa")
    home.recorder.ledger.clear_overrides([(key, "rosa")])
    await home.sync()
    home.pulsarr.state.unwish(home.person("rosa"), title)
    await home.sync()
    assert "rosa" in home.labels.get(key, set())


async def test_removal_whose_end_was_not_seen_is_not_taken_for_a_decision_made_by_hand(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.settings = replace(REMOVING)
    title, key = await labelled(home)
    home.pulsarr.state.unwish(home.person("rosa"), title)
    real, sent = home.engine._plex.edit, False

    async def edit(*args: object) -> object:
        nonlocal sent
        sent = True
        return await real(*args)  # type: ignore[arg-type]  # passes on what it is given

    async def labels(*args: object) -> object:
        if sent:
            raise ServiceError(Service.PLEX, Failure.CANNOT_CONNECT, "gone")
        return await real_labels(*args)  # type: ignore[arg-type]  # passes on what it is given

    real_labels = home.engine._plex.labels
    monkeypatch.setattr(home.engine._plex, "edit", edit)
    monkeypatch.setattr(home.engine._plex, "labels", labels)
    run = await home.sync()
    assert run.failed
    assert "rosa" not in home.labels.get(key, set())
    monkeypatch.undo()
    home.wish("rosa", title)
    run = await home.sync()
    assert (run.added, run.overridden) == (1, 0)
    assert "rosa" in home.labels.get(key, set())


async def test_label_that_plex_writes_after_the_client_gave_up_is_ours(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.settings = REMOVING
    await home.sync()
    title = home.spare()
    (item,) = home.plex.state.items_of(title)
    home.wish("rosa", title)
    with monkeypatch.context() as hurry:
        hurry.setattr(server, "EDIT_TIMEOUT", 0.1)
        home.plex.knobs = PlexKnobs(put_seconds=0.5)
        run = await home.sync()
    assert run.error is not None
    assert (run.error.failure, run.changes) == (Failure.TIMEOUT, ())
    assert "rosa" not in home.labels.get(item.rating_key, set())
    await _until_idle(home)
    assert "rosa" in home.labels[item.rating_key]
    home.pulsarr.state.unwish(home.person("rosa"), title)
    await home.sync()
    assert "rosa" not in home.labels.get(item.rating_key, set())


async def test_label_that_plex_takes_off_after_the_client_gave_up_was_not_taken_off_by_hand(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.settings = REMOVING
    title, key = await labelled(home)
    home.pulsarr.state.unwish(home.person("rosa"), title)
    with monkeypatch.context() as hurry:
        hurry.setattr(server, "EDIT_TIMEOUT", 0.1)
        home.plex.knobs = PlexKnobs(put_seconds=0.5)
        assert (await home.sync()).changes == ()
    await _until_idle(home)
    assert "rosa" not in home.labels.get(key, set())
    home.wish("rosa", title)
    run = await home.sync()
    assert (run.added, run.overridden) == (1, 0)


@pytest.mark.parametrize("how", ["rename", "format"])
async def test_label_taken_off_by_hand_does_not_come_back_under_a_new_name(
    home: Home, how: str
) -> None:
    _, key = await labelled(home)
    home.plex.state.remove_label(key, "rosa")
    assert (await home.sync()).overridden == 1
    labels = home.labels.get(key)
    if how == "rename":
        home.pulsarr.state.rename(home.person("rosa"), "rosalinde")
    else:
        home.settings = replace(home.settings, label_format="for {username}")
    for _ in range(3):
        assert (await home.sync()).overridden == 1
        assert home.labels.get(key) == labels


@pytest.mark.parametrize("how", ["rename", "format"])
@pytest.mark.parametrize("restore", [False, True])
async def test_label_taken_off_and_renamed_before_the_next_look_stays_off_unless_it_is_restored(
    home: Home, how: str, restore: bool
) -> None:
    title, key = await labelled(home)
    other = home.plex.state.add_item(title, "1", edition="Long").rating_key
    assert (await home.sync()).added == 1
    home.plex.state.remove_label(key, "rosa")
    labels = home.labels.get(key)
    if how == "rename":
        home.pulsarr.state.rename(home.person("rosa"), "rosalinde")
    else:
        home.settings = replace(home.settings, label_format="for {username}")
    new = "rosalinde" if how == "rename" else "for rosa"
    if restore:
        home.settings = replace(home.settings, restore_overrides=True)
        assert (await home.sync()).overridden == 0
        assert new in home.labels[key]
        return
    for _ in range(3):
        assert (await home.sync()).overridden == 1
        assert home.labels.get(key) == labels
    assert new in home.labels[other]


async def _until_idle(home: Home) -> None:
    """Let Plex finish what it was asked for, and be quick again."""
    while home.plex.stats.in_flight:  # noqa: ASYNC110 - counts have no event
        await asyncio.sleep(0.01)
    home.plex.knobs = PlexKnobs()
