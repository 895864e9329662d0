"""The engine against both simulated servers: what a full sync reads, writes and leaves alone."""

import pytest

from custom_components.plex_label_sync.sync.changes import Action
from custom_components.plex_label_sync.sync.editing import JOURNAL_WRITES
from custom_components.plex_label_sync.sync.model import (
    Failure,
    RemovedLabelMode,
    SyncSettings,
    fold,
)
from custom_components.plex_label_sync.sync.people import UnknownPersonError
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.reasons import Reason, ReasonCode, names_of
from custom_components.plex_label_sync.sync.request import RemovalRequest, UnknownLibraryError
from custom_components.plex_label_sync.sync.run import HoldReason, RunKind, RunStatus
from simulators.catalog import CatalogTitle
from simulators.plex import PlexKnobs

from .engine_env import LISTING_ROUTE, EngineEnv, merged, open_env

# A full sync


async def test_everyone_finds_their_label_on_everything_they_want(env: EngineEnv) -> None:
    before = env.labels
    run = await env.sync()
    assert run.status is RunStatus.DONE
    assert run.error is None
    assert env.labels == merged(before, env.wanted())


async def test_run_reports_what_it_did(env: EngineEnv) -> None:
    before = env.labels
    wanted = env.wanted()
    run = await env.sync()
    new = {
        (key, label) for key, labels in wanted.items() for label in labels - before.get(key, set())
    }
    assert {(one.rating_key, fold(one.label)) for one in run.changes} == new
    assert (run.added, run.removed) == (len(new), 0)
    assert len(run.changes) == len(new)
    assert run.unchanged == sum(map(len, wanted.values())) - len(new)
    assert run.failed == ()
    assert run.items == len(wanted)
    synced = [number for number, person in env.people.items() if person.can_sync]
    titles = {entry.catalog_key for one in synced for entry in env.pulsarr.state.watchlist(one)}
    there = {one.key for one in env.world.catalog if env.plex.state.items_of(one)}
    assert run.titles == len(titles)
    assert run.not_in_plex == len(titles - there)
    assert run.people == len(synced) == 5
    assert run.kind is RunKind.FULL
    assert not run.dry_run
    assert run.started <= env.clock.now


async def test_changes_say_on_which_item_and_why(env: EngineEnv) -> None:
    run = await env.sync()
    for change in run.changes:
        item = env.plex.state.items[change.rating_key]
        assert (change.library, change.title) == (item.section, item.title)
        assert change.label in item.labels or change.label.casefold() in {
            label.casefold() for label in item.labels
        }
        assert change.reason == Reason(ReasonCode.WANTED)
        assert change.label.casefold() in {name.casefold() for name in names_of(change.people)}


async def test_second_sync_writes_nothing(env: EngineEnv) -> None:
    await env.sync()
    after, edits = env.labels, env.plex.stats.puts
    run = await env.sync()
    assert (run.status, run.changes) == (RunStatus.DONE, ())
    assert run.unchanged == sum(map(len, env.wanted().values()))
    assert env.plex.stats.puts == edits
    assert env.labels == after
    assert len(env.recorder.begun) == len(env.recorder.finished) == 1


async def test_plan_is_on_disk_before_the_first_edit(env: EngineEnv) -> None:
    run = await env.sync()
    assert env.recorder.puts_at_begin == 0
    ((run_id, planned),) = env.recorder.begun
    assert (run_id, {*planned}) == (run.id, {*run.changes})
    assert [*dict(env.recorder.sent)] == [run.id]
    assert env.recorder.sent[-1][1] == len(planned)
    assert env.plex.stats.puts > 0


async def test_progress_of_the_edits_is_written_down_a_few_times(env: EngineEnv) -> None:
    await env.sync()
    counts = [count for _, count in env.recorder.sent]
    assert env.plex.stats.puts > 2 * JOURNAL_WRITES
    assert 1 < len(counts) <= JOURNAL_WRITES
    # Not all at once: what was not reached is not claimed after a crash.
    assert counts[0] < counts[-1] / 2


async def test_ledger_holds_exactly_what_was_written(env: EngineEnv) -> None:
    before = env.labels
    await env.sync()
    is_own = {
        (key, label)
        for key, labels in env.wanted().items()
        for label in labels - before.get(key, set())
    }
    assert {(row.rating_key, fold(row.label)) for row in env.recorder.ledger} == is_own


async def test_reads_of_a_sync_follow_pages_and_labels(env: EngineEnv) -> None:
    await env.sync()
    env.plex.stats.reset()
    env.pulsarr.stats.reset()
    await env.sync()
    libraries, people = len(env.plex.state.libraries), len(env.people)
    assert env.plex.stats.total == env.plex.stats.gets == env.reads_needed()
    assert env.reads_needed() <= 1 + libraries + libraries + libraries * people
    assert env.pulsarr.stats.total == 1 + people


async def test_edits_of_the_first_sync_are_as_few_as_there_are_distinct_changes(
    env: EngineEnv,
) -> None:
    before = env.labels
    await env.sync()
    assert env.plex.stats.puts == env.edits_needed(before, env.labels)


async def test_edits_do_not_grow_with_the_library() -> None:
    async with open_env(movies=420, shows=0, people=1, wanted_in_plex=400, missing=0.0) as env:
        before = env.labels
        run = await env.sync()
        assert env.labels == merged(before, env.wanted())
        assert run.added > 400
        assert env.plex.stats.puts == env.edits_needed(before, env.labels) == 4
        env.plex.stats.reset()
        await env.sync()
        assert env.plex.stats.total == env.reads_needed() == 1 + 3 + 3


async def test_servers_see_no_more_requests_at_a_time_than_they_can_take() -> None:
    knobs = PlexKnobs(get_seconds=0.002, put_seconds=0.002)
    async with open_env(knobs=knobs, people=12) as env:
        env.pulsarr.knobs.latency_ms = 2
        await env.sync()
        assert env.plex.stats.peak_concurrency <= 2
        assert 1 < env.pulsarr.stats.peak_concurrency <= 4


# Titles and items


async def test_two_people_share_one_title(env: EngineEnv) -> None:
    title = env.spare()
    env.want("rosa", title)
    env.want("tim", title)
    run = await env.sync()
    (item,) = env.plex.state.items_of(title)
    assert {"rosa", "tim"} <= env.labels[item.rating_key]
    people = {names_of(one.people) for one in run.changes if one.rating_key == item.rating_key}
    assert people == {("rosa",), ("tim",)}


async def test_second_person_joins_a_title_that_is_labelled(env: EngineEnv) -> None:
    title = env.spare()
    env.want("rosa", title)
    await env.sync()
    env.want("tim", title)
    env.plex.stats.reset()
    run = await env.sync()
    (item,) = env.plex.state.items_of(title)
    assert [(one.label, one.rating_key) for one in run.changes] == [("Tim", item.rating_key)]
    assert {"rosa", "tim"} <= env.labels[item.rating_key]
    assert env.plex.stats.puts == 1


async def test_every_edition_and_every_library_gets_the_label(env: EngineEnv) -> None:
    title = env.spare()
    state = env.plex.state
    state.add_item(title, "1", edition="Extended")
    state.add_item(title, "3")
    state.add_item(title, "1", guid=f"com.plexapp.agents.imdb://{title.imdb}?lang=en")
    env.want("rosa", title)
    await env.sync()
    items = state.items_of(title)
    assert len(items) == 4
    assert all("rosa" in env.labels[item.rating_key] for item in items)


@pytest.mark.parametrize(
    "guid",
    [
        "com.plexapp.agents.imdb://{imdb}?lang=en",
        "com.plexapp.agents.themoviedb://{tmdb}?lang=en",
        "com.plexapp.agents.thetvdb://{tvdb}?lang=de",
        "com.plexapp.agents.hama://tvdb-{tvdb}?lang=en",
    ],
)
async def test_show_of_a_legacy_agent_is_found(env: EngineEnv, guid: str) -> None:
    title = env.spare("show", in_plex=False)
    numbers = {"imdb": title.imdb, "tmdb": title.tmdb, "tvdb": title.tvdb}
    item = env.plex.state.add_item(title, guid=guid.format(**numbers))
    env.want("rosa", title)
    await env.sync()
    assert env.labels[item.rating_key] == {"rosa"}


async def test_item_that_plex_did_not_recognize_is_left_alone(env: EngineEnv) -> None:
    title = env.spare(in_plex=False)
    item = env.plex.state.add_item(title, guid="local://4711")
    env.want("rosa", title)
    await env.sync()
    assert item.rating_key not in env.labels


async def test_title_that_pulsarr_knows_without_key_or_ids_is_found(env: EngineEnv) -> None:
    keyless, bare = env.spare("movie"), env.spare("show")
    env.want("rosa", keyless, key=None)
    env.want("rosa", bare, guids=())
    await env.sync()
    for title in (keyless, bare):
        (item,) = env.plex.state.items_of(title)
        assert "rosa" in env.labels[item.rating_key]


async def test_movie_and_show_with_the_same_number_are_not_mixed_up() -> None:
    async with open_env(movies=200, shows=120, wanted_in_plex=0, wanted_missing=0) as env:
        shows = {title.tmdb: title for title in env.world.catalog if title.type == "show"}
        pairs = [
            (title, shows[title.tmdb])
            for title in env.world.catalog
            if title.type == "movie" and title.tmdb in shows
        ]
        assert pairs
        for movie, show in pairs:
            env.want("rosa", movie, key=None)
            env.want("tim", show, key=None)
        before = env.labels
        await env.sync()
        assert env.labels == merged(before, env.wanted())
        for movie, show in pairs:
            for item in env.plex.state.items_of(movie):
                assert "tim" not in env.labels[item.rating_key]
            for item in env.plex.state.items_of(show):
                assert "rosa" not in env.labels[item.rating_key]


# People and their labels


async def test_awkward_names_become_labels_that_plex_can_use() -> None:
    async with open_env(awkward=True, people=10, wanted_in_plex=24) as env:
        before = env.labels
        assert (await env.sync()).failed == ()
        assert env.labels == merged(before, env.wanted())
        assert {"rosa", "kim lou max", "🍿 100% film", "4711"} <= set().union(*env.labels.values())
        assert (await env.sync()).changes == ()


async def test_names_that_differ_in_case_only_share_one_label() -> None:
    async with open_env(awkward=True, people=2, wanted_in_plex=8, foreign_labels=False) as env:
        await env.sync()
        assert [tag.text for tag in env.plex.state.tags.all()] == ["Rosa"]


async def test_label_keeps_the_spelling_that_plex_has(env: EngineEnv) -> None:
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    env.plex.state.add_label(item.rating_key, "ROSA")
    await env.sync()
    texts = {tag.text for tag in env.plex.state.tags.all() if tag.text.casefold() == "rosa"}
    assert texts == {"ROSA"}


async def test_label_format_names_people_as_the_options_say(env: EngineEnv) -> None:
    env.settings = SyncSettings(label_format="wl {alias} {type}")
    before = env.labels
    await env.sync()
    assert env.labels == merged(before, env.wanted())
    assert "wl opa jürgen movie" in set().union(*env.labels.values())


async def test_person_whose_sync_is_off_gets_labels_only_when_asked_for(env: EngineEnv) -> None:
    title = env.spare()
    env.want("marta", title)
    await env.sync()
    assert "marta" not in set().union(*env.labels.values())
    env.settings = SyncSettings(sync_disabled_people=True)
    await env.sync()
    (item,) = env.plex.state.items_of(title)
    assert "marta" in env.labels[item.rating_key]


async def test_excluded_people_and_labels_are_never_written(env: EngineEnv) -> None:
    env.settings = SyncSettings(
        exclude_people=frozenset({pulsarr_id(env.person("rosa"))}),
        exclude_labels=frozenset({fold("TIM")}),
    )
    before = env.labels
    await env.sync()
    assert env.labels == merged(before, env.wanted())
    assert not {"rosa", "tim"} & set().union(*env.labels.values())


async def test_no_one_in_pulsarr_changes_nothing(env: EngineEnv) -> None:
    await env.sync()
    after = env.labels
    env.pulsarr.knobs.empty_users = True
    run = await env.sync()
    assert (run.status, run.people, run.titles, run.changes) == (RunStatus.DONE, 0, 0, ())
    assert env.labels == after


# What is left alone, and what is not


async def test_label_set_by_hand_is_never_removed(env: EngineEnv) -> None:
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    env.want("rosa", title)
    env.plex.state.add_label(item.rating_key, "Watch & Go, soon")
    await env.sync()
    await env.sync()
    assert env.labels[item.rating_key] == {"rosa", "watch & go, soon"}


async def test_label_of_a_title_that_left_the_watchlist_stays(env: EngineEnv) -> None:
    title = env.spare()
    env.want("rosa", title)
    await env.sync()
    env.pulsarr.state.unwant(env.person("rosa"), title)
    run = await env.sync()
    (item,) = env.plex.state.items_of(title)
    assert run.changes == ()
    assert "rosa" in env.labels[item.rating_key]


async def test_foreign_labels_of_wanted_items_go_when_they_are_not_preserved(
    env: EngineEnv,
) -> None:
    title, other = env.spare("movie"), env.spare("show")
    (item,), (unwanted,) = env.plex.state.items_of(title), env.plex.state.items_of(other)
    env.want("rosa", title)
    for label in ("Kids", "Sci-Fi, old", "100% Fun"):
        env.plex.state.add_label(item.rating_key, label)
        env.plex.state.add_label(unwanted.rating_key, label)
    before = env.labels
    env.settings = SyncSettings(
        preserve_existing_labels=False, exclude_labels=frozenset({fold("KIDS")})
    )
    run = await env.sync()
    wanted = env.wanted()
    assert env.labels[item.rating_key] == {"rosa", "kids"}
    assert env.labels == {
        key: wanted[key] | (labels & {"kids"}) if key in wanted else labels
        for key, labels in merged(before, wanted).items()
    }
    assert run.failed == ()
    taken = {one.label for one in run.changes if one.action is Action.REMOVE}
    assert {"Sci-Fi, old", "100% Fun"} <= taken
    assert (await env.sync()).changes == ()


async def test_our_own_labels_are_not_foreign(env: EngineEnv) -> None:
    title = env.spare()
    env.want("rosa", title)
    env.want("tim", title)
    await env.sync()
    env.pulsarr.state.unwant(env.person("rosa"), title)
    env.settings = SyncSettings(preserve_existing_labels=False)
    await env.sync()
    (item,) = env.plex.state.items_of(title)
    assert env.labels[item.rating_key] == {"rosa", "tim"}


async def test_rows_of_labels_that_plex_no_longer_has_are_forgotten(env: EngineEnv) -> None:
    deleted, taken_off = env.spare("movie"), env.spare("show")
    for title in (deleted, taken_off):
        env.want("rosa", title)
    await env.sync()
    (taken,), (item,) = env.plex.state.items_of(deleted), env.plex.state.items_of(taken_off)
    rows = {row.key for row in env.recorder.ledger}
    env.plex.state.delete_item(taken.rating_key)
    env.plex.state.remove_label(item.rating_key, "rosa")
    env.pulsarr.state.unwant(env.person("rosa"), taken_off)
    run = await env.sync()
    forgotten = {(taken.rating_key, "rosa"), (item.rating_key, "rosa")}
    assert rows - {row.key for row in env.recorder.ledger} == forgotten
    assert (run.status, run.changes, run.overridden) == (RunStatus.DONE, (), 0)


# What somebody took off by hand


async def taken_off(env: EngineEnv) -> tuple[CatalogTitle, str]:
    """Let somebody take off the label that rosa got; return the title and its item's key."""
    title = env.spare()
    env.want("rosa", title)
    await env.sync()
    (item,) = env.plex.state.items_of(title)
    env.plex.state.remove_label(item.rating_key, "rosa")
    return title, item.rating_key


async def test_label_that_someone_removed_stays_off(env: EngineEnv) -> None:
    title, key = await taken_off(env)
    for run in (await env.sync(), await env.sync(), await env.live_sync(title)):
        assert (run.status, run.changes, run.overridden) == (RunStatus.DONE, (), 1)
    assert "rosa" not in env.labels.get(key, set())
    assert env.recorder.ledger.by_item()[key][0].removed_by_user


async def test_label_that_someone_removed_is_put_back_when_the_options_say_so(
    env: EngineEnv,
) -> None:
    _, key = await taken_off(env)
    await env.sync()
    env.settings = SyncSettings(restore_overrides=True)
    run = await env.sync()
    assert [(one.rating_key, fold(one.label)) for one in run.changes] == [(key, "rosa")]
    assert not env.recorder.ledger.by_item()[key][0].removed_by_user


async def test_label_that_someone_removed_comes_back_when_it_is_wanted_again(
    env: EngineEnv,
) -> None:
    title, key = await taken_off(env)
    await env.sync()
    env.pulsarr.state.unwant(env.person("rosa"), title)
    await env.sync()
    env.want("rosa", title)
    await env.sync()
    assert "rosa" in env.labels[key]


async def test_label_that_someone_put_on_again_is_theirs(env: EngineEnv) -> None:
    title, key = await taken_off(env)
    await env.sync()
    env.plex.state.add_label(key, "rosa")
    run = await env.sync()
    assert (run.changes, run.overridden) == ((), 0)
    assert key not in env.recorder.ledger.by_item()
    env.settings = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
    env.pulsarr.state.unwant(env.person("rosa"), title)
    await env.sync()
    assert "rosa" in env.labels[key]


async def test_labels_that_vanish_in_bulk_are_no_decisions_until_someone_says_so(
    socket_enabled: None,
) -> None:
    async with open_env(
        movies=80, shows=0, people=1, wanted_in_plex=70, foreign_labels=False
    ) as env:
        await env.sync()
        before = env.labels
        for key in before:
            env.plex.state.remove_label(key, "rosa")
        run = await env.sync()
        assert run.status is RunStatus.HELD
        assert run.hold_reasons == (HoldReason.LABELS_VANISHED,)
        assert run.vanished == len(before) > 25
        assert not any(row.removed_by_user for row in env.recorder.ledger)
        run = await env.sync(restore=True)
        assert run.added == len(before)
        assert env.labels == before
        assert (await env.sync()).status is RunStatus.DONE


# Labels that nobody wants any more


@pytest.mark.parametrize("live", [True, False])
async def test_label_goes_when_no_one_wants_it_and_the_options_say_so(
    env: EngineEnv, live: bool
) -> None:
    title = env.spare()
    env.settings = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
    env.want("rosa", title)
    env.want("tim", title)
    await env.sync()
    (item,) = env.plex.state.items_of(title)
    env.plex.state.add_label(item.rating_key, "Kids")
    env.pulsarr.state.unwant(env.person("rosa"), title)
    env.clock.now += 3600
    run = await (env.live_sync(title) if live else env.sync())
    assert [(one.action, one.rating_key) for one in run.changes] == [
        (Action.REMOVE, item.rating_key)
    ]
    assert env.labels[item.rating_key] == {"tim", "kids"}
    assert {fold(row.label) for row in env.recorder.ledger.by_item()[item.rating_key]} == {"tim"}


async def test_label_that_was_there_before_is_not_own_and_stays(env: EngineEnv) -> None:
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    env.plex.state.add_label(item.rating_key, "rosa")
    env.settings = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
    env.want("rosa", title)
    await env.sync()
    env.pulsarr.state.unwant(env.person("rosa"), title)
    assert (await env.sync()).changes == ()
    assert env.labels[item.rating_key] == {"rosa"}


async def test_renamed_person_keeps_one_label_on_each_item(env: EngineEnv) -> None:
    before = env.labels
    await env.sync()
    env.pulsarr.state.rename(env.person("rosa"), "rosalinde")
    run = await env.sync()
    assert (run.status, run.failed) == (RunStatus.DONE, ())
    assert run.added == run.removed > 0
    assert env.labels == merged(before, env.wanted())
    assert (await env.sync()).changes == ()


async def test_item_that_carries_the_opt_out_label_is_left_alone(env: EngineEnv) -> None:
    new, old = env.spare("movie"), env.spare("show")
    env.settings = SyncSettings(
        removed_label_mode=RemovedLabelMode.REMOVE, preserve_existing_labels=False
    )
    env.want("rosa", new)
    env.want("rosa", old)
    (one,), (other,) = env.plex.state.items_of(new), env.plex.state.items_of(old)
    env.plex.state.add_label(one.rating_key, "No-Sync")
    env.plex.state.add_label(one.rating_key, "Kids")
    await env.sync()
    assert env.labels[one.rating_key] == {"no-sync", "kids"}
    env.plex.state.add_label(other.rating_key, "no-sync")
    env.pulsarr.state.unwant(env.person("rosa"), old)
    await env.sync()
    assert env.labels[other.rating_key] == {"rosa", "no-sync"}


async def test_libraries_that_are_no_longer_covered_are_not_thought_empty(env: EngineEnv) -> None:
    await env.sync()
    ledger = env.recorder.ledger.as_dict()
    env.settings = SyncSettings(libraries=frozenset({"2"}))
    env.plex.stats.reset()
    run = await env.sync()
    assert (run.changes, run.vanished) == ((), 0)
    assert env.recorder.ledger.as_dict() == ledger
    paths = {entry.path for entry in env.plex.stats.log} - {"/library/sections"}
    in_two = {key for key, item in env.plex.state.items.items() if item.section == "2"}
    for path in paths:
        start, _, end = path.rpartition("/")
        if start == "/library/metadata":
            assert in_two.issuperset(end.split(","))
        else:
            assert path.startswith("/library/sections/2/")


async def test_labels_that_no_one_wants_any_more_are_not_thought_lost(env: EngineEnv) -> None:
    await env.sync()
    rosa = env.person("rosa")
    titles = {title.key: title for title in env.world.catalog}
    for entry in env.pulsarr.state.watchlist(rosa):
        env.pulsarr.state.unwant(rosa, titles[entry.catalog_key])
    run = await env.sync()
    assert "rosa" in {fold(row.label) for row in env.recorder.ledger}
    assert (run.changes, run.vanished) == ((), 0)


# Parts of the open_env


async def test_run_for_some_people_writes_what_they_want(env: EngineEnv) -> None:
    before = env.labels
    rosa = env.person("rosa")
    run = await env.sync(people=("ROSA", str(env.person("tim"))))
    assert env.labels == merged(before, env.wanted([rosa, env.person("tim")]))
    assert run.added == sum(map(len, env.labels.values())) - sum(map(len, before.values()))
    await env.sync()
    assert env.labels == merged(before, env.wanted())


async def test_run_for_one_of_two_people_with_the_same_label_writes_only_what_they_want() -> None:
    async with open_env(awkward=True, people=2, wanted_in_plex=0, wanted_missing=0) as env:
        lower, upper = env.pulsarr.state.users()
        title, other = env.spare("movie"), env.spare("show")
        env.pulsarr.state.want(lower.id, title)
        env.pulsarr.state.want(upper.id, other)
        before = env.labels
        await env.sync(people=(str(lower.id),))
        assert env.labels == merged(before, env.wanted([lower.id]))


async def test_run_for_some_people_removes_nothing(env: EngineEnv) -> None:
    env.settings = SyncSettings(preserve_existing_labels=False)
    before = env.labels
    run = await env.sync(people=("rosa",))
    assert run.removed == 0
    assert env.labels == merged(before, env.wanted([env.person("rosa")]))


async def test_label_that_two_people_share_stays_when_the_labels_of_one_are_removed(
    env: EngineEnv,
) -> None:
    await env.sync()
    env.pulsarr.state.rename(env.person("tim"), "ROSA")
    title = env.spare()
    (item,) = env.plex.state.items_of(title)
    for user in env.pulsarr.state.users():
        if user.name in {"rosa", "ROSA"}:
            env.pulsarr.state.want(user.id, title)
    await env.sync()
    assert "rosa" in env.labels[item.rating_key]
    run = await env.run(RemovalRequest(people=(str(env.person("rosa")),)))
    assert run.removed
    assert "rosa" in env.labels[item.rating_key]


async def test_run_for_someone_unknown_is_refused(env: EngineEnv) -> None:
    with pytest.raises(UnknownPersonError, match="zoe"):
        await env.sync(people=("rosa", "zoe"))
    assert env.plex.stats.puts == env.plex.stats.count("GET", LISTING_ROUTE) == 0


@pytest.mark.parametrize("names", [("Movies 4K",), ("3",), (" movies 4k ", "3")])
async def test_run_for_some_libraries_writes_there_only(
    env: EngineEnv, names: tuple[str, ...]
) -> None:
    before = env.labels
    await env.sync(libraries=names)
    there = {
        key: labels
        for key, labels in env.wanted().items()
        if env.plex.state.items[key].section == "3"
    }
    assert there
    assert env.labels == merged(before, there)


async def test_run_for_an_unknown_library_is_refused(env: EngineEnv) -> None:
    with pytest.raises(UnknownLibraryError, match="Music"):
        await env.sync(libraries=("Movies", "Music"))
    env.settings = SyncSettings(libraries=frozenset({"1"}))
    with pytest.raises(UnknownLibraryError, match="TV Shows"):
        await env.sync(libraries=("TV Shows",))
    assert env.plex.stats.puts == 0


async def test_libraries_that_were_not_chosen_are_left_alone(env: EngineEnv) -> None:
    env.settings = SyncSettings(libraries=frozenset({"2", "3"}))
    before = env.labels
    await env.sync()
    assert env.labels == merged(before, env.wanted())
    listed = {entry.path for entry in env.plex.stats.log}
    assert not any(path.startswith("/library/sections/1/") for path in listed)


async def test_plex_without_the_chosen_libraries_fails_the_run(env: EngineEnv) -> None:
    await env.sync()
    env.settings = SyncSettings(libraries=frozenset({"99"}))
    run = await env.sync()
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.failure is Failure.IMPLAUSIBLE


# Dry runs


@pytest.mark.parametrize("preserve", [True, False])
async def test_dry_run_reports_what_the_next_run_does_and_writes_nothing(
    env: EngineEnv, preserve: bool
) -> None:
    env.settings = SyncSettings(preserve_existing_labels=preserve)
    before = env.labels
    dry = await env.sync(dry_run=True)
    assert env.labels == before
    assert env.plex.stats.puts == 0
    assert (env.recorder.begun, env.recorder.finished) == ([], [])
    assert (dry.status, dry.dry_run, dry.failed) == (RunStatus.DONE, True, ())
    run = await env.sync()
    assert run.changes == dry.changes
    assert (run.items, run.titles, run.unchanged) == (dry.items, dry.titles, dry.unchanged)
    assert any(one.action is Action.REMOVE for one in run.changes) is not preserve
