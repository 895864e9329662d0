"""The Radarr and Sonarr payloads that the simulator can post."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given, strategies as st
import pytest

from simulators.pulsarr import arr
from tests.simulators.pulsarr_fixtures import MOVIE, SHOW, pulsarr, titles

if TYPE_CHECKING:
    from simulators.catalog import CatalogTitle

movies, shows = st.sampled_from(titles("movie")), st.sampled_from(titles("show"))


@given(movies, st.booleans(), st.booleans())
def test_radarr_download_names_the_movie_by_tmdb(
    title: CatalogTitle, upgrade: bool, imdb: bool
) -> None:
    payload = arr.radarr_download(title, upgrade=upgrade, imdb=imdb)
    assert (payload["eventType"], payload["isUpgrade"]) == ("Download", upgrade)
    assert (payload["movie"]["tmdbId"], payload["movie"]["year"]) == (title.tmdb, title.year)
    assert ("imdbId" in payload["movie"]) == imdb
    assert ("deletedFiles" in payload) == upgrade
    assert "series" not in payload
    assert json.loads(json.dumps(payload)) == payload


@given(shows, st.integers(0, 20), st.lists(st.integers(1, 30), min_size=1, max_size=5, unique=True))
def test_sonarr_download_names_the_show_by_tvdb_and_lists_its_episodes(
    title: CatalogTitle, season: int, episodes: list[int]
) -> None:
    payload = arr.sonarr_download(title, season, episodes)
    assert payload["series"]["tvdbId"] == title.tvdb
    assert [(row["seasonNumber"], row["episodeNumber"]) for row in payload["episodes"]] == [
        (season, number) for number in episodes
    ]
    assert {"episodeFile", "isUpgrade"} <= set(payload)
    assert "movie" not in payload


def test_sonarr_import_complete_lists_files_instead_of_one() -> None:
    payload = arr.sonarr_download(SHOW, 2, [1, 2, 3], complete=True)
    assert (len(payload["episodeFiles"]), payload["fileCount"]) == (3, 3)
    assert payload["release"]["releaseType"] == "seasonPack"
    assert "episodeFile" not in payload
    assert "isUpgrade" not in payload


def test_old_arrs_leave_tags_out_or_send_numbers() -> None:
    assert "tags" not in arr.radarr_download(MOVIE, tags=None)["movie"]
    assert arr.sonarr_download(SHOW, tags=[3, "4"])["series"]["tags"] == [3, "4"]


def test_test_payloads_carry_dummy_ids() -> None:
    assert arr.radarr_test()["movie"]["tmdbId"] == 0
    assert arr.sonarr_test()["series"]["tvdbId"] == 1234
    assert {arr.radarr_test()["eventType"], arr.sonarr_test()["eventType"]} == {"Test"}


def test_other_events_carry_their_object_or_none() -> None:
    grab = arr.radarr_event("Grab", MOVIE, release={"quality": "x"})
    assert (grab["eventType"], grab["movie"]["tmdbId"], grab["release"]["quality"]) == (
        "Grab",
        MOVIE.tmdb,
        "x",
    )
    assert arr.sonarr_event("SeriesDelete", SHOW)["series"]["tvdbId"] == SHOW.tvdb
    health = arr.arr_notice("HealthRestored", instance=arr.SONARR)
    assert (health["instanceName"], "movie" in health, "series" in health) == (
        "Sonarr",
        False,
        False,
    )


@pytest.mark.usefixtures("socket_enabled")
async def test_payload_is_posted_to_any_address() -> None:
    async with pulsarr() as peer:
        url = f"{peer.sim.url}/v1/nothing"
        assert await peer.sim.post_arr(url, arr.radarr_test()) == 401
