"""Live runs: a few titles are found, labelled and told of without listing whole libraries."""

from dataclasses import replace

from custom_components.plex_label_sync.sync.model import (
    Failure,
    Outcome,
    RunKind,
    RunStatus,
    SyncSettings,
    Title,
)
from custom_components.plex_label_sync.sync.preparing import FRESH, FRESH_UNKNOWN
from custom_components.plex_label_sync.sync.reading import LOOKUPS_MAX
from simulators.catalogue import CatalogueTitle
from simulators.http import Fault
from simulators.plex import PlexKnobs

from .home import LABEL_ROUTE, LISTING_ROUTE, Home, household, title_of

MOVIE_LIBRARIES = 2  # Movies and Movies 4K
PAGE = 200  # rows of the newest items


def lookups(home: Home) -> list[str]:
    """Return the titles that were looked for by key, one for each library."""
    return [
        entry.query.partition("guid=plex://")[2].partition("&")[0].rpartition("/")[2]
        for entry in home.plex.stats.log
        if "guid=plex" in entry.query
    ]


def listings(home: Home) -> int:
    """Return how often a library was read from its start, the oldest first."""
    return sum(
        "Container-Start=0" in entry.query
        and "addedAt%3Adesc" not in entry.query
        and "addedAt:desc" not in entry.query
        and "guid=" not in entry.query
        and "label" not in entry.query
        for entry in home.plex.stats.log
        if entry.route == LISTING_ROUTE
    )


async def synced(home: Home) -> None:
    """Let a full sync come first, and count from there."""
    await home.sync()
    home.plex.stats.reset()
    home.pulsarr.stats.reset()


def labels(home: Home, title: CatalogueTitle) -> list[set[str]]:
    """Return the labels of every item of a title."""
    return [home.labels.get(item.rating_key, set()) for item in home.plex.state.items_of(title)]


# Finding


async def test_title_that_just_arrived_is_found_among_the_newest_items(home: Home) -> None:
    title = home.spare(in_plex=False)
    home.wish("rosa", title)
    home.wish("tim", title)
    await synced(home)
    item = home.plex.state.add_item(title)
    run = await home.look(title, thorough=False)
    assert home.labels[item.rating_key] == {"rosa", "tim"}
    assert (run.status, run.kind, run.added) == (RunStatus.DONE, RunKind.LIVE, 2)
    (look,) = run.looks
    assert look.outcome is Outcome.SETTLED
    assert look.rating_keys == {item.rating_key}
    assert sorted(person.username for person in look.people) == ["rosa", "tim"]
    # Sections, the newest of two libraries, labels and two carriers before and after the edit,
    # and the item, as other items carry these labels.
    assert lookups(home) == []
    assert home.plex.stats.gets == 1 + MOVIE_LIBRARIES + 2 * (1 + 2) + 1
    assert home.plex.stats.puts == 1
    assert home.pulsarr.stats.total == 0


async def test_title_that_is_old_is_found_by_its_key() -> None:
    async with household(movies=PAGE + 40, missing=0.0, shows=5) as home:
        everything = sorted(
            (item for item in home.plex.state.items.values() if item.section == "1"),
            key=lambda item: item.added_at,
        )
        wanted = {wish.catalogue_key for wish in home.pulsarr.state.wishes()}
        old = next(
            item
            for item in everything
            if item.origin is not None
            and item.origin.key not in wanted
            and len(home.plex.state.items_of(item.origin)) == 1
            and item.guid == item.origin.plex_guid
        )
        assert old.origin is not None
        assert everything.index(old) < len(everything) - PAGE
        await synced(home)
        home.wish("rosa", old.origin)
        run = await home.look(old.origin, newer_than=home.clock.now)
        assert "rosa" in home.labels[old.rating_key]
        assert run.looks[0].outcome is Outcome.SETTLED
        assert lookups(home) == [old.origin.key] * MOVIE_LIBRARIES
        assert listings(home) == 0


async def test_item_of_a_legacy_agent_is_remembered_from_the_last_listing() -> None:
    async with household(movies=PAGE + 40, shows=5) as home:
        title = home.spare(in_plex=False)
        guid = f"com.plexapp.agents.imdb://{title.imdb}?lang=en"
        old = home.plex.state.add_item(title, guid=guid, added_at=1)
        await synced(home)
        home.wish("rosa", title)
        run = await home.look(title, newer_than=home.clock.now)
        assert run.looks[0].outcome is Outcome.SETTLED
        assert home.labels[old.rating_key] == {"rosa"}
        assert listings(home) == 0


async def test_title_that_pulsarr_knows_without_a_key_is_found_by_listing() -> None:
    async with household(movies=PAGE + 40, missing=0.0, shows=5) as home:
        state = home.plex.state
        title = home.spare()
        (item,) = state.items_of(title)
        for other in home.world.catalogue[: PAGE + 1]:
            if other is not title:  # so that the title is not among the newest
                state.add_item(other, "1")
        await synced(home)
        home.wish("rosa", title, key=None)
        run = await home.look(title, newer_than=home.clock.now)
        assert run.looks[0].outcome is Outcome.SETTLED
        assert "rosa" in home.labels[item.rating_key]
        assert listings(home) == MOVIE_LIBRARIES


async def test_every_copy_of_a_title_is_labelled(home: Home) -> None:
    title = home.spare(in_plex=False)
    home.wish("rosa", title)
    await synced(home)
    state = home.plex.state
    copies = [state.add_item(title), state.add_item(title, "3"), state.add_item(title, edition="X")]
    run = await home.look(title)
    assert labels(home, title) == [{"rosa"}] * 3
    assert run.looks[0].rating_keys == {item.rating_key for item in copies}


async def test_first_look_of_all_lists_the_libraries_of_its_type(home: Home) -> None:
    title = home.spare("show")
    home.wish("rosa", title)
    run = await home.look(title, thorough=False)
    assert run.looks[0].outcome is Outcome.SETTLED
    assert labels(home, title) == [{"rosa"}] or "rosa" in labels(home, title)[0]
    assert listings(home) == 1


async def test_show_is_looked_for_among_shows_only(home: Home) -> None:
    title = home.spare("show", in_plex=False)
    home.wish("rosa", title)
    await synced(home)
    item = home.plex.state.add_item(title)
    await home.look(title)
    paths = {entry.path for entry in home.plex.stats.log} - {"/library/sections"}
    # The show itself, beside a labelled item to see whether Plex tells labels of items.
    (asked,) = {path for path in paths if not path.startswith("/library/sections/2/")}
    assert asked.startswith("/library/metadata/")
    assert item.rating_key in asked.removeprefix("/library/metadata/").split(",")
    assert labels(home, title) == [{"rosa"}]


async def test_title_is_found_by_whatever_id_it_was_announced_with(home: Home) -> None:
    title = home.spare(in_plex=False)
    home.wish("rosa", title)
    await synced(home)
    home.plex.state.add_item(title)
    for ids in ({f"tmdb:{title.tmdb}"}, {f"imdb:{title.imdb}"}, {f"plex:{title.key}"}):
        announced = replace(title_of(title), name="As Radarr calls it", ids=frozenset(ids))
        run = await home.sync(kind=RunKind.LIVE, titles=(announced,))
        assert run.looks[0].outcome is Outcome.SETTLED
        assert run.looks[0].title == announced
    assert labels(home, title) == [{"rosa"}]


# What comes of it


async def test_only_the_title_that_was_asked_for_is_labelled(home: Home) -> None:
    await synced(home)
    title, other = home.spare("movie"), home.spare("show")
    home.wish("rosa", title)
    home.wish("rosa", other)
    run = await home.look(title, newer_than=home.clock.now)
    assert len(run.changes) == 1
    assert "rosa" in labels(home, title)[0]
    assert "rosa" not in labels(home, other)[0]


async def test_title_that_nobody_wants_costs_next_to_nothing(home: Home) -> None:
    await synced(home)
    run = await home.look(home.spare())
    (look,) = run.looks
    assert (look.outcome, look.people, look.rating_keys) == (Outcome.NOT_WANTED, (), frozenset())
    assert run.changes == ()
    assert home.plex.stats.total == 1


async def test_title_that_plex_does_not_have_yet_waits(home: Home) -> None:
    title = home.spare(in_plex=False)
    home.wish("rosa", title)
    await synced(home)
    run = await home.look(title)
    (look,) = run.looks
    assert (look.outcome, look.rating_keys) == (Outcome.NOT_IN_PLEX, frozenset())
    assert [person.username for person in look.people] == ["rosa"]
    assert (run.status, run.not_in_plex, home.plex.stats.puts) == (RunStatus.DONE, 1, 0)


async def test_title_announced_without_ids_cannot_be_found(home: Home) -> None:
    await synced(home)
    unknown = Title(title_of(home.spare()).type, "New", frozenset())
    run = await home.sync(kind=RunKind.LIVE, titles=(unknown,))
    assert run.looks[0].outcome is Outcome.NO_IDS


async def test_label_that_plex_did_not_take_is_told(home: Home) -> None:
    title, other = home.spare("movie"), home.spare("show")
    home.wish("rosa", title)
    home.wish("rosa", other)
    home.plex.knobs = PlexKnobs(settle=60)
    run = await home.look(title, other)
    assert [look.outcome for look in run.looks] == [Outcome.NOT_WRITTEN] * 2
    assert [look.title for look in run.looks] == [title_of(title), title_of(other)]


async def test_title_that_has_its_labels_is_settled_without_an_edit(home: Home) -> None:
    title = home.spare()
    home.wish("rosa", title)
    await synced(home)
    run = await home.look(title)
    assert (run.looks[0].outcome, run.changes) == (Outcome.SETTLED, ())
    assert home.plex.stats.puts == 0


async def test_live_run_takes_nothing_off_and_forgets_nothing(home: Home) -> None:
    title, other = home.spare("movie"), home.spare("show")
    (item,) = home.plex.state.items_of(title)
    home.wish("rosa", title)
    home.wish("rosa", other)
    await synced(home)
    home.plex.state.add_label(item.rating_key, "Kids")
    home.plex.state.delete_item(home.plex.state.items_of(other)[0].rating_key)
    home.settings = SyncSettings(preserve_existing_labels=False)
    rows = {row.key for row in home.recorder.ledger}
    run = await home.look(title, other)
    assert run.removed == 0
    assert {row.key for row in home.recorder.ledger} == rows
    assert run.vanished == 0
    assert home.labels[item.rating_key] >= {"rosa", "kids"}


async def test_look_that_fails_says_which_server_failed(home: Home) -> None:
    title = home.spare()
    home.wish("rosa", title)
    await synced(home)
    home.plex.faults.add(Fault("busy", route=LISTING_ROUTE, times=None))
    run = await home.look(title)
    assert run.status is RunStatus.PARTIAL
    assert {gap.failure for gap in run.gaps} == {Failure.BUSY}
    assert [look.outcome for look in run.looks] == [Outcome.NOT_IN_PLEX]  # it is looked for again
    home.pulsarr.faults.add(Fault("drop", times=None))
    home.clock.now += FRESH + 1
    run = await home.look(title)
    assert (run.status, run.looks) == (RunStatus.FAILED, ())
    assert run.error is not None
    assert run.error.service.value == "pulsarr"


async def test_label_filter_that_is_ignored_is_a_gap_of_a_look(home: Home) -> None:
    title = home.spare()
    home.wish("rosa", title)
    await synced(home)
    home.plex.knobs = PlexKnobs(label_filter_broken=True)
    before = home.labels
    run = await home.look(title)
    assert (run.status, run.changes) == (RunStatus.PARTIAL, ())
    assert {gap.failure for gap in run.gaps} == {Failure.IMPLAUSIBLE}
    assert home.labels == before


async def test_dry_look_writes_nothing(home: Home) -> None:
    title = home.spare()
    home.wish("rosa", title)
    run = await home.look(title, dry_run=True)
    assert len(run.changes) == 1
    assert home.plex.stats.puts == 0
    assert home.recorder.begun == []


# What it may cost


async def test_many_waiting_titles_cost_no_more_than_a_few_lookups() -> None:
    async with household(movies=120, shows=0, missing=0.5, wishes_missing=45) as home:
        missing = home.world.missing()
        assert len(missing) * MOVIE_LIBRARIES > 2 * LOOKUPS_MAX
        await synced(home)
        asked: set[str] = set()
        waiting: set[Title] = set()
        for _ in range(5):
            home.plex.stats.reset()
            run = await home.look(*missing, thorough=False)
            waiting = {look.title for look in run.looks if look.outcome is Outcome.NOT_IN_PLEX}
            assert len(waiting) * MOVIE_LIBRARIES > 3 * LOOKUPS_MAX
            assert len(lookups(home)) == LOOKUPS_MAX
            assert home.plex.stats.total <= 1 + MOVIE_LIBRARIES + LOOKUPS_MAX
            asked.update(f"plex:{key}" for key in lookups(home))
        # Other ones each time, so that none waits for ever.
        assert asked == {key for title in waiting for key in title.plex_ids}


async def test_many_titles_that_may_be_old_are_found_by_listing(home: Home) -> None:
    await synced(home)
    titles = []
    for _ in range(LOOKUPS_MAX // MOVIE_LIBRARIES + 1):
        titles.append(home.spare())
        home.wish("rosa", titles[-1])
    run = await home.look(*titles, newer_than=home.clock.now)
    assert {look.outcome for look in run.looks} == {Outcome.SETTLED}
    assert lookups(home) == []
    assert listings(home) == MOVIE_LIBRARIES


async def test_few_titles_that_may_be_old_are_looked_up_once_each(home: Home) -> None:
    titles = []
    for _ in range(3):
        titles.append(home.spare(in_plex=True))
        home.wish("rosa", titles[-1])
        for item in home.plex.state.items_of(titles[-1]):
            home.plex.state.delete_item(item.rating_key)
    await synced(home)
    await home.look(*titles)
    assert sorted(lookups(home)) == sorted([title.key for title in titles] * MOVIE_LIBRARIES)


# How fresh the watchlists are


async def test_fresh_watchlists_are_used_again_for_titles_that_are_on_one(home: Home) -> None:
    title = home.spare()
    home.wish("rosa", title)
    await synced(home)
    home.clock.now += FRESH - 1
    await home.look(title)
    assert home.pulsarr.stats.total == 0
    home.clock.now += 2
    await home.look(title)
    assert home.pulsarr.stats.total == 1 + len(home.people)


async def test_watchlists_are_read_at_once_for_an_announced_title_that_nobody_seems_to_want(
    home: Home,
) -> None:
    title, other = home.spare(), home.spare("show")
    await synced(home)
    home.wish("rosa", title)
    home.clock.now += 1
    assert (await home.look(title)).looks[0].outcome is Outcome.NOT_WANTED
    assert home.pulsarr.stats.total == 0
    run = await home.look(title, heard_at=home.clock.now)
    assert run.looks[0].outcome is Outcome.SETTLED
    all_lists = 1 + len(home.people)
    assert home.pulsarr.stats.total == all_lists
    # Of many such titles not each has them read again.
    home.wish("rosa", other)
    home.clock.now += FRESH_UNKNOWN - 1
    run = await home.look(other, heard_at=home.clock.now)
    assert run.looks[0].outcome is Outcome.NOT_WANTED
    assert home.pulsarr.stats.total == all_lists
    home.clock.now += 1
    run = await home.look(other, heard_at=home.clock.now)
    assert run.looks[0].outcome is Outcome.SETTLED
    assert home.pulsarr.stats.total == 2 * all_lists


async def test_watchlists_older_than_the_news_are_read_again(home: Home) -> None:
    title = home.spare()
    await synced(home)
    home.wish("rosa", title)
    home.clock.now += 1
    run = await home.look(title, newer_than=home.clock.now)
    assert run.looks[0].outcome is Outcome.SETTLED
    read_at = home.clock.now
    assert home.engine.watchlists is not None
    assert home.engine.watchlists.read_at == read_at


async def test_full_sync_always_reads_the_watchlists(home: Home) -> None:
    await synced(home)
    await home.sync()
    assert home.pulsarr.stats.total == 1 + len(home.people)


async def test_first_look_reads_the_watchlists(home: Home) -> None:
    await home.look(home.spare())
    assert home.pulsarr.stats.total == 1 + len(home.people)
    assert home.plex.stats.count("GET", LABEL_ROUTE) == 0


async def test_look_for_no_titles_is_not_one_for_everything(home: Home) -> None:
    await synced(home)
    home.wish("rosa", home.spare())
    run = await home.look()
    assert (run.looks, run.changes, run.titles) == ((), (), 0)
    assert home.plex.stats.total == 1
