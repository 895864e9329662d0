"""The engine against both simulated servers: what a full sync reads, writes and leaves alone."""

import pytest

from custom_components.plex_label_sync.sync.model import (
    Action,
    Failure,
    HoldReason,
    RemovedLabelMode,
    RunKind,
    RunStatus,
    SyncSettings,
    fold,
)
from custom_components.plex_label_sync.sync.people import UnknownPersonError
from custom_components.plex_label_sync.sync.reasons import Reason, ReasonCode, names_of
from custom_components.plex_label_sync.sync.request import UnknownLibraryError
from simulators.catalogue import CatalogueTitle
from simulators.plex import PlexKnobs

from .home import LISTING_ROUTE, Home, household, merged

# A full sync


async def test_everybody_finds_their_label_on_everything_they_want(home: Home) -> None:
    before = home.labels
    run = await home.sync()
    assert run.status is RunStatus.DONE
    assert run.error is None
    assert home.labels == merged(before, home.wanted())


async def test_run_tells_what_it_did(home: Home) -> None:
    before = home.labels
    wanted = home.wanted()
    run = await home.sync()
    new = {
        (key, label) for key, labels in wanted.items() for label in labels - before.get(key, set())
    }
    assert {(one.rating_key, fold(one.label)) for one in run.changes} == new
    assert (run.added, run.removed) == (len(new), 0)
    assert len(run.changes) == len(new)
    assert run.unchanged == sum(map(len, wanted.values())) - len(new)
    assert run.failed == ()
    assert run.items == len(wanted)
    synced = [person.id for person in home.people.values() if person.can_sync]
    titles = {wish.catalogue_key for one in synced for wish in home.pulsarr.state.watchlist(one)}
    there = {one.key for one in home.world.catalogue if home.plex.state.items_of(one)}
    assert run.titles == len(titles)
    assert run.not_in_plex == len(titles - there)
    assert run.people == len(synced) == 5
    assert run.kind is RunKind.FULL
    assert not run.dry_run
    assert run.started <= home.clock.now


async def test_changes_say_on_which_item_and_why(home: Home) -> None:
    run = await home.sync()
    for change in run.changes:
        item = home.plex.state.items[change.rating_key]
        assert (change.library, change.title) == (item.section, item.title)
        assert change.label in item.labels or change.label.casefold() in {
            label.casefold() for label in item.labels
        }
        assert change.reason == Reason(ReasonCode.WANTED)
        assert change.label.casefold() in {name.casefold() for name in names_of(change.people)}


async def test_second_sync_writes_nothing(home: Home) -> None:
    await home.sync()
    after, edits = home.labels, home.plex.stats.puts
    run = await home.sync()
    assert (run.status, run.changes) == (RunStatus.DONE, ())
    assert run.unchanged == sum(map(len, home.wanted().values()))
    assert home.plex.stats.puts == edits
    assert home.labels == after
    assert len(home.recorder.begun) == len(home.recorder.finished) == 1


async def test_plan_is_on_disk_before_the_first_edit(home: Home) -> None:
    run = await home.sync()
    assert home.recorder.puts_at_begin == 0
    ((run_id, planned),) = home.recorder.begun
    assert (run_id, {*planned}) == (run.id, {*run.changes})
    assert [*dict(home.recorder.sent)] == [run.id]
    assert home.recorder.sent[-1][1] == len(planned)
    assert home.plex.stats.puts > 0


async def test_ledger_holds_exactly_what_was_written(home: Home) -> None:
    before = home.labels
    await home.sync()
    ours = {
        (key, label)
        for key, labels in home.wanted().items()
        for label in labels - before.get(key, set())
    }
    assert {(row.rating_key, fold(row.label)) for row in home.recorder.ledger} == ours


async def test_reads_of_a_sync_follow_pages_and_labels(home: Home) -> None:
    await home.sync()
    home.plex.stats.reset()
    home.pulsarr.stats.reset()
    await home.sync()
    libraries, people = len(home.plex.state.libraries), len(home.people)
    assert home.plex.stats.total == home.plex.stats.gets == home.reads_needed()
    assert home.reads_needed() <= 1 + libraries + libraries + libraries * people
    assert home.pulsarr.stats.total == 1 + people


async def test_edits_of_the_first_sync_are_as_few_as_there_are_distinct_changes(
    home: Home,
) -> None:
    before = home.labels
    await home.sync()
    assert home.plex.stats.puts == home.edits_needed(before, home.labels)


async def test_edits_do_not_grow_with_the_library() -> None:
    async with household(movies=420, shows=0, people=1, wishes=400, missing=0.0) as home:
        before = home.labels
        run = await home.sync()
        assert home.labels == merged(before, home.wanted())
        assert run.added > 400
        assert home.plex.stats.puts == home.edits_needed(before, home.labels) == 4
        home.plex.stats.reset()
        await home.sync()
        assert home.plex.stats.total == home.reads_needed() == 1 + 3 + 2 + 2


async def test_servers_see_no_more_requests_at_a_time_than_they_can_take() -> None:
    knobs = PlexKnobs(get_seconds=0.002, put_seconds=0.002)
    async with household(knobs=knobs, people=12) as home:
        home.pulsarr.knobs.latency_ms = 2
        await home.sync()
        assert home.plex.stats.peak_concurrency <= 2
        assert 1 < home.pulsarr.stats.peak_concurrency <= 4


# Titles and items


async def test_two_people_share_one_title(home: Home) -> None:
    title = home.spare()
    home.wish("rosa", title)
    home.wish("tim", title)
    run = await home.sync()
    (item,) = home.plex.state.items_of(title)
    assert {"rosa", "tim"} <= home.labels[item.rating_key]
    people = {names_of(one.people) for one in run.changes if one.rating_key == item.rating_key}
    assert people == {("rosa",), ("tim",)}


async def test_second_person_joins_a_title_that_is_labelled(home: Home) -> None:
    title = home.spare()
    home.wish("rosa", title)
    await home.sync()
    home.wish("tim", title)
    home.plex.stats.reset()
    run = await home.sync()
    (item,) = home.plex.state.items_of(title)
    assert [(one.label, one.rating_key) for one in run.changes] == [("Tim", item.rating_key)]
    assert {"rosa", "tim"} <= home.labels[item.rating_key]
    assert home.plex.stats.puts == 1


async def test_every_edition_and_every_library_gets_the_label(home: Home) -> None:
    title = home.spare()
    state = home.plex.state
    state.add_item(title, "1", edition="Extended")
    state.add_item(title, "3")
    state.add_item(title, "1", guid=f"com.plexapp.agents.imdb://{title.imdb}?lang=en")
    home.wish("rosa", title)
    await home.sync()
    items = state.items_of(title)
    assert len(items) == 4
    assert all("rosa" in home.labels[item.rating_key] for item in items)


@pytest.mark.parametrize(
    "guid",
    [
        "com.plexapp.agents.imdb://{imdb}?lang=en",
        "com.plexapp.agents.themoviedb://{tmdb}?lang=en",
        "com.plexapp.agents.thetvdb://{tvdb}?lang=de",
        "com.plexapp.agents.hama://tvdb-{tvdb}?lang=en",
    ],
)
async def test_show_of_a_legacy_agent_is_found(home: Home, guid: str) -> None:
    title = home.spare("show", in_plex=False)
    numbers = {"imdb": title.imdb, "tmdb": title.tmdb, "tvdb": title.tvdb}
    item = home.plex.state.add_item(title, guid=guid.format(**numbers))
    home.wish("rosa", title)
    await home.sync()
    assert home.labels[item.rating_key] == {"rosa"}


async def test_item_that_plex_did_not_recognise_is_left_alone(home: Home) -> None:
    title = home.spare(in_plex=False)
    item = home.plex.state.add_item(title, guid="local://4711")
    home.wish("rosa", title)
    await home.sync()
    assert item.rating_key not in home.labels


async def test_title_that_pulsarr_knows_without_key_or_ids_is_found(home: Home) -> None:
    keyless, bare = home.spare("movie"), home.spare("show")
    home.wish("rosa", keyless, key=None)
    home.wish("rosa", bare, guids=())
    await home.sync()
    for title in (keyless, bare):
        (item,) = home.plex.state.items_of(title)
        assert "rosa" in home.labels[item.rating_key]


async def test_movie_and_show_with_the_same_number_are_not_mixed_up() -> None:
    async with household(movies=200, shows=120, wishes=0, wishes_missing=0) as home:
        shows = {title.tmdb: title for title in home.world.catalogue if title.type == "show"}
        pairs = [
            (title, shows[title.tmdb])
            for title in home.world.catalogue
            if title.type == "movie" and title.tmdb in shows
        ]
        assert pairs
        for movie, show in pairs:
            home.wish("rosa", movie, key=None)
            home.wish("tim", show, key=None)
        before = home.labels
        await home.sync()
        assert home.labels == merged(before, home.wanted())
        for movie, show in pairs:
            for item in home.plex.state.items_of(movie):
                assert "tim" not in home.labels[item.rating_key]
            for item in home.plex.state.items_of(show):
                assert "rosa" not in home.labels[item.rating_key]


# People and their labels


async def test_awkward_names_become_labels_that_plex_can_use() -> None:
    async with household(awkward=True, people=10, wishes=24) as home:
        before = home.labels
        assert (await home.sync()).failed == ()
        assert home.labels == merged(before, home.wanted())
        assert {"rosa", "kim lou max", "🍿 100% film", "4711"} <= set().union(*home.labels.values())
        assert (await home.sync()).changes == ()


async def test_names_that_differ_in_case_only_share_one_label() -> None:
    async with household(awkward=True, people=2, wishes=8, foreign_labels=False) as home:
        await home.sync()
        assert [tag.text for tag in home.plex.state.tags.all()] == ["Rosa"]


async def test_label_keeps_the_spelling_that_plex_has(home: Home) -> None:
    title = home.spare()
    (item,) = home.plex.state.items_of(title)
    home.plex.state.add_label(item.rating_key, "ROSA")
    await home.sync()
    texts = {tag.text for tag in home.plex.state.tags.all() if tag.text.casefold() == "rosa"}
    assert texts == {"ROSA"}


async def test_label_format_names_people_as_the_options_say(home: Home) -> None:
    home.settings = SyncSettings(label_format="wl {alias} {type}")
    before = home.labels
    await home.sync()
    assert home.labels == merged(before, home.wanted())
    assert "wl opa jürgen movie" in set().union(*home.labels.values())


async def test_person_whose_sync_is_off_gets_labels_only_when_asked_for(home: Home) -> None:
    title = home.spare()
    home.wish("marta", title)
    await home.sync()
    assert "marta" not in set().union(*home.labels.values())
    home.settings = SyncSettings(sync_disabled_people=True)
    await home.sync()
    (item,) = home.plex.state.items_of(title)
    assert "marta" in home.labels[item.rating_key]


async def test_excluded_people_and_labels_are_never_written(home: Home) -> None:
    home.settings = SyncSettings(
        exclude_people=frozenset({home.person("rosa")}), exclude_labels=frozenset({fold("TIM")})
    )
    before = home.labels
    await home.sync()
    assert home.labels == merged(before, home.wanted())
    assert not {"rosa", "tim"} & set().union(*home.labels.values())


async def test_nobody_in_pulsarr_changes_nothing(home: Home) -> None:
    await home.sync()
    after = home.labels
    home.pulsarr.knobs.empty_users = True
    run = await home.sync()
    assert (run.status, run.people, run.titles, run.changes) == (RunStatus.DONE, 0, 0, ())
    assert home.labels == after


# What is left alone, and what is not


async def test_label_set_by_hand_is_never_removed(home: Home) -> None:
    title = home.spare()
    (item,) = home.plex.state.items_of(title)
    home.wish("rosa", title)
    home.plex.state.add_label(item.rating_key, "Watch & Go, soon")
    await home.sync()
    await home.sync()
    assert home.labels[item.rating_key] == {"rosa", "watch & go, soon"}


async def test_label_of_a_title_that_left_the_watchlist_stays(home: Home) -> None:
    title = home.spare()
    home.wish("rosa", title)
    await home.sync()
    home.pulsarr.state.unwish(home.person("rosa"), title)
    run = await home.sync()
    (item,) = home.plex.state.items_of(title)
    assert run.changes == ()
    assert "rosa" in home.labels[item.rating_key]


async def test_foreign_labels_of_wanted_items_go_when_they_are_not_preserved(home: Home) -> None:
    title, other = home.spare("movie"), home.spare("show")
    (item,), (unwanted,) = home.plex.state.items_of(title), home.plex.state.items_of(other)
    home.wish("rosa", title)
    for label in ("Kids", "Sci-Fi, old", "100% Fun"):
        home.plex.state.add_label(item.rating_key, label)
        home.plex.state.add_label(unwanted.rating_key, label)
    before = home.labels
    home.settings = SyncSettings(
        preserve_existing_labels=False, exclude_labels=frozenset({fold("KIDS")})
    )
    run = await home.sync()
    wanted = home.wanted()
    assert home.labels[item.rating_key] == {"rosa", "kids"}
    assert home.labels == {
        key: wanted[key] | (labels & {"kids"}) if key in wanted else labels
        for key, labels in merged(before, wanted).items()
    }
    assert run.failed == ()
    gone = {one.label for one in run.changes if one.action is Action.REMOVE}
    assert {"Sci-Fi, old", "100% Fun"} <= gone
    assert (await home.sync()).changes == ()


async def test_our_own_labels_are_not_foreign(home: Home) -> None:
    title = home.spare()
    home.wish("rosa", title)
    home.wish("tim", title)
    await home.sync()
    home.pulsarr.state.unwish(home.person("rosa"), title)
    home.settings = SyncSettings(preserve_existing_labels=False)
    await home.sync()
    (item,) = home.plex.state.items_of(title)
    assert home.labels[item.rating_key] == {"rosa", "tim"}


async def test_rows_of_labels_that_plex_no_longer_has_are_forgotten(home: Home) -> None:
    deleted, taken_off = home.spare("movie"), home.spare("show")
    for title in (deleted, taken_off):
        home.wish("rosa", title)
    await home.sync()
    (gone,), (item,) = home.plex.state.items_of(deleted), home.plex.state.items_of(taken_off)
    rows = {row.key for row in home.recorder.ledger}
    home.plex.state.delete_item(gone.rating_key)
    home.plex.state.remove_label(item.rating_key, "rosa")
    home.pulsarr.state.unwish(home.person("rosa"), taken_off)
    run = await home.sync()
    forgotten = {(gone.rating_key, "rosa"), (item.rating_key, "rosa")}
    assert rows - {row.key for row in home.recorder.ledger} == forgotten
    assert (run.status, run.changes, run.overridden) == (RunStatus.DONE, (), 0)


# What somebody took off by hand


async def taken_off(home: Home) -> tuple[CatalogueTitle, str]:
    """Let somebody take off the label that rosa got; return the title and its item's key."""
    title = home.spare()
    home.wish("rosa", title)
    await home.sync()
    (item,) = home.plex.state.items_of(title)
    home.plex.state.remove_label(item.rating_key, "rosa")
    return title, item.rating_key


async def test_label_that_somebody_took_off_stays_off(home: Home) -> None:
    title, key = await taken_off(home)
    for run in (await home.sync(), await home.sync(), await home.look(title)):
        assert (run.status, run.changes, run.overridden) == (RunStatus.DONE, (), 1)
    assert "rosa" not in home.labels.get(key, set())
    assert home.recorder.ledger.by_item()[key][0].off


async def test_label_that_somebody_took_off_is_put_back_when_the_options_say_so(
    home: Home,
) -> None:
    _, key = await taken_off(home)
    await home.sync()
    home.settings = SyncSettings(restore_overrides=True)
    run = await home.sync()
    assert [(one.rating_key, fold(one.label)) for one in run.changes] == [(key, "rosa")]
    assert not home.recorder.ledger.by_item()[key][0].off


async def test_label_that_somebody_took_off_comes_back_with_a_new_wish(home: Home) -> None:
    title, key = await taken_off(home)
    await home.sync()
    home.pulsarr.state.unwish(home.person("rosa"), title)
    await home.sync()
    home.wish("rosa", title)
    await home.sync()
    assert "rosa" in home.labels[key]


async def test_label_that_somebody_put_on_again_is_theirs(home: Home) -> None:
    title, key = await taken_off(home)
    await home.sync()
    home.plex.state.add_label(key, "rosa")
    run = await home.sync()
    assert (run.changes, run.overridden) == ((), 0)
    assert key not in home.recorder.ledger.by_item()
    home.settings = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
    home.pulsarr.state.unwish(home.person("rosa"), title)
    await home.sync()
    assert "rosa" in home.labels[key]


async def test_labels_that_vanish_in_bulk_are_no_decisions_until_somebody_says_so(
    socket_enabled: None,
) -> None:
    async with household(movies=80, shows=0, people=1, wishes=70, foreign_labels=False) as home:
        await home.sync()
        before = home.labels
        for key in before:
            home.plex.state.remove_label(key, "rosa")
        run = await home.sync()
        assert run.status is RunStatus.HELD
        assert run.hold_reasons == (HoldReason.LABELS_VANISHED,)
        assert run.vanished == len(before) > 25
        assert not any(row.off for row in home.recorder.ledger)
        run = await home.sync(restore=True)
        assert run.added == len(before)
        assert home.labels == before
        assert (await home.sync()).status is RunStatus.DONE


# Labels that nobody wants any more


@pytest.mark.parametrize("live", [True, False])
async def test_label_goes_when_nobody_wants_it_and_the_options_say_so(
    home: Home, live: bool
) -> None:
    title = home.spare()
    home.settings = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
    home.wish("rosa", title)
    home.wish("tim", title)
    await home.sync()
    (item,) = home.plex.state.items_of(title)
    home.plex.state.add_label(item.rating_key, "Kids")
    home.pulsarr.state.unwish(home.person("rosa"), title)
    home.clock.now += 3600
    run = await (home.look(title) if live else home.sync())
    assert [(one.action, one.rating_key) for one in run.changes] == [
        (Action.REMOVE, item.rating_key)
    ]
    assert home.labels[item.rating_key] == {"tim", "kids"}
    assert {fold(row.label) for row in home.recorder.ledger.by_item()[item.rating_key]} == {"tim"}


async def test_label_that_was_there_before_is_not_ours_to_take_off(home: Home) -> None:
    title = home.spare()
    (item,) = home.plex.state.items_of(title)
    home.plex.state.add_label(item.rating_key, "rosa")
    home.settings = SyncSettings(removed_label_mode=RemovedLabelMode.REMOVE)
    home.wish("rosa", title)
    await home.sync()
    home.pulsarr.state.unwish(home.person("rosa"), title)
    assert (await home.sync()).changes == ()
    assert home.labels[item.rating_key] == {"rosa"}


async def test_renamed_person_keeps_one_label_on_each_item(home: Home) -> None:
    before = home.labels
    await home.sync()
    home.pulsarr.state.rename(home.person("rosa"), "rosalinde")
    run = await home.sync()
    assert (run.status, run.failed) == (RunStatus.DONE, ())
    assert run.added == run.removed > 0
    assert home.labels == merged(before, home.wanted())
    assert (await home.sync()).changes == ()


async def test_item_that_carries_the_opt_out_label_is_left_alone(home: Home) -> None:
    new, old = home.spare("movie"), home.spare("show")
    home.settings = SyncSettings(
        removed_label_mode=RemovedLabelMode.REMOVE, preserve_existing_labels=False
    )
    home.wish("rosa", new)
    home.wish("rosa", old)
    (one,), (other,) = home.plex.state.items_of(new), home.plex.state.items_of(old)
    home.plex.state.add_label(one.rating_key, "No-Sync")
    home.plex.state.add_label(one.rating_key, "Kids")
    await home.sync()
    assert home.labels[one.rating_key] == {"no-sync", "kids"}
    home.plex.state.add_label(other.rating_key, "no-sync")
    home.pulsarr.state.unwish(home.person("rosa"), old)
    await home.sync()
    assert home.labels[other.rating_key] == {"rosa", "no-sync"}


async def test_libraries_that_are_no_longer_covered_are_not_thought_empty(home: Home) -> None:
    await home.sync()
    ledger = home.recorder.ledger.as_dict()
    home.settings = SyncSettings(libraries=frozenset({"2"}))
    home.plex.stats.reset()
    run = await home.sync()
    assert (run.changes, run.vanished) == ((), 0)
    assert home.recorder.ledger.as_dict() == ledger
    paths = {entry.path for entry in home.plex.stats.log} - {"/library/sections"}
    assert all(path.startswith("/library/sections/2/") for path in paths)


async def test_labels_that_nobody_wants_any_more_are_not_thought_lost(home: Home) -> None:
    await home.sync()
    rosa = home.person("rosa")
    titles = {title.key: title for title in home.world.catalogue}
    for wish in home.pulsarr.state.watchlist(rosa):
        home.pulsarr.state.unwish(rosa, titles[wish.catalogue_key])
    run = await home.sync()
    assert "rosa" in {fold(row.label) for row in home.recorder.ledger}
    assert (run.changes, run.vanished) == ((), 0)


# Parts of the household


async def test_run_for_some_people_writes_what_they_want(home: Home) -> None:
    before = home.labels
    rosa = home.person("rosa")
    run = await home.sync(people=("ROSA", str(home.person("tim"))))
    assert home.labels == merged(before, home.wanted([rosa, home.person("tim")]))
    assert run.added == sum(map(len, home.labels.values())) - sum(map(len, before.values()))
    await home.sync()
    assert home.labels == merged(before, home.wanted())


async def test_run_for_one_of_two_people_with_the_same_label_writes_only_what_they_want() -> None:
    async with household(awkward=True, people=2, wishes=0, wishes_missing=0) as home:
        lower, upper = home.pulsarr.state.users()
        title, other = home.spare("movie"), home.spare("show")
        home.pulsarr.state.wish(lower.id, title)
        home.pulsarr.state.wish(upper.id, other)
        before = home.labels
        await home.sync(people=(str(lower.id),))
        assert home.labels == merged(before, home.wanted([lower.id]))


async def test_run_for_some_people_takes_nothing_off(home: Home) -> None:
    home.settings = SyncSettings(preserve_existing_labels=False)
    before = home.labels
    run = await home.sync(people=("rosa",))
    assert run.removed == 0
    assert home.labels == merged(before, home.wanted([home.person("rosa")]))


async def test_label_that_two_people_share_stays_when_the_labels_of_one_are_taken_off(
    home: Home,
) -> None:
    await home.sync()
    home.pulsarr.state.rename(home.person("tim"), "ROSA")
    title = home.spare()
    (item,) = home.plex.state.items_of(title)
    for user in home.pulsarr.state.users():
        if user.name in {"rosa", "ROSA"}:
            home.pulsarr.state.wish(user.id, title)
    await home.sync()
    assert "rosa" in home.labels[item.rating_key]
    run = await home.sync(kind=RunKind.REMOVAL, people=(str(home.person("rosa")),))
    assert run.removed
    assert "rosa" in home.labels[item.rating_key]


async def test_run_for_somebody_unknown_is_refused(home: Home) -> None:
    with pytest.raises(UnknownPersonError, match="zoe"):
        await home.sync(people=("rosa", "zoe"))
    assert home.plex.stats.puts == home.plex.stats.count("GET", LISTING_ROUTE) == 0


@pytest.mark.parametrize("names", [("Movies 4K",), ("3",), (" movies 4k ", "3")])
async def test_run_for_some_libraries_writes_there_only(home: Home, names: tuple[str, ...]) -> None:
    before = home.labels
    await home.sync(libraries=names)
    there = {
        key: labels
        for key, labels in home.wanted().items()
        if home.plex.state.items[key].section == "3"
    }
    assert there
    assert home.labels == merged(before, there)


async def test_run_for_an_unknown_library_is_refused(home: Home) -> None:
    with pytest.raises(UnknownLibraryError, match="Music"):
        await home.sync(libraries=("Movies", "Music"))
    home.settings = SyncSettings(libraries=frozenset({"1"}))
    with pytest.raises(UnknownLibraryError, match="TV Shows"):
        await home.sync(libraries=("TV Shows",))
    assert home.plex.stats.puts == 0


async def test_libraries_that_were_not_chosen_are_left_alone(home: Home) -> None:
    home.settings = SyncSettings(libraries=frozenset({"2", "3"}))
    before = home.labels
    await home.sync()
    assert home.labels == merged(before, home.wanted())
    listed = {entry.path for entry in home.plex.stats.log}
    assert not any(path.startswith("/library/sections/1/") for path in listed)


async def test_plex_without_the_chosen_libraries_fails_the_run(home: Home) -> None:
    await home.sync()
    home.settings = SyncSettings(libraries=frozenset({"99"}))
    run = await home.sync()
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error.failure is Failure.IMPLAUSIBLE


# Dry runs


@pytest.mark.parametrize("preserve", [True, False])
async def test_dry_run_tells_what_the_next_run_does_and_writes_nothing(
    home: Home, preserve: bool
) -> None:
    home.settings = SyncSettings(preserve_existing_labels=preserve)
    before = home.labels
    dry = await home.sync(dry_run=True)
    assert home.labels == before
    assert home.plex.stats.puts == 0
    assert (home.recorder.begun, home.recorder.finished) == ([], [])
    assert (dry.status, dry.dry_run, dry.failed) == (RunStatus.DONE, True, ())
    run = await home.sync()
    assert run.changes == dry.changes
    assert (run.items, run.titles, run.unchanged) == (dry.items, dry.titles, dry.unchanged)
    assert any(one.action is Action.REMOVE for one in run.changes) is not preserve
