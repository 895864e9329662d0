"""The invented catalog."""

from __future__ import annotations

from collections import Counter
import re

from hypothesis import given, settings, strategies as st

from simulators.catalog import make_catalog

CATALOG = make_catalog(5, 1500, 900)


def test_same_seed_gives_the_same_catalog_and_another_seed_another() -> None:
    assert make_catalog(5, 1500, 900) == CATALOG
    assert make_catalog(6, 20, 0) != make_catalog(7, 20, 0)


@given(movies=st.integers(0, 60), shows=st.integers(0, 60), seed=st.integers(0, 10**6))
@settings(max_examples=25)
def test_there_are_as_many_as_asked_films_first(movies: int, shows: int, seed: int) -> None:
    catalog = make_catalog(seed, movies, shows)
    assert [title.type for title in catalog] == ["movie"] * movies + ["show"] * shows


def test_titles_and_keys_are_unique_and_ids_are_unique_within_their_type() -> None:
    assert len({title.title.casefold() for title in CATALOG}) == len(CATALOG)
    assert len({title.key for title in CATALOG}) == len(CATALOG)
    for field in ("imdb", "tmdb", "tvdb"):
        seen = Counter((title.type, getattr(title, field)) for title in CATALOG)
        doubles = [what for what, count in seen.items() if count > 1 and what[1] is not None]
        assert doubles == []


def test_ids_look_like_the_real_ones() -> None:
    for title in CATALOG:
        assert re.fullmatch(r"[0-9a-f]{24}", title.key)
        assert re.fullmatch(r"tt\d{7,8}", title.imdb)
        assert title.plex_guid == f"plex://{title.type}/{title.key}"
        assert title.guids[:2] == (f"imdb:{title.imdb}", f"tmdb:{title.tmdb}")
        assert title.guids[2:] == (() if title.tvdb is None else (f"tvdb:{title.tvdb}",))


def test_shows_always_and_films_sometimes_have_a_tvdb_number() -> None:
    films = [title.tvdb is not None for title in CATALOG if title.type == "movie"]
    assert any(films)
    assert not all(films)
    assert all(title.tvdb for title in CATALOG if title.type == "show")


def test_now_and_then_a_show_has_the_tmdb_number_of_a_film_on_purpose() -> None:
    shared = 0
    for seed in range(10):  # too few titles for the numbers to meet by chance
        catalog = make_catalog(seed, 40, 40)
        films = {title.tmdb for title in catalog if title.type == "movie"}
        shared += sum(title.tmdb in films for title in catalog if title.type == "show")
    assert 5 < shared < 60


def test_titles_have_what_breaks_naive_code() -> None:
    text = "".join(title.title for title in CATALOG)
    assert all(sign in text for sign in "ü,%&'+:?")
