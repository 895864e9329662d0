"""Whether two sets of ids mean the same movie or show."""

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.title_ids import EXTERNAL, agree, external, same

from .builders import ids

some_ids = st.frozensets(ids, max_size=6)


@pytest.mark.parametrize(
    ("some", "others", "expected"),
    [
        ("", "", None),
        ("tmdb:1", "imdb:tt1", None),  # nothing can be compared
        ("plex:a", "tmdb:1", None),
        ("tmdb:1", "tmdb:1", True),
        ("tmdb:1", "tmdb:2", False),
        ("plex:a", "plex:a", True),
        ("plex:a imdb:tt1", "plex:a imdb:tt2", True),  # a number that was corrected
        ("plex:a", "plex:b", False),
        ("plex:a tmdb:1", "plex:b", False),  # nothing says that it got a new key
        ("plex:a tmdb:1 imdb:tt1", "plex:b tmdb:1 imdb:tt1", True),  # a new key
        ("plex:a tmdb:1 imdb:tt1", "plex:b tmdb:1 imdb:tt2", False),
        ("imdb:tt1 tvdb:7", "imdb:tt2 tvdb:7", False),  # the stronger one contradicts
        ("imdb:tt1 tvdb:7", "imdb:tt1 tvdb:8", True),
        ("tmdb:1 tvdb:7", "tmdb:2 tvdb:7", False),
        ("imdb:tt1 imdb:tt2", "imdb:tt2 imdb:tt3", True),  # an anthology
        ("plex:a tvdb:7", "tvdb:7 tmdb:1", True),
    ],
)
def test_ids_agree_unless_a_stronger_one_contradicts(
    some: str, others: str, expected: bool | None
) -> None:
    one, other = frozenset(some.split()), frozenset(others.split())
    assert agree(one, other) is expected
    assert same(one, other) is (expected is True)


@given(some_ids, some_ids)
def test_it_does_not_matter_which_comes_first(some: frozenset[str], others: frozenset[str]) -> None:
    assert agree(some, others) is agree(others, some)


@given(some_ids)
def test_everything_with_an_id_is_the_same_as_itself(some: frozenset[str]) -> None:
    assert same(some, some) is bool(some)


@given(some_ids, some_ids)
def test_what_shares_no_id_is_never_the_same(some: frozenset[str], others: frozenset[str]) -> None:
    if some.isdisjoint(others):
        assert not same(some, others)


@given(some_ids, some_ids)
def test_contradiction_of_the_strongest_external_id_is_beaten_by_plex_alone(
    some: frozenset[str], others: frozenset[str]
) -> None:
    for provider in EXTERNAL:
        own_ids = {one for one in some if one.startswith(provider)}
        other_ids = {one for one in others if one.startswith(provider)}
        if own_ids and other_ids:
            if own_ids.isdisjoint(other_ids) and same(some, others):
                assert any(one.startswith("plex:") for one in some & others)
            break


@given(some_ids)
def test_external_ids_are_all_but_those_of_plex(some: frozenset[str]) -> None:
    assert external(some) == {one for one in some if not one.startswith("plex:")}
