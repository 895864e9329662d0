"""Watchlists merged into wishes, and wishes matched with items."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.model import (
    Item,
    Person,
    SyncSettings,
    Title,
    Watchlists,
)
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.title_ids import same
from custom_components.plex_label_sync.sync.wanted import (
    Matcher,
    Merger,
    TitleIndex,
    WantedTitle,
    labelled_people,
    people_wanting,
    wanted_titles_of,
)

from .builders import (
    ANNA,
    BEN,
    CARL,
    MOVIE,
    SHOW,
    all_watchlists,
    item,
    library_items,
    movie,
    show,
    titles,
    wanted_title,
    watchlists,
)

KEY, OTHER_KEY = "plex:" + "a" * 24, "plex:" + "b" * 24


def found(wanted_titles: Sequence[WantedTitle], items: Iterable[Item]) -> list[set[str]]:
    """Return the rating keys that each wish is matched with."""
    matcher = Matcher(wanted_titles)
    matcher.offer(items)
    return [{one.rating_key for one in matcher.items(index)} for index in range(len(wanted_titles))]


# People


def test_everyone_whose_sync_is_on_gets_labels() -> None:
    off = Person(pulsarr_id(4), "dora", can_sync=False)
    open_env = watchlists({ANNA: (), off: (), BEN: ()})
    assert labelled_people(open_env, SyncSettings()) == (ANNA, BEN)
    assert labelled_people(open_env, SyncSettings(sync_disabled_people=True)) == (ANNA, off, BEN)
    assert labelled_people(open_env, SyncSettings(exclude_people=frozenset({pulsarr_id(1)}))) == (
        BEN,
    )


def test_excluded_person_gets_no_labels_even_when_people_without_sync_do() -> None:
    off = Person(pulsarr_id(4), "dora", can_sync=False)
    settings = SyncSettings(exclude_people=frozenset({pulsarr_id(4)}), sync_disabled_people=True)
    assert labelled_people(watchlists({off: ()}), settings) == ()


# Wishes


def test_title_that_two_people_want_is_one_wanted_title() -> None:
    heat = movie(KEY, "tmdb:949")
    wanted_titles = wanted_titles_of(watchlists({ANNA: (heat,), BEN: (heat,)}), (ANNA, BEN))
    assert wanted_titles == (wanted_title(heat, ANNA, BEN),)


def test_title_listed_twice_by_one_person_names_the_person_once() -> None:
    heat = movie(KEY)
    (only,) = wanted_titles_of(watchlists({ANNA: (heat, heat)}), (ANNA,))
    assert only.people == (ANNA,)


def test_wanted_title_collects_the_ids_that_different_watchlists_know() -> None:
    lists = watchlists({ANNA: (movie(KEY, "tmdb:949"),), BEN: (movie(KEY, "imdb:tt0113277"),)})
    (only,) = wanted_titles_of(lists, (ANNA, BEN))
    assert only.title.ids == {KEY, "tmdb:949", "imdb:tt0113277"}


@pytest.mark.parametrize("keyless_first", [True, False])
def test_title_without_a_key_joins_the_one_with_the_same_external_id(keyless_first: bool) -> None:
    with_key, keyless = movie(KEY, "tmdb:949"), movie("tmdb:949", "tvdb:5")
    lists = (
        {ANNA: (keyless,), BEN: (with_key,)}
        if keyless_first
        else {
            BEN: (with_key,),
            ANNA: (keyless,),
        }
    )
    (only,) = wanted_titles_of(watchlists(lists), lists)
    assert set(only.people) == {ANNA, BEN}
    assert only.title.ids == {KEY, "tmdb:949", "tvdb:5"}


def test_titles_with_different_keys_stay_apart_though_they_share_an_external_id() -> None:
    lists = watchlists({ANNA: (movie(KEY, "tmdb:949"), movie(OTHER_KEY, "tmdb:949"))})
    assert len(wanted_titles_of(lists, (ANNA,))) == 2


def test_titles_that_share_a_weak_id_and_contradict_in_a_stronger_one_are_two_wanted_titles() -> (
    None
):
    lists = watchlists(
        {
            ANNA: (movie(KEY, "imdb:tt1", "tmdb:1", "tvdb:7"),),
            BEN: (movie("imdb:tt2", "tmdb:2", "tvdb:7"),),
        }
    )
    assert [one.people for one in wanted_titles_of(lists, lists.people)] == [(ANNA,), (BEN,)]


def test_movie_and_show_with_the_same_number_stay_apart() -> None:
    lists = watchlists({ANNA: (movie("tmdb:1"), show("tmdb:1"))})
    assert {one.title.type for one in wanted_titles_of(lists, (ANNA,))} == {MOVIE, SHOW}


def test_titles_without_any_id_stay_wanted() -> None:
    lists = watchlists({ANNA: (movie(name="New"), movie(name="Newer")), BEN: (movie(name="New"),)})
    assert len(wanted_titles_of(lists, (ANNA, BEN))) == 3


def test_people_that_get_no_labels_want_nothing() -> None:
    lists = watchlists({ANNA: (movie(KEY),), BEN: (movie(OTHER_KEY),)})
    assert [one.people for one in wanted_titles_of(lists, (BEN,))] == [(BEN,)]


@given(all_watchlists())
def test_merging_keeps_every_title_of_every_person(lists: Watchlists) -> None:
    wanted_titles = wanted_titles_of(lists, lists.people)
    for person in lists.people:
        for title in lists.titles[person.id]:
            assert any(
                person in one.people and one.title.type is title.type and title.ids <= one.title.ids
                for one in wanted_titles
            )


@given(all_watchlists())
def test_merging_invents_nothing(lists: Watchlists) -> None:
    for one in wanted_titles_of(lists, lists.people):
        assert one.people
        assert len(set(one.people)) == len(one.people)
        assert len(one.title.plex_ids) <= 1
        for person in one.people:
            assert any(
                title.type is one.title.type and title.ids <= one.title.ids
                for title in lists.titles[person.id]
            )


@given(all_watchlists())
def test_no_two_wanted_titles_have_the_same_plex_key(lists: Watchlists) -> None:
    keys = [
        (one.title.type, key)
        for one in wanted_titles_of(lists, lists.people)
        for key in one.title.plex_ids
    ]
    assert len(set(keys)) == len(keys)


# Items


def test_every_edition_and_copy_of_a_title_is_found() -> None:
    heat = wanted_title(movie(KEY, "tmdb:949"), ANNA)
    items = [
        item("1", KEY, "tmdb:949"),
        item("2", KEY, "tmdb:949"),
        item("3", KEY, "tmdb:949", library="3"),
        item("4", "tmdb:949", library="4"),  # legacy agent
        item("5", OTHER_KEY, "tmdb:1"),
    ]
    assert found([heat], items) == [{"1", "2", "3", "4"}]


def test_item_of_a_legacy_agent_is_found_by_its_external_id() -> None:
    assert found(
        [wanted_title(movie(KEY, "imdb:tt0113277"), ANNA)], [item("1", "imdb:tt0113277")]
    ) == [{"1"}]


def test_item_that_shares_only_its_weakest_number_is_another_movie() -> None:
    heat = wanted_title(movie(KEY, "imdb:tt0113277", "tmdb:949", "tvdb:7"), ANNA)
    other = item("1", OTHER_KEY, "imdb:tt0089881", "tmdb:11645", "tvdb:7")
    assert found([heat], [other]) == [set()]
    assert found([heat], [item("1", "tmdb:11645", "tvdb:7")]) == [set()]
    assert found([heat], [item("1", "tvdb:7")]) == [{"1"}]


def test_item_with_a_new_key_is_found_while_all_numbers_agree() -> None:
    heat = wanted_title(movie(KEY, "imdb:tt0113277", "tmdb:949"), ANNA)
    assert found([heat], [item("1", OTHER_KEY, "imdb:tt0113277", "tmdb:949")]) == [{"1"}]
    assert found([heat], [item("1", OTHER_KEY, "imdb:tt0113277", "tmdb:1")]) == [set()]


def test_item_with_several_numbers_of_one_provider_is_found_by_any() -> None:
    dark = wanted_title(movie(KEY, "imdb:tt1"), ANNA)
    assert found([dark], [item("1", "imdb:tt1", "imdb:tt2", "imdb:tt3")]) == [{"1"}]


def test_show_is_never_taken_for_the_movie_with_the_same_number() -> None:
    heat = wanted_title(movie("tmdb:1"), ANNA)
    assert found([heat], [item("1", "tmdb:1", library="2", type_=SHOW)]) == [set()]


def test_item_with_another_key_counts_when_no_item_has_the_right_one() -> None:
    heat = wanted_title(movie(KEY, "tmdb:949"), ANNA)
    stranger = item("1", OTHER_KEY, "tmdb:949")
    assert found([heat], [stranger]) == [{"1"}]
    assert found([heat], [stranger, item("2", KEY)]) == [{"2"}]
    assert found([heat], [item("2", KEY), stranger]) == [{"2"}]


def test_item_that_several_wanted_titles_may_mean_counts_for_all_of_them() -> None:
    wanted_titles = [
        wanted_title(movie(KEY, "tmdb:949"), ANNA),
        wanted_title(movie(OTHER_KEY, "tmdb:949"), BEN),
    ]
    assert found(wanted_titles, [item("1", "tmdb:949")]) == [{"1"}, {"1"}]


def test_title_that_pulsarr_knows_without_a_key_is_found_by_its_external_id() -> None:
    assert found([wanted_title(movie("tmdb:949"), ANNA)], [item("1", KEY, "tmdb:949")]) == [{"1"}]


def test_item_without_ids_belongs_to_no_one() -> None:
    assert found([wanted_title(movie(), ANNA), wanted_title(movie(KEY), BEN)], [item("1")]) == [
        set(),
        set(),
    ]


@given(all_watchlists(), library_items(), st.data())
def test_items_are_found_by_their_ids_and_type_alone(
    lists: Watchlists, items: list[Item], data: st.DataObject
) -> None:
    wanted_titles = wanted_titles_of(lists, lists.people)
    matcher = Matcher(wanted_titles)
    cut = data.draw(st.integers(0, len(items)))
    matcher.offer(items[:cut])  # in pages, in any order
    matcher.offer(reversed(items[cut:]))
    for index, one in enumerate(wanted_titles):
        related = {
            entry
            for entry in items
            if entry.type is one.title.type and same(entry.ids, one.title.ids)
        }
        own = {entry for entry in related if not entry.ids.isdisjoint(one.title.plex_ids)}
        keyless = {entry for entry in related if not any(i.startswith("plex:") for i in entry.ids)}
        expected = own | keyless if own else related
        matched = matcher.items(index)
        assert set(matched) == expected
        assert len({entry.rating_key for entry in matched}) == len(matched)


@given(st.lists(all_watchlists(), min_size=1, max_size=3), st.data())
def test_wanted_titles_are_those_of_the_present_watchlists_whatever_was_merged_before(
    several: list[Watchlists], data: st.DataObject
) -> None:
    merger = Merger()
    for _ in range(5):
        # Some lists are the same objects as before, some are others, some people are left out.
        lists = data.draw(st.sampled_from(several))
        chosen = data.draw(st.lists(st.sampled_from(lists.people or (ANNA,)), unique=True))
        titles = {**lists.titles}
        for person in chosen:
            other = data.draw(st.sampled_from(several))
            if data.draw(st.booleans()):
                titles[person.id] = other.titles.get(person.id, ())
        present = replace(lists, titles=titles)
        expected = wanted_titles_of(present, chosen)
        assert merger.wanted_titles(present, tuple(chosen)) == expected
        assert merger.wanted_titles(present, tuple(chosen)) == expected


def test_wanted_titles_are_merged_only_when_a_watchlist_has_changed() -> None:
    merger = Merger()
    lists = watchlists({ANNA: (movie(KEY),), BEN: (movie(KEY),)})
    before = merger.wanted_titles(lists, lists.people)
    assert merger.wanted_titles(replace(lists, read_at=5.0), lists.people) is before
    assert merger.wanted_titles(lists, (ANNA,)) == (wanted_title(movie(KEY), ANNA),)


# Asking which titles are the same


def test_titles_are_the_same_when_they_share_an_id_and_the_type() -> None:
    assert movie(KEY, "tmdb:1").same_as(movie("tmdb:1"))
    assert not movie("tmdb:1").same_as(show("tmdb:1"))
    assert not movie("tmdb:1").same_as(movie("tmdb:2"))
    assert not movie().same_as(movie())


@given(st.lists(titles, max_size=6), titles)
def test_index_finds_exactly_the_titles_that_are_the_same(known: list[Title], one: Title) -> None:
    index = TitleIndex(known)
    positions = tuple(number for number, other in enumerate(known) if other.same_as(one))
    assert index.find(one) == positions
    assert (one in index) is bool(positions)


def test_who_wants_some_titles_is_found_by_any_of_their_ids() -> None:
    heat, dark = movie(KEY, "tmdb:1"), show(OTHER_KEY, "tmdb:1")
    lists = watchlists({ANNA: (heat, dark), BEN: (dark,), CARL: (heat,)})
    asked = (movie("tmdb:1"), show("tmdb:1"), movie("tmdb:2"))
    settings = SyncSettings(exclude_people=frozenset({CARL.id}))
    assert people_wanting(asked, lists, settings) == (("anna",), ("anna", "ben"), ())


def test_wanted_titles_of_three_people_for_overlapping_titles() -> None:
    heat, dark = movie(KEY, "tmdb:1"), show(OTHER_KEY, "tmdb:1")
    lists = watchlists({ANNA: (heat, dark), BEN: (dark,), CARL: (movie("tmdb:1"),)})
    wanted_titles = {one.title.type: one.people for one in wanted_titles_of(lists, lists.people)}
    assert wanted_titles == {MOVIE: (ANNA, CARL), SHOW: (ANNA, BEN)}
