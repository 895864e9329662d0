"""What cannot be read is asked for again by itself; everything else costs what it always does."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Final

import pytest

from custom_components.plex_label_sync.plex.server import PlexClient
from custom_components.plex_label_sync.sync.change_detection import LISTING_AGE_MAX
from custom_components.plex_label_sync.sync.model import (
    GapKind,
    Item,
    LabelledItem,
    Library,
    RemovedLabelMode,
    SyncSettings,
)
from custom_components.plex_label_sync.sync.run import Run, RunStatus
from simulators.http import Fault, FaultKind
from simulators.plex import PlexKnobs
from simulators.plex.render import BrokenHow
from simulators.plex.server import LISTING_ROUTE, METADATA_ROUTE

from .engine_env import LABEL_ROUTE, SECTIONS_ROUTE, EngineEnv, merged, open_env

IDENTITY_ROUTE: Final = "/identity"
HOUR: Final = 3600.0
REMOVE: Final = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
# Of an hourly sync: the sections, the sizes of two libraries, the items.
CHEAP: Final = {("GET", SECTIONS_ROUTE): 1, ("GET", LISTING_ROUTE): 3, ("GET", METADATA_ROUTE): 1}
# The unreadable item by itself, after a look whether the server is there at all.
BY_ITSELF: Final = {("GET", METADATA_ROUTE): 1, ("GET", IDENTITY_ROUTE): 1}


async def hourly(env: EngineEnv, seconds: float = 60.0) -> Run:
    """Sync as it happens every hour, and count what it asks.

    Less time passes, so that what is listed every six hours is not due.
    """
    env.plex.stats.reset()
    env.clock.now += seconds
    return await env.sync(routine=True)


def asked(*parts: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Return the sum of requests."""
    return {key: sum(one.get(key, 0) for one in parts) for one in parts for key in one}


def break_item(env: EngineEnv, key: str, kind: FaultKind = "busy") -> None:
    """Let the details of an item fail from now on; its row in the listing is fine."""
    env.plex.faults.add(
        Fault(kind, route=METADATA_ROUTE, method="GET", match=rf"[/,]{key}\b", times=None)
    )


def gap_keys(run: Run, kind: GapKind = GapKind.ITEM) -> set[str]:
    """Return the keys of a run's gaps of a kind."""
    return {gap.key for gap in run.gaps if gap.kind is kind}


def want_one(env: EngineEnv) -> str:
    """Let a person want a title that is there; return its item's rating key."""
    title = env.spare()
    env.want("rosa", title)
    return env.plex.state.items_of(title)[0].rating_key


@pytest.mark.parametrize("kind", ["busy", "cut_body", "drop", "truncated"])
async def test_unreadable_item_does_not_make_every_sync_a_listing(
    env: EngineEnv, kind: FaultKind
) -> None:
    await env.sync(routine=True)
    key = want_one(env)
    break_item(env, key, kind)
    assert gap_keys(await hourly(env)) == {key}
    labels = env.labels
    for _ in range(4):
        run = await hourly(env)
        assert (run.status, run.changes, gap_keys(run)) == (RunStatus.PARTIAL, (), {key})
        assert env.plex.stats.count("GET", LABEL_ROUTE) == 0
        if kind == "busy":
            assert env.plex.stats.requests == asked(CHEAP, BY_ITSELF)
        # A broken connection is tried once more, and so is whether the server is there.
        assert env.plex.stats.total <= sum(CHEAP.values()) + 4
    assert env.labels == labels

    env.plex.faults.clear()
    run = await hourly(env)
    assert (run.status, run.added, gap_keys(run)) == (RunStatus.DONE, 1, set())
    assert env.labels == merged(labels, env.wanted())
    await hourly(env)
    assert env.plex.stats.requests == CHEAP


@pytest.mark.parametrize("labels_on_items", [True, False])
async def test_item_with_labels_that_becomes_unreadable_keeps_them_at_the_usual_cost(
    labels_on_items: bool,
) -> None:
    knobs = PlexKnobs(labels_on_items=labels_on_items)
    async with open_env(knobs=knobs, settings=REMOVE) as env:
        await env.sync(routine=True)
        for _ in range(2):
            await hourly(env)
        usual = env.plex.stats.total
        row = min(env.recorder.ledger, key=lambda one: one.rating_key)
        break_item(env, row.rating_key)
        labels, rows = env.labels, [*env.recorder.ledger]
        await hourly(env)
        for _ in range(3):
            run = await hourly(env)
            assert (run.changes, run.overridden) == ((), 0)
            assert env.plex.stats.total <= usual + 2
        # A manual sync reads everything, and finds nothing more to do.
        run = await env.sync()
        assert (run.changes, run.vanished, run.overridden) == ((), 0, 0)
        assert (env.labels, [*env.recorder.ledger]) == (labels, rows)


async def test_unreadable_item_does_not_make_a_server_be_listed_that_is_read_label_by_label() -> (
    None
):
    async with open_env(knobs=PlexKnobs(labels_on_items=False)) as env:
        await env.sync(routine=True)
        for _ in range(2):
            await hourly(env)
        usual = env.plex.stats.total
        key = want_one(env)
        break_item(env, key)
        await hourly(env)
        labels = env.labels
        for _ in range(3):
            run = await hourly(env)
            assert (run.changes, gap_keys(run)) == ((), {key})
            assert env.plex.stats.total <= usual + 2
        env.plex.faults.clear()
        assert (await hourly(env)).added == 1
        assert env.labels == merged(labels, env.wanted())


async def test_unreadable_item_whose_label_is_no_longer_wanted_keeps_it_until_it_is_read(
    env: EngineEnv,
) -> None:
    env.settings = REMOVE
    title = env.spare()
    env.want("rosa", title)
    key = env.plex.state.items_of(title)[0].rating_key
    await env.sync(routine=True)
    break_item(env, key)
    env.pulsarr.state.unwant(env.person("rosa"), title)
    await hourly(env)
    for _ in range(3):
        run = await hourly(env)
        assert (run.removed, gap_keys(run)) == (0, {key})
        assert env.plex.stats.requests == asked(CHEAP, BY_ITSELF)
        assert env.labels[key] == {"rosa"}
    env.plex.faults.clear()
    run = await hourly(env)
    assert run.removed == 1
    assert key not in env.labels


@pytest.mark.parametrize("labelled", [True, False])
async def test_item_that_only_the_listing_has_does_not_make_every_sync_a_listing(
    env: EngineEnv, monkeypatch: pytest.MonkeyPatch, *, labelled: bool
) -> None:
    await env.sync(routine=True)
    key = next(iter(env.recorder.ledger)).rating_key if labelled else want_one(env)
    honest = PlexClient.labelled

    async def without(
        client: PlexClient, keys: Sequence[str], *more: Any
    ) -> tuple[LabelledItem, ...]:
        return tuple(one for one in await honest(client, keys, *more) if one.item.rating_key != key)

    monkeypatch.setattr(PlexClient, "labelled", without)
    labels, rows = env.labels, [*env.recorder.ledger]
    await hourly(env)
    for _ in range(3):
        run = await hourly(env)
        assert (run.status, run.changes, gap_keys(run)) == (RunStatus.PARTIAL, (), {key})
        assert env.plex.stats.requests == CHEAP
    assert (env.labels, [*env.recorder.ledger]) == (labels, rows)
    monkeypatch.undo()
    run = await hourly(env)
    assert (run.status, run.added) == (RunStatus.DONE, 0 if labelled else 1)


async def test_item_that_the_listing_leaves_out_does_not_make_every_sync_a_listing(
    env: EngineEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    env.settings = REMOVE
    await env.sync(routine=True)
    row = next(iter(env.recorder.ledger))
    honest = PlexClient.pages

    def without(
        client: PlexClient, library: Library, pick: Callable[[tuple[Item, ...]], Any], *more: Any
    ) -> AsyncGenerator[Any]:
        def of_others(items: tuple[Item, ...]) -> Any:
            return pick(tuple(one for one in items if one.rating_key != row.rating_key))

        return honest(client, library, of_others, *more)

    monkeypatch.setattr(PlexClient, "pages", without)
    want_one(env)
    await hourly(env)
    labels, rows = env.labels, [*env.recorder.ledger]
    for _ in range(3):
        run = await hourly(env)
        assert (run.status, run.changes) == (RunStatus.PARTIAL, ())
        assert gap_keys(run, GapKind.LIBRARY) == {row.library}
        assert env.plex.stats.requests == CHEAP
    assert (env.labels, [*env.recorder.ledger]) == (labels, rows)
    monkeypatch.undo()
    env.clock.now += LISTING_AGE_MAX
    run = await hourly(env)
    assert (run.status, run.changes) == (RunStatus.DONE, ())


async def test_unreadable_items_are_asked_for_a_few_at_a_time_and_all_come_back(
    env: EngineEnv,
) -> None:
    await env.sync(routine=True)
    keys = sorted({row.rating_key for row in env.recorder.ledger}, key=int)[:16]
    for key in keys:
        break_item(env, key)
    labels, rows = env.labels, [*env.recorder.ledger]
    await hourly(env)
    for _ in range(4):
        run = await hourly(env)
        assert gap_keys(run) == {*keys}
        assert env.plex.stats.total <= 5 + 1 + 12
    assert (env.labels, [*env.recorder.ledger]) == (labels, rows)
    env.plex.faults.clear()
    run = await hourly(env)
    assert (run.status, run.changes) == (RunStatus.DONE, ())
    assert env.plex.stats.total <= 5 + 5  # one, two, four, eight, and the last one
    await hourly(env)
    assert env.plex.stats.requests == CHEAP


@pytest.mark.parametrize("how", ["busy", "wrong_types", "no_key", "bad_guid"])
async def test_unreadable_row_of_a_listing_is_asked_for_by_itself(
    env: EngineEnv, how: BrokenHow
) -> None:
    await env.sync(routine=True)
    key = want_one(env)
    env.plex.broken_items[key] = how
    first = await hourly(env)
    assert first.status is RunStatus.PARTIAL
    labels = env.labels
    for _ in range(4):
        run = await hourly(env)
        assert (run.status, run.changes) == (RunStatus.PARTIAL, ())
        assert {*run.gaps} == {*first.gaps}
        assert env.plex.stats.count("GET", LABEL_ROUTE) == 0
        assert env.plex.stats.total <= 5 + 4  # a row or an item fails three times
    env.plex.broken_items.clear()
    run = await hourly(env)
    assert (run.status, run.added) == (RunStatus.DONE, 1)
    assert env.labels == merged(labels, env.wanted())
    await hourly(env)
    assert env.plex.stats.requests == CHEAP


async def test_library_that_cannot_be_listed_is_asked_for_by_itself(env: EngineEnv) -> None:
    await env.sync(routine=True)
    library = max(env.plex.state.libraries)
    env.plex.faults.add(
        Fault("html", route=LISTING_ROUTE, method="GET", match=rf"sections/{library}/", times=None)
    )
    env.want("rosa", env.spare())
    assert (await hourly(env)).added == 1
    labels = env.labels
    for _ in range(3):
        run = await hourly(env)
        assert gap_keys(run, GapKind.LIBRARY) == {library}
        assert (run.status, run.changes, env.labels) == (RunStatus.PARTIAL, (), labels)
        assert env.plex.stats.total <= 5 + 1
        assert env.plex.stats.count("GET", LABEL_ROUTE) == 0
    env.plex.faults.clear()
    assert (await hourly(env)).status is RunStatus.DONE
    await hourly(env)
    assert env.plex.stats.requests == CHEAP


async def test_row_that_only_a_listing_cannot_read_does_not_list_at_every_sync(
    env: EngineEnv,
) -> None:
    key = want_one(env)
    library = env.plex.state.items[key].section
    env.plex.faults.add(
        Fault(
            "nameless_row",
            route=LISTING_ROUTE,
            method="GET",
            match=rf"sections/{library}/.*Size=[1-9]\d\d",
            times=None,
        )
    )
    listings = []
    await env.sync(routine=True)
    for _ in range(12):
        await hourly(env, HOUR)
        pages = [one for one in env.plex.stats.log if "sort=addedAt&" in f"{one.query}&"]
        listings.append(any("Size=1&" not in f"{one.query}&" for one in pages))
    # Once because the row can be read by itself; after that when everything is due.
    assert sum(listings) <= 1 + 12 * HOUR / LISTING_AGE_MAX


async def test_unreadable_row_among_the_newest_leaves_live_sync_to_the_others(
    env: EngineEnv,
) -> None:
    await env.sync(routine=True)
    title = next(
        one
        for one in env.world.catalog
        if one.type == "movie" and not env.plex.state.items_of(one, identified=False)
    )
    env.want("rosa", title)
    added = env.plex.state.add_item(title)
    env.plex.broken_items[env.plex.state.add_item(env.spare(in_plex=False)).rating_key] = "busy"
    env.plex.stats.reset()
    env.clock.now += 60
    run = await env.live_sync(title, thorough=False)
    assert (run.status, run.added) == (RunStatus.PARTIAL, 1)
    assert env.labels[added.rating_key] == {"rosa"}
    assert gap_keys(run, GapKind.PAGE)
    assert env.plex.stats.total <= 40


async def test_unreadable_row_after_a_broken_connection_stops_no_other_and_asks_for_a_full_sync(
    env: EngineEnv,
) -> None:
    await env.sync()
    title = env.spare(in_plex=False)
    env.want("rosa", title)
    env.clock.now += 60
    added = env.plex.state.add_item(title)
    env.plex.broken_items[env.plex.state.add_item(env.spare(in_plex=False)).rating_key] = "busy"
    candidates = await env.engine.missed(env.clock.now, env.settings)
    assert [item.rating_key for item in candidates.items] == [added.rating_key]
    assert candidates.too_many
    env.plex.broken_items.clear()
    assert not (await env.engine.missed(env.clock.now, env.settings)).too_many


async def test_newest_row_that_is_unreadable_does_not_make_every_sync_a_listing(
    env: EngineEnv,
) -> None:
    title = env.spare(in_plex=False)
    env.want("rosa", title)
    item = env.plex.state.add_item(title, guid="local://77")
    env.plex.broken_items[item.rating_key] = "busy"
    assert gap_keys(await env.sync(routine=True), GapKind.PAGE)
    for _ in range(3):
        run = await hourly(env)
        assert gap_keys(run, GapKind.PAGE)
        assert env.plex.stats.total <= 5 + 4


async def test_what_a_check_could_not_read_and_the_listing_could_is_no_gap(env: EngineEnv) -> None:
    await env.sync(routine=True)
    key = want_one(env)
    break_item(env, key)
    await hourly(env)
    assert gap_keys(await hourly(env)) == {key}
    env.plex.faults.clear()
    # The check tries it once.
    env.plex.faults.add(Fault("busy", route=METADATA_ROUTE, method="GET", match=rf"/{key}\?"))
    row = next(one for one in env.recorder.ledger if one.rating_key != key)
    env.plex.state.remove_label(row.rating_key, row.label)
    run = await hourly(env)
    assert (run.status, run.added, run.overridden, [*run.gaps]) == (RunStatus.DONE, 1, 1, [])
    await hourly(env)
    assert env.plex.stats.requests == CHEAP


@pytest.mark.parametrize("kind", ["busy", "html"])
async def test_edit_that_plex_refuses_for_ever_is_tried_less_and_less_often(
    env: EngineEnv, kind: FaultKind
) -> None:
    await env.sync(routine=True)
    key = want_one(env)
    env.plex.faults.add(Fault(kind, method="PUT", match=rf"\b{key}\b", times=None))
    tried = []
    for hour in range(24):
        run = await hourly(env, HOUR)
        assert [one.change.rating_key for one in run.failed] == [key]
        assert key in gap_keys(run)
        if env.plex.stats.puts:
            tried.append(hour)
        else:
            assert env.plex.stats.requests == CHEAP
    assert tried == [0, 1, *range(2, 24, 2)]
    assert key not in env.labels

    env.plex.faults.clear()
    for _ in range(6):
        await hourly(env, HOUR)
    assert env.labels[key] == {"rosa"}


async def test_edit_that_failed_is_reported_no_more_once_it_was_made_in_another_way(
    env: EngineEnv,
) -> None:
    await env.sync(routine=True)
    title = env.spare()
    env.want("rosa", title)
    (item,) = env.plex.state.items_of(title)
    fault = Fault("busy", method="PUT", match=rf"\b{item.rating_key}\b", times=None)
    env.plex.faults.add(fault)
    *_, run = [await hourly(env, HOUR) for _ in range(3)]
    assert (len(run.failed), gap_keys(run)) == (1, {item.rating_key})
    env.plex.faults.clear()
    assert (await env.live_sync(title)).added == 1
    run = await hourly(env, HOUR)
    assert (run.status, run.failed, run.gaps) == (RunStatus.DONE, (), ())


async def test_other_changes_do_not_wait_for_an_edit_that_plex_refuses(env: EngineEnv) -> None:
    await env.sync(routine=True)
    key = want_one(env)
    env.plex.faults.add(Fault("busy", method="PUT", match=rf"\b{key}\b", times=None))
    for _ in range(4):
        await hourly(env, HOUR)
    other = want_one(env)
    run = await hourly(env, HOUR)
    assert env.labels[other] == {"rosa"}
    assert [one.change.rating_key for one in run.failed] == [key]
    # By hand it is tried at once, and so it is after a failure of something else.
    env.plex.stats.reset()
    await env.sync()
    assert env.plex.stats.puts
    later = want_one(env)
    env.plex.faults.add(Fault("busy", method="PUT", match=rf"\b{later}\b", times=None))
    await hourly(env, HOUR)
    assert env.plex.stats.puts
    await hourly(env, HOUR)
    assert env.plex.stats.puts


async def test_edits_that_end_with_an_unavailable_server_are_all_tried_at_once_when_it_is_back(
    env: EngineEnv,
) -> None:
    await env.sync(routine=True)
    key = want_one(env)
    env.plex.faults.add(Fault("unauthorized", method="PUT", times=None))
    assert (await hourly(env)).error is not None
    env.plex.faults.clear()
    assert (await hourly(env)).added == 1
    assert env.labels[key] == {"rosa"}
