"""When the simulated Pulsarr sends an event, and when it keeps silent."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from simulators.pulsarr import PulsarrState
from tests.simulators.pulsarr_fixtures import (
    MOVIE,
    OTHER_MOVIE,
    SHOW,
    Json,
    Pulsarr,
    Receiver,
    pulsarr,
    receiver,
)
from tests.simulators.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from simulators.catalog import CatalogTitle

pytestmark = pytest.mark.usefixtures("socket_enabled")

ROSA, TIM, SILENT, UNSYNCED = 1, 2, 3, 4


def people() -> PulsarrState:
    state = PulsarrState()
    state.add_user("rosa", alias="Rosa")
    state.add_user("tim")
    state.add_user("silent", notify=False)
    state.add_user("unsynced", can_sync=False)
    return state


@asynccontextmanager
async def subscribed(*events: str, **knobs: Json) -> AsyncIterator[tuple[Pulsarr, Receiver]]:
    """A Pulsarr with four people and a receiver for these events (all by default)."""
    async with pulsarr(people(), **knobs) as peer, receiver() as target:
        await peer.register(target.url, *events)
        yield peer, target


def listed(target: Receiver) -> list[int]:
    """The user ids in the last media.available."""
    return [row["userId"] for row in target.bodies[-1]["data"]["watchlistedBy"]]


# --- watchlists and users ---


async def test_watchlist_entry_is_stored_and_announced() -> None:
    async with subscribed() as (peer, target):
        await peer.sim.want(ROSA, MOVIE)
        items = (await peer.get(f"/v1/users/{ROSA}/watchlist")).json["data"]["watchlistItems"]
    assert [item["key"] for item in items] == [MOVIE.key]
    assert target.events == ["watchlist.added"]
    data = target.bodies[0]["data"]
    assert data["addedBy"] == {"userId": ROSA, "username": "rosa"}
    assert data["content"]["key"] == MOVIE.key
    assert data["routedTo"][0]["instanceType"] == "radarr"


async def test_watchlist_entry_of_a_user_without_sync_is_silent_but_its_removal_is_not() -> None:
    async with subscribed() as (peer, target):
        await peer.sim.want(UNSYNCED, MOVIE)
        assert target.events == []
        await peer.sim.unwant(UNSYNCED, MOVIE)
        assert target.events == ["watchlist.removed"]
        assert await peer.sim.unwant(UNSYNCED, MOVIE) is None
        assert target.events == ["watchlist.removed"]


async def test_watchlist_entry_that_needs_approval_is_silent() -> None:
    async with subscribed() as (peer, target):
        peer.state.change_user(ROSA, requires_approval=True)
        await peer.sim.want(ROSA, MOVIE)
    assert target.events == []


async def test_watchlist_entry_for_what_the_arr_apps_have_is_silent() -> None:
    async with subscribed() as (peer, target):
        await peer.sim.want(ROSA, MOVIE)
        await peer.sim.want(TIM, MOVIE)
        await peer.sim.announce(OTHER_MOVIE)
        await peer.sim.want(TIM, OTHER_MOVIE)
        items = (await peer.get(f"/v1/users/{TIM}/watchlist")).json["data"]["watchlistItems"]
    assert target.events == ["watchlist.added"]
    assert [item["key"] for item in items] == [MOVIE.key, OTHER_MOVIE.key]


async def test_watchlist_entry_is_not_reported_again_for_the_same_text() -> None:
    async with subscribed("watchlist.added") as (peer, target):
        twin = replace(OTHER_MOVIE, title=MOVIE.title)
        await peer.sim.want(ROSA, MOVIE)
        await peer.sim.unwant(ROSA, MOVIE)
        peer.state.in_arrs.clear()
        for title in (MOVIE, twin):
            await peer.sim.want(ROSA, title)
        assert len(target.events) == 1
        peer.state.in_arrs.clear()
        await peer.sim.want(TIM, MOVIE)
    assert len(target.events) == 2


@pytest.mark.parametrize(
    ("title", "guids"), [(MOVIE, ["imdb:tt1"]), (SHOW, ["tmdb:1", "imdb:tt1"]), (MOVIE, [])]
)
async def test_watchlist_entry_without_the_id_that_the_arr_app_needs_is_silent(
    title: CatalogTitle, guids: list[str]
) -> None:
    async with subscribed() as (peer, target):
        await peer.sim.want(ROSA, title, guids=guids)
    assert target.events == []


async def test_watchlist_entry_without_a_picture_is_silent() -> None:
    async with subscribed() as (peer, target):
        await peer.sim.want(ROSA, MOVIE, thumb=None)
    assert target.events == []


async def test_force_announces_a_watchlist_entry_whatever_the_rules_say_and_the_key_is_never_null() -> (
    None
):
    async with subscribed() as (peer, target):
        peer.state.in_arrs.add(MOVIE.key)
        await peer.sim.want(UNSYNCED, MOVIE, force=True, key=None)
    assert [body["data"]["content"]["key"] for body in target.bodies] == [""]


async def test_removal_is_found_by_the_reconciliation() -> None:
    async with subscribed("watchlist.removed") as (peer, target):
        for user_id in (ROSA, TIM):
            peer.state.want(user_id, MOVIE)
            peer.sim.leave(user_id, MOVIE)
        await asyncio.sleep(0.02)
        assert target.events == []
        assert await peer.sim.reconcile() == 2
        assert peer.state.watchlist_count(ROSA) == peer.state.watchlist_count(TIM) == 0
        assert await peer.sim.reconcile() == 0
    assert len(target.events) == 2


async def test_title_that_is_wanted_again_in_time_does_not_go() -> None:
    async with subscribed("watchlist.removed") as (peer, target):
        await peer.sim.want(ROSA, MOVIE)
        peer.sim.leave(ROSA, MOVIE)
        await peer.sim.want(ROSA, MOVIE)
        assert await peer.sim.reconcile() == 0
    assert target.events == []


async def test_friend_whom_plex_left_out_goes_with_the_watchlist_and_no_event() -> None:
    async with subscribed() as (peer, target):
        peer.state.want(ROSA, MOVIE)
        await peer.sim.reconcile(left_out=[ROSA])
        assert ROSA not in {user.id for user in peer.state.users()}
    assert target.events == []


async def test_rename_in_an_older_version_is_reported_as_a_new_user() -> None:
    async with subscribed(renames="new_id") as (peer, target):
        old = peer.state.user(ROSA)
        user = await peer.sim.rename(ROSA, "rosalie")
        assert (user.id, user.plex_uuid) == (5, old.plex_uuid)
    assert target.events == ["user.created"]


async def test_new_user_is_announced_but_rename_and_removal_are_not() -> None:
    async with subscribed() as (peer, target):
        user = await peer.sim.add_user("nina", requires_approval=True)
        peer.state.rename(user.id, "nina2")
        peer.state.remove_user(user.id)
        await asyncio.sleep(0.02)
    assert target.events == ["user.created"]
    data = target.bodies[0]["data"]
    assert data["user"] == {"id": user.id, "name": "nina", "alias": None}
    assert (data["canSync"], data["requiresApproval"]) == (True, True)


# --- media.available ---


@pytest.mark.parametrize(("title", "arr"), [(MOVIE, "radarr"), (SHOW, "sonarr")])
async def test_import_is_announced_to_watchers_with_a_channel(
    title: CatalogTitle, arr: str
) -> None:
    async with subscribed("media.available") as (peer, target):
        for user_id in (ROSA, SILENT, TIM):
            peer.state.want(user_id, title)
        assert await peer.sim.announce(title) == 1
        data = target.bodies[0]["data"]
        assert listed(target) == [ROSA, TIM]
        assert (data["instanceType"], data["guids"]) == (arr, list(title.guids))
        assert data["watchlistedBy"][0]["alias"] == "Rosa"
        assert "alias" not in data["watchlistedBy"][1]
        statuses = {
            user_id: peer.state.watchlist(user_id)[0].status for user_id in (ROSA, SILENT, TIM)
        }
        assert statuses == {ROSA: "notified", SILENT: "grabbed", TIM: "notified"}


async def test_import_for_people_without_channels_is_silent() -> None:
    async with subscribed() as (peer, target):
        peer.state.want(SILENT, MOVIE)
        assert await peer.sim.announce(MOVIE) == 0
        assert (target.events, peer.sim.parked) == ([], 0)


async def test_same_import_again_is_silent_and_a_new_watcher_is_notified_of_the_next() -> None:
    async with subscribed() as (peer, target):
        peer.state.want(ROSA, MOVIE)
        assert [await peer.sim.announce(MOVIE) for _ in range(3)] == [1, 0, 0]
        peer.state.want(TIM, MOVIE)
        assert await peer.sim.announce(MOVIE) == 1
        assert listed(target) == [TIM]


async def test_seasons_and_episodes_are_announced_one_by_one() -> None:
    async with subscribed() as (peer, target):
        peer.state.want(ROSA, SHOW)
        counts = [
            await peer.sim.announce(SHOW, season=1),
            await peer.sim.announce(SHOW, season=2, episode=1),
            await peer.sim.announce(SHOW, season=2, episode=2),
            await peer.sim.announce(SHOW, season=2, episode=2),
        ]
    assert counts == [1, 1, 1, 0]
    assert [body["data"]["isBulkRelease"] for body in target.bodies] == [True, False, False]
    assert target.bodies[0]["data"]["episodeDetails"] == {"seasonNumber": 1}
    assert target.bodies[1]["data"]["episodeDetails"]["episodeNumber"] == 1


async def test_item_without_ids_is_not_recognized_when_it_is_imported() -> None:
    async with subscribed() as (peer, target):
        peer.state.want(ROSA, MOVIE, guids=())
        peer.state.want(TIM, MOVIE, guids=(MOVIE.guids[0],))
        assert await peer.sim.announce(MOVIE) == 0
        assert (target.events, peer.sim.parked) == ([], 1)


async def test_import_no_one_wants_is_parked_and_fires_when_someone_does() -> None:
    async with subscribed("media.available", pending_retry_s=0.02) as (peer, target):
        assert await peer.sim.announce(MOVIE) == 0
        assert await peer.sim.announce(MOVIE) == 0
        assert peer.sim.parked == 1
        peer.state.want(ROSA, MOVIE)
        await until(lambda: target.events)
        assert listed(target) == [ROSA]
        await until(lambda: peer.sim.parked == 0)
    assert len(target.events) == 1


async def test_parked_import_is_forgotten_after_its_time() -> None:
    async with subscribed(pending_retry_s=0.02, pending_webhook_max_age_s=0.05) as (peer, target):
        await peer.sim.announce(MOVIE)
        await until(lambda: peer.sim.parked == 0)
        peer.state.want(ROSA, MOVIE)
        await asyncio.sleep(0.05)
    assert target.events == []


async def test_import_of_a_title_that_is_syncing_between_instances_is_swallowed() -> None:
    async with subscribed() as (peer, _):
        peer.state.want(ROSA, MOVIE)
        peer.state.syncing.add(f"tmdb:{MOVIE.tmdb}")
        assert (await peer.sim.announce(MOVIE), peer.sim.parked) == (0, 0)


async def test_without_a_subscriber_nothing_is_sent_yet_people_count_as_notified() -> None:
    async with subscribed("watchlist.added") as (peer, target):
        peer.state.want(ROSA, MOVIE)
        assert await peer.sim.announce(MOVIE) == 0
        await peer.register(target.url, "media.available")
        assert await peer.sim.announce(MOVIE) == 0


async def test_watchers_narrow_who_is_checked() -> None:
    async with subscribed() as (peer, target):
        peer.state.want(ROSA, MOVIE)
        peer.state.want(TIM, MOVIE)
        assert await peer.sim.announce(MOVIE, watchers=[TIM]) == 1
        assert listed(target) == [TIM]


async def test_force_skips_every_rule() -> None:
    async with subscribed() as (peer, target):
        peer.state.want(SILENT, MOVIE)
        assert [await peer.sim.announce(MOVIE, force=True) for _ in range(2)] == [1, 1]
        assert listed(target) == [SILENT]
        assert await peer.sim.announce(SHOW, force=True, season=4) == 1
        assert listed(target) == []
        assert await peer.sim.announce(MOVIE, force=True, watchers=[TIM]) == 1
        assert listed(target) == [TIM]


async def test_movie_and_show_with_the_same_tmdb_number_are_kept_apart() -> None:
    async with subscribed() as (peer, target):
        peer.state.want(TIM, SHOW, guids=(f"tmdb:{MOVIE.tmdb}", f"tvdb:{SHOW.tvdb}"))
        peer.state.want(ROSA, MOVIE)
        await peer.sim.announce(MOVIE)
        assert listed(target) == [ROSA]


async def test_stopping_drops_what_is_parked() -> None:
    async with subscribed() as (peer, _):
        await peer.sim.announce(MOVIE)
        await peer.sim.stop()
        assert peer.sim.parked == 0
