"""The invented ha_env and village: both servers fit together, and the same seed makes the same world."""

from __future__ import annotations

from collections import Counter
import time
from typing import TYPE_CHECKING

import pytest

from simulators.pulsarr import PulsarrKnobs
from simulators.pulsarr.payloads import endpoint_json, entry_json, user_json
from simulators.world import ODD_EVERY, WANTED_SHARE, World, make_world

if TYPE_CHECKING:
    from simulators.pulsarr import PulsarrState


def picture(world: World) -> object:
    """Everything that Pulsarr would tell, and what Plex holds."""
    state, knobs = world.pulsarr, PulsarrKnobs()
    return (
        world.catalog,
        [user_json(user, knobs) for user in state.users()],
        [entry_json(entry) for entry in state.entries()],
        [endpoint_json(endpoint) for endpoint in state.endpoints.values()],
        [(item.rating_key, item.guid, item.labels) for item in world.plex.items.values()],
    )


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def test_same_seed_makes_the_same_world_and_another_seed_another() -> None:
    first, again, other = (picture(make_world(seed, 40, 15)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_default_world_is_a_household_of_six_with_a_real_library(world: World) -> None:
    assert len(world.catalog) == 380
    assert [user.name for user in world.pulsarr.users()][:2] == ["rosa", "tim"]
    assert len(world.pulsarr.users()) == 6
    assert [user.primary for user in world.pulsarr.users()] == [True] + [False] * 5


def test_household_has_an_umlaut_an_alias_a_silent_and_an_unsynced_person(world: World) -> None:
    users = world.pulsarr.users()
    assert any(not user.name.isascii() for user in users)
    assert {user.alias is None for user in users} == {True, False}
    assert [user.has_channel for user in users].count(False) == 1
    assert [user.can_sync for user in users].count(False) == 1
    assert len({user.name.casefold() for user in users}) == 6


def test_larger_worlds_have_names_with_comma_ampersand_percent_and_emoji() -> None:
    users = make_world(1, 30, 10, people=200).pulsarr.users()
    names = "".join(user.name for user in users)
    assert {",", "&", "%", "🍿"} <= set(names)
    assert len({user.name for user in users}) == len(users) == 200


def test_awkward_world_has_names_that_differ_by_case_only() -> None:
    names = [user.name for user in make_world(1, 60, 20, people=10, awkward=True).pulsarr.users()]
    assert len(set(names)) == len(names) == 10
    assert len({name.casefold() for name in names}) < len(names)


def test_everyone_wants_something_and_people_share_titles(world: World) -> None:
    state = world.pulsarr
    assert all(state.watchlist_count(user.id) for user in state.users())
    fans = Counter(entry.catalog_key for entry in state.entries())
    assert max(fans.values()) >= 3
    assert min(fans.values()) == 1


def test_about_a_tenth_of_the_library_is_wanted_and_some_of_it_is_missing(world: World) -> None:
    missing = world.missing()
    present = [title for title in world.wanted() if title not in missing]
    in_plex = len(world.catalog) - len(world.plex.missing())
    assert len(present) == round(in_plex * WANTED_SHARE)
    assert len(missing) >= 3
    assert all(not world.plex.items_of(title, identified=False) for title in missing)
    assert all(world.plex.items_of(title, identified=False) for title in present)


def test_both_types_are_wanted(world: World) -> None:
    assert {title.type for title in world.wanted()} == {"movie", "show"}


def test_a_few_watchlist_entries_lack_ids_or_key_but_never_both(world: World) -> None:
    entries = list(world.pulsarr.entries())
    without_guids = [entry for entry in entries if not entry.guids]
    without_key = [entry for entry in entries if not entry.key]
    assert without_guids
    assert without_key
    assert not {entry.id for entry in without_guids} & {entry.id for entry in without_key}
    assert len(without_guids) + len(without_key) < len(entries) * 4 / ODD_EVERY


def test_status_of_a_watchlist_entry_fits_plex_and_the_persons_channels(world: World) -> None:
    missing = {title.key for title in world.missing()}
    for entry in world.pulsarr.entries():
        if entry.catalog_key in missing:
            assert entry.status == "requested"
        elif world.pulsarr.user(entry.user_id).has_channel:
            assert entry.status == "notified"
        else:
            assert entry.status == "grabbed"


def test_watchlist_entry_ids_and_keys_are_those_of_the_catalog(world: World) -> None:
    known = {title.key: title for title in world.catalog}
    for entry in world.pulsarr.entries():
        title = known[entry.catalog_key]
        assert entry.guids in ((), title.guids)
        assert entry.key in ("", title.key)
        assert (entry.kind, entry.title) == (title.type, title.title)


@pytest.mark.parametrize(
    ("entries", "missing", "people"), [(0, 0, 3), (5, 0, 1), (7, 2, 4), (10_000, 10_000, 2)]
)
def test_numbers_can_be_chosen(entries: int, missing: int, people: int) -> None:
    world = make_world(2, 60, 20, people, wanted_in_plex=entries, wanted_missing=missing)
    lacking = len(world.plex.missing())
    assert len(world.missing()) == min(missing, lacking)
    assert len(world.wanted()) == min(entries, 80 - lacking) + min(missing, lacking)


def test_world_without_people_wants_nothing() -> None:
    world = make_world(1, 20, 5, 0)
    assert (world.wanted(), world.pulsarr.users()) == ((), ())


def test_plex_options_reach_the_library() -> None:
    world = make_world(1, 30, 10, missing=0.0, foreign_labels=False, uhd_library=False)
    assert world.plex.missing() == []
    assert set(world.plex.libraries) == {"1", "2"}
    assert not any(item.labels for item in world.plex.items.values())


def test_clock_runs_once_the_past_is_written(world: World) -> None:
    def fresh(state: PulsarrState) -> str:
        return state.add_user("late guest").created_at or ""

    assert fresh(make_world(1, 10, 4).pulsarr) > (world.pulsarr.users()[0].created_at or "")


def test_village_with_a_hundred_thousand_titles_is_made_in_seconds() -> None:
    started = time.process_time()
    world = make_world(1, 80_000, 20_000, people=200)
    assert time.process_time() - started < 20
    assert len(world.pulsarr.users()) == 200
    assert len(world.wanted()) > 9_000
