"""A full sync by the clock: cheap where nothing has changed, and never the ground for a change."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from custom_components.plex_label_sync.sync.change_detection import LISTING_AGE_MAX
from custom_components.plex_label_sync.sync.model import RemovedLabelMode, fold
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.run import Run, RunStatus
from simulators.catalog import CatalogTitle
from simulators.http import Fault, FaultKind
from simulators.plex import PlexKnobs
from simulators.plex.items import plex_guids
from simulators.plex.server import LISTING_ROUTE, METADATA_ROUTE

from .engine_env import LABEL_ROUTE, SECTIONS_ROUTE, EngineEnv, merged, open_env

CHEAP = {("GET", SECTIONS_ROUTE): 1, ("GET", LISTING_ROUTE): 3, ("GET", METADATA_ROUTE): 1}
HOUR = 3600.0


async def by_the_clock(env: EngineEnv) -> Run:
    """Sync as it happens every hour, and count what it asks."""
    env.plex.stats.reset()
    env.clock.now += 60
    return await env.sync(routine=True)


def was_listed(env: EngineEnv) -> bool:
    """Tell whether the libraries were listed again, from the oldest item on."""
    listings = (one for one in env.plex.stats.log if one.route == LISTING_ROUTE)
    return any("sort=addedAt&" in f"{one.query}&" for one in listings)


def first_with_an_own_label(env: EngineEnv) -> tuple[str, str]:
    """Return an item's rating key and the label that we wrote on it."""
    return min((row.rating_key, row.label) for row in env.recorder.ledger)


async def test_nothing_new_is_seen_from_a_handful_of_answers(env: EngineEnv) -> None:
    first = await env.sync(routine=True)
    labels = env.labels
    run = await by_the_clock(env)
    assert env.plex.stats.requests == CHEAP
    assert run.status is RunStatus.DONE
    assert env.labels == labels
    assert (run.titles, run.items, run.not_in_plex, run.people, run.wanting) == (
        first.titles,
        first.items,
        first.not_in_plex,
        first.people,
        first.wanting,
    )
    assert run.unchanged == first.unchanged + first.added
    assert run.changes == ()


async def test_what_is_asked_by_hand_is_checked_thoroughly(env: EngineEnv) -> None:
    await env.sync(routine=True)
    env.plex.stats.reset()
    await env.sync()
    assert was_listed(env)


async def test_cost_of_an_idle_sync_does_not_grow_with_what_is_wanted(
    env: EngineEnv,
) -> None:
    env.limit_plex(items_per_request=1)
    await env.sync(routine=True)
    run = await by_the_clock(env)
    assert env.plex.stats.count("GET", METADATA_ROUTE) == 0
    assert env.plex.stats.gets == env.reads_by_label()
    assert run.changes == ()


def _missing(env: EngineEnv) -> CatalogTitle:
    """Return a title that somebody waits for."""
    synced = {number for number, person in env.people.items() if person.can_sync}
    wanted = {one.catalog_key for one in env.pulsarr.state.entries() if one.user_id in synced}
    return next(
        one
        for one in env.world.catalog
        if one.key in wanted and not env.plex.state.items_of(one, identified=False)
    )


def _add_missing(env: EngineEnv) -> None:
    env.plex.state.add_item(_missing(env))


def _want(env: EngineEnv) -> None:
    env.want("rosa", env.spare())


def _want_something_else(env: EngineEnv) -> None:
    """Let one title go for another: there are as many as before."""
    rosa = env.person("rosa")
    taken = next(one for one in env.pulsarr.state.entries() if one.user_id == rosa)
    titles = {title.key: title for title in env.world.catalog}
    env.pulsarr.state.unwant(rosa, titles[taken.catalog_key])
    env.want("rosa", env.spare())


def _take_off(env: EngineEnv) -> None:
    key, label = first_with_an_own_label(env)
    env.plex.state.remove_label(key, label)


def _delete(env: EngineEnv) -> None:
    env.plex.state.delete_item(first_with_an_own_label(env)[0])


def _delete_unnoticed(env: EngineEnv) -> None:
    """Delete an item, and let Plex not tell that its library changed."""
    key, _ = first_with_an_own_label(env)
    library = env.plex.state.libraries[env.plex.state.items[key].section]
    counter = library.content_changed_at
    env.plex.state.delete_item(key)
    library.content_changed_at = counter


def _rematch_unnoticed(env: EngineEnv) -> None:
    """Let an item become another title, and let Plex not tell that its library changed."""
    key, _ = first_with_an_own_label(env)
    library = env.plex.state.libraries[env.plex.state.items[key].section]
    counter = library.content_changed_at
    env.plex.state.rematch(key, guid="plex://movie/" + 24 * "f", guids=(), title="Another")
    library.content_changed_at = counter


def _leave_out_a_person(env: EngineEnv) -> None:
    env.settings = replace(env.settings, exclude_people=frozenset({pulsarr_id(env.person("rosa"))}))


def _let_time_pass(env: EngineEnv) -> None:
    env.clock.now += LISTING_AGE_MAX


@pytest.mark.parametrize(
    "happens",
    [
        _add_missing,
        _want,
        _want_something_else,
        _take_off,
        _delete,
        _delete_unnoticed,
        _rematch_unnoticed,
        _leave_out_a_person,
        _let_time_pass,
    ],
)
async def test_whatever_happens_is_followed_by_a_listing_and_comes_out_as_by_hand(
    env: EngineEnv, happens: Callable[[EngineEnv], object]
) -> None:
    await env.sync(routine=True)
    await by_the_clock(env)
    happens(env)
    await by_the_clock(env)
    assert was_listed(env)
    labels, rows = env.labels, list(env.recorder.ledger)
    await env.sync()
    assert env.labels == labels
    assert list(env.recorder.ledger) == rows


async def test_new_item_of_a_missing_title_gets_its_labels(env: EngineEnv) -> None:
    await env.sync(routine=True)
    _add_missing(env)
    before = env.labels
    run = await by_the_clock(env)
    assert run.added
    assert env.labels == merged(before, env.wanted())


async def test_item_that_plex_recognizes_later_gets_its_labels_though_nothing_seems_to_have_changed(
    env: EngineEnv,
) -> None:
    title = _missing(env)
    item = env.plex.state.add_item(title, guid="local://77")
    await env.sync(routine=True)
    await by_the_clock(env)
    assert not was_listed(env)
    library = env.plex.state.libraries[item.section]
    counter = library.content_changed_at
    env.plex.state.rematch(
        item.rating_key, guid=title.plex_guid, guids=plex_guids(title), title=title.title
    )
    library.content_changed_at = counter
    assert (await by_the_clock(env)).added


async def test_server_that_does_not_count_its_changes_is_listed_each_time() -> None:
    async with open_env(knobs=PlexKnobs(change_counter=False)) as env:
        await env.sync(routine=True)
        await by_the_clock(env)
        assert was_listed(env)


async def test_server_whose_counter_moves_with_our_edits_is_cheap_after_the_next_listing() -> None:
    async with open_env(knobs=PlexKnobs(bump=True)) as env:
        assert (await env.sync(routine=True)).added
        await by_the_clock(env)
        assert was_listed(env)
        await by_the_clock(env)
        assert env.plex.stats.requests == CHEAP


async def test_server_that_does_not_show_labels_of_single_items_is_asked_label_by_label() -> None:
    async with open_env(knobs=PlexKnobs(labels_on_items=False)) as env:
        await env.sync(routine=True)
        labels = env.labels
        for wasted in (1, 0):
            run = await by_the_clock(env)
            assert env.plex.stats.count("GET", METADATA_ROUTE) == wasted
            assert env.plex.stats.gets == env.reads_by_label() + wasted
            assert (run.status, run.changes, run.vanished) == (RunStatus.DONE, (), 0)
        assert env.labels == labels
        assert not any(row.removed_by_user for row in env.recorder.ledger)


async def test_label_goes_only_after_a_listing_and_a_check_of_its_carriers(env: EngineEnv) -> None:
    env.settings = replace(
        env.settings, removed_label_mode=RemovedLabelMode.REMOVE, removal_delay=HOUR
    )
    await env.sync(routine=True)
    key, label = first_with_an_own_label(env)
    for entry in list(env.pulsarr.state.entries()):
        title = next(one for one in env.world.catalog if one.key == entry.catalog_key)
        if any(item.rating_key == key for item in env.plex.state.items_of(title)):
            env.pulsarr.state.unwant(entry.user_id, title)
    await by_the_clock(env)
    await by_the_clock(env)
    assert env.plex.stats.requests == CHEAP
    env.clock.now += HOUR
    run = await by_the_clock(env)
    assert run.removed
    assert fold(label) not in env.labels.get(key, set())
    routes = [(one.method, one.route) for one in env.plex.stats.log]
    before = routes[: routes.index(("PUT", LISTING_ROUTE))]
    assert before.count(("GET", LABEL_ROUTE)) == len(env.plex.state.libraries)


@pytest.mark.parametrize("kind", ["busy", "html", "truncated", "empty", "headless"])
@pytest.mark.parametrize(
    ("route", "method"), [(METADATA_ROUTE, "GET"), (LISTING_ROUTE, "GET"), (LABEL_ROUTE, "GET")]
)
async def test_what_a_quick_check_cannot_read_is_left_to_the_listing(
    env: EngineEnv, route: str, method: str, kind: FaultKind
) -> None:
    await env.sync(routine=True)
    title = env.spare()
    env.want("rosa", title)
    before = env.labels
    env.plex.faults.add(Fault(kind, route=route, method=method, times=4))
    run = await by_the_clock(env)
    assert run.status in {RunStatus.DONE, RunStatus.PARTIAL}
    assert (run.removed, run.vanished) == (0, 0)
    env.plex.faults.clear()
    await by_the_clock(env)
    assert env.labels == merged(before, env.wanted())
    assert not any(row.removed_by_user for row in env.recorder.ledger)


async def test_item_that_cannot_be_read_never_ends_a_sync_by_the_clock(env: EngineEnv) -> None:
    await env.sync(routine=True)
    labels = env.labels
    broken = next(iter(env.recorder.ledger)).rating_key
    env.plex.broken_items[broken] = "busy"
    for _ in range(2):
        run = await by_the_clock(env)
        assert run.status in {RunStatus.DONE, RunStatus.PARTIAL}
    assert env.labels == labels
    assert broken in env.recorder.ledger.by_item()


async def test_quick_check_of_a_server_that_is_away_ends_the_run(env: EngineEnv) -> None:
    await env.sync(routine=True)
    labels = env.labels
    env.plex.faults.add(Fault("busy", route=SECTIONS_ROUTE, method="GET", times=None))
    run = await by_the_clock(env)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert env.labels == labels
