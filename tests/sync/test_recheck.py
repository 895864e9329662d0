"""A full sync by the clock: cheap where nothing has changed, and never the ground for a change."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from custom_components.plex_label_sync.sync import recheck
from custom_components.plex_label_sync.sync.model import RemovedLabelMode, Run, RunStatus, fold
from custom_components.plex_label_sync.sync.recheck import LISTING_AGE_MAX
from simulators.catalogue import CatalogueTitle
from simulators.http import Fault, FaultKind
from simulators.plex import PlexKnobs
from simulators.plex.server import LISTING_ROUTE, METADATA_ROUTE
from simulators.plex.state import plex_guids

from .home import LABEL_ROUTE, SECTIONS_ROUTE, Home, household, merged

CHEAP = {("GET", SECTIONS_ROUTE): 1, ("GET", LISTING_ROUTE): 3, ("GET", METADATA_ROUTE): 1}
HOUR = 3600.0


async def by_the_clock(home: Home) -> Run:
    """Sync as it happens every hour, and count what it asks."""
    home.plex.stats.reset()
    home.clock.now += 60
    return await home.sync(routine=True)


def was_listed(home: Home) -> bool:
    """Tell whether the libraries were listed anew; that comes with their label directories."""
    return home.plex.stats.count("GET", LABEL_ROUTE) > 0


def the_first_with_a_label_of_ours(home: Home) -> tuple[str, str]:
    """Return an item's rating key and the label that we wrote on it."""
    return min((row.rating_key, row.label) for row in home.recorder.ledger)


async def test_nothing_new_is_seen_from_a_handful_of_answers(home: Home) -> None:
    first = await home.sync(routine=True)
    labels = home.labels
    run = await by_the_clock(home)
    assert home.plex.stats.requests == CHEAP
    assert run.status is RunStatus.DONE
    assert home.labels == labels
    assert (run.titles, run.items, run.not_in_plex, run.people, run.wanting) == (
        first.titles,
        first.items,
        first.not_in_plex,
        first.people,
        first.wanting,
    )
    assert run.unchanged == first.unchanged + first.added
    assert run.changes == ()


async def test_what_is_asked_by_hand_is_looked_at_thoroughly(home: Home) -> None:
    await home.sync(routine=True)
    home.plex.stats.reset()
    await home.sync()
    assert was_listed(home)


async def test_cost_of_an_idle_sync_does_not_grow_with_what_is_wanted(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recheck, "ITEMS_AT_ONCE", 1)
    await home.sync(routine=True)
    run = await by_the_clock(home)
    assert home.plex.stats.count("GET", METADATA_ROUTE) == 0
    assert home.plex.stats.gets == home.reads_needed()
    assert run.changes == ()


def _missing(home: Home) -> CatalogueTitle:
    """Return a title that somebody waits for."""
    synced = {person.id for person in home.people.values() if person.can_sync}
    wanted = {one.catalogue_key for one in home.pulsarr.state.wishes() if one.user_id in synced}
    return next(
        one
        for one in home.world.catalogue
        if one.key in wanted and not home.plex.state.items_of(one, identified=False)
    )


def _add_missing(home: Home) -> None:
    home.plex.state.add_item(_missing(home))


def _wish(home: Home) -> None:
    home.wish("rosa", home.spare())


def _wish_for_something_else(home: Home) -> None:
    """Let one title go for another: there are as many as before."""
    rosa = home.person("rosa")
    gone = next(one for one in home.pulsarr.state.wishes() if one.user_id == rosa)
    titles = {title.key: title for title in home.world.catalogue}
    home.pulsarr.state.unwish(rosa, titles[gone.catalogue_key])
    home.wish("rosa", home.spare())


def _take_off(home: Home) -> None:
    key, label = the_first_with_a_label_of_ours(home)
    home.plex.state.remove_label(key, label)


def _delete(home: Home) -> None:
    home.plex.state.delete_item(the_first_with_a_label_of_ours(home)[0])


def _delete_unnoticed(home: Home) -> None:
    """Delete an item, and let Plex not tell that its library changed."""
    key, _ = the_first_with_a_label_of_ours(home)
    library = home.plex.state.libraries[home.plex.state.items[key].section]
    counter = library.content_changed_at
    home.plex.state.delete_item(key)
    library.content_changed_at = counter


def _rematch_unnoticed(home: Home) -> None:
    """Let an item become another title, and let Plex not tell that its library changed."""
    key, _ = the_first_with_a_label_of_ours(home)
    library = home.plex.state.libraries[home.plex.state.items[key].section]
    counter = library.content_changed_at
    home.plex.state.rematch(key, guid="plex://movie/" + 24 * "f", guids=(), title="Another")
    library.content_changed_at = counter


def _leave_out_a_person(home: Home) -> None:
    home.settings = replace(home.settings, exclude_people=frozenset({home.person("rosa")}))


def _let_time_pass(home: Home) -> None:
    home.clock.now += LISTING_AGE_MAX


@pytest.mark.parametrize(
    "happens",
    [
        _add_missing,
        _wish,
        _wish_for_something_else,
        _take_off,
        _delete,
        _delete_unnoticed,
        _rematch_unnoticed,
        _leave_out_a_person,
        _let_time_pass,
    ],
)
async def test_whatever_happens_is_followed_by_a_listing_and_comes_out_as_by_hand(
    home: Home, happens: Callable[[Home], object]
) -> None:
    await home.sync(routine=True)
    await by_the_clock(home)
    happens(home)
    await by_the_clock(home)
    assert was_listed(home)
    labels, rows = home.labels, list(home.recorder.ledger)
    await home.sync()
    assert home.labels == labels
    assert list(home.recorder.ledger) == rows


async def test_new_item_of_a_missing_title_gets_its_labels(home: Home) -> None:
    await home.sync(routine=True)
    _add_missing(home)
    before = home.labels
    run = await by_the_clock(home)
    assert run.added
    assert home.labels == merged(before, home.wanted())


async def test_item_that_plex_recognises_later_gets_its_labels_though_nothing_seems_to_have_changed(
    home: Home,
) -> None:
    title = _missing(home)
    item = home.plex.state.add_item(title, guid="local://77")
    await home.sync(routine=True)
    await by_the_clock(home)
    assert not was_listed(home)
    library = home.plex.state.libraries[item.section]
    counter = library.content_changed_at
    home.plex.state.rematch(
        item.rating_key, guid=title.plex_guid, guids=plex_guids(title), title=title.title
    )
    library.content_changed_at = counter
    assert (await by_the_clock(home)).added


async def test_server_that_does_not_count_its_changes_is_listed_each_time() -> None:
    async with household(knobs=PlexKnobs(change_counter=False)) as home:
        await home.sync(routine=True)
        await by_the_clock(home)
        assert was_listed(home)


async def test_server_whose_counter_moves_with_our_edits_is_cheap_after_the_next_listing() -> None:
    async with household(knobs=PlexKnobs(bump=True)) as home:
        assert (await home.sync(routine=True)).added
        await by_the_clock(home)
        assert was_listed(home)
        await by_the_clock(home)
        assert home.plex.stats.requests == CHEAP


async def test_server_that_does_not_tell_labels_of_single_items_is_asked_label_by_label() -> None:
    async with household(knobs=PlexKnobs(labels_on_items=False)) as home:
        await home.sync(routine=True)
        labels = home.labels
        for wasted in (1, 0):
            run = await by_the_clock(home)
            assert home.plex.stats.count("GET", METADATA_ROUTE) == wasted
            assert home.plex.stats.gets == home.reads_needed() + wasted
            assert (run.status, run.changes, run.vanished) == (RunStatus.DONE, (), 0)
        assert home.labels == labels
        assert not any(row.off for row in home.recorder.ledger)


async def test_label_goes_only_after_a_listing_and_a_look_at_its_carriers(home: Home) -> None:
    home.settings = replace(
        home.settings, removed_label_mode=RemovedLabelMode.REMOVE, removal_delay=HOUR
    )
    await home.sync(routine=True)
    key, label = the_first_with_a_label_of_ours(home)
    for wish in list(home.pulsarr.state.wishes()):
        title = next(one for one in home.world.catalogue if one.key == wish.catalogue_key)
        if any(item.rating_key == key for item in home.plex.state.items_of(title)):
            home.pulsarr.state.unwish(wish.user_id, title)
    await by_the_clock(home)
    await by_the_clock(home)
    assert home.plex.stats.requests == CHEAP
    home.clock.now += HOUR
    run = await by_the_clock(home)
    assert run.removed
    assert fold(label) not in home.labels.get(key, set())
    routes = [(one.method, one.route) for one in home.plex.stats.log]
    before = routes[: routes.index(("PUT", LISTING_ROUTE))]
    assert before.count(("GET", LABEL_ROUTE)) == len(home.plex.state.libraries)


@pytest.mark.parametrize("kind", ["busy", "html", "truncated", "empty", "headless"])
@pytest.mark.parametrize(
    ("route", "method"), [(METADATA_ROUTE, "GET"), (LISTING_ROUTE, "GET"), (LABEL_ROUTE, "GET")]
)
async def test_what_a_cheap_look_cannot_read_is_left_to_the_listing(
    home: Home, route: str, method: str, kind: FaultKind
) -> None:
    await home.sync(routine=True)
    title = home.spare()
    home.wish("rosa", title)
    before = home.labels
    home.plex.faults.add(Fault(kind, route=route, method=method, times=4))
    run = await by_the_clock(home)
    assert run.status in {RunStatus.DONE, RunStatus.PARTIAL}
    assert (run.removed, run.vanished) == (0, 0)
    home.plex.faults.clear()
    await by_the_clock(home)
    assert home.labels == merged(before, home.wanted())
    assert not any(row.off for row in home.recorder.ledger)


async def test_item_that_cannot_be_read_never_ends_a_sync_by_the_clock(home: Home) -> None:
    await home.sync(routine=True)
    labels = home.labels
    broken = next(iter(home.recorder.ledger)).rating_key
    home.plex.broken_items[broken] = "busy"
    for _ in range(2):
        run = await by_the_clock(home)
        assert run.status in {RunStatus.DONE, RunStatus.PARTIAL}
    assert home.labels == labels
    assert broken in home.recorder.ledger.by_item()


async def test_cheap_look_at_a_server_that_is_away_ends_the_run(home: Home) -> None:
    await home.sync(routine=True)
    labels = home.labels
    home.plex.faults.add(Fault("busy", route=SECTIONS_ROUTE, method="GET", times=None))
    run = await by_the_clock(home)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert home.labels == labels
