"""Live runs: a few titles are found, labelled and told of without listing whole libraries."""

from dataclasses import replace

import pytest

from custom_components.plex_label_sync.sync.fresh_lists import FRESH, FRESH_UNKNOWN
from custom_components.plex_label_sync.sync.model import Failure, SyncSettings, Title
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.readers import LOOKUPS_MAX
from custom_components.plex_label_sync.sync.request import LiveRequest
from custom_components.plex_label_sync.sync.run import Outcome, RunKind, RunStatus
from simulators.catalog import CatalogTitle
from simulators.http import Fault
from simulators.plex import PlexKnobs

from .engine_env import LABEL_ROUTE, LISTING_ROUTE, EngineEnv, open_env, title_of

MOVIE_LIBRARIES = 2  # Movies and Movies 4K
PAGE = 200  # rows of the newest items


def lookups(env: EngineEnv) -> list[str]:
    """Return the titles that were looked for by key, one for each library."""
    return [
        entry.query.partition("guid=plex://")[2].partition("&")[0].rpartition("/")[2]
        for entry in env.plex.stats.log
        if "guid=plex" in entry.query
    ]


def listings(env: EngineEnv) -> int:
    """Return how often a library was read from its start, the oldest first."""
    return sum(
        "Container-Start=0" in entry.query
        and "addedAt%3Adesc" not in entry.query
        and "addedAt:desc" not in entry.query
        and "guid=" not in entry.query
        and "label" not in entry.query
        for entry in env.plex.stats.log
        if entry.route == LISTING_ROUTE
    )


async def synced(env: EngineEnv) -> None:
    """Let a full sync come first, and count from there."""
    await env.sync()
    env.plex.stats.reset()
    env.pulsarr.stats.reset()


def labels(env: EngineEnv, title: CatalogTitle) -> list[set[str]]:
    """Return the labels of every item of a title."""
    return [env.labels.get(item.rating_key, set()) for item in env.plex.state.items_of(title)]


# Finding


async def test_title_that_just_arrived_is_found_among_the_newest_items(env: EngineEnv) -> None:
    title = env.spare(in_plex=False)
    env.want("rosa", title)
    env.want("tim", title)
    await synced(env)
    item = env.plex.state.add_item(title)
    run = await env.live_sync(title, thorough=False)
    assert env.labels[item.rating_key] == {"rosa", "tim"}
    assert (run.status, run.kind, run.added) == (RunStatus.DONE, RunKind.LIVE, 2)
    (result,) = run.title_results
    assert result.outcome is Outcome.SETTLED
    assert result.rating_keys == {item.rating_key}
    assert sorted(person.username for person in result.people) == ["rosa", "tim"]
    # Sections, the newest of two libraries, labels and two carriers, and the item itself before
    # and after the edit.
    assert lookups(env) == []
    assert env.plex.stats.gets == 1 + MOVIE_LIBRARIES + (1 + 2) + 2
    assert env.plex.stats.puts == 1
    assert env.pulsarr.stats.total == 0


async def test_title_that_is_old_is_found_by_its_key() -> None:
    async with open_env(movies=PAGE + 40, missing=0.0, shows=5) as env:
        everything = sorted(
            (item for item in env.plex.state.items.values() if item.section == "1"),
            key=lambda item: item.added_at,
        )
        wanted = {entry.catalog_key for entry in env.pulsarr.state.entries()}
        old = next(
            item
            for item in everything
            if item.origin is not None
            and item.origin.key not in wanted
            and len(env.plex.state.items_of(item.origin)) == 1
            and item.guid == item.origin.plex_guid
        )
        assert old.origin is not None
        assert everything.index(old) < len(everything) - PAGE
        await synced(env)
        env.want("rosa", old.origin)
        run = await env.live_sync(old.origin, newer_than=env.clock.now)
        assert "rosa" in env.labels[old.rating_key]
        assert run.title_results[0].outcome is Outcome.SETTLED
        assert lookups(env) == [old.origin.key] * MOVIE_LIBRARIES
        assert listings(env) == 0


async def test_item_of_a_legacy_agent_is_remembered_from_the_last_listing() -> None:
    async with open_env(movies=PAGE + 40, shows=5) as env:
        title = env.spare(in_plex=False)
        guid = f"com.plexapp.agents.imdb://{title.imdb}?lang=en"
        old = env.plex.state.add_item(title, guid=guid, added_at=1)
        await synced(env)
        env.want("rosa", title)
        run = await env.live_sync(title, newer_than=env.clock.now)
        assert run.title_results[0].outcome is Outcome.SETTLED
        assert env.labels[old.rating_key] == {"rosa"}
        assert listings(env) == 0


async def test_title_that_pulsarr_knows_without_a_key_is_found_by_listing() -> None:
    async with open_env(movies=PAGE + 40, missing=0.0, shows=5) as env:
        state = env.plex.state
        title = env.spare()
        (item,) = state.items_of(title)
        for other in env.world.catalog[: PAGE + 1]:
            if other is not title:  # so that the title is not among the newest
                state.add_item(other, "1")
        await synced(env)
        env.want("rosa", title, key=None)
        run = await env.live_sync(title, newer_than=env.clock.now)
        assert run.title_results[0].outcome is Outcome.SETTLED
        assert "rosa" in env.labels[item.rating_key]
        assert listings(env) == MOVIE_LIBRARIES


async def test_every_copy_of_a_title_is_labelled(env: EngineEnv) -> None:
    title = env.spare(in_plex=False)
    env.want("rosa", title)
    await synced(env)
    state = env.plex.state
    copies = [state.add_item(title), state.add_item(title, "3"), state.add_item(title, edition="X")]
    run = await env.live_sync(title)
    assert labels(env, title) == [{"rosa"}] * 3
    assert run.title_results[0].rating_keys == {item.rating_key for item in copies}


async def test_first_read_of_all_lists_the_libraries_of_its_type(env: EngineEnv) -> None:
    title = env.spare("show")
    env.want("rosa", title)
    run = await env.live_sync(title, thorough=False)
    assert run.title_results[0].outcome is Outcome.SETTLED
    assert labels(env, title) == [{"rosa"}] or "rosa" in labels(env, title)[0]
    assert listings(env) == 1


async def test_show_is_searched_for_among_shows_only(env: EngineEnv) -> None:
    title = env.spare("show", in_plex=False)
    env.want("rosa", title)
    await synced(env)
    item = env.plex.state.add_item(title)
    await env.live_sync(title)
    paths = {entry.path for entry in env.plex.stats.log} - {"/library/sections"}
    # The show itself, beside a labelled item to see whether Plex tells labels of items, and again
    # when the label is on it.
    asked = {path for path in paths if not path.startswith("/library/sections/2/")}
    assert len(asked) == 2
    for path in asked:
        assert path.startswith("/library/metadata/")
        assert item.rating_key in path.removeprefix("/library/metadata/").split(",")
    assert labels(env, title) == [{"rosa"}]


async def test_title_is_found_by_whatever_id_it_was_announced_with(env: EngineEnv) -> None:
    title = env.spare(in_plex=False)
    env.want("rosa", title)
    await synced(env)
    env.plex.state.add_item(title)
    for ids in ({f"tmdb:{title.tmdb}"}, {f"imdb:{title.imdb}"}, {f"plex:{title.key}"}):
        announced = replace(title_of(title), name="As Radarr calls it", ids=frozenset(ids))
        run = await env.run(LiveRequest(titles=(announced,)))
        assert run.title_results[0].outcome is Outcome.SETTLED
        assert run.title_results[0].title == announced
    assert labels(env, title) == [{"rosa"}]


# What comes of it


async def test_only_the_title_that_was_asked_for_is_labelled(env: EngineEnv) -> None:
    await synced(env)
    title, other = env.spare("movie"), env.spare("show")
    env.want("rosa", title)
    env.want("rosa", other)
    run = await env.live_sync(title, newer_than=env.clock.now)
    assert len(run.changes) == 1
    assert "rosa" in labels(env, title)[0]
    assert "rosa" not in labels(env, other)[0]


async def test_label_removed_by_hand_stays_off_under_a_new_name(env: EngineEnv) -> None:
    title = env.spare()
    env.want("rosa", title)
    await synced(env)
    (item,) = env.plex.state.items_of(title)
    env.plex.state.remove_label(item.rating_key, "rosa")
    env.pulsarr.state.rename(env.person("rosa"), "rosalind")
    for _ in range(2):
        env.clock.now += FRESH + 1
        assert (await env.live_sync(title)).changes == ()
    run = await env.sync()
    assert run.overridden == 1
    assert item.rating_key not in env.labels


async def test_title_that_no_one_wants_costs_next_to_nothing(env: EngineEnv) -> None:
    await synced(env)
    run = await env.live_sync(env.spare())
    (result,) = run.title_results
    assert (result.outcome, result.people, result.rating_keys) == (
        Outcome.NOT_WANTED,
        (),
        frozenset(),
    )
    assert run.changes == ()
    assert env.plex.stats.total == 1


@pytest.mark.parametrize("how", ["list", "row of a list", "person"])
async def test_title_that_may_be_on_a_list_that_cannot_be_read_is_not_given_up(
    env: EngineEnv, how: str
) -> None:
    await synced(env)
    title, rosa = env.spare(), env.person("rosa")
    env.want("rosa", title)
    match how:
        case "list":
            env.pulsarr.faults.add(Fault("busy", match=rf"/users/{rosa}/watchlist", times=None))
        case "row of a list":
            env.pulsarr.state.unwant(rosa, title)
            env.pulsarr.knobs.odd_rows[rosa] = [{"type": "movie", "guids": []}]
        case _:
            env.pulsarr.knobs.hidden_users.add(rosa)
    env.clock.now += FRESH + 1
    env.plex.stats.reset()
    run = await env.live_sync(title)
    assert [result.outcome for result in run.title_results] == [Outcome.WATCHLIST_UNREAD]
    assert env.plex.stats.total == 1  # it is not looked for in Plex
    env.pulsarr.faults.clear()
    env.pulsarr.knobs.odd_rows.clear()
    env.pulsarr.knobs.hidden_users.clear()
    env.want("rosa", title)
    env.clock.now += FRESH + 1
    assert (await env.live_sync(title)).title_results[0].outcome is Outcome.SETTLED


async def test_list_of_someone_without_labels_makes_no_title_wait(env: EngineEnv) -> None:
    rosa = env.person("rosa")
    env.settings = SyncSettings(exclude_people=frozenset({pulsarr_id(rosa)}))
    await synced(env)
    env.pulsarr.faults.add(Fault("busy", match=rf"/users/{rosa}/watchlist", times=None))
    env.clock.now += FRESH + 1
    run = await env.live_sync(env.spare())
    assert [result.outcome for result in run.title_results] == [Outcome.NOT_WANTED]


async def test_title_that_plex_does_not_have_yet_waits(env: EngineEnv) -> None:
    title = env.spare(in_plex=False)
    env.want("rosa", title)
    await synced(env)
    run = await env.live_sync(title)
    (result,) = run.title_results
    assert (result.outcome, result.rating_keys) == (Outcome.NOT_IN_PLEX, frozenset())
    assert [person.username for person in result.people] == ["rosa"]
    assert (run.status, run.not_in_plex, env.plex.stats.puts) == (RunStatus.DONE, 1, 0)


async def test_title_announced_without_ids_cannot_be_found(env: EngineEnv) -> None:
    await synced(env)
    unknown = Title(title_of(env.spare()).type, "New", frozenset())
    run = await env.run(LiveRequest(titles=(unknown,)))
    assert run.title_results[0].outcome is Outcome.NO_IDS


async def test_label_that_plex_did_not_take_is_reported(env: EngineEnv) -> None:
    title, other = env.spare("movie"), env.spare("show")
    env.want("rosa", title)
    env.want("rosa", other)
    env.plex.knobs = PlexKnobs(settle=60)
    run = await env.live_sync(title, other)
    assert [result.outcome for result in run.title_results] == [Outcome.NOT_WRITTEN] * 2
    assert [result.title for result in run.title_results] == [title_of(title), title_of(other)]


async def test_title_that_has_its_labels_is_settled_without_an_edit(env: EngineEnv) -> None:
    title = env.spare()
    env.want("rosa", title)
    await synced(env)
    run = await env.live_sync(title)
    assert (run.title_results[0].outcome, run.changes) == (Outcome.SETTLED, ())
    assert env.plex.stats.puts == 0


async def test_live_run_removes_nothing_and_forgets_nothing(env: EngineEnv) -> None:
    title, other = env.spare("movie"), env.spare("show")
    (item,) = env.plex.state.items_of(title)
    env.want("rosa", title)
    env.want("rosa", other)
    await synced(env)
    env.plex.state.add_label(item.rating_key, "Kids")
    env.plex.state.delete_item(env.plex.state.items_of(other)[0].rating_key)
    env.settings = SyncSettings(preserve_existing_labels=False)
    rows = {row.key for row in env.recorder.ledger}
    run = await env.live_sync(title, other)
    assert run.removed == 0
    assert {row.key for row in env.recorder.ledger} == rows
    assert run.vanished == 0
    assert env.labels[item.rating_key] >= {"rosa", "kids"}


async def test_live_sync_that_fails_says_which_server_failed(env: EngineEnv) -> None:
    title = env.spare()
    env.want("rosa", title)
    await synced(env)
    env.plex.faults.add(Fault("busy", route=LISTING_ROUTE, times=None))
    run = await env.live_sync(title)
    assert run.status is RunStatus.PARTIAL
    assert {gap.failure for gap in run.gaps} == {Failure.BUSY}
    assert [result.outcome for result in run.title_results] == [
        Outcome.NOT_READ
    ]  # it is looked for again
    env.pulsarr.faults.add(Fault("drop", times=None))
    env.clock.now += FRESH + 1
    run = await env.live_sync(title)
    assert (run.status, run.title_results) == (RunStatus.FAILED, ())
    assert run.error is not None
    assert run.error.service.value == "pulsarr"


async def test_label_filter_that_is_ignored_is_a_gap_of_a_live_sync(env: EngineEnv) -> None:
    title = env.spare()
    env.want("rosa", title)
    await synced(env)
    env.plex.knobs = PlexKnobs(label_filter_broken=True)
    before = env.labels
    run = await env.live_sync(title)
    assert (run.status, run.changes) == (RunStatus.PARTIAL, ())
    assert {gap.failure for gap in run.gaps} == {Failure.IMPLAUSIBLE}
    assert env.labels == before


async def test_dry_live_sync_writes_nothing(env: EngineEnv) -> None:
    title = env.spare()
    env.want("rosa", title)
    run = await env.live_sync(title, dry_run=True)
    assert len(run.changes) == 1
    assert env.plex.stats.puts == 0
    assert env.recorder.begun == []


# What it may cost


async def test_many_waiting_titles_cost_no_more_than_a_few_lookups() -> None:
    async with open_env(movies=120, shows=0, missing=0.5, wanted_missing=45) as env:
        missing = env.world.missing()
        assert len(missing) * MOVIE_LIBRARIES > 2 * LOOKUPS_MAX
        await synced(env)
        asked: set[str] = set()
        waiting: set[Title] = set()
        for _ in range(5):
            env.plex.stats.reset()
            run = await env.live_sync(*missing, thorough=False)
            waiting = {
                result.title
                for result in run.title_results
                if result.outcome is Outcome.NOT_IN_PLEX
            }
            assert len(waiting) * MOVIE_LIBRARIES > 3 * LOOKUPS_MAX
            assert len(lookups(env)) == LOOKUPS_MAX
            assert env.plex.stats.total <= 1 + MOVIE_LIBRARIES + LOOKUPS_MAX
            asked.update(f"plex:{key}" for key in lookups(env))
        # Other ones each time, so that none waits for ever.
        assert asked == {key for title in waiting for key in title.plex_ids}


async def test_many_titles_that_may_be_old_are_found_by_listing(env: EngineEnv) -> None:
    await synced(env)
    titles = []
    for _ in range(LOOKUPS_MAX // MOVIE_LIBRARIES + 1):
        titles.append(env.spare())
        env.want("rosa", titles[-1])
    run = await env.live_sync(*titles, newer_than=env.clock.now)
    assert {result.outcome for result in run.title_results} == {Outcome.SETTLED}
    assert lookups(env) == []
    assert listings(env) == MOVIE_LIBRARIES


async def test_few_titles_that_may_be_old_are_looked_up_once_each(env: EngineEnv) -> None:
    titles = []
    for _ in range(3):
        titles.append(env.spare(in_plex=True))
        env.want("rosa", titles[-1])
        for item in env.plex.state.items_of(titles[-1]):
            env.plex.state.delete_item(item.rating_key)
    await synced(env)
    await env.live_sync(*titles)
    assert sorted(lookups(env)) == sorted([title.key for title in titles] * MOVIE_LIBRARIES)


# How fresh the watchlists are


async def test_fresh_watchlists_are_used_again_for_titles_that_are_on_one(env: EngineEnv) -> None:
    title = env.spare()
    env.want("rosa", title)
    await synced(env)
    env.clock.now += FRESH - 1
    await env.live_sync(title)
    assert env.pulsarr.stats.total == 0
    env.clock.now += 2
    await env.live_sync(title)
    assert env.pulsarr.stats.total == 1 + len(env.people)


async def test_watchlists_are_read_at_once_for_an_announced_title_that_no_one_seems_to_want(
    env: EngineEnv,
) -> None:
    title, other = env.spare(), env.spare("show")
    await synced(env)
    env.want("rosa", title)
    env.clock.now += 1
    assert (await env.live_sync(title)).title_results[0].outcome is Outcome.NOT_WANTED
    assert env.pulsarr.stats.total == 0
    run = await env.live_sync(title, reported_at=env.clock.now)
    assert run.title_results[0].outcome is Outcome.SETTLED
    all_lists = 1 + len(env.people)
    assert env.pulsarr.stats.total == all_lists
    # Of many such titles not each has them read again.
    env.want("rosa", other)
    env.clock.now += FRESH_UNKNOWN - 1
    run = await env.live_sync(other, reported_at=env.clock.now)
    assert run.title_results[0].outcome is Outcome.NOT_WANTED
    assert env.pulsarr.stats.total == all_lists
    env.clock.now += 1
    run = await env.live_sync(other, reported_at=env.clock.now)
    assert run.title_results[0].outcome is Outcome.SETTLED
    assert env.pulsarr.stats.total == 2 * all_lists


async def test_watchlists_older_than_the_news_are_read_again(env: EngineEnv) -> None:
    title = env.spare()
    await synced(env)
    env.want("rosa", title)
    env.clock.now += 1
    run = await env.live_sync(title, newer_than=env.clock.now)
    assert run.title_results[0].outcome is Outcome.SETTLED
    read_at = env.clock.now
    assert env.engine.watchlists is not None
    assert env.engine.watchlists.read_at == read_at


async def test_full_sync_always_reads_the_watchlists(env: EngineEnv) -> None:
    await synced(env)
    await env.sync()
    assert env.pulsarr.stats.total == 1 + len(env.people)


async def test_first_read_reads_the_watchlists(env: EngineEnv) -> None:
    await env.live_sync(env.spare())
    assert env.pulsarr.stats.total == 1 + len(env.people)
    assert env.plex.stats.count("GET", LABEL_ROUTE) == 0


async def test_live_sync_of_no_titles_is_not_one_for_everything(env: EngineEnv) -> None:
    await synced(env)
    env.want("rosa", env.spare())
    run = await env.live_sync()
    assert (run.title_results, run.changes, run.titles) == ((), (), 0)
    assert env.plex.stats.total == 1
