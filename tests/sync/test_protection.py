"""What is believed of an answer of Pulsarr."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_label_sync.sync.changes import Row
from custom_components.plex_label_sync.sync.ledger import Ledger
from custom_components.plex_label_sync.sync.model import (
    Failure,
    LabelledItem,
    Person,
    SyncSettings,
    Title,
    Watchlists,
)
from custom_components.plex_label_sync.sync.person_id import PersonId, pulsarr_id
from custom_components.plex_label_sync.sync.protection import (
    EXPLAINED_FOR,
    EXPLAINED_MAX,
    READ_AGAIN_AFTER,
    Baseline,
    Doubts,
    Evidence,
    ListMemory,
    counted_people,
    doubted_lists,
)
from custom_components.plex_label_sync.sync.run import HoldReason

from .builders import ANNA, BEN, item, movie

NO_PEOPLE, SHRUNK = HoldReason.NOBODY_LISTED, HoldReason.WATCHLISTS_SHRUNK
TITLES = tuple(movie(f"imdb:tt{number}") for number in range(40))


def lists(titles: Mapping[int, int | tuple[Title, ...]], at: float = 0.0) -> Watchlists:
    """Return the watchlists of anna and ben, by how many titles are on them."""
    people = tuple(one for number, one in ((1, ANNA), (2, BEN)) if number in titles)
    return Watchlists(
        people,
        {
            pulsarr_id(key): TITLES[:one] if isinstance(one, int) else one
            for key, one in titles.items()
        },
        at,
    )


def found_shrunk(
    memory: ListMemory,
    watchlists: Watchlists,
    counted: Iterable[PersonId],
    *,
    believe: bool = False,
) -> frozenset[PersonId]:
    """Return the people whose lists are not believed, as a run finds out."""
    return memory.find_shrunk(watchlists, counted, memory.lost_most(watchlists), believe=believe)


# Everybody


@pytest.mark.parametrize(
    ("before", "people", "why"),
    [
        (None, 0, set()),
        (Baseline(0, 0), 0, set()),
        (Baseline(1, 0), 0, {NO_PEOPLE}),
        (Baseline(3, 0), 0, {NO_PEOPLE}),
        (Baseline(3, 0), 1, {SHRUNK}),
        (Baseline(4, 0), 2, set()),  # just half
        (Baseline(5, 0), 2, {SHRUNK}),
        (Baseline(2, 0), 1, set()),  # one who is gone is for the lists to doubt
    ],
)
def test_fewer_than_half_of_the_people_are_not_believed(
    before: Baseline | None, people: int, why: set[HoldReason]
) -> None:
    assert doubted_lists(before, people, 0, SyncSettings()) == why


@pytest.mark.parametrize(
    ("before", "titles", "doubted"),
    [
        (100, 50, False),  # just half
        (100, 49, True),
        (6, 1, True),
        (5, 0, True),
        (4, 0, False),  # so few are everyday life
        (10, 900, False),
        (100, None, False),  # some lists could not be read: there is nothing to compare
    ],
)
def test_fewer_than_half_of_the_titles_are_not_believed(
    before: int, titles: int | None, doubted: bool
) -> None:
    found = doubted_lists(Baseline(3, before), 3, titles, SyncSettings())
    assert found == ({SHRUNK} if doubted else set())


def test_titles_are_compared_only_while_the_same_peoples_are_counted() -> None:
    settings = SyncSettings(exclude_people=frozenset({pulsarr_id(1)}))
    before = Baseline(3, 100, counted_people(settings))
    assert doubted_lists(before, 3, 9, settings) == {SHRUNK}
    for other in (
        SyncSettings(),
        replace(settings, exclude_people=frozenset({pulsarr_id(1), pulsarr_id(2)})),
        replace(settings, sync_disabled_people=True),
    ):
        assert doubted_lists(before, 3, 9, other) == frozenset()
    assert doubted_lists(before, 0, 9, SyncSettings()) == {NO_PEOPLE}


# One list


def test_list_that_lost_more_than_half_is_believed_when_it_is_read_so_again() -> None:
    memory = ListMemory()
    assert found_shrunk(memory, lists({1: 20, 2: 9}), (pulsarr_id(1), pulsarr_id(2))) == frozenset()
    assert found_shrunk(memory, lists({1: 9, 2: 9}, 100.0), (pulsarr_id(1), pulsarr_id(2))) == {
        pulsarr_id(1)
    }
    assert found_shrunk(
        memory, lists({1: 9, 2: 9}, 99.0 + READ_AGAIN_AFTER), (pulsarr_id(1), pulsarr_id(2))
    ) == {pulsarr_id(1)}
    assert (
        found_shrunk(
            memory, lists({1: 9, 2: 9}, 100.0 + READ_AGAIN_AFTER), (pulsarr_id(1), pulsarr_id(2))
        )
        == frozenset()
    )
    assert (memory.counts, memory.doubted) == ({pulsarr_id(1): 9, pulsarr_id(2): 9}, {})


def test_no_one_counts_as_gone_while_most_are_missing_and_were_not_asked_for() -> None:
    people = tuple(Person(pulsarr_id(one), f"person{one}") for one in range(1, 11))

    def listed(count: int, at: float) -> Watchlists:
        some = people[:count]
        return Watchlists(some, {person.id: TITLES[:6] for person in some}, at)

    everyone = [person.id for person in people]
    memory = ListMemory()
    found_shrunk(memory, listed(10, 0.0), everyone)
    memory.counts[everyone[-1]] = 0  # an empty list is no proof either
    for at in (100.0, 200.0 + READ_AGAIN_AFTER, 300.0 + 2 * READ_AGAIN_AFTER):
        assert memory.missing(people[:3], Ledger(), ()) == ()
        assert found_shrunk(memory, listed(3, at), everyone[:3]) == set(everyone[3:])
    assert {one.id for one in memory.missing(people[:6], Ledger(), ())} == set(everyone[6:])

    assert found_shrunk(memory, listed(3, 9000.0), everyone[:3], believe=True) == frozenset()
    assert memory.missing(people[:3], Ledger(), ()) == ()


def test_same_read_does_not_confirm_itself_however_late_it_is_judged() -> None:
    memory = ListMemory()
    found_shrunk(memory, lists({1: 20}), (pulsarr_id(1),))
    once = lists({1: 0}, 100.0)
    for _ in range(3):
        assert found_shrunk(memory, once, (pulsarr_id(1),)) == {pulsarr_id(1)}
    other = replace(once, lists_read_at={pulsarr_id(1): 100.0}, read_at=9000.0)
    assert found_shrunk(memory, other, (pulsarr_id(1),)) == {pulsarr_id(1)}


def test_list_that_comes_back_was_never_gone() -> None:
    memory = ListMemory()
    found_shrunk(memory, lists({1: 20}), (pulsarr_id(1),))
    assert found_shrunk(memory, lists({1: 0}, 100.0), (pulsarr_id(1),)) == {pulsarr_id(1)}
    assert found_shrunk(memory, lists({1: 20}, 200.0), (pulsarr_id(1),)) == frozenset()
    assert found_shrunk(memory, lists({1: 0}, 900.0), (pulsarr_id(1),)) == {pulsarr_id(1)}


@pytest.mark.parametrize(
    ("before", "now", "doubted"), [(9, 4, True), (10, 5, False), (4, 0, False), (5, 0, True)]
)
def test_little_may_go_at_once(before: int, now: int, doubted: bool) -> None:
    for restarted in (False, True):
        memory = ListMemory()
        found_shrunk(memory, lists({1: before}), (pulsarr_id(1),))
        if restarted:
            memory = ListMemory(memory.counts, memory.doubted)
        assert found_shrunk(memory, lists({1: now}, 1.0), (pulsarr_id(1),)) == (
            {pulsarr_id(1)} if doubted else frozenset()
        )


def test_list_of_others_is_one_that_lost_all_even_if_it_is_as_long() -> None:
    memory = ListMemory()
    found_shrunk(memory, lists({1: 8}), (pulsarr_id(1),))
    assert found_shrunk(memory, lists({1: TITLES[20:28]}, 1.0), (pulsarr_id(1),)) == {pulsarr_id(1)}


def test_title_that_comes_with_more_ids_is_not_lost() -> None:
    memory = ListMemory()
    found_shrunk(memory, lists({1: 8}), (pulsarr_id(1),))
    more = tuple(replace(one, ids=one.ids | {f"tmdb:{at}"}) for at, one in enumerate(TITLES[:8]))
    assert found_shrunk(memory, lists({1: more}, 1.0), (pulsarr_id(1),)) == frozenset()


def test_doubt_outlives_a_restart() -> None:
    memory = ListMemory()
    found_shrunk(memory, lists({1: 20}), (pulsarr_id(1),))
    found_shrunk(memory, lists({1: 2}, 100.0), (pulsarr_id(1),))
    again = ListMemory(memory.counts, memory.doubted)
    assert found_shrunk(again, lists({1: 2}, 200.0), (pulsarr_id(1),)) == {pulsarr_id(1)}
    assert (
        found_shrunk(again, lists({1: 2}, 100.0 + READ_AGAIN_AFTER), (pulsarr_id(1),))
        == frozenset()
    )


def test_what_events_reported_is_no_loss() -> None:
    memory = ListMemory()
    found_shrunk(memory, lists({1: 10}), (pulsarr_id(1),))
    for title in TITLES[2:10]:
        memory.explain(title, 0.5)
    assert found_shrunk(memory, lists({1: 2}, 1.0), (pulsarr_id(1),)) == frozenset()


def test_events_are_not_kept_for_ever() -> None:
    memory = ListMemory()
    found_shrunk(memory, lists({1: 10}), (pulsarr_id(1),))
    for title in TITLES[2:10]:
        memory.explain(title, 0.5)
    for number in range(EXPLAINED_MAX):
        memory.explain(movie(f"tmdb:{number}"), 0.5)
    assert found_shrunk(memory, lists({1: 2}, 1.0), (pulsarr_id(1),)) == {pulsarr_id(1)}


def test_event_of_long_ago_explains_nothing() -> None:
    memory = ListMemory()
    found_shrunk(memory, lists({1: 10}), (pulsarr_id(1),))
    for title in TITLES[2:10]:
        memory.explain(title, 0.5)
    assert found_shrunk(memory, lists({1: 2}, 1.0 + EXPLAINED_FOR), (pulsarr_id(1),)) == {
        pulsarr_id(1)
    }


def test_someone_who_is_gone_counts_as_a_list_that_is_gone() -> None:
    memory = ListMemory()
    found_shrunk(memory, lists({1: 2, 2: 3}), (pulsarr_id(1), pulsarr_id(2)))
    assert found_shrunk(memory, lists({1: 2}, 10.0), (pulsarr_id(1),)) == {pulsarr_id(2)}
    assert (
        found_shrunk(memory, lists({1: 2}, 10.0 + READ_AGAIN_AFTER), (pulsarr_id(1),))
        == frozenset()
    )
    assert memory.counts == {pulsarr_id(1): 2}
    found_shrunk(memory, lists({1: 2, 2: 0}, 900.0), (pulsarr_id(1), pulsarr_id(2)))
    assert (
        found_shrunk(memory, lists({1: 2}, 901.0), (pulsarr_id(1),)) == frozenset()
    )  # there was nothing to lose


def test_someone_who_comes_back_was_never_gone() -> None:
    memory = ListMemory()
    found_shrunk(memory, lists({1: 2, 2: 3}), (pulsarr_id(1), pulsarr_id(2)))
    found_shrunk(memory, lists({1: 2}, 10.0), (pulsarr_id(1),))
    assert (
        found_shrunk(memory, lists({1: 2, 2: 3}, 20.0), (pulsarr_id(1), pulsarr_id(2)))
        == frozenset()
    )
    assert memory.doubted == {}


def test_list_that_could_not_be_read_is_neither_believed_nor_doubted() -> None:
    memory = ListMemory()
    found_shrunk(memory, lists({1: 20, 2: 3}), (pulsarr_id(1), pulsarr_id(2)))
    unread = Watchlists(
        (ANNA, BEN), {pulsarr_id(2): TITLES[:3]}, 10.0, {pulsarr_id(1): Failure.BUSY}
    )
    assert found_shrunk(memory, unread, (pulsarr_id(1), pulsarr_id(2))) == frozenset()
    assert memory.counts == {pulsarr_id(1): 20, pulsarr_id(2): 3}


def test_yes_to_whatever_goes_believes_the_lists() -> None:
    memory = ListMemory()
    found_shrunk(memory, lists({1: 20, 2: 20}), (pulsarr_id(1), pulsarr_id(2)))
    assert found_shrunk(memory, lists({1: 0}, 1.0), (pulsarr_id(1),), believe=True) == frozenset()
    assert memory.counts == {pulsarr_id(1): 0}


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(1, 400)), min_size=1, max_size=8))
def test_list_is_doubted_only_between_a_loss_and_the_second_read_of_it(
    reads: list[tuple[int, float]],
) -> None:
    memory, now, first = ListMemory(), 0.0, None
    found_shrunk(memory, lists({1: 20}), (pulsarr_id(1),))
    believed = 20
    for count, later in reads:
        now += later
        lost = believed - count >= 5 and 2 * (believed - count) > believed
        first = (first if first is not None else now) if lost else None
        doubted = first is not None and now - first < READ_AGAIN_AFTER
        assert found_shrunk(memory, lists({1: count}, now), (pulsarr_id(1),)) == (
            {pulsarr_id(1)} if doubted else frozenset()
        )
        if not doubted:
            believed, first = count, None
        assert memory.counts == {pulsarr_id(1): believed}


# What a row is for, and what is known of an item


def test_doubts_concern_rows_by_their_people_and_labels() -> None:
    row = Row("Anna", "1", "11", 5, (pulsarr_id(1), pulsarr_id(3)))
    assert Doubts(unread=frozenset({pulsarr_id(3)})).is_unread(row)
    assert not Doubts(unread=frozenset({pulsarr_id(2)})).is_unread(row)
    assert Doubts(unread_labels=frozenset({"anna"})).is_unread(row)
    assert Doubts(shrunk=frozenset({pulsarr_id(1)})).shrank(row)
    assert not Doubts(shrunk=frozenset({pulsarr_id(1)})).believes_about(row)
    assert not Doubts(lists=frozenset({NO_PEOPLE})).believes_about(row)
    assert Doubts(shrunk=frozenset({pulsarr_id(2)})).believes_about(row)


def test_item_is_proven_when_it_was_read_or_is_known_not_to_be_there() -> None:
    evidence = Evidence({"11": LabelledItem(item("11"), ())}, frozenset({"12"}))
    assert [evidence.proves(key) for key in ("11", "12", "13")] == [True, True, False]
