"""What is doubted is held on every path, and asked about where only a person can tell."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from custom_components.plex_label_sync.sync.model import (
    Failure,
    GapKind,
    RemovedLabelMode,
    SyncSettings,
)
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.protection import READ_AGAIN_AFTER, ListMemory
from custom_components.plex_label_sync.sync.request import RemovalRequest
from custom_components.plex_label_sync.sync.run import HoldReason, Run, RunStatus
from custom_components.plex_label_sync.sync.safety_check import FREE_REMOVALS, Consent
from simulators.catalog import CatalogTitle
from simulators.plex.items import Item as SimulatedItem
from simulators.pulsarr.records import WatchlistEntry

from .engine_env import EVERYTHING, EngineEnv, open_env
from .machine_world import DAY

REMOVE = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
MASS, NO_PEOPLE = HoldReason.MASS_REMOVAL, HoldReason.NOBODY_LISTED
SHRUNK, VANISHED = HoldReason.WATCHLISTS_SHRUNK, HoldReason.LABELS_VANISHED
RENAMED, LIST_SHRANK = HoldReason.PEOPLE_RENAMED, HoldReason.LIST_SHRANK
FILMS: Final[dict[str, Any]] = {
    "movies": 90,
    "shows": 0,
    "uhd_library": False,
    "missing": 0.0,
    "foreign_labels": False,
}
MANY = 71  # labels in a ledger


@pytest.fixture
async def env() -> AsyncIterator[EngineEnv]:
    """A open_env of one, with many labels, of which none is kept that nobody wants."""
    world: dict[str, Any] = {**FILMS, "people": 1, "wanted_in_plex": MANY, "wanted_missing": 0}
    async with open_env(remembers=True, settings=REMOVE, **world) as running:
        await running.sync()
        await running.sync()
        yield running


@pytest.fixture
async def family() -> AsyncIterator[EngineEnv]:
    """A open_env of four, of whom each wants some titles."""
    world: dict[str, Any] = {**FILMS, "people": 4, "wanted_in_plex": 60, "wanted_missing": 0}
    async with open_env(remembers=True, settings=REMOVE, **world) as running:
        await running.sync()
        await running.sync()
        yield running


def entries_of(env: EngineEnv, name: str) -> list[tuple[CatalogTitle, WatchlistEntry]]:
    """Return what somebody wants."""
    catalog = {title.key: title for title in env.world.catalog}
    some = env.pulsarr.state.watchlist(env.person(name))
    return [(catalog[entry.catalog_key], entry) for entry in some]


def items(env: EngineEnv, title: CatalogTitle) -> list[SimulatedItem]:
    """Return what Plex holds of a title."""
    return [*env.plex.state.items_of(title)]


def drop(env: EngineEnv, name: str, count: int | None = None) -> list[CatalogTitle]:
    """Take titles off somebody's watchlist, all of them if nothing else is said."""
    titles = [title for title, _ in entries_of(env, name)][:count]
    for title in titles:
        env.pulsarr.state.unwant(env.person(name), title)
    return titles


async def event(env: EngineEnv, title: CatalogTitle) -> Run:
    """Look at a title of which an event told just now."""
    return await env.live_sync(title, newer_than=env.clock.now)


# Nobody, or hardly anybody


@pytest.mark.parametrize("by", ["removals", "upgrades", "library"])
async def test_pulsarr_that_lists_no_people_is_doubted_on_every_path(
    env: EngineEnv, by: str
) -> None:
    labels = env.labels
    titles = [title for title, _ in entries_of(env, "rosa")][:20]
    env.pulsarr.knobs.empty_users = True
    if by == "library":
        runs = [await env.sync(libraries=("Movies",))]
    else:
        runs = [
            await env.live_sync(title, newer_than=env.clock.now if by == "removals" else 0.0)
            for title in titles
        ]
        env.clock.now += 3600
        runs += [await env.live_sync(title, thorough=False) for title in titles]
    assert env.labels == labels
    assert runs[-1].status is RunStatus.HELD
    assert NO_PEOPLE in runs[-1].hold_reasons
    assert runs[-1].needs_decision
    assert env.question is not None
    env.pulsarr.knobs.empty_users = False
    assert (await env.sync()).status is RunStatus.DONE
    assert env.labels == labels


async def test_doubted_answer_starts_no_delay_and_is_never_the_new_normal(env: EngineEnv) -> None:
    env.settings = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE, removal_delay=DAY)
    await env.sync()
    labels, before = env.labels, env.before
    env.pulsarr.knobs.empty_users = True
    for _ in range(3):
        run = await env.sync()
        assert (run.status, run.needs_decision) == (RunStatus.HELD, True)
        assert NO_PEOPLE in run.hold_reasons
        assert not any(row.unwanted_since for row in env.recorder.ledger)
        assert env.before == before
        env.clock.now += DAY + 1
    assert env.labels == labels
    env.pulsarr.knobs.empty_users = False
    assert (await env.sync()).status is RunStatus.DONE


async def test_no_one_is_doubted_where_nothing_would_go(env: EngineEnv) -> None:
    env.settings = SyncSettings()
    env.pulsarr.knobs.empty_users = True
    run = await env.sync()
    assert (run.status, run.held) == (RunStatus.HELD, ())
    assert NO_PEOPLE in run.hold_reasons
    assert run.needs_decision


async def test_titles_of_everyone_that_are_less_than_half_are_doubted(family: EngineEnv) -> None:
    labels = family.labels
    family.pulsarr.knobs.empty_watchlists = True
    run = await family.sync()
    assert (run.status, run.needs_decision) == (RunStatus.HELD, True)
    assert SHRUNK in run.hold_reasons
    assert family.labels == labels


async def test_people_without_names_are_not_believed(family: EngineEnv) -> None:
    labels = family.labels
    for user in family.pulsarr.state.users():
        family.pulsarr.state.change_user(user.id, name="")
    run = await family.sync()
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.failure is Failure.IMPLAUSIBLE
    assert family.labels == labels


async def test_labels_of_someone_without_a_name_stay(family: EngineEnv) -> None:
    labels = family.labels
    family.pulsarr.state.change_user(family.person("rosa"), name="")
    run = await family.sync()
    assert run.status is RunStatus.PARTIAL
    assert family.labels == labels


# One list


async def test_list_that_comes_empty_once_costs_nothing(family: EngineEnv) -> None:
    labels, rosas = family.labels, entries_of(family, "rosa")
    assert len(rosas) >= 10
    drop(family, "rosa")
    run = await family.sync()
    assert (run.status, run.hold_reasons, run.needs_decision) == (
        RunStatus.HELD,
        (LIST_SHRANK,),
        False,
    )
    assert family.labels == labels
    # Neither a look at one of its titles nor the same read once more proves anything.
    family.clock.now += READ_AGAIN_AFTER - 1
    assert (await event(family, rosas[0][0])).hold_reasons == (LIST_SHRANK,)
    for title, _ in rosas:
        family.want("rosa", title)
    assert (await family.sync()).status is RunStatus.DONE
    assert family.labels == labels


async def test_list_that_is_read_so_twice_is_believed(family: EngineEnv) -> None:
    drop(family, "rosa")
    await family.sync()
    family.clock.now += READ_AGAIN_AFTER
    run = await family.sync()
    assert run.status is RunStatus.DONE
    assert run.removed > 0
    assert "rosa" not in set().union(*family.labels.values())


async def test_person_whom_pulsarr_lost_counts_as_one_list(family: EngineEnv) -> None:
    labels = family.labels
    family.pulsarr.state.remove_user(family.person("rosa"))
    assert (await family.sync()).hold_reasons == (LIST_SHRANK,)
    assert family.labels == labels
    family.clock.now += READ_AGAIN_AFTER
    assert (await family.sync()).removed > 0


async def test_yes_to_a_mass_removal_passes_a_list_that_shrank(family: EngineEnv) -> None:
    drop(family, "rosa")
    assert (await family.sync(consent=EVERYTHING)).removed > 0
    assert (await family.sync()).status is RunStatus.DONE


async def test_labels_of_an_excluded_person_go_without_a_question(env: EngineEnv) -> None:
    async with open_env(
        **{**FILMS, "people": 2, "wanted_in_plex": 70}, remembers=True, settings=REMOVE
    ) as both:
        await both.sync()
        before = [
            row for row in both.recorder.ledger if row.people == (pulsarr_id(both.person("rosa")),)
        ]
        both.settings = SyncSettings(
            removed_label_mode=RemovedLabelMode.REMOVE,
            exclude_people=frozenset({pulsarr_id(both.person("rosa"))}),
        )
        run = await both.sync()
        assert (run.status, run.removed) == (RunStatus.DONE, len(before))
        assert run.lost == 0


# Over time


async def test_one_title_after_another_comes_to_a_question(env: EngineEnv) -> None:
    assert len(env.recorder.ledger) == MANY
    runs = []
    for _ in range(60):
        env.clock.now += 0.5
        runs.append(await event(env, *drop(env, "rosa", 1)))
    assert sum(run.removed for run in runs) == sum(run.lost for run in runs) == FREE_REMOVALS
    assert len(env.labels) == MANY - FREE_REMOVALS
    assert runs[FREE_REMOVALS].needs_decision
    assert env.question is not None
    assert MASS in env.question.reasons


async def test_what_was_lost_yesterday_counts_no_more(env: EngineEnv) -> None:
    for day in (1, 2):
        for _ in range(FREE_REMOVALS - 3):
            await event(env, *drop(env, "rosa", 1))
        assert len(env.labels) == MANY - day * (FREE_REMOVALS - 3)
        env.clock.now += DAY + 1
        assert (await env.sync()).status is RunStatus.DONE


async def test_what_someone_asked_for_is_not_counted(env: EngineEnv) -> None:
    drop(env, "rosa", 30)
    assert (await env.sync(consent=EVERYTHING)).lost == 0
    for title in drop(env, "rosa", 5):
        assert (await event(env, title)).removed == 1


async def test_what_a_question_is_open_about_is_protected_from_every_path(env: EngineEnv) -> None:
    titles = drop(env, "rosa", 54)
    await env.sync()
    env.clock.now += READ_AGAIN_AFTER
    assert (await env.sync()).needs_decision
    labels = env.labels
    for title in titles[:20]:
        assert (await event(env, title)).status is RunStatus.HELD
    env.clock.now += DAY + 1  # and however little is lost today
    assert (await event(env, titles[20])).status is RunStatus.HELD
    assert (await env.sync(libraries=("Movies",))).status is RunStatus.HELD
    assert (await env.sync(people=("rosa",))).status is RunStatus.HELD
    assert env.labels == labels


async def test_yes_is_one_to_what_was_shown_and_to_nothing_else(env: EngineEnv) -> None:
    titles = drop(env, "rosa", 40)
    run = await env.sync()
    assert run.needs_decision
    shown = run.held_keys
    assert len(shown) == 40
    drop(env, "rosa")
    for title in titles:  # as many as before are held, but others
        env.want("rosa", title)
    labels = env.labels
    run = await env.sync(consent=Consent(removals=shown))
    assert (run.status, run.needs_decision, run.removed) == (RunStatus.HELD, True, 0)
    assert env.labels == labels
    assert not run.held_keys & shown
    assert (
        (await env.sync(consent=Consent(removals=run.held_keys))).removed
        == len(run.held_keys)
        == MANY - 40
    )


# What vanished, and what is called otherwise


async def in_one_run(env: EngineEnv, count: int) -> dict[str, tuple[str, ...]]:
    """Let one run write labels; return a copy of the database from before it."""
    copy = env.plex.state.snapshot()
    env.clock.now += 60
    for _ in range(count):
        env.want("rosa", env.spare())
    assert (await env.sync()).added == count
    return copy


async def test_database_that_comes_back_from_a_copy_is_asked_about_and_put_back(
    family: EngineEnv,
) -> None:
    copy = await in_one_run(family, 20)
    labels = family.labels
    family.plex.state.restore(copy)
    run = await family.sync()
    assert (run.hold_reasons, run.vanished, run.needs_decision) == ((VANISHED,), 20, True)
    assert not any(row.removed_by_user for row in family.recorder.ledger)
    assert (await family.sync(restore=True)).added == 20
    assert family.labels == labels


@pytest.mark.parametrize(("back", "asked"), [(1, True), (5, True), (6, False)])
async def test_database_that_comes_back_but_for_a_few_labels_is_asked_about(
    family: EngineEnv, back: int, asked: bool
) -> None:
    before = {row.key for row in family.recorder.ledger}
    copy = await in_one_run(family, 20)
    family.plex.state.restore(copy)
    new = [row for row in family.recorder.ledger if row.key not in before]
    for row in new[:back]:
        family.plex.state.add_label(row.rating_key, row.label)
    run = await family.sync()
    assert run.needs_decision is asked
    assert run.vanished == (20 - back if asked else 0)


async def test_marks_that_vanish_with_a_database_are_asked_about_and_put_back(
    family: EngineEnv,
) -> None:
    family.settings = SyncSettings(
        removed_label_mode=RemovedLabelMode.MARK, removed_label="nobody's"
    )
    await in_one_run(family, 10)
    rosa = family.person("rosa")
    titles = {title.key: title for title in family.world.catalog}
    for entry in family.pulsarr.state.watchlist(rosa)[-10:]:
        family.pulsarr.state.unwant(rosa, titles[entry.catalog_key])
    family.clock.now += 60
    await family.sync(consent=EVERYTHING)
    marked = {row.key for row in family.recorder.ledger if row.is_removed_marker}
    assert len(marked) >= 5
    for key, label in marked:
        family.plex.state.remove_label(key, "Nobody's")
        assert label not in family.labels.get(key, set())
    run = await family.sync()
    assert (run.hold_reasons, run.vanished) == ((VANISHED,), len(marked))
    assert not any(row.removed_by_user for row in family.recorder.ledger)
    assert (await family.sync(restore=True)).added == len(marked)
    assert all(label in family.labels[key] for key, label in marked)


@pytest.mark.parametrize("mode", [RemovedLabelMode.KEEP, RemovedLabelMode.REMOVE])
@pytest.mark.parametrize("how", ["sync", "removal"])
async def test_labels_that_come_back_with_a_database_are_reported_and_taken_in_when_asked_for(
    family: EngineEnv, mode: RemovedLabelMode, how: str
) -> None:
    await in_one_run(family, 10)
    copy = family.plex.state.snapshot()
    rosa = family.person("rosa")
    titles = {title.key: title for title in family.world.catalog}
    for entry in family.pulsarr.state.watchlist(rosa):
        family.pulsarr.state.unwant(rosa, titles[entry.catalog_key])
    family.settings = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
    family.clock.now += 60
    if how == "sync":
        run = await family.sync(consent=EVERYTHING)
    else:
        run = await family.run(RemovalRequest(people=("rosa",)))
    family.settings = SyncSettings(removed_label_mode=mode)
    taken = {one.key for one in run.changes}
    assert len(taken) >= 10
    assert (await family.sync(consent=EVERYTHING)).returned == ()
    family.plex.state.restore(copy)

    run = await family.sync()

    assert {row.key for row in run.returned} == taken
    assert (run.changes, run.vanished) == ((), 0)
    assert not taken & {row.key for row in family.recorder.ledger}
    some = frozenset(sorted(taken)[:4])
    run = await family.sync(adopt=some)
    assert {row.key for row in run.returned} == taken - some
    assert some <= {row.key for row in family.recorder.ledger}
    after = await family.sync(consent=EVERYTHING)
    assert {one.key for one in after.changes} == (
        some if mode is RemovedLabelMode.REMOVE else set()
    )


@pytest.mark.parametrize("other", [True, False])
async def test_label_on_another_title_of_the_same_name_does_not_come_back(
    family: EngineEnv, other: bool
) -> None:
    (title, *_) = [one for one, _ in entries_of(family, "rosa") if len(items(family, one)) == 1]
    (item,) = items(family, title)
    family.pulsarr.state.unwant(family.person("rosa"), title)
    assert [one.rating_key for one in (await family.sync()).changes] == [item.rating_key]
    if other:
        ids = ("imdb://tt7777777", "tmdb://7777777", "tvdb://7777777")
        guid = f"plex://movie/{'7' * 24}"
        family.plex.state.rematch(item.rating_key, guid=guid, guids=ids, title=item.title)
    family.plex.state.add_label(item.rating_key, "rosa")
    family.restart()
    run = await family.sync()
    assert [row.rating_key for row in run.returned] == ([] if other else [item.rating_key])


async def test_mark_that_comes_back_with_a_database_is_a_mark_still(family: EngineEnv) -> None:
    family.settings = SyncSettings(removed_label_mode=RemovedLabelMode.MARK)
    (title, *_) = [one for one, _ in entries_of(family, "rosa") if len(items(family, one)) == 1]
    (item,) = items(family, title)
    rosa = family.person("rosa")
    for user in family.pulsarr.state.users():
        family.pulsarr.state.unwant(user.id, title)
    await family.sync(consent=EVERYTHING)
    copy = family.plex.state.snapshot()
    assert "removed" in family.labels[item.rating_key]
    family.pulsarr.state.want(rosa, title)
    await family.sync()
    assert "removed" not in family.labels[item.rating_key]
    family.pulsarr.state.unwant(rosa, title)
    family.plex.state.restore(copy)

    run = await family.sync()
    mark = next(row for row in run.returned if row.key == (item.rating_key, "removed"))
    assert (mark.is_removed_marker, mark.people) == (True, ())
    await family.sync(adopt=frozenset({mark.key}))
    for _ in range(2):
        await family.sync(consent=EVERYTHING)
        assert family.labels[item.rating_key] == {"removed"}


async def test_list_that_is_shorter_than_pulsarr_counts_is_never_believed(
    family: EngineEnv,
) -> None:
    rosa, labels, before = family.person("rosa"), family.labels, family.before
    wanted = len(family.pulsarr.state.watchlist(rosa))
    family.pulsarr.knobs.short_lists[rosa] = 3
    for _ in range(4):
        family.clock.now += 3600
        run = await family.sync()
        assert run.hold_reasons == (HoldReason.LIST_SHRANK,)
        assert [(gap.kind, gap.key, gap.rows) for gap in run.gaps] == [
            (GapKind.PERSON, pulsarr_id(rosa), wanted - 3)
        ]
        assert (family.labels, family.before) == (labels, before)
    # What Pulsarr counts as well is believed.
    family.pulsarr.knobs.short_lists.clear()
    drop(family, "rosa", wanted - 3)
    run = await family.sync(consent=EVERYTHING)
    assert (run.hold_reasons, run.gaps) == ((), ())
    assert run.removed


async def test_person_of_whom_only_labels_are_known_is_asked_for(family: EngineEnv) -> None:
    rosa, labels = family.person("rosa"), family.labels
    rows = {row.key for row in family.recorder.ledger}
    # As after a journal that could not be read, or with the records of a removed entry.
    family.recorder.lists, family.before = ListMemory(), None
    family.restart()
    family.pulsarr.knobs.hidden_users.add(rosa)
    for _ in range(3):
        family.clock.now += 3600
        run = await family.sync()
        assert (run.status, run.hold_reasons) == (RunStatus.PARTIAL, ())
        assert [(gap.kind, gap.name) for gap in run.gaps] == [(GapKind.PERSON, "rosa")]
        assert family.labels == labels
        assert {row.key for row in family.recorder.ledger} == rows


async def test_person_who_is_gone_is_asked_for_until_that_is_certain_and_then_no_more(
    family: EngineEnv,
) -> None:
    family.settings = SyncSettings()  # labels stay, so that there is something to ask for
    rosa, before = family.person("rosa"), family.labels
    family.recorder.lists = ListMemory()
    family.restart()
    family.pulsarr.state.remove_user(rosa)
    asked = []
    for _ in range(4):
        family.clock.now += READ_AGAIN_AFTER
        family.pulsarr.stats.reset()
        run = await family.sync()
        assert (run.status, run.gaps) == (RunStatus.DONE, ())
        asked.append(sum(one.status == 404 for one in family.pulsarr.stats.log))
    assert asked == [1, 1, 0, 0]
    assert family.labels == before


@pytest.mark.parametrize("counted", [True, False])
async def test_person_whom_the_list_of_people_leaves_out_is_asked_for(
    family: EngineEnv, counted: bool
) -> None:
    family.pulsarr.knobs.with_counts_route = counted
    rosa, labels = family.person("rosa"), family.labels
    rows = {row.key for row in family.recorder.ledger}
    family.pulsarr.knobs.hidden_users.add(rosa)
    for _ in range(3):
        family.clock.now += 3600
        run = await family.sync()
        assert (run.status, run.hold_reasons) == (RunStatus.PARTIAL, ())
        assert [(gap.kind, gap.name) for gap in run.gaps] == [(GapKind.PERSON, "rosa")]
        assert family.labels == labels
        assert {row.key for row in family.recorder.ledger} == rows
    family.pulsarr.knobs.hidden_users.clear()
    assert (await family.sync()).status is RunStatus.DONE
    assert family.labels == labels

    # Who is gone by id as well, is gone when that was said twice.
    family.pulsarr.state.remove_user(rosa)
    run = await family.sync()
    assert run.hold_reasons == (HoldReason.LIST_SHRANK,)
    assert family.labels == labels
    family.clock.now += 301
    assert (await family.sync(consent=EVERYTHING)).removed


async def test_trial_changes_nothing_that_is_kept(family: EngineEnv) -> None:
    before = family.recorder.ledger.as_dict(), dict(family.recorder.lists.counts)
    family.pulsarr.state.rename(family.person("rosa"), "rosa the second")
    family.pulsarr.state.add_user("newcomer")
    family.pulsarr.knobs.empty_watchlists = True
    await family.sync(dry_run=True)
    assert (family.recorder.ledger.as_dict(), dict(family.recorder.lists.counts)) == before
    assert family.recorder.lists.doubted == {}


async def test_someone_may_say_that_they_were_removed_by_hand(family: EngineEnv) -> None:
    copy = await in_one_run(family, 20)
    family.plex.state.restore(copy)
    run = await family.sync()
    labels = family.labels
    assert (await family.sync(consent=Consent(vanished=run.held_keys))).status is RunStatus.DONE
    assert sum(row.removed_by_user for row in family.recorder.ledger) == 20
    assert family.labels == labels


async def test_some_labels_of_a_run_may_be_removed_by_hand(family: EngineEnv) -> None:
    await in_one_run(family, 20)
    rows = [row for row in family.recorder.ledger if row.label == "Rosa"][-6:]
    for row in rows:
        family.plex.state.remove_label(row.rating_key, row.label)
    run = await family.sync()
    assert (run.status, run.overridden) == (RunStatus.DONE, 6)


async def renamed_all(env: EngineEnv) -> None:
    """Give everybody another name."""
    for user in env.pulsarr.state.users():
        env.pulsarr.state.rename(user.id, f"user_{user.id}")


async def another_format(env: EngineEnv) -> None:
    """Call everybody otherwise, as somebody confirmed in a form."""
    env.settings = SyncSettings(label_format="{username} wants it")


@pytest.mark.parametrize(
    ("happen", "held"), [(renamed_all, True), (another_format, False)], ids=["pulsarr", "format"]
)
async def test_names_of_many_people_that_change_at_once_are_asked_about(
    family: EngineEnv, happen: Callable[[EngineEnv], Awaitable[None]], held: bool
) -> None:
    labels = family.labels
    await happen(family)
    run = await family.sync()
    assert run.hold_reasons == ((RENAMED,) if held else ())
    assert (family.labels == labels) is held
    if held:
        title = entries_of(family, "user_1")[0][0]
        assert (await family.live_sync(title)).hold_reasons == (RENAMED,)
        assert family.labels == labels
        assert (await family.sync(consent=Consent(removals=run.held_keys))).added > 0
        assert {label[:5] for some in family.labels.values() for label in some} == {"user_"}


async def test_one_person_who_is_renamed_is_no_question(family: EngineEnv) -> None:
    family.pulsarr.state.rename(family.person("rosa"), "rosalinde")
    assert (await family.sync()).status is RunStatus.DONE


# Somebody who comes under a new id


def rejoin(env: EngineEnv, name: str) -> list[CatalogTitle]:
    """Let Pulsarr make a new row of somebody, with nothing on the list yet; return what was."""
    titles = [title for title, _ in entries_of(env, name)]
    env.pulsarr.state.rename_as_new(env.person(name), name)
    return titles


@pytest.mark.parametrize("restarted", [False, True])
async def test_empty_list_under_a_new_id_costs_no_label(family: EngineEnv, restarted: bool) -> None:
    labels = family.labels
    titles = rejoin(family, "rosa")
    assert len(titles) >= 5
    if restarted:
        family.restart()
    run = await family.sync()
    assert (run.hold_reasons, run.needs_decision) == ((LIST_SHRANK,), False)
    assert family.labels == labels
    for title in titles:
        family.want("rosa", title)
    assert (await family.sync()).status is RunStatus.DONE
    assert family.labels == labels


async def test_person_who_is_excluded_stays_so_under_a_new_id(family: EngineEnv) -> None:
    family.settings = replace(REMOVE, exclude_people=frozenset({pulsarr_id(family.person("rosa"))}))
    await family.sync()
    titles = rejoin(family, "rosa")
    for title in titles:
        family.want("rosa", title)
    for _ in range(3):
        await family.sync()
        assert not any("rosa" in labels for labels in family.labels.values())


async def test_lists_are_compared_although_someone_excluded_has_a_new_id(
    family: EngineEnv,
) -> None:
    excluded, *others = [user.name for user in family.pulsarr.state.users()]
    family.settings = replace(
        REMOVE, exclude_people=frozenset({pulsarr_id(family.person(excluded))})
    )
    rejoin(family, excluded)
    await family.sync()
    assert family.before is not None
    for name in others:
        drop(family, name)
    assert SHRUNK in (await family.sync()).hold_reasons


@pytest.mark.parametrize("by", ["people", "library", "titles"])
async def test_what_vanished_together_is_no_decision_for_a_check_of_a_part(
    family: EngineEnv, by: str
) -> None:
    copy = family.plex.state.snapshot()
    family.clock.now += 60
    titles = []
    for name in ("rosa", *19 * ("tim",)):
        titles.append(family.spare())
        family.want(name, titles[-1])
    assert (await family.sync()).added == 20
    labels = family.labels
    family.plex.state.restore(copy)
    lost = family.labels
    if by == "people":
        await family.sync(people=("rosa",))
    elif by == "library":
        await family.sync(libraries=("Movies",))
    else:
        for title in titles[:6]:
            await family.live_sync(title)
    assert family.labels == lost
    assert not any(row.removed_by_user for row in family.recorder.ledger)
    run = await family.sync()
    assert (run.hold_reasons, run.vanished) == ((VANISHED,), 20)
    assert (await family.sync(restore=True)).added == 20
    assert family.labels == labels


@pytest.mark.parametrize("how", ["empty", "gone"])
async def test_label_of_others_stays_while_the_list_of_its_person_is_doubted(
    family: EngineEnv, how: str
) -> None:
    titles = []
    for _ in range(3):
        titles.append(family.spare())
        (item,) = family.plex.state.items_of(titles[-1])
        family.plex.state.add_label(item.rating_key, "Tim")
        family.want("tim", titles[-1])
        family.want("rosa", titles[-1])
    family.settings = replace(REMOVE, preserve_existing_labels=False)
    assert (await family.sync()).status is RunStatus.DONE
    labels = family.labels
    if how == "empty":
        drop(family, "tim")
    else:
        family.pulsarr.state.remove_user(family.person("tim"))
    run = await family.sync()
    assert run.hold_reasons == (LIST_SHRANK,)
    assert family.labels == labels
    family.clock.now += READ_AGAIN_AFTER
    await family.sync(consent=EVERYTHING)
    assert not any("tim" in some for some in family.labels.values())
