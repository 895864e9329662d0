"""Users and watchlists as the simulated Pulsarr tells them."""

from __future__ import annotations

import pytest

from simulators.pulsarr import PulsarrState, UnknownUserError
from tests.simulators.pulsarr_fixtures import MOVIE, OTHER_MOVIE, SHOW, pulsarr

pytestmark = pytest.mark.usefixtures("socket_enabled")

LIST = "/v1/users/users/list"


def ha_env() -> PulsarrState:
    state = PulsarrState()
    rosa = state.add_user("rosa", alias="Rosa", display_name="Rosa R.", primary=True)
    state.add_user("tim", notify=False, can_sync=False)
    state.want(rosa.id, MOVIE)
    state.want(rosa.id, SHOW, key=None, thumb=None, added=None)
    return state


async def test_user_list_has_every_user_even_those_without_sync() -> None:
    async with pulsarr(ha_env()) as peer:
        answer = (await peer.get(LIST)).json
    assert answer["success"] is True
    rosa, tim = answer["users"]
    assert (rosa["id"], rosa["name"], rosa["alias"], rosa["display_name"]) == (
        1,
        "rosa",
        "Rosa",
        "Rosa R.",
    )
    assert (rosa["is_primary_token"], tim["is_primary_token"]) == (True, False)
    assert (tim["can_sync"], tim["alias"], tim["notify_plex_mobile"]) == (False, None, False)
    assert "watchlist_count" not in rosa


async def test_list_with_counts_adds_the_size_of_each_watchlist() -> None:
    async with pulsarr(ha_env()) as peer:
        users = (await peer.get(f"{LIST}/with-counts")).json["users"]
    assert [user["watchlist_count"] for user in users] == [2, 0]


async def test_version_without_counts_route_answers_404() -> None:
    async with pulsarr(ha_env(), with_counts_route=False) as peer:
        assert (await peer.get(f"{LIST}/with-counts")).status == 404
        assert (await peer.get(LIST)).status == 200


async def test_list_routes_without_the_doubled_segment_do_not_exist() -> None:
    async with pulsarr(ha_env()) as peer:
        assert (await peer.get("/v1/users/list")).status == 404
        assert (await peer.get("/v1/users/users/1/watchlist")).status == 404


@pytest.mark.parametrize(
    ("version", "absent", "there"),
    [
        ("newest", {"notify_tautulli"}, {"notify_digest_mode", "display_name", "plex_uuid"}),
        ("late_2025", {"notify_digest_mode"}, {"display_name", "is_primary_token"}),
        (
            "oldest",
            {"display_name", "is_primary_token", "plex_uuid", "avatar", "notify_plex_mobile"},
            {"notify_tautulli", "tautulli_notifier_id"},
        ),
    ],
)
async def test_user_fields_depend_on_the_version(
    version: str, absent: set[str], there: set[str]
) -> None:
    async with pulsarr(ha_env(), user_fields=version) as peer:
        user = (await peer.get(LIST)).json["users"][0]
    assert not absent & set(user)
    assert there <= set(user)
    assert {"id", "name"} <= set(user)


async def test_display_names_can_be_absent() -> None:
    async with pulsarr(ha_env(), display_names=False) as peer:
        assert "display_name" not in (await peer.get(LIST)).json["users"][0]


async def test_watchlist_is_the_whole_list_in_one_answer() -> None:
    async with pulsarr(ha_env()) as peer:
        answer = (await peer.get("/v1/users/1/watchlist")).json
    assert answer["data"]["user"] == {"id": 1, "name": "rosa"}
    assert answer["data"]["total"] == len(answer["data"]["watchlistItems"]) == 2
    movie, show = answer["data"]["watchlistItems"]
    assert set(movie) == {"title", "key", "type", "thumb", "guids", "genres", "status", "added"}
    assert (movie["title"], movie["key"], movie["type"]) == (MOVIE.title, MOVIE.key, "movie")
    assert movie["guids"] == list(MOVIE.guids)
    assert (show["key"], show["thumb"], show["added"], show["type"]) == ("", None, None, "show")


async def test_fresh_item_has_empty_guids_and_odd_type_spelling_is_kept() -> None:
    state = ha_env()
    state.want(1, OTHER_MOVIE, guids=(), type="Movie", status="pending")
    async with pulsarr(state) as peer:
        item = (await peer.get("/v1/users/1/watchlist")).json["data"]["watchlistItems"][-1]
    assert (item["guids"], item["type"], item["status"]) == ([], "Movie", "pending")
    assert item["key"] == OTHER_MOVIE.key


@pytest.mark.parametrize("who", ["99", "0", "me", "-1"])
async def test_unknown_user_is_404_whatever_the_id_looks_like(who: str) -> None:
    async with pulsarr(ha_env()) as peer:
        answer = await peer.get(f"/v1/users/{who}/watchlist")
    assert (answer.status, answer.json["error"]) == (404, "Not Found")


@pytest.mark.parametrize("guids", [[949], [None], ["tmdb:949", 949]])
async def test_row_that_does_not_fit_makes_that_watchlist_a_lasting_error(
    guids: list[object],
) -> None:
    state = ha_env()
    state.want(1, OTHER_MOVIE, guids=guids)
    async with pulsarr(state) as peer:
        for _ in range(3):
            answer = await peer.get("/v1/users/1/watchlist")
            assert answer.status == 500
            assert answer.json == {
                "statusCode": 500,
                "error": "Internal Server Error",
                "message": "Internal Server Error",
            }
        assert (await peer.get("/v1/users/2/watchlist")).status == 200
        assert (await peer.get(f"{LIST}/with-counts")).status == 200
        state.unwant(1, OTHER_MOVIE)
        assert (await peer.get("/v1/users/1/watchlist")).status == 200


async def test_user_row_that_does_not_fit_makes_the_user_list_a_lasting_error() -> None:
    state = ha_env()
    state.change_user(2, created_at=None)
    async with pulsarr(state) as peer:
        for path in (LIST, f"{LIST}/with-counts"):
            assert (await peer.get(path)).status == 500
        assert (await peer.get("/v1/users/1/watchlist")).status == 200


async def test_unwanted_title_is_gone_and_removed_user_too() -> None:
    async with pulsarr(ha_env()) as peer:
        assert peer.state.unwant(1, MOVIE) is not None
        assert peer.state.unwant(1, MOVIE) is None
        items = (await peer.get("/v1/users/1/watchlist")).json["data"]["watchlistItems"]
        assert [item["title"] for item in items] == [SHOW.title]
        peer.state.remove_user(1)
        assert (await peer.get("/v1/users/1/watchlist")).status == 404
        assert [user["name"] for user in (await peer.get(LIST)).json["users"]] == ["tim"]


def test_rename_keeps_the_id_and_does_not_take_a_name_that_is_held() -> None:
    state = ha_env()
    assert state.rename(2, "timothy").name == "timothy"
    assert state.rename(2, "rosa").name == "timothy"
    assert state.rename(2, "Rosa").name == "Rosa"
    assert [user.id for user in state.users()] == [1, 2]


def test_rename_in_an_older_version_is_a_new_user_with_the_same_account() -> None:
    state = ha_env()
    old = state.user(1)
    new = state.rename_as_new(1, "rosalie")
    assert (new.id, new.name, new.plex_uuid) == (3, "rosalie", old.plex_uuid)
    assert state.watchlist(new.id) == ()
    assert [user.id for user in state.users()] == [2, 3]


def test_ids_are_never_given_twice() -> None:
    state = ha_env()
    state.remove_user(2)
    assert state.add_user("new").id == 3
    with pytest.raises(ValueError, match="taken"):
        state.add_user("again", id=3)


@pytest.mark.parametrize("who", ["rosa", "Rosa", "ROSA R.", "1", 1])
def test_user_is_found_by_any_name_or_id(who: str | int) -> None:
    assert ha_env().find_user(who).id == 1


def test_no_one_is_found_by_an_unknown_name() -> None:
    with pytest.raises(UnknownUserError):
        ha_env().find_user("nobody")


def test_exact_name_wins_over_a_name_in_another_case() -> None:
    state = PulsarrState()
    state.add_user("rosa")
    second = state.add_user("Rosa")
    assert state.find_user("Rosa") == second


async def test_knob_makes_a_wellformed_empty_user_list() -> None:
    async with pulsarr(ha_env(), empty_users=True) as peer:
        assert (await peer.get(LIST)).json["users"] == []
        peer.sim.knobs.empty_users = False
        assert len((await peer.get(LIST)).json["users"]) == 2


async def test_knob_makes_wellformed_empty_watchlists() -> None:
    async with pulsarr(ha_env(), empty_watchlists=True) as peer:
        answer = (await peer.get("/v1/users/1/watchlist")).json
    assert (answer["success"], answer["data"]["total"]) == (True, 0)
