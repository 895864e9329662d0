"""What a first sync would do, person by person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, strategies as st

from custom_components.plex_label_sync.sync.first_sync import FirstSync, WhyNone, first_sync
from custom_components.plex_label_sync.sync.model import (
    Failure,
    Library,
    MediaType,
    Person,
    SyncSettings,
    Title,
    Watchlists,
    fold,
)
from custom_components.plex_label_sync.sync.naming import label_of
from custom_components.plex_label_sync.sync.person_id import pulsarr_id
from custom_components.plex_label_sync.sync.run import Run, RunKind, RunStatus
from custom_components.plex_label_sync.sync.wanted import labelled_people, wanted_titles_of

from .builders import add, item, movie, watchlists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custom_components.plex_label_sync.sync.changes import Change
    from custom_components.plex_label_sync.sync.model import Item

ROSA, TIM, NINA = (
    Person(pulsarr_id(1), "rosa"),
    Person(pulsarr_id(2), "tim"),
    Person(pulsarr_id(3), "nina"),
)
LIBRARIES = (Library("1", MediaType.MOVIE, "Movies"), Library("3", MediaType.MOVIE, "4K"))
HEAT, DUNE = movie("tmdb:1", name="Heat"), movie("tmdb:2", name="Dune")
NOTHING: tuple[Change, ...] = ()


def seen(
    lists: Watchlists,
    items: Mapping[Title, Sequence[Item]],
    changes: Sequence[Change] = NOTHING,
    settings: SyncSettings | None = None,
) -> FirstSync:
    """Return what is made of watchlists, of the items that were found, and of a dry run's changes."""
    settings = settings or SyncSettings()
    run = Run(
        id="1",
        kind=RunKind.FULL,
        dry_run=True,
        status=RunStatus.DONE,
        started=0.0,
        duration=0.0,
        changes=tuple(changes),
    )
    wanted_titles = wanted_titles_of(lists, labelled_people(lists, settings))
    matches = [(wanted, tuple(items.get(wanted.title, ()))) for wanted in wanted_titles]
    return first_sync(run, matches, lists, LIBRARIES, settings)


def test_labels_and_titles_are_counted_for_each_library() -> None:
    found = {
        HEAT: [item("1", "tmdb:1"), item("2", "tmdb:1"), item("9", "tmdb:1", library="3")],
        DUNE: [item("3", "tmdb:2")],
    }
    result = seen(
        watchlists({ROSA: [HEAT, DUNE]}),
        found,
        [add("rosa", "1"), add("rosa", "2"), add("rosa", "9", "3")],
    )

    (rosa,) = result.people
    movies, uhd = rosa.libraries
    assert (movies.library, movies.labels, movies.titles, movies.there) == (
        "Movies",
        2,
        ("Heat",),
        1,
    )
    assert (uhd.library, uhd.labels, uhd.titles, uhd.there) == ("4K", 1, ("Heat",), 0)
    assert rosa.labels == 3
    assert result.titles == 1


def test_title_that_is_nowhere_is_missing_for_each_who_wants_it_and_once_in_all() -> None:
    result = seen(watchlists({ROSA: [HEAT, DUNE], TIM: [HEAT]}), {DUNE: [item("3", "tmdb:2")]})

    assert result.missing == ("Heat",)
    assert [one.missing for one in result.people] == [("Heat",), ("Heat",)]


def test_who_gets_nothing_is_reported_with_the_reason() -> None:
    off = Person(pulsarr_id(4), "marta", can_sync=False)
    lists = watchlists({ROSA: [HEAT], TIM: [], NINA: [], off: [HEAT]})
    lists = Watchlists(lists.people, lists.titles, 0.0, unread={NINA.id: Failure.IMPLAUSIBLE})

    result = seen(lists, {HEAT: [item("1", "tmdb:1")]}, [add("rosa", "1")])

    assert dict(result.without) == {
        TIM: WhyNone.NOTHING_WANTED,
        NINA: WhyNone.NOT_READ,
        off: WhyNone.SYNC_OFF,
    }
    assert [one.named.person for one in result.people] == [ROSA]


def test_trouble_comes_first_and_then_who_gets_most() -> None:
    other = Person(pulsarr_id(5), "ROSA")
    found = {HEAT: [item("1", "tmdb:1")], DUNE: [item("3", "tmdb:2")]}
    result = seen(
        watchlists({NINA: [HEAT], TIM: [HEAT, DUNE], ROSA: [HEAT], other: []}),
        found,
        [add("nina", "1"), add("tim", "1"), add("tim", "3"), add("rosa", "1")],
    )

    assert [one.named.person.username for one in result.people] == ["rosa", "tim", "nina"]


@given(
    st.dictionaries(
        st.sampled_from([ROSA, TIM, NINA]), st.lists(st.sampled_from([HEAT, DUNE]), unique=True)
    ),
    st.sets(st.tuples(st.sampled_from([ROSA, TIM, NINA]), st.sampled_from(["1", "2", "9"]))),
)
def test_no_label_is_lost_and_none_counted_twice(
    wanted: dict[Person, list[Title]], labelled: set[tuple[Person, str]]
) -> None:
    found = {
        HEAT: [item("1", "tmdb:1"), item("9", "tmdb:1", library="3")],
        DUNE: [item("2", "tmdb:2")],
    }
    changes = [
        add(person.username, one.rating_key, one.library)
        for person, titles in wanted.items()
        for title in titles
        for one in found[title]
        if (person, one.rating_key) not in labelled
    ]

    result = seen(watchlists(wanted), found, changes)

    assert sum(share.labels for share in result.people) == len(changes)
    for share in result.people:
        own = fold(label_of(share.named.person, MediaType.MOVIE, SyncSettings()))
        assert share.labels == sum(fold(change.label) == own for change in changes)
        titles = wanted[share.named.person]
        assert {name for one in share.libraries for name in one.titles} <= {
            title.name for title in titles
        }
    assert {one.named.person for one in result.people} | {one for one, _ in result.without} == set(
        wanted
    )
